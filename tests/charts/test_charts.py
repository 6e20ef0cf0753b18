"""Every chart draws, says what it shows, and shows the figures of its table."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import altair as alt
import polars as pl
import pytest
import vl_convert
from PIL import Image

from outage_analysis import Analysis, Incident
from outage_analysis.charts import (
    ACCENT,
    CHARTS,
    DARK,
    GREY,
    INK,
    ChartContext,
    add_captions,
    chart_context,
    draw,
    png,
    svg,
    vega_bundle,
)
from outage_analysis.charts.chart_output import WIDTH
from outage_analysis.charts.intake_charts import MAX_COMBINATIONS, shown_days
from outage_analysis.charts.theme import CELL_COLOURS, MUTED
from outage_analysis.losses import curve_table, fit_all
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES, Locale, schema_of
from tests.charts.cost_tables import FRONTIER, POLICIES, TRIED, rows_with, title_of
from tests.untranslated_text import untranslated

Drawing = Callable[..., dict[str, Any]]


Samples = dict[str, pl.DataFrame]

DENTAL = ([0, 25, 50, 100, 150, 250, 500, 1000, 1500, 2500], [30, 31, 57, 42, 65, 84, 45, 10, 11, 3])
"""Real losses in bands: the reference case of dental claims, without the top that it states."""
SEVERAL_VIEWS = {"linked"}
"""Views that repeat have a width of their own."""
MAX_DATA_BYTES = 20_000
"""Largest number of bytes of JSON data in one chart."""
NOT_ON_THE_PAGE = {*SEVERAL_VIEWS, "intake_days", "frontier"}
"""A forecast is none of a report's tables."""


@pytest.fixture(scope="module")
def samples(analysis: Analysis) -> Samples:
    """A table for every chart: those of the bundled run, and where it has none, made of real bands."""
    edges, counts = DENTAL
    known = {"median": 320, "low": 290, "high": 365}
    days = [
        {"day": date(2022, 10, 19 + n), "filed": 60 * (n + 1), "closes": date(2022, 10, 23), "level": 0.8}
        | (known if n else {"refused": "too few"})
        | {"final": 300}
        for n in range(5)
    ]
    return {
        "hindsight_backtest": TRIED,
        "comparison": POLICIES,
        **analysis.tables,
        "claims_curves": curve_table(fit_all([*edges, math.inf], counts, top="open")),
        "intake_days": schema_of("intake.days").frame(days),
        "frontier_points": FRONTIER,
    }


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


def test_the_days_show_what_was_forecast_when_and_what_came(draw_spec: Drawing, samples: Samples) -> None:
    table, columns = samples["intake_days"], ("filed", "low", "median", "high", "final")
    drawn = data_of(draw_spec("intake_days"))
    assert [tuple(row[x] for x in columns) for row in drawn] == table.select(columns).rows()
    expected = "As of 23 October 2022, 290 to 365 claims are expected by 23 October 2022"
    for shown, title, ends in (
        (table, expected, "at the deadline"),
        (table.with_columns(final=pl.lit(None, pl.Int64)), expected, "80% range"),
        (table.head(1), "The forecast of the final count, day by day: none as of 19 October 2022", ""),
        (
            table.with_columns(median=300, low=300, high=300),
            "300 claims were filed by 23 October 2022.",
            "deadline",
        ),
    ):
        spec = draw_spec("intake_days", shown)
        assert title_of(spec) == title
        assert " ".join(spec["title"]["subtitle"][:-1]).endswith(ends)


def scales_of_times(part: object) -> Iterator[object]:
    """The scale types of all encodings of a time."""
    if isinstance(part, dict) and part.get("type") == "temporal":
        yield part["scale"]["type"]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for value in inner:
        yield from scales_of_times(value)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_says_what_it_shows_and_fits_its_place(
    draw_spec: Drawing, analysis: Analysis, name: str, lang: str
) -> None:
    spec, made_up = draw_spec(name, lang=lang), draw_spec(name, lang=lang, synthetic=True)
    assert draw_spec(name, lang=lang) == json.loads(json.dumps(spec, allow_nan=False)) == spec
    title, subtitle = title_of(spec), list(spec["title"]["subtitle"])
    assert all(part.strip() for part in (title, spec["description"], *subtitle))
    assert len(subtitle) >= 2  # the measure, and the sources with their day
    assert Locale(lang).day(analysis.as_of) in subtitle[-1]
    assert not re.search("ynthetic|합성", " ".join([title, *subtitle]))
    assert {"en": f"Synthetic rows: {title}", "ko": f"합성 자료: {title}"}[lang] == title_of(made_up)
    said = {"en": "Synthetic rows, not a finding", "ko": "합성"}[lang]
    assert said in made_up["title"]["subtitle"][-1]
    size = len(json.dumps([spec["datasets"], spec.get("params", [])], ensure_ascii=False).encode())
    assert 20 < size <= MAX_DATA_BYTES + (6 * MAX_COMBINATIONS if name == "linked" else 0)
    assert (spec.get("width") == "container") == (name not in SEVERAL_VIEWS)
    assert "http" not in json.dumps({k: v for k, v in spec.items() if k != "$schema"})
    assert set(scales_of_times(spec)) <= {"utc"}  # no chart depends on the time zone of its reader


