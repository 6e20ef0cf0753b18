"""The expected value of information: what it is worth to know an input before a decision.

The decision-maker takes the option with the least expected cost. Knowing an input i lets them choose by its
value, which saves, on average,

    min_a E[C_a] - E[ min_a E[C_a | input i] ]

where C_a is the cost of option a (Raiffa and Schlaifer 1961). The conditional expectation is a regression of
the drawn costs on the input (Strong, Oakley and Brennan 2014), so that inputs may be correlated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.sensitivity.spline_regression import SplineRegression
from outage_analysis.costs.uncertainty.portfolio import Portfolio
from outage_analysis.costs.uncertainty.simulation import Estimate, Simulation
from outage_analysis.costs.uncertainty.tables import rounded_estimate, rounded_probability
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.text import ASSUMPTION, KIND, Column, Locale, TableSchema, short_names

INFORMATION_VALUE = TableSchema(
    "One row per uncertain input, the largest value first; then one for all inputs, and one for the counts.",
    (
        Column(
            "known",
            "word",
            "What is known before the decision: input, all_inputs, or inputs_and_counts (the total itself).",
            label="known_before",
        ),
        ASSUMPTION,
        KIND,
        Column("value", "money", "Expected cost that this knowledge saves.", label="information_value"),
        Column("error", "money", "One standard error of the value."),
        Column(
            "share",
            "share",
            "Share of the value of all inputs; empty for the counts.",
            label="share_of_all_inputs",
        ),
    ),
)
"""The columns of `information_value`."""
IntArray = NDArray[np.intp]
FEWEST_OPTIONS = 2
CLEAR_ERRORS = 2
"""A sentence recommends to find out an input only if its value exceeds this many errors."""
NUMBER_DIMENSIONS = 2
"""The draws of an input that is one number have two dimensions: replicates and draws."""


@dataclass(frozen=True)
class InformationValues:
    """The values of information of a decision, in the smallest unit of the currency, not rounded."""

    inputs: Mapping[str, Estimate]
    """By assumption, the value of knowing it exactly."""
    all_inputs: Estimate
    """The value of knowing all inputs, but not how many claims come from them by chance."""
    totals: Estimate
    """The value of knowing the total of every option; nobody can know the counts beforehand."""


def information_value(
    runs: Sequence[Simulation], valuation: str = "cash", *, alternative: float | None = None
) -> pl.DataFrame:
    """Return the expected value of knowing each uncertain input before a decision.

    Args:
        runs: the simulations of the options, such as policies, with the same draws of the same inputs
            (`simulate_together`). The decision-maker takes the option with the least expected cost.
        valuation: the kind of cost that counts, such as `cash`.
        alternative: the certain cost of one more option, such as another use of a budget, in the smallest
            unit of the currency.

    Returns:
        The columns of `INFORMATION_VALUE`, in the smallest unit of the currency. An input has a row if the
        cost depends on it, or if it is correlated with such an input. A value is 0 if the decision is the
        same in every draw. `share` is null if knowing all inputs is worth nothing.

    Raises:
        UsageError: there are fewer than two options, or the simulations do not share their draws.
        ModelRefused: an option has no expected cost under the valuation.

    Example:
        >>> from outage_analysis.assumptions import load_ledger
        >>> from outage_analysis.costs import build_portfolio, simulate
        >>> from outage_analysis.policies import load_policy
        >>> policy, ledger = load_policy("kakao-2022"), load_ledger("kakao-2022")
        >>> run = simulate(build_portfolio(policy, ledger, as_of=ledger.as_of))
        >>> information_value([run], alternative=300_000_000)["assumption"][0]
        'as-review-award'
    """
    values = estimate_information(runs, valuation, alternative=alternative)
    whole = rounded_estimate(values.all_inputs)
    entries = runs[0].portfolio.entries
    rows: list[tuple[str, str | None, str | None, float, float, float | None]] = []
    for name, estimate in sorted(values.inputs.items(), key=lambda item: (-item[1].value, item[0])):
        shown = rounded_estimate(estimate)
        # The larger error of an input may round its value above the value of all inputs.
        shown = Estimate(min(shown.value, whole.value), shown.error)
        share = _share(estimate, values.all_inputs)
        rows.append(("input", name, entries[name].kind, shown.value, shown.error, share))
    beyond = rounded_estimate(values.totals)
    everything = max(beyond.value, whole.value)
    rows.append(("all_inputs", None, None, whole.value, whole.error, 1.0 if whole.value else None))
    rows.append(("inputs_and_counts", None, None, everything, beyond.error, None))
    return pl.DataFrame(rows, schema=INFORMATION_VALUE.dtypes, orient="row")


def estimate_information(
    runs: Sequence[Simulation], valuation: str = "cash", *, alternative: float | None = None
) -> InformationValues:
    """Return the values of `information_value` as estimates that are not rounded.

    More knowledge is never worth less. So the value of an input is at most the value of all inputs in the
    same draws, and the value of the totals is at least the value of all inputs. The error is the root mean
    square difference from the values computed on halves of the replicates, each with its own regression.

    Raises:
        UsageError: there are fewer than two options, or the simulations do not share their draws.
        ModelRefused: an option has no expected cost under the valuation.
    """
    _check_options(runs, valuation, alternative)
    totals = [run.totals[valuation] for run in runs]
    means, sampled = [total.mean for total in totals], [total.values for total in totals]
    if alternative is not None:
        means.append(np.full_like(means[0], alternative))
        sampled.append(means[-1])
    whole = _value_of_costs(_gaps(means))
    beyond = _value_of_costs(_gaps(sampled))
    if beyond.value < whole.value:
        beyond = Estimate(whole.value, beyond.error)
    inputs = {
        name: _value_of_input(values, _gaps(means), whole) for name, values in _drawn_inputs(runs, valuation)
    }
    return InformationValues(inputs, whole, beyond)


def information_sentence(table: pl.DataFrame, portfolio: Portfolio, locale: Locale) -> str:
    """State in words which input to find out first, or that no input is worth finding out.

    Args:
        table: the result of `information_value`.
        portfolio: the streams of an option; its assumptions give the names of the inputs.
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
    short = short_names([entry.name[locale.lang] for entry in portfolio.entries.values()])
    name = dict(zip(portfolio.entries, short, strict=True))[id_]
    return locale("information.first", name=name, value=locale.money(value), all=locale.money(whole))


