"""The comparison of policies under the same assumptions: costs and benefits, and who gains and who loses.

Winners and losers: every figure assumes that each claim is accepted. A policy pays 0 for a claim that is not
entitled, so people who are entitled under only one policy gain or lose. A reviewed claim is paid the mean
award of the ledger, which is an assumption: the column `assumed` counts these claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import combinations, pairwise
from operator import ge
from typing import Any

import numpy as np
import polars as pl

from outage_analysis import text
from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs.benefits import (
    CENTRAL,
    HIGH,
    LOW,
    Payments,
    line_payments,
    loss_ranges,
    loss_shares,
    row_payments,
)
from outage_analysis.costs.expected import (
    Portfolio,
    assumption_ids,
    compiled_lines,
    costs_of_lines,
    exact_costs,
    expected_at,
    portfolio_of_lines,
    totals,
)
from outage_analysis.costs.sensitivity import (
    information_sentence,
    information_value,
    numbers_behind,
    sign_change,
)
from outage_analysis.costs.simulation import (
    DRAWS,
    SEED,
    Sample,
    Simulation,
    expected_estimate,
    expected_recipients,
    replicate_mean,
    round_digits,
    rounded_estimate,
    rounded_probability,
    rounded_table,
    simulate_together,
)
from outage_analysis.costs.terms import Funnel, build_funnel, ledger_for_policy
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Band, band_within, get_fact
from outage_analysis.losses import EDGES, Cube, sum_or_null
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule

SIGNS = ("gain", "lose", "equal", "unclear")
PAYMENTS = ("payment", "payment_other", "difference")
SUMS = ("total_difference", "total_low", "total_high")
PAID = ("paid", "paid_other")
"""The sums of the payments. Until the last step, amounts are in ten-thousandths of the smallest unit."""
ADDED = ("claims", *SIGNS, "assumed", *PAID, *SUMS)
"""What is added up over claims."""


def winners_and_losers(
    policy: Policy,
    other: Policy,
    ledger: Ledger | None = None,
    *,
    as_of: date,
    cubes: Sequence[Cube] = (),
    cubes_of_other: Sequence[Cube] = (),
) -> pl.DataFrame:
    """Return who gets more under a policy than under another, and who gets less.

    Args:
        policy: the policy.
        other: the policy that it is compared with; it pays the same currency.
        ledger: the assumptions, for the mean award of a review and, with published counts, the band mix.
        as_of: only lines, facts and assumptions public by this day are used.
        cubes: cubes of claims on the band edges of both policies, as for `cost_table`; by default published
            counts are used. The comparison is exact if the cube of claims has the edges of
            `edges_for_comparison`.
        cubes_of_other: cubes of claimants of the lines of the other policy, if it pays per claimant.

    Returns:
        The table `winners_and_losers`. Without claims, the number of reports in a band is
        known only if the ledger states the band mix.
    """
    pair = [each.as_known_on(as_of) for each in (policy, other)]
    cube = next((c for c in cubes if c.line is None), None)
    tables = [_lines(pair, ledger, as_of, (cubes, cubes_of_other or cubes))]
    if cube is None:
        tables = [*_report_bands(pair, ledger, as_of), *tables]
    elif any(line.grain == "claim" for each in pair for line in each.schedules):
        tables.insert(0, _claim_bands(cube, pair, ledger, as_of))
    rows = pl.concat(tables, how="diagonal_relaxed")
    added = [sum_or_null(name).alias(name) for name in ADDED]
    by_service = rows.drop_nulls("service").group_by("service", maintain_order=True)
    tables = [rows, by_service.agg(pl.lit("service").alias("level"), *added)]
    if not rows.is_empty():
        total = rows.select(pl.lit("total").alias("level"), *added)
        # People may be counted by several lines, so their numbers are not added up.
        tables.append(total if rows.select("level", "line").n_unique() == 1 else total.select("level", *SUMS))
    per_claim = {
        name: pl.coalesce(name, pl.when(pl.col("claims") > 0).then(pl.col(paid) / pl.col("claims")))
        for name, paid in zip(PAYMENTS, (*PAID, SUMS[0]), strict=True)
    }
    return (
        pl.concat(tables, how="diagonal_relaxed")
        .with_columns(policy=pl.lit(policy.id), other=pl.lit(other.id), **per_claim)
        .with_columns(pl.col(*PAYMENTS, *SUMS) / SHARE_SCALE)
        .select(
            pl.col(name).cast(dtype) for name, dtype in text.schema_of("winners_and_losers").dtypes.items()
        )
        .with_columns(pl.col(pl.Float64).round_sig_figs(text.TABLE_DIGITS))
    )


def _differences(rows: pl.DataFrame, mine: Payments, other: Payments) -> pl.DataFrame:
    """Return rows with sums over their claims, and with bounds of the difference for a single claim.

    Args:
        rows: `over`, `up_to`, `claims` and `loss`, as in a cube.
        mine: what the policy pays the claims of each row.
        other: what the other policy pays them.

    Returns:
        The rows with `paid`, `paid_other` and `total_difference`, which are null if they are unknown, with
        their bounds `total_low` and `total_high`, and with `least` and `most`, the bounds for each single
        claim; and `assumed`, the claims that are reviewed.
    """
    claims, loss = (rows[name].cast(pl.Float64).to_numpy() for name in ("claims", "loss"))
    loss = np.where(
        rows.select(pl.all_horizontal(pl.col("over", "up_to").is_null())).to_series(), np.nan, loss
    )
    same = np.array([one == two for one, two in zip(mine.rules, other.rules, strict=True)], dtype=bool)
    low = np.where(same, 0.0, mine.formulas[LOW] - other.formulas[HIGH])
    high = np.where(same, 0.0, mine.formulas[HIGH] - other.formulas[LOW])
    ranges = loss_ranges(rows)
    least = np.minimum(*(_value(low, 1.0, end) for end in ranges))
    most = np.maximum(*(_value(high, 1.0, end) for end in ranges))
    paid, paid_other = (_value(x.formulas[CENTRAL], claims, loss) for x in (mine, other))
    # If the sum of the losses matters and is unknown, the bounds are those of the single claims.
    sums = [_value(formula, claims, loss) for formula in (low, high)]
    sums = [np.where(np.isnan(x), end * claims, x) for x, end in zip(sums, (least, most), strict=True)]
    amounts = {"paid": paid, "paid_other": paid_other, SUMS[0]: np.where(same, 0.0, paid - paid_other)}
    amounts |= {SUMS[1]: sums[0], SUMS[2]: sums[1], "least": least, "most": most}
    return rows.with_columns(
        **{name: pl.Series(values, nan_to_null=True) for name, values in amounts.items()},
        assumed=pl.Series(np.where(mine.reviewed | other.reviewed, claims, 0.0)),
    )


def _value(formula: FloatArray, claims: FloatArray | float, loss: FloatArray) -> FloatArray:
    fixed, slope = formula
    moving = np.multiply(slope, loss, out=np.zeros_like(slope), where=(slope != 0) & np.isfinite(fixed))
    return np.asarray(fixed * claims + moving)


def _with_signs(rows: pl.DataFrame) -> pl.DataFrame:
    least, most = pl.col("least"), pl.col("most")
    equal = pl.when(least >= 0, most <= 0).then(pl.lit("equal")).otherwise(pl.lit("unclear"))
    sign = pl.when(least > 0).then(pl.lit("gain")).when(most < 0).then(pl.lit("lose")).otherwise(equal)
    return rows.with_columns(
        *(pl.when(sign == name).then("claims").otherwise(0.0).alias(name) for name in SIGNS),
        *(pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in SUMS),
    )


def _claim_bands(cube: Cube, pair: Sequence[Policy], ledger: Ledger | None, as_of: date) -> pl.DataFrame:
    counted = replace(cube, frame=cube.frame.filter(pl.col("claims") > 0))
    paid = [row_payments(policy, counted, ledger, as_of) for policy in pair]
    written = _bands(cut for policy in pair for cut in policy.cuts)
    bands = counted.frame.select(*EDGES).iter_rows()
    wide = [next((x for x in written if band_within(band, x)), band) for band in bands]
    service = pl.col("service") if "service" in cube.dimensions else pl.lit(None)
    unknown = pl.all_horizontal(pl.col(*EDGES).is_null())
    return (
        _with_signs(_differences(counted.frame, *paid))
        .with_columns(pl.DataFrame(wide, schema=EDGES, orient="row"), service=service.cast(pl.String))
        .group_by("service", *EDGES, maintain_order=True)
        .agg(pl.lit("band").alias("level"), *(sum_or_null(name).alias(name) for name in ADDED))
        .sort("service", unknown, *EDGES, nulls_last=[True, False, False, True])
    )


def _report_bands(pair: Sequence[Policy], ledger: Ledger | None, as_of: date) -> Iterator[pl.DataFrame]:
    # Lines that cite the same published count pay the same reports. Any other line pays reports of its own,
    # for which a policy without this line pays nothing.
    sides: list[dict[str, list[tuple[Schedule, Funnel]]]] = [{}, {}]
    for policy, side in zip(pair, sides, strict=True):
        fitting = ledger_for_policy(ledger, policy)
        for line in policy.schedules:
            own = side.setdefault(line.published_count or f"line {line.id}", [])
            own.append((line, build_funnel(line, fitting, as_of)))
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        lines = [own for side in sides for own in side.get(key, ())]
        first, mix = lines[0][0], max((funnel.mix for _, funnel in lines), key=len)
        bands = [*mix] or _bands(cut for line, _ in lines for cut in line.cuts)
        shares = mix or {(0, None): 1.0}
        try:
            count = get_fact(first.published_count, public_by=as_of).count if first.published_count else None
        except ModelRefused:  # not public yet
            count = None
        claims = [None if count is None or x not in shares else count * shares[x] for x in bands]
        breaks = {cut for line, _ in lines for cut in line.breakpoints}
        # A part is paid by one formula, and nobody knows to which part of its band a report belongs.
        parts = [(n, *part) for n, band in enumerate(bands) for part in _bands(breaks, band)]
        rows = pl.DataFrame(parts, schema={"band": pl.Int64, **EDGES}, orient="row")
        rows = rows.with_columns(claims=1.0, loss=pl.lit(None, pl.Float64))
        paid = [Payments.nothing(len(rows)) for _ in sides]
        for place, side in enumerate(sides):
            for line, funnel in side.get(key, ()):
                paid[place] += _report_payments(line, funnel, rows)
        rows = _differences(rows, *paid)
        known = [
            pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name)
            for name in ("claims", *PAID, SUMS[0])
        ]
        rows = rows.group_by("band", maintain_order=True).agg(
            *known, pl.col("least", SUMS[1]).min(), pl.col("most", SUMS[2], "assumed").max()
        )
        yield (
            _with_signs(rows)
            .with_columns(payment="paid", payment_other="paid_other", difference=SUMS[0])
            .with_columns(pl.col(ADDED) * pl.Series(claims, dtype=pl.Float64))
            .with_columns(pl.DataFrame(bands, schema=EDGES, orient="row"))
            .with_columns(level=pl.lit("band"), line=pl.lit(first.id))
        )


def _bands(cuts: Iterable[int], within: Band = (0, None)) -> list[Band]:
    over, up_to = within[0] or 0, within[1]
    inner = sorted({x for x in cuts if x > over and (up_to is None or x < up_to)})
    return list(pairwise([over, *inner, up_to]))


def _report_payments(line: Schedule, funnel: Funnel, rows: pl.DataFrame) -> Payments:
    stated = funnel.inputs.get("mean_payment")
    if stated is not None and stated.expected is not None:
        # One mean payment for all bands is an assumption like the award of a review.
        formula = np.reshape([round(stated.expected * SHARE_SCALE), 0], (2, 1))
        alike = np.broadcast_to(formula, (3, 2, len(rows)))
        return Payments(alike, np.ones(len(rows), dtype=bool), [(stated.expected,)] * len(rows))
    if len(line.tariffs) == 1:
        cube = Cube(rows, (), synthetic=False, source="", line=line.id)
        return line_payments(line, cube, funnel.inputs["review_award"].expected)
    # Nobody knows to which segment a report belongs.
    paid = Payments.nothing(len(rows))
    for place, band in enumerate(rows.select(*EDGES).iter_rows()):
        ranges = [tariff.payment_range(band) for _, tariff in line.tariffs]
        low = float(min(low for low, _ in ranges) * SHARE_SCALE)
        high = max(np.inf if high is None else float(high * SHARE_SCALE) for _, high in ranges)
        paid.formulas[:, 0, place] = (low if low == high else np.nan, low, high)
    return replace(paid, rules=[(line.tariffs,)] * len(rows))


def _lines(
    pair: Sequence[Policy], ledger: Ledger | None, as_of: date, cubes: Sequence[Sequence[Cube]]
) -> pl.DataFrame:
    # The lines without loss bands and, with claims, those that pay per claimant. Fees, goods and budgets then
    # have no cost.
    sides = []
    for policy, own in zip(pair, cubes, strict=True):
        banded = [x.id for x in policy.schedules if not (own and x.grain == "claimant")]
        table = exact_costs(policy, ledger_for_policy(ledger, policy), as_of=as_of, cubes=own)
        known = pl.any_horizontal(pl.col("count", "promised").is_not_null())
        other_lines = table.filter(~pl.col("line").is_in(banded), level="line", valuation="cash")
        stated = other_lines.filter(known, pl.col("rule") != "handling")
        sides.append(stated.select("line", "count", "promised", offered=True))
    table = sides[0].join(
        sides[1], on="line", how="full", coalesce=True, maintain_order="left_right", suffix="_other"
    )
    for end in ("", "_other"):  # a policy without the line pays nobody
        people = pl.col(f"count{end}")
        paid = pl.when(pl.col(f"offered{end}").is_null()).then(0.0).otherwise(f"promised{end}")
        each = pl.when(paid == 0).then(0.0).when(people > 0).then(paid / people)
        table = table.with_columns(paid.alias(f"paid{end}"), each.alias(f"payment{end}"))
    count, other_count = pl.col("count"), pl.col("count_other")
    claims = pl.when("offered", "offered_other").then(pl.when(count == other_count).then(count))
    unequal = [line.id for policy in pair for line in policy.schedules]
    table = table.with_columns(
        unequal=pl.col("line").is_in(unequal), claims=claims.otherwise(pl.coalesce(count, other_count))
    ).select("line", "unequal", "claims", *PAID, *PAYMENTS[:2])
    gap = pl.col("payment") - pl.col("payment_other")
    # A line that pays by loss band pays people different amounts, so nobody knows who gains.
    ends = pl.when(~pl.col("unequal")).then(gap)
    lines = _with_signs(
        table.with_columns(
            **dict.fromkeys(SUMS, pl.col("paid") - pl.col("paid_other")), least=ends, most=ends, assumed=0.0
        )
    ).with_columns(
        pl.when(pl.col("claims").is_not_null()).then(pl.col(*SIGNS, "assumed")),
        level=pl.lit("line"),
        difference=gap,
    )
    lines = pl.concat([text.schema_of("winners_and_losers").frame(), lines], how="diagonal_relaxed")
    return lines.with_columns(pl.col(*PAYMENTS, *PAID, *SUMS) * SHARE_SCALE)


MIN_POLICIES = 2
ROUNDING = 1e-9
P90 = 0.9
"""A dominated policy has the larger P90, whatever the level of the likely range."""
DIGITS = 2
"""Decimals of the cost per payment."""
EVEN, CERTAIN = 0.5, 0.99
"""A probability above `CERTAIN` is written as "more than 99 %"."""

BY_CLAIMS = ("replaced_low", "replaced_high")
"""The benefits that a policy must not have smaller to dominate another: both bounds of the share replaced."""
BY_COUNTS = ("per_recipient", "recipients")
"""The same with published counts. A larger payment to fewer people is no larger benefit."""


@dataclass(frozen=True, repr=False)
class PolicySimulations(text.ShortRepr):
    """The simulated cash of several policies under one ledger, on the same draws.

    Args:
        policies: the table `comparison`, one row per policy in the order of the arguments, in
            the smallest unit of the currency. `promised`, `expected` and `most` are as in `totals`.
            `range_low` and `range_high` are the ends of the likely range. `recipients` is the expected number
            of payments (null if a line is one amount without a count), `per_recipient` the expected cost per
            payment, and `cheapest` the probability that it costs least; policies that cost the same share it.
            `replaced_low` to `dominated_by` say what people get if each claim is accepted. A policy without
            an expected cost has only `promised`, `most` and the share of the losses; `left_out` gives the
            reason.
        pairs: the table `pairs`, one row per pair: the expected difference (policy less
            other), its likely range and median, and the probabilities that the policy costs less and that it
            costs more.
        flips: the table `flips`: the value of an input at which the cheaper policy of a pair
            changes, with the other inputs at their means, and the probability that the input lies beyond it.
        left_out: the table `compare.left_out`: the lines without an expected cost, which no
            figure includes, with their status and the inputs that the ledger lacks. A policy without a cost
            line of cash has one row with the status `not_offered`.
    """

    policies: pl.DataFrame
    pairs: pl.DataFrame = field(repr=False)
    flips: pl.DataFrame = field(repr=False)
    left_out: pl.DataFrame = field(repr=False)
    inputs: frozenset[str] = frozenset()
    """The ids of the assumptions that the figures depend on."""
    runs: Mapping[str, Simulation] = field(default_factory=dict, repr=False, compare=False)
    """The simulations of the policies that have an expected cost, by policy id."""

    @cached_property
    def information_value(self) -> pl.DataFrame:
        """The expected value of knowing each input before choosing the policy with the least expected cost.

        The options are the policies with an expected cost; the columns are those of the table
        `information_value`.
        """
        return information_value([*self.runs.values()])

    def information_sentence(self, locale: text.Locale) -> str:
        """State in one sentence which input to find out first, or that no input is worth finding out."""
        portfolio = next(iter(self.runs.values())).portfolio
        sentence = information_sentence(self.information_value, portfolio, locale)
        return f"{sentence} {locale('information.compare_decision')}"

    def chances_over(self, amount: float) -> dict[str, float]:
        """Return, by policy id, the probability that the cost exceeds an amount in the smallest unit."""
        return {
            name: rounded_probability(run.totals["cash"].exceedance(amount)).value
            for name, run in self.runs.items()
        }

    def sentence(self, locale: text.Locale, names: Mapping[str, str]) -> str:
        """Say which policy costs least, which gives people most, and which policies another dominates.

        The sentence also names the policies that have no expected cost.

        Args:
            locale: the language and its number formats.
            names: the display name of each policy, by id.
        """
        quoted = {id_: locale("compare.quoted", name=name) for id_, name in names.items()}
        sentences = [_least_cost(self, locale, quoted)]
        if any(run.portfolio.has_correlated_inputs("cash") for run in self.runs.values()):
            sentences.append(locale("compare.tied"))
        sentences += _most_for_people(self.policies, locale, quoted)
        without_cost = self.policies.filter(pl.col("expected").is_null())["policy"]
        if len(without_cost):
            sentences.append(locale("compare.silent", policies=", ".join(quoted[x] for x in without_cost)))
        return " ".join(sentences)

    @property
    def benefits(self) -> pl.DataFrame:
        """What people get from each policy: the table `compare.benefits`, one row per policy."""
        return self.policies.select(text.schema_of("compare.benefits").names)


def simulate_policies(
    policies: Sequence[Policy],
    ledger: Ledger | None,
    *,
    as_of: date,
    cubes: Mapping[str, Sequence[Cube]] | None = None,
    claim_cube: Cube | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    level: int = text.DEFAULT_LEVEL,
) -> PolicySimulations:
    """Simulate the costs of several policies with the same draws of the uncertain inputs, and compare them.

    Args:
        policies: two or more policies.
        ledger: the assumptions, drawn once for all policies.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: by policy id, cubes of claims on the band edges of that policy, as for `cost_table`; by default
            published counts are used.
        claim_cube: the claims in narrower bands, from which the share of the losses that each policy pays is
            computed; by default the cube of claims among the cubes of the policy.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
        level: the probability of the likely range in percent; 90 gives P5 to P95.

    Raises:
        UsageError: there are fewer than two policies, a policy is repeated, or the currencies differ.
        ModelRefused: fewer than two of the policies have an expected cost.
    """
    names = [policy.id for policy in policies]
    if len(names) < MIN_POLICIES or len({*names}) < len(names):
        raise UsageError("a comparison needs two or more different policies", remedy="Name each once.")
    if len({(policy.currency, policy.digits) for policy in policies}) > 1:
        raise UsageError("the policies do not pay the same currency", remedy="Restate them in one.")
    likely, cubes = text.LikelyRange(level), cubes or {}
    tables, portfolios = {}, {}
    for policy in policies:
        claims, fitting = cubes.get(policy.id, ()), ledger_for_policy(ledger, policy)
        lines = compiled_lines(policy, fitting, as_of=as_of, cubes=claims)
        tables[policy.id] = costs_of_lines(lines, as_of, claims).filter(valuation="cash")
        portfolio = portfolio_of_lines(lines, fitting, as_of)
        if "cash" in portfolio.valuations:
            portfolios[policy.id] = portfolio
    if len(portfolios) < MIN_POLICIES:
        raise ModelRefused(
            f"fewer than two policies have an expected cost in cash as of {as_of}",
            remedy=f"Without one: {', '.join(name for name in names if name not in portfolios)}. "
            "Give a ledger with the inputs that they need, or another policy.",
        )
    # Each simulation draws the inputs of all policies; the correlations of the ledger apply to these.
    entries = {name: e for one in portfolios.values() for name, e in one.entries.items()}
    shared = {name: entries[name] for name in sorted(entries)}
    declared = ledger.as_known_on(as_of).correlations if ledger else ()
    ties = {c.of: c.rank for c in declared if set(c.of) <= shared.keys()}
    alike = [replace(one, entries=shared, correlations=ties) for one in portfolios.values()]
    runs = dict(zip(portfolios, simulate_together(alike, draws=draws, seed=seed), strict=True))
    pairs, rows = list(combinations(portfolios, 2)), list[dict[str, Any]]()
    amounts = np.stack([run.totals["cash"].values for run in runs.values()])
    least = amounts == amounts.min(axis=0)
    won = dict(zip(runs, least / least.sum(axis=0), strict=True))  # policies that cost the same share a draw
    known, left_out = [policy.as_known_on(as_of) for policy in policies], list[dict[str, object]]()
    for policy in known:
        own_lines = tables[policy.id].filter(level="line")
        missing = own_lines.filter(pl.col("expected").is_null()).to_dicts()
        if own_lines.is_empty():
            missing = [{"status": "not_offered"}]
        left_out += [row | {"policy": policy.id} for row in missing]
        own = claim_cube or next((cube for cube in cubes.get(policy.id, ()) if cube.line is None), None)
        sums = totals(tables[policy.id])
        row: dict[str, Any] = {"policy": policy.id}
        row |= {x: sums[x].item() for x in ("promised", "most") if len(sums)}
        if policy.id in runs:
            run = runs[policy.id]
            expected, people = expected_estimate(run, "cash").value, expected_recipients(run, "cash")
            for name, p in {**likely.columns, "p90": P90}.items():
                row[name] = rounded_estimate(run.totals["cash"].quantile(p)).value
            row |= {"expected": expected, "recipients": people}
            row["per_recipient"] = round(expected / people, DIGITS) if people else None
            row["cheapest"] = rounded_probability(replicate_mean(won[policy.id].mean(axis=1))).value
        rows.append(row | loss_shares(policy, own, ledger, as_of))
    return PolicySimulations(
        rounded_table(with_ranks(rows), text.schema_of("comparison")),
        rounded_table((_pair_row(runs, *pair, likely) for pair in pairs), text.schema_of("pairs")),
        rounded_table([x for p in pairs for x in _flips(portfolios, *p)], text.schema_of("flips")),
        rounded_table(left_out, text.schema_of("compare.left_out")),
        inputs=frozenset().union(*map(assumption_ids, tables.values())),
        runs=runs,
    )


def _pair_row(
    runs: dict[str, Simulation], policy: str, other: str, likely: text.LikelyRange
) -> dict[str, object]:
    first, second = runs[policy], runs[other]
    gap = first.totals["cash"].values - second.totals["cash"].values
    if first.portfolio.has_correlated_inputs("cash"):
        difference = rounded_estimate(replicate_mean(gap.mean(axis=1))).value
    else:
        mine, others = (float(expected_at(run.portfolio, "cash", {})[0]) for run in (first, second))
        difference = mine - others
    return {
        "policy": policy,
        "other": other,
        "difference": difference,
        **{name: rounded_estimate(Sample(gap).quantile(p)).value for name, p in likely.columns.items()},
        "cheaper": rounded_probability(replicate_mean((gap < 0).mean(axis=1))).value,
        "dearer": rounded_probability(replicate_mean((gap > 0).mean(axis=1))).value,
    }


def _flips(portfolios: dict[str, Portfolio], policy: str, other: str) -> Iterator[tuple[object, ...]]:
    first, second = portfolios[policy], portfolios[other]
    for name, entry, mean in numbers_behind(first, second):

        def gap(values: FloatArray, name: str = name) -> FloatArray:
            changes = {name: values}
            return expected_at(first, "cash", changes) - expected_at(second, "cash", changes)

        value, above = sign_change(gap, entry)
        # If both costs are proportional to the input, they are equal at 0, but the same policy stays
        # cheaper. So a value of 0 is left out.
        if value is not None and above is not None and abs(value) > ROUNDING * mean:
            yield policy, other, name, entry.kind, mean, value, above if mean < value else 1 - above


def with_ranks(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of the policy table with the columns `cost_rank`, `benefit_rank` and `dominated_by`.

    Args:
        rows: one row per policy with `policy`, `expected`, `p90` and the benefits, where they are known.
    """
    benefits = BY_CLAIMS if any(row.get("replaced_low") is not None for row in rows) else BY_COUNTS
    costs = [_rounded(row, ("expected",), text.TABLE_DIGITS) for row in rows]
    gains = [_rounded(row, benefits[:1]) for row in rows]
    # Larger is better: the costs with a minus, and the benefits.
    better = [_rounded(row, ("expected", "p90", *benefits)) for row in rows]
    better = [x and (-x[0], -x[1], *x[2:]) for x in better]
    names, ranked = [row["policy"] for row in rows], []
    for row, cost, gain, mine in zip(rows, costs, gains, better, strict=True):
        beside = [(name, x) for name, x in zip(names, better, strict=True) if mine and x and mine != x]
        dominated_by = " ".join(name for name, theirs in beside if all(map(ge, theirs, mine or ())))
        ranks = {
            "cost_rank": cost and 1 + sum(x is not None and x < cost for x in costs),
            "benefit_rank": gain and 1 + sum(x is not None and x > gain for x in gains),
            "dominated_by": dominated_by or None,
        }
        ranked.append({**row, **ranks})
    return ranked


