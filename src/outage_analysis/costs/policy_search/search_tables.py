"""The tables of a search: the chosen policy beside the announced and named ones, and the frontier."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from outage_analysis.costs.expected import cost_table, totals
from outage_analysis.costs.policy_search.candidate_benefits import (
    MADE_WHOLE,
    PER_CLAIM,
    REPLACED,
    SHORTFALL,
    SMALLER_IS_BETTER,
    benefit_cells,
    candidate_measures,
    significant,
)
from outage_analysis.costs.policy_search.candidate_costs import policy_per_claim
from outage_analysis.costs.policy_search.frontier import Criteria
from outage_analysis.costs.policy_search.loss_intervals import Formulas
from outage_analysis.costs.policy_search.solve import PolicySearch
from outage_analysis.costs.uncertainty.simulation import Estimate, Sample, replicate_mean
from outage_analysis.costs.uncertainty.tables import rounded_estimate, rounded_probability
from outage_analysis.policies import Policy
from outage_analysis.text import FLOAT, TABLE_DIGITS, Column, TableSchema

PARAMETERS = Column("parameters", "text", "Values of the parameters that vary, in whole currency.")
COSTS_AND_BENEFITS = (
    Column("expected", "money", "Expected cost; empty if the ledger lacks an input."),
    Column("at_level", "money", "Cost that is not exceeded with the probability of the search, such as P90."),
    Column("over_budget", "share", "Probability that the cost exceeds the budget."),
    Column(
        REPLACED,
        "share",
        "Share of the stated losses that is paid at least, if each claim is accepted.",
        label="replaced_at_least",
    ),
    Column(
        MADE_WHOLE,
        "count",
        "Number of claims that are paid at least their loss, if each is accepted.",
        FLOAT,
        label="whole_at_least",
    ),
    Column(SHORTFALL, "money", "No entitled claim without a review lacks more than this of its loss."),
    Column(PER_CLAIM, "money", "Mean payment per accepted claim."),
)
"""Cost and benefits of a policy. A benefit is empty if it is not known."""
SOLUTION = TableSchema(
    "One row per policy: the solution (or the nearest policy), the announced policy, and named policies.",
    (
        Column("policy", "name", "Id of the policy.", label="policy_name"),
        Column("role", "word", "What the policy is in the search: solution, nearest, announced or named."),
        PARAMETERS,
        *COSTS_AND_BENEFITS,
        Column(
            "dominated_by",
            "text",
            "Values of a candidate that costs no more and gives no less.",
            label="dominated_values",
        ),
    ),
)
FRONTIER = TableSchema(
    "One row per candidate that no other candidate dominates, the cheapest first.",
    (PARAMETERS, *COSTS_AND_BENEFITS),
)


@dataclass(frozen=True, eq=False)
class SearchTables:
    """The tables of a search."""

    found: PolicySearch

    @cached_property
    def solution(self) -> pl.DataFrame:
        """The columns of `SOLUTION`: the chosen policy first, then the announced and the named policies."""
        return self._frame([*self._chosen_rows(), *map(self._named_row, self.found.named)], SOLUTION)

    @cached_property
    def frontier(self) -> pl.DataFrame:
        """The columns of `FRONTIER`; costs at the level have the relative error of the chosen policy."""
        return self._frame([self._candidate_row(c) for c in self.found.frontier.tolist()], FRONTIER)

    def _frame(self, rows: list[dict[str, object]], schema: TableSchema) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=schema.dtypes).with_columns(
            pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS)
        )

    @cached_property
    def _relative_error(self) -> float:
        if self.found.chosen is None:
            return 0.0
        estimate = self.found.search.sample(self.found.chosen).quantile(self.found.search.quantile_level)
        return estimate.error / estimate.value if estimate.value else 0.0

    def parameters_text(self, candidate: int) -> str:
        """Return the values of a candidate, such as `tier1=40,000; tier2=60,000`."""
        found = self.found
        with_line = len({p.line for p in found.parameters}) > 1
        pairs = zip(found.parameters, found.values_of(candidate), strict=True)
        return "; ".join(p.assignment(value, found.inputs.policy, with_line=with_line) for p, value in pairs)

    def _candidate_row(self, candidate: int) -> dict[str, object]:
        search, measures = self.found.search, self.found.measures.values
        quantile = search.quantile(candidate)
        over = search.costs.total(search.formulas, candidate) > search.budget
        return {
            "parameters": self.parameters_text(candidate),
            "expected": float(search.expected[candidate]),
            "at_level": rounded_estimate(Estimate(quantile, quantile * self._relative_error)).value,
            "over_budget": rounded_probability(replicate_mean(over.mean(axis=1))).value,
            **{name: float(values[candidate]) for name, values in measures.items()},
        }

    def _chosen_rows(self) -> Iterator[dict[str, object]]:
        found = self.found
        if found.chosen is None:
            return
        role = "nearest" if found.solution is None else "solution"
        row = self._candidate_row(found.chosen)
        expected, benefit = float(found.search.expected[found.chosen]), float(found.benefit[found.chosen])
        yield {
            "policy": found.policy_of(found.chosen).id,
            "role": role,
            **row,
            "dominated_by": self._dominator(expected, found.search.quantile(found.chosen), benefit),
        }

    def _named_row(self, policy: Policy) -> dict[str, object]:
        found, costs = self.found, self.found.search.costs
        row: dict[str, object] = {
            "policy": policy.id,
            "role": "announced" if policy is found.named[0] else "named",
            "parameters": self._stated_parameters(policy),
        }
        benefits = self.benefits_of(policy)
        run = costs.runs.get(policy.id)
        if run is None:
            return row | benefits
        sample = Sample(run.totals["cash"].values + costs.draws.handling)
        quantile = sample.quantile(found.search.quantile_level)
        expected = self._expected(policy) + costs.expected_handling
        benefit = benefits.get(found.objective)
        sign = -1.0 if found.objective in SMALLER_IS_BETTER else 1.0
        dominator = None if benefit is None else self._dominator(expected, quantile.value, sign * benefit)
        return row | {
            "expected": expected,
            "at_level": rounded_estimate(quantile).value,
            "over_budget": rounded_probability(sample.exceedance(found.search.budget)).value,
            **benefits,
            "dominated_by": dominator,
        }

    def _expected(self, policy: Policy) -> float:
        inputs = self.found.inputs
        cubes = inputs.cubes.get(policy.id, inputs.cubes.get(inputs.policy.id, ()))
        table = cost_table(policy, inputs.fitting_ledger(policy), as_of=inputs.as_of, cubes=cubes)
        cash = totals(table).filter(valuation="cash")["expected"]
        return float(cash.item())

    def benefits_of(self, policy: Policy) -> dict[str, float]:
        """Return what claimants get under a policy that is no candidate, as far as it is known."""
        found, benefits = self.found, {}
        if found.cube is not None:
            known = policy.as_known_on(found.inputs.as_of)
            cells = benefit_cells(known, found.cube, (), found.entitled)
            nothing = Formulas(*np.zeros((3, 1, 0)))
            measured = candidate_measures(cells, [nothing])
            benefits = {name: float(values[0]) for name, values in measured.items()}
        elif SHORTFALL in found.measures.values:
            shortfall = self._edge_shortfall(policy)
            benefits = {} if shortfall is None else {SHORTFALL: shortfall}
        per_claim = policy_per_claim(found.inputs, policy)
        return benefits if per_claim is None else benefits | {PER_CLAIM: per_claim}

    def _edge_shortfall(self, policy: Policy) -> float | None:
        worst = 0.0
        for line in self.found.search.costs.lines:
            schedule = policy.schedule(line.schedule.id)
            if schedule is None:
                return None
            for (_, up_to), rule in schedule.positive_bands:
                paid = None if rule.review or up_to is None else schedule.tariff.pay(up_to)
                if up_to is None and not rule.review:
                    return None
                if paid is not None and up_to is not None:
                    worst = max(worst, up_to - float(paid))
        return worst

    def _stated_parameters(self, policy: Policy) -> str | None:
        texts = []
        with_line = len({p.line for p in self.found.parameters}) > 1
        for parameter in self.found.parameters:
            schedule = policy.schedule(parameter.line)
            if schedule is None or parameter.tier >= len(schedule.bands):
                return None
            rule = schedule.bands[parameter.tier]
            stated = {"payment": rule.fixed, "share": rule.share, "up_to": rule.up_to}[parameter.kind]
            if stated is None or (parameter.kind == "payment" and (rule.review or rule.depends_on_loss)):
                return None
            texts.append(parameter.assignment(stated, policy, with_line=with_line))
        return "; ".join(texts)

    @cached_property
    def _criteria(self) -> Criteria:
        found = self.found
        return found.search.criteria(found.frontier, found.benefit, by_mean=found.by_mean)

    def _dominator(self, expected: float, quantile: float, benefit: float) -> str | None:
        """Return the values of the candidate of the frontier that dominates a policy and gives most."""
        if math.isnan(benefit) or not len(self.found.frontier):
            return None
        values = significant(np.array([expected if self.found.by_mean else 0.0, quantile, benefit]))
        dominating = np.flatnonzero(self._criteria.dominating(*values.tolist()))
        if not len(dominating):
            return None
        best = max(
            dominating.tolist(), key=lambda k: (self._criteria.benefit[k], -self._criteria.quantile[k])
        )
        return self.parameters_text(int(self.found.frontier[best]))
