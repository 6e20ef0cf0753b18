"""Tables of a simulation: quantiles rounded to their error, ranges by line, distribution, variance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import polars as pl

from outage_analysis.costs.expected import Portfolio, expected_at
from outage_analysis.costs.simulation import Estimate, Sample, SampledTotal, Simulation
from outage_analysis.costs.terms import LABELS
from outage_analysis.errors import ModelRefused
from outage_analysis.text import DEFAULT_LEVEL, TABLE_DIGITS, LikelyRange, TableSchema, schema_of

NEGLIGIBLE = 1e-15
"""Probabilities below this are treated as zero, because floats cannot resolve them."""


def rounded_estimate(estimate: Estimate) -> Estimate:
    """Round an estimate to the first significant digit of its error, and the error to two digits.

    Example:
        >>> from outage_analysis.costs.simulation import Estimate
        >>> rounded_estimate(Estimate(1234.567, 12.34))
        Estimate(value=1230.0, error=12.0)
    """
    if not estimate.error:
        return Estimate(round_digits(estimate.value, TABLE_DIGITS), 0.0)
    if not math.isfinite(estimate.error):
        return Estimate(round_digits(estimate.value, 1), estimate.error)
    decade = math.floor(math.log10(estimate.error))
    return Estimate(round(estimate.value, -decade), round_digits(estimate.error, 2))


def rounded_probability(estimate: Estimate) -> Estimate:
    """Round an estimated probability like `rounded_estimate`; probabilities below 1e-15 become zero."""
    return Estimate(0.0, 0.0) if estimate.value < NEGLIGIBLE else rounded_estimate(estimate)


def round_digits(value: float, digits: int = 12) -> float:
    """Round a number to significant digits; by default to 12, because vector instructions differ beyond."""
    return float(f"{value:.{digits}g}")


def rounded_table(
    rows: Iterable[Mapping[str, object] | Sequence[object]], schema: TableSchema, digits: int = TABLE_DIGITS
) -> pl.DataFrame:
    """Return rows as a table with rounded floats, without what the schema does not name."""
    return pl.DataFrame([*rows], schema=schema.dtypes, orient="row").with_columns(
        pl.col(pl.Float64).round_sig_figs(digits)
    )


def known_quantiles(total: Sample, probabilities: Mapping[str, float]) -> dict[str, Estimate]:
    """Return rounded quantiles by name, without those for which there are too few draws."""
    found = {}
    for name, p in probabilities.items():
        with suppress(ModelRefused):
            found[name] = rounded_estimate(total.quantile(p))
    return found


def budget_chance(run: Simulation, budget: float) -> pl.DataFrame | None:
    """Return the probability that the cash exceeds a budget; None if no line has an expected cost in cash.

    Args:
        run: the simulation.
        budget: an amount of cash in the smallest unit of the currency.

    Returns:
        `budget`, `exceeded` (the probability), `error`, `stressed` (the probability under rank correlations
        of 0.5 between all inputs), `counted` (the cost lines in the total) and `left_out` (the cash lines
        without an expected cost, which the total does not include).
    """
    if "cash" not in run.totals:
        return None
    chance, pressed = (rounded_probability(r.totals["cash"].exceedance(budget)) for r in (run, run.stressed))
    lines = (run.portfolio.counted("cash"), run.portfolio.left_out.get("cash", ()))
    row = (budget, chance.value, chance.error, pressed.value, *map(" ".join, lines))
    return schema_of("budget").frame([row])


def quantiles_table(run: Simulation, *, level: int = DEFAULT_LEVEL) -> pl.DataFrame:
    """Return the mean and the quantiles of each total, rounded to their numerical error.

    Args:
        run: the simulation.
        level: the probability of the likely range in percent; 90 gives P5 and P95.

    Returns:
        The table `quantiles`. The measures are the expected cost in closed form (or the mean
        of the draws if inputs are correlated), the mean of the draws, the likely range, the median, P95, P99,
        and the mean of the tail above P95. `error` is one standard error; `stressed` is the value under rank
        correlations of 0.5 between all inputs.
    """
    likely, rows = LikelyRange(level), list[tuple[object, ...]]()
    for valuation, total in run.totals.items():
        expected = expected_estimate(run, valuation)
        rows.append((valuation, "expected", expected.value, expected.error, None))
        pressed = _estimates(run.stressed.totals[valuation], likely)
        for measure, estimate in _estimates(total, likely).items():
            rows.append((valuation, measure, estimate.value, estimate.error, pressed[measure].value))
    return schema_of("quantiles").frame(rows)


def expected_estimate(run: Simulation, valuation: str, total: Sample | None = None) -> Estimate:
    """Return the expected total: in closed form, or as the mean of the draws if inputs are correlated.

    `total` is the sample of the total, if there is another than that of the run.
    """
    if run.portfolio.has_correlated_inputs(valuation):
        return rounded_estimate((total or run.totals[valuation]).expected)
    return Estimate(round_digits(float(expected_at(run.portfolio, valuation, {})[0]), TABLE_DIGITS), 0.0)


def expected_recipients(run: Simulation, valuation: str, base: Simulation | None = None) -> float | None:
    """Return the expected number of payments; None if a cost line is one amount without a count.

    Without a closed form, the number comes from the draws: as the difference from that of `base`, a run with
    the same random points, if there is one.
    """
    if any(term.certain for term in run.portfolio.terms_of(valuation)):
        return None
    people = _people(run, valuation)
    if run.rank is None and people.has_closed_form(valuation):
        return float(expected_at(people, valuation, {})[0])
    drawn = run.mean_payment(people.terms)
    known = None if base is None else expected_recipients(base, valuation)
    if base is None or known is None:
        return drawn
    return known + drawn - base.mean_payment(_people(base, valuation).terms)


def _people(run: Simulation, valuation: str) -> Portfolio:
    """Return the portfolio that pays 1 to everybody who is paid anything."""
    terms = tuple(term.per_person(term.paid_share) for term in run.portfolio.terms_of(valuation))
    return replace(run.portfolio, terms=terms)


def _estimates(total: SampledTotal, likely: LikelyRange) -> dict[str, Estimate]:
    """Return the mean, and the quantiles and tail means for which there are enough draws."""
    estimates = {"mean": rounded_estimate(total.expected)}
    for measure, estimate in known_quantiles(total, likely.percentiles).items():
        estimates[measure] = estimate
        if likely.percentiles[measure] == TAIL:
            estimates["tvar95"] = rounded_estimate(total.tvar(TAIL))
    return estimates


DOTS = (50, 20, 10, 5)
"""A distribution is drawn as the first of these numbers of equally likely dots that the draws support."""


def total_distribution_table(
    run: Simulation, budget: float | None = None, *, level: int = DEFAULT_LEVEL
) -> pl.DataFrame:
    """Return each total as equally likely dots, with marked amounts for a chart.

    Args:
        run: the simulation.
        budget: an amount of cash to mark, in the smallest unit of the currency.
        level: the probability of the likely range in percent; 90 marks P5 and P95.

    Returns:
        The table `total_distribution`. `below` is P(total <= amount). Rows without a `mark`
        are the dots: of 50 dots, the dot n is the quantile at (n - 1/2)/50, and its `below` is this
        probability. The marked rows are the expected total in closed form, the likely range and the median as
        far as the draws support them, 0 if the total can be 0, and the budget for cash. A total that is
        certain has no dots.
    """
    likely, rows = LikelyRange(level), list[tuple[str, str | None, str, float | None, float, float]]()
    for valuation, total in run.totals.items():
        marks = {"expected": expected_estimate(run, valuation).value}
        marks |= {mark: x.value for mark, x in known_quantiles(total, likely.points).items()}
        if budget is not None and valuation == "cash":
            marks["budget"] = budget
        if 0 < rounded_probability(total.exceedance(0.0)).value < 1:
            marks["zero"] = 0.0
        dots = _dots(total) if set(likely.points) <= set(marks) else {}
        rows += [(valuation, None, "", None, amount, p) for p, amount in dots.items()]
        shares = {mark: 1 - rounded_estimate(total.exceedance(x)).value for mark, x in marks.items()}
        rows += [(valuation, mark, "", None, amount, shares[mark]) for mark, amount in marks.items()]
    return rounded_table(rows, schema_of("total_distribution"))


def _dots(total: SampledTotal) -> dict[float, float]:
    """Return the amounts of the dots by their probability; {} for a certain total, or too few draws."""
    for count in DOTS if total.process or total.parameter else ():
        with suppress(ModelRefused):  # too few draws for the first and the last dot
            middles = ((2 * n + 1) / (2 * count) for n in range(count))
            return {p: rounded_estimate(total.quantile(p)).value for p in middles}
    return {}


def waterfall_steps(costs: pl.DataFrame, contributions: pl.DataFrame) -> pl.DataFrame:
    """Return the steps of the expected cash: one per cost line or, for a single line, service or band.

    Args:
        costs: the result of `cost_table`, for one basis.
        contributions: the result of `contributions`, for the same run.

    Returns:
        The table `steps`. `expected` is in closed form; `tail` is the contribution of the step
        to the mean of the worst 5 % of cases. Lines and services are sorted by `expected`, bands by loss.
    """
    cash = costs.filter(pl.col("expected") > 0, valuation="cash")
    lines, cells = cash.filter(level="line"), cash.filter(level="band")
    # The bands add up to the cost of their line only if the line has an expected cost per band.
    priced = math.isclose(lines["expected"].sum(), cells["expected"].sum(), rel_tol=1e-6)
    for keys, part in ((["line"], lines), (["service"], cells), (["over", "up_to", "rule"], cells)):
        if part.select(keys).n_unique() > 1 and (part is lines or priced):
            break
    else:
        keys, part = ["line"], lines
    tails = contributions.filter(valuation="cash").group_by(keys).agg(pl.col("tail").sum())
    cited = pl.col("facts").str.split(" ").explode().unique(maintain_order=True).str.join(" ")
    sums = part.group_by(keys, maintain_order=True).agg(pl.col("expected").sum(), cited)
    table = sums.join(tails, on=keys, how="left", nulls_equal=True, maintain_order="left")
    if "over" not in keys:
        table = table.sort("expected", *keys, descending=[True, False])
    table = table.with_columns(pl.col("tail").fill_null(0.0))
    return pl.concat([schema_of("steps").frame(), table], how="diagonal_relaxed")


TAIL = 0.95
"""The tail of a total is the part above this quantile."""


def variance_split(run: Simulation) -> pl.DataFrame:
    """Split the variance of each total by its source.

    `process` is the variance that remains if every input is known. `model` is the variance between rival
    models of an input. `parameter` is the rest of the variance that the inputs cause.

    Returns:
        `valuation`, `source`, `sd` (the standard deviation in the smallest unit of the currency) and `share`
        of the variance; the shares add up to 1.
    """
    rows: list[tuple[str, str, float, float]] = []
    blocks = [run.portfolio.branches(block.uniforms) for block in run.replicates()]
    for valuation, total in run.totals.items():
        used = run.portfolio.inputs_of(valuation)
        codes = np.zeros(total.draws, dtype=np.int64)  # a number for each combination of models
        for name in (name for name in blocks[0] if name in used):
            branch = np.concatenate([block[name] for block in blocks])
            codes = codes * len(run.portfolio.entries[name].models) + branch
        _, place, sizes = np.unique(codes, return_inverse=True, return_counts=True)
        means = np.bincount(place, weights=total.mean.ravel()) / sizes
        model = float(np.average((means - total.mean.mean()) ** 2, weights=sizes)) if len(sizes) > 1 else 0.0
        parts = {"process": total.process, "parameter": max(total.parameter - model, 0.0), "model": model}
        whole = sum(parts.values())
        rows += [(valuation, name, v**0.5, v / whole if whole else 0.0) for name, v in parts.items()]
    return schema_of("split").frame(rows)


def contributions(run: Simulation) -> pl.DataFrame:
    """Return the contributions of each cost line and group of claims to the mean and the tail mean.

    Returns:
        The table `contributions`, in the smallest unit of the currency. The values of `mean`
        add up to the mean of the draws, the values of `tail` to the mean of the totals above the 95 %
        quantile. By Euler's rule `tail` is the mean of the contribution given that the total is in the tail.
    """
    weights = {}
    for valuation, total in run.totals.items():
        limit = total.quantile(TAIL).value
        above, at_limit = total.values > limit, total.values == limit
        # Draws equal to the quantile weigh less, so that the tail has exactly 5 % of the probability.
        lacking = (1 - TAIL) * total.draws - float(above.sum())
        weights[valuation] = (above + lacking / at_limit.sum() * at_limit) / (1 - TAIL)
    units = run.process.units
    sums = [np.zeros((2, len(own_units))) for own_units in units]
    for number, block in enumerate(run.replicates()):
        for place, (term, paid) in enumerate(zip(run.portfolio.terms, block.amounts, strict=True)):
            # The code avoids a matrix product, whose last bit may depend on the number of threads.
            weight = weights[term.valuation][number][:, None]
            sums[place] += np.array([paid.sum(axis=0), (weight * paid).sum(axis=0)])
    rows = [
        (term.valuation, term.line, *map(cell.get, LABELS), *(x * cell.get("share", 1.0) for x in means))
        for term, own_units, added in zip(run.portfolio.terms, units, sums, strict=True)
        for unit, *means in zip(own_units, *added / run.draws, strict=True)
        for cell in unit.labels
    ]
    table = schema_of("contributions").frame(rows)
    return table.group_by("valuation", "line", *LABELS, maintain_order=True).agg(pl.col("mean", "tail").sum())


ANNOUNCED = ("face_value", "top_down")
"""Kinds of cost for which `promised` is an amount that was announced or follows from a list price."""


def cost_ranges(run: Simulation, costs: pl.DataFrame, *, level: int = DEFAULT_LEVEL) -> pl.DataFrame:
    """Return the likely range of each kind of cost and of each cost line, beside what was announced.

    Args:
        run: the simulation.
        costs: the result of `cost_table` from which the run was built.
        level: the probability of the likely range in percent.

    Returns:
        The table `cost_ranges`. The first row of a kind of cost is its total, whose `line` is
        empty; the quantiles of its lines do not add up to those of the total. `announced` is empty if an
        amount is not published for every line. Quantiles that the draws do not support are left out with
        their row.
    """
    likely, rows = LikelyRange(level), list[tuple[object, ...]]()
    keys = {(term.line, term.valuation): run.totals[term.valuation] for term in run.portfolio.terms}
    # With one line per kind of cost, its sample is the total.
    samples = keys if len(keys) == len(run.totals) else run.samples(lambda term: (term.line, term.valuation))
    for valuation, total in run.totals.items():
        own = {line: sample for (line, kind), sample in samples.items() if kind == valuation}
        table = costs.filter(pl.col("line").is_in([*own]), level="line", valuation=valuation)
        for line, sample in {"": total, **own}.items():
            part = run.only(line, valuation) or run  # no term is of the empty line of the total
            lines = table.filter(line=line) if line else table
            announced = lines.filter(pl.col("valuation").is_in(ANNOUNCED))["promised"]
            published = not announced.is_empty() and not announced.null_count()
            facts = dict.fromkeys(" ".join(lines["facts"].drop_nulls()).split())
            quantiles = known_quantiles(sample, likely.points)
            low, median, high = (quantiles[x].value if x in quantiles else None for x in likely.points)
            spread = (low, median, expected_estimate(part, valuation, sample).value, high)
            rows.append((valuation, line, announced.sum() if published else None, *spread, " ".join(facts)))
    return rounded_table(rows, schema_of("cost_ranges")).drop_nulls(LikelyRange.high_column)
