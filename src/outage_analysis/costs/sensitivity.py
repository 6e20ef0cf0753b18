"""How the cost depends on its inputs, on single decisions, on named stresses, and on the day of the run.

The value of information: the decision-maker takes the option with the least expected cost. Knowing an input X
lets them choose by its value, which saves, on average,

    min_a E[C_a] - E[ min_a E[C_a | X] ]

where C_a is the cost of option a (Raiffa and Schlaifer 1961). A regression of the drawn costs on X, which may
be correlated with other inputs, says which option to choose at each X (Strong, Oakley and Brennan 2014); the
value is what these choices save in the draws. The columns are a constant, X (because an expected cost is
linear in an independent input) and the normal score of X and its square; for a band mix, its shares.

A scenario changes the inputs of the terms and keeps the random points of the simulation.

The bridge explains the change of the expected cost between two runs. Each step replaces one part of the
first run by the same part of the second run, in a fixed order: newly published facts (data), the ledger, the
policy, facts about actual payments, and the version of this model. The amount of a step is the change of the
expected total that the replacement causes, so the steps add up to the whole change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import polars as pl
from pydantic import Field
from scipy import special

from outage_analysis import text
from outage_analysis.assumptions import (
    Assumption,
    BandMix,
    FloatArray,
    Ledger,
    RateAssumption,
    rates_by_effort,
)
from outage_analysis.costs.expected import Portfolio, build_portfolio, compiled_lines, expected_at
from outage_analysis.costs.simulation import (
    SEED,
    Estimate,
    Simulation,
    expected_estimate,
    expected_recipients,
    replicate_mean,
    round_digits,
    rounded_estimate,
    rounded_probability,
    rounded_table,
    simulate,
    sobol_points,
    with_equal_correlations,
)
from outage_analysis.costs.terms import (
    DerivedInput,
    FunnelFactor,
    Input,
    Term,
    assumptions_in_force,
    join_ids,
    mix_fits_line,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import NamedDocument, Text, Unit, read_document, refuse_if, refuse_repeated
from outage_analysis.incidents import get_fact
from outage_analysis.policies import CostLine, Policy

POINTS, SAMPLE_SEED = 2**15, 1
"""The size and the seed of the sample of an input without closed-form quantiles, such as a mix."""
QUANTILE_LIMITS = (1e-9, 1 - 1e-9)
"""The search for a change of sign covers the values between these quantiles of the input."""
CELLS, ROUNDS = 64, 9
"""Each round of the search divides the range into `CELLS` cells and continues in the cell with the change."""


def numbers_behind(*portfolios: Portfolio) -> list[tuple[str, Assumption, float]]:
    """Return the id, assumption and mean of each input of the cash that is one number, not a mix."""
    inputs = {name: entry for x in portfolios for name, entry in x.inputs_of("cash").items()}
    return [(name, e, e.range.expected) for name, e in inputs.items() if not isinstance(e, BandMix)]


def sample_input(entry: Assumption) -> FloatArray:
    """Return a quasi-random (Sobol) sample of an input: shape (n,), or (n, bands) for a band mix."""
    return entry.draw(np.concatenate(sobol_points(entry.dimensions, POINTS, seed=SAMPLE_SEED)))


def input_quantiles(entry: Assumption, p: Sequence[float]) -> FloatArray:
    """Return the quantiles of an input that is a single number, at the probabilities p."""
    if len(entry.factors) == 1:
        return entry.factors[0].quantile(p)
    return np.asarray(np.quantile(sample_input(entry), p))


def sign_change(
    gap: Callable[[FloatArray], FloatArray], entry: Assumption
) -> tuple[float, float] | tuple[None, None]:
    """Return the smallest value of a number at which a function changes its sign, and the chance of more.

    Both are None if the sign never changes.
    """
    low, high = input_quantiles(entry, QUANTILE_LIMITS)
    for _ in range(ROUNDS):
        values = np.linspace(low, high, CELLS + 1)
        positive = gap(values) > 0
        turns = np.flatnonzero(positive[1:] != positive[:-1])
        if not len(turns):
            return None, None
        low, high = values[turns[0]], values[turns[0] + 1]
    if len(entry.factors) == 1:
        return float(high), float(1 - entry.factors[0].cdf(high))
    return float(high), float((sample_input(entry) > high).mean())


def tornado(portfolio: Portfolio, *, level: int = text.DEFAULT_LEVEL) -> pl.DataFrame:
    """Return the expected total with each input at the ends of its likely range, the others at their means.

    Args:
        portfolio: the terms and their inputs.
        level: the probability of the likely range in percent: 80 for P10 to P90, 90 for P5 to P95.

    Returns:
        The table `tornado`, one row per valuation and uncertain input, the widest range of
        cost first. Costs are in the smallest unit of the currency. A band mix is not a single number: its
        `input_low` and `input_high` are null, and the costs are the ends of the likely range of the expected
        total over sampled mixes.
    """
    likely, tables = text.LikelyRange(level), [text.schema_of("tornado").frame()]
    for valuation in portfolio.valuations:
        rows: list[tuple[object, ...]] = []
        expected = expected_at(portfolio, valuation, {})[0]
        for name, entry in portfolio.inputs_of(valuation).items():
            if isinstance(entry, BandMix):
                totals = expected_at(portfolio, valuation, {name: sample_input(entry)})
                low, high = np.quantile(totals, (likely.lower, likely.upper))
                rows.append((valuation, name, entry.kind, None, None, low, expected, high))
            else:
                ends = input_quantiles(entry, (likely.lower, likely.upper))
                low, high = expected_at(portfolio, valuation, {name: ends})
                rows.append((valuation, name, entry.kind, *ends, low, expected, high))
        swing = pl.col("cost_high") - pl.col("cost_low")
        table = rounded_table(rows, text.schema_of("tornado")).filter(swing != 0)
        tables.append(table.sort(swing, "assumption", descending=[True, False]))
    return pl.concat(tables)


def break_evens(portfolio: Portfolio, limit: float) -> pl.DataFrame:
    """Return the value of each input at which the expected cash equals a limit.

    For the break-even value of an input, all other inputs are at their means.

    Args:
        portfolio: the terms and their inputs.
        limit: an amount in the smallest unit of the currency.

    Returns:
        One row per input that is a single number, sorted by `beyond` descending: `assumption`, `kind`, its
        `expected` value, `break_even` (null if the expected cash equals the limit at no possible value of
        the input) and `beyond`, the probability that the input has a value at which the expected cash
        exceeds the limit.

    Raises:
        UsageError: the limit is not a positive number.
    """
    if not (np.isfinite(limit) and limit > 0):
        raise UsageError("a limit is a positive sum", value=limit, remedy="Give it in whole currency.")
    always = float(expected_at(portfolio, "cash", {})[0] > limit)

    def row(name: str, entry: Assumption, mean: float) -> tuple[object, ...]:
        value, above = sign_change(lambda x: expected_at(portfolio, "cash", {name: x}) - limit, entry)
        # A larger input never lowers the total, so values above the break-even exceed the limit.
        return name, entry.kind, mean, value, always if above is None else above

    rows = (row(*number) for number in numbers_behind(portfolio))
    return rounded_table(rows, text.schema_of("sensitivity.break_evens")).sort(
        "beyond", "assumption", descending=[True, False]
    )


ALIASED = 1e-6
"""A column of a regression is left out if the earlier columns explain all but this share of its size."""
CLEAR_ERRORS = 2
"""A sentence recommends to find out an input only if its value exceeds this many errors."""


def information_value(runs: Sequence[Simulation], *, alternative: float | None = None) -> pl.DataFrame:
    """Return the expected value of knowing each uncertain input before a decision.

    Args:
        runs: the simulations of the options, such as policies, with the same draws of the same inputs
            (`simulate_together`). The decision-maker takes the option with the least expected cash.
        alternative: the certain cost of one more option, such as another use of a budget, in the smallest
            unit of the currency.

    Returns:
        The table `information_value`, in the smallest unit of the currency. An input has a row
        if the cost depends on it, or if it is correlated with such an input. A value is 0 if the decision is
        the same in every draw. `share` is null if knowing all inputs is worth nothing.

    Raises:
        UsageError: there are fewer than two options.
        ModelRefused: an option has no expected cost in cash.

    Example:
        >>> from outage_analysis.assumptions import load_ledger
        >>> from outage_analysis.costs import build_portfolio, simulate
        >>> from outage_analysis.policies import load_policy
        >>> policy, ledger = load_policy("kakao-2022"), load_ledger("kakao-2022")
        >>> run = simulate(build_portfolio(policy, ledger, as_of=ledger.as_of))
        >>> information_value([run], alternative=300_000_000)["assumption"][0]
        'as-review-award'
    """
    if not runs or (len(runs) == 1 and alternative is None):
        raise UsageError(
            "information is worth something only if there is a choice",
            value=f"{len(runs)} policies",
            remedy="Name two or more policies, or a budget.",
        )
    if not all("cash" in run.portfolio.valuations for run in runs):
        raise ModelRefused(
            "no line has an expected cost in cash",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    totals = [run.totals["cash"] for run in runs]
    certain = [] if alternative is None else [np.full_like(totals[0].mean, alternative)]
    means = np.array([total.mean for total in totals] + certain)
    whole = _saving(means, means)
    # If one option is the best in every draw, it stays so whatever a regression says.
    settled = whole == Estimate(0.0, 0.0)
    # An input tells something if a cost depends on it, or if it is correlated with such an input.
    first, used = runs[0], {name for run in runs for name in run.portfolio.inputs_of("cash")}
    names = [name for name, entry in first.portfolio.entries.items() if entry.dimensions]
    if first.rank is not None:
        tied = (first.rank[:, [name in used for name in names]] != 0).any(axis=1)
        used |= {name for name, tells in zip(names, tied, strict=True) if tells}
    drawn = [block.values for block in first.replicates()]
    inputs = {
        name: whole if settled else _saving(means, _given_input(means, np.stack([x[name] for x in drawn])))
        for name in names
        if name in used
    }
    known = rounded_estimate(whole)
    rows: list[tuple[str, str | None, str | None, float, float, float | None]] = []
    for name, found in sorted(inputs.items(), key=lambda item: (-item[1].value, item[0])):
        shown, share, kind = rounded_estimate(found), None, first.portfolio.entries[name].kind
        if whole.value:
            relative = Estimate(found.value / whole.value, found.error / whole.value)
            share = rounded_probability(relative).value
        # More knowledge is never worth less, but the larger error of an input may round its value up.
        rows.append(("input", name, kind, min(shown.value, known.value), shown.error, share))
    rows.append(("all_inputs", None, None, known.value, known.error, 1.0 if known.value else None))
    sampled = np.array([total.values for total in totals] + certain)
    counts = rounded_estimate(_saving(sampled, sampled))
    rows.append(("inputs_and_counts", None, None, max(counts.value, known.value), counts.error, None))
    return text.schema_of("information_value").frame(rows)


def information_sentence(table: pl.DataFrame, portfolio: Portfolio, locale: text.Locale) -> str:
    """State in words which input to find out first, or that no input is worth finding out.

    Args:
        table: the result of `information_value`.
        portfolio: the terms of an option; its assumptions give the names of the inputs.
        locale: the language and its number formats.
    """
    whole, error = table.filter(known="all_inputs").select("value", "error").row(0)
    clear = pl.col("value") > CLEAR_ERRORS * pl.col("error")
    inputs = table.filter(clear, known="input")
    if whole <= CLEAR_ERRORS * error:
        return locale("information.unclear" if error else "information.nothing")
    if inputs.is_empty():
        return locale("information.no_single", all=locale.money(whole))
    id_, value = inputs.select("assumption", "value").row(0)
    short = text.short_names([entry.name[locale.lang] for entry in portfolio.entries.values()])
    name = dict(zip(portfolio.entries, short, strict=True))[id_]
    return locale("information.first", name=name, value=locale.money(value), all=locale.money(whole))


def _saving(costs: FloatArray, known: FloatArray) -> Estimate:
    """Return what it saves to choose by the costs that are known in each draw.

    Args:
        costs: the costs of the options, (options, replicates, draws).
        known: what is known of them before the decision, same shape.
    """
    unaware = costs[np.argmin(costs.mean(axis=(1, 2)))]
    chosen = np.take_along_axis(costs, known.argmin(axis=0)[None], axis=0)[0]
    saved = replicate_mean((unaware - chosen).mean(axis=1))
    return Estimate(max(saved.value, 0.0), saved.error)


def _given_input(costs: FloatArray, values: FloatArray) -> FloatArray:
    """Return the regression of the costs, (options, replicates, draws), on the drawn values of an input.

    The costs are those above the first option, because only differences matter for the choice. Each column is
    made orthogonal to those before it, in a fixed order, so that threads do not change the results.
    """
    if values.ndim == costs.ndim:
        columns = [np.ones_like(costs[0]), *np.moveaxis(values, 2, 0)]
    else:
        ordered = np.sort(values, axis=None)
        rank = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
        score = special.ndtri(rank / (2 * values.size))
        columns = [np.ones_like(score), values, score, score**2]
    gaps, orthogonal = costs - costs[0], list[FloatArray]()
    given = np.zeros_like(gaps)
    for column in columns:
        rest = column
        for other in orthogonal:
            rest = rest - (rest * other).mean() * other
        size = np.sqrt((rest * rest).mean())
        if size > ALIASED * np.sqrt((column * column).mean()):
            orthogonal.append(rest / size)
            given += (gaps * orthogonal[-1]).mean(axis=(1, 2), keepdims=True) * orthogonal[-1]
    return np.asarray(given)


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


def load_scenarios(id_or_path: str | Path | ScenarioSet = STRESSES) -> ScenarioSet:
    """Read a document of scenarios, given its bundled id or the path of a TOML file.

    Raises:
        UsageError: there is no such document, or one of its keys is invalid.

    Example:
        >>> [scenario.id for scenario in load_scenarios().scenarios][:2]
        ['one-tap', 'two-more-weeks']
    """
    return read_document(ScenarioSet, "scenarios", id_or_path)


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
        found = [s for s in portfolio.terms if not s.certain and self.effort_of(s) != "automatic"]
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
    terms = [s for s in claimed if s.line in changing]
    anew = {name: rate for s in terms for rate in rates for name in run.inputs_of_kind(s, rate.kind)}
    redrawn = {f"{name} ({effort})": (name, rate) for name, rate in anew.items()}
    return _changed(
        replace(portfolio, redrawn={**portfolio.redrawn, **redrawn}),
        terms,
        lambda s: {name: _as_sampled(f"{name} ({effort})") for name in s.rates if name in anew},
    )


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

    def with_odds(term: Term) -> Derived:
        names = run.inputs_of_kind(term, "acceptance")
        return {name: _computed(term, [name], lambda rate: multiply_odds(rate, ratio)) for name in names}

    if not any(run.inputs_of_kind(term, "acceptance") for term in portfolio.terms):
        raise DoesNotApply("no_acceptance")
    return _changed(portfolio, portfolio.terms, with_odds)


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
        (name,) = run.inputs_of_kind(term, "filing_share")
        filed = _computed(term, (name, term.mix), lambda rate, mix: filing_by_band(rate, mix, ratio)[0])
        split = _computed(term, (name, term.mix), lambda rate, mix: filing_by_band(rate, mix, ratio)[1])
        return {name: filed, term.mix: split}

    return _changed(portfolio, filing, with_odds)


def multiply_odds(rate: FloatArray, ratio: float) -> FloatArray:
    """Return rates whose odds are `ratio` times the odds of the given rates.

    Example:
        >>> multiply_odds(np.array([0.0, 0.2, 1.0]), 2).round(4).tolist()
        [0.0, 0.3333, 1.0]
    """
    return np.asarray(ratio * rate / (1 + (ratio - 1) * rate))


def filing_by_band(filing: FloatArray, mix: FloatArray, ratio: float) -> tuple[FloatArray, FloatArray]:
    """Return the filing share, and the band shares among filings, if people with large losses file more.

    Args:
        filing: the filing share of the other bands, (n,).
        mix: the band shares among the reports, (n, bands); the last band has the large losses.
        ratio: the number by which the odds of filing are multiplied for large losses.

    Returns:
        The filing share, (n,), and the band shares, (n, bands).

    Example:
        >>> share, mix = filing_by_band(np.array([0.2]), np.array([[0.7, 0.3]]), 2)
        >>> share.round(4).tolist(), mix.round(4).tolist()
        ([0.24], [[0.5833, 0.4167]])
    """
    rates = np.repeat(filing[:, None], mix.shape[1], axis=1)
    rates[:, -1] = multiply_odds(filing, ratio)
    share = filing + (rates[:, -1] - filing) * mix[:, -1]
    whole = share[:, None]  # if nobody files, the split of the filings has no effect
    return share, mix * np.divide(rates, whole, out=np.ones_like(mix), where=whole > 0)


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


def scenario_table(
    run: Simulation,
    stressed: StressedRun,
    scenarios: Iterable[Scenario],
    *,
    budget: float | None = None,
    level: int = text.DEFAULT_LEVEL,
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
    # A reserve may use P75, so the table has it at every level of the likely range.
    expected, quantiles = expected_estimate(run, "cash"), {"p75": 0.75, **text.LikelyRange(level).columns}
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
    table = text.schema_of("scenarios").frame(rows)
    per_recipient = pl.when(pl.col("recipients") > 0).then(pl.col("expected") / pl.col("recipients"))
    return table.with_columns(per_recipient=per_recipient).with_columns(
        pl.col("recipients", "per_recipient").round_sig_figs(text.TABLE_DIGITS)
    )


QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Column of the bridge -> the probability of a total below it."""


