"""A small run of the study of late claims meets its criterion; the page has the tables of the whole study."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.studies import late_claims as study


def pooled(table: pl.DataFrame) -> None:
    """Fail where ranges contain too few or too many final counts, beyond noise, or medians are biased."""
    for row in study.summary(table, "seen").iter_rows(named=True):
        noise = 2 * np.sqrt(0.16 / (row["forecasts"] / 2))  # both rushes of an intake share its counts
        assert study.COVERED[0] - noise <= row["covered"] <= study.COVERED[1] + noise, row
        assert abs(row["bias"]) <= study.BIASED, row
        assert row["refused"] <= study.REFUSED[row["seen"]] + noise, row


def test_an_intake_has_the_share_seen_that_is_asked_for() -> None:
    for family, shape, seen, horizon, shares in study.cells(study.FAMILIES, study.HORIZONS):
        assert shares.sum() == pytest.approx(1)
        assert shares[: study.DAYS].sum() == pytest.approx(seen, abs=0.002), (family, shape, horizon)
    found = {(family, seen, horizon) for family, _, seen, horizon, _ in study.cells(study.FAMILIES, (2.0,))}
    assert ("exponential", 0.3, 2.0) not in found  # a falling rate brings at least half by half of the time


@pytest.mark.slow
def test_ranges_hold_the_final_count_as_often_as_they_say() -> None:
    pooled(study.forecasts(intakes=3))


@pytest.mark.bench
@pytest.mark.xfail(reason="curves that neither kind resembles are answered, and too narrowly", strict=True)
def test_curves_that_were_held_out_meet_the_criterion_too() -> None:
    pooled(study.forecasts(study.OTHERS, intakes=20))


@pytest.mark.bench
def test_the_stored_tables_are_those_of_the_study() -> None:
    written = study.PAGE.read_text("utf-8").split(study.START)[1].split(study.END)[0]
    assert written == study.tables()
