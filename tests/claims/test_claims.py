"""What a claim is: each rule, what it rejects, the line that the user reads, and the row numbers of files."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import RULES, Claims, explain_reject, read_claims
from outage_analysis.claims.cell_values import (
    COUNTED_CLAIMS,
    EXACT_COPY,
    REPEATED_HEADER,
    REPEATED_ID,
    SAME_DAY,
    UNREADABLE,
)
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Dimension, Incident
from outage_analysis.text import Locale
from tests.conftest import claim_rows, with_any_loss

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ClaimsCsv, Row


WHOLE = "loss is an amount that can be read, below 10^15"
BREAKING: dict[str, Row] = {
    "claim_id is given": {"claim_id": " "},
    "claim_id is in full": {"claim_id": "1.23457E+11"},
    "claimant_id is in full": {"claimant_id": "9e+15"},
    "claim_id is one line of text": {"claim_id": "c\n2"},
    "claimant_id is one line of text": {"claimant_id": "u\N{LINE SEPARATOR}2"},
    REPEATED_ID: {"claim_id": "c1", "loss": "5"},
    EXACT_COPY: {"claim_id": "c1"},
    "service is given": {"service": ""},
    "service is known": {"service": "네이버"},
    "claimant_type is given": {"claimant_type": ""},
    "claimant_type is known": {"claimant_type": "a cat"},
    "filed_on is a date": {"filed_on": "19 October"},
    "filed_on is within the claims window": {"filed_on": "2022-11-07"},
    WHOLE: {"loss": "much"},
    "loss is not negative": {"loss": "-1"},
    "loss is plausible": {"loss": "150300000001"},
}
"""What one row alone, or beside a good one, may break; the rules of records are further below."""


SHOWN = {
    "claim_id is in full": "*.*****E+11",
    "service is known": "(3 characters)",
    "claimant_type is known": "(5 characters)",
    WHOLE: "(4 characters)",
}
"""What is told of a text that may be a name or a number that tells on somebody."""


def read(path: Path | list[Path], incident: Incident) -> Claims:
    return read_claims(path, incident, max_rejects=1)


def broken(claims: Claims) -> dict[int, list[str]]:
    """The rules that each reject broke, by row."""
    return dict(claims.rejected_rows.select("source_row", "broken").rows())


def strict(incident: Incident) -> Incident:
    """The incident without notations of its own, and with any loss taken as plausible."""
    return with_any_loss(incident.model_copy(update={"formats": {}}))


def test_every_rule_has_a_row_that_breaks_it() -> None:
    # Columns filed_at and count are in the files of test_times.py and test_derived_incident.py.
    assert {*BREAKING, UNREADABLE, REPEATED_HEADER, SAME_DAY, COUNTED_CLAIMS} == set(RULES)


@pytest.mark.slow
@pytest.mark.parametrize("rule", BREAKING)
def test_a_row_that_breaks_one_rule_is_a_reject_explained_by_its_name_row_column_value_and_remedy(
    claims_csv: ClaimsCsv, incident: Incident, rule: str
) -> None:
    claims = read(claims_csv([{}, BREAKING[rule], {}]), incident)
    assert broken(claims) == {3: [rule]}
    assert claims.to_polars()["claim_id"].to_list() == ["c1", "c3"]
    assert claims.files.rows() == [("claims.csv", 3, 2, 1)]
    error = explain_reject(claims.incident, claims.rejected_rows.row(0, named=True))
    assert error.remedy
    assert (error.remedy == "Row 2 of claims.csv was kept.") == (rule in (EXACT_COPY, REPEATED_ID))
    if rule == EXACT_COPY:
        told = f"claims.csv, row 3: breaks the rule '{EXACT_COPY}'. Row 2 of claims.csv was kept."
        assert str(error) == told
        return
    column = rule.split(" ", maxsplit=1)[0]
    if column not in claims.rejected_rows.columns:
        assert str(error).startswith(f"claims.csv, row 3: breaks the rule '{rule}'. ")
        return
    assert str(error).startswith(f"claims.csv, row 3, {column}: breaks the rule '{rule}'")
    assert (error.value or "") == SHOWN.get(rule, BREAKING[rule][column].strip())


@pytest.mark.parametrize(
    ("rule", "record", "value"),
    [
        (UNREADABLE, "c9,카톡", "2 fields instead of 8"),
        (REPEATED_HEADER, "claim_id,service,claimant_type,filed_on,loss,region,industry,category", None),
    ],
)
def test_a_record_that_is_no_complaint_is_explained_without_a_column(
    claims_csv: ClaimsCsv, incident: Incident, rule: str, record: str, value: str | None
) -> None:
    path = claims_csv([{}, {}])
    path.write_text(f"{path.read_text('utf-8')}{record}\n", "utf-8")
    claims = read(path, incident)
    assert broken(claims) == {4: [rule]}
    reject = claims.rejected_rows.row(0, named=True)
    assert (reject["raw"], reject["problem"]) == (record, value)
    error = explain_reject(claims.incident, reject)
    assert str(error).startswith(f"claims.csv, row 4: breaks the rule '{rule}'")
    assert (error.column, error.value, error.remedy) == (None, value, Locale("en")(f"remedy.{rule}"))


TOLD: list[tuple[dict[str, str], str]] = [
    ({"filed_on": "010-1234-5678"}, "***-****-****"),
    ({"loss": "900101-1234567"}, "******-*******"),
    ({"loss": "홍길동"}, "(3 characters)"),
    ({"service": "홍길동의 가게"}, "(7 characters)"),
    ({"claimant_type": "010-1234-5678"}, "(13 characters)"),
    ({"loss": "30만원 정도"}, "30만원 정도"),
    ({"filed_on": "2022-02-30"}, "2022-02-30"),
    ({"service": "카카오톸"}, "카카오톸"),
    ({"service": "아주 " * 200}, "(599 characters)"),
]


def test_of_a_reject_nothing_is_reported_that_may_be_a_name_or_a_number_of_somebody(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    claims = read(claims_csv([{}, *(cell for cell, _ in TOLD)]), incident)
    told = [
        explain_reject(claims.incident, reject).value for reject in claims.rejected_rows.iter_rows(named=True)
    ]
    assert told == [value for _, value in TOLD]


PLAIN_LOSSES: dict[str, int | None] = {
    "300000": 300_000,
    "300000.0": 300_000,
    "300000.00": 300_000,
    " 300000 ": 300_000,
    "+5": 5,
    "007": 7,
    "0": 0,
    "-0": 0,
    "0.0": 0,
    "999999999999999": 999_999_999_999_999,
    "": None,
    "  ": None,
}


NO_LOSSES = [
    "1.5", "1e5", "3,000", "٣", "\uff13", "1000000000000000", "-1000000000000000", "9" * 40,
    "0x10", "1_000", "--5", "5-", "5.", ".5", "NaN", "inf", "null", "5 000", "₩5", "1;2", "30만원",
    "300.000",
]  # fmt: skip


@pytest.mark.parametrize(("negative", "least"), [("reject", 0), ("zero", 0), ("band", -150_300_000_001)])
def test_a_loss_is_plausible_up_to_what_the_incident_says(
    claims_csv: ClaimsCsv, incident: Incident, negative: str, least: int
) -> None:
    loss = incident.loss.model_copy(update={"negative": negative})
    rows = [{"loss": text} for text in ("150300000000", "150300000001", "999999999999999", "-150300000001")]
    claims = read(claims_csv(rows), incident.model_copy(update={"loss": loss}))
    assert claims.to_polars()["loss"].to_list() == [
        150_300_000_000,
        *([least] if negative != "reject" else []),
    ]
    rules = broken(claims)
    assert (rules[3], rules[4]) == (["loss is plausible"], ["loss is plausible"])
    assert rules.get(5) == (["loss is not negative"] if negative == "reject" else None)


CENTS: dict[str, int | None] = {
    "12.50": 1_250,
    "12.5": 1_250,
    "12": 1_200,
    "1250.500": 125_050,
    "0.01": 1,
    "-0.00": 0,
    "9999999999999.99": 999_999_999_999_999,
}
NO_CENTS = ["10000000000000.00", "999999999999999.99", "12.505", "12,50", ".50", "12.500"]


@pytest.mark.parametrize(
    ("digits", "written", "others"), [(0, PLAIN_LOSSES, NO_LOSSES), (2, CENTS, NO_CENTS)]
)
def test_a_loss_has_the_decimals_of_its_currency_and_any_other_is_a_reject(
    claims_csv: ClaimsCsv, incident: Incident, digits: int, written: dict[str, int | None], others: list[str]
) -> None:
    own = strict(incident).model_copy(update={"minor_units": digits})
    claims = read(claims_csv({"loss": text} for text in [*written, *others]), own)
    amounts = [None if units is None else units / 10**digits for units in written.values()]
    assert claims.to_polars()["loss"].to_list() == amounts
    assert claims.rejected_rows.select("loss", "broken").rows() == [(text, [WHOLE]) for text in others]


def test_a_loss_that_is_no_money_has_no_decimals_whatever_the_currency(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    minutes = incident.loss.model_copy(update={"unit": "minutes"})
    ferry = incident.model_copy(update={"minor_units": 2, "loss": minutes})
    claims = read(claims_csv([{"loss": "90"}, {"loss": "12.50"}]), ferry)
    assert claims.to_polars()["loss"].to_list() == [90]


SEOUL_DAYS = {
    "2022-10-15": 15,
    "2022-10-19T08:30": 19,
    "2022-10-19 08:30:01.5": 19,
    "2022-10-19T00:30:00+09:00": 19,
    "2022-10-18T15:30:00Z": 19,
    "2022-10-19T14:59:59Z": 19,
    "2022-10-19T15:00:00Z": 20,
    "2022-10-14T15:00:00Z": 15,
    " 2022-10-19 ": 19,
}
OUTSIDE = [
    "2022-10-14",
    "2022-11-07",
    "0001-01-01",
    "9999-12-31",
    "2022-10-14T14:59:59Z",
    "2022-11-06T15:00:00Z",
]
NO_DAYS = [
    "2022-02-30", "19.10.2022", "10/19/2022", "20221019", "2022. 10. 19.", "2022-10-19T25:00", "22-10-19",
    "\u0662\u0660\u0662\u0662-10-19", "44853", "1666161000", "", "2022-10", "2022-10-19 or 20", "now",
    "infinity",
]  # fmt: skip


def test_a_day_is_read_in_the_zone_of_the_incident_and_within_its_window(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    written = [*SEOUL_DAYS, "2022-11-06", "2022-11-06T14:59:59Z", *OUTSIDE, *NO_DAYS]
    claims = read(claims_csv({"filed_on": day} for day in written), strict(incident))
    days = [*(date(2022, 10, day) for day in SEOUL_DAYS.values()), date(2022, 11, 6), date(2022, 11, 6)]
    assert claims.to_polars()["filed_on"].to_list() == days
    assert claims.rejected_rows.select("filed_on", "broken").rows() == [
        *((day, ["filed_on is within the claims window"]) for day in OUTSIDE),
        *((day or None, ["filed_on is a date"]) for day in NO_DAYS),
    ]


def test_of_equal_complaints_the_first_is_kept_and_the_others_are_copies(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    rows = [
        {"claim_id": "a", "claimant_id": "u", "memo": "1"},
        {"claim_id": "a", "claimant_id": " u ", "memo": "2"},
        {"claim_id": "a", "claimant_id": "v"},
        {"claim_id": "a", "claimant_id": "u", "loss": "100000.0"},
        {"claim_id": "a", "claimant_id": "u", "category": "y"},
    ]
    claims = read(claims_csv(rows), incident)
    assert broken(claims) == {3: [EXACT_COPY], 4: [REPEATED_ID], 5: [EXACT_COPY], 6: [REPEATED_ID]}
    assert claims.rejected_rows.select("kept_file", "kept_row").unique().rows() == [("claims.csv", 2)]


def test_ids_are_compared_as_they_are_written(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [{"claim_id": id_} for id_ in ("a", "A", "01", "1", "\uac00", "\u1100\u1161")]
    assert len(read(claims_csv(rows), incident)) == 6


NOBODY = ["-", "--", "?", "N/A", "null", "미상", "없음", "해당 없음", "합계", "총계", "TOTAL", "Grand Total"]


def test_a_word_for_nobody_or_for_a_total_is_no_id(claims_csv: ClaimsCsv, incident: Incident) -> None:
    ids = [{"claim_id": word} for word in NOBODY]
    claimants = [
        {"claim_id": f"d{n}", "claimant_id": word} for n, word in enumerate([*NOBODY, "0", "u-1", "합계 2"])
    ]
    claims = read(claims_csv([*ids, *claimants]), incident)
    assert claims.rejected_rows["broken"].to_list() == [["claim_id is given"]] * len(NOBODY)
    assert claims.to_polars()["claimant_id"].to_list() == [
        *(f"d{n}" for n in range(len(NOBODY) + 1)),
        "u-1",
        "합계 2",
    ]


BLANK = [" ", "\t", "\xa0", "\u3000", " \t\u3000"]


def test_blanks_of_every_kind_are_no_text_and_no_part_of_one(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    ids = [{"claim_id": blank} for blank in BLANK]
    cells = [
        {"claim_id": f"{blank}d{n}{blank}", "loss": f"{blank}7", "region": blank}
        for n, blank in enumerate(BLANK)
    ]
    claims = read(claims_csv([*ids, *cells]), strict(incident))
    assert claims.to_polars().select("claim_id", "loss", "region").rows() == [
        (f"d{n}", 7, None) for n in range(5)
    ]
    assert claims.rejected_rows["broken"].to_list() == [["claim_id is given"]] * 5


@pytest.mark.parametrize("id_", ["select", "delay-minutes", "1st"])
def test_a_numeric_dimension_is_a_whole_number_or_unknown(
    claims_csv: ClaimsCsv, incident: Incident, id_: str
) -> None:
    rows = [{id_: "5"}, {id_: "-7"}, {id_: ""}, {id_: "soon"}, {id_: "1.5"}]
    delay = Dimension.model_validate({"id": id_, "name": {"en": "Delay"}, "kind": "number", "edges": (10,)})
    own = incident.model_copy(update={"dimensions": (*incident.dimensions, delay)})
    claims = read(claims_csv(rows), own)
    assert claims.to_polars()[id_].to_list() == [5, -7, None]
    assert broken(claims) == {n: [f"{id_} is a whole number"] for n in (5, 6)}
    assert (
        explain_reject(claims.incident, claims.rejected_rows.row(0, named=True)).remedy
        == "Give a whole number."
    )


def test_rejects_up_to_the_share_pass_and_more_are_reported_by_rule(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    assert len(read_claims(claims_csv([{"loss": "x"}, *[{}] * 19]), incident)) == 19
    beyond = claims_csv([{}, {"loss": "x"}, {"service": "x"}, {"service": "y"}, *[{}] * 26])
    with pytest.raises(InputRefused, match="3 of 30 rows rejected, 10% and more than 5%") as refusal:
        read_claims(beyond, incident)
    error, told = refusal.value, str(refusal.value)
    assert (error.file, error.row, error.column, error.value) == ("claims.csv", 3, "loss", "x")
    assert f"'service is known' 2, '{WHOLE}' 1; the first breaks the rule '{WHOLE}' (found 'x')" in told
    assert "go on without them: max_rejects=0.1; .rejects then lists them" in told
    assert len(read_claims(beyond, incident, max_rejects=0.1)) == 27


def test_a_file_of_rejects_alone_is_refused_under_any_share_but_the_whole(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    path = claims_csv([{"loss": "x"}, {"loss": "y"}])
    for share in (0.05, 0.99):
        with pytest.raises(InputRefused, match="2 of 2 rows rejected, all of them"):
            read_claims(path, incident, max_rejects=share)
    claims = read_claims(path, incident, max_rejects=1)
    assert claims.files.select("rows", "claims", "rejects").rows() == [(2, 0, 2)]
    with pytest.raises(InputRefused, match="2 of 2 rows rejected, all of them"):
        claims.check_any_claim()


@pytest.mark.parametrize(
    ("row", "name", "synthetic"),
    [
        ({"synthetic": "TRUE"}, "a.csv", True),
        ({"synthetic": "1"}, "a.csv", True),
        ({"synthetic": "false"}, "a.csv", False),
        ({}, "kakao-SYNTHETIC.csv", True),
    ],
)
def test_one_synthetic_row_or_a_name_marks_the_whole_run(
    claims_csv: ClaimsCsv, incident: Incident, row: Row, name: str, *, synthetic: bool
) -> None:
    assert read(claims_csv([{}, row], name=name), incident).synthetic is synthetic


def test_no_decoded_copy_of_a_file_is_left_behind(
    tmp_path: Path, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = tmp_path / "a.csv"
    for content in ("접수번호\n1\n", "접수번호,서비스\n1\n2,3,4\n"):
        path.write_bytes(content.encode("cp949"))
        with pytest.raises(InputRefused):
            read(path, incident)
        assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a*.csv", "a[1].csv", "a?.csv", "[ab]/a*.csv"])
def test_a_path_that_the_engine_would_expand_is_the_file_that_it_names(
    claims_csv: ClaimsCsv, incident: Incident, name: str
) -> None:
    other = name.replace("*", "1").replace("?", "2").replace("[1]", "1")
    claims_csv([{"claim_id": "another"}], name=other)
    path = claims_csv([{"claim_id": name}, {"claim_id": "quoted", "region": "a,b"}], name=name)
    parquet = path.with_suffix(".parquet")
    pl.read_csv(path, infer_schema=False, glob=False).write_parquet(parquet)
    plain = claims_csv([{"claim_id": "plain"}], name=f"{name[:-4]}-plain.csv")
    claims = read([path, plain, parquet], incident)
    assert claims.files["rows"].to_list() == [2, 1, 2]
    found = claims.to_polars().select("source_row", "claim_id").rows()
    assert sorted(found) == sorted([(2, name), (2, "plain"), (3, "quoted")])
    assert claims.rejected_rows["claim_id"].to_list() == [name, "quoted"]


def test_folders_named_like_columns_do_not_become_columns(claims_csv: ClaimsCsv, incident: Incident) -> None:
    path = claims_csv([{}], name="service=melon/loss=7/a.csv")
    parquet = path.with_suffix(".parquet")
    pl.read_csv(path, infer_schema=False).write_parquet(parquet)
    for file in (path, parquet):
        row = read_claims(file, incident).to_polars().row(0, named=True)
        assert (row["service"], row["loss"]) == ("kakaotalk", 100_000)


def test_the_optional_claimant_falls_back_to_the_claim(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [{"claimant_id": "u1"}, {"claimant_id": ""}]
    assert read_claims(claims_csv(rows), incident).to_polars()["claimant_id"].to_list() == ["u1", "c2"]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path, incident: Incident) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame(claim_rows([{}, {"loss": ""}], incident)).write_parquet(path)
    content = path.read_bytes()
    for damaged, problem in (
        (content[:10] + b"\xff" * 50 + content[60:], "is damaged"),
        (content[:100], "is not a"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputRefused, match=rf"a\.parquet: {problem}"):
            read_claims(path, incident)


def test_two_files_of_the_same_name_are_kept_apart_with_their_checksums(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    paths = [
        claims_csv([{}, {"loss": "x"}], name="one/a.csv"),
        claims_csv([{"claim_id": "d1"}], name="two/a.csv"),
    ]
    claims = read(paths, incident)
    assert claims.files.rows() == [("a.csv", 2, 1, 1), ("a.csv (2)", 1, 1, 0)]
    assert claims.to_polars()["source_file"].to_list() == ["a.csv", "a.csv (2)"]
    contents = [path.read_bytes() for path in paths]
    listed = [(hashlib.sha256(content).hexdigest(), len(content)) for content in contents]
    assert [(file.sha256, file.bytes) for file in claims.inputs] == listed