STEPS = ("data", "assumption", "policy", "payments")
PAYMENT_KINDS = ("mean_payment", "paid_total")
"""Kinds of assumption that state what was actually paid."""
REQUIRED_KINDS = ("filing_share", "acceptance", "take_up", "review_award", "band_mix")
"""Kinds of assumption that a line may need for an expected cost."""
LARGEST_TOTAL = 10**17
"""Recorded totals up to this amount, and their differences, fit into 64-bit integers."""

AssumptionsByKind = Mapping[str, Assumption]
"""The assumptions that apply to a line, by kind."""


@dataclass(frozen=True)
class BridgeRun:
    """One of the two runs that a bridge compares; its cost is computed from published counts.

    Args:
        policy: the policy.
        ledger: the assumptions, if any.
        as_of: the day of the run.
    """

    policy: Policy
    ledger: Ledger | None
    as_of: date


def bridge(
    first: BridgeRun,
    second: BridgeRun,
    *,
    recorded: float | None = None,
    draws: int | None = None,
    seed: int = SEED,
) -> pl.DataFrame:
    """Explain how the expected cash, and with draws its range, changed from one run to a later one.

    Args:
        first: the earlier run.
        second: the later run.
        recorded: the total of the first run as an older version of this package computed it, in the smallest
            unit of the currency; by default, the total that this version computes.
        draws: the number of points with which both runs are simulated, a power of two; by default there is no
            simulation.
        seed: the seed of the points, the same for both runs.

    Returns:
        The table `documents.bridge`, with amounts in the smallest unit of the currency. The
        rows are `start`, `data`, `assumption`, `policy`, `payments`, `method` and `end` in this order.
        `amount` is the change, `total` is the expected cost after the step, and `what` lists the ids of the
        facts, assumptions and lines that changed. A line that gains or loses its expected cost has a separate
        row after its step. The amounts add up exactly to the total at the end; a run without an expected cost
        has a total of 0. Counts observed in the outage itself belong to the step `payments`, although the
        ledger states them. A change in what claimants must do to be paid belongs to the step `policy`. With
        draws, `p50`, `p75` and `p90` of the rows `start` and `end` are quantiles of the total of the run, if
        it has an expected cost.

    Raises:
        UsageError: the second run is earlier than the first, the currencies differ, or `recorded` is negative
            or too large.
        ModelRefused: neither run has an expected cost.
    """
    if second.as_of < first.as_of:
        raise UsageError("the second run is of an earlier day than the first", remedy="Swap them.")
    if (first.policy.currency, first.policy.digits) != (second.policy.currency, second.policy.digits):
        raise UsageError("the two policies do not pay the same currency", remedy="Restate one of them.")
    if recorded is not None and not 0 <= recorded <= LARGEST_TOTAL:
        raise UsageError(
            "a recorded figure is no sum of money", value=recorded, remedy="Take it as it was recorded."
        )
    changes = _BridgeStages(first, second)
    known = [{id_: cost for id_, cost in stage.items() if cost is not None} for stage in changes.stages]
    totals = [*map(_rounded_total, known)]
    if not known[0] and not known[-1]:
        raise ModelRefused(
            "neither run has an expected cost in cash",
            remedy="Give a ledger with the inputs that the policies need.",
        )
    start = totals[0] if recorded is None else round(recorded)
    rows: list[tuple[str, int | None, int, str]] = [("start", None, start, _run_ids(first))]
    for step, (earlier, later) in zip(STEPS, pairwise(known), strict=True):
        both, alone = sorted(earlier.keys() & later.keys()), sorted(earlier.keys() ^ later.keys())
        moved = [line for line in both if earlier[line] != later[line]]
        costs = earlier
        # First all lines with a cost before and after; then each line that gains or loses its cost.
        for done, lines in enumerate([both, *([line] for line in alone)]):
            previous = _rounded_total(costs)
            costs = {line: cost for line, cost in costs.items() if line not in lines}
            costs |= {line: later[line] for line in lines if line in later}
            amount = _rounded_total(costs) - previous
            reasons = (changes.reasons(step, line) for line in (lines if done else moved))
            what = join_ids(*(lines if done else ()), *reasons)
            rows.append((step, amount, rows[-1][2] + amount, what))
    rows.append(("method", totals[0] - start, totals[-1], ""))
    rows.append(("end", None, totals[-1], _run_ids(second)))
    schema = text.schema_of("documents.bridge")
    ranges = {"start": _quantiles(first, draws, seed), "end": _quantiles(second, draws, seed)}
    names = schema.without(*QUANTILES).names
    return schema.frame(dict(zip(names, row, strict=True)) | ranges.get(row[0], {}) for row in rows)


