"""Claims keep the time of day at which they were filed, in one column or joined from several."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from outage_analysis.claims import Claims, read_claims
from outage_analysis.claims.cell_values import EXACT_COPY, REPEATED_ID, SAME_DAY
from outage_analysis.incidents import Incident, Layout
from outage_analysis.text import day_sql, has_time, moment_sql

SEOUL, BERLIN = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin")
KST = timezone(timedelta(hours=9))
HEADER = "claim_id,service,claimant_type,filed_on,loss\n"


def outage(zone: str = "Asia/Seoul", **values: object) -> Incident:
    document = {
        "id": "trams", "name": {"en": "Trams"}, "currency": "EUR", "minor_units": 2, "time_zone": zone,
        "outage": {"start": datetime(2022, 10, 15, 15, 30, tzinfo=KST)},
        "claims_from": date(2022, 1, 1), "claims_to": date(2022, 12, 31),
        "loss": {"name": {"en": "Loss"}, "unit": "EUR"},
        "service": ({"id": "app", "name": {"en": "App"}}, {"id": "web", "name": {"en": "Web"}}),
        "claimant_type": ({"id": "user", "name": {"en": "User"}},),
    }  # fmt: skip
    return Incident.model_validate(document | values)


def read(folder: Path, texts: list[str], incident: Incident | None = None, name: str = "a.csv") -> Claims:
    """Read one claim per text of a filing day."""
    rows = "".join(f'{name[0]}{n},App,User,"{text}",5\n' for n, text in enumerate(texts, 1))
    (folder / name).write_text(HEADER + rows, "utf-8")
    return read_claims(folder / name, incident or outage(), max_rejects=1)


def hours(claims: Claims) -> list[str | None]:
    return claims.to_polars()["filed_at"].dt.strftime("%Y-%m-%d %H:%M").to_list()


MOMENTS = [
    ("iso", "2022-10-15T15:30:00+09:00", "2022-10-15T15:30:00"),
    ("iso", "2022-10-15 06:30:00Z", "2022-10-15T15:30:00"),
    ("iso", "2022-10-15T20:00-05", "2022-10-16T10:00:00"),
    ("iso", "2022-10-15 15:30", "2022-10-15T15:30:00"),
    ("iso", "2022-10-15T15:30:05.25", "2022-10-15T15:30:05.250000"),
    ("iso", "2022-10-15 23:59:59.999999", "2022-10-15T23:59:59.999999"),
    ("dmy", "15.10.2022 15:30 Uhr", "2022-10-15T15:30:00"),
    ("dmy", "15.10.2022, 9:05 Uhr", "2022-10-15T09:05:00"),
    ("dmy", "15/10/2022 15:30:59", "2022-10-15T15:30:59"),
    ("korean", "2022-10-15 오후 3:30", "2022-10-15T15:30:00"),
    ("korean", "2022. 10. 15. 오전 12:05", "2022-10-15T00:05:00"),
    ("korean", "2022. 10. 15. 오후 12:05", "2022-10-15T12:05:00"),
    ("korean", "2022년 10월 15일 (토) 오후 3시 5분 7초", "2022-10-15T15:05:07"),
    ("korean", "2022년10월15일15시", "2022-10-15T15:00:00"),
    ("korean", "2022/10/15 PM 3:30", "2022-10-15T15:30:00"),
    ("korean", "2022.10.1\N{FULLWIDTH DIGIT FIVE} 15\N{FULLWIDTH COLON}30", "2022-10-15T15:30:00"),
    ("mdy", "10/15/2022, 3:30 PM", "2022-10-15T15:30:00"),
    ("mdy", "10/15/2022 12:30 am", "2022-10-15T00:30:00"),
    ("compact", "20221015153005", "2022-10-15T15:30:05"),
    ("compact", "20221015T1530", "2022-10-15T15:30:00"),
    ("excel", "44849.6458333333", "2022-10-15T15:30:00"),
    ("unix", "1665815400", "2022-10-15T15:30:00"),
    ("unix", "1665815400250", "2022-10-15T15:30:00.250000"),
    ("dmy_short", "15.10.22 15:30 Uhr", "2022-10-15T15:30:00"),
    ("mdy_short", "10/15/22 3:30 PM", "2022-10-15T15:30:00"),
    ("short", "22년 10월 15일 (토) 오후 3:30", "2022-10-15T15:30:00"),
    ("month_name", "Sat, 15 Oct 2022 15:30", "2022-10-15T15:30:00"),
    ("month_name", "15. Oktober 2022, 15:30 UHR", "2022-10-15T15:30:00"),
    ("month_name", "October 15, 2022 12:30 am", "2022-10-15T00:30:00"),
    ("month_name_short", "15-Oct-22 15:30:05", "2022-10-15T15:30:05"),
    ("no_year", "10월 15일 (토) 오후 3시 5분", "2022-10-15T15:05:00"),
    ("no_year", "10월15일 오전 12:30", "2022-10-15T00:30:00"),
    ("no_year", "Oct 1 3:30", "2022-10-01T03:30:00"),
    ("no_year", "15 October, 3:30 pm", "2022-10-15T15:30:00"),
    ("iso", "2022-10-15 06:30 UTC", "2022-10-15T15:30:00"),
    ("iso", "2022-10-15 06:30:00.5 Z", "2022-10-15T15:30:00.500000"),
]


def moments(texts: list[str], notation: str, zone: str, *, midnight: bool = True) -> list[datetime | None]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create table texts as select unnest($texts) as text", {"texts": texts})
        sql = moment_sql("text", "day", zone, midnight=midnight)
        day = day_sql("text", [notation], zone, window=(date(2022, 1, 1), date(2022, 12, 31)))
        query = f"select {sql} from (select text, {day} as day from texts)"  # noqa: S608 - own SQL
        return [row[0] and row[0].astimezone(UTC) for row in connection.execute(query).fetchall()]


@pytest.mark.parametrize(("notation", "text", "local"), MOMENTS)
def test_the_time_of_day_of_every_notation_is_read(notation: str, text: str, local: str) -> None:
    expected = datetime.fromisoformat(local).replace(tzinfo=SEOUL)
    assert (moments([text], notation, "Asia/Seoul"), has_time(text)) == ([expected], True)


def test_a_time_that_the_clocks_skip_is_unknown_and_one_shown_twice_is_the_second() -> None:
    skipped, twice, offset = "2022-03-27 02:30", "2022-10-30 02:30", "2022-10-30 02:30+02:00"
    assert moments([skipped, twice, offset], "iso", "Europe/Berlin") == [
        None,
        datetime(2022, 10, 30, 1, 30, tzinfo=UTC),
        datetime(2022, 10, 30, 0, 30, tzinfo=UTC),
    ]


def test_midnight_stands_for_the_day_only_in_a_file_without_other_times(tmp_path: Path) -> None:
    days = read(tmp_path, ["2022-10-15 00:00:00", "2022-10-16 00:00", "2022-10-17"])
    assert (hours(days), days.has_times) == ([None, None, None], False)
    times = read(tmp_path, ["2022-10-15 00:00:00", "2022-10-16 08:00", "2022-10-17"], name="b.csv")
    assert hours(times) == ["2022-10-15 00:00", "2022-10-16 08:00", None]
    # An offset shows that a moment is meant.
    zoned = read(tmp_path, ["2022-10-15T00:00:00+09:00", "2022-10-16"], name="c.csv")
    assert hours(zoned) == ["2022-10-15 00:00", None]


def test_a_rare_time_or_an_unusual_one_is_kept_too(tmp_path: Path) -> None:
    formats = outage(formats={"filed_on": ("iso", "korean", "dmy")})
    rare = read(tmp_path, ["2022-10-15"] * 100 + ["2022-10-15 오후 3:30", "15.10.2022 16:30 Uhr"], formats)
    assert hours(rare)[-3:] == [None, "2022-10-15 15:30", "2022-10-15 16:30"]
    # Rows that are rechecked have the same times as others.
    often = read(
        tmp_path, ["2022-10-15 15:30"] * 99 + [" 2022-10-15 16:30 ", "2022. 10. 15. 17:30"], formats, "b.csv"
    )
    assert hours(often)[-3:] == ["2022-10-15 15:30", "2022-10-15 16:30", "2022-10-15 17:30"]


def test_a_column_filed_at_gives_the_time_and_must_be_on_the_day(tmp_path: Path) -> None:
    rows = [
        *("c1,App,User,5,2022-10-15,2022-10-15T06:30:00Z", "c2,App,User,5,2022-10-15,"),
        *("c3,App,User,5,2022-10-15,2022-10-15", "c4,App,User,5,2022-10-15,2022-10-15T16:30:00Z"),
        *("c5,App,User,5,2022-10-15,later", "c6,App,User,5,2022-10-15 08:00,"),
        "c7,App,User,5,2022-10-15 08:00,2022-10-15 09:00",
    ]
    path = written(tmp_path / "a.csv", "filed_on,Filed at", rows)
    claims = read_claims(path, outage(), max_rejects=1)
    kept = dict(zip(claims.to_polars()["claim_id"], hours(claims), strict=True))
    assert kept == {
        "c1": "2022-10-15 15:30", "c2": None, "c3": None, "c6": "2022-10-15 08:00", "c7": "2022-10-15 09:00",
    }  # fmt: skip
    rejects = claims.rejects.select("row", "column", "value", "rule", "remedy").rows()
    remedy = "Correct one of the two columns, or leave filed_at empty."
    assert rejects == [(row, "filed_on", "2022-10-15", SAME_DAY, remedy) for row in (5, 6)]


def test_a_column_filed_at_alone_also_gives_the_day(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "filed_at", ["c1,App,User,5,2022-10-15T20:00:00Z"])
    for layouts in ([], [Layout(columns={"filed_on": ("filed_at",)})]):
        claims = read_claims(path, outage(), layouts=layouts)
        assert (claims.to_polars()["filed_on"].to_list(), hours(claims)) == (
            [date(2022, 10, 16)],
            ["2022-10-16 05:00"],
        )


def test_a_repeated_id_at_another_hour_is_no_exact_copy(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "filed_on", [f"a,App,User,5,2022-10-15 {h}:30" for h in (15, 15, 16)])
    claims = read_claims(path, outage(), max_rejects=1)
    assert claims.rejects["rule"].to_list() == [EXACT_COPY, REPEATED_ID]


def test_times_are_shown_in_the_zone_of_the_outage(tmp_path: Path) -> None:
    claims = read(tmp_path, ["2022-10-15T23:30:00Z", "2022-10-15 08:15"], outage("Europe/Berlin"))
    assert claims.to_polars().schema["filed_at"] == pl.Datetime("us", "Europe/Berlin")
    one = claims.filter(filed_on="2022-10-16")
    assert one.query("select hour(filed_at) as h from claims")["h"].to_list() == [1]
    assert claims.by("filed_hour")["filed_hour"].to_list() == [
        datetime(2022, 10, 15, 8),  # noqa: DTZ001 - local time
        datetime(2022, 10, 16, 1),  # noqa: DTZ001
    ]


def test_files_with_and_without_times_are_read_together(tmp_path: Path) -> None:
    for name, texts in (("a", ["2022-10-15"] * 3), ("b", ["2022-10-15 15:30"] * 2), ("c", ["2022-10-16"])):
        read(tmp_path, texts, name=f"{name}.csv")
    claims = read_claims([tmp_path / f"{n}.csv" for n in "abc"], outage())
    assert hours(claims) == [None, None, None, "2022-10-15 15:30", "2022-10-15 15:30", None]


def written(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([f"claim_id,service,claimant_type,loss,{header}", *rows]) + "\n", "utf-8")
    return path


DAY_AND_TIME = [
    "c1,App,User,5,2022-10-15,15:30",
    "c2,App,User,5,2022-10-15,",
    "c3,App,User,5,2022-10-15,15:30+02:00",
    "c4,App,User,5,2022-10-15 00:00:00,9:05:10",
    "c5,App,User,5,15/10/2022,3:30 PM",
    "c6,App,User,5,10/03/2022,23:59",
    "c7,App,User,5,15. Okt 2022,15:30 Uhr",
    "c8,App,User,5,10월 15일,오후 3:30",
    "c9,App,User,5,,15:30",
]
FORMATS = ("iso", "korean", "dmy", "mdy", "month_name", "no_year")


@pytest.mark.parametrize("column", ["filed_on", "filed_at"])
def test_a_day_and_a_time_are_joined_and_the_window_decides_the_order(tmp_path: Path, column: str) -> None:
    path = written(tmp_path / "a.csv", "date,time", DAY_AND_TIME)
    layout = Layout(computed={column: ("Date", "Time")}, formats={column: FORMATS})
    incident = outage(claims_from=date(2022, 10, 1), claims_to=date(2022, 12, 1))
    claims = read_claims(path, incident, layouts=[layout], max_rejects=1)
    found = dict(zip(claims.to_polars()["claim_id"], hours(claims), strict=True))
    assert found == {
        "c1": "2022-10-15 15:30", "c2": None, "c3": "2022-10-15 22:30", "c4": "2022-10-15 09:05",
        "c5": "2022-10-15 15:30", "c6": "2022-10-03 23:59", "c7": "2022-10-15 15:30",
        "c8": "2022-10-15 15:30",
    }  # fmt: skip
    assert claims.rejects.select("row", "rule").rows() == [(10, "filed_on is a date")]


@pytest.mark.parametrize(
    ("zone", "filed_at"),
    [
        ("Z", "2022-10-16 00:30"),
        ("UTC", "2022-10-16 00:30"),
        ("+09:00", "2022-10-15 15:30"),
        ("", "2022-10-15 15:30"),
    ],
)
def test_a_column_of_utc_offsets_is_joined_to_the_time(tmp_path: Path, zone: str, filed_at: str) -> None:
    path = written(tmp_path / "a.csv", "date,time,offset", [f"c1,App,User,5,2022-10-15,15:30,{zone}"])
    layout = Layout(computed={"filed_at": ("date", "time", "offset")})
    claims = read_claims(path, outage(), layouts=[layout])
    assert hours(claims) == [filed_at]
    assert claims.to_polars()["filed_on"].to_list() == [date.fromisoformat(filed_at[:10])]


def test_a_day_and_a_joined_time_must_be_on_the_same_day(tmp_path: Path) -> None:
    rows = [f"c{n},App,User,5,2022-10-15,15:30" for n in range(200)]
    rows += ["d1,App,User,5,2022-10-15,00:00", "d2,App,User,5,2022-10-15,23:30Z"]
    path = written(tmp_path / "a.csv", "filed_on,time", rows)
    layout = Layout(computed={"filed_at": ("filed_on", "time")})
    claims = read_claims(path, outage(), layouts=[layout], max_rejects=1)
    assert hours(claims) == ["2022-10-15 15:30"] * 200 + ["2022-10-15 00:00"]
    assert claims.rejects.select("row", "rule").rows() == [(203, "filed_on is the day of filed_at")]
