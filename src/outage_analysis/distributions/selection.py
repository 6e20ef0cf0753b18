"""The rows of a cube that have given values of a dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from outage_analysis.cube import Cube
from outage_analysis.datasets import nearest
from outage_analysis.distributions.groups import refuse_unknown
from outage_analysis.errors import UsageError

Where = Mapping[str, object]
"""Dimension -> the value, or the list of values, to keep. None is what is not known."""


def members(cube: Cube, dimension: str, values: Sequence[object]) -> pl.DataFrame:
    """The cube's rows with one of these values of the dimension; None is what is not known.

    Raises:
        UsageError: no such dimension, a value that no claim has, or one named twice.
    """
    refuse_unknown(cube, [dimension])
    column = cube.frame[dimension]
    known = column.unique(maintain_order=True).to_list()
    for value in values:
        if value not in known:
            remedy = nearest(str(value), [str(k) for k in known if k is not None])
            raise UsageError("no claim of the cube has it", column=dimension, value=value, remedy=remedy)
        if list(values).count(value) > 1:
            raise UsageError("is named twice", column=dimension, value=value)
    wanted = pl.Series(values, dtype=column.dtype)
    return cube.frame.filter(pl.col(dimension).is_in(wanted.implode(), nulls_equal=True))


def select(cube: Cube, where: Where | None) -> Cube:
    """The cube of the claims with the given values; every claim's when none are given.

    Raises:
        UsageError: no such dimension, a value that no claim has, or one named twice.
    """
    for dimension, value in (where or {}).items():
        values = list(value) if isinstance(value, list | tuple) else [value]
        cube = replace(cube, frame=members(cube, dimension, values))
    return cube
