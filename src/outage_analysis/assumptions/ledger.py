"""The ledger of assumptions: every uncertain input of a run, with its owner, source and reasons."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import Field

from outage_analysis.assumptions import entries
from outage_analysis.assumptions.distributions import class_groups
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    NamedDocument,
    Text,
    bundled_ids,
    changed_copy,
    read_document,
    refuse_if,
    refuse_repeated,
    spelling_hint,
    validated_copy,
)
from outage_analysis.incidents import Incident, get_fact, published_rates
from outage_analysis.policies import Effort, Policy, decimal_places
from outage_analysis.text import (
    AMOUNT_KINDS,
    ESTIMATE_DIGITS,
    Card,
    Displayable,
    Locale,
    Table,
    first_rows,
    schema_of,
    short_names,
)

SET_BY_USER = Text(en="Set by the user.", ko="사용자가 정한 값.")
ORIGINS = ("facts", "classes", "left_out", "observed", "loss", "rules")
"""Keys of an assumption from which its value follows; a value that a user sets follows from none."""
Assumption = Annotated[
    entries.RateAssumption
    | entries.Factor
    | entries.BandMix
    | entries.Award
    | entries.MeanPayment
    | entries.PaidTotal
    | entries.Handling,
    Field(discriminator="kind"),
]


class Correlation(Document):
    """A rank correlation between two assumptions. Pairs without a declared correlation are independent."""

    of: tuple[Identifier, Identifier]
    """The ids of the two assumptions."""
    rank: Annotated[float, Field(gt=-1, lt=1)]
    """Spearman's coefficient of their values. For a band mix, it refers to the share of the last band."""
    rationale: Text
    """Why the two are correlated."""


