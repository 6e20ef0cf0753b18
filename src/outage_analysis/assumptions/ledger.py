"""The ledger of assumptions: every uncertain input, who owns it and why it is what it is."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Self

import polars as pl
from pydantic import Field, model_validator

from outage_analysis.assumptions.band_mixes import BandMix
from outage_analysis.assumptions.entries import Entry, OneDistribution
from outage_analysis.assumptions.rates import Factor, MeanPayment, PaidTotal, RateAssumption
from outage_analysis.assumptions.reviews import Award, Handling
from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    Text,
    bundled_ids,
    find_duplicate,
    read_document,
)
from outage_analysis.policies import Effort, decimal_places
from outage_analysis.text import Card, Displayable, Locale, Table, first_rows, short_names

Assumption = Annotated[
    RateAssumption | Factor | BandMix | Award | MeanPayment | PaidTotal | Handling,
    Field(discriminator="kind"),
]


class Correlation(Document):
    """A rank correlation declared between two assumptions; all others are independent."""

    of: tuple[Identifier, Identifier]
    """The two assumptions."""
    rank: Annotated[float, Field(gt=-1, lt=1)]
    """Spearman's coefficient of their values; of a band mix, of the share of its last band."""
    rationale: Text
    """Why they move together."""


class Ledger(Displayable, Document):
    """The list of assumptions behind one run."""

    id: Identifier
    """What commands call it by."""
    name: Name
    """What readers call it."""
    incident: Identifier
    """The incident that it is about."""
    as_of: Day
    """The day whose knowledge it states; that of a run unless another is asked for."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """ISO code of the currency that its sums count in, in the smallest unit; it must be the incident's."""
    assumptions: tuple[Assumption, ...] = Field(alias="assumption", min_length=1)
    """Every uncertain input."""
    correlations: tuple[Correlation, ...] = Field(default=(), alias="correlation")
    """What moves together."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        known = [a.id for a in self.assumptions]
        if (id_ := find_duplicate(known)) is not None:
            raise ValueError(f"two assumptions have the id {id_}")
        pairs = [tuple(sorted(c.of)) for c in self.correlations]
        if len(set(pairs)) < len(pairs) or any(a == b for a, b in pairs):
            raise ValueError("has a correlation of an assumption with itself, or one declared twice")
        stranger = next((x for pair in pairs for x in pair if x not in known), None)
        if stranger is not None:
            raise ValueError(f"has a correlation of {stranger}, which is no assumption of it")
        return self

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> Self:
        uses = [(a.kind, line, a.effort) for a in self.assumptions for line in a.lines]
        if (use := find_duplicate(uses)) is not None:
            raise ValueError(f"has two assumptions of kind {use[0]} for the line {use[1]}")
        return self

    @property
    def examples(self) -> tuple[str, ...]:
        """Its entries that are examples, not evidence."""
        return tuple(a.id for a in self.assumptions if a.grade == "example")

    def card(self, lang: str = "en") -> Card:
        """Its assumptions: what each is expected to be, its bounds and its grade."""
        return ledger_card(self, lang)

    def as_known_on(self, day: date) -> Ledger:
        """The ledger without what was not public by a day, or rests on what was not."""
        return self.with_only({a.id for a in self.assumptions if a.public_on <= day and a.facts_public_by(day)})

    def with_only(self, ids: Collection[str]) -> Ledger:
        """The ledger with only the entries of these ids."""
        kept = tuple(a for a in self.assumptions if a.id in ids)
        tied = tuple(c for c in self.correlations if set(c.of) <= set(ids))
        return self.model_copy(update={"assumptions": kept, "correlations": tied})

    def find(self, kind: str, line: str, effort: Effort | None = None) -> Assumption | None:
        """The assumption of one kind for a cost line and an effort class: its own before one for all."""
        fitting = [
            a for a in self.assumptions if a.kind == kind and line in a.lines and a.effort in (None, effort)
        ]
        return max(fitting, key=lambda a: a.effort is not None, default=None)


def load_ledger(id_or_path: str | Path) -> Ledger:
    """Read a ledger from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such ledger, or a page that breaks a rule, by key.
    """
    return read_document(Ledger, "assumptions", id_or_path)


def bundled_ledger(incident: str, day: date | None = None) -> Ledger | None:
    """The bundled ledger of an incident that was the latest by a day; without one, that of its own id."""
    if day is None:
        return load_ledger(incident) if incident in bundled_ids("assumptions") else None
    written = [
        ledger for ledger in map(load_ledger, bundled_ids("assumptions")) if ledger.incident == incident
    ]
    return max((x for x in written if x.as_of <= day), key=lambda x: x.as_of, default=None)


AMOUNT_KINDS = ("review_award", "mean_payment", "paid_total", "handling")
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


ENGLISH = Locale("en")
VALUE_PARAMETERS = ("low", "mode", "high", "median", "value", "values", "branches", "law")
"""Parameters of a law that are values of what it is about, or hold such."""
GROUPED_FROM = 1_000
"""From here on a parameter has separators and no decimals."""


def ledger_table(ledger: Ledger) -> pl.DataFrame:
    """One row an assumption: the columns of `SCHEMA`.

    `distribution_text` writes out the law; `expected`, `low` and `high` are null for a band mix, which is not
    one number; `segment` is the effort class that it holds for, empty for all.
    """
    rows = [
        {
            "assumption": a.id,
            "kind": a.kind,
            "distribution": distribution_text(a),
            **dict(zip(("expected", "low", "high"), _expected_low_high(a), strict=True)),
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


def _expected_low_high(entry: Assumption) -> tuple[float | None, float | None, float | None]:
    if isinstance(entry, BandMix):
        return None, None, None
    found = entry.range
    return found.expected, found.low, found.high


def value_and_range(entry: Assumption, words: Locale) -> tuple[str, str]:
    """The expected value of an assumption and its bounds, as its kind is said."""
    if isinstance(entry, BandMix):
        shares = " / ".join(words.share(band.share) for band in entry.bands)
        return shares, f"{words.share(0)} – {words.share(1)}"
    found = entry.range
    if entry.kind in AMOUNT_KINDS:
        low, high = (words.exact_money(round(value)) for value in (found.low, found.high))
        return f"{words.exact_money(round(found.expected))} {words.unit}".rstrip(), f"{low} – {high}"
    if isinstance(entry, RateAssumption):
        return words.share(found.expected), f"{words.share(found.low)} – {words.share(found.high)}"
    return f"{found.expected:.3g}", f"{found.low:.3g} – {found.high:.3g}"


def grade_label(entry: Entry, words: Locale) -> str:
    """How good the evidence of an assumption is: a letter, or a word where there is none."""
    return words(f"word.{entry.grade}") if entry.grade in ("assumed", "example") else entry.grade


def example_warning(ledger: Ledger | None, words: Locale) -> str:
    """How many of its assumptions are examples, so that no figure may be used; empty where none is."""
    if ledger is None or not ledger.examples:
        return ""
    counts = words.number(len(ledger.examples)), words.number(len(ledger.assumptions))
    return words("report.examples", count=counts[0], total=counts[1])


def distribution_text(entry: Assumption, words: Locale = ENGLISH) -> str:
    """The law of an assumption, written out: `pert(low 5, high 60)`; sums in whole currency."""
    unit = 10**words.minor_units if entry.kind in AMOUNT_KINDS else 1
    if isinstance(entry, OneDistribution):
        return format_distribution(entry.sampled_distribution, words, unit)
    if isinstance(entry, BandMix):
        shares = ", ".join(f"{band.share:.4g}" for band in entry.bands)
        if entry.size is None:
            return f"{words('law.fixed')}({shares})"
        return f"{words('law.dirichlet')}({shares}; {words('law.size')} {entry.size:g})"
    if isinstance(entry, Award):
        return (
            format_distribution(entry.law, words, unit)
            if entry.law
            else "; ".join(_award_rule_texts(entry, words))
        )
    if isinstance(entry, Handling):
        counts = [format_distribution(law, words) for law in (entry.people, entry.weeks)]
        return " × ".join([*counts, format_distribution(entry.weekly_wage, words, unit)])
    raise TypeError(type(entry))


def _award_rule_texts(award: Award, words: Locale) -> Iterator[str]:
    """A mixture over rules, each with its weight."""
    for rule in award.rules:
        told = [format_distribution(rule.share, words)]
        told += [format_distribution(award.loss, words, 10**words.minor_units)] if award.loss else []
        ends = [words("explain.floor", amount=words.exact_money(rule.floor))] if rule.floor else []
        ends += [words("explain.limit", amount=words.exact_money(rule.cap))] if rule.cap is not None else []
        yield f"{rule.weight:.3g}: {', '.join([' × '.join(told), *ends])}"


def format_distribution(law: Document, words: Locale = ENGLISH, unit: int = 1) -> str:
    """A law and its parameters, those that are values of it divided by a unit."""
    named = {name: getattr(law, name) for name in type(law).model_fields if name != "kind"}
    units = {name: unit if name in VALUE_PARAMETERS else 1 for name in named}
    parameters = [
        f"{words(f'law.{name}')} {_format_value(value, words, units[name])}" for name, value in named.items()
    ]
    kind = getattr(law, "kind", "law")
    return f"{words(f'law.{kind}')}({', '.join(parameters)})"


def _format_value(value: object, words: Locale, unit: int) -> str:
    if isinstance(value, Document):
        return format_distribution(value, words, unit)
    if isinstance(value, tuple):
        return " ".join(_format_value(inner, words, unit) for inner in value)
    if not isinstance(value, float | int):
        return str(value)
    if unit > 1:
        return words.exact(value / unit)
    return f"{value:,.0f}" if GROUPED_FROM <= abs(value) < math.inf else f"{value:,.6g}"


def ledger_card(ledger: Ledger, lang: str) -> Card:
    """Its first assumptions: the value that each is expected to have, its bounds, since when."""
    code = ledger.currency
    locale = Locale(lang, code or "", decimal_places(code) if code else 0)
    told = short_names([a.name[lang] for a in ledger.assumptions])
    names = dict(zip((a.id for a in ledger.assumptions), told, strict=True))
    rows, more = first_rows(
        locale,
        ledger.assumptions,
        lambda a: (names[a.id], *value_and_range(a, locale), grade_label(a, locale), locale.day(a.public_on)),
        "ledger.assumptions",
    )
    heads = ("assumption", "expected_text", "range_text", "grade", "public_on")
    known = sum(a.outcome_known for a in ledger.assumptions)
    said = locale(
        "card.ledger",
        id=ledger.id,
        incident=ledger.incident,
        day=locale.day(ledger.as_of),
        count=locale.number(len(ledger.assumptions)),
        ties=locale.number(len(ledger.correlations)),
    )
    notes = [locale("card.outcome_known", count=locale.number(known))] if known else []
    if any(a.kind in AMOUNT_KINDS for a in ledger.assumptions):
        notes.append(locale("card.sums_in", unit=locale.unit) if code else locale("card.sums"))
    table = Table(tuple(locale(f"column.{head}") for head in heads), rows, frozenset({1, 2}), more=more)
    lines = tuple(filter(None, (said, example_warning(ledger, locale))))
    return Card(ledger.name[lang], lines, (table,), (*notes, locale("card.ledger_next")))
