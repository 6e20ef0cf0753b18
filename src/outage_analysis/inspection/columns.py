"""One column of a file nobody has seen yet, and what its texts say."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from outage_analysis.incidents import Incident, Named
from outage_analysis.layouts import folded, unit_of
from outage_analysis.notations import AMOUNTS, DATES, amount_sql, day_sql
from outage_analysis.privacy import found, masked
from outage_analysis.queries import quoted
from outage_analysis.warehouse import Warehouse

MOST_TEXTS = 100_000
"""Different texts of a column that are looked at."""
ENOUGH = 0.5
"""The share of a column's texts that must fit for a proposal."""
HINTS = {
    "claim_id": ("번호", "id", "no", "number", "case", "ticket"),
    "claimant_id": ("회원", "고객", "신고자", "customer", "claimant", "user"),
    "filed_on": ("일시", "일자", "날짜", "접수일", "date", "time", "day", "on", "at"),
    "loss": ("금액", "손실", "피해", "amount", "loss", "damage"),
}
"""Words in a header that speak for a column, where its texts do too; Korean ones may be part of a word."""
CLEAR = ("iso", "korean", "dmy", "mdy")
"""Notations of days that are not also numbers."""


class Column:
    """One column of the file, with what its texts say."""

    def __init__(self, warehouse: Warehouse, name: str, header: str, incident: Incident) -> None:
        self.header = header
        self.texts = warehouse.frame(
            f"select trim({quoted(name)}) as text, count(*) as rows from staged "
            f"where trim({quoted(name)}) <> '' group by all order by rows desc, text limit {MOST_TEXTS}"
        )
        counted = warehouse.frame(
            f"select count(*) as rows, count(nullif(trim({quoted(name)}), '')) as given, "
            f"count(distinct nullif(trim({quoted(name)}), '')) as different from staged"
        ).row(0, named=True)
        self.rows, self.given, self.distinct = counted["rows"], counted["given"], counted["different"]
        self.days = _fitting(
            warehouse, self.texts, {n: day_sql("text", [n], incident.time_zone) for n in DATES}
        )
        self.scale = unit_of(header)
        digits, scale = incident.loss_digits, self.scale
        code = incident.loss_currency
        self.amounts = _fitting(
            warehouse,
            self.texts,
            {n: amount_sql("text", [n], digits=digits, scale=scale, currency=code) for n in AMOUNTS},
        )
        self.services = self._named(incident.services)
        self.claimant_types = self._named(incident.claimant_types)
        self.personal = found(self.texts["text"])

    def _named(self, items: Sequence[Named]) -> float:
        """The share of the rows that name one of these."""
        spellings = {s for item in items for s in item.spellings()}
        rows = sum(rows for text, rows in self.texts.iter_rows() if folded(text) in spellings)
        return rows / self.given if self.given else 0.0

    def hints_at(self, name: str) -> bool:
        """Whether the header has a word that speaks for a canonical column."""
        words = re.findall(r"[a-z]+", self.header.casefold())
        return any(hint in (words if hint.isascii() else folded(self.header)) for hint in HINTS[name])

    def reads_as(self) -> str:
        """What most of its texts are."""
        if not self.given:
            return "nothing"
        if self.services >= ENOUGH:
            return "service"
        if self.claimant_types >= ENOUGH:
            return "claimant_type"
        clear = self.days.select("rows", *CLEAR)
        if _share(self.days if self.hints_at("filed_on") else clear) >= ENOUGH:
            return "day"
        return "amount" if _share(self.amounts) >= ENOUGH else "text"

    def notations(self, reads_as: str) -> list[str]:
        """The notations that its days or amounts need."""
        return _needed({"day": self.days, "amount": self.amounts}.get(reads_as, pl.DataFrame()))

    @property
    def either(self) -> bool:
        """Whether every day could be the month as well."""
        read = self.days.filter(pl.any_horizontal(pl.exclude("rows")))
        return len(read) > 0 and bool((read["dmy"] & read["mdy"]).all())

    def summary(self) -> tuple[object, ...]:
        """What the table of columns says of it."""
        missing = 1 - self.given / self.rows if self.rows else 1.0
        kind = self.personal[0] if self.personal else None
        example = masked(self.texts["text"][0]) if self.given else None
        reads_as = self.reads_as()
        notations = ", ".join(self.notations(reads_as)) or None
        return reads_as, notations, round(missing, 4), self.distinct, kind, example


def _fitting(warehouse: Warehouse, texts: pl.DataFrame, expressions: dict[str, str]) -> pl.DataFrame:
    """One row a text: how many rows have it, and by which notations it can be read."""
    warehouse.load("_texts", texts)
    tests = ", ".join(f"({sql}) is not null as {quoted(name)}" for name, sql in expressions.items())
    return warehouse.frame(f"select rows, {tests} from _texts")


def _share(fits: pl.DataFrame) -> float:
    """The share of the rows that some notation reads."""
    rows = int(fits["rows"].sum())
    read = int(fits.filter(pl.any_horizontal(pl.exclude("rows")))["rows"].sum())
    return read / rows if rows else 0.0


def _needed(fits: pl.DataFrame) -> list[str]:
    """The fewest notations that read what can be read: each next one reads the most of what is left."""
    chosen: list[str] = []
    while len(fits):
        read = {n: fits.filter(pl.col(n))["rows"].sum() for n in fits.columns if n != "rows"}
        best = max(read, key=lambda name: read[name])
        if not read[best]:
            break
        chosen.append(best)
        fits = fits.filter(~pl.col(best))
    return chosen
