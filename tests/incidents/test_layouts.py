"""Layout pages: headers, notations, units and constants of files that differ from sender to sender."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import Dimension, Incident, Layout, layout_for, load_incident, load_layout

COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss")
HEADER = ",".join(COLUMNS)
GOOD = "1,카톡,소상공인,2022-10-19,300000"


@pytest.fixture(scope="module")
def incident() -> Incident:
    """The Kakao incident without its dimensions: five columns are enough here."""
    return load_incident("kakao-2022").model_copy(update={"dimensions": ()})


def read(paths: Path | list[Path], incident: Incident, *layouts: Layout) -> Claims:
    return read_claims(paths, incident, layouts=layouts, max_rejects=1)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def first(claims: Claims) -> dict[str, Any]:
    return claims.to_polars().row(0, named=True)


def losses(tmp_path: Path, incident: Incident, layout: Layout, *texts: str) -> list[int | str | None]:
    """What each text becomes as a loss; "reject" if it is none."""
    rows = (f'{n},카톡,소상공인,2022-10-19,"{text}"' for n, text in enumerate(texts))
    path = write(tmp_path / "losses.csv", HEADER, *rows, "good,카톡,소상공인,2022-10-19,")
    read_as = dict(read(path, incident, layout).to_polars().select("claim_id", "loss").iter_rows())
    return [read_as.get(str(n), "reject") for n in range(len(texts))]


# --- headers ------------------------------------------------------------------------------------------


def test_a_document_adds_headers_to_those_of_the_incident(tmp_path: Path, incident: Incident) -> None:
    layout = Layout(columns={"claim_id": ("Fall-Nr.",), "loss": ("Schaden",)})
    path = write(tmp_path / "a.csv", "fall nr,서비스,신고자구분,접수일,SCHADEN", GOOD)
    assert first(read(path, incident, layout))["loss"] == 300_000
    with pytest.raises(InputRefused, match="the column claim_id is missing"):
        read(path, incident)


def test_two_headers_of_one_document_for_one_column_are_refused(tmp_path: Path, incident: Incident) -> None:
    layout = Layout(columns={"loss": ("net", "gross")})
    path = write(tmp_path / "a.csv", "claim_id,service,claimant_type,filed_on,net,gross", f"{GOOD},5")
    with pytest.raises(InputRefused, match=r"a\.csv, row 1: two columns stand for loss") as refusal:
        read(path, incident, layout)
    assert refusal.value.value == "net and gross"


# --- which page is for which file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "any.csv", True),
        ("partner-*.csv", "partner-1.csv", True),
        ("PARTNER-*.CSV", "partner-1.csv", True),
        ("partner-*", "Partner-1.xlsx", True),
        ("partner-?.csv", "partner-12.csv", False),
        ("partner.csv", "the-partner.csv", False),
        ("접수*", unicodedata.normalize("NFD", "접수 내역.csv"), True),
        ("[상담팀] ?역.csv", "[상담팀] 내역.csv", True),
        ("[abc].csv", "a.csv", False),
    ],
)
def test_a_pattern_is_of_whole_names_in_any_case(
    incident: Incident, pattern: str, name: str, *, fits: bool
) -> None:
    layout = Layout(files=pattern, scale={"loss": 7})
    assert layout_for(name, [layout], incident).scale == ({"loss": 7} if fits else {})


def test_the_first_document_that_fits_is_taken_alone(incident: Incident) -> None:
    layouts = [
        Layout(files="b*", scale={"loss": 2}),
        Layout(files="*.csv", scale={"loss": 3}, formats={"filed_on": ("dmy",)}),
        Layout(scale={"loss": 5}),
    ]
    found = {name: layout_for(name, layouts, incident) for name in ("b.csv", "a.csv", "a.txt")}
    assert {name: layout.scale["loss"] for name, layout in found.items()} == {
        "b.csv": 2,
        "a.csv": 3,
        "a.txt": 5,
    }
    assert found["b.csv"].formats["filed_on"] == incident.formats["filed_on"]


# --- notations ------------------------------------------------------------------------------------------


def test_the_notations_of_a_document_replace_the_incident_s_column_by_column(
    tmp_path: Path, incident: Incident
) -> None:
    layout = Layout(formats={"filed_on": ("dmy",)})
    path = write(
        tmp_path / "a.csv",
        HEADER,
        '1,카톡,소상공인,19.10.2022,"300,000원"',  # the amounts are still the incident's
        "2,카톡,소상공인,2022-10-19,1",
    )
    claims = read(path, incident, layout)
    assert claims.to_polars().select("claim_id", "loss", "filed_on").rows() == [
        ("1", 300_000, date(2022, 10, 19))
    ]
    assert claims.rejected_rows["broken"].to_list() == [["filed_on is a date"]]


# --- units ----------------------------------------------------------------------------------------------


NAMED = ["30만원", "30만", "300,000원", "₩300,000", "KRW 300000", "30만 원"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "read_as"),
    [
        (
            {"loss": 10_000},
            {
                "30": 300_000,
                "1,000": 10_000_000,
                "0.5": 5_000,
                "0": 0,
                "": None,
                "12.3456": 123_456,
                "12.34567": "reject",  # half a won
                "100000000000": "reject",  # no loss is so large
            },
        ),
        ({"loss": 10_000}, dict.fromkeys(NAMED, 300_000)),  # a text that names its unit is not multiplied
        ({}, dict.fromkeys(NAMED, 300_000)),
    ],
)
def test_amounts_in_ten_thousands_are_multiplied_unless_they_name_their_unit(
    tmp_path: Path, incident: Incident, scale: dict[str, float], read_as: dict[str, int | str | None]
) -> None:
    assert losses(tmp_path, incident, Layout(scale=scale), *read_as) == [*read_as.values()]


def test_a_unit_and_the_decimals_of_a_currency_go_together(tmp_path: Path, incident: Incident) -> None:
    euros = incident.model_copy(
        update={"currency": "EUR", "minor_units": 2, "loss": incident.loss.model_copy(update={"unit": "EUR"})}
    )
    in_thousands = Layout(scale={"loss": 1_000}, formats={"loss": ("plain",)})
    found = losses(tmp_path, euros, in_thousands, "1.25", "0.00001", "0.000001")
    assert found == [1_250, 0.01, "reject"]


def test_a_dimension_may_have_a_unit_and_notations_too(tmp_path: Path, incident: Incident) -> None:
    distance = Dimension.model_validate(
        {"id": "distance", "name": {"en": "Distance"}, "kind": "number", "edges": (5,)}
    )
    far = incident.model_copy(update={"dimensions": (distance,)})
    layout = Layout(scale={"distance": 1_000}, formats={"distance": ("european",)})
    path = write(tmp_path / "a.csv", f"{HEADER};distance".replace(",", ";"), f"{GOOD.replace(',', ';')};1,5")
    assert first(read(path, far, layout))["distance"] == 1_500


# --- constants ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_constant_is_judged_as_any_value_is(tmp_path: Path, incident: Incident) -> None:
    path = write(tmp_path / "a.csv", "claim_id,claimant_type,filed_on,loss", "1,소상공인,2022-10-19,5")
    for text, rule, advice in (("카카오톸", "service is known", "'카카오톡'"), ("", "service is given", "")):
        layout = Layout(constants={"service": text})
        claims = read(path, incident, layout)  # all rows may be rejected
        assert (len(claims), claims.rejects["rule"].to_list()) == (0, [rule])
        assert advice in claims.rejects["remedy"].item()
        with pytest.raises(InputRefused, match=rule) as refusal:
            read_claims(path, incident, layouts=[layout], max_rejects=0.99)
        assert advice in refusal.value.remedy


def test_an_empty_constant_leaves_a_dimension_or_a_loss_unknown(tmp_path: Path) -> None:
    kakao = load_incident("kakao-2022")
    path = write(tmp_path / "a.csv", HEADER.replace(",loss", ",region"), GOOD.replace("300000", "서울"))
    layout = Layout(constants={"industry": "", "category": "free", "loss": ""})
    row = first(read(path, kakao, layout))
    assert {c: row[c] for c in ("region", "industry", "category", "loss")} == {
        "region": "서울",
        "industry": None,
        "category": "free",
        "loss": None,
    }


@pytest.mark.slow
@pytest.mark.parametrize("evil", ["'; drop table staged; --", '"', "{region}", "$path", "a\\'b"])
def test_a_constant_is_text_and_nothing_else(tmp_path: Path, evil: str) -> None:
    kakao = load_incident("kakao-2022")
    path = write(tmp_path / "a.csv", HEADER, GOOD)
    claims = read(path, kakao, Layout(constants=dict.fromkeys(("region", "industry", "category"), evil)))
    assert first(claims)["region"] == evil


# --- how a text is cut ----------------------------------------------------------------------------------


def test_an_encoding_that_the_mark_of_the_file_denies_is_refused(tmp_path: Path, incident: Incident) -> None:
    path = write(tmp_path / "a.csv", HEADER, GOOD, encoding="utf-8-sig")
    assert len(read(path, incident, Layout(encoding="utf-8"))) == 1
    with pytest.raises(InputRefused, match="has the byte order mark of UTF-8-SIG, but CP949 was declared"):
        read(path, incident, Layout(encoding="cp949"))


# --- pages ----------------------------------------------------------------------------------------------

FULL = """
files = "partner-*.csv"
encoding = "cp949"
delimiter = ";"
quote = "none"
header_row = 3
sheet = "Sheet 1"