class Ledger(Displayable, NamedDocument):
    """The list of assumptions behind one run."""

    incident: Identifier
    """The id of the incident."""
    as_of: Day
    """The day whose knowledge the ledger states; also the default day of a run."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """ISO code of the currency of its amounts, which are in the smallest unit; it must be the incident's
    currency."""
    assumptions: tuple[Assumption, ...] = Field(default=(), alias="assumption")
    """Every uncertain input; none if nothing is uncertain, as when everybody is paid automatically."""
    correlations: tuple[Correlation, ...] = Field(default=(), alias="correlation")
    """Rank correlations between assumptions."""

    def _check(self) -> None:
        known = [a.id for a in self.assumptions]
        refuse_repeated(known, "two assumptions have the id {}")
        pairs = [tuple(sorted(c.of)) for c in self.correlations]
        refuse_if(
            len(set(pairs)) < len(pairs) or any(a == b for a, b in pairs),
            "has a correlation of an assumption with itself, or one declared twice",
        )
        for id_ in chain.from_iterable(pairs):
            refuse_if(id_ not in known, f"has a correlation of {id_}, which is no assumption of it")
        uses = [(a.kind, line, a.effort) for a in self.assumptions for line in a.lines]
        refuse_repeated(uses, "has two assumptions of kind {0[0]} for the line {0[1]}")

    @property
    def examples(self) -> tuple[str, ...]:
        """The ids of assumptions that are placeholder examples without evidence."""
        return tuple(a.id for a in self.assumptions if a.grade == "example")

    def card(self, lang: str = "en") -> Card:
        """Summary for display: each assumption's expected value, range and grade."""
        locale = Locale(lang, self.currency or "", decimal_places(self.currency) if self.currency else 0)

        def cells(named: tuple[str, Assumption]) -> tuple[str, ...]:
            name, entry = named
            grade, day = grade_label(entry, locale), locale.day(entry.public_on)
            return name, *value_and_range(entry, locale), grade, day

        names = short_names([a.name[lang] for a in self.assumptions])
        listed = [*zip(names, self.assumptions, strict=True)]
        rows, more = first_rows(locale, listed, cells, "ledger.assumptions")
        heads = ("assumption", "expected_text", "range_text", "grade", "public_on")
        known = sum(a.outcome_known for a in self.assumptions)
        sizes = {"count": len(self.assumptions), "ties": len(self.correlations)}
        counts = {name: locale.number(size) for name, size in sizes.items()}
        day = locale.day(self.as_of)
        description = locale("card.ledger", id=self.id, incident=self.incident, day=day, **counts)
        notes = [locale("card.outcome_known", count=locale.number(known))] if known else []
        if any(a.kind in AMOUNT_KINDS for a in self.assumptions):
            notes.append(locale("card.sums_in", unit=locale.unit) if self.currency else locale("card.sums"))
        table = Table(tuple(locale(f"column.{head}") for head in heads), rows, frozenset({1, 2}), more=more)
        lines = tuple(filter(None, (description, example_warning(self, locale))))
        return Card(self.name[lang], lines, (table,) if rows else (), (*notes, locale("card.ledger_next")))

    def as_known_on(self, day: date) -> Ledger:
        """The ledger as known on a day: the assumptions that were public and use no facts of a later day."""

        def was_public(fact: str) -> bool:
            return (get_fact(fact, hindsight=True).public_on or date.max) <= day

        return self.with_only(
            {a.id for a in self.assumptions if a.public_on <= day and all(map(was_public, a.computed_from))}
        )

    def with_only(self, ids: Collection[str]) -> Ledger:
        """The ledger reduced to the assumptions with these ids and the correlations between them."""
        kept = tuple(a for a in self.assumptions if a.id in ids)
        correlations = tuple(c for c in self.correlations if set(c.of) <= set(ids))
        return self.model_copy(update={"assumptions": kept, "correlations": correlations})

    def with_value(
        self, id_: str, value: float | None = None, *, low: float | None = None, high: float | None = None
    ) -> Ledger:
        """Return a copy of the ledger in which one assumption has another value or another range.

        A value alone has no uncertainty. A range alone is a uniform distribution. A value with a range is a
        PERT distribution whose most likely value is `value`. The new distribution replaces reference classes,
        observed counts and review rules. The grade becomes `assumed`, the source states that the user set the
        value, and nobody has approved it. The id of the copy ends in `-changed`.

        Args:
            id_: the id of the assumption.
            value: the new value: a share from 0 to 1 for a rate, whole currency for an amount, else a number.
            low: the smallest possible value.
            high: the largest possible value; `low` and `high` are given together.

        Raises:
            UsageError: there is no such assumption, a value is invalid, or the assumption is not one number.

        Example:
            >>> from outage_analysis.assumptions import load_ledger
            >>> changed = load_ledger("kakao-2022").with_value("as-filing-share", 0.5)
            >>> changed.id, changed.assumptions[0].range.expected
            ('kakao-2022-changed', 0.5)
        """
        entry = next((entry for entry in self.assumptions if entry.id == id_), None)
        if entry is None:
            ids = [entry.id for entry in self.assumptions]
            remedy = spelling_hint(str(id_), ids) if ids else "The ledger has no assumption."
            raise UsageError("no such assumption", value=id_, remedy=remedy)
        if isinstance(entry, entries.BandMix | entries.Handling):
            remedy = "Edit the TOML file of the ledger."
            raise UsageError(f"{entry.id} is a {entry.kind}, which is not one number", remedy=remedy)
        is_amount = entry.kind in AMOUNT_KINDS
        if is_amount and self.currency is None:
            problem = f"the ledger states no currency, so the unit of {entry.id} is unknown"
            raise UsageError(problem, remedy='Add the currency to the ledger, as in currency = "EUR".')
        if (low is None) != (high is None) or (value is None and low is None):
            raise UsageError(f"{entry.id} needs a value, or low and high, or all three")
        numbers = {name: x for name, x in (("low", low), ("mode", value), ("high", high)) if x is not None}
        for number in numbers.values():
            is_real = isinstance(number, int | float | Real) and not isinstance(number, bool)
            if not is_real or not math.isfinite(number):
                raise UsageError(f"{entry.id} is a number", value=number)
        # Multiplied in decimals, because 80.15 euros times 100 is not 8015 cents in binary floats.
        unit = 10 ** decimal_places(self.currency or "") if is_amount else 1
        scaled = {name: float(Decimal(str(number)) * unit) for name, number in numbers.items()}
        kind = "fixed" if low is None else "uniform" if value is None else "pert"
        parameters = {"value": scaled["mode"]} if low is None else scaled
        fields = type(entry).model_fields
        changes: dict[str, object] = {key: fields[key].default for key in ORIGINS if key in fields}
        changes |= {"source": SET_BY_USER, "rationale": SET_BY_USER, "grade": "assumed", "approved_by": ""}
        try:
            changed = validated_copy(entry, distribution={"kind": kind, **parameters}, **changes)
        except UsageError as error:
            error.value = " to ".join(map(str, numbers.values()))
            raise
        return changed_copy(self, assumptions=tuple(changed if a is entry else a for a in self.assumptions))

    def find(self, kind: str, line: str, effort: Effort | None = None) -> Assumption | None:
        """The assumption of one kind, such as `acceptance`, for a cost line and an effort class; else None.

        An assumption for the effort class takes precedence over an assumption for all classes.
        """
        of_line = (a for a in self.assumptions if a.kind == kind and line in a.lines)
        candidates = (a for a in of_line if a.effort in (None, effort))
        return max(candidates, key=lambda a: a.effort is not None, default=None)


