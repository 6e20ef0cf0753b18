"""Claims from data frames: read as the same rows of a file, or refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import adbc_driver_postgresql.dbapi as postgresql
import duckdb
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa
import pytest

import outage_analysis as oa
from outage_analysis.errors import OutageAnalysisError, UsageError
from tests.claims.complaint_files import with_broken_rows
from tests.commands import command
from tests.postgresql_server import postgresql_server

LIBRARIES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: pd.DataFrame(frame.to_dict(as_series=False)),
    "pyarrow": pa.table,
    "pyarrow, once": lambda frame: pa.table(frame).to_reader(),
    "duckdb": lambda frame: duckdb.connect().from_arrow(frame),
}
ROWS = pl.DataFrame(
    {
        "claim_id": ["a", "b", "c", "d"],
        "service": ["App", "Web", "App", "App"],
        "filed_on": [date(2026, 1, 15), date(2026, 1, 16), date(2026, 1, 16), date(2026, 1, 17)],
        "loss (EUR)": ["12.5", "3", None, "100"],
    }
)
LOSS = "loss (EUR)"
IN_EUROS: list[object] = [12.5, 3, None, 100]
NAIVE = [datetime(2026, 1, day, 20, 30) for day in (15, 16, 16, 17)]  # noqa: DTZ001 - without a zone


def losses(frame: object, **outage: Any) -> list[int | None]:  # noqa: ANN401 - as of `read_claims`
    return oa.read_claims(frame, **outage).to_polars()["loss"].to_list()  # type: ignore[arg-type]


def with_column(name: str, values: object) -> pd.DataFrame:
    """The rows in pandas, with a column of Python objects."""
    return pd.DataFrame(ROWS.to_dict(as_series=False)).assign(**{name: pd.Series(values, dtype=object)})


@pytest.fixture(scope="module")
def faulty(own_claims: Path) -> pl.DataFrame:
    """Rows as text, of which each eighth breaks a rule, with copies and repeated ids; one is synthetic."""
    frame = with_broken_rows(pl.read_parquet(own_claims).head(400), every=8)[0]
    return frame.with_columns(synthetic=pl.when(pl.int_range(pl.len()) == 1).then(pl.lit("true")))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_gives_what_the_same_rows_of_files_give(
    tmp_path: Path, faulty: pl.DataFrame, library: str, incident: oa.Incident
) -> None:
    faulty.write_csv(tmp_path / "a.csv")
    faulty.write_parquet(tmp_path / "a.parquet")
    frame, parquet, csv = (
        oa.read_claims(source, incident, max_rejects=1)
        for source in (LIBRARIES[library](faulty), tmp_path / "a.parquet", tmp_path / "a.csv")
    )
    assert frame.files.rows() == [("data frame", len(faulty), len(frame), len(frame.rejects))]
    assert (len(frame) + len(frame.rejects), frame.synthetic) == (len(faulty), True)
    assert 30 < len(frame.rejects) < len(frame)
    cells = ["row", "column", "value", "rule", "other_rules"]
    rejects = frame.rejects.select(cells)
    assert rejects.equals(parquet.rejects.select(cells))
    # The header of a CSV file is row 1, so its rows have higher numbers. Remedies name rows and files.
    assert rejects.with_columns(pl.col("row") + 1).equals(csv.rejects.select(cells))
    for other in (parquet, csv):
        one, same = (claims.to_polars().drop("source_file", "source_row") for claims in (frame, other))
        assert (one.equals(same), oa.build_cube(frame).frame.equals(oa.build_cube(other).frame)) == (
            True,
            True,
        )
    row, column = rejects.select("row", "column").row(0)
    assert (column, faulty["claim_id"][row - 1]) == ("claim_id", "")


TYPED: dict[str, tuple[str, pl.Series, list[object]]] = {
    "whole numbers": (LOSS, pl.Series([12, 3, None, 100]), [12, 3, None, 100]),
    "small whole numbers": (LOSS, pl.Series([12, 3, None, 100], dtype=pl.UInt8), [12, 3, None, 100]),
    "floats": (LOSS, pl.Series([12.5, 3.0, None, 100.0]), IN_EUROS),
    "short floats": (LOSS, pl.Series([0.1, 3.0, None, 100.7], dtype=pl.Float32), [0.1, 3, None, 100.7]),
    "decimals": (LOSS, ROWS[LOSS].cast(pl.Decimal(12, 2)), IN_EUROS),
    "three decimals": (LOSS, ROWS[LOSS].cast(pl.Decimal(38, 3)), IN_EUROS),
    "many decimals": (LOSS, ROWS[LOSS].cast(pl.Decimal(38, 20)), IN_EUROS),
    "datetimes": ("filed_on", pl.Series(NAIVE), [15, 16, 16, 17]),
    "milliseconds": ("filed_on", pl.Series(NAIVE).cast(pl.Datetime("ms")), [15, 16, 16, 17]),
    "nanoseconds": ("filed_on", pl.Series(NAIVE).cast(pl.Datetime("ns")), [15, 16, 16, 17]),
    "UTC": ("filed_on", pl.Series(NAIVE).dt.replace_time_zone("UTC"), [16, 17, 17, 18]),
    "UTC in nanoseconds": (
        "filed_on",
        pl.Series(NAIVE).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC"),
        [16, 17, 17, 18],
    ),
    "Seoul": ("filed_on", pl.Series(NAIVE).dt.replace_time_zone("Asia/Seoul"), [15, 16, 16, 17]),
    "whole ids": ("claim_id", pl.Series([1, 2, 3, 4]), ["1", "2", "3", "4"]),
    "huge ids": ("claim_id", pl.Series([2**64 - n for n in (1, 2, 3, 4)], dtype=pl.UInt64), []),
    "float ids": ("claim_id", pl.Series([1.0, 2.0, 3.0, 4.0]), ["1", "2", "3", "4"]),
    "categories": ("service", ROWS["service"].cast(pl.Categorical), ["app", "web", "app", "app"]),
    "enums": ("service", ROWS["service"].cast(pl.Enum(["Web", "App"])), ["app", "web", "app", "app"]),
    "flags": ("synthetic", pl.Series([False, True, None, False]), [False, True, False, False]),
    "nulls": ("claimant_id", pl.Series([None] * 4), ["a", "b", "c", "d"]),
    "lists elsewhere": ("memo", pl.Series([[1], [], None, [2]]), []),
}
"""Kind of values -> a column, its values, and what a claim has there: cents, the day in Seoul, ids."""


@pytest.mark.parametrize("library", ["polars", "a file"])
@pytest.mark.parametrize("kind", TYPED)
def test_typed_values_are_read_as_what_they_are(tmp_path: Path, kind: str, library: str) -> None:
    column, values, expected = TYPED[kind]
    frame = ROWS.with_columns(values.alias(column))
    frame.write_parquet(tmp_path / "a.parquet")
    source = tmp_path / "a.parquet" if library == "a file" else LIBRARIES[library](frame)
    claims = oa.read_claims(source, currency="EUR", time_zone="Asia/Seoul")
    read = claims.to_polars()
    found = read["loss" if column == LOSS else column] if column in {*read.columns, LOSS} else pl.Series([])
    expected = expected or [str(value) for value in values if column == "claim_id"]
    assert (found.dt.day() if column == "filed_on" else found).to_list() == expected
    assert (len(claims), len(claims.rejects)) == (4, 0)


@pytest.mark.parametrize("value", [0.1 + 0.2, float("nan"), float("inf"), 1e20, 1.005])
def test_a_float_that_is_no_amount_of_cents_is_a_reject_as_in_a_csv_file(
    tmp_path: Path, value: float
) -> None:
    frame = ROWS.with_columns(pl.Series(LOSS, [12.5, value, None, 100.0]))
    frame.write_csv(tmp_path / "a.csv")
    for source, row in ((frame, 2), (tmp_path / "a.csv", 3)):
        claims = oa.read_claims(source, columns={"loss": LOSS}, formats={"loss": "plain"}, max_rejects=1)
        assert claims.to_polars()["loss"].to_list() == [12.5, None, 100]
        assert claims.rejects.select("row", "column").rows() == [(row, "loss")]


def test_missing_values_of_pandas_are_missing() -> None:
    frame = pd.DataFrame(ROWS.to_dict(as_series=False)).assign(**{LOSS: [12.5, 3, float("nan"), 100]})
    assert losses(frame) == losses(frame.convert_dtypes()) == IN_EUROS
    assert losses(frame.set_index("claim_id")) == IN_EUROS
    kept = oa.read_claims(frame[frame["service"] == "App"]).to_polars()
    assert kept.select("claim_id", "source_row").rows() == [("a", 1), ("c", 2), ("d", 3)]
    assert losses(frame.assign(service=frame["service"].astype("category"))) == IN_EUROS
    assert losses(with_column(LOSS, [Decimal("12.5"), Decimal(3), None, Decimal("100.00")])) == IN_EUROS
    assert losses(with_column("filed_on", ROWS["filed_on"].to_list())) == IN_EUROS


SEOUL = datetime(2026, 1, 15, tzinfo=ZoneInfo("Asia/Seoul"))
OBJECTS = {
    "int, str": ("service", [1, "x", 2, "y"]),
    "float, int": (LOSS, [1, 2.5, None, 3]),
    "bytes, str": ("service", ["x", b"y", "x", "x"]),
    "date, datetime": ("filed_on", [NAIVE[0].date(), SEOUL, NAIVE[0].date(), SEOUL]),
    "datetime": ("filed_on", [NAIVE[0], SEOUL, SEOUL.astimezone(UTC), NAIVE[0]]),
}


@pytest.mark.parametrize("found", OBJECTS)
def test_a_column_of_mixed_objects_is_refused(found: str) -> None:
    column, values = OBJECTS[found]
    with pytest.raises(UsageError, match="is a column of Python objects") as refused:
        oa.read_claims(with_column(column, values))
    assert (refused.value.column, refused.value.value) == (column, found)
    assert "text" in refused.value.remedy


def with_values(name: str, values: list[Any], kind: type[pl.DataType] | None = None) -> pl.DataFrame:
    return ROWS.with_columns(pl.Series(name, values, dtype=kind))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "huge numbers": (lambda: with_values(LOSS, [2**100, 1, 2, 3], pl.Int128), "Int128"),
    "durations": (lambda: with_values(LOSS, [timedelta(days=1)] * 4), "loss .EUR.*Duration"),
    "times": (lambda: with_values("filed_on", [time(10)] * 4), "filed_on"),
    "records": (lambda: with_values("service", [{"a": 1}] * 4), "service.*Struct"),
    "bytes": (lambda: with_values("service", [b"App"] * 4), "service.*Binary"),
    "objects": (lambda: with_values("memo", [object()] * 4, pl.Object), "cannot be read.*[Oo]bject"),
    "periods": (
        lambda: with_column("x", [1] * 4).assign(filed_on=pd.period_range("2026-01-15", periods=4)),
        "filed_on",
    ),
    "too large": (lambda: with_column(LOSS, [1, 2**70, None, 3]), "too large"),
    "names twice": (
        lambda: pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
        "'a' has more than one",
    ),
    "names twice in pandas": (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column"),
    "a series": (lambda: pl.Series(["a"]), "the data frame cannot be read"),
    "no columns": (pl.DataFrame, "has no columns"),
    "no rows": (ROWS.clear, "and no rows"),
    "no such column": (lambda: ROWS.lazy().select("x"), 'unable to find column "x"'),
    "a dict in a list": (lambda: [{"a": 1}], "is no file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(kind: str) -> None:
    make, said = REFUSED[kind]
    named: Any = {"columns": {"loss": LOSS}, "formats": {"loss": "plain"}} if kind == "huge numbers" else {}
    with pytest.raises(OutageAnalysisError, match=said) as refused:
        oa.read_claims(make(), currency="EUR", **named)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_columns_are_told_apart_by_position_whatever_their_names(tmp_path: Path) -> None:
    wide = ROWS.select(pl.lit(1).alias(""), pl.lit("").alias("Loss_1"), pl.all(), Region=pl.lit("n"))
    wide = wide.with_columns(file_row_number=pl.lit(9), memo=pl.lit("a"), Memo=pl.lit("b"))
    wide.write_parquet(tmp_path / "a.parquet")
    for source in (wide, tmp_path / "a.parquet"):
        read = oa.read_claims(source, dimensions=["Region"]).to_polars()
        assert read.select("region", "source_row").rows() == [("n", row) for row in (1, 2, 3, 4)]
    numbered = pd.DataFrame(ROWS.to_dict(as_series=False)).set_axis(range(4), axis=1)
    names = {"claim_id": "0", "service": "1", "filed_on": "2", "loss": "3"}
    assert losses(numbered, columns=names, currency="EUR") == IN_EUROS


@pytest.mark.parametrize("read", [oa.read_claims, lambda frame: oa.load_sample("trams").join(frame)])
def test_pandas_without_pyarrow_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[object], object]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        UsageError, match="a data frame of pandas is read by pyarrow, which is not"
    ) as refused:
        read(with_column("memo", [None] * 4))
    assert refused.value.remedy == "Install it: pip install pyarrow."


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_frame_is_joined(library: str) -> None:
    segments = pl.DataFrame(
        {"claim_id": ["a", "b", "d"], "segment": ["big", "small", "big"], "size": [1, 2, 1]}
    )
    joined = oa.read_claims(ROWS).join(LIBRARIES[library](segments), on="claim_id")
    assert joined.by("segment", "size").select("segment", "size", "claims").rows() == [
        ("big", "1", 2),
        ("small", "2", 1),
        (None, None, 1),
    ]
    with pytest.raises(UsageError, match=r"is no data frame .*'str'"):
        oa.read_claims(ROWS).join("segments.csv")  # type: ignore[arg-type]


def test_a_report_of_a_frame_is_checked_and_not_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    oa.run(ROWS, tiers={50: 5}, draws=1024).report(folder, formats="csv")
    assert command("verify", folder, "--integrity")[0] == 0
    for claims in ((), ("--claims", folder / "manifest.json")):
        code, *said = command("verify", folder, *claims)
        shown = " ".join("".join(said).split())
        assert (code, "rests on a data frame, which cannot be read again" in shown) == (2, True)


@pytest.mark.slow
def test_a_table_of_postgresql_is_read_and_results_go_back() -> None:
    with postgresql_server() as (address, _), postgresql.connect(address) as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "create table complaints (id bigint, service text, filed_on timestamptz, loss numeric(12, 2))"
            )
            cursor.execute(
                "insert into complaints values (1, 'App', '2026-01-15 23:30+09', 12.50), "
                "(2, 'Web', '2026-01-16 01:00+09', null), (3, 'App', '2026-01-31 00:30+00', 7.25)"
            )
        connection.commit()
        frame = pl.read_database("select * from complaints order by id", connection)
        claims = oa.read_claims(frame, currency="EUR", time_zone="Asia/Seoul")
        read = claims.to_polars().select("claim_id", pl.col("filed_on").dt.day(), "loss").rows()
        assert read == [("1", 15, 12.5), ("2", 16, None), ("3", 31, 7.25)]
        claims.by("service").write_database("by_service", connection)
        back = pl.read_database("select service, claims, loss from by_service order by service", connection)
        assert back.rows() == [("app", 2, 19.75), ("web", 1, None)]
