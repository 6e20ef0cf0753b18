"""The expected cost as a sum of products of named factors, for sliders and for formulas in a workbook.

The expected cost of a line is a sum of terms, because the inputs are independent. Each term is a base (a
count or an amount) times some factors. A slider or a workbook that changes a factor can compute the new
expected cost from the terms, and gets the result of the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from outage_analysis.assumptions import AMOUNT_KINDS, Award, BandMix, MeanPayment, RateAssumption
from outage_analysis.costs.portfolio import Portfolio
from outage_analysis.costs.terms import LABELS, Part, Term
from outage_analysis.text import TABLE_DIGITS, ShortRepr

DIGITS = 12
"""Factors are rounded to this many digits, because vector instructions differ in the last bits."""
Measure = Literal["share", "money", "times"]


@dataclass(frozen=True)
class LiveInput:
    """A factor of the expected cost that a reader can change with a slider."""

    id: str
    """The id of an assumption; for a band of a mix followed by its position. A tier has the id of its line,
    `pays` and its position."""
    kind: str
    """The kind of the assumption, or `pays` for the payment of a tier."""
    measure: Measure
    value: float
    """The value in the model: a share, an amount in the smallest unit of the currency, or a multiple."""
    low: float
    """The low end of the slider."""
    high: float
    """The high end of the slider, and the largest possible value of a share."""
    assumption: str = ""
    """The id of the assumption; empty for the payment of a tier, which the policy states."""
    line: str = ""
    """The id of the line, for a tier or a cap."""
    over: int | None = None
    """The lower edge of the loss band, for a tier or a band of a mix."""
    up_to: int | None = None
    """The upper edge of the loss band."""


@dataclass(frozen=True)
class Product:
    """A part of the expected cost of a line: `base` times the factors whose ids are in `factors`."""

    line: str
    valuation: str
    base: float
    factors: tuple[str, ...]
    service: str | None = None
    claimant_type: str | None = None
    over: int | None = None
    up_to: int | None = None
    rule: str = ""


@dataclass(frozen=True, repr=False)
class LiveCost(ShortRepr):
    """The expected cost of all lines as terms, and the factors that the terms share."""

    factors: tuple[LiveInput, ...]
    terms: tuple[Product, ...]

    def expected(self, valuation: str, changes: Mapping[str, float] | None = None) -> float:
        """Return the expected total of a valuation in the smallest currency unit, with some factors changed.

        Args:
            valuation: the kind of cost that is added up, such as `cash`.
            changes: the new values, by factor id.

        Raises:
            KeyError: there is no factor with that id.
        """
        values = {factor.id: factor.value for factor in self.factors}
        for name, value in (changes or {}).items():
            if name not in values:
                raise KeyError(name)
            values[name] = value
        sums = (
            math.prod((term.base, *(values[f] for f in term.factors)))
            for term in self.terms
            if term.valuation == valuation
        )
        return round_digits(sum(sums), TABLE_DIGITS)


def round_digits(value: float, digits: int = DIGITS) -> float:
    """Round a number to significant digits."""
    return float(pl.Series([value]).round_sig_figs(digits)[0]) if value else 0.0


def live_cost(portfolio: Portfolio) -> LiveCost | None:
    """Return the expected cost of a portfolio as a sum of terms.

    Args:
        portfolio: the terms and their inputs.

    Returns:
        The terms; None if the ledger declares correlations between inputs of the cash cost, because the mean
        of a product is then not the product of the means. A valuation other than cash has no terms if its
        inputs are correlated.
    """
    if portfolio.has_correlated_inputs("cash"):
        return None
    factors: dict[str, LiveInput] = {}
    terms = [term for term in portfolio.terms if not portfolio.has_correlated_inputs(term.valuation)]
    products = [product for term in terms for product in _products(term, portfolio, factors)]
    return LiveCost(tuple(factors.values()), tuple(products))


def _products(term: Term, portfolio: Portfolio, factors: dict[str, LiveInput]) -> Iterator[Product]:
    if term.capacity is not None:
        yield _capacity_product(term, portfolio, factors)
        return
    plain = [*term.scales, *term.rates]
    for name in (*plain, term.award):
        if name:
            factors.setdefault(name, _factor_of_assumption(name, portfolio))
    for part in term.parts:
        used = list(plain)
        if term.mix and part.band is not None:
            used.append(_share_of_mix(term, part, portfolio, factors))
        for label in part.labels:
            base, tier = _tier(term, part, label)
            if tier is not None:
                factors.setdefault(tier.id, tier)
            own = [term.award] if part.reviewed else [tier.id] if tier else []
            yield Product(
                term.line, term.valuation, round_digits(base), (*used, *own), **_select_labels(label)
            )


def _select_labels(label: Mapping[str, object]) -> dict[str, Any]:
    return {k: v for k, v in label.items() if k in LABELS}


def _factor_of_assumption(name: str, portfolio: Portfolio) -> LiveInput:
    entry = portfolio.entries[name]
    values = entry.range  # type: ignore[union-attr] # a mix is no scale, rate or award
    measure: Measure = "times"
    if isinstance(entry, RateAssumption):
        measure = "share"
    elif entry.kind in AMOUNT_KINDS or isinstance(entry, Award | MeanPayment):
        measure = "money"
    high = 1.0 if measure == "share" else max(values.high, 2 * values.expected)
    return LiveInput(
        name, entry.kind, measure, round_digits(values.expected), 0.0, round_digits(high), assumption=name
    )


def _share_of_mix(term: Term, part: Part, portfolio: Portfolio, factors: dict[str, LiveInput]) -> str:
    mix = portfolio.entries[term.mix]
    assert isinstance(mix, BandMix)  # noqa: S101 - what a term calls its mix is one
    band = mix.bands[part.band or 0]
    name = f"{term.mix}.{part.band}"
    share = LiveInput(
        name, "band_mix", "share", round_digits(band.share), 0.0, 1.0,
        assumption=term.mix, over=band.over, up_to=band.up_to,
    )  # fmt: skip
    factors.setdefault(name, share)
    return name


def _tier(term: Term, part: Part, label: Mapping[str, Any]) -> tuple[float, LiveInput | None]:
    base = part.paid * float(label.get("share", 1.0))
    tier = label.get("tier")
    if tier is None:
        return base, None
    factor = LiveInput(
        f"{term.line}.pays.{tier.position}", "pays", "money", tier.payment, 0.0, 10 * tier.payment,
        line=term.line, over=label["over"], up_to=label["up_to"],
    )  # fmt: skip
    return base / tier.payment, factor


def _capacity_product(term: Term, portfolio: Portfolio, factors: dict[str, LiveInput]) -> Product:
    rate = portfolio.entries[term.rates[0]] if term.rates else None
    served, most = term.accepted_share.expected or 0.0, (term.capacity or 0.0) / term.trials
    name, kind = f"{term.line}.served", rate.kind if rate else "take_up"
    factors[name] = LiveInput(
        name, kind, "share", round_digits(served), 0.0, round_digits(most),
        assumption=rate.id if rate else "", line=term.line,
    )  # fmt: skip
    return Product(term.line, term.valuation, round_digits(term.parts[0].paid), (name,), rule=term.rule)
