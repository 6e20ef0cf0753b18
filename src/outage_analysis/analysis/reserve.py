"""The reserve figure: the cash and the handling of the lines with an obligation, by measure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from outage_analysis.analysis.results import AnalysisResult
from outage_analysis.analysis.summary import counted_notes, refuse_no_cash
from outage_analysis.costs import BRIDGE, Sample, Simulation, expected_estimate, rounded_estimate
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.text import Answer, Column, Locale, ShownTable, TableSchema

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

MONEY_VALUATIONS = ("cash", "incremental_cash")
"""Valuations that are money paid out. List prices and lost sales are not costs to book."""
HANDLING = "handling"
RESERVE = TableSchema(
    "One row per measure. Lines without an obligation are left out.",
    (
        Column("measure", "word", "Measure of the total: mean, p50 (median), p75 or p90."),
        Column(
            "cash",
            "money",
            "Cash paid out, with the incremental cash of free goods.",
            label="cash_paid",
        ),
        Column("handling", "money", "Cost of working through the claims; empty if the ledger states none."),
        Column("both", "money", "Cash and handling together, added draw by draw; quantiles do not add up."),
    ),
)
MEASURES: Mapping[str, float | None] = {"mean": None, "p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Measure of a reserve -> its probability; None for the mean."""
SPELLINGS = {"median": "p50", "P50": "p50", "P75": "p75", "P90": "p90"}
"""How users write a measure -> its name in the table."""


@dataclass(frozen=True)
class ReserveScope:
    """The cost lines that were public on the day of an analysis, by their place in the reserve."""

    counted: tuple[str, ...]
    """The lines with an expected cost in money."""
    handled: tuple[str, ...]
    """The lines whose handling has an expected cost."""
    unpriced: tuple[str, ...]
    """The lines that pay money and have no expected cost; the reserve does not include them."""
    not_due: tuple[str, ...]
    """The lines without an obligation."""


def reserve_scope(analysis: Analysis) -> ReserveScope:
    """Return which cost lines the reserve includes, and which it leaves out for what reason."""
    known, run = analysis.policy.public_by(analysis.as_of)[0], analysis.headline_run
    not_due = tuple(x.id for x in known if x.accounting and x.accounting.obligation == "none")
    if run is None:
        return ReserveScope((), (), (), not_due)
    portfolio = run.portfolio
    counted = {line for v in MONEY_VALUATIONS for line in portfolio.counted(v)} - {*not_due}
    missing = {line for v in MONEY_VALUATIONS for line in portfolio.left_out.get(v, ())}
    return ReserveScope(
        tuple(x.id for x in known if x.id in counted),
        tuple(x for x in portfolio.counted(HANDLING) if x not in not_due),
        tuple(x.id for x in known if x.id in missing - counted - {*not_due}),
        not_due,
    )


def reserve_mean(analysis: Analysis, lines: Collection[str] | None = None) -> float | None:
    """Return the mean cash of a reserve, in the smallest unit of the currency; None if no line has one.

    Args:
        analysis: the analysis.
        lines: ids of cost lines; by default all lines of the reserve.
    """
    chosen = reserve_scope(analysis).counted if lines is None else lines
    part = _of_lines(analysis.headline_run, MONEY_VALUATIONS, chosen)
    return None if part is None else _mean(part)


def reserve_table(analysis: Analysis) -> pl.DataFrame | None:
    """Return the reserve by measure; None if no line with an obligation has an expected cost in money.

    Returns:
        The columns of `RESERVE`, in the smallest unit of the currency. The means are those of the table of
        quantiles and add up exactly; `both` is added draw by draw on the same random points.
    """
    scope, run = reserve_scope(analysis), analysis.headline_run
    cash = _of_lines(run, MONEY_VALUATIONS, scope.counted)
    if cash is None:
        return None
    handling = _of_lines(run, (HANDLING,), scope.handled)
    parts = [cash] if handling is None else [cash, handling]
    means: list[float | None] = [_mean(part) for part in parts]
    draws = [np.sum([total.values for total in part.totals.values()], axis=0) for part in parts]
    if handling is not None:
        means.append(_mean(cash) + _mean(handling))
        draws.append(draws[0] + draws[1])
    samples, unknown = [Sample(values) for values in draws], [None] * (3 - len(draws))
    rows = []
    for measure, p in MEASURES.items():
        quantiles = [] if p is None else [rounded_estimate(x.quantile(p)).value for x in samples]
        rows.append((measure, *(quantiles or means), *unknown))
    return pl.DataFrame(rows, schema=RESERVE.dtypes, orient="row")


def parse_measure(text: object) -> str:
    """Return the measure of a reserve as the table names it.

    Raises:
        UsageError: there is no such measure.

    Example:
        >>> parse_measure("P75"), parse_measure("median")
        ('p75', 'p50')
    """
    measure = SPELLINGS.get(str(text), str(text))
    if measure not in MEASURES:
        known = ["mean", "median", "P75", "P90"]
        raise UsageError("no such measure of a reserve", value=text, remedy=spelling_hint(str(text), known))
    return measure