def load_ledger(id_or_path: str | Path | Ledger) -> Ledger:
    """Read a ledger by its bundled id or from the path of a TOML file.

    Raises:
        UsageError: there is no such ledger, or a key of the document is invalid.
    """
    return read_document(Ledger, "assumptions", id_or_path)


def bundled_ledger(incident: str, day: date | None = None) -> Ledger | None:
    """The latest ledger that the package contains for an incident, as of a day; None if there is none.

    If no day is given, the result is the bundled ledger that has the id of the incident.
    """
    if day is None:
        return load_ledger(incident) if incident in bundled_ids("assumptions") else None
    written = (x for x in map(load_ledger, bundled_ids("assumptions")) if x.incident == incident)
    return max((x for x in written if x.as_of <= day), key=lambda x: x.as_of, default=None)


REFERENCE_LEDGER = "reference-rates"
"""The id of a ledger that `reference_ledger` builds."""
STATED = {
    "grade": "assumed",
    "source": {
        "en": "data/published/rates.csv, comparable schemes",
        "ko": "비교 사례(data/published/rates.csv)",
    },
    "owner": "outage-analysis",
    "outcome_known": False,
}
"""What every rate of such a ledger states."""


def reference_ledger(policy: Policy, incident: Incident, *, as_of: date | None = None) -> Ledger:
    """Build a ledger with a filing share and an acceptance rate for each effort of a policy.

    The rates come from comparable schemes (reference classes), not from the outage. Their range is wide.

    Args:
        policy: the policy; each line that pays by loss needs an effort.
        incident: the outage.
        as_of: the day of the analysis; by default the last day to claim.

    Raises:
        UsageError: a line states no effort.
        ModelRefused: no reference class was public by `as_of`.

    Example:
        >>> from outage_analysis.incidents import load_incident
        >>> from outage_analysis.policies import policy_from_tiers
        >>> incident = load_incident("kakao-2022")
        >>> policy = policy_from_tiers({300_000: 30_000}, incident, effort="documents")
        >>> ledger = reference_ledger(policy, incident)
        >>> [(entry.id, round(entry.range.expected, 2)) for entry in ledger.assumptions]
        [('filing-share-documents', 0.53), ('acceptance-documents', 0.85)]
    """
    day = as_of or incident.claims_to
    lines: dict[str, list[str]] = {}
    for line in policy.schedules:
        effort = line.effort_on(day)
        if effort is None:
            raise UsageError("a line states no effort", value=line.id, remedy="Give it one, such as form.")
        lines.setdefault(effort, []).append(line.id)
    return Ledger(
        id=REFERENCE_LEDGER,
        name=Name(en="Rates of comparable schemes", ko="유사 사례의 비율"),
        incident=incident.id,
        as_of=day,
        currency=incident.currency,
        assumption=rates_by_effort(lines, day, incident.id),
    )


