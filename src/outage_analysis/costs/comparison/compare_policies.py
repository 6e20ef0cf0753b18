"""The comparison of policies under the same assumptions: result tables and a summary sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import get_args

import numpy as np
import polars as pl

from outage_analysis.assumptions import INPUT_UNIT, FloatArray, Ledger
from outage_analysis.costs.comparison.replaced_losses import loss_replacement
from outage_analysis.costs.expected import assumption_ids, cost_table, ledger_for_policy, totals
from outage_analysis.costs.sensitivity.tornado_and_levers import (
    assumptions_behind,
    chance_above,
    scalar_inputs,
    sign_change,
)
from outage_analysis.costs.uncertainty.policy_streams import build_portfolio
from outage_analysis.costs.uncertainty.portfolio import Part, Portfolio, expected_at
from outage_analysis.costs.uncertainty.simulation import (
    DRAWS,
    SEED,
    Estimate,
    Sample,
    Simulation,
    replicate_mean,
    simulate_together,
)
from outage_analysis.costs.uncertainty.tables import rounded_estimate, rounded_probability
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Valuation
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import (
    ASSUMPTION,
    DEFAULT_LEVEL,
    FLOAT,
    KIND,
    LINE,
    MISSING,
    STATUS,
    TABLE_DIGITS,
    Column,
    LikelyRange,
    Locale,
    ShortRepr,
    TableSchema,
)

MIN_POLICIES = 2
ROUNDING = 1e-9
EVEN, CERTAIN = 0.5, 0.99
"""A probability above `CERTAIN` is written as "more than 99 %"."""
DIGITS = 2
"""Decimals of the cost per payment."""
VALUATIONS: tuple[str, ...] = get_args(Valuation)

POLICY = Column("policy", "name", "Id of the policy.", label="policy_name")
OTHER = Column("other", "name", "Id of the policy that it is compared with.")
RANGE = (
    Column("range_low", "money", "Low end of the likely range of the cost or of the difference."),
    Column("p50", "money", "Median of the cost or of the difference."),
    Column("range_high", "money", "High end of the likely range of the cost or of the difference."),
)
POLICIES = TableSchema(
    "One row per policy.",
    (
        POLICY,
        Column("promised", "money", "Cost if everyone counted is paid under the fixed rules."),
        Column("expected", "money", "Expected cost; empty if the ledger lacks an input."),
        *RANGE,
        Column("most", "money", "Bound of the total: every claim gets its largest payment."),
        Column("recipients", "count", "Expected number of payments; empty if a line has no count.", FLOAT),
        Column("per_recipient", "money", "Expected cost per payment."),
        Column("cheapest", "share", "Probability that no other policy costs less."),
    ),
)
PAIRS = TableSchema(
    "One row per pair of policies.",
    (
        POLICY,
        OTHER,
        Column("difference", "money", "Expected cost of the policy less that of the other."),
        *RANGE,
        Column("cheaper", "share", "Probability that the policy costs less than the other."),
        Column("dearer", "share", "Probability that the policy costs more than the other."),
    ),
)
FLIPS = TableSchema(
    "One row per pair of policies and input at which the cheaper policy changes.",
    (
        POLICY,
        OTHER,
        ASSUMPTION,
        KIND,
        Column("expected", INPUT_UNIT, "Mean of the input."),
        Column("flips_at", INPUT_UNIT, "Value of the input at which the other policy becomes cheaper."),
        Column("beyond", "share", "Probability that the input lies beyond this value."),
    ),
)
LEFT_OUT = TableSchema("One row per cost line without an expected cost.", (POLICY, LINE, STATUS, MISSING))


@dataclass(frozen=True, repr=False)
class PolicySimulations(ShortRepr):
    """The simulated costs of several policies under one ledger, on the same draws.

    Args:
        valuation: the kind of cost that is compared, such as `cash`.
        policies: the columns of `POLICIES`, one row per policy in the order of the arguments, in the smallest
            unit of the currency. `promised`, `expected` and `most` are as in `totals`. `range_low` and
            `range_high` are the ends of the likely range. `recipients` is the expected number of payments
            (null if a line is one amount without a count), `per_recipient` the expected cost per payment, and
            `cheapest` the probability that no other policy costs less. A policy without an expected cost has
            only `promised` and `most`; `left_out` gives the reason.
        pairs: the columns of `PAIRS`, one row per pair: the expected difference (policy less other), its
            likely range and median, and the probabilities that the policy costs less and that it costs more.
        flips: the columns of `FLIPS`: the value of an input at which the cheaper policy of a pair changes,
            with the other inputs at their means, and the probability that the input lies beyond it.
        replaced: the result of `loss_replacement`: the share of a loss that an accepted claim gets back.
        left_out: the columns of `LEFT_OUT`: the lines without an expected cost, which no figure includes,
            with their status and the inputs that the ledger lacks. A policy without a cost line of this
            valuation has one row with the status `not_offered`.
    """

    valuation: str
    policies: pl.DataFrame
    pairs: pl.DataFrame = field(repr=False)
    flips: pl.DataFrame = field(repr=False)
    replaced: pl.DataFrame = field(repr=False)
    left_out: pl.DataFrame = field(repr=False)
    has_correlated_inputs: bool = False
    """Whether the ledger declares correlations; the expected costs treat the inputs as independent anyway."""
    inputs: frozenset[str] = frozenset()
    """The ids of the assumptions that the figures depend on."""
    runs: Mapping[str, Simulation] = field(default_factory=dict, repr=False, compare=False)
    """The simulations of the policies that have an expected cost, by policy id."""

    def chances_over(self, amount: float) -> dict[str, float]:
        """Return, by policy id, the probability that the cost exceeds an amount in the smallest unit."""
        totals = {name: run.totals[self.valuation] for name, run in self.runs.items()}
        return {name: rounded_probability(total.exceedance(amount)).value for name, total in totals.items()}

    def sentence(self, locale: Locale, names: Mapping[str, str]) -> str:
        """Summarise the comparison in one sentence, and name the policies without an expected cost.

        Args:
            locale: the language and its number formats.
            names: the display name of each policy, by id.
        """
        known = self.policies.filter(pl.col("expected").is_not_null()).sort("expected", maintain_order=True)
        (best, least), (second, next_least) = known.select("policy", "expected").head(2).rows()
        row = next(r for r in self.pairs.iter_rows(named=True) if {r["policy"], r["other"]} == {best, second})
        chance = row["cheaper"] if row["policy"] == best else row["dearer"]
        quoted = {id_: locale("compare.quoted", name=name) for id_, name in names.items()}
        key = "least" if chance >= EVEN else "least_yet"
        if least == next_least:
            key = "same" if row["cheaper"] or row["dearer"] else "always"
        sentence = locale(
            f"compare.{key}",
            policy=quoted[best],
            other=quoted[second],
            cost=locale.money(least),
            other_cost=locale.money(next_least),
            valuation=locale(f"word.{self.valuation}"),
            chance=locale("compare.almost", chance=locale.share(CERTAIN))
            if chance > CERTAIN
            else locale.share(chance),
        )
        if self.has_correlated_inputs:
            sentence = f"{sentence} {locale('compare.tied')}"
        without_cost = self.policies.filter(pl.col("expected").is_null())["policy"].to_list()
        if not without_cost:
            return sentence
        return f"{sentence} {locale('compare.silent', policies=', '.join(quoted[x] for x in without_cost))}"


def simulate_policies(
    policies: Sequence[Policy],
    ledger: Ledger | None,
    *,
    as_of: date,
    cubes: Mapping[str, Sequence[Cube]] | None = None,
    valuation: str = "cash",
    draws: int = DRAWS,
    seed: int = SEED,
    level: int = DEFAULT_LEVEL,
) -> PolicySimulations:
    """Simulate the costs of several policies with the same draws of the uncertain inputs, and compare them.

    Args:
        policies: two or more policies.
        ledger: the assumptions, drawn once for all policies.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: by policy id, cubes of claims on the band edges of that policy, as for `cost_table`; by default
            published counts are used.
        valuation: the kind of cost to compare, one of `VALUATIONS`.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
        level: the probability of the likely range in percent; 90 gives P5 to P95.

    Raises:
        UsageError: there are fewer than two policies, a policy is repeated, the currencies differ, or the
            valuation does not exist.
        ModelRefused: fewer than two of the policies have an expected cost.
    """
    _check_policies(policies, valuation)
    likely = LikelyRange(level)
    cubes = cubes or {}
    tables, portfolios = {}, {}
    for policy in policies:
        claims, fitting = cubes.get(policy.id, ()), ledger and ledger_for_policy(ledger, policy)
        tables[policy.id] = cost_table(policy, fitting, as_of=as_of, cubes=claims).filter(valuation=valuation)
        portfolio = build_portfolio(policy, fitting, as_of=as_of, cubes=claims)
        if valuation in portfolio.valuations:
            portfolios[policy.id] = portfolio
    if len(portfolios) < MIN_POLICIES:
        without_cost = ", ".join(p.id for p in policies if p.id not in portfolios)
        raise ModelRefused(
            f"fewer than two policies have an expected cost in {valuation.replace('_', ' ')} as of {as_of}",
            remedy=f"Without one: {without_cost}. "
            "Give a ledger with the inputs that they need, or another policy.",
        )
    runs = shared_runs(portfolios, ledger, as_of, draws, seed)
    pairs = list(combinations(portfolios, 2))
    known = [p.as_known_on(as_of) for p in policies]
    return PolicySimulations(
        valuation,
        _frame(_policy_rows(tables, runs, valuation, likely), POLICIES),
        _frame((_pair_row(runs, valuation, *pair, likely) for pair in pairs), PAIRS),
        _frame((row for pair in pairs for row in _flip_rows(portfolios, valuation, *pair)), FLIPS),
        pl.concat([loss_replacement(p, cubes.get(p.id, ())) for p in known]),
        _frame((row for name, table in tables.items() for row in _left_out_rows(name, table)), LEFT_OUT),
        has_correlated_inputs=any(run.portfolio.has_correlated_inputs(valuation) for run in runs.values()),
        inputs=frozenset().union(*map(assumption_ids, tables.values())),
        runs=runs,
    )


def _frame(rows: Iterator[dict[str, object]], schema: TableSchema) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema.dtypes).with_columns(
        pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS)
    )


def _check_policies(policies: Sequence[Policy], valuation: str) -> None:
    names = [policy.id for policy in policies]
    if len(names) < MIN_POLICIES or len(set(names)) < len(names):
        raise UsageError("a comparison needs two or more different policies", remedy="Name each once.")
    if len({(policy.currency, policy.digits) for policy in policies}) > 1:
        raise UsageError("the policies do not pay the same currency", remedy="Restate them in one.")
    if valuation not in VALUATIONS:
        raise UsageError("no such valuation", value=valuation, remedy="Known: " + ", ".join(VALUATIONS) + ".")


def shared_runs(
    portfolios: Mapping[str, Portfolio], ledger: Ledger | None, as_of: date, draws: int, seed: int
) -> dict[str, Simulation]:
    """Simulate all policies with the same draws; each simulation draws the inputs of all policies.

    Args:
        portfolios: the payment streams of each policy, by name.
        ledger: the assumptions; its correlations apply to the inputs that the policies have.
        as_of: only correlations public by this day are used.
        draws: the number of points, a power of two.
        seed: the seed of the points.
    """
    entries = {name: e for one in portfolios.values() for name, e in one.entries.items()}
    shared = {name: entries[name] for name in sorted(entries)}
    declared = ledger.as_known_on(as_of).correlations if ledger else ()
    ties = {c.of: c.rank for c in declared if set(c.of) <= shared.keys()}
    alike = [replace(one, entries=shared, correlations=ties) for one in portfolios.values()]
    return dict(zip(portfolios, simulate_together(alike, draws=draws, seed=seed), strict=True))


def _policy_rows(
    tables: dict[str, pl.DataFrame], runs: dict[str, Simulation], valuation: str, likely: LikelyRange
) -> Iterator[dict[str, object]]:
    chances = dict(
        zip(runs, _chances_cheapest([run.totals[valuation] for run in runs.values()]), strict=True)
    )
    for name, table in tables.items():
        sums = totals(table)
        bounds = {column: sums[column].item() if len(sums) else None for column in ("promised", "most")}
        row = {"policy": name, **bounds}
        if name in runs:
            total, expected = runs[name].totals[valuation], sums["expected"].item()
            people = _recipients(runs[name].portfolio, table, valuation)
            row |= {"expected": expected, "recipients": people}
            row["cheapest"] = rounded_probability(chances[name]).value
            row |= {name: rounded_estimate(total.quantile(p)).value for name, p in likely.columns.items()}
            row["per_recipient"] = round(expected / people, DIGITS) if people else None
        yield row


def _chances_cheapest(totals: Sequence[Sample]) -> Iterator[Estimate]:
    """Yield, for each total, the probability that no other total is smaller."""
    least = np.min([total.values for total in totals], axis=0)
    for total in totals:
        yield replicate_mean((total.values == least).mean(axis=1))


def _recipients(portfolio: Portfolio, table: pl.DataFrame, valuation: str) -> float | None:
    """Return the expected number of payments; None if a cost line is a single amount without a count."""
    streams = [s for s in portfolio.streams if s.valuation == valuation]
    if any(stream.certain for stream in streams):
        return None
    bands = table.filter((pl.col("level") == "band") & (pl.col("rule") != "not_entitled"))
    paid = pl.col("count").filter(pl.col("rule").is_in(["pays", "review"])).sum() / pl.col("count").sum()
    shares = dict(bands.group_by("line").agg(paid).rows())
    heads = [
        replace(s, parts=(Part(s.trials * shares.get(s.line, 1.0), 0.0),), mix="", award="") for s in streams
    ]
    return float(expected_at(replace(portfolio, streams=tuple(heads)), valuation, {})[0])


def _pair_row(
    runs: dict[str, Simulation], valuation: str, policy: str, other: str, likely: LikelyRange
) -> dict[str, object]:
    first, second = runs[policy], runs[other]
    gap = first.totals[valuation].values - second.totals[valuation].values
    expected = [float(expected_at(run.portfolio, valuation, {})[0]) for run in (first, second)]
    return {
        "policy": policy,
        "other": other,
        "difference": expected[0] - expected[1],
        **{name: rounded_estimate(Sample(gap).quantile(p)).value for name, p in likely.columns.items()},
        "cheaper": rounded_probability(replicate_mean((gap < 0).mean(axis=1))).value,
        "dearer": rounded_probability(replicate_mean((gap > 0).mean(axis=1))).value,
    }


def _flip_rows(
    portfolios: dict[str, Portfolio], valuation: str, policy: str, other: str
) -> Iterator[dict[str, object]]:
    first, second = portfolios[policy], portfolios[other]
    for name, entry, mean in scalar_inputs(
        assumptions_behind(first, valuation) | assumptions_behind(second, valuation)
    ):

        def gap(values: FloatArray, name: str = name) -> FloatArray:
            changes = {name: values}
            return expected_at(first, valuation, changes) - expected_at(second, valuation, changes)

        value = sign_change(gap, entry)
        # If both costs are proportional to the input, they are equal at 0, but the same policy stays
        # cheaper. So a value of 0 is left out.
        if value is not None and abs(value) > ROUNDING * mean:
            above = chance_above(entry, value)
            beyond = above if mean < value else 1 - above
            yield dict(zip(FLIPS, (policy, other, name, entry.kind, mean, value, beyond), strict=True))


def _left_out_rows(name: str, table: pl.DataFrame) -> Iterator[dict[str, object]]:
    lines = table.filter(pl.col("level") == "line")
    if lines.is_empty():
        yield {"policy": name, "status": "not_offered"}
    for row in lines.filter(pl.col("expected").is_null()).iter_rows(named=True):
        yield {"policy": name, **{key: row[key] for key in ("line", "status", "missing")}}
