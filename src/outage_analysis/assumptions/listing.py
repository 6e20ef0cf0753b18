"""A ledger as a table: what each assumption is, its law, its ends and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator

import polars as pl

from outage_analysis.assumptions.band_mixes import BandMix
from outage_analysis.assumptions.entries import Entry, OneLaw
from outage_analysis.assumptions.ledger import Assumption, Ledger
from outage_analysis.assumptions.rates import RateAssumption
from outage_analysis.assumptions.reviews import Award, Handling
from outage_analysis.datasets import Noun
from outage_analysis.labels import Words

SUMS = ("review_award", "mean_payment", "paid_total", "handling")
"""Kinds whose value is a sum in the smallest unit of the currency; the others are numbers and shares."""
SCHEMA: dict[str, pl.DataType] = {
    "assumption": pl.String(),
    "kind": pl.String(),
    "distribution": pl.String(),
    "expected": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "lines": pl.String(),
    "segment": pl.String(),
    "source": pl.String(),
    "facts": pl.String(),
    "rationale": pl.String(),
    "grade": pl.String(),
    "public_on": pl.Date(),
    "owner": pl.String(),
    "approved_by": pl.String(),
    "outcome_known": pl.Boolean(),
}


ENGLISH = Words("en")
VALUES = ("low", "mode", "high", "median", "value", "values", "branches", "law")
"""Parameters of a law that are values of what it is about, or hold such."""
LARGE = 1_000
"""From here on a parameter has separators and no decimals."""


def ledger_table(ledger: Ledger) -> pl.DataFrame:
    """One row an assumption: the columns of `SCHEMA`.

    `distribution` writes out the law; `expected`, `low` and `high` are null for a band mix, which is not
    one number; `segment` is the effort class that it holds for, empty for all.
    """
    rows = [
        {
            "assumption": a.id,
            "kind": a.kind,
            "distribution": distribution(a),
            **dict(zip(("expected", "low", "high"), _ends(a), strict=True)),
            "lines": " ".join(a.lines),
            "segment": a.effort or "",
            "source": a.source.en,
            "facts": " ".join(dict.fromkeys((*a.facts, *a.computed_from))),
            "rationale": a.rationale.en,
            "grade": a.grade,
            "public_on": a.public_on,
            "owner": a.owner,
            "approved_by": a.approved_by,
            "outcome_known": a.outcome_known,
        }
        for a in ledger.assumptions
    ]
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col(pl.Float64).round_sig_figs(6))


def _ends(entry: Assumption) -> tuple[float | None, float | None, float | None]:
    if isinstance(entry, BandMix):
        return None, None, None
    found = entry.range
    return found.expected, found.low, found.high


def inputs(entry: Assumption, words: Words) -> tuple[str, str]:
    """The expected value of an assumption and its bounds, as its kind is said."""
    if isinstance(entry, BandMix):
        shares = " / ".join(words.share(band.share) for band in entry.bands)
        return shares, f"{words.share(0)} – {words.share(1)}"
    found = entry.range
    if entry.kind in SUMS:
        low, high = (words.exact_money(round(value)) for value in (found.low, found.high))
        return f"{words.exact_money(round(found.expected))} {words.unit}".rstrip(), f"{low} – {high}"
    if isinstance(entry, RateAssumption):
        return words.share(found.expected), f"{words.share(found.low)} – {words.share(found.high)}"
    return f"{found.expected:.3g}", f"{found.low:.3g} – {found.high:.3g}"


def grade(entry: Entry, words: Words) -> str:
    """How good the evidence of an assumption is: a letter, or a word where there is none."""
    return words(f"word.{entry.grade}") if entry.grade in ("assumed", "example") else entry.grade


def warning(ledger: Ledger | None, words: Words) -> str:
    """How many of its assumptions are examples, so that no figure may be used; empty where none is."""
    if ledger is None or not ledger.examples:
        return ""
    counts = words.number(len(ledger.examples)), words.number(len(ledger.assumptions))
    return words("report.examples", count=counts[0], total=counts[1])


def distribution(entry: Assumption, words: Words = ENGLISH) -> str:
    """The law of an assumption, written out: `pert(low 5, high 60)`; sums in whole currency."""
    unit = 10**words.minor_units if entry.kind in SUMS else 1
    if isinstance(entry, OneLaw):
        return in_words(entry.drawn, words, unit)
    if isinstance(entry, BandMix):
        shares = ", ".join(f"{band.share:.4g}" for band in entry.bands)
        if entry.size is None:
            return f"{words('law.fixed')}({shares})"
        return f"{words('law.dirichlet')}({shares}; {words('law.size')} {entry.size:g})"
    if isinstance(entry, Award):
        return in_words(entry.law, words, unit) if entry.law else "; ".join(_rules(entry, words))
    if isinstance(entry, Handling):
        counts = [in_words(law, words) for law in (entry.people, entry.weeks)]
        return " × ".join([*counts, in_words(entry.weekly_wage, words, unit)])
    raise TypeError(type(entry))


def _rules(award: Award, words: Words) -> Iterator[str]:
    """A mixture over rules, each with its weight."""
    for rule in award.rules:
        told = [in_words(rule.share, words)]
        told += [in_words(award.loss, words, 10**words.minor_units)] if award.loss else []
        ends = [words("explain.floor", amount=words.exact_money(rule.floor))] if rule.floor else []
        ends += [words("explain.limit", amount=words.exact_money(rule.cap))] if rule.cap is not None else []
        yield f"{rule.weight:.3g}: {', '.join([' × '.join(told), *ends])}"


def in_words(law: Noun, words: Words = ENGLISH, unit: int = 1) -> str:
    """A law and its parameters, those that are values of it divided by a unit."""
    named = {name: getattr(law, name) for name in type(law).model_fields if name != "kind"}
    units = {name: unit if name in VALUES else 1 for name in named}
    parameters = [
        f"{words(f'law.{name}')} {_value(value, words, units[name])}" for name, value in named.items()
    ]
    kind = getattr(law, "kind", "law")
    return f"{words(f'law.{kind}')}({', '.join(parameters)})"


def _value(value: object, words: Words, unit: int) -> str:
    if isinstance(value, Noun):
        return in_words(value, words, unit)
    if isinstance(value, tuple):
        return " ".join(_value(inner, words, unit) for inner in value)
    if not isinstance(value, float | int):
        return str(value)
    if unit > 1:
        return words.exact(value / unit)
    return f"{value:,.0f}" if LARGE <= abs(value) < math.inf else f"{value:,.6g}"