def _quantiles(run: BridgeRun, draws: int | None, seed: int) -> dict[str, float]:
    portfolio = build_portfolio(run.policy, run.ledger, as_of=run.as_of)
    if draws is None or "cash" not in portfolio.valuations:
        return {}
    total = simulate(portfolio, draws=draws, seed=seed).totals["cash"]
    return {name: rounded_estimate(total.quantile(p)).value for name, p in QUANTILES.items()}


def _run_ids(side: BridgeRun) -> str:
    return join_ids(side.policy.id, side.ledger.id if side.ledger else "", str(side.as_of))


def _rounded_total(stage: Mapping[str, float]) -> int:
    """Add up the costs of the lines, and round the total as the cost table does, then to a whole number."""
    return round(round_digits(math.fsum(stage.values()), text.TABLE_DIGITS))


class _BridgeStages:
    """The cost lines before the first step and after each of `STEPS`, with their expected costs.

    Attributes:
        first_lines: the cost lines of the first run by id, as known on the day of that run.
        second_lines: the same for the second run.
        stages: the expected costs of the lines by id, before the first step and after each step; None for a
            line without one.
    """

    def __init__(self, first: BridgeRun, second: BridgeRun) -> None:
        self.first, self.second = first, second
        self.first_lines, self.second_lines = _known_lines(first), _known_lines(second)
        old, new = (run.ledger and run.ledger.as_known_on(run.as_of) for run in (first, second))
        self._ledger = old or new
        self._first_entries = partial(assumptions_in_force, old, day=second.as_of)
        self._second_entries = partial(assumptions_in_force, new, day=second.as_of)
        states = (
            (self.first_lines, self._first_entries, first.as_of),
            (self.first_lines, self._first_entries, second.as_of),
            (self.first_lines, self._entries_after_ledger, second.as_of),
            (self.second_lines, self._entries_after_ledger, second.as_of),
            (self.second_lines, self._second_entries, second.as_of),
        )
        self.stages: list[dict[str, float | None]] = [
            {id_: self._cost(line, entries(line), day) for id_, line in lines.items()}
            for lines, entries, day in states
        ]

    def reasons(self, step: str, id_: str) -> str:
        """Return the ids of the facts, assumptions and lines that changed for a line in a step."""
        if step == "data":
            facts = self.first_lines[id_].numeric_facts
            return join_ids(*(x for x in facts if self._between_runs(get_fact(x, hindsight=True).public_on)))
        if step == "assumption":
            line = self.first_lines[id_]
            return _changed_ids(self._first_entries(line), self._entries_after_ledger(line))
        if step == "policy":
            changes = self.second.policy.line(id_).effort_changes if id_ in self.second_lines else ()
            recent = (change.facts for change in changes if self._between_runs(change.since))
            return join_ids(id_, *(fact for facts in recent for fact in facts))
        line = self.second_lines[id_]
        return _changed_ids(self._entries_after_ledger(line), self._second_entries(line))

    def _between_runs(self, day: date | None) -> bool:
        return day is not None and self.first.as_of < day <= self.second.as_of

    def _entries_after_ledger(self, line: CostLine) -> AssumptionsByKind:
        """The assumptions for a line after the step that replaces the ledger.

        Counts observed in the outage and assumptions about actual payments are still those of the first
        ledger. If the line then has no expected cost, the first ledger supplies the missing required
        assumptions. It does not if the second run contains the line without an expected cost. A line that
        only the second run has takes its own assumptions.
        """
        if line.id not in self.first_lines:
            return self._second_entries(line)
        before, after = (
            {kind: entry for kind, entry in entries.items() if mix_fits_line(entry, line)}
            for entries in (self._first_entries(line), self._second_entries(line))
        )
        day = self.second.as_of
        for kind, entry in before.items():
            if isinstance(entry, RateAssumption) and entry.interim_error(line.closes_on(day)):
                before[kind] = entry.model_copy(update={"observed": None})
        for kind, entry in after.items():
            if isinstance(entry, RateAssumption) and entry.observed:
                update = {"observed": getattr(before.get(kind), "observed", None)}
                after[kind] = entry.model_copy(update=update)
        after = {kind: entry for kind, entry in after.items() if kind not in PAYMENT_KINDS}
        after |= {kind: entry for kind, entry in before.items() if kind in PAYMENT_KINDS}
        final = self.second_lines.get(line.id)
        needs_cost = final is None or self._cost(final, self._second_entries(final), day) is not None
        if needs_cost and self._cost(line, after, day) is None:
            after = {kind: entry for kind, entry in before.items() if kind in REQUIRED_KINDS} | after
        return after

    def _cost(self, line: CostLine, entries: AssumptionsByKind, day: date) -> float | None:
        """Return the expected cost of a line under some assumptions; None if it has none."""
        update = {"assumptions": tuple(entries.values()), "correlations": ()}
        ledger = self._ledger and self._ledger.model_copy(update=update)
        policy = self.second.policy.model_copy(update={"lines": (line,)})
        compiled = compiled_lines(policy, ledger, as_of=day)
        own = [term for each in compiled for term in each.terms if term.valuation == "cash"]
        if not own or not all(term.has_expected_cost for term in own):
            return None
        return round_digits(math.fsum(term.cost.expected or 0.0 for term in own), text.TABLE_DIGITS)


def _known_lines(run: BridgeRun) -> dict[str, CostLine]:
    """Return the lines of a run by id, without later changes of the claim effort."""
    day = run.as_of
    return {
        line.id: line.model_copy(update={"effort": line.effort_on(day), "effort_changes": ()})
        for line in run.policy.as_known_on(day).lines
    }


def _changed_ids(before: AssumptionsByKind, after: AssumptionsByKind) -> str:
    """Return the ids of the assumptions that changed; for a replaced assumption, the new id."""
    kinds = sorted(before.keys() | after.keys())
    return join_ids(*((after.get(k) or before[k]).id for k in kinds if before.get(k) != after.get(k)))
