"""Every chart draws, says what it shows, and shows the figures of its table."""

from __future__ import annotations

import itertools
import json
import math
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl
import pytest
import vl_convert

from outage_analysis.analysis.service_bands import service_band_table
from outage_analysis.charts import (
    ACCENT,
    CHARTS,
    DARK,
    GREY,
    INK,
    ChartContext,
    chart_context,
    draw,
    vega_bundle,
    wrap_columns,
)
from outage_analysis.charts.claims_data import MAX_DATA_BYTES
from outage_analysis.charts.linked_charts import MAX_COMBINATIONS
from outage_analysis.charts.loss_charts import readable_on
from outage_analysis.charts.theme import BLACK, LOSS_COLOURS, MUTED, WHITE
from outage_analysis.losses import curve_table, fit_all, with_shares
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES, Locale, schema_of
from tests.charts.cost_tables import FRONTIER, POLICIES, TRIED, rows_with, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from outage_analysis.analysis import Analysis

    Drawing = Callable[..., dict[str, Any]]
Samples = dict[str, pl.DataFrame]

DENTAL = ([0, 25, 50, 100, 150, 250, 500, 1000, 1500, 2500], [30, 31, 57, 42, 65, 84, 45, 10, 11, 3])
"""Real losses in bands: the reference case of dental claims, without the top that it states."""
SEVERAL_VIEWS = {"linked"}
"""Views that repeat have a width of their own."""
NOT_ON_THE_PAGE = {*SEVERAL_VIEWS, "intake_days", "frontier"}
"""A forecast is none of a report's tables."""