def _rounded(
    row: Mapping[str, Any], columns: Sequence[str], digits: int = text.ESTIMATE_DIGITS + 3
) -> tuple[float, ...] | None:
    """Return values without the digits that depend on the order of additions; None if one is unknown."""
    values = [row.get(name) for name in columns]
    known = [round_digits(value, digits) for value in values if value is not None]
    return tuple(known) if len(known) == len(values) else None


def _least_cost(found: PolicySimulations, locale: text.Locale, quoted: Mapping[str, str]) -> str:
    known = found.policies.drop_nulls("expected").sort("expected", maintain_order=True)
    (best, least), (second, next_least) = known.select("policy", "expected").head(2).rows()
    row = next(r for r in found.pairs.iter_rows(named=True) if {r["policy"], r["other"]} == {best, second})
    chance = row["cheaper"] if row["policy"] == best else row["dearer"]
    key = "least" if chance >= EVEN else "least_yet"
    if least == next_least:
        key = "same" if row["cheaper"] or row["dearer"] else "always"
    shown = locale.share(min(chance, CERTAIN))
    return locale(
        f"compare.{key}",
        policy=quoted[best],
        other=quoted[second],
        cost=locale.money(least),
        other_cost=locale.money(next_least),
        chance=locale("compare.almost", chance=shown) if chance > CERTAIN else shown,
    )