def _share(part: Estimate, whole: Estimate) -> float | None:
    if not whole.value:
        return None
    return rounded_probability(Estimate(part.value / whole.value, part.error / whole.value)).value


def _check_options(runs: Sequence[Simulation], valuation: str, alternative: float | None) -> None:
    if len(runs) + (alternative is not None) < FEWEST_OPTIONS or not runs:
        raise UsageError(
            "information is worth something only if there is a choice",
            value=f"{len(runs)} policies",
            remedy="Name two or more policies, or a budget.",
        )
    if alternative is not None and not (np.isfinite(alternative) and alternative >= 0):
        raise UsageError("the cost of an alternative is an amount from 0 on", value=alternative)
    for run in runs:
        if valuation not in run.portfolio.valuations:
            raise ModelRefused(
                f"no line has an expected cost in {valuation.replace('_', ' ')}",
                remedy="Give a ledger with the inputs that the policy needs.",
            )
        if _draws_of(run) != _draws_of(runs[0]):
            raise UsageError(
                "the simulations do not share their draws", remedy="Simulate the policies together."
            )


def _draws_of(run: Simulation) -> tuple[object, ...]:
    """Return everything that determines the draws of the inputs, to compare simulations."""
    rank = None if run.rank is None else run.rank.tolist()
    return run.draws, run.seed, dict(run.portfolio.entries), rank


def _drawn_inputs(runs: Sequence[Simulation], valuation: str) -> Iterator[tuple[str, FloatArray]]:
    first, portfolio = runs[0], runs[0].portfolio
    sampled = [name for name, entry in portfolio.entries.items() if entry.dimensions]
    used = {
        name
        for run in runs
        for stream in run.portfolio.streams
        if stream.valuation == valuation
        for name in stream.inputs
    }
    if first.rank is not None:
        tied = [name in used for name in sampled]
        reached = (first.rank[:, tied] != 0).any(axis=1)
        used |= {name for name, tells in zip(sampled, reached, strict=True) if tells}
    wanted = [name for name in sampled if name in used]
    blocks: dict[str, list[FloatArray]] = {name: [] for name in wanted}
    for values in first.drawn_inputs():
        for name in wanted:
            blocks[name].append(values[name])
    for name in wanted:
        stacked = np.stack(blocks.pop(name))
        # A band mix has one coordinate per band; every other input is one number.
        yield name, stacked[None] if stacked.ndim == NUMBER_DIMENSIONS else np.moveaxis(stacked, 2, 0)


def _gaps(costs: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the cost of each option less the cost of the first; only differences matter for the choice."""
    return [cost - costs[0] for cost in costs]


def _value_of_costs(gaps: Sequence[FloatArray]) -> Estimate:
    """Return the value of knowing the costs themselves, with its error."""
    means, best = _replicate_means(gaps)
    by_half = [_saving(means[:, half], best[half]) for half in half_samples(len(best))]
    value = _saving(means, best)
    return Estimate(value, _root_mean_square(by_half, value))


def _value_of_input(values: FloatArray, gaps: Sequence[FloatArray], whole: Estimate) -> Estimate:
    if whole == Estimate(0.0, 0.0):  # one option is the best in every draw, whatever a regression says
        return whole
    regression = SplineRegression.from_draws(values, gaps[1:])

    def value_from(replicates: IntArray) -> float:
        means, best = _replicate_means([np.zeros_like(gaps[0]), *regression.predict(replicates)])
        return _saving(means[:, replicates], best[replicates])

    replicates = np.arange(values.shape[1])
    by_half = [value_from(half) for half in half_samples(len(replicates))]
    value = value_from(replicates)
    return Estimate(min(value, whole.value), _root_mean_square(by_half, value))


def _replicate_means(gaps: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return the mean cost of each option, (options, replicates), and the mean of the least cost."""
    means = np.array([gap.mean(axis=1) for gap in gaps])
    return means, np.min(gaps, axis=0).mean(axis=1)


def _saving(means: FloatArray, best: FloatArray) -> float:
    """Return how much the best choice per draw saves; exactly 0 if one option is the best in every draw.

    Every mean is taken in the same order, so that equal costs have equal means.
    """
    return max(min(float(mean.mean()) for mean in means) - float(best.mean()), 0.0)


def half_samples(replicates: int) -> list[IntArray]:
    """Return balanced halves of the replicates: any two are in the same half as often as not.

    The estimates from halves vary around the estimate from all replicates as much as this one varies around
    its expectation (balanced repeated replication; McCarthy 1969), even where the best option changes and a
    jackknife fails. A regression on half of the draws overstates a value twice as much as a regression on all
    draws, so the differences include this error.

    Args:
        replicates: the number of replicates, a power of two, at least 2.
    """
    positions = range(replicates)
    signs = [[(row & place).bit_count() % 2 for place in positions] for row in range(1, replicates)]
    return [np.flatnonzero(np.array(row) == side) for row in signs for side in (0, 1)]


def _root_mean_square(estimates: Sequence[float], value: float) -> float:
    return math.sqrt(sum((estimate - value) ** 2 for estimate in estimates) / len(estimates))
