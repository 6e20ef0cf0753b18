"""Rows typed at first sight, and objects of JSON: read as the closer look and as lines are read."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis import build_cube, load_incident, read_claims
from outage_analysis.claims import Claims, cell_values, delimited
from outage_analysis.incidents import Incident
from tests.claims.complaint_files import record

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
rows = st.lists(st.tuples(*(st.sampled_from(TEXTS[c]) for c in COLUMNS)), min_size=6, max_size=16)


@pytest.fixture(scope="module")
def outage() -> Incident:
    """The bundled incident with one dimension."""
    whole = load_incident("kakao-2022")
    return whole.model_copy(update={"dimensions": whole.dimensions[:1]})


def summary_of(claims: Claims) -> tuple[object, ...]:
    """All that a run says of its rows."""
    return (
        claims.to_polars().rows(),
        claims.rejected_rows.sort("source_row").drop("byte").rows(),
        claims.files.rows(),
        claims.synthetic,
    )


@pytest.mark.slow
@given(
    table=rows,
    negative=st.sampled_from(["reject", "zero", "band"]),
    suffix=st.sampled_from(["csv", "parquet"]),
)
@settings(max_examples=12)
def test_first_sight_decides_as_the_closer_look_does(
    tmp_path_factory: pytest.TempPathFactory,
    outage: Incident,
    table: list[tuple[str, ...]],
    negative: str,
    suffix: str,
) -> None:
    loss = outage.loss.model_copy(update={"negative": negative})
    incident = outage.model_copy(update={"loss": loss})
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


ENDS = ("\n", "\r\n", "\n\n", "\r\n\n\r\n")


@pytest.mark.slow
@given(
    table=rows,
    ends=st.lists(st.sampled_from(ENDS), min_size=18, max_size=18),
    above=st.sampled_from(["", "\n", "title\n\n"]),
    block=st.sampled_from([7, 50, 1 << 20]),
)
@settings(max_examples=12)
def test_blank_lines_and_either_end_of_a_line_are_read_by_the_engine_as_row_by_row(
    tmp_path_factory: pytest.TempPathFactory,
    outage: Incident,
    table: list[tuple[str, ...]],
    ends: list[str],
    above: str,
    block: int,
) -> None:
    path = tmp_path_factory.mktemp("ends") / "a.csv"
    lines = [record(cells, ",", end) for cells, end in zip((COLUMNS, GOOD, *table), ends, strict=False)]
    path.write_bytes((above + "".join(lines)).encode())
    with patch.object(delimited, "BLOCK_BYTES", block):
        by_the_engine = read_claims(path, outage, max_rejects=1)
    passed = by_the_engine.warehouse.frame("select count(*) as n from typed_rows")["n"].item()
    blank_between = any(end.count("\n") > 1 for end in ends[: len(table) + 1])
    assert passed == (0 if above or blank_between else len(table) + 1)
    with patch.object(delimited, "_engine_query", lambda *_: None):
        assert summary_of(by_the_engine) == summary_of(read_claims(path, outage, max_rejects=1))


def test_a_dimension_of_few_words_may_have_others_further_down_and_in_other_files(
    tmp_path: Path, outage: Incident
) -> None:
    def written(name: str, regions: list[str]) -> Path:
        rows = [[f"{name}{n}", *GOOD[1:6], region, ""] for n, region in enumerate(regions, start=1)]
        path = tmp_path / f"{name}.csv"
        path.write_text("".join(record(cells, ",", "\n") for cells in (list(COLUMNS), *rows)), "utf-8")
        return path

    few = [*("a", "b", "") * 20, *["b"] * 5_000, "z", " a ", "\N{IDEOGRAPHIC SPACE}"]
    many = [f"r{n}" for n in range(60)]
    claims = read_claims([written("x", few), written("y", ["q"] * 40), written("w", many)], outage)
    assert claims.warehouse.frame("select count(*) as n from checked_rows")["n"].item() == 3
    found = claims.to_polars().sort("source_file", "source_row").group_by("source_file", maintain_order=True)
    regions = {file: frame["region"].fill_null("").to_list() for (file,), frame in found}
    blank = [*few[:-3], "z", "a", ""]
    assert regions == {"w.csv": many, "x.csv": blank, "y.csv": ["q"] * 40}
    cube = build_cube(claims, dimensions=("region",))
    assert dict(cube.frame.group_by("region").agg(pl.col("claims").sum()).rows())["q"] == 40


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
objects = st.fixed_dictionaries({name: st.sampled_from(texts) for name, texts in VALUES.items()}).map(
    lambda cells: "{" + ", ".join(f'"{key}": {value}' for key, value in cells.items()) + "}"
)
values = st.lists(st.one_of(objects, objects, st.sampled_from(OTHERS)), max_size=12)


@pytest.mark.slow
@given(values=values, end=st.sampled_from(["\n", "\r\n"]), mark=st.booleans())
@settings(max_examples=12)
def test_an_array_is_read_as_lines_are(
    tmp_path_factory: pytest.TempPathFactory, outage: Incident, values: list[str], end: str, *, mark: bool
) -> None:
    first = "{" + ", ".join(f'"{key}": {value}' for key, value in good.items()) + "}"
    texts = {
        "lines": end.join([first, *values]),
        "array": f"[{first}" + "".join(f" ,{end} {value}" for value in values) + f"{end}]",
        "object": f'{{"a": [], "rows":{end}[{first}'
        + "".join(f",{value}" for value in values)
        + '], "b": 1}',
    }
    found = {}
    for name, text in texts.items():
        path = tmp_path_factory.mktemp(name) / "a.json"
        path.write_text(text, encoding="utf-8-sig" if mark else "utf-8", newline="")
        claims = read_claims(path, outage, max_rejects=1)
        found[name] = summary_of(claims)
        content = path.read_bytes()
        for at, raw in claims.rejected_rows.select("byte", "raw").iter_rows():
            assert content[at:].startswith(raw.encode())
    assert found["lines"] == found["array"] == found["object"]


@pytest.mark.parametrize(
    ("plain", "written"), [('"A-2"', '"A\\u002d2"'), ('"1e5"', "1e5"), ('"-1"', "-1"), ('"1.50"', "1.50")]
)
def test_an_id_that_is_written_in_two_ways_is_found_again(
    tmp_path: Path, outage: Incident, plain: str, written: str
) -> None:
    path = tmp_path / "a.jsonl"
    line = "{" + ", ".join(f'"{key}": {value}' for key, value in good.items()) + "}"
    path.write_text("\n".join([line, *(line.replace("1", id_, 1) for id_ in (plain, written))]), "utf-8")
    claims = read_claims(path, outage, max_rejects=1)
    assert len(claims) == 2
    assert claims.rejected_rows["source_row"].to_list() == [3]


def test_a_key_that_only_a_late_line_has_is_a_column(tmp_path: Path, outage: Incident) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        f'{{"claim_id": "c{n}", "claimant_id": {n}, "service": "카톡", "claimant_type": "개인", '
        f'"filed_on": "2022-10-19", "loss": {n}, "region": "[{n % 3}]", "extra": [1, 2]}}'
        for n in range(1, 6_001)
    ]
    lines[5_500] = lines[5_500].replace("extra", "synthetic").replace("[1, 2]", "true")
    lines[5_600] = "nope"
    path.write_text("\n".join(lines), "utf-8")
    claims = read_claims(path, outage)
    assert claims.synthetic
    assert claims.to_polars()["loss"].to_list() == [n for n in range(1, 6_001) if n != 5_601]
    assert claims.rejected_rows.select("source_row", "raw").rows() == [(5_601, "nope")]
