"""A result from complaint files and tiers alone, without a TOML document."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from outage_analysis import Claims, policy_from_tiers, read_claims, reference_ledger, save_claims
from outage_analysis.analysis import Analysis, Plan, headline_sentences, input_notes, run
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.reports import Report, verify, write_report

pytestmark = pytest.mark.slow  # the contract suite runs the tasks of the how-to page in the quick run

COMPLAINTS = """Ticket No,Product,Received,Damage (KRW)
1,KakaoTalk,2022-10-16,"120,000"
2,KakaoTalk,2022-10-17,"300,000"
3,Kakao Bank,2022-10-18,"300,001"
4,Kakao T,2022-10-18,"500,000"
5,Kakao T,2022-10-18,"500,001"
6,Kakao T,2022-10-19,0
"""
TIERS = {300_000: 30_000, 500_000: 50_000}
PAID = 2 * 30_000 + 2 * 50_000
"""What the tiers pay if everybody files and is accepted; nothing above the last tier, nothing for no loss."""
FEW = 8_192


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("complaints") / "complaints.csv"
    path.write_text(COMPLAINTS, "utf-8")
    return path


@pytest.fixture(scope="module")
def claims(path: Path) -> Claims:
    return read_claims(path)


@pytest.fixture(scope="module")
def analysis(claims: Claims) -> Analysis:
    return run(claims, tiers=TIERS, budget=100_000, draws=FEW)


def test_a_report_of_ones_own_file_says_what_it_is_of(tmp_path: Path) -> None:
    path = tmp_path / "x7.csv"
    rows = ("claim_id,service,filed_on,loss (EUR)", "1,App,2026-01-15,12.50", "2,Web,2026-01-16,3.00")
    path.write_text("\n".join(rows), "utf-8")
    analysis, named = run(path, tiers={10: 2, None: 5.5}), run(path, tiers={10: 2}, title="Our shop")
    assert analysis.incident.name.en == "Complaints dated 15 January 2026 to 16 January 2026"
    assert analysis.incident.name.ko == "2026. 1. 15.~2026. 1. 16. 신고"
    assert analysis.policy.name.en == "Tiers by loss (up to 10.00: 2.00 euros; over 10.00: 5.50 euros)"
    first = headline_sentences(analysis, analysis.locale("en"))[0]
    assert first.startswith("We treat 2 rows as complaints and expect 35% of those with a payment due to be ")
    assert {named.incident.name[lang] for lang in ("en", "ko")} == {"Our shop"}
    folder = named.report(tmp_path / "report", formats=("csv", "md")).parent
    title = (folder / "report.md").read_text("utf-8").splitlines()[0]
    assert title == "# What the outage would cost: Our shop"
    assert verify(folder, claims=[path]).rebuilt
    with pytest.raises(UsageError, match="the title, en: string should have at most 120 characters"):
        run(path, tiers={10: 2}, title="x" * 121)
    name = run(path, tiers=dict.fromkeys(range(1, 30), 1)).policy.name.en
    assert (name[:15], name[-1], len(name)) == ("Tiers by loss (", "…", 120)


def test_what_does_not_go_together_is_refused(claims: Claims) -> None:
    with pytest.raises(UsageError, match=r"other arguments have no effect \(found 'budget, level'\)"):
        run(Plan(), budget=5, level=90)
    other = claims.incident.model_copy(update={"claims_to": claims.incident.claims_from})
    with pytest.raises(UsageError, match="read for another definition of the incident"):
        run(claims, incident=other, tiers=TIERS)
    early = claims.incident.claims_from.replace(2009, 1, 1)
    said = "as of 2009-01-01 no comparable rate was published for the effort form"
    with pytest.raises(ModelRefused, match=said):
        reference_ledger(policy_from_tiers(TIERS, claims.incident), claims.incident, as_of=early)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("as-filing-shar", 0.2, "as-filing-share"),
        ("as-filing-share", 2.0, "as-filing-share"),
        ("small-business-cash.tier9", 1.0, "tier9"),
        ("small-business-cash.tier1", -1.0, "number from 0"),
        ("small-business-cash.tier1", 0.5, "decimal places"),
        ("small-business-cash.tier1.up_to", 1.0, "is no parameter"),
    ],
)
def test_a_change_that_is_none_is_refused(name: str, value: float, problem: str) -> None:
    with pytest.raises((UsageError, ModelRefused), match=problem):
        run(Plan(claims=(), changes={name: value}))
    done = run(Plan(claims=(), changes={"small-business-cash.tier3": 90_000}, draws=FEW))
    assert done.policy.schedules[0].bands[2].fixed == 90_000  # the last tier has no edge


def test_a_policy_that_was_announced_after_the_last_claim_is_not_left_out(
    claims: Claims, analysis: Analysis
) -> None:
    (line,) = analysis.policy.lines
    announced = line.model_copy(update={"public_on": date(2022, 12, 1)})
    later = run(claims, policy=analysis.policy.model_copy(update={"lines": (announced,)}), draws=FEW)
    assert (later.as_of, later.dropped_lines) == (date(2022, 12, 1), ())
    assert later.ledger
    filing, acceptance = (entry.range for entry in later.ledger.assumptions)  # type: ignore[union-attr]
    assert later.expected == pytest.approx(PAID * filing.expected * acceptance.expected, rel=1e-9)


def test_a_report_of_a_selection_asks_for_a_file_of_it(claims: Claims, tmp_path: Path) -> None:
    selected, kept = claims.filter(service="kakao-t"), tmp_path / "part.parquet"
    part = run(selected, tiers=TIERS, effort="automatic", draws=FEW)
    assert part.expected == 50_000
    with pytest.raises(UsageError, match=r"a selection.*save_claims\(claims"):
        write_report(part, tmp_path / "report", formats=["csv"])
    save_claims(selected, kept)
    again = run(read_claims(kept, claims.incident), tiers=TIERS, draws=FEW)
    folder = write_report(again, tmp_path / "report", formats=["csv"]).parent
    assert verify(folder, claims=[kept]).rebuilt


@pytest.mark.parametrize(
    ("lang", "texts"),
    [
        (
            "en",
            (
                "The rates come from comparable schemes, not from this outage",
                "losses over 500,000 won are paid nothing",
            ),
        ),
        (
            "ko",
            (
                "이 장애의 실측값이 아니라 유사 보상 사례에서 가져왔습니다",
                "500,000원 초과 손실은 해당 구간이 없어 지급하지 않습니다",
            ),
        ),
    ],
)
def test_the_output_states_where_rates_are_from_and_what_is_not_paid(
    analysis: Analysis, lang: str, texts: tuple[str, str]
) -> None:
    notes = input_notes(analysis, analysis.locale(lang))
    assert len(notes) == len(texts)
    for note, text in zip(notes, texts, strict=True):
        assert text in note
        assert note in Report(analysis, lang).answers.headline
        assert note in " ".join(str(analysis.card(lang)).split()) or lang == "ko"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"tiers": {}}, "tiers are a mapping with at least one tier"),
        ({"tiers": {0: 5}}, "must end at different losses above 0"),
        ({"tiers": {100: 5, 100.0001: 6}}, "the largest loss of a tier has no decimal places"),
        ({"tiers": {100: -5}}, r"the payment is a number from 0 \(found '-5'\)"),
        ({"tiers": {100: "five"}}, "the payment is a number from 0"),
        ({"tiers": TIERS, "effort": "forms"}, "effort: input should be .*'form'.*found 'forms'"),
        ({"tiers": TIERS, "policy": "kakao-2022"}, "policy and tiers are both given"),
        ({}, "no bundled policy for complaints"),
        ({"tiers": TIERS, "as_of": "yesterday"}, "is not a day"),
        *(
            ({"tiers": TIERS, "budget": budget}, "a budget is a whole number above 0")
            for budget in ("abc", -5, 0, 10.5, True)
        ),
    ],
)
def test_arguments_that_fit_nothing_are_refused(
    claims: Claims, arguments: dict[str, object], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        run(claims, **arguments)  # type: ignore[arg-type]
