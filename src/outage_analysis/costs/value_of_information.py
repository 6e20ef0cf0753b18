"""The expected value of information: what it is worth to know an input before a decision.

The decision-maker takes the option with the least expected cost. Knowing an input X lets them choose by its
value, which saves, on average,

    min_a E[C_a] - E[ min_a E[C_a | X] ]

where C_a is the cost of option a (Raiffa and Schlaifer 1961). A regression of the drawn costs on X, which may
be correlated with other inputs, says which option to choose at each X (Strong, Oakley and Brennan 2014); the
value is what these choices save in the draws. The columns are a constant, X (because an expected cost is
linear in an independent input) and the normal score of X and its square; for a band mix, its shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from scipy import special

from outage_analysis.assumptions import FloatArray
from outage_analysis.costs.portfolio import Portfolio
from outage_analysis.costs.sensitivity import inputs_behind
from outage_analysis.costs.simulation import Estimate, Simulation, replicate_mean
from outage_analysis.costs.simulation_tables import rounded_estimate, rounded_probability
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.text import ASSUMPTION, KIND, Column, Locale, TableSchema, short_names

INFORMATION_VALUE: TableSchema = TableSchema(
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
ALIASED = 1e-6
"""A column of a regression is left out if the earlier columns explain all but this share of its size."""
CLEAR_ERRORS = 2
"""A sentence recommends to find out an input only if its value exceeds this many errors."""


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
    _check_options(runs, valuation, alternative)
    totals = [run.totals[valuation] for run in runs]
    certain = [] if alternative is None else [np.full_like(totals[0].mean, alternative)]
    means = np.array([total.mean for total in totals] + certain)
    whole = _saving(means, means)
    # If one option is the best in every draw, it stays so whatever a regression says.
    settled = whole == Estimate(0.0, 0.0)
    inputs = {
        name: whole if settled else _saving(means, _given_input(means, drawn))
        for name, drawn in _drawn_inputs(runs, valuation)
    }
    known = rounded_estimate(whole)
    rows: list[tuple[str, str | None, str | None, float, float, float | None]] = []
    for name, found in sorted(inputs.items(), key=lambda item: (-item[1].value, item[0])):
        shown, share = rounded_estimate(found), None
        if whole.value:
            relative = Estimate(found.value / whole.value, found.error / whole.value)
            share = rounded_probability(relative).value
        kind = runs[0].portfolio.entries[name].kind
        # More knowledge is never worth less, but the larger error of an input may round its value up.
        rows.append(("input", name, kind, min(shown.value, known.value), shown.error, share))
    rows.append(("all_inputs", None, None, known.value, known.error, 1.0 if known.value else None))
    sampled = np.array([total.values for total in totals] + certain)
    counts = rounded_estimate(_saving(sampled, sampled))
    rows.append(("inputs_and_counts", None, None, max(counts.value, known.value), counts.error, None))
    return pl.DataFrame(rows, schema=INFORMATION_VALUE.dtypes, orient="row")


def information_sentence(table: pl.DataFrame, portfolio: Portfolio, locale: Locale) -> str:
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
    short = short_names([entry.name[locale.lang] for entry in portfolio.entries.values()])
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


def _drawn_inputs(runs: Sequence[Simulation], valuation: str) -> Iterator[tuple[str, FloatArray]]:
    """Yield each sampled input that tells something about a cost, with its values in all replicates."""
    first = runs[0]
    used = {name for run in runs for name in inputs_behind(run.portfolio, valuation)}
    sampled = [name for name, entry in first.portfolio.entries.items() if entry.dimensions]
    if first.rank is not None:
        tied = (first.rank[:, [name in used for name in sampled]] != 0).any(axis=1)
        used |= {name for name, tells in zip(sampled, tied, strict=True) if tells}
    drawn = [block.values for block in first.replicates()]
    for name in sampled:
        if name in used:
            yield name, np.stack([values[name] for values in drawn])


def _check_options(runs: Sequence[Simulation], valuation: str, alternative: float | None) -> None:
    if not runs or (len(runs) == 1 and alternative is None):
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
        if run.draws != runs[0].draws or run.seed != runs[0].seed:
            raise UsageError(
                "the simulations do not share their draws", remedy="Simulate the policies together."
            )
