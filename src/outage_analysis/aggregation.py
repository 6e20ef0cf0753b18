"""Claims -> cubes. SQL ends here: what follows reads a cube."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from outage_analysis import queries
from outage_analysis.bands import UNKNOWN, Bands, log_grid
from outage_analysis.claims import Claims
from outage_analysis.cube import EDGES, HIGHEST, Cube, Types, refuse_overflow
from outage_analysis.datasets import nearest
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Dimension
from outage_analysis.policies import Policy
from outage_analysis.queries import literal, quoted

_LOWEST = -(2**63)


def build_cube(
    claims: Claims,
    *,
    dimensions: Sequence[str] = ("service", "claimant_type"),
    bands: Bands | None = None,
    policy: Policy | None = None,
) -> Cube:
    """Aggregate claims by dimensions and loss band.

    Args:
        claims: what `read_claims` returned.
        dimensions: service, claimant_type, filed_on or a dimension of the incident.
        bands: the loss bands; by default a logarithmic grid, 24 a decade.
        policy: its edges join the default grid, so that payments from the cube are exact.
    """
    by_id = {d.id: d for d in claims.incident.dimensions}
    for name in dimensions:
        if name not in by_id and name not in ("service", "claimant_type", "filed_on"):
            known = ["service", "claimant_type", "filed_on", *by_id]
            raise UsageError("no such dimension", value=name, remedy=nearest(name, known))
        if list(dimensions).count(name) > 1:
            raise UsageError("a dimension is named twice", value=name)
    if bands is None:
        bands = Bands.of(log_grid(), policy.cuts if policy else ())
    if claims.incident.loss.negative == "band":
        bands = replace(bands, negative=True)
    total = claims.sql("select coalesce(sum(abs(loss)), 0) from claims").fetchall()
    refuse_overflow(total[0][0])
    rows = [
        (o, u, _LOWEST if o is None else o, HIGHEST if u is None else u)
        for o, u in bands.rows()
        if (o, u) != UNKNOWN
    ]
    warehouse = claims.warehouse
    schema: Types = {**EDGES, "above": pl.Int64, "below": pl.Int64}
    warehouse.load("bands", pl.DataFrame(rows, schema=schema, orient="row"))
    groups = {name: _expression(name, by_id.get(name)) for name in dimensions}
    query = queries.bind(
        "cube",
        columns="".join(f"{e} as {quoted(name)}, " for name, e in groups.items()),
        groups="".join(f"{e}, " for e in groups.values()),
        names="".join(f"{quoted(name)}, " for name in groups),
    )
    frame = warehouse.frame(query)
    return Cube(frame, tuple(dimensions), claims.synthetic, ", ".join(f.name for f in claims.inputs))


def _expression(name: str, dimension: Dimension | None) -> str:
    """A dimension as the cube groups it: a numeric one by the label of its band."""
    if dimension is None or dimension.kind == "text":
        return quoted(name)
    cases = [f"when {quoted(name)} is null then null"]
    *labels, last = dimension_labels(dimension)
    for cut, label in zip(dimension.cuts, labels, strict=True):
        cases.append(f"when {quoted(name)} <= {cut} then {literal(label)}")
    return f"case {' '.join(cases)} else {literal(last)} end"


def dimension_labels(dimension: Dimension) -> list[str]:
    """The bands of a numeric dimension, as cubes and eligibility rules write them."""
    lows, highs = [None, *dimension.cuts], [*dimension.cuts, None]
    return [dimension_label(low, high) for low, high in zip(lows, highs, strict=True)]


def dimension_label(over: int | None, up_to: int | None) -> str:
    """The band of a numeric dimension, as cubes and eligibility rules write it."""
    if over is None:
        return f"up to {up_to}"
    return f"over {over}" if up_to is None else f"over {over} up to {up_to}"
