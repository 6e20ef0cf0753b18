"""Every chart draws from the bundled run, says what it shows, and shows the figures of its table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis.charts import CHARTS, Frame, draw
from outage_analysis.charts.specs import frame_of, names_of
from outage_analysis.charts.theme import wrapped
from outage_analysis.labels import LANGUAGES, Words

if TYPE_CHECKING:
    from outage_analysis.pipeline import Analysis

LARGEST = 20_000
"""Bytes of data that one chart may carry."""


def frame(analysis: Analysis, lang: str = "en", *, synthetic: bool = False) -> Frame:
    names = names_of(analysis.incident, analysis.policy, analysis.ledger, lang=lang)
    return frame_of(analysis.incident, Words(lang), names, analysis.as_of, synthetic=synthetic)


def spec_of(analysis: Analysis, name: str, lang: str = "en", *, synthetic: bool = False) -> dict[str, Any]:
    chart = draw(name, analysis.tables[CHARTS[name].table], frame(analysis, lang, synthetic=synthetic))
    assert chart is not None
    spec: dict[str, Any] = chart.to_dict()
    return spec


def data_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a chart that has one data set."""
    (rows,) = spec["datasets"].values()
    assert isinstance(rows, list)
    return rows


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_says_what_it_shows(analysis: Analysis, name: str, lang: str) -> None:
    spec = spec_of(analysis, name, lang)
    title = spec["title"]
    assert "".join(title["text"]).strip()
    assert all(part.strip() for part in title["subtitle"])
    assert len(title["subtitle"]) >= 2  # the measure, and the sources with their day
    assert spec["description"].strip()
    assert Words(lang).day(analysis.as_of) in title["subtitle"][-1]


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_carries_few_data_and_fits_its_place(analysis: Analysis, name: str) -> None:
    spec = spec_of(analysis, name)
    data = json.dumps(spec["datasets"], ensure_ascii=False).encode()
    assert 0 < len(data) <= LARGEST
    assert spec["width"] == "container"
    assert "http" not in json.dumps({k: v for k, v in spec.items() if k != "$schema"})


@pytest.mark.parametrize("name", CHARTS)
def test_no_chart_has_a_value_that_json_cannot_carry(analysis: Analysis, name: str) -> None:
    spec = spec_of(analysis, name)
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec


@pytest.mark.parametrize("name", CHARTS)
def test_an_empty_table_draws_nothing(analysis: Analysis, name: str) -> None:
    empty = analysis.tables[CHARTS[name].table].clear()
    assert draw(name, empty, frame(analysis)) is None


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_of_synthetic_rows_says_so_in_its_title_and_its_footer(analysis: Analysis, name: str) -> None:
    title = spec_of(analysis, name, synthetic=True)["title"]
    assert " ".join(title["text"]).startswith("Synthetic rows: ")
    assert "Synthetic rows, not a finding" in title["subtitle"][-1]
    plain = spec_of(analysis, name)["title"]
    assert "ynthetic" not in json.dumps([plain["text"], plain["subtitle"]])


def test_charts_of_claims_are_those_whose_table_comes_from_claims() -> None:
    assert {n for n, e in CHARTS.items() if e.claims} == {
        n for n, e in CHARTS.items() if e.table.startswith("claims_")
    }


def test_the_bars_by_band_are_the_expected_costs_of_the_table(analysis: Analysis) -> None:
    costs = analysis.tables["costs"].filter(level="band", valuation="cash")
    drawn = [row["expected"] * 1e6 for row in data_of(spec_of(analysis, "cost_by_band"))]
    assert drawn == pytest.approx(costs["expected"].to_list())


def test_the_title_of_the_bars_names_the_dearest_band_and_its_share(analysis: Analysis) -> None:
    costs = analysis.tables["costs"].filter(level="band", valuation="cash")
    most = costs.sort("expected").row(-1, named=True)
    share = most["expected"] / costs["expected"].sum()
    title = " ".join(spec_of(analysis, "cost_by_band")["title"]["text"])
    assert f"{100 * share:.0f}%" in title
    assert f"{most['over']:,}" in title


def test_cash_and_face_value_never_share_a_chart(analysis: Analysis) -> None:
    costs = analysis.tables["costs"]
    cash, free = (costs.filter(valuation=v) for v in ("cash", "face_value"))
    assert draw("cost_by_band", free, frame(analysis)) is None
    assert draw("free_goods", cash, frame(analysis)) is None


