"""Files that could be read wrongly without a warning: shifted columns, joined rows, stray quotation marks.

The examples are those of issue 21, E. Each row is a claim under the right columns, or a reject, or the file
is refused. The fast and the closer reading and that of JSON say the same, in every encoding.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

import outage_analysis as oa
from outage_analysis.claims import Claims, cell_values, delimited, read_claims
from outage_analysis.claims.cell_values import UNREADABLE
from outage_analysis.claims.delimited import DOUBTFUL_LINE, MERGED_ROWS, NOT_CLOSED, UNDECODABLE
from outage_analysis.errors import InputRefused, OutageAnalysisError, UsageError
from outage_analysis.incidents import Layout
from outage_analysis.losses import build_cube
from tests.claims.complaint_files import csv_incident, found_in_the_bytes, record, write_frame
from tests.claims.test_ingest_csv import HEADER, lines, refusal, row

NARROW = Layout(constants={"service": "카톡", "claimant_type": "개인", "region": "x"})
"""The layout of a file with the columns claim_id, filed_on and loss."""
NARROW_TEXT = Layout(constants={"service": "카톡", "claimant_type": "개인", "filed_on": "2022-10-19"})
"""The layout of a file with the columns claim_id, loss and region."""


def read(path: Path, text: str, *layouts: Layout) -> Claims:
    path.write_bytes(text.encode())
    claims = read_claims(path, csv_incident(), layouts=layouts, max_rejects=1)
    rows = claims.files.select("rows", "claims", "rejects").row(0)
    assert rows == (len(claims) + len(claims.rejected_rows), len(claims), len(claims.rejected_rows))
    assert found_in_the_bytes(claims, [path]) == len(claims.rejected_rows)
    return claims


def problems(claims: Claims) -> dict[int, str | None]:
    """Row -> what is wrong with a reject that cannot be read."""
    assert all(broken == [UNREADABLE] for broken in claims.rejected_rows["broken"].to_list())
    return dict(claims.rejected_rows.select("source_row", "problem").rows())


# --- shifted columns --------------------------------------------------------------------------------


def shifted(header: str, *fields: str) -> str:
    rows = (f"A-{n},카톡,개인,2022-10-19,{','.join(fields)}" for n in range(1, 4))
    return lines(f"claim_id,service,claimant_type,filed_on,{header}", *rows)


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("region,phone note,wait,loss,ticket", ("North", "none", "late", "3", "250", "")),
        # Only the shifted reading has amounts.
        ("region,phone note,loss,ticket", ("North", "none", "late", "250", "")),
        # The header lacks two delimiters, or one and each row ends in one too many.
        ("region,phone wait note,loss,t,u", ("N", "0", "1", "2", "250", "", "")),
        # Any text could be a region.
        ("loss,phone note,region,ticket", ("250", "none", "late", "North", "")),
        # The ticket would be the loss that nobody states in the reading without a shift.
        ("region,phone note,loss,ticket", ("North", "none", "", "250", "")),
    ],
)
def test_a_shift_that_no_column_contradicts_is_refused(
    tmp_path: Path, header: str, fields: tuple[str, ...]
) -> None:
    error = refusal(tmp_path / "a.csv", shifted(header, *fields))
    assert "Add the missing delimiter to the header: there, or at its end" in error.remedy
    assert (error.row, error.value) == (1, next(name for name in header.split(",") if "note" in name))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("loss,region", ("5", "North")),  # every header names a column
        ("loss,region,memo", ("5", "North", "m")),  # nothing is behind the memo
        ("region,memo,loss", ("North", "m", "5")),  # a shift would leave every loss empty
        ("memo,loss,region", ("m", "5", "North")),  # a shift would read North as a loss
        ("loss,memo,region", ("5", "m", "North")),  # a shift would leave every region empty
    ],
)
@pytest.mark.parametrize("surplus", [1, 2])
def test_rows_that_only_end_in_delimiters_are_read_and_reported(
    tmp_path: Path, header: str, fields: tuple[str, ...], surplus: int
) -> None:
    claims = read(tmp_path / "a.csv", shifted(header, *fields, *[""] * surplus))
    assert claims.to_polars().select("loss", "region").rows() == [(5, "North")] * 3
    assert claims.inputs[0].dialect.endswith(f"header in row 1, rows {surplus} wider than the header")


# --- rows that a stray mark joins ---------------------------------------------------------------------


def test_a_row_that_was_swallowed_is_never_part_of_an_id(tmp_path: Path) -> None:
    text = lines(
        *("claim_id,filed_on,loss", "A-0,2022-10-19,5"),
        *('"A-1,2022-10-19,100\nA-2",2022-10-20,250', "A-3,2022-10-21,7"),
    )
    claims = read(tmp_path / "a.csv", text, NARROW)
    assert claims.to_polars().select("source_row", "loss").rows() == [(2, 5), (4, 7)]
    assert problems(claims) == {3: MERGED_ROWS}


@pytest.mark.slow
@pytest.mark.parametrize("several_lines", [False, True])
def test_a_row_that_was_swallowed_is_never_part_of_a_region(tmp_path: Path, *, several_lines: bool) -> None:
    joined = 'A-1,100,"North\nA-2,250,South"'
    text = "one, two\nthree, four" if several_lines else "one, two, 3"
    whole = lines("claim_id,loss,region", "A-0,5,x", joined, f'A-3,7,"{text}"', "A-4,,y")
    claims = read(tmp_path / "a.csv", whole, NARROW_TEXT)
    assert claims.to_polars().select("claim_id", "region").rows() == [
        ("A-0", "x"),
        ("A-3", text),
        ("A-4", "y"),
    ]
    assert problems(claims) == {3: MERGED_ROWS}
    with patch.object(delimited, "_engine_query", lambda *_: None):
        assert summary_of(claims) == summary_of(read(tmp_path / "a.csv", whole, NARROW_TEXT))


# --- both readers ---------------------------------------------------------------------------------------

PIECES = [
    "a",
    ",",
    ", ",
    '"',
    '""',
    '",',
    ',"',
    "\n",
    "\n",
    "\r\n",
    "5",
    " ",
    "2022-10-19",
    row(7),
    row(8, '"q"'),
]


@pytest.mark.slow
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=30),
    top=st.sampled_from(
        [lines(HEADER, row(1)), lines(HEADER, row(1)).replace(",", ", "), lines(HEADER, row(1, '"q"'))]
    ),
    block=st.sampled_from([1, 2, 3, 7, 1 << 20]),
)
@settings(max_examples=60)
def test_the_engine_and_the_csv_module_read_any_text_alike_in_blocks_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], top: str, block: int
) -> None:
    path = tmp_path_factory.mktemp("both") / "a.csv"
    path.write_bytes((top + "".join(pieces)).encode())

    def outcome() -> object:
        try:
            return summary_of(read_claims(path, csv_incident(), max_rejects=1))
        except OutageAnalysisError as error:
            return str(error)

    with patch.object(delimited, "BLOCK_BYTES", block):
        by_the_engine = outcome()
    with patch.object(delimited, "_engine_query", lambda *_: None):
        assert by_the_engine == outcome()


# --- empty texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_an_empty_text_and_none_are_one_group_in_every_format(tmp_path: Path, suffix: str) -> None:
    regions = ["x", "", None, "x", " ", "\N{IDEOGRAPHIC SPACE}"]
    cells = [[f"A-{n}", "카톡", "개인", "2022-10-19", "5", region] for n, region in enumerate(regions)]
    path = write_frame(tmp_path / f"a.{suffix}", pl.DataFrame(cells, HEADER.split(","), orient="row"))
    claims = read_claims(path, csv_incident(), max_rejects=1)
    cube = build_cube(claims, dimensions=("region",)).frame
    assert dict(cube.group_by("region").agg(pl.col("claims").sum()).rows()) == {"x": 2, None: 4}


ROWS = [row(n) for n in range(1, 7)]


# --- bytes --------------------------------------------------------------------------------------------------


def in_two_encodings(one: str, other: str) -> bytes:
    """Six rows in one encoding, but the third in another."""
    texts = [f"{line}\n" for line in (HEADER, *ROWS)]
    return b"".join(text.encode(other if n == 3 else one) for n, text in enumerate(texts))


WHY: dict[str, tuple[bytes, list[str], dict[int, str]]] = {
    "several stray marks": (
        lines(HEADER, ROWS[0], '"' + ROWS[1], ROWS[2], row(4, '"x'), *ROWS[4:]).encode(),
        ["1", "3", "5", "6"],
        {3: NOT_CLOSED, 5: NOT_CLOSED},
    ),
    "lines that may belong to the note of a damaged row": (
        lines(HEADER, ROWS[0], row(2, '"he said "no",'), ROWS[2], 'and left"', ROWS[3]).encode(),
        ["1", "4"],
        {3: "", 4: DOUBTFUL_LINE, 5: DOUBTFUL_LINE},
    ),
    "no text on the last line": (lines(HEADER, *ROWS).encode() + b"\xff", [*"123456"], {8: UNDECODABLE}),
    "a line in CP949": (in_two_encodings("utf-8", "cp949"), [*"12456"], {4: UNDECODABLE}),
    "a line in UTF-8": (in_two_encodings("cp949", "utf-8"), [*"12456"], {4: UNDECODABLE}),
}
"""What is damaged: a file, the ids of its claims, and why each reject cannot be read."""


@pytest.mark.slow
@pytest.mark.parametrize("damage", WHY)
def test_a_row_that_cannot_be_read_says_why(tmp_path: Path, damage: str) -> None:
    content, ids, why = WHY[damage]
    (tmp_path / "a.csv").write_bytes(content)
    claims = read_claims(tmp_path / "a.csv", csv_incident(), max_rejects=1)
    assert claims.to_polars()["claim_id"].to_list() == ids
    assert claims.files.rows() == [("a.csv", len(ids) + len(why), len(ids), len(why))]
    assert {n: problem if why.get(n) else "" for n, problem in problems(claims).items()} == why
    above = [content.split(b"\n")[: n - 1] for n in why]
    assert claims.rejected_rows["byte"].to_list() == [len(b"\n".join([*rows, b""])) for rows in above]


# --- headers and fields -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_header_without_a_name_that_could_be_anywhere_is_refused(tmp_path: Path) -> None:
    for rows in ([f"{line},y" for line in ROWS], [f"k{n * n},C-{line}" for n, line in enumerate(ROWS)]):
        error = refusal(tmp_path / "a.csv", lines(HEADER, *rows))
        assert "has 7 fields in each row and 6 names in its header" in str(error)
        assert error.row == 1


COLUMNS = ("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss", "region", "synthetic")
TEXTS = {
    "claim_id": [
        "1",
        "2",
        "3",
        "4",
        "A-5",
        " 1",
        "1 ",
        "0",
        "",
        "-",
        "계",
        "1.2E+11",
        "x",
        "1+1",
        "A\n6",
        "7\u20288",
        "9\t9",
    ],
    "claimant_id": ["u1", "u2", "", "0", "00", " u1", "none", "1E+05", "나1", "u\x853"],
    "service": ["카톡", "카카오톡", "KakaoTalk", " 카톡", "카톡\N{NO-BREAK SPACE}", "모름", ""],
    "claimant_type": ["개인", "sme", "SME", "x", ""],
    "filed_on": [
        "2022-10-19",
        "2022-10-19 15:00",
        "2022/10/20",
        "2022-12-01",
        "2022-02-30",
        " 2022-10-19",
        "",
        "x",
    ],
    "loss": [
        "5",
        "005",
        "+5",
        "-5",
        "5.00",
        "5.5",
        "1.000",
        "30만원",
        "5,000",
        " 5",
        "",
        "x",
        "200000000000",
        "9" * 15,
    ],
    "region": ["", "a", " a", "a\N{IDEOGRAPHIC SPACE}", " ", "b c", '5" x', "two\nlines"],
    "synthetic": ["", "true", "No", " false ", "거짓", "yes"],
}
GOOD = ("good-1", "u1", "카톡", "개인", "2022-10-19", "5", "a", "")
tables = st.lists(st.tuples(*(st.sampled_from(TEXTS[c]) for c in COLUMNS)), min_size=6, max_size=16)


def summary_of(claims: Claims) -> tuple[object, ...]:
    """All that a run says of its tables."""
    return (
        claims.to_polars().rows(),
        claims.rejected_rows.sort("source_row").drop("byte").rows(),
        claims.files.rows(),
        claims.synthetic,
    )


@pytest.mark.slow
@given(
    table=tables,
    negative=st.sampled_from(["reject", "zero", "band"]),
    suffix=st.sampled_from(["csv", "parquet"]),
)
@settings(max_examples=12)
def test_first_sight_decides_as_the_closer_look_does(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, ...]], negative: str, suffix: str
) -> None:
    small = csv_incident()
    loss = small.loss.model_copy(update={"negative": negative})
    incident = small.model_copy(update={"loss": loss})
    path = tmp_path_factory.mktemp("sight") / f"a.{suffix}"
    if suffix == "csv":
        path.write_text("".join(record(cells, ",", "\n") for cells in (COLUMNS, GOOD, *table)), "utf-8")
    else:
        pl.DataFrame([GOOD, *table], schema=COLUMNS, orient="row").write_parquet(path)
    at_first_sight = summary_of(read_claims(path, incident, max_rejects=1))
    with patch.object(cell_values, "_plain_row_conditions", lambda *_, **__: ["false"]):
        rechecked = read_claims(path, incident, max_rejects=1)
        closely = summary_of(rechecked)
    assert rechecked.warehouse.frame("select count(*) as n from typed_rows where ok")["n"].item() == 0
    assert at_first_sight == closely


@pytest.mark.slow
@given(
    table=tables,
    ends=st.lists(st.sampled_from(("\n", "\r\n", "\n\n", "\r\n\n\r\n")), min_size=18, max_size=18),
    above=st.sampled_from(["", "\n", "title\n\n"]),
    block=st.sampled_from([7, 50, 1 << 20]),
)
@settings(max_examples=12)
def test_blank_lines_and_either_end_of_a_line_are_read_by_the_engine_as_row_by_row(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, ...]],
    ends: list[str],
    above: str,
    block: int,
) -> None:
    path = tmp_path_factory.mktemp("ends") / "a.csv"
    lines = [record(cells, ",", end) for cells, end in zip((COLUMNS, GOOD, *table), ends, strict=False)]
    path.write_bytes((above + "".join(lines)).encode())
    with patch.object(delimited, "BLOCK_BYTES", block):
        by_the_engine = read_claims(path, csv_incident(), max_rejects=1)
    passed = by_the_engine.warehouse.frame("select count(*) as n from typed_rows")["n"].item()
    blank_between = any(end.count("\n") > 1 for end in ends[: len(table) + 1])
    assert passed == (0 if above or blank_between else len(table) + 1)
    with patch.object(delimited, "_engine_query", lambda *_: None):
        assert summary_of(by_the_engine) == summary_of(read_claims(path, csv_incident(), max_rejects=1))


def test_a_dimension_of_few_words_may_have_others_further_down_and_in_other_files(tmp_path: Path) -> None:
    def written(name: str, regions: list[str]) -> Path:
        tables = [[f"{name}{n}", *GOOD[1:6], region, ""] for n, region in enumerate(regions, start=1)]
        path = tmp_path / f"{name}.csv"
        path.write_text("".join(record(cells, ",", "\n") for cells in (list(COLUMNS), *tables)), "utf-8")
        return path

    few = [*("a", "b", "") * 20, *["b"] * 5_000, "z", " a ", "\N{IDEOGRAPHIC SPACE}"]
    many = [f"r{n}" for n in range(60)]
    claims = read_claims([written("x", few), written("y", ["q"] * 40), written("w", many)], csv_incident())
    assert claims.warehouse.frame("select count(*) as n from checked_rows")["n"].item() == 3
    found = claims.to_polars().sort("source_file", "source_row").group_by("source_file", maintain_order=True)
    regions = {file: frame["region"].fill_null("").to_list() for (file,), frame in found}
    blank = [*few[:-3], "z", "a", ""]
    assert regions == {"w.csv": many, "x.csv": blank, "y.csv": ["q"] * 40}
    cube = build_cube(claims, dimensions=("region",))
    assert cube.frame.filter(region="q")["claims"].sum() == 40


VALUES = {
    "claim_id": ["1", '"1"', '"A-2"', '"A\\u002d2"', "1e5", '"1e5"', '"100000.0"', "-0", "null", "1.0"],
    "claimant_id": ['"u1"', "7", "7.50", '""', "null", "true"],
    "service": ['"카톡"', '"\\uce74\\ud1a1"', '"모름"', '"KakaoTalk"'],
    "claimant_type": ['"개인"', '"sme"', '["개인"]'],
    "filed_on": ['"2022-10-19"', '"2022-10-19 15:00"', '"x"', "20221019"],
    "loss": [
        *("5", "5.0", "5.50", "5e3", "-5", '"5"', '"30만원"', "null", "true", '{"loss": 5.5}'),
        "12345678901234567890",
    ],
    "region": ['"a"', "null", '" a"', '"[a]"', '"{a"', '"a\\nb"', '"\\ud800"'],
}
OTHERS = [
    *(
        "[1]",
        '"claim_id"',
        "null",
        "{}",
        '{"claim_id": NaN}',
        '{"claim_id": 1, "claim_id": 2}',
        '{"extra": [[1]]}',
    ),
    '{"x": {"loss": 5.5, "loss": 6}, "loss": 5.5, "claim_id": "n"}',
    '{"note": "}, {", "claim_id": "n"}',
]
"""Values that are no complaint, but elements of an array."""
good = {name: texts[0] for name, texts in VALUES.items()}
json_objects = st.fixed_dictionaries({name: st.sampled_from(texts) for name, texts in VALUES.items()}).map(
    lambda cells: "{" + ", ".join(f'"{key}": {value}' for key, value in cells.items()) + "}"
)
json_values = st.lists(st.one_of(json_objects, json_objects, st.sampled_from(OTHERS)), max_size=12)


@pytest.mark.slow
@given(json_values=json_values, end=st.sampled_from(["\n", "\r\n"]), mark=st.booleans())
@settings(max_examples=12)
def test_an_array_is_read_as_lines_are(
    tmp_path_factory: pytest.TempPathFactory, json_values: list[str], end: str, *, mark: bool
) -> None:
    first = "{" + ", ".join(f'"{key}": {value}' for key, value in good.items()) + "}"
    texts = {
        "lines": end.join([first, *json_values]),
        "array": f"[{first}" + "".join(f" ,{end} {value}" for value in json_values) + f"{end}]",
        "object": f'{{"a": [], "rows":{end}[{first}'
        + "".join(f",{value}" for value in json_values)
        + '], "b": 1}',
    }
    found = {}
    for name, text in texts.items():
        path = tmp_path_factory.mktemp(name) / "a.json"
        path.write_text(text, encoding="utf-8-sig" if mark else "utf-8", newline="")
        claims = read_claims(path, csv_incident(), max_rejects=1)
        found[name] = summary_of(claims)
        content = path.read_bytes()
        for at, raw in claims.rejected_rows.select("byte", "raw").iter_rows():
            assert content[at:].startswith(raw.encode())
    assert found["lines"] == found["array"] == found["object"]


@pytest.mark.parametrize(
    ("plain", "written"), [('"A-2"', '"A\\u002d2"'), ('"1e5"', "1e5"), ('"-1"', "-1"), ('"1.50"', "1.50")]
)
def test_an_id_that_is_written_in_two_ways_is_found_again(tmp_path: Path, plain: str, written: str) -> None:
    path = tmp_path / "a.jsonl"
    line = "{" + ", ".join(f'"{key}": {value}' for key, value in good.items()) + "}"
    path.write_text("\n".join([line, *(line.replace("1", id_, 1) for id_ in (plain, written))]), "utf-8")
    claims = read_claims(path, csv_incident(), max_rejects=1)
    assert len(claims) == 2
    assert claims.rejected_rows["source_row"].to_list() == [3]


def test_a_key_that_only_a_late_line_has_is_a_column(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        f'{{"claim_id": "c{n}", "claimant_id": {n}, "service": "카톡", "claimant_type": "개인", '
        f'"filed_on": "2022-10-19", "loss": {n}, "region": "[{n % 3}]", "extra": [1, 2]}}'
        for n in range(1, 6_001)
    ]
    lines[5_500] = lines[5_500].replace("extra", "synthetic").replace("[1, 2]", "true")
    lines[5_600] = "nope"
    path.write_text("\n".join(lines), "utf-8")
    claims = read_claims(path, csv_incident())
    assert claims.synthetic
    assert claims.to_polars()["loss"].to_list() == [n for n in range(1, 6_001) if n != 5_601]
    assert claims.rejected_rows.select("source_row", "raw").rows() == [(5_601, "nope")]


class Case(NamedTuple):
    """The services and regions of a file, its encoding, and what is recorded without `encoding=`."""

    encoding: str
    services: tuple[str, ...]
    regions: tuple[str, ...] = ("x",)
    loss: str = "12"
    told: str = ""
    """The encoding that is recorded; empty if the file is refused."""
    candidates: tuple[str, ...] = ()
    """Where the file is refused, the candidates that the line names."""


KOREAN = ("카카오톡", "택시")
ENCODED = {
    "utf-8": Case("utf-8", KOREAN, ("서울",), told="utf-8"),
    "utf-8 with a mark": Case("utf-8-sig", KOREAN, ("서울",), told="utf-8-sig"),
    "utf-16 with a mark": Case("utf-16", KOREAN, ("서울",), told="utf-16"),
    "cp949": Case("cp949", KOREAN, ("서울", "부산"), told="cp949"),
    "euc-kr": Case("euc-kr", KOREAN, ("제주",), told="cp949"),
    "cp949, a syllable that is a letter in UTF-8": Case("cp949", ("카", "코"), ("대구",), told="cp949"),
    "cp949, one word": Case("cp949", ("Taxi",), ("대구",), told="cp949"),
    "cp1252, only a euro sign": Case("cp1252", ("Taxi",), loss="€ 12", told="cp1252"),
    "cp1252, only a dash": Case("cp1252", ("Taxi – App",), told="cp1252"),
    "cp1252, dashes without blanks": Case("cp1252", ("A–B", "C–D"), told="cp1252"),
    "cp1252, an apostrophe": Case("cp1252", ("Driver’s app",), told="cp1252"),
    "cp1252, only a pound": Case("cp1252", ("Taxi",), ("up to £5",), told="cp1252"),
    "cp1252, one umlaut": Case("cp1252", ("Äpfel",), told="cp1252"),
    "cp1252, German": Case("cp1252", ("Größe", "Köln – Süd"), ("Straße", "Öl, 5 °C"), "12 €", "cp1252"),
    "cp1252, French": Case("cp1252", ("Forêt", "Genève"), ("à côté", "reçu"), told="cp1252"),
    "cp1252, one accent": Case(
        "cp1252", ("Genève",), candidates=("cp1252", "cp1250")
    ),  # Genčve could be a Czech name
    "iso-8859-15, a euro sign": Case("iso-8859-15", ("Taxi", "Größe"), loss="12 €", told="iso-8859-15"),
    "iso-8859-15, no euro sign": Case("iso-8859-15", ("Größe",), told="cp1252"),
    "cp1250, Polish": Case("cp1250", ("Taksówka", "Łódź"), ("Kraków", "Wrocław, Śródmieście"), told="cp1250"),
    "cp1250, Czech": Case("cp1250", ("Příjem", "Služba"), ("Plzeň", "České Budějovice"), told="cp1250"),
    "cp1250, one Czech name": Case("cp1250", ("Děčín",), candidates=("cp1252", "cp1250")),
    "cp1250, Hungarian": Case("cp1250", ("Győr",), candidates=("cp1252", "cp1250")),
    "gbk": Case("gbk", ("出租车", "电话"), ("北京", "上海"), told="gbk"),
    "gbk, one word": Case("gbk", ("Taxi",), ("北京",), told="gbk"),
    "gb2312": Case("gb2312", ("客户服务",), ("广州",), told="gbk"),
    "shift-jis": Case("shift_jis", ("タクシー", "電話サービス"), ("東京", "大阪"), told="cp932"),
    "shift-jis without kana": Case("cp932", ("Taxi",), ("東京",), told="cp932"),
    "shift-jis, rare kanji": Case("cp932", ("Taxi",), ("埼玉",), candidates=("cp949", "gbk", "cp932")),
    "big5": Case("big5", ("計程車", "電話"), ("台北", "高雄")),
    "iso-8859-2": Case("iso-8859-2", ("Taksówka",), ("Śląsk", "Łódź")),
}


def encoded_file(folder: Path, case: Case) -> Path:
    """A file of complaints with each service and each region."""
    pairs = [(s, case.regions[n % len(case.regions)]) for n, s in enumerate(case.services * 2)]
    rows = [f'{n},{s},2026-03-0{n},"{case.loss}","{r}"' for n, (s, r) in enumerate(pairs, start=1)]
    path = folder / "complaints.csv"
    path.write_bytes("\n".join(["claim_id,service,filed_on,loss,region", *rows, ""]).encode(case.encoding))
    return path


read_in = partial(oa.read_claims, currency="EUR", dimensions=["region"])


def assert_as_written(claims: oa.Claims, case: Case) -> None:
    found, number = claims.to_polars(), len(claims)
    assert {str(service.name.en) for service in claims.incident.services} == set(case.services)
    assert set(found["region"]) == {case.regions[n % len(case.regions)] for n in range(number)}
    assert found["loss"].to_list() == [12] * number


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODED)
def test_a_file_is_read_as_it_was_written_or_refused_with_its_candidates(tmp_path: Path, name: str) -> None:
    case = ENCODED[name]
    path = encoded_file(tmp_path, case)
    if case.told:
        claims = read_in(path)
        assert claims.inputs[0].encoding == case.told
        assert_as_written(claims, case)
    else:
        with pytest.raises(InputRefused) as refused:
            read_in(path)
        line = str(refused.value)
        assert (len(line.splitlines()), refused.value.exit_code) == (1, 3)
        expected = (path.name, *case.candidates, "encoding=")
        assert [said for said in expected if said not in line] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODED)
def test_a_stated_encoding_is_used(tmp_path: Path, name: str) -> None:
    case = ENCODED[name]
    claims = read_in(encoded_file(tmp_path, case), encoding=case.encoding)
    assert_as_written(claims, case)


@pytest.mark.slow
def test_bytes_that_the_stated_encoding_lacks_cost_their_row(tmp_path: Path) -> None:
    path = encoded_file(tmp_path, Case("cp1252", ("Genève", "Köln", "Taxi"), told="cp1252"))
    path.write_bytes(path.read_bytes().replace(b"1,Gen\xe8ve", b"1,Gen\x81ve"))
    claims = read_in(path, encoding="windows-1252", max_rejects=1)
    assert (claims.to_polars()["claim_id"].to_list(), claims.rejects["row"].to_list()) == ([*"23456"], [2])
    with pytest.raises(InputRefused, match=r"is not UTF-8 at byte \d+, and in 4 of 7 lines"):
        read_in(path, encoding="utf-8", max_rejects=1)


@pytest.mark.slow
def test_an_unknown_encoding_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = encoded_file(tmp_path, ENCODED["gbk"])
    incident = read_in(path).incident
    for refused in (
        partial(oa.read_claims, path),
        partial(oa.read_claims, path, incident),
        partial(oa.inspect_file, path, incident),
        partial(oa.run, path, tiers={100: 10}),
    ):
        with pytest.raises(UsageError, match=r"'klingon' is no known encoding.*cp949.*gbk.*cp1252"):
            refused(encoding="klingon")