def test_charts_on_the_page_follow_its_width_and_draw_nothing_of_nothing(
    analysis: Analysis, samples: Samples, draw_spec: Drawing
) -> None:
    assert {name for name, entry in CHARTS.items() if not entry.page} == NOT_ON_THE_PAGE
    nothing = {name: samples[entry.table].clear() for name, entry in CHARTS.items()}
    nothing |= {
        "headlines": samples["headlines"].with_columns(expected=pl.lit(None, pl.Float64)),
        "intake": samples["claims_intake"].head(1),  # one day is no line
    }
    for name, table in nothing.items():
        assert draw(name, table, frame(analysis)) is None, name
    assert data_of(draw_spec("intake"))[-1]["cumulative"] == 105_116


# --- the charts of losses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["total_distribution", "tornado", "services_by_band"])
def test_every_colour_of_the_palette_is_a_value_that_a_dark_page_replaces(
    draw_spec: Drawing, name: str
) -> None:
    spec = draw_spec(name)
    text = json.dumps(spec | {"datasets": {}})  # cells keep their colours and the texts on them
    assert {colour for colour in DARK if text.count(colour) != text.count(f'"{colour}"')} == set()
    assert spec["config"]["background"] == "white"


def test_charts_are_joined_as_in_altair_and_keep_their_style(analysis: Analysis) -> None:
    left, right = (analysis.chart(name, width=300) for name in ("funnel", "tornado"))
    style = left.to_dict()["config"]
    beside, below = (left | right).to_dict(), (left & right & left).to_dict()
    assert [view["title"]["text"] for view in beside["hconcat"]] == [left.title.text, right.title.text]
    line = alt.Chart(pl.DataFrame({"at": [1_000]})).mark_rule().encode(alt.X("at:Q"))
    layered = (left + line).to_dict()
    assert (layered["width"], layered["layer"][-1]["mark"]["type"]) == (300, "rule")
    assert beside["config"] == below["config"] == layered["config"] == style


def test_a_setting_of_the_user_changes_the_style_and_a_theme_replaces_it_but_in_a_report(
    analysis: Analysis, tmp_path: Path
) -> None:
    chart, of_report = analysis.chart("funnel"), Report(analysis).charts
    plain = chart.to_dict()["config"]
    own = chart.configure_axis(labelFontSize=20).to_dict()["config"]
    assert own == plain | {"axis": plain["axis"] | {"labelFontSize": 20}}
    with alt.theme.enable("dark"):
        assert "font" not in chart.to_dict()["config"]
        chart.save(tmp_path / "dark.svg")
        assert Report(analysis).charts == of_report
    assert 'fill="#333"' in (tmp_path / "dark.svg").read_text("utf-8")
    assert chart.to_dict()["config"] == plain


