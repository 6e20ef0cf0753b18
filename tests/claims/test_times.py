"""Claims keep the time of day at which they were filed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import Claims, inspect_file, read_claims, save_claims
from outage_analysis.claims.rules import SAME_DAY
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.incidents import Incident, Layout
from outage_analysis.losses import build_cube, cumulative_intake, save_cube
from outage_analysis.text import DATES, day_sql, has_time, has_time_sql, moment_sql
from tests.claims.complaint_files import write_frame

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
    assert moments([text], notation, "Asia/Seoul") == [expected]
    assert has_time(text)


@pytest.mark.parametrize("name", DATES)
def test_the_examples_of_a_notation_have_a_time_exactly_if_they_show_one(name: str) -> None:
    texts = list(DATES[name].examples)
    assert [m is not None for m in moments(texts, name, "Asia/Seoul")] == [has_time(t) for t in texts]
    with duckdb.connect() as connection:
        sql = has_time_sql("$text", frozenset([name]))
        marks = [connection.execute(f"select {sql}", {"text": t}).fetchall()[0][0] for t in texts]
    assert marks == [has_time(t) for t in texts]


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), min_size=5, max_size=50),  # noqa: DTZ001
    st.sampled_from(["Asia/Seoul", "UTC", "Asia/Kolkata"]),
)
def test_a_local_time_written_in_any_way_is_the_same_moment(times: list[datetime], zone: str) -> None:
    times = [moment.replace(microsecond=0) for moment in times]
    expected = [moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for moment in times]
    clocks = [f"{(moment.hour + 11) % 12 + 1}:{moment:%M:%S}" for moment in times]
    halves = [("오전", "AM") if moment.hour < 12 else ("오후", "PM") for moment in times]
    written = {
        "iso": [f"{moment:%Y-%m-%d %H:%M:%S}" for moment in times],
        "korean": [
            f"{moment:%Y. %m. %d.} {half} {clock}"
            for moment, (half, _), clock in zip(times, halves, clocks, strict=True)
        ],
        "dmy": [f"{moment:%d.%m.%Y %H:%M:%S} Uhr" for moment in times],
        "mdy": [
            f"{moment:%m/%d/%Y}, {clock} {half}"
            for moment, (_, half), clock in zip(times, halves, clocks, strict=True)
        ],
        "compact": [f"{moment:%Y%m%d%H%M%S}" for moment in times],
    }
    for notation, texts in written.items():
        assert moments(texts, notation, zone) == expected


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


def test_the_day_and_everything_else_is_the_same_with_and_without_times(tmp_path: Path) -> None:
    texts = [f"2022-10-{10 + n} {n:02}:15" for n in range(20)]
    times, days = read(tmp_path, texts), read(tmp_path, [t[:10] for t in texts], name="ab.csv")
    dropped = [claims.to_polars().drop("source_file", "filed_at") for claims in (times, days)]
    assert dropped[0].equals(dropped[1])
    assert days.to_polars()["filed_at"].null_count() == 20
    assert days.to_polars().schema["filed_at"] == times.to_polars().schema["filed_at"]
    daily = [cumulative_intake(build_cube(c, dimensions=("filed_on",))) for c in (times, days)]
    assert daily[0].equals(daily[1])
    assert "filed_at" not in days.warehouse.columns("typed_rows")  # Files without times need no memory.


def test_no_join_changes_the_order_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Joins run in parallel above 122,880 rows; `in` with many constants is a join, too."""
    plans, append = [], Warehouse.append

    def explained(self: Warehouse, table: str, query: str, **values: object) -> None:
        if table == "typed_rows":
            plans.append(str(self.frame(f"explain {query}", **values).rows()))  # type: ignore[arg-type]
        append(self, table, query, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(Warehouse, "append", explained)
    rows = "".join(f'{n},App,User,{n}.10.2022 15:30,"{n},50 €",EUR\n' for n in range(10, 20))
    (tmp_path / "a.csv").write_text(HEADER.strip() + ",currency\n" + rows, "utf-8")
    layout = Layout(formats={"filed_on": ("dmy",), "loss": ("european_currency",)})
    claims = read_claims(tmp_path / "a.csv", outage(), layouts=[layout])
    assert claims.to_polars()["loss"].to_list() == [n + 0.5 for n in range(10, 20)]
    assert ["READ_CSV" in plan for plan in plans] == [True]
    assert "join" not in plans[0].casefold()


def test_a_rare_time_or_an_unusual_one_is_kept_too(tmp_path: Path) -> None:
    formats = outage(formats={"filed_on": ("iso", "korean", "dmy")})
    rare = read(tmp_path, ["2022-10-15"] * 100 + ["2022-10-15 오후 3:30", "15.10.2022 16:30 Uhr"], formats)
    assert hours(rare)[-3:] == [None, "2022-10-15 15:30", "2022-10-15 16:30"]
    # Rows that are rechecked have the same times as others.
    often = read(
        tmp_path, ["2022-10-15 15:30"] * 99 + [" 2022-10-15 16:30 ", "2022. 10. 15. 17:30"], formats, "b.csv"
    )
    assert hours(often)[-3:] == ["2022-10-15 15:30", "2022-10-15 16:30", "2022-10-15 17:30"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "xlsx", "parquet"])
