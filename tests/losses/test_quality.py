"""What complaint files were like: rules by file, round sums, claimants who filed again, days."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import Claims, read_claims
from outage_analysis.claims.rejects import MAX_VALUE_LENGTH
from outage_analysis.claims.rules import EXACT_COPY, REPEATED_ID, UNREADABLE
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.losses import ClaimsQuality, quality_table, rule_table
from outage_analysis.losses.data_quality import MAX_EXPLAINED_REJECTS
from tests.commands import KAKAO, command
from tests.conftest import ClaimsCsv, Edited, Row, claim_rows

NO_NUMBER = "loss is an amount that can be read, below 10^15"
WINDOW = "filed_on is within the claims window"
AFTER = "2022-11-07"  # the day after the window


def read(paths: Path | list[Path], incident: Incident) -> Claims:
    return read_claims(paths, incident, max_rejects=1)


def counting(incident: Incident, *rules: str) -> Incident:
    return incident.model_copy(update={"rules": dict.fromkeys(rules, "count")})


def rules_of(claims: Claims) -> list[tuple[str, str, int]]:
    return rule_table(claims).select("rule", "outcome", "complaints").rows()


# --- rules broken ---------------------------------------------------------------------------------------


def test_rejects_are_counted_by_file_and_rule_with_the_first_as_an_example(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    paths = [
        claims_csv([{}, {"loss": "x"}, {"loss": "-1"}, {"loss": "y", "service": "톸"}], name="z.csv"),
        claims_csv([{"claim_id": "z1", "loss": "w"}, {"claim_id": "z2"}], name="a.csv"),
    ]
    assert rule_table(read(paths, incident)).rows() == [
        ("a.csv", NO_NUMBER, "rejected", 1, 2, "w"),
        ("z.csv", NO_NUMBER, "rejected", 2, 3, "x"),
        ("z.csv", "loss is not negative", "rejected", 1, 4, "-1"),
        ("z.csv", "service is known", "rejected", 1, 5, "톸"),
    ]


def test_files_without_a_broken_rule_have_no_row(claims_csv: ClaimsCsv, incident: Incident) -> None:
    table = rule_table(read(claims_csv([{}, {}]), incident))
    assert table.is_empty()
    assert table.columns == ["source_file", "rule", "outcome", "complaints", "source_row", "example"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "text", "example"),
    [
        ("loss", "x", "x"),
        ("loss", "1.5.5", "1.5.5"),
        ("loss", "=1+1", "=1+1"),
        ("loss", "30만원 정도", "30만원 정도"),
        ("loss", "+" * MAX_VALUE_LENGTH, "+" * MAX_VALUE_LENGTH),
        ("loss", "+" * (MAX_VALUE_LENGTH + 1), "(25 characters)"),
        ("loss", "010-1234-5678", "***-****-****"),
        ("loss", "900101-1234567", "******-*******"),
        ("loss", "kim@example.com", "(15 characters)"),
        ("loss", "김민수", "(3 characters)"),
        ("filed_on", "13.45.", "13.45."),
        ("filed_on", "010-1234-5678", "***-****-****"),
        ("filed_on", "김민수가 전화로 말하기를 가게 문을 닫았다고 합니다", "(28 characters)"),
        ("service", "카카오톸", "카카오톸"),  # near an alias, so it is no name
        ("service", "<카카오톡>", "<카카오톡>"),
        ("service", "홍길동", "(3 characters)"),
        ("service", "010-1234-5678", "(13 characters)"),
        ("claimant_type", "소상공잉", "소상공잉"),
        ("claimant_type", "kim@example.com", "(15 characters)"),
    ],
)
def test_an_example_is_masked_and_neither_a_name_nor_a_sentence(
    claims_csv: ClaimsCsv, incident: Incident, column: str, text: str, example: str
) -> None:
    claims = read(claims_csv([{}, {column: text}]), incident)
    assert rule_table(claims)["example"].to_list() == [example]
    (line,) = ClaimsQuality(claims).to_dict()["first_rejects"]
    assert f"(found '{example}')" in line
    if text != example:
        assert text not in json.dumps(ClaimsQuality(claims).to_dict(), ensure_ascii=False, default=str)


def test_an_unreadable_record_shows_its_trouble_and_not_its_text(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    path = claims_csv([{}])
    path.write_text(path.read_text("utf-8") + "김민수,010-1234-5678\n", "utf-8")
    claims = read(path, incident)
    assert rule_table(claims).rows() == [
        ("claims.csv", UNREADABLE, "rejected", 1, 3, "2 fields instead of 8")
    ]
    assert "김민수" not in json.dumps(ClaimsQuality(claims).to_dict(), ensure_ascii=False, default=str)
    assert claims.rejected_rows["raw"].to_list() == ["김민수,010-1234-5678"]  # it stays in the warehouse


def test_the_first_rejects_are_reported_and_the_others_counted(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    claims = read(claims_csv([{}, *[{"loss": f"x{n}"} for n in range(MAX_EXPLAINED_REJECTS + 3)]]), incident)
    told = ClaimsQuality(claims).to_dict()
    assert (told["rows"], told["claims"], told["rejects"]) == (
        MAX_EXPLAINED_REJECTS + 4,
        1,
        MAX_EXPLAINED_REJECTS + 3,
    )
    assert [line.split(",")[1] for line in told["first_rejects"]] == [
        f" row {n}" for n in range(3, MAX_EXPLAINED_REJECTS + 3)
    ]


def test_the_report_is_plain_values(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read(claims_csv([{}, {"loss": "x"}], name="my-synthetic.csv"), incident)
    told = ClaimsQuality(claims).to_dict()
    assert json.loads(json.dumps(told, default=date.isoformat))["synthetic"] is True
    assert told["skipped"] == []


# --- rules that only count ------------------------------------------------------------------------------

BREAKS: dict[str, list[Row]] = {
    WINDOW: [{"filed_on": AFTER}],
    "loss is plausible": [{"loss": "150300000001"}],
    REPEATED_ID: [{"claim_id": "c1", "loss": "7"}],
    EXACT_COPY: [{"claim_id": "c1"}],
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", BREAKS)
def test_a_complaint_that_breaks_a_counted_rule_is_a_claim_and_is_reported(
    claims_csv: ClaimsCsv, incident: Incident, rule: str
) -> None:
    path = claims_csv([{}, *BREAKS[rule]])
    strict, lenient = read(path, incident), read(path, counting(incident, rule))
    assert (len(strict), rules_of(strict)) == (1, [(rule, "rejected", 1)])
    assert (len(lenient), rules_of(lenient)) == (2, [(rule, "counted", 1)])
    assert lenient.rejected_rows.is_empty()
    assert lenient.to_polars()["source_row"].to_list() == [2, 3]
    assert lenient.counted_rules().rows() == [("claims.csv", rule, 1)]
    assert rule_table(lenient).filter(outcome="rejected").is_empty()


def test_all_rules_may_be_counted_at_once_and_one_claim_may_break_several(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    rows = [{"filed_on": AFTER, "loss": "150300000001"}, {"claim_id": "c1"}, {"claim_id": "c1", "loss": "1"}]
    claims = read(claims_csv(rows), counting(incident, *BREAKS))
    assert len(claims) == 3
    assert sorted(rules_of(claims)) == sorted(
        [(WINDOW, "counted", 1), ("loss is plausible", "counted", 1), (REPEATED_ID, "counted", 2)]
    )


def test_a_counted_rule_can_be_strict_again(claims_csv: ClaimsCsv, incident: Incident) -> None:
    strict = incident.model_copy(update={"rules": {WINDOW: "reject"}})
    path = claims_csv([{}, {"filed_on": AFTER}])
    assert rule_table(read(path, strict)).equals(rule_table(read(path, incident)))


# --- hard forms -----------------------------------------------------------------------------------------


def test_claims_without_a_reject_are_valid_and_others_name_their_first(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    clean = read(claims_csv([{}, {"filed_on": AFTER}], name="a.csv"), counting(incident, WINDOW))
    assert clean.validate() is clean
    with pytest.raises(InputRefused, match=r"b\.csv, row 4, loss: .*1 of 3 rows rejected") as refusal:
        read(claims_csv([{}, {}, {"loss": "x"}], name="b.csv"), incident).validate()
    assert refusal.value.value == "x"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "code"), [("50%", 0), ("0.5", 0), ("49.9%", 3), ("0", 3), ("5%", 3), ("100%", 0)]
)
def test_more_rejects_than_allowed_end_the_command(claims_csv: ClaimsCsv, share: str, code: int) -> None:
    path = claims_csv([{}, {"loss": "x"}])
    result, out, err = command("ingest", *KAKAO, path, "--max-rejects", share)
    assert (result, bool(out), err.split(" ")[0]) == (code, code == 0, "error:" if code else "Next:")
    assert ("1 of 2 rows rejected" in err) == (code == 3)


def test_a_rule_is_counted_from_a_document_by_the_command(claims_csv: ClaimsCsv, edited: Edited) -> None:
    page = edited("incidents", "[formats]", f'[rules]\n"{WINDOW}" = "count"\n[formats]')
    path = claims_csv([{"filed_on": AFTER}])
    assert command("ingest", *KAKAO, path)[0] == 3
    code, out, _ = command("ingest", path, "--incident", page, "--max-rejects", "0%", "--json")
    (rule,) = json.loads(out)["rules"]
    assert (code, rule["rule"], rule["outcome"], rule["complaints"]) == (0, WINDOW, "counted", 1)


# --- files and days -------------------------------------------------------------------------------------


def test_each_file_has_its_shape_its_account_and_its_days(claims_csv: ClaimsCsv, incident: Incident) -> None:
    paths = [
        claims_csv([{"filed_on": day} for day in ("2022-10-20", "2022-10-16", AFTER)], name="z.csv"),
        claims_csv([{"claim_id": "n", "filed_on": "2022-10-30"}], name="a.csv", delimiter=";"),
        claims_csv([{"claim_id": "m", "loss": "x"}], name="m.csv"),
    ]
    assert quality_table(read(paths, incident)).rows() == [
        (
            "z.csv",
            "utf-8",
            "delimiter ',', quote \", header in row 1",
            3,
            2,
            1,
            *days("2022-10-16", "2022-10-20"),
        ),
        (
            "a.csv",
            "utf-8",
            "delimiter ';', quote \", header in row 1",
            1,
            1,
            0,
            *days("2022-10-30", "2022-10-30"),
        ),
        ("m.csv", "utf-8", "delimiter ',', quote \", header in row 1", 1, 0, 1, None, None),
    ]


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


# --- claimants ------------------------------------------------------------------------------------------


def test_claimants_who_filed_again_are_counted_by_hand(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [
        {"claimant_id": "u", "loss": "5"},
        {"claimant_id": "u", "loss": "5", "filed_on": "2022-10-20"},
        {"claimant_id": "u", "loss": "6", "service": "멜론"},
        {"claimant_id": "v", "loss": ""},
        {"claimant_id": "v", "loss": ""},
        {"claimant_id": "", "loss": "5"},
        {"claimant_id": "", "loss": "x"},
    ]
    assert read(claims_csv(rows), incident).query("repeat-claimants").rows() == [
        ("claimant_id", "claimant", 5, 2, 2),
        ("claimant_id", "claimant_and_service", 5, 3, 2),
        ("claimant_id", "claimant_service_and_day", 5, 4, 1),
        ("claimant_id", "claimant_service_and_loss", 3, 2, 1),
        ("claim_id", "claimant", 1, 1, 0),
        ("claim_id", "claimant_and_service", 1, 1, 0),
        ("claim_id", "claimant_service_and_day", 1, 1, 0),
        ("claim_id", "claimant_service_and_loss", 1, 1, 0),
    ]


CLAIM = st.fixed_dictionaries(
    {
        "claim_id": st.sampled_from("abcd"),
        "claimant_id": st.sampled_from(["", "a", "u", " u", "v"]),
        "service": st.sampled_from(["카톡", "카카오톡", "멜론"]),
        "filed_on": st.sampled_from(["2022-10-19", "2022-10-20", AFTER]),
        "loss": st.sampled_from(["", "0", "5", "6", "x"]),
    }
)


@pytest.mark.slow
@given(rows=st.lists(CLAIM, max_size=14))
@settings(max_examples=12)
def test_claimants_are_those_of_python(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    incident = counting(load_incident("kakao-2022"), REPEATED_ID, EXACT_COPY)
    full = claim_rows([{"claim_id": "good", "claimant_id": "", "loss": "1"}, *rows], incident)
    header = list(full[0])
    path = tmp_path_factory.mktemp("claimants") / "a.csv"
    lines = [header, *([row[c] for c in header] for row in full)]
    path.write_text("\n".join(",".join(line) for line in lines), "utf-8")
    ids = {"카톡": "kakaotalk", "카카오톡": "kakaotalk", "멜론": "melon"}
    told = [
        (row["claimant_id"].strip(), row["claim_id"], ids[row["service"]], row["filed_on"], row["loss"])
        for row in full
        if row["loss"] != "x" and row["filed_on"] != AFTER
    ]
    expected = []
    for identified_by in ("claimant_id", "claim_id"):
        group = [(u or c, s, d, x) for u, c, s, d, x in told if bool(u) == (identified_by == "claimant_id")]
        grains: dict[str, list[object]] = {
            "claimant": [who for who, *_ in group],
            "claimant_and_service": [(who, s) for who, s, _, _ in group],
            "claimant_service_and_day": [(who, s, d) for who, s, d, _ in group],
            "claimant_service_and_loss": [(who, s, x) for who, s, _, x in group if x not in ("", "0")],
        }
        expected += [
            (identified_by, grain, len(keys), len(set(keys)), sum(n > 1 for n in Counter(keys).values()))
            for grain, keys in grains.items()
            if keys
        ]
    assert read(path, incident).query("repeat-claimants").rows() == expected
