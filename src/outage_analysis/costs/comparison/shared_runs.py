"""The simulations of several policies with the same draws of the uncertain inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.portfolio import Portfolio
from outage_analysis.costs.simulation import Simulation, simulate_together


def shared_runs(
    portfolios: Mapping[str, Portfolio], ledger: Ledger | None, as_of: date, draws: int, seed: int
) -> dict[str, Simulation]:
    """Simulate all policies with the same draws; each simulation draws the inputs of all policies.

    Args:
        portfolios: the terms of each policy, by name.
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
