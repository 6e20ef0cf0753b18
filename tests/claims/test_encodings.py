"""Files of every encoding, with and without `encoding=`: read as they were written, or refused by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

import outage_analysis as oa
from outage_analysis.errors import InputRefused, UsageError

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run


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
CASES = {
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


def written(folder: Path, case: Case) -> Path:
    """A file of complaints with each service and each region."""
    pairs = [(s, case.regions[n % len(case.regions)]) for n, s in enumerate(case.services * 2)]
    rows = [f'{n},{s},2026-03-0{n},"{case.loss}","{r}"' for n, (s, r) in enumerate(pairs, start=1)]
    path = folder / "complaints.csv"
    path.write_bytes("\n".join(["claim_id,service,filed_on,loss,region", *rows, ""]).encode(case.encoding))
    return path


read = partial(oa.read_claims, currency="EUR", dimensions=["region"])


def assert_as_written(claims: oa.Claims, case: Case) -> None:
    found, number = claims.to_polars(), len(claims)
    assert {str(service.name.en) for service in claims.incident.services} == set(case.services)
    assert set(found["region"]) == {case.regions[n % len(case.regions)] for n in range(number)}
    assert found["loss"].to_list() == [12] * number


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_as_it_was_written_or_refused_with_its_candidates(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    path = written(tmp_path, case)
    if case.told:
        claims = read(path)
        assert claims.inputs[0].encoding == case.told
        assert_as_written(claims, case)
    else:
        with pytest.raises(InputRefused) as refused:
            read(path)
        line = str(refused.value)
        assert (len(line.splitlines()), refused.value.exit_code) == (1, 3)
        expected = (path.name, *case.candidates, "encoding=")
        assert [said for said in expected if said not in line] == []


@pytest.mark.parametrize("name", CASES)
def test_a_stated_encoding_is_used(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    claims = read(written(tmp_path, case), encoding=case.encoding)
    assert_as_written(claims, case)


def test_bytes_that_the_stated_encoding_lacks_cost_their_row(tmp_path: Path) -> None:
    path = written(tmp_path, Case("cp1252", ("Genève", "Köln", "Taxi"), told="cp1252"))
    path.write_bytes(path.read_bytes().replace(b"1,Gen\xe8ve", b"1,Gen\x81ve"))
    claims = read(path, encoding="windows-1252", max_rejects=1)
    assert claims.to_polars()["claim_id"].to_list() == ["2", "3", "4", "5", "6"]
    assert claims.rejects["row"].to_list() == [2]
    with pytest.raises(InputRefused, match=r"is not UTF-8 at byte \d+, and in 4 of 7 lines"):
        read(path, encoding="utf-8", max_rejects=1)


def test_an_unknown_encoding_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = written(tmp_path, CASES["gbk"])
    incident = read(path).incident
    for refused in (
        partial(oa.read_claims, path),
        partial(oa.read_claims, path, incident),
        partial(oa.inspect_file, path, incident),
        partial(oa.run, path, tiers={100: 10}),
    ):
        with pytest.raises(UsageError, match=r"'klingon' is no known encoding.*cp949.*gbk.*cp1252"):
            refused(encoding="klingon")
