"""The expected cost as a sum of products of named inputs: what sliders and a live workbook compute.

Every line is multilinear in independent inputs, so its expected cost is a sum of terms, each a base (a
count of reports or people, or a sum) times some factors. Whoever changes a factor computes the new
expected cost without the model, and gets what the model would give.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from outage_analysis.assumptions import SUMS, Award, BandMix, MeanPayment, RateAssumption
from outage_analysis.costs.expected import SIGNIFICANT_DIGITS
from outage_analysis.costs.uncertainty.portfolio import LABELS, Part, Portfolio, Stream
from outage_analysis.policies import Policy, Schedule

DIGITS = 12
"""Factors are rounded to this: vector instructions differ in the last bits."""
Measure = Literal["share", "money", "times"]


@dataclass(frozen=True)
class Factor:
    """One number that a reader may change."""

    id: str
    """An assumption's id; of one band of a mix and of a tier, with the line and the band's place."""
    kind: str
    """The assumption's kind, or `pays`: what a tier pays."""
    measure: Measure
    value: float
    """As the model has it: a share, an amount in the smallest unit of the currency, or a multiple."""
    low: float
    high: float
    """Where a slider begins and ends; `high` is also the most that a share can be."""
    assumption: str = ""
    """The assumption that it is, or is a part of; empty for a tier, which the policy states."""
    line: str = ""
    """The line whose tier or cap it is."""
    over: int | None = None
    up_to: int | None = None
    """The loss band, of a tier and of a share of a mix."""


@dataclass(frozen=True)
class Term:
    """A part of a line's expected cost: `base` times its factors."""

    line: str
    valuation: str
    base: float
    factors: tuple[str, ...]
    service: str | None = None
    claimant_type: str | None = None
    over: int | None = None
    up_to: int | None = None
    rule: str = ""


@dataclass(frozen=True)
class CostTerms:
    """Every line that has an expected cost, as terms, and the factors that they share."""

    factors: tuple[Factor, ...]
    terms: tuple[Term, ...]

    def expected(self, valuation: str, given: Mapping[str, float] | None = None) -> float:
        """The expected total of a valuation in the smallest unit, with some factors at other values.

        Raises:
            KeyError: a factor that there is not.
        """
        values = {factor.id: factor.value for factor in self.factors}
        for name, value in (given or {}).items():
            if name not in values:
                raise KeyError(name)
            values[name] = value
        sums = (
            math.prod((term.base, *(values[f] for f in term.factors)))
            for term in self.terms
            if term.valuation == valuation
        )
        return round_digits(sum(sums), SIGNIFICANT_DIGITS)


def round_digits(value: float, digits: int = DIGITS) -> float:
    """A figure to so many significant digits."""
    return float(pl.Series([value]).round_sig_figs(digits)[0]) if value else 0.0


def cost_terms(portfolio: Portfolio, policy: Policy) -> CostTerms | None:
    """A portfolio as sums of products.

    Args:
        portfolio: what is paid, and the inputs.
        policy: whose tiers become factors of their own.

    Returns:
        None when inputs of the cash are declared to depend on each other: means do not multiply then. Of
        other money with such inputs there is no term.
    """
    if portfolio.has_correlated_inputs("cash"):
        return None
    factors: dict[str, Factor] = {}
    streams = [
        stream for stream in portfolio.streams if not portfolio.has_correlated_inputs(stream.valuation)
    ]
    terms = [term for stream in streams for term in _terms(stream, portfolio, policy, factors)]
    return CostTerms(tuple(factors.values()), tuple(terms))


def _terms(
    stream: Stream, portfolio: Portfolio, policy: Policy, factors: dict[str, Factor]
) -> Iterator[Term]:
    if stream.capacity is not None:
        yield _capped(stream, portfolio, factors)
        return
    plain = [*stream.scales, *stream.rates]
    for name in (*plain, stream.award):
        if name:
            factors.setdefault(name, _of_assumption(name, portfolio))
    for part in stream.parts:
        used = list(plain)
        if stream.mix and part.band is not None:
            used.append(_share_of_mix(stream, part, portfolio, factors))
        for label in part.labels:
            base, tier = _tier(stream, part, label, policy)
            if tier is not None:
                factors.setdefault(tier.id, tier)
            own = [stream.award] if part.reviewed else [tier.id] if tier else []
            yield Term(stream.line, stream.valuation, round_digits(base), (*used, *own), **_labelled(label))


def _labelled(label: Mapping[str, object]) -> dict[str, Any]:
    return {k: v for k, v in label.items() if k in LABELS}


def _of_assumption(name: str, portfolio: Portfolio) -> Factor:
    entry = portfolio.entries[name]
    found = entry.range  # type: ignore[union-attr] # a mix is no scale, rate or award
    measure: Measure = "times"
    if isinstance(entry, RateAssumption):
        measure = "share"
    elif entry.kind in SUMS or isinstance(entry, Award | MeanPayment):
        measure = "money"
    high = 1.0 if measure == "share" else max(found.high, 2 * found.expected)
    return Factor(
        name, entry.kind, measure, round_digits(found.expected), 0.0, round_digits(high), assumption=name
    )


def _share_of_mix(stream: Stream, part: Part, portfolio: Portfolio, factors: dict[str, Factor]) -> str:
    mix = portfolio.entries[stream.mix]
    assert isinstance(mix, BandMix)  # noqa: S101 - what a stream calls its mix is one
    band = mix.bands[part.band or 0]
    name = f"{stream.mix}.{part.band}"
    share = Factor(
        name, "band_mix", "share", round_digits(band.share), 0.0, 1.0,
        assumption=stream.mix, over=band.over, up_to=band.up_to,
    )  # fmt: skip
    factors.setdefault(name, share)
    return name


def _tier(
    stream: Stream, part: Part, label: Mapping[str, object], policy: Policy
) -> tuple[float, Factor | None]:
    """The base of a term, and what its tier pays where the policy says one amount."""
    base = part.paid * float(str(label.get("share", 1.0)))
    line = policy.line(stream.line)
    if part.reviewed or label.get("rule") != "pays" or not isinstance(line, Schedule) or line.segments:
        return base, None
    band = (label["over"], label["up_to"])
    for place, (written, _) in enumerate(line.positive):
        least, most = line.tariff.extremes(written)
        if written == band and least == most and least:
            pays = float(least)
            tier = Factor(
                f"{line.id}.pays.{place}", "pays", "money", pays, 0.0, 10 * pays,
                line=line.id, over=written[0], up_to=written[1],
            )  # fmt: skip
            return base / pays, tier
    return base, None


def _capped(stream: Stream, portfolio: Portfolio, factors: dict[str, Factor]) -> Term:
    """First come, first served: the mean share that is served is a factor of the line's own."""
    rate = portfolio.entries[stream.rates[0]] if stream.rates else None
    most = (stream.capacity or 0.0) / stream.trials
    value = rate.capped(most).expected if isinstance(rate, RateAssumption) else most
    name = f"{stream.line}.served"
    kind = rate.kind if rate else "take_up"
    served = Factor(
        name, kind, "share", round_digits(value), 0.0, round_digits(most),
        assumption=rate.id if rate else "", line=stream.line,
    )  # fmt: skip
    factors.setdefault(name, served)
    return Term(stream.line, stream.valuation, round_digits(stream.parts[0].paid), (name,), rule="in_kind")
