"""Where quotation marks may stand in a delimited text."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MISPLACED = "a quotation mark inside a field that does not begin with one"


@dataclass(frozen=True)
class Quoting:
    """The marks of one delimited text: where it begins, its delimiter and its quotation mark."""

    path: Path
    begin: int
    delimiter: str
    quote: str
    """An empty text where every mark is text."""
    spaced: bool
    """Whether spaces behind a delimiter are skipped."""

    def problem(self, record: str, cells: list[str]) -> str:
        """What is wrong with the quotation marks of a record that the csv module has cut into cells, or "".

        A file without a quoted field may have marks in its texts: 5" is five inches. In a file with
        quoted fields, a mark inside a field that is not quoted has lost the delimiter before it, or its
        partner. So has a mark behind a space, unless spaces are skipped.
        """
        if not self.quote or not any(self.quote in cell for cell in cells):
            return ""
        if self._well_formed.fullmatch(record):
            return ""
        return MISPLACED if self._behind_a_space.search(record) or self._quotes_fields else ""

    @cached_property
    def _well_formed(self) -> re.Pattern[str]:
        """A record whose fields are quoted as a whole or hold no mark."""
        mark, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        spaces = " *+" if self.spaced else ""
        quoted = f"{spaces}{mark}[^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+{mark}"
        field = f"(?:{quoted}|[^{mark}{delimiter}]*+)"
        return re.compile(f"{field}(?:{delimiter}{field})*+[\r\n]*")

    @cached_property
    def _behind_a_space(self) -> re.Pattern[str]:
        """A mark at the beginning of a field, with spaces before it."""
        return re.compile(f"(?:^|{re.escape(self.delimiter)}) +{re.escape(self.quote)}")

    @cached_property
    def _quotes_fields(self) -> bool:
        """Whether any field of the file is quoted: the first mark behind a delimiter or a line opens one."""
        mark, delimiter = (re.escape(text.encode()) for text in (self.quote, self.delimiter))
        opening = re.compile(b"(?:[\r\n]|" + delimiter + b")" + b" *" * self.spaced + mark)
        with self.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            first = text[self.begin : self.begin + 1] == self.quote.encode()
            return first or opening.search(text, self.begin) is not None


def spaces_follow(text: str, delimiter: str, quote: str) -> bool:
    """Whether a space is behind every delimiter of a text before which a field begins that is not empty."""
    mark, delimiter = re.escape(quote), re.escape(delimiter)
    bare = re.sub(f"{mark}[^{mark}]*{mark}", "x", text)
    return f"{delimiter} " in bare and re.search(f"{delimiter}[^ {delimiter}\r\n]", bare) is None
