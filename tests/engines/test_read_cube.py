"""Cubes from engines: those of the same rows as a data frame, to the unit, or one line that says why not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.errors import (
    DisclosureBlocked,
    EnvironmentFailed,
    InputRefused,
    OutageAnalysisError,
    UsageError,
)
from outage_analysis.files import bundled_claims
from outage_analysis.incidents import Bands
from tests.commands import command
from tests.engines.conftest import (
    Load,
    connect_postgresql,
    duckdb_loader,
    load_into_postgresql,
    load_into_spark,
    spark_server,
)
from tests.postgresql_server import postgresql_server

SHOP: dict[str, Any] = {
    "id": "shop",
    "name": {"en": "Shop"},
    "currency": "EUR",
    "minor_units": 2,
    "time_zone": "Asia/Seoul",
    "outage": {"start": datetime(2026, 1, 15, tzinfo=UTC)},
    "claims_from": date(2026, 1, 15),
    "claims_to": date(2026, 1, 31),
    "loss": {"name": {"en": "Loss"}, "unit": "EUR"},
    "service": [{"id": "app", "name": {"en": "App"}}, {"id": "web", "name": {"en": "Web shop"}}],
    "claimant_type": [{"id": "anyone", "name": {"en": "Anyone"}}],
    "constants": {"claimant_type": "anyone"},
}
ROWS = pl.DataFrame(
    {
        "claim_id": ["a", "b", "c", "d"],
        "service": ["App", "web-shop", "App", "APP"],
        "filed_on": [date(2026, 1, 15), date(2026, 1, 16), date(2026, 1, 16), date(2026, 1, 31)],
        "loss": pl.Series(["12.5", "3", None, "100"], dtype=pl.String).cast(pl.Decimal(12, 2)),
    }
)
NAIVE = pl.Series([datetime(2026, 1, day, 20, 30) for day in (14, 15, 16, 31)])  # noqa: DTZ001 - of a table


def shop(**changes: Any) -> oa.Incident:  # noqa: ANN401 - of any key
    def frozen(value: Any) -> Any:  # noqa: ANN401 - as in a document
        if isinstance(value, dict):
            return {key: frozen(item) for key, item in value.items()}
        return tuple(map(frozen, value)) if isinstance(value, list) else value

    return oa.Incident.model_validate(frozen(SHOP | changes))


def as_frame(frame: pl.DataFrame, incident: oa.Incident, **build: Any) -> tuple[pl.DataFrame, dict[str, int]]:  # noqa: ANN401
    """The cube of a data frame, and its rejects by rule."""
    claims = oa.read_claims(frame, incident, max_rejects=1)
    rejects = claims.rejects.group_by("rule").len().sort("rule")
    return oa.build_cube(claims, **build).frame, dict(rejects.iter_rows())


def check_equal(table: Any, frame: pl.DataFrame, incident: oa.Incident, **build: Any) -> oa.Cube:  # noqa: ANN401
    order = "row" if "row" in frame.columns else ""
    cube = oa.read_cube(table, incident, order_by=order, max_rejects=1, **build)
    expected, rejects = as_frame(frame, incident, **build)
    assert cube.rejects == rejects
    assert cube.frame.equals(expected)
    assert cube.frame.schema == expected.schema
    assert cube.claims + sum(rejects.values()) == len(frame)
    return cube


@pytest.mark.parametrize("sample", ["kakao-2022", "trams"])
def test_the_cube_of_bundled_claims_is_that_of_their_rows(load: Load, sample: str) -> None:
    path = bundled_claims(sample)
    assert path
    frame, incident = pl.read_parquet(path), oa.load_incident(sample)
    dimensions = ("service", "claimant_type", "filed_on", *(d.id for d in incident.dimensions))
    cube = check_equal(load(frame), frame, incident, dimensions=dimensions)
    assert cube.synthetic


def test_faults_are_counted_as_in_a_data_frame(load: Load, incident: oa.Incident) -> None:
    frame = faulty_claims(12_000)
    table = load(frame)
    cube = check_equal(
        table, frame, incident, dimensions=("service", "region"), bands=Bands((50_000, 300_000))
    )
    assert not cube.synthetic
    assert len(cube.rejects or {}) == 17
    again = oa.read_cube(
        table,
        incident,
        dimensions=("service", "region"),
        bands=Bands((50_000, 300_000)),
        order_by="row",
        max_rejects=1,
    )
    assert again.frame.equals(cube.frame)


def test_without_an_order_every_row_of_an_ambiguous_id_is_rejected(load: Load, incident: oa.Incident) -> None:
    frame = faulty_claims(2_000)
    _, rejects = as_frame(frame, incident)
    cube = oa.read_cube(load(frame), incident, max_rejects=1)
    claims = oa.read_claims(frame, incident, max_rejects=1)
    repeated = "claim_id is not repeated"
    ambiguous = claims.rejected_rows.filter(pl.col("broken").list.first() == repeated)["claim_id"].unique()
    copies = claims.rejected_rows.filter(
        pl.col("claim_id").is_in(ambiguous.implode()), pl.col("kept_row").is_not_null()
    )
    assert (cube.rejects or {})[repeated] == len(copies) + len(ambiguous)
    assert cube.claims == len(claims) - len(ambiguous)
    assert (cube.rejects or {}).keys() == rejects.keys()


TYPED: dict[str, dict[str, pl.Series]] = {
    "whole numbers": {"loss": pl.Series([12, 3, None, 100], dtype=pl.Int32)},
    "decimals": {},
    "three decimals": {"loss": ROWS["loss"].cast(pl.Decimal(38, 3))},
    "many decimals": {"loss": ROWS["loss"].cast(pl.Decimal(38, 20))},
    "fractions of a cent": {"loss": pl.Series(["12.5", "3.001", None, "0.0050"]).cast(pl.Decimal(38, 4))},
    "huge numbers": {"loss": pl.Series([10**13 - 1, 10**13, 9 * 10**18, -1])},
    "huge decimals": {
        "loss": pl.Series(["9999999999999.99", "10000000000000", "1e30", None]).cast(pl.Decimal(38, 4))
    },
    "whole ids": {"claim_id": pl.Series([1, 0, 2, -7]), "claimant_id": pl.Series([0, 1, None, 12])},
    "times": {"filed_on": NAIVE},
    "times of a zone": {"filed_on": NAIVE.dt.replace_time_zone("UTC")},
    "times beside days": {"filed_at": NAIVE},
    "times of a zone beside days": {"filed_at": NAIVE.dt.replace_time_zone("UTC")},
    "times instead of days": {"filed_on": NAIVE, "filed_at": NAIVE},
    "currency": {"currency": pl.Series(["EUR", "€", None, "euro"])},
    "marks": {"synthetic": pl.Series(["no", None, " yes ", "0"])},
    "flags": {"synthetic": pl.Series([False, True, None, False])},
}


@pytest.mark.parametrize("kind", TYPED)
def test_typed_values_are_read_as_in_a_data_frame(load: Load, kind: str) -> None:
    columns = TYPED[kind]
    frame = ROWS.with_columns(**columns)
    table = load(frame)
    times = [c for c in columns if columns[c].dtype.is_temporal()]
    if times and table.get_backend().name == "pyspark":
        with pytest.raises(
            UsageError, match=r"has a type from which .* is not read.*to_date.from_utc_timestamp"
        ):
            oa.read_cube(table, shop())
        return
    cube = check_equal(table, frame, shop(), dimensions=("service", "filed_on"))
    assert cube.synthetic == (kind in ("marks", "flags"))


CLAIM = {"claim_id": "a", "service": "app", "filed_on": date(2026, 1, 16), "loss": 5}
RICH: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "rows that break a rule": (
        {"loss": SHOP["loss"] | {"plausible_to": 1_000}},
        [
            *({"filed_on": date(2026, month, 1)} for month in (1, 3)),
            {},
            {},
            {"loss": 3},
            {"claim_id": "b", "loss": 50},
            {"claim_id": "c", "loss": 5},
            {"claim_id": "c", "loss": 5},
        ],
    ),
    "negative losses are zero": (
        {"loss": SHOP["loss"] | {"negative": "zero"}},
        [{"loss": -5}, {"loss": 0}, {"loss": 1}],
    ),
    "negative losses have bands": (
        {"loss": SHOP["loss"] | {"negative": "band"}},
        [{"claim_id": str(n), "loss": n} for n in (-1, -5, 0, 1, -(10**13), None)],
    ),
    "numbers in bands": (
        {"dimension": [{"id": "delay", "name": {"en": "Delay"}, "kind": "number", "edges": [10, 20]}]},
        [{"claim_id": f"n{n}", "delay": n} for n in (-1, 9, 10, 11, 20, 21, None, 10**15)],
    ),
    "decisions": (
        {
            "dimension": [
                {"id": "state", "name": {"en": "State"}, "kind": "decision"},
                {"id": "sum", "name": {"en": "Paid"}, "kind": "paid"},
            ]
        },
        [
            {"claim_id": f"n{n}", "state": state, "sum": paid}
            for n, (state, paid) in enumerate(
                [
                    ("filed", None),
                    ("In Review", 0),
                    ("지급 완료", 7),
                    ("paid", None),
                    ("paid", -1),
                    ("refused", 3),
                    (None, None),
                    ("", 0),
                    ("who knows", None),
                    (" Accepted", None),
                    (None, 4),
                ]
            )
        ],
    ),
    "missing texts": (
        {"missing": ["Keine", "-"], "dimension": [{"id": "memo", "name": {"en": "Memo"}}]},
        [
            {"claim_id": c, "memo": m}
            for c, m in (("a", "keine"), ("b", " KEINE "), ("c", "-"), ("-", "x"), ("d", "d"))
        ],
    ),
    "scaled": (
        {"scale": {"loss": 1000}},
        [{"claim_id": str(n), "loss": n} for n in (1, 12, 10**10 - 1, 10**10, 10**11)],
    ),
}


@pytest.mark.parametrize("kind", RICH)
def test_what_an_incident_says_holds_in_an_engine(load: Load, kind: str) -> None:
    changes, rows = RICH[kind]
    frame = pl.DataFrame([CLAIM | row for row in rows], infer_schema_length=None).with_row_index("row")
    incident = shop(**changes)
    dimensions = ("service", "filed_on", *(d.id for d in incident.dimensions if d.kind != "paid"))
    check_equal(load(frame.cast({"row": pl.Int64})), frame, incident, dimensions=dimensions)


def test_a_dimension_may_have_the_name_of_anything(load: Load) -> None:
    names = ("order", "first", "rows", "kept", "paid", "text", "rule1")
    incident = shop(dimension=[{"id": name, "name": {"en": name}} for name in names])
    frame = ROWS.with_columns(**{name: pl.Series(["x", "y", None, "x"]) for name in names}).with_row_index(
        "row"
    )
    check_equal(load(frame.cast({"row": pl.Int64})), frame, incident, dimensions=("service", *names))


def with_column(name: str, values: list[Any], kind: pl.DataType | None = None) -> pl.DataFrame:
    return ROWS.with_columns(pl.Series(name, values, dtype=kind))


REPEATED = with_column("claim_id", ["a", "a", "c", "d"])
REFUSED: dict[str, tuple[pl.DataFrame, dict[str, Any], type[OutageAnalysisError], str]] = {
    "no losses": (ROWS.drop("loss"), {}, UsageError, "the column loss is missing"),
    "float losses": (with_column("loss", [1.5, 2, 3, 4]), {}, UsageError, "loss: has a type .*float64"),
    "losses as text": (
        with_column("loss", ["1", "2", "3", "4"]),
        {},
        UsageError,
        "loss: has a type .*string",
    ),
    "days as text": (with_column("filed_on", ["2026-01-15"] * 4), {}, UsageError, "filed_on: has a type"),
    "services as numbers": (with_column("service", [1, 2, 3, 4]), {}, UsageError, "service: has a type"),
    "a unit in a header": (
        ROWS.rename({"loss": "loss (thousand EUR)"}),
        {"columns": {"loss": ("loss (thousand EUR)",)}},
        UsageError,
        "says a unit in its header",
    ),
    "another currency": (
        with_column("currency", ["EUR", "USD", "EUR", "EUR"]),
        {},
        InputRefused,
        "rows in several currencies",
    ),
    "a computed day": (
        ROWS,
        {"computed": {"filed_on": ("date", "time")}},
        UsageError,
        "is computed by the layout",
    ),
    "half cents": (ROWS, {"scale": {"loss": 0.005}}, UsageError, "a fraction of the smallest unit"),
    "too many rejects": (
        with_column("service", ["x", "App", "x", "Web shop"]),
        {},
        InputRefused,
        "2 of 4 rows .*50% .*'service is known' 2.*max_rejects=0.5",
    ),
    "no rows": (ROWS.clear(), {}, InputRefused, "has no rows"),
    "no such dimension": (ROWS, {"read": {"dimensions": ["filed_hour"]}}, UsageError, "no such dimension"),
    "no such order": (
        ROWS,
        {"read": {"order_by": "loaded"}},
        UsageError,
        "order_by is no column of the table",
    ),
    "an order with ties": (
        REPEATED.with_columns(row=pl.lit(1)),
        {"read": {"order_by": "row"}},
        InputRefused,
        "order_by does not say which",
    ),
    "an order with gaps": (
        REPEATED.with_columns(row=pl.Series([None, 1, 2, 3])),
        {"read": {"order_by": "row"}},
        InputRefused,
        "order_by does not say which",
    ),
    "personal data": (
        with_column("memo", ["010-1234-5678", "b", "c", "d"]),
        {"dimension": [{"id": "memo", "name": {"en": "Memo"}}], "read": {"dimensions": ["memo"]}},
        DisclosureBlocked,
        "holds what looks like",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_table_that_cannot_be_read_is_refused_in_one_line(kind: str) -> None:
    frame, changes, error, said = REFUSED[kind]
    read = changes.pop("read", {}) if "read" in changes else {}
    with pytest.raises(error, match=said) as refused:
        oa.read_cube(duckdb_loader()(frame), shop(**changes), **read)
    assert "\n" not in str(refused.value)


def test_what_is_no_table_or_has_too_many_texts_is_refused() -> None:
    with pytest.raises(UsageError, match=r"is no table of ibis .*DataFrame"):
        oa.read_cube(ROWS, shop())
    many = pl.select(service=pl.int_range(10_001).cast(pl.String), claim_id=pl.int_range(10_001))
    many = many.with_columns(filed_on=date(2026, 1, 16), loss=1)
    with pytest.raises(UsageError, match="service: has 10,000 different texts or more"):
        oa.read_cube(duckdb_loader()(many), shop())


def test_an_expression_is_read_like_a_table(incident: oa.Incident) -> None:
    frame = faulty_claims(400)
    table = duckdb_loader()(frame)
    chosen = table.filter(table.filed_on <= ibis.date("2022-10-20")).mutate(loss=table.loss + 0)
    check_equal(chosen, frame.filter(pl.col("filed_on") <= date(2022, 10, 20)), incident)


# --- a report ---------------------------------------------------------------------------------------------


def test_a_run_of_a_cube_is_that_of_its_claims_and_its_report_is_verified(tmp_path: Path) -> None:
    path = bundled_claims("kakao-2022")
    assert path
    policy = oa.load_policy("kakao-2022")
    frame = pl.read_parquet(path)
    cube = oa.read_cube(duckdb_loader()(frame), "kakao-2022", policy=policy)
    analysis = oa.run(cube, policy=policy, draws=1024)
    of_claims = oa.run(oa.load_sample("kakao"), policy=policy, draws=1024)
    assert analysis.claims_costs is not None
    assert of_claims.claims_costs is not None
    amounts = ["line", "over", "up_to", "count", "expected"]
    assert analysis.claims_costs.select(amounts).equals(of_claims.claims_costs.select(amounts))
    report = analysis.report(tmp_path / "report", formats="csv").parent
    saved = tmp_path / "cube-synthetic.parquet"
    oa.save_cube(cube, saved)
    assert command("verify", report, "--integrity")[0] == 0
    assert command("verify", report)[0] == 2
    code, out, _ = command("verify", report, "--claims", saved)
    assert (code, "byte for byte" in out) == (0, True)
    (read,) = json.loads((report / "manifest.json").read_text("utf-8"))["inputs"]
    assert (read["rows"], read["claims"], read["rejects"]) == (len(frame), cube.claims, 0)
    oa.save_cube(oa.read_cube(duckdb_loader()(frame.head(50_000)), "kakao-2022", policy=policy), saved)
    assert command("verify", report, "--claims", saved)[0] == 1


# --- engines that fail ------------------------------------------------------------------------------------


def check_engine_failed(table: Any, incident: oa.Incident, said: str) -> None:  # noqa: ANN401
    with pytest.raises(EnvironmentFailed, match=f"the engine failed: .*{said}") as failed:
        oa.read_cube(table, incident)
    assert failed.value.exit_code == 6
    assert "\n" not in str(failed.value)
    assert "Check the connection" in failed.value.remedy


def test_a_stopped_postgresql_server_is_one_line() -> None:
    with postgresql_server() as (address, stop):
        connection = connect_postgresql(address)
        table = load_into_postgresql(connection, ROWS)
        oa.read_cube(table, shop())
        stop()
        check_engine_failed(table, shop(), "connection|terminating")


def test_a_stopped_spark_server_is_one_line(tmp_path: Path) -> None:
    with spark_server() as (connection, stop):
        table = load_into_spark(connection, ROWS, tmp_path)
        oa.read_cube(table, shop())
        stop()
        check_engine_failed(table, shop(), "")


def test_an_interrupted_or_failing_query_of_duckdb_is_one_line(tmp_path: Path) -> None:
    connection = ibis.duckdb.connect()
    ROWS.write_parquet(tmp_path / "rows.parquet")
    table = connection.read_parquet(tmp_path / "rows.parquet", table_name="rows")
    (tmp_path / "rows.parquet").unlink()
    check_engine_failed(table, shop(), "No files found")


EVERY = 20
"""One row in so many is at fault."""
FAULTS: list[dict[str, object]] = [
    {"claim_id": ""},
    {"claim_id": None},
    {"claim_id": "없음"},
    {"claim_id": "N/A"},
    {"claim_id": "--"},
    {"claim_id": " \u3000"},
    {"claim_id": "1.000123E+11"},
    {"claim_id": "two\nlines"},
    {"claimant_id": "1,23e+12"},
    {"claimant_id": "a\u2028b"},
    {"claimant_id": "000"},
    {"claimant_id": None},
    {"service": "no such service"},
    {"service": ""},
    {"service": None},
    {"service": " kakao-talk "},
    {"service": "ＫａｋａｏＴａｌｋ"},  # noqa: RUF001
    {"claimant_type": "nobody"},
    {"claimant_type": "\u00a0"},
    {"filed_on": None},
    {"filed_on": date(2021, 10, 15)},
    {"filed_on": date(2030, 1, 1)},
    {"loss": -1},
    {"loss": -(10**17)},
    {"loss": 10**15},
    {"loss": 10**15 - 1},
    {"loss": 2**63 - 1},
    {"loss": None},
    {"loss": 0},
    {"region": " capital "},
    {"region": ""},
    {"claim_id": "claim_id", "service": "service", "claimant_type": "claimant type", "filed_on": None},
    {"service": "nobody", "loss": -5, "filed_on": None},
    {"synthetic": None},
]


def faulty_claims(rows: int) -> pl.DataFrame:
    """Bundled claims, repeated up to a number of rows, with faults; `row` is the number of the row.

    At the end are exact copies, copies with another spelling, and rows whose id another claim has.
    """
    path = bundled_claims("kakao-2022")
    assert path
    bundled = pl.read_parquet(path)
    many = pl.concat(
        [bundled.with_columns(pl.col("claim_id") + f"-{n}") for n in range(-(-rows // len(bundled)))]
    )
    clean = many.head(rows)
    number = pl.int_range(pl.len())
    fault = pl.when(number % EVERY == EVERY - 1).then(number // EVERY % len(FAULTS))
    marked = clean.with_columns(fault.alias("fault"), pl.lit(value=False).alias("synthetic"))
    frame = marked.with_columns(
        pl.coalesce(
            pl.when(
                pl.col("fault")
                .is_in([n for n, fault in enumerate(FAULTS) if name in fault])
                .fill_null(value=False)
            )
            .then(
                pl.col("fault").replace_strict(
                    {n: fault[name] for n, fault in enumerate(FAULTS) if name in fault},
                    default=None,
                    return_dtype=kind,
                )
            )
            .otherwise(pl.col(name))
        ).alias(name)
        for name, kind in clean.schema.items()
    ).drop("fault")
    some = clean.filter(pl.int_range(pl.len()) % 101 == 0).with_columns(synthetic=pl.lit(value=False))
    again = [
        some[::3],
        some[::6],
        some[1::3].with_columns(service=pl.col("service").str.to_uppercase() + " "),
        some[2::3].with_columns(loss=pl.col("loss").fill_null(7) + 1),
        some[2::6].with_columns(claimant_id=pl.lit("another")),
    ]
    return pl.concat([frame, *again]).with_row_index("row").cast({"row": pl.Int64})
