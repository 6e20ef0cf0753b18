"""The same complaints give the same claims in every format, and every count is what plain Python counts."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
import xlsxwriter
import zstandard
from hypothesis import given, settings, strategies as st

import outage_analysis as oa
from tests.contract.command_line import answered, outage_analysis
from tests.contract.damaged_files.container_kinds import open_document, zipped

INCIDENT = """\
id = "reading-2026"
name = { en = "Reading", ko = "읽기" }
currency = "KRW"
time_zone = "Asia/Seoul"
outage = { start = 2026-03-01T06:00:00+09:00, end = 2026-03-01T18:00:00+09:00 }
claims_from = 2026-03-01
claims_to = 2026-03-31
loss = { name = { en = "Stated loss", ko = "피해액" }, unit = "KRW", plausible_to = 900_000_000 }
service = [
  { id = "messenger", name = { en = "Messenger", ko = "메신저" } },
  { id = "bank", name = { en = "Bank", ko = "뱅크" } },
  { id = "taxi", name = { en = "Taxi", ko = "택시" } },
]
claimant_type = [{ id = "person", name = { en = "Person", ko = "개인" } }]
dimension = [{ id = "region", name = { en = "Region", ko = "지역" } }]

[columns]
claim_id = ["접수번호"]
claimant_id = ["고객번호"]
service = ["서비스"]
claimant_type = ["구분"]
filed_on = ["접수일"]
loss = ["피해액"]
region = ["지역"]
"""
COLUMNS = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss", "region")
KOREAN = ("접수번호", "고객번호", "서비스", "구분", "접수일", "피해액", "지역")
REGIONS = {"north": "서울", "south": "부산"}
LOCAL = {"messenger": "메신저", "bank": "뱅크", "taxi": "택시", "person": "개인", **REGIONS}


class Complaint(NamedTuple):
    """A complaint, with the columns of `COLUMNS`."""

    claim_id: str
    claimant_id: str
    service: str
    claimant_type: str
    filed_on: date
    loss: int | None
    region: str


LOSSES = [
    *(("messenger", 0), ("messenger", 1), ("messenger", 120_000), ("messenger", None)),
    *(("bank", 299_999), ("bank", 300_000), ("bank", 300_001), ("bank", 450_000)),
    *(("taxi", 500_000), ("taxi", 500_001), ("taxi", 12_345_678), ("taxi", None)),
]
ROWS = [
    Complaint(f"{n:03}", f"c{n % 9}", service, "person", date(2026, 3, 1 + n), loss, list(REGIONS)[n % 2])
    for n, (service, loss) in enumerate(LOSSES)
]
"""Losses on, below and above the edges of the bands; ids with leading zeros."""
BANDS = (0, 300_000, 500_000)


def incident(folder: Path) -> oa.Incident:
    """The incident of the complaints."""
    path = folder / "incident.toml"
    path.write_text(INCIDENT, "utf-8")
    return oa.load_incident(path)


def expected_by(rows: list[Complaint], *columns: str) -> dict[tuple[object, ...], tuple[int, int | None]]:
    """(values of the columns, upper edge) -> claims and losses; `unstated` for losses that are not stated."""
    counts: Counter[tuple[object, ...]] = Counter()
    losses: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        up_to: object = "unstated"
        if row.loss is not None:
            up_to = next((edge for edge in BANDS if row.loss <= edge), None)
        key = (*(getattr(row, column) for column in columns), up_to)
        counts[key] += 1
        losses[key] += row.loss or 0
    return {key: (n, None if key[-1] == "unstated" else losses[key]) for key, n in counts.items()}


def counted_by(claims: oa.Claims, *columns: str) -> dict[tuple[object, ...], tuple[int, int | None]]:
    """What `by` counts, in the form of `expected_by`; combinations without a claim are left out."""
    found: dict[tuple[object, ...], tuple[int, int | None]] = {}
    for row in claims.by(*columns, bands=BANDS).iter_rows(named=True):
        up_to = "unstated" if (row["over"], row["up_to"]) == (None, None) else row["up_to"]
        if row["claims"]:
            found[(*(row[column] for column in columns), up_to)] = row["claims"], row["loss"]
    return found


def complaints_in(claims: oa.Claims) -> list[Complaint]:
    """The claims, in their order."""
    return [Complaint(*row) for row in claims.to_polars().select(COLUMNS).rows()]


# --- formats ------------------------------------------------------------------------------------------------


def cells(row: Complaint) -> list[str]:
    """A complaint as texts."""
    return ["" if cell is None else str(cell) for cell in row]


def delimited(
    delimiter: str = ",",
    headers: tuple[str, ...] = COLUMNS,
    loss: Callable[[int], str] = str,
    *,
    local: bool = False,
    end: str = "\n",
) -> str:
    """The complaints as delimited text."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end)
    writer.writerow(headers)
    for row in ROWS:
        texts = [*cells(row)[:5], "" if row.loss is None else loss(row.loss), row.region]
        writer.writerow([LOCAL.get(text, text) for text in texts] if local else texts)
    return stream.getvalue()


