"""Sensitivity of a total: to single inputs, to single decisions, and what it is worth to know an input.

The value of information: the decision-maker takes the option with the least expected cost. Knowing an input X
lets them choose by its value, which saves, on average,

    min_a E[C_a] - E[ min_a E[C_a | X] ]

where C_a is the cost of option a (Raiffa and Schlaifer 1961). A regression of the drawn costs on X, which may
be correlated with other inputs, says which option to choose at each X (Strong, Oakley and Brennan 2014); the
value is what these choices save in the draws. The columns are a constant, X (because an expected cost is
linear in an independent input) and the normal score of X and its square; for a band mix, its shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from outage_analysis import text
from outage_analysis.assumptions import Assumption, Award, BandMix, FloatArray, OneDistribution
from outage_analysis.costs.expected import Portfolio, expected_at
from outage_analysis.costs.simulation import (
    SEED,
    Estimate,
    Simulation,
    replicate_mean,
    rounded_estimate,
    rounded_probability,
    rounded_table,
    sobol_points,
    sobol_replicates,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.special_functions import special

POINTS, SAMPLE_SEED = 2**15, 1
"""The size and the seed of the sample of an input without closed-form quantiles, such as a mix."""
QUANTILE_LIMITS = (1e-9, 1 - 1e-9)
"""The search for a change of sign covers the values between these quantiles of the input."""
CELLS, ROUNDS = 64, 9
"""Each round of the search divides the range into `CELLS` cells and continues in the cell with the change."""
PERCENTAGE_POINT = 0.01
PAIRS = 2**13
"""The default number of pairs of points from which the indices are computed."""
ROUNDING = 1e-12
"""If results differ by less than this share of their size, the difference is rounding."""


def numbers_behind(*portfolios: Portfolio) -> list[tuple[str, Assumption, float]]:
    """Return the id, assumption and mean of each input of the cash that is one number, not a mix."""
    inputs = {name: entry for x in portfolios for name, entry in x.inputs_of("cash").items()}
    return [(name, e, e.range.expected) for name, e in inputs.items() if not isinstance(e, BandMix)]


def sample_input(entry: Assumption) -> FloatArray:
    """Return a quasi-random (Sobol) sample of an input: shape (n,), or (n, bands) for a band mix."""
    return entry.draw(np.concatenate(sobol_points(entry.dimensions, POINTS, seed=SAMPLE_SEED)))


def input_quantiles(entry: Assumption, p: Sequence[float]) -> FloatArray:
    """Return the quantiles of an input that is a single number, at the probabilities p."""
    if isinstance(entry, OneDistribution):
        return entry.sampled_distribution.quantile(p)
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
    if isinstance(entry, OneDistribution):
        return float(high), float(1 - entry.sampled_distribution.cdf(high))
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


def levers(portfolio: Portfolio) -> pl.DataFrame:
    """Return how much one step of each lever (a decision) adds to the expected cash cost of each line.

    Returns:
        One row per line and lever: `line`, `lever`, `step` and `adds` (in the smallest unit of the currency).
        The levers are `award` (a round step of about a tenth of the mean award), `review_share` (one
        percentage point more of the reports in the review band) and `filing` (one percentage point more).
        Lines whose payment the law fixes have no row.
    """
    rows = list[tuple[object, ...]]()
    for line in sorted({*portfolio.counted("cash")} - portfolio.statutory):
        terms = tuple(s for s in portfolio.terms if (s.line, s.valuation) == (line, "cash"))
        only = replace(portfolio, terms=terms)
        reviewed = {part.band for s in terms for part in s.parts if part.reviewed}
        base = expected_at(only, "cash", {})[0]
        for lever, name, step, moved in _lever_steps(only.inputs_of("cash"), reviewed):
            rows.append((line, lever, step, expected_at(only, "cash", {name: moved})[0] - base))
    return rounded_table(rows, text.schema_of("levers")).filter(pl.col("adds") != 0)


def _lever_steps(
    inputs: Mapping[str, Assumption], reviewed: set[int | None]
) -> Iterator[tuple[str, str, float, FloatArray]]:
    for name, entry in inputs.items():
        if isinstance(entry, BandMix):
            shares = np.array([band.share for band in entry.bands])
            inside = np.isin(np.arange(len(shares)), [band for band in reviewed if band is not None])
            under, rest = shares[inside].sum(), shares[~inside].sum()
            if under and rest > PERCENTAGE_POINT:
                factors = np.where(inside, 1 + PERCENTAGE_POINT / under, 1 - PERCENTAGE_POINT / rest)
                yield "review_share", name, PERCENTAGE_POINT, (shares * factors)[None, :]
        elif isinstance(entry, Award) and (mean := entry.range.expected):
            step = 10.0 ** math.floor(math.log10(mean / 10))
            yield "award", name, step, np.array([mean + step])
        elif entry.kind == "filing_share" and (moved := entry.range.expected + PERCENTAGE_POINT) <= 1:
            yield "filing", name, PERCENTAGE_POINT, np.array([moved])


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


def cost_sobol_indices(portfolio: Portfolio, *, draws: int = PAIRS) -> pl.DataFrame:
    """Return the Sobol indices of each assumption for the conditional mean of the cash, given the inputs.

    The indices do not include the process variance, which remains if every input is known; `variance_split`
    returns it. The estimators are those of Azzini, Mara and Rosati (2021), symmetric versions of Jansen's and
    Saltelli's. An input without effect has indices of exactly 0. A first-order estimate may be negative if
    the index is smaller than its numerical error; take more draws then.

    Args:
        portfolio: the terms and their inputs.
        draws: the number of pairs of sample points, a power of two. The total is evaluated 2 x (assumptions +
            1) times per pair.

    Returns:
        One row per assumption, the largest total index first: `assumption`, `kind`, `first` (the share that
        it explains alone) and `total` (including its interactions), each with `_low` and `_high`, the ends of
        the 90 % interval of the numerical error.

    Raises:
        ModelRefused: nothing is uncertain, or the ledger declares correlations between inputs of the total.
    """
    terms, inputs = portfolio.terms_of("cash"), portfolio.inputs_of("cash")
    entries = {name: entry for name, entry in inputs.items() if entry.dimensions}
    certain = ModelRefused("nothing about the cash is uncertain, so there is no variance to share")
    if not entries:
        raise certain
    if tied := next((pair for pair in portfolio.correlations if {*pair} <= entries.keys()), None):
        raise ModelRefused(
            f"{tied[0]} and {tied[1]} are declared to depend on each other, and shares of the variance"
            " need independent inputs",
            remedy="Read the tornado, or take the correlations out of the ledger.",
        )
    only = replace(portfolio, terms=terms, entries=inputs)

    def total(points: FloatArray) -> FloatArray:
        values = only.values(points)
        return np.asarray(sum(s.moments(values, len(points))[0].sum(axis=1) for s in terms))

    parts, size = [], 0.0
    for points in sobol_replicates(2 * only.dimensions, draws, seed=SEED):
        a, b = np.hsplit(points, 2)
        at_a, at_b = total(a), total(b)
        size = max(size, float(np.max(at_a, initial=0.0)))
        for place in (only.places[name] for name in entries):
            one, other = a.copy(order="K"), b.copy(order="K")
            one[:, place], other[:, place] = b[:, place], a[:, place]
            at_one, at_other = total(one), total(other)
            first = (at_one - at_a) * (at_b - at_other) / 2
            whole = ((at_one - at_a) ** 2 + (at_b - at_other) ** 2) / 4
            variance = ((at_a - at_b) ** 2 + (at_one - at_other) ** 2) / 4
            parts.append((first.mean(), whole.mean(), variance.mean()))
    first, whole, variance = np.reshape(parts, (-1, len(entries), 3)).transpose(2, 0, 1)
    if variance.mean() <= (ROUNDING * size) ** 2:
        raise certain
    columns: dict[str, object] = {"assumption": [*entries], "kind": [e.kind for e in entries.values()]}
    for name, share in (("first", first), ("total", whole)):
        index, replicates = share.mean(axis=0) / variance.mean(axis=0), len(share)
        # The delta method gives the error of a ratio of means; for replicates of scrambled Sobol points, the
        # plain t interval covers the mean most reliably (L'Ecuyer, Nakayama, Owen, Tuffin 2023).
        errors = (share - index * variance).std(axis=0, ddof=1) / variance.mean(axis=0)
        half = special.stdtrit(replicates - 1, 0.95) * errors / math.sqrt(replicates)
        columns |= {name: index, f"{name}_low": index - half, f"{name}_high": index + half}
    table = pl.DataFrame(columns).with_columns(pl.col(pl.Float64).round_sig_figs(text.ESTIMATE_DIGITS))
    return table.sort("total", "assumption", descending=[True, False])


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
        remedy = "Give a ledger with the inputs that the policy needs."
        raise ModelRefused("no line has an expected cost in cash", remedy=remedy)
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
