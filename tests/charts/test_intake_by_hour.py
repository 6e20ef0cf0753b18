"""The chart of an intake by hour."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from outage_analysis.charts import ChartContext, draw
from outage_analysis.charts.axes import milliseconds
from outage_analysis.charts.intake_charts import MAX_BARS
from outage_analysis.text import Locale

START = datetime(2022, 10, 15, 15)  # noqa: DTZ001 - local time
OUTAGE = (datetime(2022, 10, 15, 15, 30), datetime(2022, 10, 16, 1, 30))  # noqa: DTZ001
HOUR = 3_600_000


def table(counts: list[int], untimed: int = 0) -> pl.DataFrame:
    rows = [(START + timedelta(hours=n), count) for n, count in enumerate(counts)]
    frame = pl.DataFrame(rows, schema={"filed_hour": pl.Datetime("us"), "claims": pl.Int64}, orient="row")
    frame = frame.with_columns(cumulative=pl.col("claims").cum_sum())
    return (
        pl.concat([frame, frame.clear(1).with_columns(claims=pl.lit(untimed, pl.Int64))])
        if untimed
        else frame
    )


def spec(counts: list[int], untimed: int = 0, lang: str = "en", **context: object) -> dict:  # type: ignore[type-arg]
    values = {"outage": OUTAGE, **context}
    frame = ChartContext(Locale(lang), {}, date(2022, 11, 7), **values)  # type: ignore[arg-type]
    chart = draw("intake_hours", table(counts, untimed), frame)
    assert chart is not None
    return chart.to_dict()


def layer(chart: dict, mark: str, field: str) -> dict:  # type: ignore[type-arg]
    return next(
        part for part in chart["layer"]
        if part["mark"]["type"] == mark and part["encoding"]["x"]["field"] == field
    )  # fmt: skip


def bars(chart: dict) -> list[tuple[int, int, int]]:  # type: ignore[type-arg]
    name = layer(chart, "rect", "hour")["data"]["name"]
    return [(row["hour"], row["end"], row["claims"]) for row in chart["datasets"][name]]


def test_each_hour_is_a_bar_on_a_time_axis_in_utc() -> None:
    chart = spec([5, 0, 7])
    at = milliseconds(START)
    assert bars(chart) == [(at + n * HOUR, at + (n + 1) * HOUR, count) for n, count in enumerate([5, 0, 7])]
    x = layer(chart, "rect", "hour")["encoding"]["x"]
    assert (x["type"], x["scale"]["type"]) == ("temporal", "utc")
    assert layer(chart, "rect", "hour")["encoding"]["y2"] == {"datum": 0}


def test_the_outage_is_shaded_to_the_minute_under_the_bars() -> None:
    chart = spec([5, 0, 7])
    marks = [part["encoding"]["x"]["field"] for part in chart["layer"] if part["mark"]["type"] == "rect"]
    assert marks == ["from", "hour"]
    (shade,) = layer(chart, "rect", "from")["data"]["values"]
    assert shade == {"from": milliseconds(OUTAGE[0]), "to": milliseconds(OUTAGE[1])}
    alone = spec([5, 0, 7], outage=None)
    assert [part["mark"]["type"] for part in alone["layer"]] == ["rect"]


@pytest.mark.parametrize(
    ("lang", "title", "subtitle"),
    [
        ("en", "Peak of 7 claims: 15 October 2022, 17:00 to 18:00",
         "Claims per 1 hour, local time; 12 more without a time of day are not shown"),
        ("ko", "접수 최다: 2022. 10. 15. 17:00~18:00, 7건",
         "1시간당 접수 건수(현지 시각), 시각을 알 수 없는 12건 제외"),
    ],
)  # fmt: skip
def test_the_title_names_the_busiest_hour_and_the_subtitle_what_is_left_out(
    lang: str, title: str, subtitle: str
) -> None:
    shown = spec([5, 0, 7, 7], 12, lang)["title"]
    assert (shown["text"], shown["subtitle"][0]) == ([title], subtitle)
    assert "12" not in spec([5, 0, 7], 0, lang)["title"]["subtitle"][0]
    last_hour = ["Peak of 9 claims: 15 October 2022, 23:00 to 24:00"]
    assert lang == "ko" or spec([0] * 8 + [9])["title"]["text"] == last_hour


def test_a_single_hour_or_no_hour_is_not_drawn() -> None:
    context = ChartContext(Locale("en"), {}, date(2022, 11, 7))
    assert draw("intake_hours", table([5]), context) is None
    assert draw("intake_hours", table([], 5), context) is None


@pytest.mark.parametrize(("hours", "width"), [(216, 1), (240, 2), (24 * 39, 4), (24 * 400, 48)])
def test_a_long_intake_has_wider_bars_and_loses_no_claim(hours: int, width: int) -> None:
    counts = [n % 5 for n in range(hours)]
    chart = spec(counts)
    drawn = bars(chart)
    assert len(drawn) <= MAX_BARS
    assert {end - start for start, end, _ in drawn} == {width * HOUR}
    assert sum(count for *_, count in drawn) == sum(counts)
    midnight = milliseconds(START.date())
    expected: dict[int, int] = {}
    for n, count in enumerate(counts):
        start = midnight + (15 + n) // width * width * HOUR
        expected[start] = expected.get(start, 0) + count
    assert {start: count for start, _, count in drawn} == expected