def forecast_table(days: int = 5) -> pl.DataFrame:
    """Forecasts by hand: none on the first day, then ranges around 320; 300 were filed by the deadline."""
    last = date(2022, 10, 19) + timedelta(days - 1)
    rows = [
        {"day": last - timedelta(days - 1 - n), "filed": 300 * (n + 1) // days, "closes": last, "level": 0.8}
        | ({"median": 320, "low": 290, "high": 365} if n else {"refused": "too few"})
        | {"final": 300}
        for n in range(days)
    ]
    return schema_of("intake.days").frame(rows)


@pytest.fixture(scope="module")
def samples(analysis: Analysis) -> Samples:
    """A table for every chart: those of the bundled run, and where it has none, made of real bands."""
    edges, counts = DENTAL
    return {
        "hindsight_backtest": TRIED,
        "comparison": POLICIES,
        **analysis.tables,
        "claims_service_bands": service_band_table(
            analysis.cubes["cost"], analysis.policy, analysis.ledger, analysis.as_of
        ),
        "claims_curves": curve_table(fit_all([*edges, math.inf], counts, top="open")),
        "intake_days": forecast_table(),
        "claims_intake_hours": hourly(48),
        "frontier_points": FRONTIER,
    }


def hourly(hours: int) -> pl.DataFrame:
    """An intake by hour; the bundled claims state only days."""
    start = datetime(2022, 10, 15, 15)  # noqa: DTZ001 - local time
    rows = [(start + timedelta(hours=n), n % 7 * 1_000) for n in range(hours)]
    table = pl.DataFrame(rows, schema={"filed_hour": pl.Datetime("us"), "claims": pl.Int64}, orient="row")
    return table.with_columns(cumulative=pl.col("claims").cum_sum())


def frame(analysis: Analysis, lang: str = "en", *, synthetic: bool = False) -> ChartContext:
    names = analysis.names(lang)
    return chart_context(analysis.incident, Locale(lang), names, analysis.as_of, synthetic=synthetic)


@pytest.fixture
def draw_spec(analysis: Analysis, samples: Samples) -> Drawing:
    """A chart as JSON: `draw_spec("funnel")`, `draw_spec("tail", lang="ko")`, `draw_spec("ogive", table)`."""

    def spec(
        name: str, table: pl.DataFrame | None = None, *, lang: str = "en", synthetic: bool = False
    ) -> dict[str, Any]:
        rows = samples[CHARTS[name].table] if table is None else table
        chart = draw(name, rows, frame(analysis, lang, synthetic=synthetic))
        assert chart is not None
        found: dict[str, Any] = chart.to_dict()
        return found

    return spec


def data_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a chart that has one data set."""
    (rows,) = spec["datasets"].values()
    assert isinstance(rows, list)
    return rows


def subtitle_of(spec: dict[str, Any]) -> str:
    return " ".join(spec["title"]["subtitle"])


def scales_of_times(part: object) -> Iterator[object]:
    """The scale types of all encodings of a time."""
    if isinstance(part, dict):
        if part.get("type") == "temporal":
            yield part["scale"]["type"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from scales_of_times(inner)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_says_what_it_shows_and_fits_its_place(
    draw_spec: Drawing, analysis: Analysis, name: str, lang: str
) -> None:
    spec = draw_spec(name, lang=lang)
    assert draw_spec(name, lang=lang) == spec
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    title = spec["title"]
    assert "".join(title["text"]).strip()
    assert all(part.strip() for part in title["subtitle"])
    assert len(title["subtitle"]) >= 2  # the measure, and the sources with their day
    assert spec["description"].strip()
    assert Locale(lang).day(analysis.as_of) in title["subtitle"][-1]
    assert data_size(spec) <= MAX_DATA_BYTES + (6 * MAX_COMBINATIONS if name == "linked" else 0)
    assert (spec.get("width") == "container") == (name not in SEVERAL_VIEWS)
    assert "http" not in json.dumps({k: v for k, v in spec.items() if k != "$schema"})
    assert set(scales_of_times(spec)) <= {"utc"}  # no chart depends on the time zone of its reader


def data_size(spec: dict[str, Any]) -> int:
    """The bytes of the data of a chart, which are not empty."""
    assert spec["datasets"]
    return len(json.dumps([spec["datasets"], spec.get("params", [])], ensure_ascii=False).encode())


def test_only_charts_that_follow_the_width_of_their_place_are_on_the_page() -> None:
    assert {name for name, entry in CHARTS.items() if not entry.page} == NOT_ON_THE_PAGE


@pytest.mark.parametrize("name", CHARTS)
def test_an_empty_table_draws_nothing(analysis: Analysis, samples: Samples, name: str) -> None:
    assert draw(name, samples[CHARTS[name].table].clear(), frame(analysis)) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_of_synthetic_rows_says_so_in_its_title_and_its_footer(draw_spec: Drawing, name: str) -> None:
    made_up, plain = draw_spec(name, synthetic=True), draw_spec(name)
    assert title_of(made_up) == f"Synthetic rows: {title_of(plain)}"
    assert "Synthetic rows, not a finding" in made_up["title"]["subtitle"][-1]
    assert "ynthetic" not in json.dumps([plain["title"]["text"], plain["title"]["subtitle"]])


def test_cash_and_face_value_never_share_a_chart(analysis: Analysis) -> None:
    cash = analysis.tables["cost_ranges"].filter(valuation="cash")
    assert draw("free_goods", cash, frame(analysis)) is None


def test_without_an_expected_cost_there_is_nothing_to_set_beside_the_headlines(analysis: Analysis) -> None:
    rows = analysis.tables["headlines"].with_columns(expected=pl.lit(None, pl.Float64))
    assert draw("headlines", rows, frame(analysis)) is None


def test_the_intake_ends_at_the_number_of_claims(draw_spec: Drawing) -> None:
    assert data_of(draw_spec("intake"))[-1]["cumulative"] == 105_116


def test_one_day_of_intake_is_no_line(analysis: Analysis) -> None:
    assert draw("intake", analysis.tables["claims_intake"].head(1), frame(analysis)) is None


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
    assert wrap_columns(text, 8) == lines


# --- the charts of losses ---------------------------------------------------------------------------------

BANDS = pl.DataFrame(
    [
        ("talk", -1, 0, 10),
        ("talk", 0, 300_000, 50),
        ("talk", 300_000, 500_000, 20),
        ("talk", None, None, 20),
        ("bank", 0, 300_000, 1),
        ("bank", 500_000, None, 3),
    ],
    schema=["service", "over", "up_to", "claims"],
    orient="row",
)


def test_the_stacked_bars_run_from_0_to_100_with_the_count_at_their_end(draw_spec: Drawing) -> None:
    spec = draw_spec("band_distribution", with_shares(BANDS, ["service"]))
    rows = [r for r in data_of(spec) if r["name"] == "talk"]
    assert [(r["band"], r["start"], r["end"], r["label"]) for r in rows] == [
        ("no loss (0)", 0, 10, "10"),
        ("up to 300k", 10, 60, "50"),
        ("300–500k", 60, 80, "20"),
        ("not stated", 80, 100, "20"),
    ]
    assert [r["of"] for r in rows] == [100, None, None, None]


def test_the_title_of_the_stacked_bars_is_a_share_of_the_claims_that_they_show(draw_spec: Drawing) -> None:
    title = title_of(draw_spec("band_distribution", BANDS))  # 51 of 104
    assert title == "49% of all claims are in one band: up to 300k"
    silent = BANDS.filter(pl.col("up_to").is_null() & pl.col("over").is_null())
    assert title_of(draw_spec("band_distribution", silent)) == "Claims by service and loss band"


def in_dark_palette(spec: Any) -> Any:  # noqa: ANN401 - JSON
    """A chart as the script of the page draws it on a dark page: it keeps the colours in data."""
    if isinstance(spec, dict):
        data = ("datasets", "values", "data")
        return {key: value if key in data else in_dark_palette(value) for key, value in spec.items()}
    if isinstance(spec, list):
        return [in_dark_palette(value) for value in spec]
    return DARK.get(spec, spec) if isinstance(spec, str) else spec


@pytest.mark.parametrize("name", ["total_distribution", "tornado", "free_goods", "services_by_band"])
def test_a_dark_page_has_no_colour_of_the_light_palette(draw_spec: Drawing, name: str) -> None:
    light = draw_spec(name)
    dark = in_dark_palette(light)
    assert {c for c in DARK if json.dumps(dark | {"datasets": {}}).count(f'"{c}"')} == set()
    assert dark["config"]["background"] == DARK["white"]
    assert dark["datasets"] == light["datasets"]  # cells keep their colours and the texts on them


def test_charts_are_joined_as_in_altair_and_keep_their_style(analysis: Analysis, tmp_path: Path) -> None:
    left, right = (analysis.chart(name, width=300) for name in ("funnel", "tornado"))
    style = left.to_dict()["config"]
    beside, below = (left | right).to_dict(), (left & right & left).to_dict()
    assert [view["title"]["text"] for view in beside["hconcat"]] == [left.title.text, right.title.text]
    line = alt.Chart(pl.DataFrame({"at": [1_000]})).mark_rule().encode(alt.X("at:Q"))
    layered = (left + line).to_dict()
    assert (layered["width"], layered["layer"][-1]["mark"]["type"]) == (300, "rule")
    assert beside["config"] == below["config"] == layered["config"] == style
    (left | right).save(tmp_path / "both.svg")
    drawing = (tmp_path / "both.svg").read_text("utf-8")
    assert all(" ".join(chart.title.text) in drawing for chart in (left, right))
    assert "Outage Sans" in drawing


def test_a_setting_of_the_user_changes_the_style_and_a_theme_replaces_it(
    analysis: Analysis, tmp_path: Path
) -> None:
    chart = analysis.chart("funnel")
    plain = chart.to_dict()["config"]
    own = chart.configure_axis(labelFontSize=20).to_dict()["config"]
    assert own == plain | {"axis": plain["axis"] | {"labelFontSize": 20}}
    with alt.theme.enable("dark"):
        assert "font" not in chart.to_dict()["config"]
        chart.save(tmp_path / "dark.svg")
    assert 'fill="#333"' in (tmp_path / "dark.svg").read_text("utf-8")
    assert chart.to_dict()["config"] == plain


def test_a_theme_of_the_user_changes_no_report(analysis: Analysis) -> None:
    plain = Report(analysis).charts
    with alt.theme.enable("dark"):
        assert Report(analysis).charts == plain


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as defined by WCAG 2."""
    light, dark = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def relative_luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_dark_palette_can_be_read() -> None:
    ground = DARK["white"]
    for text in (INK, MUTED, ACCENT):
        assert contrast(DARK[text], ground) >= 4.5
    assert contrast(DARK[GREY], ground) >= 3  # bars and dots


def test_text_on_a_colour_can_be_read() -> None:
    assert [readable_on(c) for c in ("#ffffff", "#000000", LOSS_COLOURS[0], LOSS_COLOURS[-1])] == [
        BLACK, WHITE, BLACK, WHITE
    ]  # fmt: skip


# --- the charts of laws -----------------------------------------------------------------------------------


def test_the_ogive_draws_the_shares_that_were_counted_and_every_distribution(
    draw_spec: Drawing, samples: Samples
) -> None:
    table = samples["claims_curves"]
    spec = draw_spec("ogive")
    edges, counts = DENTAL
    of_points = next(r for r in spec["datasets"].values() if len(r) == len(edges) - 1)
    assert [r["loss"] for r in of_points] == edges[1:]
    assert of_points[0]["share"] == pytest.approx(100 * counts[0] / sum(counts))
    names = [r["name"] for r in rows_with(spec, "name", "y", "best")]
    assert len(names) == table.filter(pl.col("family") != "counted")["family"].n_unique()


def test_the_ogive_says_where_half_of_the_losses_are(draw_spec: Drawing) -> None:
    assert (
        title_of(draw_spec("ogive")) == "Half of the losses above 0 are up to about 190; "
        "several distributions fit, the Burr XII slightly best"
    )


def test_the_tail_ends_where_the_counts_do(draw_spec: Drawing) -> None:
    spec = draw_spec("tail")
    (end,) = rows_with(spec, "loss")
    assert end == {"loss": 2500}
    assert title_of(spec) == "0.79% of the losses above 0 are above 2,500"
    assert "The counts end at 2,500; above it, only the distributions give a value" in subtitle_of(spec)


def test_an_edge_above_which_nothing_was_counted_ends_the_counts_and_is_no_point(draw_spec: Drawing) -> None:
    edges, counts = DENTAL
    spec = draw_spec("tail", curve_table(fit_all([*edges, 4000], counts, top="closed")))
    assert rows_with(spec, "loss") == [{"loss": 4000}]
    assert edges[1:] in [[r.get("loss") for r in rows] for rows in spec["datasets"].values()]
    assert title_of(spec) == "0.79% of the losses above 0 are above 2,500"


def test_names_of_distributions_are_not_on_top_of_each_other(draw_spec: Drawing) -> None:
    for name in ("ogive", "tail"):
        places = sorted(r["y"] for r in rows_with(draw_spec(name), "name", "y", "best"))
        assert all(b - a > 14.9 for a, b in itertools.pairwise(places))
        assert places[-1] <= 320


# --- the forecast day by day ------------------------------------------------------------------------------


def test_the_days_show_what_was_forecast_when_and_what_came(draw_spec: Drawing, samples: Samples) -> None:
    table = samples["intake_days"]
    drawn = data_of(draw_spec("intake_days"))
    assert [
        (row["filed"], row["low"], row["median"], row["high"], row["final"]) for row in drawn
    ] == table.select("filed", "low", "median", "high", "final").rows()
    still_open = table.with_columns(final=pl.lit(None, pl.Int64))
    title = "As of 23 October 2022, 290 to 365 claims are expected by 23 October 2022"
    for shown, ends in ((table, "at the deadline"), (still_open, "80% range")):
        spec = draw_spec("intake_days", shown)
        assert title_of(spec) == title
        assert " ".join(spec["title"]["subtitle"][:-1]).endswith(ends)


def test_without_a_forecast_or_after_the_deadline_the_title_says_so(
    draw_spec: Drawing, samples: Samples
) -> None:
    none = samples["intake_days"].head(1)
    assert title_of(draw_spec("intake_days", none)).endswith("day by day: none as of 19 October 2022")
    closed = samples["intake_days"].with_columns(median=300, low=300, high=300)
    assert title_of(draw_spec("intake_days", closed)) == "300 claims were filed by 23 October 2022."


# --- whatever the claims ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_bundle_of_vega_is_that_of_the_converter_and_has_its_licences() -> None:
    joined = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    assert vega_bundle() == joined, "run `make vega`"
    licences = (files("outage_analysis") / "charts" / "vega" / "LICENSES.txt").read_text("utf-8")
    parts = {"vega": vl_convert.get_vega_version(), "vega-embed": vl_convert.get_vega_embed_version()}
    for name, version in parts.items():
        assert f"\n{name} {version} (BSD-3-Clause)\n" in licences