def objects() -> list[dict[str, object]]:
    """The complaints as JSON objects."""
    return [{**row._asdict(), "filed_on": row.filed_on.isoformat()} for row in ROWS]


def xlsx() -> bytes:
    """The complaints as a workbook with numbers and days."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("list")
    sheet.write_row(0, 0, COLUMNS)
    for n, row in enumerate(ROWS, start=1):
        for c, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(n, c, cell)
            elif isinstance(cell, int):
                sheet.write_number(n, c, cell)
            elif cell is not None:
                sheet.write_string(n, c, cell)
    book.close()
    return stream.getvalue()


def parquet() -> bytes:
    """The complaints as a Parquet file with typed columns."""
    stream = io.BytesIO()
    pl.DataFrame(ROWS, schema=list(COLUMNS), orient="row").write_parquet(stream)
    return stream.getvalue()


def european(loss: int) -> str:
    """120.000,00."""
    return f"{loss:,}".replace(",", ".") + ",00"


def ten_thousands(loss: int) -> str:
    """30.0001 for 300,001 won under a header in 만원."""
    return f"{loss // 10_000}.{loss % 10_000:04}"


def korean_words(loss: int) -> str:
    """30만1원 for 300,001 won, and 12만원 for 120,000."""
    above, rest = divmod(loss, 10_000)
    return f"{above}만{rest or ''}원" if above else f"{rest}원"


def in_either_unit(loss: int) -> str:
    """12만원 or, under a header in 만원, 30.0001."""
    return f"{loss // 10_000}만원" if loss and loss % 10_000 == 0 else ten_thousands(loss)


PLAIN = delimited()
UNITS = (*KOREAN[:5], "피해액(만원)", KOREAN[6])
FORMATS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "csv": (".csv", PLAIN.encode, ""),
    "csv with a mark": (".csv", lambda: PLAIN.encode("utf-8-sig"), ""),
    "csv with CR LF": (".csv", delimited(end="\r\n").encode, ""),
    "tsv": (".tsv", delimited("\t").encode, ""),
    "utf-16": (".csv", lambda: PLAIN.encode("utf-16"), ""),
    "gz": (".csv.gz", lambda: gzip.compress(PLAIN.encode()), ""),
    "zst": (".csv.zst", lambda: zstandard.compress(PLAIN.encode()), ""),
    "zip": (".zip", lambda: zipped({"a/list.csv": PLAIN.encode(), "README.txt": b"x"}), ""),
    "xlsx": (".xlsx", xlsx, ""),
    "ods": (".ods", lambda: open_document([COLUMNS, *map(cells, ROWS)]), ""),
    "parquet": (".parquet", parquet, ""),
    "json lines": (".jsonl", lambda: "".join(json.dumps(o) + "\n" for o in objects()).encode(), ""),
    "json array": (".json", lambda: json.dumps(objects(), indent=1).encode(), ""),
    "json in an object": (".json", lambda: json.dumps({"made": 1, "rows": objects()}).encode(), ""),
    "semicolons and decimal commas": (
        ".csv",
        delimited(";", loss=european).encode,
        '[formats]\nloss = ["european"]\n',
    ),
    "grouped thousands": (
        ".csv",
        delimited(loss=lambda n: f"{n:,}").encode,
        '[formats]\nloss = ["grouped"]\n',
    ),
    "korean": (".csv", lambda: delimited(headers=KOREAN, local=True).encode("cp949"), ""),
    "korean words for amounts": (
        ".csv",
        delimited(headers=KOREAN, local=True, loss=korean_words).encode,
        '[formats]\nloss = ["won", "korean"]\n',
    ),
    "a header in ten thousands of won above some cells with a unit of their own": (
        ".csv",
        delimited(headers=UNITS, local=True, loss=in_either_unit).encode,
        '[columns]\nloss = ["피해액(만원)"]\n[scale]\nloss = 10000\n[formats]\nloss = ["plain", "korean"]\n',
    ),
    "a header in ten thousands of won": (
        ".csv",
        delimited(headers=UNITS, local=True, loss=ten_thousands).encode,
        '[columns]\nloss = ["피해액(만원)"]\n[scale]\nloss = 10000\n',
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_claims_and_the_same_table(tmp_path: Path, name: str) -> None:
    suffix, content, layout = FORMATS[name]
    path = tmp_path / f"list{suffix}"
    path.write_bytes(content())
    layouts = []
    if layout:
        (tmp_path / "layout.toml").write_text(layout, "utf-8")
        layouts = [oa.load_layout(tmp_path / "layout.toml")]
    claims = oa.read_claims(path, incident(tmp_path), layouts=layouts)
    regions = REGIONS if "korean" in name or "ten thousands" in name else {}
    expected = [row._replace(region=regions.get(row.region, row.region)) for row in ROWS]
    assert complaints_in(claims) == expected
    assert claims.files.rows() == [(path.name, 12, 12, 0)]
    assert counted_by(claims, "service") == expected_by(ROWS, "service")


EURO_AMOUNTS: list[tuple[str, list[str], list[float], int]] = [
    ("loss", ["12,50 €", "1.300,05 €", "7,00 €"], [12.5, 1_300.05, 7], 0),
    ("loss (EUR)", ["300.000", "12.50", "7"], [12.5, 7], 1),  # 300 or 300,000
    ("loss (EUR)", ["12.05", "0.99", "100"], [12.05, 0.99, 100], 0),
    ("loss", ["300.000원", "300.5원", "300,000원", "30만 원", "₩5,000"], [300_000, 300_000, 5_000], 2),
]


@pytest.mark.parametrize("mark", ["true", "TRUE", " True "])
def test_a_row_that_says_that_it_is_synthetic_keeps_the_mark(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"claim_id,service,filed_on,loss (KRW),synthetic\n1,App,2026-01-15,5,{mark}\n", "utf-8")
    assert oa.read_claims(path).synthetic


def test_an_error_in_a_cell_of_a_sheet_costs_its_own_row(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "list.xlsx")
    sheet = book.add_worksheet("list")
    sheet.write_row(0, 0, ["claim_id", "service", "filed_on", "loss (KRW)"])
    for n, loss in enumerate([100, 200, 300, 400], start=1):
        sheet.write_row(n, 0, [str(n), "App", "2026-01-15", loss])
    sheet.write_formula(2, 3, "=NA()", None, "#N/A")
    book.close()
    claims = oa.read_claims(tmp_path / "list.xlsx", max_rejects=1)
    assert claims.to_polars()["claim_id"].to_list() == ["1", "3", "4"]
    assert claims.to_polars()["loss"].to_list() == [100, 300, 400]
    assert claims.rejects["row"].to_list() == [3]


@pytest.mark.parametrize(("header", "texts", "euros", "rejects"), EURO_AMOUNTS)
def test_euros_are_read_to_the_cent_or_rejected(
    tmp_path: Path, header: str, texts: list[str], euros: list[float], rejects: int
) -> None:
    rows = "".join(f'{n};App;2026-01-{15 + n};"{text}"\n' for n, text in enumerate(texts))
    (tmp_path / "list.csv").write_text(f"claim_id;service;filed_on;{header}\n{rows}", "utf-8")
    claims = oa.read_claims(tmp_path / "list.csv", max_rejects=1)
    assert (claims.to_polars()["loss"].to_list(), len(claims.rejects)) == (euros, rejects)
    if claims.incident.currency == "EUR":
        assert re.search(r"up to 12\.05\b", str(claims.by(bands=[12.05])))


def test_every_sheet_with_a_header_is_read_and_a_sheet_that_is_left_out_is_named(tmp_path: Path) -> None:
    """The second sheet has fewer columns, in another order; the third has a title; the last is a note."""
    few = ("service", "claimant_type", "claim_id", "filed_on", "region", "loss")
    sheets: dict[str, tuple[tuple[str, ...], list[Complaint]]] = {
        "north": (COLUMNS, ROWS[:5]),
        "south": (few, ROWS[5:7]),
        "east": (COLUMNS[::-1], ROWS[7:]),
    }
    book = xlsxwriter.Workbook(tmp_path / "list.xlsx")
    for name, (columns, rows) in sheets.items():
        sheet = book.add_worksheet(name)
        texts = [[str(x) if (x := getattr(row, c)) is not None else "" for c in columns] for row in rows]
        top = [["Complaints"], []] if name == "east" else []
        for n, line in enumerate([*top, columns, *texts]):
            sheet.write_row(n, 0, line)
    book.add_worksheet("remarks").write_row(0, 0, ["Called", "back"])
    book.close()
    (tmp_path / "layout.toml").write_text('sheet = "*"\n', "utf-8")
    layout = oa.load_layout(tmp_path / "layout.toml")
    claims = oa.read_claims(tmp_path / "list.xlsx", incident(tmp_path), layouts=[layout])
    expected = [row._replace(claimant_id=row.claim_id) if row in ROWS[5:7] else row for row in ROWS]
    assert sorted(complaints_in(claims), key=lambda row: row.claim_id) == expected
    counted = claims.files.select("rows", "claims", "rejects").rows()
    assert sorted(counted) == [(2, 2, 0), (5, 5, 0), (5, 5, 0)]
    where = ("--incident", tmp_path / "incident.toml")
    read = outage_analysis("ingest", tmp_path / "list.xlsx", *where, "--columns", tmp_path / "layout.toml")
    assert (read.code, "remarks" in read.out + read.err) == (0, True), read.err
    code, out, err = outage_analysis("ingest", tmp_path / "list.xlsx", *where)
    assert (code, out) == (3, "")  # two sheets have all columns: which one?
    assert "north" in err
    assert "east" in err


# --- rejects and duplicates ---------------------------------------------------------------------------------


def test_copies_and_repeated_ids_are_rejected_once_each_and_name_their_row(tmp_path: Path) -> None:
    lines = PLAIN.splitlines()
    other = lines[3].replace("120000", "130000")
    path = tmp_path / "list.csv"
    path.write_text("\n".join([*lines, lines[5], other, lines[5], lines[4].replace("003", "999")]), "utf-8")
    claims = oa.read_claims(path, incident(tmp_path), max_rejects=1)
    assert [row.claim_id for row in complaints_in(claims)] == [*(row.claim_id for row in ROWS), "999"]
    assert complaints_in(claims)[:12] == ROWS
    assert claims.rejects["row"].to_list() == [14, 15, 16]
    rules = claims.rejects["rule"].to_list()
    assert rules[0] == rules[2] != rules[1]  # an exact copy is not the same as another complaint of one id
    assert claims.files.rows() == [("list.csv", 16, 13, 3)]


def test_a_complaint_in_two_files_is_counted_once(tmp_path: Path) -> None:
    lines = PLAIN.splitlines(keepends=True)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("".join(lines[:9]), "utf-8")
    paths[1].write_text("".join([*lines[:2], *lines[7:]]), "utf-8")  # the first in the same row as in a.csv
    claims = oa.read_claims(paths, incident(tmp_path), max_rejects=1)
    assert complaints_in(claims) == ROWS
    assert claims.files.rows() == [("a.csv", 8, 8, 0), ("b.csv", 7, 4, 3)]


def test_each_broken_value_is_a_reject_with_its_row_column_and_value(tmp_path: Path) -> None:
    broken = {
        "service": "telegram",
        "claimant_type": "a cat",
        "filed_on": "2026-02-30",
        "loss": "-5",
        "claim_id": "",
    }
    rows = [dict(zip(COLUMNS, cells(ROWS[n]), strict=True)) for n in range(12)]
    for n, (column, text) in enumerate(broken.items()):
        rows[2 * n][column] = text
    rows[11]["filed_on"] = "2026-05-01"  # after the last day of filing
    rows[9]["loss"] = "900000001"  # more than is plausible
    path = tmp_path / "list.csv"
    pl.DataFrame(rows).write_csv(path)
    claims = oa.read_claims(path, incident(tmp_path), max_rejects=1)
    places = {2 + 2 * n: column for n, column in enumerate(broken)} | {11: "loss", 13: "filed_on"}
    assert dict(claims.rejects.select("row", "column").rows()) == places
    values = dict(claims.rejects.select("row", "value").rows())
    shown = [values[row].lstrip("'") for row in (6, 8, 11, 13)]
    assert shown == ["2026-02-30", "-5", "900000001", "2026-05-01"]
    assert all(claims.rejects["problem"].to_list())
    assert all(claims.rejects["remedy"].to_list())
    assert [row.claim_id for row in complaints_in(claims)] == ["001", "003", "005", "007", "010"]
    assert claims.files.rows() == [("list.csv", 12, 5, 7)]


def test_the_command_prints_the_rows_claims_and_rejects_of_each_file(tmp_path: Path) -> None:
    lines = PLAIN.splitlines(keepends=True)
    (tmp_path / "a.csv").write_text("".join(lines[:9]), "utf-8")
    (tmp_path / "b.csv").write_text("".join([lines[0], *lines[7:]]), "utf-8")
    incident(tmp_path)
    arguments = ("ingest", tmp_path / "a.csv", tmp_path / "b.csv", "--incident", tmp_path / "incident.toml")
    done = answered(*arguments, "--max-rejects", "50%")
    assert "14 rows = 12 claims + 2 rejects" in done.out
    as_json = json.loads(outage_analysis(*arguments, "--max-rejects", "50%", "--json").out)
    counted = [(f["rows"], f["claims"], f["rejects"]) for f in as_json["files"]]
    assert counted == [(8, 8, 0), (6, 4, 2)]
    assert outage_analysis(*arguments, "--max-rejects", "14%").code == 3  # 2 of 14 are more


# --- questions to the claims --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    """The twelve complaints."""
    folder = tmp_path_factory.mktemp("reading")
    (folder / "list.csv").write_text(PLAIN, "utf-8")
    return oa.read_claims(folder / "list.csv", incident(folder))


@pytest.mark.parametrize("suffix", [".parquet", ".duckdb"])
def test_saved_claims_are_read_as_they_were(tmp_path: Path, claims: oa.Claims, suffix: str) -> None:
    oa.save_claims(claims, tmp_path / f"kept{suffix}")
    again = oa.read_claims(tmp_path / f"kept{suffix}", claims.incident)
    assert complaints_in(again) == ROWS
    assert counted_by(again, "service", "region") == expected_by(ROWS, "service", "region")
    assert again.files["rows"].sum() == 12


@pytest.mark.parametrize("columns", [(), ("service",), ("region", "service"), ("filed_on",)])
def test_tables_by_dimension_and_band_are_those_of_plain_python(
    claims: oa.Claims, columns: tuple[str, ...]
) -> None:
    assert counted_by(claims, *columns) == expected_by(ROWS, *columns)
    frame = claims.by(*columns, bands=BANDS)
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["claims"].sum() == 12
    if columns:
        totals = claims.by(*columns)
        plain = Counter(tuple(getattr(row, c) for c in columns) for row in ROWS)
        assert {row[:-3]: row[-3] for row in totals.rows()} == dict(plain)


def test_joined_columns_are_dimensions_and_multiply_no_claim(claims: oa.Claims) -> None:
    customers = pl.DataFrame({"claimant_id": [f"c{n}" for n in range(5)], "segment": list("ababa")})
    segments = dict(customers.rows())
    joined = claims.join(customers)
    counted = {row["segment"]: row["claims"] for row in joined.by("segment").iter_rows(named=True)}
    assert counted == dict(Counter(segments.get(row.claimant_id) for row in ROWS))
    matched = joined.filter(segment=["a", "b"])
    assert complaints_in(matched) == [row for row in ROWS if row.claimant_id in segments]
    with pytest.raises(Exception, match="c0") as refused:
        claims.join(pl.concat([customers, customers[:1]]))
    assert getattr(refused.value, "exit_code", None) == 2


def test_a_query_answers_what_plain_python_counts_and_changes_nothing(claims: oa.Claims) -> None:
    sql = (
        "select service, count(*) as n, sum(loss) as loss from claims "
        "where loss >= $least group by all order by all"
    )
    expected = []
    for service in ("bank", "taxi"):
        losses = [row.loss for row in ROWS if row.service == service and (row.loss or 0) >= 300_000]
        expected.append((service, len(losses), sum(loss or 0 for loss in losses)))
    assert claims.query(sql, least=300_000).rows() == expected
    frame = pl.DataFrame({"service": ["taxi"], "weight": [3]})
    weighed = claims.query("select sum(weight) as n from claims join weights using (service)", weights=frame)
    assert weighed.item() == 12
    assert claims.query("select rows, claims, rejects from files").rows() == [(12, 12, 0)]
    for statement in ("drop table claims", "select 1; drop view claims", "copy claims to 'x.csv'"):
        with pytest.raises(Exception) as refused:  # noqa: PT011 - its exit code says which
            claims.query(statement)
        assert getattr(refused.value, "exit_code", None) == 2, statement
    assert complaints_in(claims) == ROWS


@pytest.mark.slow
@given(
    losses=st.lists(
        st.none()
        | st.sampled_from([0, 1, 299_999, 300_000, 300_001, 500_000, 500_001])
        | st.integers(0, 10**8),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_losses_fall_into_the_bands_of_plain_python(
    tmp_path_factory: pytest.TempPathFactory, losses: list[int | None]
) -> None:
    folder = tmp_path_factory.mktemp("bands")
    rows = [row._replace(loss=loss) for row, loss in zip(ROWS, losses, strict=False)]
    pl.DataFrame(rows, schema=list(COLUMNS), orient="row").write_parquet(folder / "a.parquet")
    claims = oa.read_claims(folder / "a.parquet", incident(folder))
    assert counted_by(claims, "service") == expected_by(rows, "service")
    cube = oa.build_cube(claims, dimensions=("service",)).frame
    assert cube["claims"].sum() == len(rows)
    assert cube["loss"].sum() == sum(loss or 0 for loss in losses)
    assert cube["loss_squared"].sum() == sum((loss or 0) ** 2 for loss in losses)


def test_a_time_with_an_offset_is_of_the_day_in_the_zone_of_the_incident(tmp_path: Path) -> None:
    texts = ["2026-03-02T20:00:00Z", "2026-03-03T00:30:00+09:00", "2026-03-02T10:00:00-05:00", "2026-03-02"]
    rows = [f"{n},u{n},Bank,Person,{text},5,north" for n, text in enumerate(texts)]
    (tmp_path / "incident.toml").write_text(INCIDENT, "utf-8")
    (tmp_path / "a.csv").write_text("\n".join([",".join(COLUMNS), *rows]), "utf-8")
    days = oa.read_claims(tmp_path / "a.csv", tmp_path / "incident.toml").to_polars()["filed_on"]
    assert [day.day for day in days] == [3, 3, 3, 2]


def test_a_damaged_row_does_not_take_its_corrected_version_with_it(tmp_path: Path) -> None:
    rows = "1,App,2026-02-30,9000\n1,App,2026-03-02,9000\n2,App,2026-03-02,500\n"
    (tmp_path / "list.csv").write_text(f"claim_id,service,filed_on,loss (KRW)\n{rows}", "utf-8")
    claims = oa.read_claims(tmp_path / "list.csv", max_rejects=1)
    assert sorted(claims.to_polars()["claim_id"]) == ["1", "2"]
    assert claims.rejects["row"].to_list() == [2]


def test_real_rows_beside_synthetic_ones_do_not_remove_the_mark(tmp_path: Path) -> None:
    for name, mark in (("made", "true"), ("real", "false")):
        row = f"{name},R,rider,2025-03-12,40,single,{mark}\n"
        head = "claim_id,service,claimant_type,filed_on,loss,ticket,synthetic\n"
        (tmp_path / f"{name}.csv").write_text(head + row, "utf-8")
    both = oa.read_claims([tmp_path / "made.csv", tmp_path / "real.csv"], "trams")
    assert (len(both), both.synthetic) == (2, True)


def test_a_line_that_pays_per_claimant_counts_no_claim_after_the_day(tmp_path: Path) -> None:
    rows = [f"{n},c{n},App,2026-03-{1 + n:02d},{1_000 * n}\n" for n in range(1, 9)]
    (tmp_path / "list.csv").write_text(
        "claim_id,claimant_id,service,filed_on,loss (KRW)\n" + "".join(rows), "utf-8"
    )
    (tmp_path / "policy.toml").write_text(
        'id = "mine"\nname.en = "Mine"\ncurrency = "KRW"\nloss_unit = "KRW"\n[[line]]\nid = "cash"\n'
        'kind = "schedule"\ngrain = "claimant"\nname.en = "Cash"\npublic_on = 2026-03-01\n'
        'effort = "automatic"\nunknown = { fixed = 0 }\nband = [{ over = 0, fixed = 30_000 }]\n',
        "utf-8",
    )
    claims = oa.read_claims(tmp_path / "list.csv", rows="filed")
    costs = [
        oa.run(claims, policy=tmp_path / "policy.toml", as_of=f"2026-03-{day:02d}", draws=8192).expected
        for day in (4, 9)
    ]
    assert costs == [90_000, 240_000]