def luminance(colour: str) -> float:
    """The relative luminance of a colour as defined by WCAG 2, and 0.05."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.05 + sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_colours_can_be_read_on_dark_pages_and_texts_on_colours() -> None:
    ground = luminance(DARK["white"])  # letters need 4.5, bars and dots 3
    for colour, least in {INK: 4.5, MUTED: 4.5, ACCENT: 4.5, GREY: 3}.items():
        assert luminance(DARK[colour]) / ground >= least
    shades = [luminance(fill) for fill, _ in CELL_COLOURS]
    assert shades == sorted(shades, reverse=True)  # darker cells have more claims
    for pair in CELL_COLOURS:
        low, high = sorted(map(luminance, pair))
        assert high / low >= 4.5


# --- the charts of laws -----------------------------------------------------------------------------------


def test_the_ogive_draws_what_was_counted_and_every_distribution_and_says_where_half_is(
    draw_spec: Drawing, samples: Samples
) -> None:
    spec, (edges, counts) = draw_spec("ogive"), DENTAL
    points = next(r for r in spec["datasets"].values() if len(r) == len(edges) - 1)
    assert [r["loss"] for r in points] == edges[1:]
    assert points[0]["share"] == pytest.approx(100 * counts[0] / sum(counts))
    names = rows_with(spec, "name", "y", "best")
    families = samples["claims_curves"].filter(pl.col("family") != "counted")["family"]
    assert len(names) == families.n_unique()
    assert (
        title_of(spec) == "Half of the losses above 0 are up to about 190; "
        "several distributions fit, the Burr XII slightly best"
    )
    for name in ("ogive", "tail"):  # the names are not on top of each other
        places = sorted(r["y"] for r in rows_with(draw_spec(name), "name", "y", "best"))
        assert all(b - a > 14.9 for a, b in itertools.pairwise(places))
        assert places[-1] <= 320


def test_the_tail_ends_where_the_counts_do(draw_spec: Drawing) -> None:
    edges, counts = DENTAL
    empty_band = curve_table(fit_all([*edges, 4000], counts, top="closed"))
    for spec, end in ((draw_spec("tail"), 2500), (draw_spec("tail", empty_band), 4000)):
        assert rows_with(spec, "loss") == [{"loss": end}]
        assert title_of(spec) == "0.79% of the losses above 0 are above 2,500"
        assert edges[1:] in [[r.get("loss") for r in rows] for rows in spec["datasets"].values()]
    subtitle = " ".join(draw_spec("tail")["title"]["subtitle"])
    assert "The counts end at 2,500; above it, only the distributions give a value" in subtitle


# --- whatever the claims ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_bundle_of_vega_is_that_of_the_converter_and_has_its_licences() -> None:
    joined = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    assert vega_bundle() == joined, "run `make vega`"
    licences = (files("outage_analysis") / "charts" / "vega" / "LICENSES.txt").read_text("utf-8")
    parts = {"vega": vl_convert.get_vega_version(), "vega-embed": vl_convert.get_vega_embed_version()}
    for name, version in parts.items():
        assert f"\n{name} {version} (BSD-3-Clause)\n" in licences


LAST = date(2022, 11, 6)


def context(incident: Incident, as_of: date = LAST, lang: str = "en") -> ChartContext:
    return chart_context(incident, Locale(lang), incident.display_names(lang), as_of, synthetic=False)


def test_the_axis_has_the_outage_in_local_time_and_the_deadlines_that_were_announced(
    incident: Incident,
) -> None:
    shown = context(incident)
    assert shown.outage == (datetime(2022, 10, 15, 15, 30), datetime(2022, 10, 20, 23))  # noqa: DTZ001
    known = {
        day: [label for _, label in context(incident, date(2022, 10, day)).deadlines] for day in (30, 31)
    }
    assert known == {30: [], 31: ["first deadline, 1 Nov", "last day to claim, 6 Nov"]}
    plain = incident.model_copy(update={"deadlines": ()})  # then the window of claims ends at it
    assert [day for day, _ in context(plain, plain.claims_from).deadlines] == [LAST]
    far = date(2023, 6, 1)
    assert shown_days(date(2022, 10, 19), LAST, shown) == (date(2022, 10, 15), LAST)
    assert shown_days(far, far, shown) == (far, far)


def test_a_chart_without_our_style_has_its_texts_in_the_picture() -> None:
    rows = alt.Chart(pl.DataFrame({"x": [1]})).mark_text(size=40).properties(width=200, height=60)
    rows.autosize = "none"  # the size of the picture does not depend on the text
    one, other = (png(svg(rows.encode(text=alt.value(word)).to_dict())) for word in ("paid", "비용"))
    blank = png(svg(rows.encode(text=alt.value(" ")).to_dict()))
    assert len({one, other, blank}) == 3


SVG = "{http://www.w3.org/2000/svg}"
DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" width="760" height="100"><rect id="drawn"/></svg>'
HOSTILE = "</title><script>alert(1)</script>"


def pictures(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / "charts").glob(f"*.{suffix}"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_drawing_has_a_title_a_description_its_language_and_no_script(
    bundles: dict[str, Path], lang: str
) -> None:
    paths = pictures(bundles[lang], "svg")
    assert len(paths) > 8
    for path in paths:
        tree = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own file
        assert all((tree.findtext(f"{SVG}{tag}") or "").strip() for tag in ("title", "desc")), path.name
        assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {
            *("svg", "title", "desc", "rect", "text", "g", "path", "line", "defs", "clipPath"),
            *("linearGradient", "stop", "tspan"),
        }
        faces = {text.get("font-family", "") for text in tree.iter(f"{SVG}text")}
        assert all(face.startswith("Outage Sans") for face in faces), path.name
        if lang == "ko":
            texts = [e.text or "" for tag in ("title", "desc", "text") for e in tree.iter(f"{SVG}{tag}")]
            assert [run for text in texts for run in untranslated(text)] == [], path.name


def test_titles_are_text_alone_and_long_ones_push_the_drawing_down() -> None:
    tree = ET.fromstring(add_captions(DRAWN, HOSTILE, HOSTILE, HOSTILE, HOSTILE))  # noqa: S314 - our own text
    assert not list(tree.iter(f"{SVG}script"))
    assert [e.text for e in tree.iter(f"{SVG}title")] == [HOSTILE]
    assert [e.get("id") for e in tree.iter() if e.get("id")] == ["drawn"]
    short, long = (ET.fromstring(add_captions(DRAWN, x, "", "", "")) for x in ("cost", "cost " * 60))  # noqa: S314
    assert float(long.get("height", "0")) > float(short.get("height", "0")) + 50
    assert len(list(long.iter(f"{SVG}text"))) > 3


def test_a_picture_has_two_dots_a_pixel_and_is_not_blank(bundles: dict[str, Path]) -> None:
    drawn, dotted = (pictures(bundles["en"], suffix) for suffix in ("svg", "png"))
    assert [p.stem for p in drawn] == [p.stem for p in dotted]
    for path in dotted:
        with Image.open(path) as picture:
            assert picture.width == 2 * WIDTH
            assert len(picture.convert("L").getcolors() or []) > 20, path.name  # letters have soft edges