def rates_by_effort(
    lines: Mapping[str, Sequence[str]], day: date, event: str = ""
) -> tuple[entries.RateAssumption, ...]:
    """Return the filing share and the acceptance rate of each effort, from published reference classes.

    Args:
        lines: effort -> the ids of the cost lines with this effort.
        day: the day of the analysis; classes that were not public by then are left out.
        event: the event that is forecast; its own published rates are left out.

    Raises:
        ModelRefused: no class was public by `day`.

    Example:
        >>> rates = rates_by_effort({"one_tap": ["cash"]}, date(2022, 12, 30))
        >>> [(rate.id, rate.kind) for rate in rates]
        [('filing-share-one-tap', 'filing_share'), ('acceptance-one-tap', 'acceptance')]
    """
    text = (files(__package__) / "reference_rates.toml").read_text("utf-8")
    rates = []
    for rate in tomllib.loads(text)["rate"]:
        if rate["effort"] not in lines:
            continue
        if (of := rate.pop("of", None)) is not None:
            ids = class_groups(rate["kind"], public_by=day, without=[event]).get((rate["effort"], of), ())
            if not ids:
                raise ModelRefused(
                    f"as of {day} no comparable rate was published for the effort {rate['effort']}",
                    remedy="Give a later as_of, or a ledger of your own.",
                )
            shares = sorted(get_fact(id_).middle for id_ in ids)
            words = {"count": len(ids), "low": f"{shares[0]:.3g}", "high": f"{shares[-1]:.3g}"}
            rate["rationale"] = {lang: text.format(**words) for lang, text in rate["rationale"].items()}
            rate |= {"classes": ids, "left_out": tuple({event}.intersection(published_rates()["event"]))}
        common = {"lines": tuple(lines[rate["effort"]]), "public_on": day, **STATED}
        rates.append(entries.RateAssumption.model_validate(rate | common))
    return tuple(rates)


ENGLISH = Locale("en")
GROUPED_FROM = 1_000
"""Parameters from here on are written with thousands separators and without decimals."""


