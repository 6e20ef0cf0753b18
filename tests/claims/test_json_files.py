"""JSON files: lines and arrays of the same objects are read alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import read_claims
from outage_analysis.incidents import Incident, load_incident
from tests.claims.test_first_sight import summary_of

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.fixture(scope="module")
def outage() -> Incident:
    """The bundled incident with one dimension."""
    whole = load_incident("kakao-2022")
    return whole.model_copy(update={"dimensions": whole.dimensions[:1]})


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
