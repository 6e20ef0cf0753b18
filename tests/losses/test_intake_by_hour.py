"""Claims counted per hour."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import accumulate

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.errors import UsageError
from outage_analysis.losses import Cube, cumulative_intake
from outage_analysis.losses.cube import EDGES, MEASURES
from outage_analysis.text import schema_of

START = datetime(2022, 10, 15, 22)  # noqa: DTZ001 - local time


def hour(n: int) -> datetime:
    return START + timedelta(hours=n)


def cube(rows: list[tuple[str, datetime | None, int]]) -> Cube:
    """A cube of claims without a stated loss: service, hour, claims."""
    frame = pl.DataFrame(
        [(*row, None, None, None) for row in rows],
        schema={
            "service": pl.String, "filed_hour": pl.Datetime("us"), "claims": pl.Int64, **EDGES,
            "loss": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
    squares = pl.lit(None, MEASURES["loss_squared"]).alias("loss_squared")
    return Cube(frame.with_columns(squares), ("service", "filed_hour"), synthetic=False, source="a.csv")


def test_each_hour_between_the_first_and_the_last_has_a_row_over_midnight() -> None:
    table = cumulative_intake(
        cube([("app", hour(0), 3), ("web", hour(3), 2), ("app", hour(3), 1)]), per="hour"
    )
    assert table.rows() == [(hour(0), 3, 3), (hour(1), 0, 3), (hour(2), 0, 3), (hour(3), 3, 6)]
    assert tuple(table.columns) == schema_of("claims_intake_hours").names
    assert table.schema == pl.Schema(schema_of("claims_intake_hours").dtypes)


def test_claims_of_which_only_the_day_is_known_are_counted_apart() -> None:
    counted = cube([("app", None, 4), ("app", hour(0), 3), ("web", None, 5), ("bus", hour(1), 1)])
    assert cumulative_intake(counted, per="hour").rows() == [
        (hour(0), 3, 3),
        (hour(1), 1, 4),
        (None, 9, None),
    ]


def test_no_claim_and_no_hour() -> None:
    assert cumulative_intake(cube([]), per="hour").is_empty()
    assert cumulative_intake(cube([("app", None, 4)]), per="hour").rows() == [(None, 4, None)]
    with pytest.raises(UsageError, match="the cube has no such dimension"):
        cumulative_intake(cube([("app", hour(0), 1)]))


@given(st.lists(st.tuples(st.sampled_from(["app", "web"]), st.none() | st.integers(0, 60)), min_size=1))
def test_hours_add_up_to_days_and_to_all_claims(claims: list[tuple[str, int | None]]) -> None:
    counts = Counter(claims)
    counted = cube([(s, None if n is None else hour(n), k) for (s, n), k in counts.items()])
    table = cumulative_intake(counted, per="hour")
    assert table["claims"].sum() == len(claims)
    timed = table.drop_nulls("filed_hour")
    known = [n for _, n in claims if n is not None]
    if known:
        span = range(min(known), max(known) + 1)
        per_hour = [known.count(n) for n in span]
        assert timed.rows() == list(zip(map(hour, span), per_hour, accumulate(per_hour), strict=True))
    per_day = timed.group_by(pl.col("filed_hour").dt.date()).agg(pl.col("claims").sum())
    daily: dict[date, int] = dict(per_day.rows())
    assert {d: n for d, n in daily.items() if n} == dict(Counter(hour(n).date() for n in known))