def ledger_table(ledger: Ledger) -> pl.DataFrame:
    """Return the ledger as the table `documents.assumptions`, with one row per assumption.

    `distribution` describes the distribution; `expected`, `low` and `high` are null for a band mix, which is
    not one number; `segment` is the effort class that the assumption applies to, empty for all classes.
    """
    rows = [
        {
            "assumption": a.id,
            "kind": a.kind,
            "distribution": distribution_text(a),
            **({} if isinstance(a, entries.BandMix) else a.range._asdict()),
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
    return pl.DataFrame(rows, schema=schema_of("documents.assumptions").dtypes).with_columns(
        pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS)
    )


def value_and_range(entry: Assumption, locale: Locale) -> tuple[str, str]:
    """The expected value and the range of an assumption as formatted text."""
    if isinstance(entry, entries.BandMix):
        shares = " / ".join(locale.share(band.share) for band in entry.bands)
        return shares, locale.span(locale.share(0), locale.share(1))
    if entry.kind in AMOUNT_KINDS:
        expected, low, high = (locale.exact_money(round(value)) for value in entry.range)
        span = locale.with_unit(locale.span(low, high), locale.unit)
        return locale.with_unit(expected, locale.unit).rstrip(), span
    if isinstance(entry, entries.RateAssumption):
        expected, low, high = map(locale.share, entry.range)
    elif entry.kind == "exposure":
        expected, low, high = (locale.number(locale.rounded(value, 3)) for value in entry.range)
    else:
        expected, low, high = (f"{value:.3g}" for value in entry.range)
    return expected, locale.span(low, high)


def grade_label(entry: entries.Entry, locale: Locale) -> str:
    """The grade of an assumption: a letter, or a translated word for `assumed` and `example`."""
    return locale(f"word.{entry.grade}") if entry.grade in ("assumed", "example") else entry.grade


def example_warning(ledger: Ledger | None, locale: Locale) -> str:
    """A warning that states how many assumptions are placeholder examples; empty if there are none."""
    if ledger is None or not ledger.examples:
        return ""
    counts = locale.number(len(ledger.examples)), locale.number(len(ledger.assumptions))
    return locale("report.examples", count=counts[0], total=counts[1])


def distribution_text(entry: Assumption, locale: Locale = ENGLISH) -> str:
    """An assumption's distribution as text: `pert(low 5, high 60)`; amounts in the main unit, not cents."""
    unit = 10**locale.minor_units if entry.kind in AMOUNT_KINDS else 1
    if isinstance(entry, entries.LateClaims):  # a list of 200 values
        likely = locale.likely_range
        low, high = (f"{end:.4g}" for end in entry.distribution.quantile([likely.lower, likely.upper]))
        return locale("distribution.forecast", mean=f"{entry.range.expected:.4g}", low=low, high=high)
    if isinstance(entry, entries.OneDistribution):
        text = format_distribution(entry.sampled_distribution, locale, unit)
        counted = entry.unit if isinstance(entry, entries.Factor) else None
        return text if counted is None else f"{text} {counted[locale.lang]}"
    if isinstance(entry, entries.BandMix):
        shares = ", ".join(f"{band.share:.4g}" for band in entry.bands)
        if entry.size is None:
            return f"{locale('distribution.fixed')}({shares})"
        return f"{locale('distribution.dirichlet')}({shares}; {locale('distribution.size')} {entry.size:g})"
    if isinstance(entry, entries.Handling):
        counts = f"{format_distribution(entry.people, locale)} × {format_distribution(entry.weeks, locale)}"
        return f"{counts} × {format_distribution(entry.weekly_wage, locale, unit)}"
    if entry.distribution:
        return format_distribution(entry.distribution, locale, unit)
    rules, loss = [], format_distribution(entry.loss, locale, unit)
    for rule in entry.rules:
        limits = {"floor": rule.floor or None, "limit": rule.cap}
        said = [
            locale(f"explain.{x}", amount=locale.exact_money(n)) for x, n in limits.items() if n is not None
        ]
        paid = f"{format_distribution(rule.share, locale)} × {loss}"
        rules.append(f"{rule.weight:.3g}: {', '.join([paid, *said])}")
    return "; ".join(rules)


def format_distribution(value: object, locale: Locale = ENGLISH, unit: int = 1) -> str:
    """A distribution and its parameters as text; also the value of one of its parameters.

    Args:
        value: the distribution or a parameter of it.
        locale: the language.
        unit: the divisor of the parameters that have the unit of the number, such as `low` and `mode`.
    """
    if isinstance(value, Document):
        in_unit = ("low", "mode", "high", "median", "value", "values")  # the others are pure numbers
        parameters = [
            f"{locale(f'distribution.{name}')} "
            + format_distribution(getattr(value, name), locale, unit if name in in_unit else 1)
            for name in type(value).model_fields
            if name != "kind"
        ]
        kind = getattr(value, "kind", "")
        return f"{locale(f'distribution.{kind}')}({', '.join(parameters)})"
    if isinstance(value, tuple):
        return " ".join(format_distribution(inner, locale, unit) for inner in value)
    if not isinstance(value, float | int):
        return str(value)
    if unit > 1:
        return locale.exact(value / unit)
    return f"{value:,.0f}" if GROUPED_FROM <= abs(value) < math.inf else f"{value:,.6g}"
