"""Ledgers and policies of a few lines, for the tests of the uncertainty run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from outage_analysis.assumptions import Assumption, Ledger
from outage_analysis.assumptions.distributions import Distribution, Fixed
from outage_analysis.costs import simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation import Estimate, SampledTotal, Simulation
from outage_analysis.costs.terms import FunnelFactor, Group, Input, Term
from outage_analysis.policies import Policy
from tests.costs.test_payouts import policy_of, tiers

DAY = date(2022, 12, 30)
REPORTS = 8461
"""The fact CL-13."""
TIERS = tiers([300_000, 500_000], [{"fixed": 30_000}, {"fixed": 50_000}, {"review": True}])
SHARE_LINE = {"band": tiers([100], [{"share": 0.5, "fixed": 7}, {"fixed": 40}])}
"""Half of the loss and 7 more up to 100, and 40 above."""
FEW = 2**10
PROBABILITIES = (0.1, 0.5, 0.9, 0.95, 0.99)
TYPE: TypeAdapter[Assumption] = TypeAdapter(Assumption)


def entry(kind: str, distribution: Distribution | float | None = None, **keys: Any) -> Assumption:  # noqa: ANN401 - keys of a page
    """An assumption of the first line; a number is what it is for certain."""
    stated = Fixed(value=distribution) if isinstance(distribution, int | float) else distribution
    page = {
        "id": kind.replace("_", "-"),
        "kind": kind,
        "name": {"en": "A", "ko": "가"},
        "lines": ("line-0",),
        "public_on": DAY,
        "grade": "assumed",
        "source": "a test",
        "rationale": "a test",
        "owner": "a test",
        "outcome_known": False,
    }
    return TYPE.validate_python(page | ({"distribution": stated.model_dump()} if stated else {}) | keys)


def mix(*shares: float, size: float | None = None, edges: Iterable[int] = (300_000, 500_000)) -> Assumption:
    """A band mix on the tiers."""
    bands = [
        {**band, "share": share}
        for band, share in zip(tiers([*edges], [{}] * len(shares)), shares, strict=True)
    ]
    return entry("band_mix", band=tuple(bands), **({} if size is None else {"size": size}))


def ledger_of(*entries: Assumption, correlations: Mapping[tuple[str, str], float] | None = None) -> Ledger:
    """A ledger of these entries."""
    tied = tuple({"of": of, "rank": rank, "rationale": "a test"} for of, rank in (correlations or {}).items())
    return Ledger.model_validate(
        {
            "id": "l",
            "name": {"en": "L"},
            "incident": "i",
            "as_of": DAY,
            "assumption": entries,
            "correlation": tied,
        }
    )


def shops(**terms: Any) -> Policy:  # noqa: ANN401 - keys of a page
    """Two tiers and a review for the 8,461 reports."""
    return policy_of({"published_count": "CL-13", "band": TIERS, **terms})


def term_of(
    trials: float,
    payment: float,
    *rates: str,
    scales: Iterable[str] = (),
    **keys: Any,  # noqa: ANN401 - fields of a term
) -> Term:
    """Trials that are all paid the same."""
    factors = [
        FunnelFactor(Input(0, None, None, None, name), scale=name in scales) for name in (*scales, *rates)
    ]
    group = Group(Input.certain(trials * payment), trials, trials * payment**2, reviewed="award" in keys)
    stated = {"line": "line-0", "valuation": "cash", "rule": "a test", "factors": tuple(factors), **keys}
    return Term(groups=(group,), trials=trials, **stated)


def portfolio(*terms: Term, entries: Iterable[Assumption] = (), **keys: Any) -> Portfolio:  # noqa: ANN401
    """Terms with the assumptions behind them."""
    return Portfolio(terms, {a.id: a for a in sorted(entries, key=lambda a: a.id)}, **keys)


def variance_by_chance(run: Simulation) -> float:
    """The variance of the total if every input is known, on average over the inputs."""
    blocks = [(block.values, len(block.uniforms)) for block in run.replicates()]
    sums = [term.moments(*block)[1] for term in run.portfolio.terms for block in blocks]
    return float(np.sum(sums)) / run.draws


def sd(run: Simulation) -> float:
    """The standard deviation of the cash."""
    return float(np.sqrt(variance_by_chance(run) + run.totals["cash"].mean.var()))


def distribution_of(folio: Portfolio, valuation: str = "cash", **run: int) -> SampledTotal:
    """The law of one total."""
    return simulate(folio, **run).totals[valuation]


def near(found: Estimate, expected: float, *, within: float = 5.0, rel: float = 1e-9) -> bool:
    """Whether a figure is right to some of its own errors."""
    return abs(found.value - expected) <= within * found.error + rel * abs(expected)
