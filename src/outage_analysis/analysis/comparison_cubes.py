"""The cubes (claim counts by dimension and loss band) of the claims that several policies pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from outage_analysis.analysis.plan import Plan, check_one_stage, load_cubes
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.costs import edges_for_comparison
from outage_analysis.incidents import Bands, Incident
from outage_analysis.losses import Cube, build_cube, cost_bands
from outage_analysis.policies import Policy


@dataclass(frozen=True)
class ComparisonCubes:
    """Cubes (claim counts by dimension and loss band) of the claims that several policies pay.

    All cubes have the band edges of all policies, so that each policy pays for the same groups of claims.
    """

    by_policy: Mapping[str, Sequence[Cube]] = field(default_factory=dict)
    """The cubes that each policy pays, by policy id: of claims, and of claimants for some lines."""
    claims: Cube | None = None
    """A cube of claims with further edges, where a policy replaces a loss or two policies pay the same."""


def build_comparison_cubes(
    plan: Plan, incident: Incident, policies: Sequence[Policy], ledger: Ledger | None, as_of: date
) -> tuple[Claims | None, ComparisonCubes]:
    """Return the claims of a plan, and the cubes that the policies pay."""
    claims: Claims | None = None
    by_policy: dict[str, list[Cube]] = {}
    known = [policy.as_known_on(as_of) for policy in policies]
    for policy in known:
        claims, built = load_cubes(plan, incident, policy, as_of, beside=known)
        by_policy[policy.id] = [*built.values()]
        check_one_stage(built.values())
    cube = next((x for cubes in by_policy.values() for x in cubes if x.line is None), None)
    if claims is None or cube is None:
        return claims, ComparisonCubes(by_policy, cube)
    edges = edges_for_comparison(cube, known, ledger, as_of)
    if edges:
        bands = Bands.from_cuts(cost_bands(claims, known).cuts, edges)
        cube = build_cube(claims, dimensions=cube.dimensions, bands=bands, until=as_of)
    return claims, ComparisonCubes(by_policy, cube)