@dataclass(frozen=True)
class Reserve(AnalysisResult):
    """One amount to set aside, with its measure and scope, and what changed it since an earlier run.

    Raises:
        UsageError: there is no such measure, or `handling` is neither inside nor outside.
        ModelRefused: no line has an expected cost in cash, or handling is inside, and the ledger states none.
    """

    measure: str = "mean"
    """mean, median, P75 or P90."""
    handling: str = "outside"
    """Whether the cost of working through the claims is inside or outside the reserve."""
    since: str | None = None
    """The earlier run as the user names it."""
    moved: pl.DataFrame | None = None
    """The columns of `BRIDGE`: what changed since the earlier run."""

    def __post_init__(self) -> None:
        """Refuse a measure that does not exist or that the analysis cannot give."""
        _ = self.amount

    @cached_property
    def table(self) -> pl.DataFrame:
        """The reserve by measure."""
        table: pl.DataFrame | None = self.analysis.tables.get("reserve")
        if table is None:
            refuse_no_cash("a reserve")
        return table

    @cached_property
    def amount(self) -> float:
        """The reserve in the smallest unit of the currency."""
        if self.handling not in ("inside", "outside"):
            problem = "handling is neither inside nor outside"
            raise UsageError(problem, value=self.handling, remedy="Write one of them.")
        (row,) = self.table.filter(measure=parse_measure(self.measure)).rows(named=True)
        amount = row[self._column]
        if amount is None:
            raise ModelRefused(
                "the cost from this basis has no handling, so that it cannot be inside the reserve",
                remedy="State an assumption of the kind handling in the ledger, or leave handling outside.",
            )
        return float(amount)

    @property
    def _column(self) -> str:
        return "both" if self.handling == "inside" else "cash"

    def to_dict(self) -> dict[str, Any]:
        """Return the reserve as plain values, with its scope."""
        scope = reserve_scope(self.analysis)
        return {
            **self.inputs,
            "amount": self.amount,
            "measure": parse_measure(self.measure),
            "handling": self.handling,
            "lines": scope.counted,
            "without_price": scope.unpriced,
            "without_obligation": scope.not_due,
            "reserve": self.table.to_dicts(),
            **({} if self.moved is None else {"bridge": self.moved.to_dicts()}),
        }

    def answer(self, lang: str = "en") -> Answer:
        """Return the amount, what it includes and what moved it, then the reserve by measure."""
        locale = self.analysis.locale(lang)
        first, *others = self._sentences(locale)
        return Answer(locale, [self.mark(locale) + first, *others], self._tables(locale))

    def _sentences(self, locale: Locale) -> Iterator[str]:
        scope, names = reserve_scope(self.analysis), self.analysis.names(locale.lang)
        measure = parse_measure(self.measure)
        yield from counted_notes(self.analysis, locale)
        yield locale(
            f"terminal.reserve_{self.handling}",
            day=locale.day(self.analysis.as_of),
            amount=locale("report.exact", amount=locale.exact_money(self.amount), unit=locale.unit),
            measure=locale("word.median" if measure == "p50" else f"word.{measure}"),
        )
        for key, lines in (
            ("counts", scope.counted),
            ("reserve_unpriced", scope.unpriced),
            ("reserve_not_due", scope.not_due),
        ):
            if lines or key == "counts":
                yield locale(f"terminal.{key}", lines=", ".join(names[x] for x in lines))
        if note := reserve_note(self.table, locale, self._column):
            yield note
        if self.moved is None:
            return
        start, end = (self.moved.filter(step=step).row(0, named=True) for step in ("start", "end"))
        before, after = locale.money(start["total"]), locale.money(end["total"])
        yield locale("terminal.reserve_moved", run=self.since, before=before, after=after)
        if start["p90"] is not None and end["p90"] is not None:
            measure, before, after = locale("word.p90"), locale.money(start["p90"]), locale.money(end["p90"])
            yield locale("terminal.reserve_moved_range", measure=measure, before=before, after=after)

    def _tables(self, locale: Locale) -> Iterator[ShownTable]:
        units = locale("terminal.sums", currency=locale.currency)
        yield ShownTable(f"{locale('terminal.reserve')}{units}", self.table, RESERVE)
        if self.moved is not None:
            cash = locale("word.cash")
            title = locale("terminal.bridge", valuation=cash, currency=locale.currency)
            yield ShownTable(title, self.moved, BRIDGE)


def _of_lines(
    run: Simulation | None, valuations: Collection[str], lines: Collection[str]
) -> Simulation | None:
    """Return the part of a simulation that is of some valuations and lines; None if there is none."""
    part = run and run.with_terms(lambda term: term.valuation in valuations and term.line in lines)
    return part if part and part.portfolio.terms else None


def _mean(part: Simulation) -> float:
    return sum(expected_estimate(part, valuation).value for valuation in part.portfolio.valuations)


def reserve_note(table: pl.DataFrame | None, locale: Locale, column: str = "cash") -> str:
    """Say in a sentence that the mean exceeds P75, if it does as both are printed; otherwise return ""."""
    amounts = {} if table is None else dict(table.select("measure", column).iter_rows())
    mean, p75 = amounts.get("mean"), amounts.get("p75")
    if mean is None or p75 is None or mean <= p75 or locale.money(mean) == locale.money(p75):
        return ""
    return locale("report.reserve_skewed", measure="P75")