def test_every_file_format_keeps_times(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame(
        {
            "claim_id": ["c1", "c2"], "service": ["app", "web"], "claimant_type": ["user", "user"],
            "filed_on": [datetime(2022, 10, 15, 15, 30), datetime(2022, 10, 16, 9, 5)],  # noqa: DTZ001
            "loss": [5, 6],
        }
    )  # fmt: skip
    if suffix == "jsonl":
        frame = frame.with_columns(pl.col("filed_on").dt.strftime("%Y-%m-%dT%H:%M:%S"))
    path = write_frame(tmp_path / f"a.{suffix}", frame)
    assert hours(read_claims(path, outage())) == ["2022-10-15 15:30", "2022-10-16 09:05"]


def test_a_column_filed_at_gives_the_time_and_must_be_on_the_day(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [
        ("c1", "2022-10-15", "2022-10-15T06:30:00Z"),
        ("c2", "2022-10-15", ""),
        ("c3", "2022-10-15", "2022-10-15"),
        ("c4", "2022-10-15", "2022-10-15T16:30:00Z"),
        ("c5", "2022-10-15", "later"),
        ("c6", "2022-10-15 08:00", ""),
        ("c7", "2022-10-15 08:00", "2022-10-15 09:00"),
    ]
    lines = (f"{id_},App,User,{day},5,{moment}\n" for id_, day, moment in rows)
    path.write_text("claim_id,service,claimant_type,filed_on,loss,Filed at\n" + "".join(lines), "utf-8")
    claims = read_claims(path, outage(), max_rejects=1)
    kept = dict(zip(claims.to_polars()["claim_id"], hours(claims), strict=True))
    assert kept == {
        "c1": "2022-10-15 15:30", "c2": None, "c3": None, "c6": "2022-10-15 08:00", "c7": "2022-10-15 09:00",
    }  # fmt: skip
    rejects = claims.rejects.select("row", "column", "value", "rule", "remedy").rows()
    remedy = "Correct one of the two columns, or leave filed_at empty."
    assert rejects == [(row, "filed_on", "2022-10-15", SAME_DAY, remedy) for row in (5, 6)]


def test_a_column_filed_at_alone_also_gives_the_day(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "claim_id,service,claimant_type,filed_at,loss\nc1,App,User,2022-10-15T20:00:00Z,5\n", "utf-8"
    )
    claims = read_claims(tmp_path / "a.csv", outage())
    assert claims.to_polars()["filed_on"].to_list() == [date(2022, 10, 16)]
    assert hours(claims) == ["2022-10-16 05:00"]
    named = Layout(columns={"filed_on": ("filed_at",)})
    assert hours(read_claims(tmp_path / "a.csv", outage(), layouts=[named])) == ["2022-10-16 05:00"]


def test_a_repeated_id_at_another_hour_is_no_exact_copy(tmp_path: Path) -> None:
    rows = ["a,App,User,2022-10-15 15:30,5", "a,App,User,2022-10-15 15:30,5", "a,App,User,2022-10-15 16:30,5"]
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows) + "\n", "utf-8")
    claims = read_claims(tmp_path / "a.csv", outage(), max_rejects=1)
    assert claims.rejects["rule"].to_list() == [
        "the complaint is not an exact copy of another",
        "claim_id is not repeated",
    ]