[columns]
claim_id = ["Fall", "Nr."]

[formats]
filed_on = ["dmy", "korean"]
loss = ["plain"]

[scale]
loss = 10_000

[constants]
service = "카톡"
"""


def test_a_document_says_all_of_it(tmp_path: Path) -> None:
    path = write(tmp_path / "page.toml", FULL)
    assert load_layout(path) == Layout(
        files="partner-*.csv",
        encoding="cp949",
        delimiter=";",
        quote="none",
        header_row=3,
        sheet="Sheet 1",
        columns={"claim_id": ("Fall", "Nr.")},
        formats={"filed_on": ("dmy", "korean"), "loss": ("plain",)},
        scale={"loss": 10_000},
        constants={"service": "카톡"},
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '["plain"]',
            '["plane"]',
            "line 12, formats: has no notation 'plane' for loss. Known: plain, grouped,",
        ),
        ('["plain"]', '["iso"]', "line 12, formats: has no notation 'iso' for loss. Known: plain,"),
        (
            '"dmy", "korean"',
            '"dd.mm.yyyy"',
            "formats: has no notation 'dd.mm.yyyy' for filed_on. Known: iso,",
        ),
        ('["plain"]', "[]", "has no notation '' for loss"),
        ('["plain"]', '"plain"', "line 14, formats > loss: "),
        ('["Fall", "Nr."]', '"Fall"', "line 10, columns > claim_id: "),
        ("10_000", "0", "line 17, scale > loss: "),
        ("10_000", "-0.5", "line 17, scale > loss: "),
        ("10_000", "0.0000000001", "line 16, scale: has a scale of loss with more than nine decimals"),
        ("10_000", '"half"', "line 17, scale > loss: "),
        ("10_000", "1_000_000_001", "line 17, scale > loss: "),
        ('"카톡"', "7", "line 20, constants > service: "),
        ('"cp949"', '"klingon"', "line 3, encoding: 'klingon' is no known encoding"),
        ('delimiter = ";"', 'delimiter = ";;"', "line 4, delimiter: "),
        ('delimiter = ";"', 'delimiter = ""', "line 4, delimiter: "),
        ('"none"', '"`"', "line 5, quote: "),
        ("header_row = 3", "header_row = -1", "line 6, header_row: "),
        ("sheet =", "sheets =", "line 7, sheets: unknown key. Did you mean 'sheet'?"),
        ("[scale]", "[scales]", "scales: unknown key. Did you mean 'scale'?"),
        ('"cp949"', '"cp949', "is not valid TOML"),
    ],
)
def test_a_document_that_breaks_a_rule_is_reported_by_line_and_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in FULL
    path = write(tmp_path / "page.toml", FULL.replace(old, new, 1))
    with pytest.raises(UsageError) as refusal:
        load_layout(path)
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("page.toml")


@pytest.mark.parametrize("table", ["columns", "formats", "scale", "constants"])
def test_a_column_that_no_claim_has_names_the_nearest(tmp_path: Path, incident: Incident, table: str) -> None:
    value: dict[str, Any] = {"columns": ("x",), "formats": ("plain",), "scale": 10, "constants": ""}
    layout = Layout.model_validate({table: {"los": value[table]}})
    with pytest.raises(UsageError, match="speaks of a column that no claim has") as refusal:
        read(write(tmp_path / "a.csv", HEADER, GOOD), incident, layout)
    assert refusal.value.value == "los"
    assert "'loss'" in refusal.value.remedy
