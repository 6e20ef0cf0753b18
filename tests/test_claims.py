"""What a claim is: each rule, what it rejects, and the line that the user reads."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import RULES, Claims, explain, read_claims
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import Dimension, Incident, load_incident

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import ClaimsCsv, Edited, Row

UNREADABLE = "the record has the fields of its header"
BREAKING: dict[str, Row] = {
    "claim_id is given": {"claim_id": " "},
    "claim_id is not repeated": {"claim_id": "c1"},
    "service is given": {"service": ""},
    "service is known": {"service": "네이버"},
    "claimant_type is given": {"claimant_type": ""},
    "claimant_type is known": {"claimant_type": "a cat"},
    "filed_on is a date": {"filed_on": "19 October"},
    "filed_on is within the claims window": {"filed_on": "2022-11-07"},
    "loss is a whole number of the smallest unit, below 10^15": {"loss": "much"},
    "loss is not negative": {"loss": "-1"},
}


def read(path: Path, incident: Incident) -> Claims:
    return read_claims(path, incident, max_rejects=1)


def broken(claims: Claims) -> list[tuple[int, list[str]]]:
    return claims.rejects.select("source_row", "broken").rows()


def test_every_rule_has_a_row_that_breaks_it() -> None:
    assert {*BREAKING, UNREADABLE} == set(RULES)


@pytest.mark.parametrize("rule", BREAKING)
def test_a_row_that_breaks_one_rule_is_a_reject_under_its_name(
    claims_csv: ClaimsCsv, incident: Incident, rule: str
) -> None:
    claims = read(claims_csv([{}, BREAKING[rule], {}]), incident)
    assert broken(claims) == [(3, [rule])]
    assert claims.frame()["claim_id"].to_list() == ["c1", "c3"]
    assert claims.files.rows() == [("claims.csv", 3, 2, 1)]


@pytest.mark.parametrize("rule", BREAKING)
def test_a_reject_is_explained_by_file_row_column_value_and_remedy(
    claims_csv: ClaimsCsv, incident: Incident, rule: str
) -> None:
    claims = read(claims_csv([{}, BREAKING[rule]]), incident)
    error = explain(claims, claims.rejects.row(0, named=True))
    column = rule.split(" ", maxsplit=1)[0]
    assert str(error).startswith(f"claims.csv, row 3, {column}: breaks the rule '{rule}'")
    assert error.remedy
    (value,) = BREAKING[rule].values()
    assert (error.value or "") == value.strip()


def test_a_row_that_breaks_several_rules_names_them_all(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read(claims_csv([{}, {"service": "", "loss": "x", "filed_on": "x"}]), incident)
    rules = [
        "service is given",
        "filed_on is a date",
        "loss is a whole number of the smallest unit, below 10^15",
    ]
    assert broken(claims) == [(3, rules)]
    assert sorted(claims.broken_rules().rows()) == sorted(("claims.csv", rule, 1) for rule in rules)


@pytest.mark.parametrize(
    ("written", "loss"),
    [
        ("300000", 300_000),
        ("300000.0", 300_000),
        ("300000.00", 300_000),
        (" 300000 ", 300_000),
        ("+5", 5),
        ("007", 7),
        ("0", 0),
        ("-0", 0),
        ("0.0", 0),
        ("999999999999999", 999_999_999_999_999),
        ("", None),
        ("  ", None),
    ],
)
def test_a_loss_in_whole_units_is_read(
    claims_csv: ClaimsCsv, incident: Incident, written: str, loss: int | None
) -> None:
    assert read(claims_csv([{"loss": written}]), incident).frame()["loss"].to_list() == [loss]


@pytest.mark.parametrize(
    "written",
    [
        "1.5", "1e5", "3,000", "٣", "\uff13", "1000000000000000", "-1000000000000000", "9" * 40,
        "0x10", "1_000", "--5", "5-", "5.", ".5", "NaN", "inf", "null", "5 000", "₩5", "1;2",
    ],
)  # fmt: skip
def test_any_other_loss_is_a_reject(claims_csv: ClaimsCsv, incident: Incident, written: str) -> None:
    claims = read(claims_csv([{}, {"loss": written}]), incident)
    assert broken(claims) == [(3, ["loss is a whole number of the smallest unit, below 10^15"])]
    assert claims.rejects["loss"].item() == written


@pytest.mark.parametrize(
    ("written", "loss"),
    [
        ("12.50", 1_250),
        ("12.5", 1_250),
        ("12", 1_200),
        ("12.500", 1_250),
        ("0.01", 1),
        ("-0.00", 0),
        ("9999999999999.99", 999_999_999_999_999),
        ("10000000000000.00", None),
        ("999999999999999.99", None),
        ("12.505", None),
        ("12,50", None),
        (".50", None),
    ],
)
def test_a_money_loss_may_have_the_decimals_of_its_currency(
    claims_csv: ClaimsCsv, incident: Incident, written: str, loss: int | None
) -> None:
    cents = incident.model_copy(update={"minor_units": 2})
    claims = read(claims_csv([{}, {"loss": written}]), cents)
    assert claims.frame()["loss"].to_list() == [10_000_000, *([] if loss is None else [loss])]
    assert len(claims.rejects) == (loss is None)


def test_a_loss_that_is_no_money_has_no_decimals_whatever_the_currency(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    minutes = incident.loss.model_copy(update={"unit": "minutes"})
    ferry = incident.model_copy(update={"minor_units": 2, "loss": minutes})
    claims = read(claims_csv([{"loss": "90"}, {"loss": "12.50"}]), ferry)
    assert claims.frame()["loss"].to_list() == [90]


@pytest.mark.parametrize(
    ("policy", "losses", "rejects"),
    [("reject", [5], 1), ("zero", [5, 0], 0), ("band", [5, -3], 0)],
)
def test_a_negative_loss_becomes_what_the_incident_says(
    claims_csv: ClaimsCsv,
    edited: Edited,
    policy: Literal["reject", "zero", "band"],
    losses: list[int],
    rejects: int,
) -> None:
    page = edited("incidents", 'negative = "reject"', f'negative = "{policy}"')
    claims = read(claims_csv([{"loss": "5"}, {"loss": "-3"}]), load_incident(page))
    assert claims.frame()["loss"].to_list() == losses
    assert len(claims.rejects) == rejects


@pytest.mark.parametrize("written", ["2022-10-15", "2022-11-06", "2022-10-19T08:30", "2022-10-19 08:30:01.5"])
def test_a_day_of_the_claims_window_is_read(claims_csv: ClaimsCsv, incident: Incident, written: str) -> None:
    claims = read(claims_csv([{"filed_on": written}]), incident)
    assert claims.frame()["filed_on"].to_list() == [date.fromisoformat(written[:10])]


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("2022-10-14", "filed_on is within the claims window"),
        ("2022-11-07", "filed_on is within the claims window"),
        ("0001-01-01", "filed_on is within the claims window"),
        ("2022-02-30", "filed_on is a date"),
        ("19.10.2022", "filed_on is a date"),
        ("10/19/2022", "filed_on is a date"),
        ("20221019", "filed_on is a date"),
        ("2022-10-19T00:30:00+09:00", "filed_on is a date"),
        ("\u0662\u0660\u0662\u0662-10-19", "filed_on is a date"),
        ("44853", "filed_on is a date"),
        ("", "filed_on is a date"),
    ],
)
def test_a_day_outside_the_window_and_what_is_no_day_are_rejects(
    claims_csv: ClaimsCsv, incident: Incident, written: str, rule: str
) -> None:
    assert broken(read(claims_csv([{}, {"filed_on": written}]), incident)) == [(3, [rule])]


def test_the_first_row_of_an_id_is_kept_and_the_others_name_it(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    rows = [{"loss": "1"}, {"claim_id": "c1", "loss": "2"}, {"claim_id": " c1 ", "loss": "3"}]
    claims = read(claims_csv(rows), incident)
    assert claims.frame().select("claim_id", "loss").rows() == [("c1", 1)]
    rejects = claims.rejects.select("source_row", "kept_file", "kept_row").rows()
    assert rejects == [(3, "claims.csv", 2), (4, "claims.csv", 2)]
    error = explain(claims, claims.rejects.row(0, named=True))
    assert error.remedy == "Row 2 of claims.csv was kept."


def test_an_id_repeated_in_another_file_names_the_file_that_was_kept(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    one = claims_csv([{}, {}], name="z.csv")
    two = claims_csv([{"claim_id": "c2"}, {"claim_id": "new"}], name="a.csv")
    claims = read_claims([one, two], incident, max_rejects=1)
    rejects = claims.rejects.select("source_file", "source_row", "kept_file", "kept_row").rows()
    assert rejects == [("a.csv", 2, "z.csv", 3)]
    assert claims.files.rows() == [("z.csv", 2, 2, 0), ("a.csv", 2, 1, 1)]


def test_a_rejected_first_row_does_not_shadow_a_good_second_one(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    rows = [{"loss": "x"}, {"claim_id": "c1", "loss": "2"}, {"claim_id": "c1", "loss": "3"}]
    claims = read(claims_csv(rows), incident)
    assert claims.frame().select("source_row", "loss").rows() == [(3, 2)]
    assert broken(claims) == [
        (2, ["loss is a whole number of the smallest unit, below 10^15"]),
        (4, ["claim_id is not repeated"]),
    ]
    assert claims.rejects["kept_row"].to_list() == [None, 3]


def test_ids_are_compared_as_they_are_written(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [{"claim_id": id_} for id_ in ("a", "A", "01", "1", "\uac00", "\u1100\u1161")]
    assert len(read(claims_csv(rows), incident)) == 6


def test_an_unknown_service_names_the_nearest_alias(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read(claims_csv([{}, {"service": "카카오톸"}]), incident)
    error = explain(claims, claims.rejects.row(0, named=True))
    assert error.remedy.startswith("Did you mean '카카오톡'?")
    assert error.value == "카카오톸"


def test_services_and_claimant_types_become_ids(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [
        {"service": "카카오 택시", "claimant_type": "개인"},
        {"service": "KAKAO  t", "claimant_type": "SME"},
        {"service": "카카오뱅크", "claimant_type": "법인"},
    ]
    frame = read(claims_csv(rows), incident).frame()
    assert frame["service"].to_list() == ["kakao_t", "kakao_t", "kakao_bank"]
    types = ["general_user", "small_business", "mid_large_firm"]
    assert frame["claimant_type"].to_list() == types


def with_dimension(incident: Incident, id_: str) -> Incident:
    """The incident with a numeric dimension more."""
    delay = Dimension.model_validate({"id": id_, "name": {"en": "Delay"}, "kind": "number", "edges": (10,)})
    return incident.model_copy(update={"dimensions": (*incident.dimensions, delay)})


@pytest.mark.parametrize("id_", ["delay", "select", "delay-minutes", "1st"])
def test_a_numeric_dimension_is_a_whole_number_or_unknown(
    claims_csv: ClaimsCsv, incident: Incident, id_: str
) -> None:
    rows = [{id_: "5"}, {id_: "-7"}, {id_: ""}, {id_: "soon"}, {id_: "1.5"}]
    claims = read(claims_csv(rows), with_dimension(incident, id_))
    assert claims.frame()[id_].to_list() == [5, -7, None]
    assert broken(claims) == [(n, [f"{id_} is a whole number"]) for n in (5, 6)]
    assert explain(claims, claims.rejects.row(0, named=True)).remedy == "Give a whole number."


def test_a_text_dimension_stands_as_it_is(claims_csv: ClaimsCsv, incident: Incident) -> None:
    frame = read(claims_csv([{"region": " 서울 "}, {"region": ""}]), incident).frame()
    assert frame["region"].to_list() == ["서울", None]


def test_rejects_up_to_the_share_pass_and_one_more_is_refused(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    bad = {"loss": "x"}
    at_the_edge = claims_csv([bad, *[{}] * 19])
    assert len(read_claims(at_the_edge, incident)) == 19
    beyond = claims_csv([bad, *[{}] * 18])
    with pytest.raises(InputRefused, match=r"1 of 19 rows rejected, more than 5\.0%") as refusal:
        read_claims(beyond, incident)
    error = refusal.value
    assert (error.file, error.row, error.column, error.value) == ("claims.csv", 2, "loss", "x")
    assert len(read_claims(beyond, incident, max_rejects=1 / 19)) == 18


def test_not_a_single_reject_is_allowed_under_a_share_of_zero(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    assert len(read_claims(claims_csv([{}]), incident, max_rejects=0)) == 1
    with pytest.raises(InputRefused, match="1 of 2 rows rejected"):
        read_claims(claims_csv([{}, {"loss": "x"}]), incident, max_rejects=0)


def test_a_file_of_rejects_alone_is_refused_under_any_share(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    with pytest.raises(InputRefused, match="2 of 2 rows rejected, all of them"):
        read(claims_csv([{"loss": "x"}, {"loss": "y"}]), incident)


def test_a_header_without_rows_is_refused(claims_csv: ClaimsCsv, incident: Incident) -> None:
    path = claims_csv([])
    path.write_text(path.read_text("utf-8").splitlines()[0], "utf-8")
    with pytest.raises(InputRefused, match=r"claims\.csv: has a header and no rows"):
        read(path, incident)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_of_rejects_that_is_none_is_refused(incident: Incident, share: float) -> None:
    with pytest.raises(UsageError, match="--max-rejects is a share between 0 and 1"):
        read_claims("any.csv", incident, max_rejects=share)


def test_no_files_at_all_are_refused(incident: Incident) -> None:
    with pytest.raises(UsageError, match="no file of complaints was named"):
        read_claims([], incident)


@pytest.mark.parametrize(
    ("row", "name", "synthetic"),
    [
        ({}, "a.csv", False),
        ({"synthetic": "true"}, "a.csv", True),
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


def test_an_analyst_may_query_the_tables_with_values(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read(claims_csv([{"loss": "5"}, {"loss": "50"}, {"loss": "x"}]), incident)
    query = "select claim_id from claims where loss > $least"
    assert claims.sql(query, least=5).fetchall() == [("c2",)]
    assert claims.sql(query, least=0).fetchall() == [("c1",), ("c2",)]
    for table, rows in {"claims": 2, "rejects": 1, "staged": 3}.items():
        assert claims.sql(f"select count(*) from {table}").fetchall() == [(rows,)]  # noqa: S608


def test_a_value_in_a_query_is_never_part_of_it(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read(claims_csv([{}]), incident)
    rows = claims.sql("select $word as word", word="'; drop table claims; --").fetchall()
    assert rows == [("'; drop table claims; --",)]
    assert len(claims.frame()) == 1


def test_claims_come_in_the_order_of_the_file(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [{"claim_id": id_} for id_ in ("z", "a", "m")]
    frame = read(claims_csv(rows), incident).frame()
    assert frame["claim_id"].to_list() == ["z", "a", "m"]
    assert frame.columns[:9] == [
        "source_file", "source_row", "synthetic", "claim_id", "claimant_id", "service",
        "claimant_type", "filed_on", "loss",
    ]  # fmt: skip


VALUES = {
    "claim_id": st.sampled_from(["a", "b", "c", "", " a"]),
    "service": st.sampled_from(["카톡", "카톸", "", "kakao t", "'"]),
    "claimant_type": st.sampled_from(["개인", "소상공인", "x"]),
    "filed_on": st.sampled_from(["2022-10-19", "2022-10-01", "x"]),
    "loss": st.sampled_from(["", "0", "5", "-5", "1.5", "10000000000000000"]),
}


@given(
    tables=st.lists(st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=12), min_size=1, max_size=3)
)
@settings(max_examples=20)
def test_every_row_of_every_file_is_a_claim_or_a_reject_and_ids_stay_unique(
    tmp_path_factory: pytest.TempPathFactory, tables: list[list[Row]]
) -> None:
    incident = load_incident("kakao-2022")
    good = {"service": "카톡", "claimant_type": "개인", "filed_on": "2022-10-19", "loss": "1"}
    dims = {d.id: "x" for d in incident.dimensions}
    tables = [[{"claim_id": "good", **good}, *tables[0]], *tables[1:]]
    paths = []
    for n, rows in enumerate(tables):
        path = tmp_path_factory.mktemp("run") / f"{n}.csv"
        pl.DataFrame([{**row, **dims} for row in rows]).write_csv(path)
        paths.append(path)
    claims = read_claims(paths, incident, max_rejects=1)
    read_rows, passed, rejected = claims.files.select("rows", "claims", "rejects").to_dict().values()
    assert read_rows.to_list() == [len(rows) for rows in tables]
    assert (passed + rejected).to_list() == read_rows.to_list()
    assert claims.frame()["claim_id"].is_unique().all()
    seen = {*claims.frame().select("source_file", "source_row").rows()}
    seen |= {*claims.rejects.select("source_file", "source_row").rows()}
    assert len(seen) == sum(map(len, tables))
