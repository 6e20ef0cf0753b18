"""Scenarios: a simulation and a document of stresses go in; the cost under each stress comes out.

A scenario changes the inputs of the terms and keeps the random points of the simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import polars as pl
from pydantic import Field

from outage_analysis.assumptions import BandMix, FloatArray, rates_by_effort
from outage_analysis.costs.expected import Portfolio, expected_at
from outage_analysis.costs.simulation import (
    Estimate,
    Simulation,
    expected_estimate,
    expected_recipients,
    replicate_mean,
    rounded_estimate,
    rounded_probability,
    with_equal_correlations,
)
from outage_analysis.costs.terms import DerivedInput, FunnelFactor, Input, Term
from outage_analysis.errors import ModelRefused
from outage_analysis.files import NamedDocument, Text, Unit, read_document, refuse_if, refuse_repeated
from outage_analysis.policies import Policy
from outage_analysis.text import DEFAULT_LEVEL, TABLE_DIGITS, LikelyRange, schema_of

BASE = "base"
"""The id of the row without any change."""
STRESSES = "stresses"
"""The id of the bundled document."""
Multiple = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False), Unit("times")]


class Scenario(NamedDocument):
    """A stress: what would the cost be if one or more things were different?"""

    note: Text
    """What the scenario assumes, in one sentence."""
    effort: Literal["one_tap", "form", "documents"] | None = None
    """What claimants must do, on every line that they must claim. Filing share and acceptance of a line whose
    effort changes come from the reference classes of this effort. Lines that are paid automatically do not
    change."""
    extra_days: Annotated[int, Field(ge=1, le=366), Unit("days")] | None = None
    """By how many days the deadline is extended, on every line that must be claimed. The count grows as the
    late-claims forecast from dated claims expects; without them the scenario has no figures."""
    spike: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), Unit("times")] | None = None
    """With `extra_days`, the additional claims on the last day, as a multiple of the claims that the growth
    curve expects on it; 0 means no rush. The forecast needs it."""
    count_factor: Multiple | None = None
    """The number by which every count of reports, claims or people is multiplied; totals that are announced
    or known as one amount do not change."""
    award_factor: Multiple | None = None
    """The number by which the mean award of a review is multiplied."""
    acceptance_odds_ratio: Multiple | None = None
    """The number by which the odds of acceptance are multiplied."""
    filing_odds_ratio: Multiple | None = None
    """The number by which the odds of filing are multiplied for large losses: those in the highest band."""
    rank_correlation: Annotated[float, Field(ge=0, lt=1)] | None = None
    """The rank correlation between all inputs."""

    def _check(self) -> None:
        refuse_if(not self.changes, f"changes nothing | Add one of: {', '.join(CHANGES)}.")
        refuse_if(
            self.spike is not None and self.extra_days is None,
            "has spike without extra_days | Add extra_days, or leave spike out.",
        )
        refuse_if(
            self.extra_days is not None and self.count_factor is not None,
            "has both extra_days and count_factor | Keep one: the second states what the first forecasts.",
        )

    @property
    def changes(self) -> tuple[str, ...]:
        """The keys with which the scenario changes something."""
        return tuple(key for key in CHANGES if getattr(self, key) is not None)


class ScenarioSet(NamedDocument):
    """A list of scenarios."""

    scenarios: tuple[Scenario, ...] = Field(alias="scenario", min_length=1)
    """The scenarios, in the order of the table."""

    def _check(self) -> None:
        ids = [scenario.id for scenario in self.scenarios]
        refuse_repeated(ids, "has two scenarios {}")
        refuse_if(BASE in ids, f"has a scenario {BASE}, which is the row without changes | Rename it.")

    def name_of(self, id_: str, lang: str) -> str:
        """Return the name of a scenario in a language; the id itself for an unknown scenario."""
        return next((scenario.name[lang] for scenario in self.scenarios if scenario.id == id_), id_)


def load_scenarios(id_or_path: str | Path | ScenarioSet = STRESSES) -> ScenarioSet:
    """Read a document of scenarios, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.

    Example:
        >>> [scenario.id for scenario in load_scenarios().scenarios][:2]
        ['one-tap', 'two-more-weeks']
    """
    return read_document(ScenarioSet, "scenarios", id_or_path)


AUTOMATIC = "automatic"
COUNT_FACTOR = "count factor"
"""The name of the scale that a scenario adds to a term."""


Derived = Mapping[str, DerivedInput]


class DoesNotApply(Exception):
    """A scenario cannot be computed for a run.

    Args:
        status: the key of the reason.
        about: what the reason is about, such as the ids of cost lines, if anything.
    """

    def __init__(self, status: str, *about: str) -> None:
        super().__init__(status, *about)
        self.status, self.reason = status, " ".join(dict.fromkeys(about))


@dataclass(frozen=True)
class StressedRun:
    """What a scenario needs to know of the run that it changes.

    Args:
        cash: the simulation of the cash.
        policy: the policy of the run.
        as_of: the day of the run.
        event: the id of the incident, whose own published rates are left out.
        growth: returns the expected count at the extended deadline, as a multiple of the expected count at
            the deadline; it raises `DoesNotApply` if no forecast supports one.
    """

    cash: Simulation
    policy: Policy
    as_of: date
    event: str
    growth: Callable[[Scenario], float]

    def under(self, scenario: Scenario) -> Simulation:
        """Return the simulation of the cash under a scenario, with the same random points.

        Raises:
            DoesNotApply: the scenario does not apply to the run.
        """
        portfolio = self.cash.portfolio
        for key in scenario.changes:
            if key in _CHANGES:
                portfolio = _CHANGES[key](self, scenario, portfolio)
        run = replace(self.cash, portfolio=portfolio)
        rank = scenario.rank_correlation
        return run if rank is None else with_equal_correlations(run, rank)

    def effort_of(self, term: Term) -> str | None:
        """Return what claimants must do to be paid by the line of a term."""
        return self.policy.line(term.line).effort_on(self.as_of)

    def claimed(self, portfolio: Portfolio) -> list[Term]:
        """Return the terms that are paid only to people who claim."""
        found = [s for s in portfolio.terms if not s.certain and self.effort_of(s) != AUTOMATIC]
        if not found:
            raise DoesNotApply("nothing_claimed")
        return found

    def inputs_of_kind(self, term: Term, kind: str) -> list[str]:
        """Return the rates of a term that are of one kind, such as acceptance."""
        return [name for name in term.rates if self.cash.portfolio.entries[name].kind == kind]


def _change_effort(run: StressedRun, scenario: Scenario, portfolio: Portfolio) -> Portfolio:
    claimed, effort = run.claimed(portfolio), str(scenario.effort)
    if unknown := [s.line for s in claimed if run.effort_of(s) is None]:
        raise DoesNotApply("no_effort", *unknown)
    changing = [s.line for s in claimed if run.effort_of(s) != effort]
    try:
        rates = rates_by_effort({effort: changing}, run.as_of, run.event) if changing else ()
    except ModelRefused as refusal:
        raise DoesNotApply("no_reference_classes", str(refusal)) from refusal
    redrawn = dict(portfolio.redrawn)

    def drawn_anew(term: Term) -> Derived:
        named = ((name, rate) for rate in rates for name in run.inputs_of_kind(term, rate.kind))
        entries = {name: (f"{name} ({effort})", rate) for name, rate in named}
        redrawn.update({new: (name, rate) for name, (new, rate) in entries.items()})
        return {name: _as_sampled(new) for name, (new, _) in entries.items()}

    changed = _changed(portfolio, [s for s in claimed if s.line in changing], drawn_anew)
    return replace(changed, redrawn=redrawn)


def _multiply_counts(run: StressedRun, scenario: Scenario, portfolio: Portfolio) -> Portfolio:
    if scenario.extra_days is not None:
        counted, factor = run.claimed(portfolio), run.growth(scenario)
    else:
        counted, factor = [s for s in portfolio.terms if not s.certain], float(scenario.count_factor or 1)
    if not counted:
        raise DoesNotApply("no_count")
    constant = DerivedInput((), lambda _: np.array([factor]), linear=True)
    count = FunnelFactor(replace(Input.certain(factor), assumption=COUNT_FACTOR), scale=True)
    terms = (
        replace(s, factors=(*s.factors, count), derived={**s.derived, COUNT_FACTOR: constant})
        if s in counted
        else s
        for s in portfolio.terms
    )
    return replace(portfolio, terms=tuple(terms))


def _multiply_awards(_: StressedRun, scenario: Scenario, portfolio: Portfolio) -> Portfolio:
    factor, paid = float(scenario.award_factor or 1), [s for s in portfolio.terms if s.award]
    reviewed = [s for s in paid if portfolio.entries[s.award].kind == "review_award"]
    if not reviewed:
        raise DoesNotApply("mean_payment_stated" if paid else "no_review")

    def scaled(term: Term) -> Derived:
        return {term.award: _computed(term, [term.award], lambda award: factor * award, linear=True)}

    return _changed(portfolio, reviewed, scaled)


def _change_acceptance(run: StressedRun, scenario: Scenario, portfolio: Portfolio) -> Portfolio:
    ratio = float(scenario.acceptance_odds_ratio or 1)
    accepting = [s for s in portfolio.terms if run.inputs_of_kind(s, "acceptance")]
    if not accepting:
        raise DoesNotApply("no_acceptance")

    def with_odds(term: Term) -> Derived:
        names = run.inputs_of_kind(term, "acceptance")
        return {name: _computed(term, [name], lambda rate: multiply_odds(rate, ratio)) for name in names}

    return _changed(portfolio, accepting, with_odds)


def _change_filing(run: StressedRun, scenario: Scenario, portfolio: Portfolio) -> Portfolio:
    ratio = float(scenario.filing_odds_ratio or 1)
    by_loss = {line.id for line in run.policy.schedules}
    filing = [s for s in portfolio.terms if run.inputs_of_kind(s, "filing_share") and s.line in by_loss]
    if not filing:
        raise DoesNotApply("nothing_filed")
    if counted := [s.line for s in filing if s.claim_cells]:
        raise DoesNotApply("counted_claims", *counted)
    if without := [s.line for s in filing if not s.mix]:
        raise DoesNotApply("no_band_mix", *without)

    def with_odds(term: Term) -> Derived:
        mix = portfolio.entries[term.mix]
        edges = [band.over for band in mix.bands] if isinstance(mix, BandMix) else []
        large = [edge == max(edges) for edge in edges]
        (name,) = run.inputs_of_kind(term, "filing_share")
        names = (name, term.mix)
        filed = _computed(term, names, lambda rate, mix: filing_by_band(rate, mix, large, ratio)[0])
        split = _computed(term, names, lambda rate, mix: filing_by_band(rate, mix, large, ratio)[1])
        return {name: filed, term.mix: split}

    return _changed(portfolio, filing, with_odds)


def multiply_odds(rate: FloatArray, ratio: float) -> FloatArray:
    """Return rates whose odds are `ratio` times the odds of the given rates.

    Example:
        >>> multiply_odds(np.array([0.0, 0.2, 1.0]), 2).round(4).tolist()
        [0.0, 0.3333, 1.0]
    """
    return np.asarray(ratio * rate / (1 + (ratio - 1) * rate))


def filing_by_band(
    filing: FloatArray, mix: FloatArray, large: Sequence[bool], ratio: float
) -> tuple[FloatArray, FloatArray]:
    """Return the filing share of all reports and the band shares among filings, if large losses file more.

    Args:
        filing: the filing share of the other bands, (n,).
        mix: the band shares among the reports, (n, bands).
        large: for each band, whether the odds of filing are multiplied.
        ratio: the number by which they are multiplied.

    Returns:
        The filing share, (n,), and the band shares, (n, bands).

    Example:
        >>> share, mix = filing_by_band(np.array([0.2]), np.array([[0.7, 0.3]]), [False, True], 2)
        >>> share.round(4).tolist(), mix.round(4).tolist()
        ([0.24], [[0.5833, 0.4167]])
    """
    higher = multiply_odds(filing, ratio)
    tilted = [mix[:, band] for band, is_large in enumerate(large) if is_large]
    share = filing + (higher - filing) * sum(tilted)
    known = share > 0  # if nobody files, the split of the filings has no effect
    others, larger = (
        np.divide(rate, share, out=np.ones_like(share), where=known) for rate in (filing, higher)
    )
    columns = [mix[:, band] * (larger if is_large else others) for band, is_large in enumerate(large)]
    return share, np.stack(columns, axis=1)


def _changed(portfolio: Portfolio, terms: Sequence[Term], change: Callable[[Term], Derived]) -> Portfolio:
    changed = (replace(s, derived={**s.derived, **change(s)}) if s in terms else s for s in portfolio.terms)
    return replace(portfolio, terms=tuple(changed))


def _as_sampled(name: str) -> DerivedInput:
    return DerivedInput((name,), lambda values: values[name], linear=True)


def _computed(
    term: Term, names: Sequence[str], compute: Callable[..., FloatArray], *, linear: bool = False
) -> DerivedInput:
    """Return an input of a term that is computed from other inputs, as earlier changes left them."""
    before = [term.derived.get(name, _as_sampled(name)) for name in names]
    return DerivedInput(
        tuple(dict.fromkeys(name for each in before for name in each.inputs)),
        lambda values: compute(*(each.compute(values) for each in before)),
        linear=linear and all(each.linear for each in before),
    )


_CHANGES: Mapping[str, Callable[[StressedRun, Scenario, Portfolio], Portfolio]] = {
    "effort": _change_effort,
    "extra_days": _multiply_counts,
    "count_factor": _multiply_counts,
    "award_factor": _multiply_awards,
    "acceptance_odds_ratio": _change_acceptance,
    "filing_odds_ratio": _change_filing,
}
"""Key of a scenario -> the function that changes the portfolio."""
CHANGES = (*_CHANGES, "rank_correlation")
"""The keys of a scenario that change something."""


P75 = 0.75
"""A measure that a reserve may use; the table has it at every level of the likely range."""


def scenario_table(
    run: Simulation,
    stressed: StressedRun,
    scenarios: Iterable[Scenario],
    *,
    budget: float | None = None,
    level: int = DEFAULT_LEVEL,
) -> pl.DataFrame:
    """Return the cash under each scenario, computed with the random points of a simulation.

    Args:
        run: the simulation without a change; its cash is the row `base`.
        stressed: its cash, with the policy and the day.
        scenarios: the stresses.
        budget: an amount of cash in the smallest unit of the currency.
        level: the probability of the likely range in percent.

    Returns:
        The table `scenarios`, in the smallest unit of the currency, rounded as in the tables
        of the simulation. An expected cash that has no closed form is the expected cash of the base plus the
        mean difference on the same points, so that a scenario that changes nothing differs by exactly 0.
    """
    expected, quantiles = expected_estimate(run, "cash"), {"p75": P75, **LikelyRange(level).columns}
    base, before = run.totals["cash"], stressed.cash
    rows: list[dict[str, object]] = []
    for id_, scenario in [(BASE, None), *((scenario.id, scenario) for scenario in scenarios)]:
        row: dict[str, object] = {"scenario": id_, "status": "ok", "reason": ""}
        rows.append(row)
        try:
            under = stressed.under(scenario) if scenario else before
        except DoesNotApply as refusal:
            row |= {"status": refusal.status, "reason": refusal.reason}
            continue
        total = under.totals["cash"] if scenario else base
        if under.rank is before.rank and under.portfolio.has_closed_form("cash"):
            costs = [float(expected_at(each.portfolio, "cash", {})[0]) for each in (before, under)]
            change = Estimate(costs[1] - costs[0], 0.0)
        else:
            change = replicate_mean((total.mean - base.mean).mean(axis=1))
        cost = expected
        if change != Estimate(0.0, 0.0):
            error = (expected.error**2 + change.error**2) ** 0.5
            cost = rounded_estimate(Estimate(expected.value + change.value, error))
        row |= {name: rounded_estimate(total.quantile(p)).value for name, p in quantiles.items()}
        row |= {"expected": cost.value, "change": rounded_estimate(change).value}
        row["recipients"] = expected_recipients(under, "cash", before if scenario else None)
        if budget is not None:
            row["over_budget"] = rounded_probability(total.exceedance(budget)).value
    table = schema_of("scenarios").frame(rows)
    per_recipient = pl.when(pl.col("recipients") > 0).then(pl.col("expected") / pl.col("recipients"))
    return table.with_columns(per_recipient=per_recipient).with_columns(
        pl.col("recipients", "per_recipient").round_sig_figs(TABLE_DIGITS)
    )