def test_the_free_goods_are_drawn_promised_and_expected(analysis: Analysis) -> None:
    face = analysis.tables["costs"].filter(valuation="face_value")
    rows = face.filter(pl.col("expected").is_not_null()).sort("promised", descending=True)
    assert rows["line"].to_list() == ["emoticons", "makers-coupons", "channel-credit", "talk-drawer"]
    data = data_of(spec_of(analysis, "free_goods"))
    assert [r["promised"] * 1e9 for r in data] == pytest.approx(rows["promised"].to_list())
    assert [r["expected"] * 1e9 for r in data] == pytest.approx(rows["expected"].to_list())


def test_a_good_without_an_expected_cost_is_not_drawn(analysis: Analysis) -> None:
    costs = analysis.tables["costs"]
    silent = costs.filter(pl.col("expected").is_null(), valuation="face_value")
    assert "page-webtoon-cash" in silent["line"]  # bounded, and nothing is expected of it
    assert draw("free_goods", silent, frame(analysis)) is None
    drawn = costs.filter(pl.col("expected").is_not_null())
    with_them, without_them = (draw("free_goods", t, frame(analysis)) for t in (costs, drawn))
    assert with_them is not None
    assert without_them is not None
    assert with_them.to_dict() == without_them.to_dict()


def test_goods_are_drawn_at_list_price_whatever_else_they_are_valued_at(analysis: Analysis) -> None:
    costs = analysis.tables["costs"]
    goods = costs.filter(line="emoticons")
    others = [goods.with_columns(valuation=pl.lit(v)) for v in ("displaced_sales", "incremental_cash")]
    chart = draw("free_goods", pl.concat([costs, *others]), frame(analysis))
    assert chart is not None
    assert chart.to_dict() == spec_of(analysis, "free_goods")
    assert draw("free_goods", pl.concat(others), frame(analysis)) is None
    assert draw("cost_by_band", pl.concat(others), frame(analysis)) is None


def test_the_funnel_has_one_bar_a_stage_with_its_bounds(analysis: Analysis) -> None:
    rows = analysis.tables["funnel"]
    data = data_of(spec_of(analysis, "funnel"))
    for column in ("low", "expected", "high"):
        assert [r[column] for r in data] == pytest.approx(rows[column].to_list())


def test_the_drivers_are_drawn_widest_first_from_end_to_end(analysis: Analysis) -> None:
    rows = analysis.tables["drivers"]
    data = data_of(spec_of(analysis, "drivers"))
    assert [r["cost_low"] * 1e6 for r in data] == pytest.approx(rows["cost_low"].to_list())
    assert [r["cost_high"] * 1e6 for r in data] == pytest.approx(rows["cost_high"].to_list())


def test_only_forecasts_of_the_same_cash_stand_beside_ours(analysis: Analysis) -> None:
    rows = analysis.tables["headlines"]
    same = rows.filter(pl.col("line") != "")
    data = data_of(spec_of(analysis, "headlines"))
    assert len(data) == len(same) == 4
    assert sum(r["ours"] for r in data) == 1
    assert [r["high"] / data[1]["high"] for r in data] == pytest.approx(
        [high / same["high"][1] for high in same["high"]]
    )


def test_without_an_expected_cost_there_is_nothing_to_set_beside_the_headlines(analysis: Analysis) -> None:
    rows = analysis.tables["headlines"].with_columns(expected=pl.lit(None, pl.Float64))
    assert draw("headlines", rows, frame(analysis)) is None


def test_the_heatmap_holds_the_share_of_each_services_claims(analysis: Analysis) -> None:
    rows = analysis.tables["claims_bands"]
    data = data_of(spec_of(analysis, "bands_by_service"))
    assert [r["percent"] for r in data] == pytest.approx((rows["share"] * 100).to_list())
    by_service: dict[str, float] = {}
    for r in data:
        by_service[r["service"]] = by_service.get(r["service"], 0) + r["percent"]
    assert list(by_service.values()) == pytest.approx([100] * 15)


def test_the_intake_ends_at_the_number_of_claims(analysis: Analysis) -> None:
    assert data_of(spec_of(analysis, "intake"))[-1]["cumulative"] == 105_116


def test_one_day_of_intake_is_no_line(analysis: Analysis) -> None:
    assert draw("intake", analysis.tables["claims_intake"].head(1), frame(analysis)) is None


def test_drawing_twice_gives_the_same_chart(analysis: Analysis) -> None:
    for name in CHARTS:
        assert spec_of(analysis, name) == spec_of(analysis, name)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("카카오톡 채널 캐시", ["카카오톡", "채널", "캐시"]),  # a Hangul letter takes two columns
        ("unbreakable", ["unbreakable"]),
        ("", [""]),
    ],
)
def test_long_titles_wrap_at_words(text: str, lines: list[str]) -> None:
    assert wrapped(text, 8) == lines