def test_times_are_shown_in_the_zone_of_the_outage(tmp_path: Path) -> None:
    claims = read(tmp_path, ["2022-10-15T23:30:00Z", "2022-10-15 08:15"], outage("Europe/Berlin"))
    frame = claims.to_polars()
    assert frame.schema["filed_at"] == pl.Datetime("us", "Europe/Berlin")
    assert frame["filed_on"].equals(frame["filed_at"].dt.date())
    assert claims.query("select hour(filed_at) as h from claims order by h")["h"].to_list() == [1, 8]
    one = claims.filter(filed_on="2022-10-16")
    assert one.query("select hour(filed_at) as h from claims")["h"].to_list() == [1]
    by_hour = claims.by("filed_hour")
    assert by_hour["filed_hour"].to_list() == [
        datetime(2022, 10, 15, 8),  # noqa: DTZ001 - local time
        datetime(2022, 10, 16, 1),  # noqa: DTZ001
    ]


def test_saved_claims_keep_times(tmp_path: Path) -> None:
    claims = read(tmp_path, ["2022-10-15 15:30:05.25", "2022-10-15", "2022-10-16 00:00"])
    save_claims(claims, tmp_path / "saved.parquet")
    save_claims(claims, tmp_path / "saved.duckdb")
    stored = pl.read_parquet(tmp_path / "saved.parquet")["filed_at"]
    assert stored.dt.convert_time_zone("Asia/Seoul").equals(claims.to_polars()["filed_at"])
    for name in ("saved.parquet", "saved.duckdb"):
        again = read_claims(tmp_path / name, outage())
        columns = ("claim_id", "filed_on", "filed_at", "loss")
        assert again.to_polars().select(columns).equals(claims.to_polars().select(columns))
    days = read(tmp_path, ["2022-10-15"], name="d.csv")
    save_claims(days, tmp_path / "days.parquet")
    assert "filed_at" not in pl.read_parquet_schema(tmp_path / "days.parquet")


def test_files_with_and_without_times_are_read_together(tmp_path: Path) -> None:
    read(tmp_path, ["2022-10-15"] * 3, name="a.csv")
    read(tmp_path, ["2022-10-15 15:30"] * 2, name="b.csv")
    read(tmp_path, ["2022-10-16"], name="c.csv")
    claims = read_claims([tmp_path / f"{n}.csv" for n in "abc"], outage())
    assert hours(claims) == [None, None, None, "2022-10-15 15:30", "2022-10-15 15:30", None]


def test_a_cube_by_hour_is_saved_and_loaded(tmp_path: Path) -> None:
    claims = read(tmp_path, ["2022-10-15 15:30", "2022-10-15 15:59:59", "2022-10-15"])
    cube = build_cube(claims, dimensions=("filed_hour",))
    assert cube.frame.select("filed_hour", "claims").rows() == [
        (datetime(2022, 10, 15, 15), 2),  # noqa: DTZ001
        (None, 1),
    ]
    save_cube(cube, tmp_path / "cube.parquet", claims=claims)
    assert pl.read_parquet(tmp_path / "cube.parquet").equals(cube.frame)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("2022-10-15T15:30:00+09:00", "iso"),
        ("2022-10-15 15:30", "iso"),
        ("15.10.2022 15:30 Uhr", "dmy"),
        ("2022-10-15 오후 3:30", "korean"),
    ],
)
def test_inspect_and_derived_outages_recognise_times_of_day(tmp_path: Path, text: str, format_: str) -> None:
    path = tmp_path / "complaints.csv"
    rows = "".join(f"T-{n},App,{text},{n}.50\n" for n in range(1, 21))
    path.write_text(f"Ticket No.,Product,Received,Damage (EUR)\n{rows}", "utf-8")
    inspection = inspect_file(path, outage())
    reasons = dict(inspection.proposals.select("column", "reason").rows())
    assert reasons["filed_on"].endswith("100% of the rows state a time of day")
    assert f'filed_on = ["{format_}"]' in inspection.layout_toml
    claims = read_claims(path, columns={"service": "Product"}, time_zone="Asia/Seoul")
    assert set(hours(claims)) == {"2022-10-15 15:30"}
