"""The comparison of policies under the same assumptions: result tables and a summary sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import combinations
from operator import ge
from typing import Any

import numpy as np
import polars as pl

from outage_analysis import text
from outage_analysis.assumptions import FloatArray, Ledger
from outage_analysis.costs.benefits import loss_replacement, loss_shares
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.expected import (
    Portfolio,
    assumption_ids,
    costs_of_lines,
    expected_at,
    ledger_for_policy,
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
    replicate_mean,
    simulate_together,
)
from outage_analysis.costs.simulation_tables import (
    expected_estimate,
    expected_recipients,
    round_digits,
    rounded_estimate,
    rounded_probability,
    rounded_table,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy

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
        replaced: the result of `loss_replacement`: the share of a loss that an accepted claim gets back.
        left_out: the table `compare.left_out`: the lines without an expected cost, which no
            figure includes, with their status and the inputs that the ledger lacks. A policy without a cost
            line of cash has one row with the status `not_offered`.
    """

    policies: pl.DataFrame
    pairs: pl.DataFrame = field(repr=False)
    flips: pl.DataFrame = field(repr=False)
    replaced: pl.DataFrame = field(repr=False)
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

    def benefit_notes(self, locale: text.Locale) -> list[str]:
        """Return one sentence per reason why the share of the loss that policies pay is unknown."""
        reasons = self.policies.drop_nulls("not_measured").group_by("not_measured", maintain_order=True)
        notes = []
        for reason, ids in reasons.agg("policy").iter_rows():
            note = locale(f"compare.note_{reason}")
            notes.append(note if len(ids) == len(self.policies) else f"{', '.join(ids)}: {note}")
        return notes


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
        row = {"policy": policy.id} | {x: sums[x].item() for x in ("promised", "most") if len(sums)}
        if policy.id in runs:
            row |= _figures(runs[policy.id], likely, won[policy.id])
        rows.append(row | loss_shares(policy, own, ledger, as_of))
    return PolicySimulations(
        rounded_table(with_ranks(rows), text.schema_of("comparison")),
        rounded_table((_pair_row(runs, *pair, likely) for pair in pairs), text.schema_of("pairs")),
        rounded_table([x for p in pairs for x in _flips(portfolios, *p)], text.schema_of("flips")),
        pl.concat([loss_replacement(p, cubes.get(p.id, ())) for p in known]),
        rounded_table(left_out, text.schema_of("compare.left_out")),
        inputs=frozenset().union(*map(assumption_ids, tables.values())),
        runs=runs,
    )


def _figures(run: Simulation, likely: text.LikelyRange, won: FloatArray) -> dict[str, Any]:
    expected, people = expected_estimate(run, "cash").value, expected_recipients(run, "cash")
    points, total = {**likely.columns, "p90": P90}, run.totals["cash"]
    return {
        **{name: rounded_estimate(total.quantile(p)).value for name, p in points.items()},
        "expected": expected,
        "recipients": people,
        "per_recipient": round(expected / people, DIGITS) if people else None,
        "cheapest": rounded_probability(replicate_mean(won.mean(axis=1))).value,
    }


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
        cost_rank = cost and 1 + sum(x is not None and x < cost for x in costs)
        benefit_rank = gain and 1 + sum(x is not None and x > gain for x in gains)
        ranks = {"cost_rank": cost_rank, "benefit_rank": benefit_rank}
        ranked.append(dict(row) | ranks | {"dominated_by": dominated_by or None})
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
