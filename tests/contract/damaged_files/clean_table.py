"""The clean table of complaints that every damaged file is made from, with the records that it states."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import outage_analysis as oa

NAMES = ("claim_id", "service", "claimant_type", "filed_on", "loss")
"""The columns of a claim that a record compares."""
NOTE = "note"
"""A column of free text, which no claim keeps."""


@dataclass(frozen=True, order=True)
class Record:
    """One complaint as an attentive person reads it; `loss` is in the smallest unit of the currency."""

    claim_id: str
    service: str
    claimant_type: str
    filed_on: date
    loss: int | None

    @property
    def without_id(self) -> Record:
        """The record of a file that has no ids."""
        return replace(self, claim_id="")


@dataclass(frozen=True)
class Case:
    """An outage: its incident, and how its files write names and headers."""

    incident_id: str
    minor: int
    """Smallest units in one unit of the currency, such as 100 cents."""
    services: tuple[tuple[str, str], ...]
    """The id of a service, and its name in files."""
    types: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, ...], ...]
    """Sets of headers of the five columns; the first set is in English."""
    notes: tuple[str, ...]

    @property
    def incident(self) -> oa.Incident:
        """The incident that the files are read with."""
        return _incident(self.incident_id)


@lru_cache
def _incident(id_: str) -> oa.Incident:
    return oa.load_incident(Path(__file__).with_name(f"{id_}.toml") if id_ == "courier" else id_)


KAKAO = Case(
    "kakao-2022",
    1,
    (("kakaotalk", "카카오톡"), ("kakao_bank", "카카오뱅크"), ("kakao_t", "카카오티"), ("melon", "멜론")),
    (("general_user", "개인"), ("small_business", "소상공인"), ("mid_large_firm", "법인")),
    (NAMES, ("접수번호", "서비스", "이용자구분", "접수일", "피해금액")),
    ("전화 주세요", "주문 취소", "결제가 안 됨", "영업 못함", "재신고"),
)
COURIER = Case(
    "courier",
    100,
    (("parcel_app", "Paket-App"), ("pickup", "Abholstation"), ("customs", "Zollbüro")),
    (("private", "Privatkunde"), ("trader", "Händler")),
    (NAMES, ("Vorgang", "Dienst", "Kundenart", "Meldedatum", "Schaden")),
    ("bitte anrufen", "Paket verspätet", "App stürzt ab", "zweite Meldung", "kein Zugang"),
)


@dataclass(frozen=True)
class Table:
    """Rows of text below a header, and the record of each row."""

    case: Case
    columns: tuple[str, ...]
    """What each column holds: a name of `NAMES`, or another word for a column that no claim has."""
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    records: tuple[Record, ...]

    def at(self, column: str) -> int:
        """The position of a column."""
        return self.columns.index(column)

    def cell(self, row: int, column: str) -> str:
        """The text of a column in a row."""
        return self.rows[row][self.at(column)]

    def with_cells(self, column: str, text: Callable[[Record], str]) -> Table:
        """The table with other texts in a column, made from the records."""
        at = self.at(column)
        rows = (
            (*row[:at], text(record), *row[at + 1 :])
            for row, record in zip(self.rows, self.records, strict=True)
        )
        return replace(self, rows=tuple(rows))

    def with_cell(self, row: int, column: str, text: str) -> Table:
        """The table with another text in one cell."""
        at, cells = self.at(column), self.rows[row]
        changed = (*cells[:at], text, *cells[at + 1 :])
        return replace(self, rows=(*self.rows[:row], changed, *self.rows[row + 1 :]))

    def with_header(self, column: str, header: str) -> Table:
        """The table with another header of a column."""
        at = self.at(column)
        return replace(self, headers=(*self.headers[:at], header, *self.headers[at + 1 :]))

    def with_column(self, column: str, header: str, texts: Sequence[str], at: int | None = None) -> Table:
        """The table with a further column, by default the last one."""
        at = len(self.columns) if at is None else at
        return replace(
            self,
            columns=(*self.columns[:at], column, *self.columns[at:]),
            headers=(*self.headers[:at], header, *self.headers[at:]),
            rows=tuple((*r[:at], t, *r[at:]) for r, t in zip(self.rows, texts, strict=True)),
        )

    def without(self, column: str) -> Table:
        """The table without a column."""
        at = self.at(column)
        return self.in_order([c for c in range(len(self.columns)) if c != at])

    def in_order(self, order: Sequence[int]) -> Table:
        """The table with its columns in another order, or only some of them."""
        return replace(
            self,
            columns=tuple(self.columns[c] for c in order),
            headers=tuple(self.headers[c] for c in order),
            rows=tuple(tuple(row[c] for c in order) for row in self.rows),
        )

    def with_records(self, change: Callable[[int, Record], Record]) -> Table:
        """The table with other records; its texts stay as they are."""
        return replace(self, records=tuple(change(n, record) for n, record in enumerate(self.records)))


def clean_table(
    draw: random.Random,
    *,
    case: Case | None = None,
    note: bool | None = None,
    stated: bool = False,
    days: Sequence[date] = (),
) -> Table:
    """A table of 12 to 24 complaints, with days in ISO form and plain amounts.

    Args:
        draw: the source of all choices.
        case: the outage; by default a drawn one.
        note: whether a column of free text stands at the end; by default it is drawn.
        stated: whether every loss is stated; otherwise about one in ten is empty.
        days: the days that complaints may have; by default those of the claims window.
    """
    case = case or draw.choice((KAKAO, COURIER))
    incident = case.incident
    length = (incident.claims_to - incident.claims_from).days
    window = [incident.claims_from + timedelta(n) for n in range(length + 1)]
    prefix = draw.choice(("A-", "T", "C/"))
    first = draw.randrange(1_001, 8_000)
    records, rows = [], []
    for n in range(draw.randrange(12, 25)):
        service, type_ = draw.choice(case.services), draw.choice(case.types)
        day = draw.choice(list(days) or window)
        loss = None if not stated and n > 2 and draw.random() < 0.1 else drawn_loss(draw, case)
        record = Record(f"{prefix}{first + 3 * n}", service[0], type_[0], day, loss)
        records.append(record)
        rows.append((record.claim_id, service[1], type_[1], day.isoformat(), plain(record, case)))
    table = Table(case, NAMES, draw.choice(case.headers), tuple(rows), tuple(records))
    if note is None:
        note = draw.random() < 0.5
    if note:
        texts = [draw.choice(case.notes) for _ in rows]
        table = table.with_column(
            NOTE, NOTE if table.headers == NAMES else "비고" if case is KAKAO else "Notiz", texts
        )
    return table


def drawn_loss(draw: random.Random, case: Case) -> int:
    """A loss in the smallest unit: round sums and odd ones."""
    if case is KAKAO:
        return draw.choice((draw.randrange(1, 200) * 10_000, draw.randrange(1_000, 9_000_000)))
    return draw.choice((draw.randrange(1, 400) * 500, draw.randrange(100, 900_000)))


def plain(record: Record, case: Case) -> str:
    """The loss as plain digits, with a decimal point where the currency has cents; empty if not stated."""
    if record.loss is None:
        return ""
    return str(record.loss) if case.minor == 1 else f"{record.loss // 100}.{record.loss % 100:02d}"
