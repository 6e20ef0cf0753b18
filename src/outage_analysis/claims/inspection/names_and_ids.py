"""Names and ids of a derived incident: its services and claimant types, and its fixed texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from outage_analysis.claims.header_words import means_personal_data
from outage_analysis.claims.inspection.columns import Column
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import normalized_name
from outage_analysis.text import find_personal_data, masked_name

MAX_NAMES, MAX_NAME_LENGTH, MAX_ID_LENGTH = 200, 120, 48
"""Most different services or claimant types, and the longest name and id of one, in a derived incident."""
NO_TYPE = {"id": "claimant", "name": {"en": "Claimant", "ko": "신고자"}}
"""The only claimant type if the files have no column for it."""
LOSS_NAME = {"en": "Stated loss", "ko": "신고 손실"}
DERIVED_LIMIT = {
    "en": "The services, claimant types and days of this outage were read from the complaint files, not from "
    "a description of the outage. The start of the outage is the first day of a complaint.",
    "ko": "서비스, 신고자 유형, 날짜는 장애 기록이 아니라 신고 파일에서 읽었습니다. "
    "장애 시작일은 첫 신고일로 두었습니다.",
}
NO_CLAIMANTS = {
    "en": "No column of the complaint files was recognised as the id of the claimant, so each claim counts "
    "as a claimant of its own.",
    "ko": "신고 파일에서 신고자 번호 열을 찾지 못해 신고 한 건을 신고자 한 명으로 셉니다.",
}


@dataclass(frozen=True)
class Names:
    """The different values of a column of names, such as services, with their spellings."""

    spellings: dict[str, list[str]]
    """Name without case and spaces -> its spellings, the most frequent first."""

    @classmethod
    def from_columns(cls, columns: Sequence[tuple[str, Column]], kind: str) -> Names:
        """Collect the names in one column of each file; `columns` pairs the name of a file with its column.

        Raises:
            InputRefused: a column has too many or too long values, or personal data.
        """
        counts: dict[str, int] = {}
        for file, column in columns:
            values = column.texts.filter(pl.col("text").str.strip_chars() != "")
            if column.distinct > MAX_NAMES or len(max(values["text"], key=len, default="")) > MAX_NAME_LENGTH:
                raise InputRefused(
                    f"has {column.distinct:,} different values, too many for a {kind}",
                    file=masked_name(file),
                    column=column.header,
                    remedy=f'Name the right column: columns={{"{kind}": "..."}}.',
                )
            if find_personal_data(values["text"]) or means_personal_data(column.header):
                raise InputRefused(
                    f"holds personal data, so it is no {kind}",
                    file=masked_name(file),
                    column=column.header,
                    remedy=f'Name the right column: columns={{"{kind}": "..."}}.',
                )
            for text, rows in values.iter_rows():
                counts[text.strip()] = counts.get(text.strip(), 0) + rows
        spellings: dict[str, list[str]] = {}
        for text in sorted(counts, key=lambda t: (-counts[t], t)):
            spellings.setdefault(normalized_name(text), []).append(text)
        return cls(spellings)

    def items(self, prefix: str, reserved: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Return one TOML table per name: its id, its name and its other spellings.

        The id is the name in lower-case Latin letters; if that gives no unused id, it is numbered.
        """
        used, items = set(reserved), list[dict[str, Any]]()
        for number, texts in enumerate(self.spellings.values(), start=1):
            plain = identifier(texts[0])
            id_ = plain if plain and plain not in used else f"{prefix}-{number}"
            used.add(id_)
            item: dict[str, Any] = {"id": id_, "name": {"en": texts[0]}}
            items.append(item | ({"aliases": tuple(texts[1:])} if texts[1:] else {}))
        return items


def identifier(text: str, separator: str = "-") -> str:
    """Return a text as an id of lower-case Latin letters and digits; empty if it has other letters."""
    apart = unicodedata.normalize("NFKD", text)
    if any(c.isalpha() and not c.isascii() for c in apart):
        return ""
    plain = apart.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", separator, plain).strip("-_")[:MAX_ID_LENGTH].rstrip("-_")
