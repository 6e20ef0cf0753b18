"""Cubes of losses written out in a test, banded by plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

from outage_analysis.incidents import NEGATIVE, UNKNOWN, Band, Bands
from outage_analysis.losses import EDGES, MEASURES, Cube, sorted_cube

Told = tuple[str | None, int | None]
"""A claim: its service and its loss."""


def band_of(bands: Bands, loss: int | None) -> Band:
    """The one band that holds a loss: over < loss <= up_to."""
    if loss is None:
        return UNKNOWN
    if loss < 0 and not bands.negative:
        return NEGATIVE
    (band,) = [
        (over, up_to)
        for over, up_to in bands.rows()[:-1]
        if (over is None or over < loss) and (up_to is None or loss <= up_to)
    ]
    return band


def cube_of_claims(claims: Iterable[tuple[Any, ...]], bands: Bands, *dimensions: str) -> Cube:
    """The cube of claims by their dimensions (a service, by default) and band; a claim ends with its loss."""
    by = dimensions or ("service",)
    rows = [
        (*who, *band_of(bands, loss), count, count * (loss or 0), Decimal(count * (loss or 0) ** 2))
        for (*who, loss), count in Counter(claims).items()
    ]
    cube = cube_of_rows(rows, *by)
    summed = cube.frame.group_by(*by, "over", "up_to").agg(pl.col(*MEASURES).sum())
    return replace(cube, frame=sorted_cube(summed, by))


def loss_cube(losses: Iterable[int | None], *cuts: int, negative: bool = False) -> Cube:
    """The cube of one service's losses."""
    return cube_of_claims([("mail", x) for x in losses], Bands.from_cuts(cuts, negative=negative))


def cube_of_rows(
    rows: Iterable[tuple[object, ...]], *dimensions: str, **typed: type[pl.DataType] | pl.DataType
) -> Cube:
    """The cube of these rows: dimensions, edges, and the measures that are known."""
    by = {**dict.fromkeys(dimensions, pl.String), **typed}
    schema = {**by, **EDGES, **MEASURES}
    full = [(*row, *[None] * (len(schema) - len(row))) for row in rows]
    frame = pl.DataFrame(full, schema=schema, orient="row")
    return Cube(frame, tuple(by), synthetic=False, source="a test")


def counts(*rows: tuple[str, str, int | None, int | None, int]) -> Cube:
    """A cube of totals alone: service, claimant type, over, up_to, claims."""
    return cube_of_rows(rows, "service", "claimant_type")


def counts_only(cube: Cube) -> Cube:
    """The same cube, as totals without sums give it."""
    return replace(
        cube,
        frame=cube.frame.with_columns(
            loss=pl.lit(None, pl.Int64), loss_squared=pl.lit(None, MEASURES["loss_squared"])
        ),
    )


def made_up(cube: Cube) -> Cube:
    """The same cube, as if its claims were synthetic."""
    return replace(cube, synthetic=True, source="claims-synthetic.csv")


CUTS = st.lists(st.integers(1, 60), max_size=6, unique=True)
LOSSES = st.lists(st.one_of(st.integers(-20, 80), st.integers(0, 10**13)), min_size=1, max_size=30)
