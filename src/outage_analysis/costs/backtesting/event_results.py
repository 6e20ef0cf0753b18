"""The result of a comparison of events: its tables and the sentences that summarise them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import comb
from typing import Literal, get_args

import polars as pl
from scipy import special

from outage_analysis.costs.backtesting.results import rounded_table
from outage_analysis.incidents import EventComparisonSpec
from outage_analysis.policies import Policy
from outage_analysis.text import (
    DEFAULT_LEVEL,
    FACTS,
    Column,
    Locale,
    ShortRepr,
    TableSchema,
    UnitByRow,
)

Basis = Literal["earlier", "other_events", "other_classes"]
BASES: tuple[Basis, ...] = get_args(Basis)
HEADLINE_BASIS: Basis = "other_events"
"""The basis of the answer: the event that is forecast is left out as a whole."""
Quantity = Literal["rate", "ratio", "payment"]
Refusal = Literal["no_class", "no_published_spread", "stated_later", "published_later"]
"""Why there is no forecast; the words are labels."""
CERTAINTY = 0.95
"""The level of the two binomial ranges in the summary."""

QUANTITY_UNIT = UnitByRow("quantity", {"ratio": "decimal", "payment": "money"}, otherwise="share")
EVENT = Column("event", "name", "Id of the event.", label="compared_event")
OUTCOME = Column("outcome", "name", "Id of the outcome: of a published class, or of the document.")
QUANTITY = Column("quantity", "word", "rate, ratio or payment.", label="compared_quantity", shown=False)
BASIS = Column("basis", "word", "What the forecast uses: earlier, other_events or other_classes.")
SCORED = Column("scored", "flag", "Whether the outcome counts among the hits and misses.", shown=False)
EVENT_FORECASTS = TableSchema(
    "One row per outcome and basis.",
    (
        replace(EVENT, shown=False),
        replace(OUTCOME, label="outcome_name"),
        QUANTITY,
        replace(BASIS, shown=False),
        SCORED,
        Column("bound", "word", "Whether the outcome is only a bound: at_least or at_most.", shown=False),
        Column(
            "classes", "count", "Number of classes that the forecast follows from; else empty.", shown=False
        ),
        Column("range_low", QUANTITY_UNIT, "Low end of the likely range of the forecast."),
        Column("p50", QUANTITY_UNIT, "Median of the forecast."),
        Column("range_high", QUANTITY_UNIT, "High end of the likely range of the forecast."),
        Column("sharpness", "decimal", "High end of the likely range divided by its low end.", shown=False),
        Column("observed", QUANTITY_UNIT, "The outcome."),
        Column("percentile", "share", "Percentile of the outcome in the forecast."),
        Column("inside", "flag", "Whether the outcome lies in the likely range.", shown=False),
        Column("verdict", "word", "inside, miss_low or miss_high."),
        Column("outcome_known", "flag", "Whether the authors of the rule knew the outcome.", shown=False),
        Column("limits", "text", "Ids of the sentences that state what cannot be shown.", shown=False),
        replace(FACTS, shown=False),
    ),
)
EVENT_SUMMARY = TableSchema(
    "One row per basis; only scored outcomes count.",
    (
        BASIS,
        Column("scored", "count", "Number of scored forecasts.", label="scored_forecasts"),
        Column("inside", "count", "Number of outcomes in the likely range.", label="inside_count"),
        Column("events", "count", "Number of events with a scored forecast.", label="compared_events"),
        Column(
            "refused", "count", "Number of scored outcomes without a forecast.", label="refused_forecasts"
        ),
        Column(
            "typical_sharpness",
            "decimal",
            "Median of high end divided by low end of the ranges.",
            shown=False,
        ),
        Column("expected_inside", "decimal", "Expected number inside if the rule were right.", shown=False),
        Column(
            "inside_low",
            "count",
            "Low end of the 95 % range of the number inside if the rule were right.",
            shown=False,
        ),
        Column(
            "inside_high",
            "count",
            "High end of the 95 % range of the number inside if the rule were right.",
            shown=False,
        ),
        Column("so_few", "share", "Chance of so few or fewer inside if the rule were right.", shown=False),
        Column("coverage_low", "share", "Low end of the exact 95 % interval of the true coverage."),
        Column("coverage_high", "share", "High end of the exact 95 % interval of the true coverage."),
    ),
)
EVENTS_REFUSED = TableSchema(
    "One row per outcome and basis without a forecast.",
    (
        replace(EVENT, shown=False),
        replace(OUTCOME, label="outcome_name"),
        QUANTITY,
        BASIS,
        SCORED,
        Column("reason", "word", "no_class, no_published_spread, stated_later or published_later."),
    ),
)
EVENTS_NOT_COMPARED = TableSchema(
    "One row per published figure without a comparison.",
    (
        EVENT,
        Column("figure", "text", "The figure."),
        Column("reason", "text", "Why it is not compared."),
    ),
)
EVENT_TABLES = {
    "summary": EVENT_SUMMARY,
    "forecasts": EVENT_FORECASTS,
    "refused": EVENTS_REFUSED,
    "not_compared": EVENTS_NOT_COMPARED,
}
"""The columns of the tables of a comparison of events, in the order in which they are printed."""


def event_summary(forecasts: pl.DataFrame, refused: pl.DataFrame, level: int) -> pl.DataFrame:
    """Count the scored outcomes inside their likely range, beside what chance alone would give.

    The ranges of the number inside and of the coverage assume independent outcomes. The bundled outcomes are
    not independent, so the true ranges are wider.

    Args:
        forecasts: the columns of `EVENT_FORECASTS`.
        refused: the columns of `EVENTS_REFUSED`.
        level: the probability of the likely range in percent.

    Returns:
        The columns of `EVENT_SUMMARY`, one row per basis.
    """
    rows: list[dict[str, object]] = []
    for basis in BASES:
        scored = forecasts.filter(pl.col("scored"), basis=basis)
        count, inside = len(scored), int(scored["inside"].sum())
        rows.append(
            {
                "basis": basis,
                "scored": count,
                "inside": inside,
                "events": scored["event"].n_unique(),
                "refused": len(refused.filter(pl.col("scored"), basis=basis)),
                "typical_sharpness": scored["sharpness"].median(),
            }
            | _chance_columns(inside, count, level / 100)
        )
    return rounded_table(rows, EVENT_SUMMARY)


def _chance_columns(inside: int, count: int, rate: float) -> dict[str, object]:
    """Return the exact binomial columns of `EVENT_SUMMARY`; without a forecast they are empty."""
    if not count:
        return {}
    at_most = [_binomial_cdf(k, count, rate) for k in range(count + 1)]
    tail = (1 - CERTAINTY) / 2
    coverage = special.betaincinv
    return {
        "expected_inside": count * rate,
        "inside_low": next(k for k, p in enumerate(at_most) if p > tail),
        "inside_high": next(k for k, p in enumerate(at_most) if p >= 1 - tail),
        "so_few": at_most[inside],
        # The interval of Clopper and Pearson (1934).
        "coverage_low": float(coverage(inside, count - inside + 1, tail)) if inside else 0.0,
        "coverage_high": float(coverage(inside + 1, count - inside, 1 - tail)) if inside < count else 1.0,
    }


def _binomial_cdf(k: int, count: int, rate: float) -> float:
    return min(sum(comb(count, j) * rate**j * (1 - rate) ** (count - j) for j in range(k + 1)), 1.0)


@dataclass(frozen=True, repr=False)
class EventComparison(ShortRepr):
    """Outcomes of several events, each beside its forecast from the other events.

    Args:
        spec: the specification of the comparison.
        policy: the policy whose currency the mean payments are in; None without mean payments.
        forecasts: the columns of `EVENT_FORECASTS`, one row per outcome and basis. Rates are shares, ratios
            are numbers, mean payments are in the smallest unit of the currency.
        summary: the columns of `EVENT_SUMMARY`: hits by basis, beside what chance alone would give.
        refused: the columns of `EVENTS_REFUSED`: outcomes without a forecast on a basis.
        not_compared: the columns of `EVENTS_NOT_COMPARED`: figures without a comparison, in English.
        level: the probability of the likely range in percent.
    """

    spec: EventComparisonSpec
    policy: Policy | None = field(repr=False)
    forecasts: pl.DataFrame
    summary: pl.DataFrame
    refused: pl.DataFrame = field(repr=False)
    not_compared: pl.DataFrame = field(repr=False)
    level: int = DEFAULT_LEVEL

    def answer(self, locale: Locale) -> list[str]:
        """Return the answer: whether forecasts are blind, how many are inside, and what that proves."""
        locale = replace(locale, level=self.level)
        main = self.summary.row(by_predicate=pl.col("basis") == HEADLINE_BASIS, named=True)
        names = self.outcome_names(locale.lang)
        scored = self.forecasts.filter(pl.col("scored"), basis=HEADLINE_BASIS)
        misses = [names[x] for x in scored.filter(~pl.col("inside"))["outcome"]]
        sentences = [
            *([locale("other_events.not_blind")] if self.spec.outcome_known else []),
            locale(
                "other_events.inside",
                inside=main["inside"],
                count=main["scored"],
                misses=len(misses),
                names="; ".join(misses) or "–",
            ),
        ]
        if main["scored"]:
            sentences.append(
                locale(
                    "other_events.chance",
                    low=main["inside_low"],
                    high=main["inside_high"],
                    count=main["scored"],
                    coverage_low=locale.share(main["coverage_low"]),
                    coverage_high=locale.share(main["coverage_high"]),
                    events=main["events"],
                    times=locale.number(locale.rounded(main["typical_sharpness"])),
                )
            )
        return [*sentences, *self._other_bases(locale)]

    def _other_bases(self, locale: Locale) -> Iterator[str]:
        """Yield a sentence on the true forecasts, from earlier events, and on leaving out a single class."""
        for row in self.summary.filter(pl.col("basis") != HEADLINE_BASIS).iter_rows(named=True):
            yield locale(
                f"other_events.{row['basis']}",
                inside=row["inside"],
                count=row["scored"],
                refused=row["refused"],
            )

    def limit_sentences(self, locale: Locale) -> list[str]:
        """Return one sentence per limit, with the comparisons it applies to and what they cannot show."""
        names = {x.id: f"{x.id} ({x.name[locale.lang]})" for x in self.spec.outcomes}
        limited: dict[str, dict[str, None]] = {}
        for outcome, limits in self.forecasts.select("outcome", "limits").iter_rows():
            for limit in limits.split():
                limited.setdefault(limit, {})[names.get(outcome, outcome)] = None
        return [
            locale("other_events.limit", names="; ".join(limited[x.id]), text=x.text[locale.lang])
            for x in self.spec.limits
            if x.id in limited
        ]

    def outcome_names(self, lang: str) -> dict[str, str]:
        """Return the names of the outcomes in a language, by id; a class has the name of its event."""
        classes = {
            name: f"{self.spec.event_of(name).name[lang]}, {name}"
            for group in self.spec.groups
            for name in group.classes
        }
        return classes | {
            x.id: f"{self.spec.event(x.event).name[lang]}: {x.name[lang]}" for x in self.spec.outcomes
        }

    def display_tables(self, lang: str) -> dict[str, pl.DataFrame]:
        """Return the tables for readers: forecasts of the headline basis only, scored ones apart."""
        events = {x.id: x.name[lang] for x in self.spec.events}
        forecasts = self.forecasts.filter(basis=HEADLINE_BASIS)
        gaps: list[dict[str, object]] = [
            {"event": events[x.event], "figure": x.name[lang], "reason": x.reason[lang]}
            for x in self.spec.not_compared
        ]
        return {
            "summary": self.summary,
            "forecasts": forecasts.filter("scored"),
            "not_scored": forecasts.filter(~pl.col("scored")),
            "refused": self.refused,
            "not_compared": rounded_table(gaps, EVENTS_NOT_COMPARED),
        }