def _most_for_people(policies: pl.DataFrame, locale: text.Locale, quoted: Mapping[str, str]) -> Iterator[str]:
    def listed(ids: pl.Series) -> str:
        return ", ".join(quoted[x] for x in ids)

    ranked = policies.drop_nulls("benefit_rank")
    if len(ranked) < 2:  # noqa: PLR2004 - a comparison needs two
        missing = policies.filter(pl.col("benefit_rank").is_null())["policy"]
        yield locale("compare.not_measured", policies=listed(missing))
        return
    best = ranked.filter(benefit_rank=1)
    first = best.row(0, named=True)
    if len(best) == len(ranked):
        yield locale("compare.most_same")
    elif first["replaced_low"] is None:
        reach = ranked.sort("recipients", descending=True, maintain_order=True).row(0, named=True)
        rows = {"most_each": (first, listed(best["policy"])), "most_people": (reach, quoted[reach["policy"]])}
        if reach["policy"] in best["policy"]:
            del rows["most_people"]
        for key, (row, policy) in rows.items():
            amount, people = locale.money(row["per_recipient"]), locale.number(row["recipients"])
            yield locale(f"compare.{key}", policy=policy, amount=amount, people=people)
    else:
        low, high = (locale.share(first[name]) for name in ("replaced_low", "replaced_high"))
        key = "most_replaced" if low == high else "most_replaced_bounds"
        yield locale(f"compare.{key}", policy=listed(best["policy"]), low=low, high=high)
    dominated = ranked.drop_nulls("dominated_by")
    for name, by in dominated.select("policy", "dominated_by").iter_rows():
        yield locale("compare.dominated", policy=quoted[name], by=", ".join(quoted[x] for x in by.split()))
    if dominated.is_empty():
        yield locale("compare.none_dominated")
