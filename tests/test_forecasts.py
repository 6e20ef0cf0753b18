"""Forecasts of the time beside what was paid: the table of the package, the page of cases and notebook 05."""

from __future__ import annotations

import csv

import forecasts as page
import polars as pl
import pytest

import outage_analysis as oa
from tests.paths import ROOT


def published() -> dict[str, dict[str, str]]:
    folders = (ROOT / "data" / name for name in ("outcomes", "published"))
    paths = [path for folder in folders for path in sorted(folder.glob("*.csv"))]
    return {row["id"]: row for path in paths for row in csv.DictReader(path.read_text("utf-8").splitlines())}


def test_each_ratio_is_the_forecast_over_what_was_paid_in_the_same_currency() -> None:
    facts, rows = published(), oa.forecasts_and_payments()
    assert rows["event"].n_unique() == 14
    for row in rows.iter_rows(named=True):
        forecast, paid = (facts[id_] for id_ in row["facts"].split())
        assert forecast["unit"] == paid["unit"] == row["currency"]
        ends = [float(forecast["value"] or forecast[end] or forecast["high"]) for end in ("low", "high")]
        assert [row["ratio_low"], row["ratio_high"]] == pytest.approx(
            [x / float(paid["value"]) for x in ends]
        )


def test_the_press_forecast_of_kakao_was_five_to_eight_times_what_was_paid() -> None:
    (row,) = oa.forecasts_and_payments().filter(pl.col("facts") == "CO-07 R2-07").iter_rows(named=True)
    assert (row["low"], row["high"], row["paid"]) == (253_830_000, 423_050_000, 50_000_000)
    assert [row["ratio_low"], row["ratio_high"]] == pytest.approx([5.0766, 8.461])


def test_both_languages_have_the_same_figures() -> None:
    english, korean = oa.forecasts_and_payments(), oa.forecasts_and_payments("ko")
    texts = ("event", "how", "note")
    assert english.drop(texts).equals(korean.drop(texts))
    assert korean.select(pl.col(texts).str.contains("[가-힣]").all()).row(0) == (True, True, True)


def test_the_page_has_the_table_and_the_chart_of_the_notebook() -> None:
    written = page.PAGE.read_text("utf-8")
    assert page.renewed(written) == written, "run `make docs`"
    assert len(page.picture()) > 10_000
