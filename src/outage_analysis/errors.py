"""The exceptions of the package; each class has the exit code that the command line returns."""

from __future__ import annotations

from typing import ClassVar

REPORT_BUG = "This is a mistake of ours: please report it with the file's layout."


def one_line(text: object, limit: int = 200) -> str:
    """Text from outside as one safe terminal line: control characters are escaped, long text is cut."""
    text_found = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return text_found if len(text_found) <= limit else text_found[: limit - 1] + "…"


class OutageAnalysisError(Exception):
    """An error as one line: where it occurred, what is wrong, and what to do.

    Args:
        problem: what is wrong, without a final full stop.
        file: the file.
        row: the row in the file (the header of a CSV is row 1).
        line: the line, for a text document.
        column: the column or key.
        value: the offending value, printed as received.
        remedy: what the user can do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        row: int | None = None,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
        remedy: str = "",
    ) -> None:
        self.problem, self.file, self.row, self.line = problem, file, row, line
        self.column, self.value, self.remedy = column, value, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = [
            one_line(self.file) if self.file is not None else "",
            f"row {self.row:,}" if self.row is not None else "",
            f"line {self.line:,}" if self.line is not None else "",
            one_line(self.column) if self.column is not None else "",
        ]
        place = ", ".join(part for part in where if part)
        text_found = f" (found '{one_line(self.value, 80)}')" if self.value is not None else ""
        line = (f"{place}: " if place else "") + one_line(self.problem, 560) + text_found
        return f"{line}. {one_line(self.remedy, 400)}" if self.remedy else line


class VerificationFailed(OutageAnalysisError):
    """A figure or a file differs from the recorded one."""

    exit_code = 1


class UsageError(OutageAnalysisError):
    """An invalid option, id or TOML document."""

    exit_code = 2


class InputRefused(OutageAnalysisError):
    """The data cannot be read, or too many rows were rejected."""

    exit_code = 3


class DisclosureBlocked(OutageAnalysisError):
    """A privacy rule forbids the export."""

    exit_code = 4


class ModelRefused(OutageAnalysisError):
    """The model has too little information for a result."""

    exit_code = 5


class EnvironmentFailed(OutageAnalysisError):
    """A problem of the disk, fonts, permissions or a server."""

    exit_code = 6


def check_level(level: float) -> None:
    """Raise an error if the level of an interval is not strictly between 0 and 1.

    Raises:
        UsageError: the level is outside that range.
    """
    if not 0 < level < 1:
        raise UsageError(
            "a level lies between 0 and 1, ends excluded", value=level, remedy="Write 95% or 0.95."
        )
