"""The second bundled case, KT's fire of 2018: from published counts, day by day, without its outcome."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import outage_analysis
from tests.contract.report_tables import read_tables
from tests.contract.report_texts import amounts_in

MOBILE, INTERNET = 660_000 * 36_217, 215_000 * 20_000
IPTV = 215_000 * (0.4 + 4 * 0.8 + 1) / 6 * 20_000  # the mean of a PERT distribution from 0.4 over 0.8 to 1
WAIVERS = MOBILE + INTERNET + IPTV
MEAN_PAYMENT = 0.475 * 400_000 + 0.355 * 800_000 + 0.085 * 1_000_000 + 0.085 * 1_200_000
DAYS = ["2018-11-26", "2018-12-11", "2019-03-05", "2019-03-22", "2019-06-06"]
FEW = 8_192


def cash(day: str) -> oa.Analysis:
    return oa.run(incident="kt-2018", as_of=date.fromisoformat(day), draws=FEW)


def line(analysis: oa.Analysis, name: str) -> dict[str, float]:
    return analysis.tables["costs"].filter(line=name, level="line").row(0, named=True)


@pytest.mark.parametrize("day", DAYS)
def test_each_day_uses_what_was_public_by_then(day: str) -> None:
    analysis = cash(day)
    assert [line(analysis, f"{x}-fee")["expected"] for x in ("mobile", "internet", "iptv")] == pytest.approx(
        [MOBILE, INTERNET, IPTV], rel=1e-6
    )
    assert max(analysis.tables["facts"]["public_on"].to_list()) <= date.fromisoformat(day)
    paying = analysis.tables["costs"].filter(line="small-business-cash", level="line")
    assert (not paying.is_empty() and paying["expected"][0] is not None) == (day >= "2019-03-22")
    (total,) = analysis.tables["totals"].filter(valuation="cash")["expected"]
    assert total == pytest.approx(WAIVERS + sum(paying["expected"].drop_nulls().to_list()), rel=1e-6)


@pytest.mark.parametrize(("day", "filed"), [("2019-03-22", 15_000), ("2019-06-06", 13_250)])
def test_small_businesses_are_paid_by_days_without_service(day: str, filed: int) -> None:
    analysis = cash(day)
    assert analysis.ledger
    acceptance = analysis.ledger.find("acceptance", "small-business-cash").range.expected  # type: ignore[union-attr]
    expected = filed * acceptance * MEAN_PAYMENT
    assert line(analysis, "small-business-cash")["expected"] == pytest.approx(expected, rel=1e-6)


def test_its_own_outcome_is_refused_and_other_cases_may_use_it(tmp_path: Path) -> None:
    data = Path(__file__).parents[2] / "data" / "assumptions"
    ledger = (data / "kt-2018.toml").read_text("utf-8")
    own = ledger.replace('classes = ["TA-KEPCO11", ', 'classes = ["TA-KEPCO11", "TU-KT18", ')
    assert own != ledger
    (tmp_path / "own.toml").write_text(own, "utf-8")
    words = ("cost", "--incident", "kt-2018", "--ledger", tmp_path / "own.toml", "--as-of", "2020-01-01")
    code, out, err = outage_analysis(*words)
    assert (code, out, "TU-KT18" in err) == (2, "", True)
    shutil.copyfile(data / "kakao-2023-06-30.toml", tmp_path / "other.toml")
    assert "TU-KT18" in (tmp_path / "other.toml").read_text("utf-8")
    assert outage_analysis("cost", "--ledger", tmp_path / "other.toml", "--as-of", "2023-06-30").code == 0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the case."""
    folder = tmp_path_factory.mktemp("kt") / "report"
    words = ("report", "--incident", "kt-2018", "--formats", "csv,html,md,pptx", "--draws", FEW)
    assert outage_analysis(*words, "--out", folder).code == 0
    return folder


def test_a_report_of_it_keeps_the_outcome_apart(written: Path) -> None:
    for name, table in read_tables(written).items():
        for day in map(str, table.get("public_on", ())):
            assert name.startswith("hindsight_") or day <= "2019-03-22", (name, day)
        assert name.startswith("hindsight_") or "synthetic" not in name
    totals = read_tables(written)["totals"]
    assert pl.DataFrame(totals).filter(valuation="cash")["expected"].item() == pytest.approx(38_935_341_730)


def test_the_back_test_says_what_came_out() -> None:
    told = json.loads(outage_analysis("backtest", "kt-2018", "--draws", FEW, "--json").out)
    found = {row["outcome"]: (row["observed"], row["verdict"]) for row in told["outcomes"]}
    assert found == {
        "accepted": (11_500, "inside"),
        "paid": (6_250_000_000, "miss_low"),
        "small-business-total": (6_250_000_000, "inside"),
    }


@pytest.mark.parametrize("incident", ["kt-2018", "kakao-2022"])
def test_if_all_were_paid_it_would_cost_more_than_the_mean(incident: str) -> None:
    answer = outage_analysis("cost", "--incident", incident).out.splitlines()
    (all_paid,) = (amounts_in(line, "en") for line in answer if line.startswith(("If everyone", "If all")))
    assert max(all_paid) > max(amounts_in(answer[0].partition("about")[2].partition(".")[0], "en"))


def test_what_was_published_by_service_and_of_those_who_filed_comes_second(written: Path) -> None:
    services = pl.DataFrame(read_tables(written)["services"]).select("service", "users", "expected")
    assert services.rows() == [
        ("mobile", 660_000, pytest.approx(MOBILE)),
        ("internet", 215_000, pytest.approx(INTERNET)),
        ("iptv", None, pytest.approx(IPTV)),
        ("landline", 232_000, None),
        ("copper", None, None),
    ]
    _, first, _, second, third, *_ = (written / "report.md").read_text("utf-8").split("\n## ")
    assert first.startswith("The answer")
    assert second.startswith("Services\n")
    assert "| IPTV | Fixed line | not published | 3,296,666,667 |" in second
    rows = [line.split(" | ") for line in third.splitlines() if line.startswith("| share ")]
    assert [row[1] for row in rows] == ["47.5", "17", "35.5"]


def test_what_nobody_had_published_yet_is_not_shown() -> None:
    early = cash("2018-11-26")
    assert early.tables["facts"].filter(topic="intake-counts").is_empty()
    assert early.tables["services"]["users"].to_list() == [660_000, 215_000, None, 232_000, None]
