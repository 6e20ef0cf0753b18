"""Claims and their cost by service and loss band, or by any dimensions, from cubes of claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis import costs
from outage_analysis.assumptions import Ledger
from outage_analysis.costs import exact_costs, expected
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Band, Bands, band_within, holds_positive
from outage_analysis.losses import Cube, build_cube, check_dimensions, cost_bands, regroup, sum_or_null
from outage_analysis.policies import Policy, RuleBand, Schedule
from outage_analysis.text import TABLE_DIGITS, schema_of

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

MAX_CUTS = 7
"""The largest number of policy edges at which bands end. If a policy has more, bands end at every second or
third edge, so that a table with one column per band fits a page."""
EDGES = {"over": pl.Int64, "up_to": pl.Int64}


def service_band_table(
    cube: Cube, policy: Policy, ledger: Ledger | None, as_of: date, *, negative: bool = False
) -> pl.DataFrame:
    """Return the claims, their stated loss and their expected cost by service and loss band.

    The bands end where the bands of the policy end. Every service has a row for every band with positive
    losses, and for the other bands (zero, negative, unknown) that contain claims.

    Args:
        cube: the claims by service, claimant type and the dimensions that the policy names.
        policy: the policy. Only lines that pay per claim and by loss band have a cost per band.
        ledger: the assumptions; without them most costs are unknown.
        as_of: the day of the analysis.
        negative: whether losses may be negative.

    Returns:
        The table `claims_service_bands`: `loss` is null for claims that state no loss,
        `expected` (smallest unit of the currency) is null if the cost of a claim is unknown. The table is
        empty if a band of the cube contains losses on both sides of an edge of the policy, which is possible
        in totals.
    """
    cuts = policy.cuts[:: max(1, -(-len(policy.cuts) // MAX_CUTS))]
    bands = Bands.from_cuts(cuts, negative=negative)
    costs = _expected_by_band(cube, policy, ledger, as_of, bands.rows())
    try:
        counted = regroup(cube, ["service"], bands)
    except UsageError:
        return schema_of("claims_service_bands").frame()
    if costs is None:
        return schema_of("claims_service_bands").frame()
    keys = ["service", "over", "up_to"]
    filled = set(counted.filter(pl.col("claims") > 0).select(keys[1:]).rows())
    shown = [band for band in bands.rows() if holds_positive(band) or band in filled]
    grid = pl.DataFrame(shown, schema=EDGES, orient="row").with_row_index("place")
    table = grid.join(counted.select("service").unique(), how="cross")
    for found in (counted, costs):
        table = table.join(found, on=keys, how="left", nulls_equal=True)
    empty, unstated = pl.col("claims").is_null(), pl.all_horizontal(pl.col("over", "up_to").is_null())
    priced = pl.lit(not costs.is_empty())
    return (
        table.with_columns(
            pl.col("claims").fill_null(0),
            loss=pl.when(unstated).then(None).when(empty).then(0).otherwise("loss"),
            expected=pl.when(empty & priced).then(0.0).otherwise("expected"),
        )
        .sort("service", "place", nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in schema_of("claims_service_bands").dtypes.items())
    )


def _expected_by_band(
    cube: Cube, policy: Policy, ledger: Ledger | None, as_of: date, bands: Sequence[Band]
) -> pl.DataFrame | None:
    """Return the expected cost by service and band; None if a row of the cube lies in two bands."""
    edges = [up_to for _, up_to in bands if up_to is not None and up_to > 0]
    lines = tuple(_divided_line(line, edges) for line in policy.schedules if line.grain == "claim")
    if not lines:
        return pl.DataFrame(schema={"service": pl.String, **EDGES, "expected": pl.Float64})
    divided = policy.model_copy(update={"lines": lines})
    fitting = costs.terms.ledger_for_policy(ledger, divided)
    rows = exact_costs(divided, fitting, as_of=as_of, cubes=[cube]).filter(level="band")
    if "straddles" in rows["rule"]:
        return None
    wider = [next(b for b in bands if band_within(row, b)) for row in rows.select(EDGES.keys()).rows()]
    placed = rows.drop(EDGES.keys()).hstack(pl.DataFrame(wider, schema=EDGES, orient="row"))
    summed = placed.group_by("service", *EDGES, maintain_order=True).agg(sum_or_null("expected"))
    return summed.with_columns(pl.col("expected").round_sig_figs(TABLE_DIGITS))


def _divided_line(line: Schedule, cuts: Sequence[int]) -> Schedule:
    shift = 0 if line.closed == "upper" else 1
    edges = [cut + shift for cut in cuts]
    segments = tuple(
        segment.model_copy(update={"bands": _divided_bands(segment.bands, edges)})
        for segment in line.segments
    )
    return line.model_copy(update={"bands": _divided_bands(line.bands, edges), "segments": segments})


def _divided_bands(bands: Sequence[RuleBand], edges: Sequence[int]) -> tuple[RuleBand, ...]:
    divided = []
    for band in bands:
        inside = [e for e in edges if e > band.over and (band.up_to is None or e < band.up_to)]
        ends = [band.over, *sorted(inside), band.up_to]
        divided += [band.model_copy(update={"over": over, "up_to": up_to}) for over, up_to in pairwise(ends)]
    return tuple(divided)


def cost_by(a: Analysis, dimensions: Sequence[str]) -> pl.DataFrame:
    """Return the claims and their cash by dimensions; `Analysis.by` describes the table.

    Raises:
        UsageError: no dimension is named, a dimension does not exist, or it is named twice.
        ModelRefused: the analysis has no claims, or a line pays per claimant.
    """
    if not dimensions:
        raise UsageError("by names no dimension", remedy='Name one, such as analysis.by("service").')
    if not a.cubes:
        raise ModelRefused("the analysis has no claims to divide", remedy="Run it with claims.")
    per_claimant = next((line.id for line in a.policy.schedules if line.grain == "claimant"), None)
    if per_claimant:
        problem = f"the line {per_claimant} pays per claimant, who may have claims in several groups"
        raise ModelRefused(problem, remedy='Set grain = "claim" in the line.')
    cube = a.cubes["cost"]
    added = [name for name in dict.fromkeys(dimensions) if name not in cube.dimensions]
    divided = cube
    if a.claims and added:
        bands = cost_bands(a.claims, [a.policy.as_known_on(a.as_of)])
        divided = build_cube(a.claims, dimensions=(*cube.dimensions, *added), bands=bands, until=a.as_of)
    check_dimensions(dimensions, divided.dimensions, "the claims have no such dimension")
    points, rows = a.likely_range.points, list[tuple[object, ...]]()
    groups = divided.frame.sort(dimensions, nulls_last=True).partition_by(dimensions, as_dict=True)
    for key, frame in groups.items():
        part = replace(cube, frame=frame.drop(added))  # with the dimensions that the policy knows
        lines = costs.compiled_lines(a.policy, a.ledger, as_of=a.as_of, cubes=[part])
        portfolio = expected.portfolio_of_lines(lines, a.ledger, a.as_of)
        amounts: dict[str, float] = {}
        if "cash" in portfolio.valuations:
            run = costs.simulate(portfolio, draws=a.plan.draws, seed=a.plan.seed)
            quantiles = costs.simulation.known_quantiles(run.totals["cash"], points)
            amounts = {"expected": costs.simulation.expected_estimate(run, "cash").value}
            amounts |= {name: estimate.value for name, estimate in quantiles.items()}
        rows.append((*key, part.claims, *map(amounts.get, ("expected", *points))))
    kinds = dict.fromkeys(("expected", *points), pl.Float64())
    schema = {name: divided.frame.schema[name] for name in dimensions} | {"claims": pl.Int64(), **kinds}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col("expected", *points) / 10**a.incident.minor_units)
