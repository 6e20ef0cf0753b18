"""The tasks of docs/how-to.md, each with a result that is computed in another way; the page itself runs."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
import pytest
from scipy.stats import lognorm

import outage_analysis as oa
from tests.contract.command_line import outage_analysis
from tests.doc_blocks import new_shell, run_page, runnable
from tests.doc_pages import blocks
from tests.paths import ROOT

PAGE = ROOT / "docs" / "how-to.md"
TIERS = {300_000: 30_000, 500_000: 50_000}
FEW = 8_192
"""Draws: enough for these checks, and quick."""
LOSS = "loss (KRW)"
NAMES = {"Messenger": "messenger", "Bank": "bank", "Taxi": "taxi"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The complaints that the page prints."""
    text, *_ = re.findall(r'write_text\("""\\\n(.*?)"""', blocks(PAGE)[0].text, re.DOTALL)
    path = tmp_path_factory.mktemp("how-to") / "complaints.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def rows(path: Path) -> list[dict[str, str]]:
    """The same complaints, read by the csv module."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def claims(path: Path) -> oa.Claims:
    return oa.read_claims(path)


@pytest.fixture(scope="module")
def analysis(claims: oa.Claims) -> oa.Analysis:
    return oa.run(claims, tiers=TIERS, budget=200_000, draws=FEW)


@pytest.fixture(scope="module")
def kakao() -> oa.Analysis:
    return oa.run(budget=300_000_000, draws=FEW)


def expected_cost(analysis: oa.Analysis) -> float:
    """The expected cost of an analysis that has one."""
    assert analysis.expected is not None
    return analysis.expected


def band(text: str, edges: list[int]) -> tuple[int, int | None] | None:
    """The band of a stated loss as (over, up to): (-1, 0) for no loss; None if the loss is not stated."""
    if not text:
        return None
    loss = int(text)
    for over, up_to in zip([-1, *edges], [*edges, None], strict=True):
        if loss > over and (up_to is None or loss <= up_to):
            return over, up_to
    raise AssertionError(text)


def band_counts(frame: pl.DataFrame, first: str = "service") -> dict[object, int]:
    """The claims of each row of `Claims.by` that has any."""
    rows = frame.select(first, "over", "up_to", "claims").rows()
    return {
        (key, None if over is None and up_to is None else (over, up_to)): count
        for key, over, up_to, count in rows
        if count
    }


def test_the_page_has_the_eighteen_tasks_in_order_and_in_three_lines_each() -> None:
    text = PAGE.read_text("utf-8")
    assert re.findall(r"^### (\d+)\. .*\?$", text, re.MULTILINE) == [str(n) for n in range(1, 19)]
    tasks = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(tasks) == 26
    for task in tasks:
        (code,) = re.findall(r"^```(?:python|sh)\n(.*?)^```$", task, re.MULTILINE | re.DOTALL)
        assert 1 <= code.count("\n") <= 3, task


def test_1_own_claims_as_a_frame(claims: oa.Claims, rows: list[dict[str, str]]) -> None:
    frame = claims.to_polars().select("claim_id", "service", "filed_on", "loss", "claimant_id")
    assert frame.rows() == [
        (
            row["claim_id"],
            NAMES[row["service"]],
            date.fromisoformat(row["filed_on"]),
            int(row[LOSS]) if row[LOSS] else None,
            row["claimant_id"],
        )
        for row in rows
    ]


@pytest.mark.parametrize("edges", [[0, 300_000, 500_000], [0, 100_000, 200_000, 400_000]])
def test_2_services_by_band(claims: oa.Claims, rows: list[dict[str, str]], edges: list[int]) -> None:
    frame = claims.by("service", bands=edges)
    assert band_counts(frame) == Counter((NAMES[row["service"]], band(row[LOSS], edges)) for row in rows)
    assert frame["loss"].sum() == sum(int(row[LOSS] or 0) for row in rows)
    assert frame["share"].sum() == pytest.approx(1)


def test_3_own_sql(claims: oa.Claims, rows: list[dict[str, str]]) -> None:
    sql = "select service, median(loss) as median_loss from claims group by all order by service"
    stated = {
        id_: [int(row[LOSS]) for row in rows if row["service"] == name and row[LOSS]]
        for name, id_ in NAMES.items()
    }
    assert claims.query(sql).rows() == [(id_, median(stated[id_])) for id_ in sorted(stated)]


def test_4_join(claims: oa.Claims, rows: list[dict[str, str]]) -> None:
    plans = {"c01": "premium", "c02": "basic", "c05": "premium"}
    customers = pl.DataFrame({"claimant_id": [*plans], "plan": [*plans.values()]})
    frame = claims.join(customers, on="claimant_id").by("plan", bands=[0, 300_000])
    expected = Counter((plans.get(row["claimant_id"]), band(row[LOSS], [0, 300_000])) for row in rows)
    assert band_counts(frame, "plan") == expected


def test_5_shares_within_one_service(claims: oa.Claims, rows: list[dict[str, str]]) -> None:
    edges = [0, 300_000, 500_000]
    frame = claims.filter(service="Taxi").by(bands=edges)
    taxi = [band(row[LOSS], edges) for row in rows if row["service"] == "Taxi"]
    shares = {
        None if over is None and up_to is None else (over, up_to): share
        for over, up_to, share in frame.select("over", "up_to", "share").rows()
        if share
    }
    assert shares == {key: count / len(taxi) for key, count in Counter(taxi).items()}


def test_6_a_chart_per_day_restyled_and_saved(
    analysis: oa.Analysis, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    chart = analysis.chart("intake", width=600, title="Complaints per day").configure_axis(labelFontSize=14)
    chart.save(str(tmp_path / "days.svg"))
    picture = (tmp_path / "days.svg").read_text("utf-8")
    assert "Complaints per day" in picture
    assert "14px" in picture
    per_day = analysis.tables["claims_intake"].group_by("filed_on").agg(pl.col("claims").sum())
    assert {str(day): count for day, count in per_day.rows() if count} == Counter(r["filed_on"] for r in rows)


def test_7_largest_losses(claims: oa.Claims, rows: list[dict[str, str]]) -> None:
    largest = sorted(rows, key=lambda row: int(row[LOSS] or 0), reverse=True)[:2]
    found = claims.to_polars().top_k(2, by="loss").select("claim_id", "loss")
    assert found.rows() == [(row["claim_id"], int(row[LOSS])) for row in largest]


def test_8_rejects(tmp_path: Path) -> None:
    path = tmp_path / "damaged.csv"
    path.write_text(f"claim_id,service,filed_on,{LOSS}\n1,Bank,2026-03-02,9000\n2,Bank,2026-02-30,500\n")
    rejects = oa.read_claims(path, max_rejects=0.5).rejects
    assert rejects.select("row", "column", "value").rows() == [(3, "filed_on", "2026-02-30")]
    rejects.write_csv(tmp_path / "rejects.csv")
    assert "2026-02-30" in (tmp_path / "rejects.csv").read_text("utf-8")
    code, _, err = outage_analysis("cost", path, "--tiers", "300000:30000")
    assert code == 3  # half of the rows are rejected, and nothing was said about it
    assert "2026-02-30" in err or "50" in err


def test_9_a_file_that_is_not_recognised(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        "Nr;Sparte;Datum;Schaden\n1;App;02.03.2026;12,50\n2;Web;03.03.2026;k.A.\n3;Web;04.03.2026;7,00\n"
    )
    claims = oa.read_claims(path, currency="EUR", columns={"service": "Sparte"}, missing=["k.A."])
    assert claims.query("select service, filed_on, loss from claims order by claim_id").rows() == [
        ("app", date(2026, 3, 2), 12.5),
        ("web", date(2026, 3, 3), None),
        ("web", date(2026, 3, 4), 7.0),
    ]


def test_10_a_changed_tier(kakao: oa.Analysis) -> None:
    policy = oa.load_policy("kakao-2022").with_tier(line="small-business-cash", up_to=300_000, pays=40_000)
    changed = oa.run(policy=policy, draws=FEW)
    lowest = kakao.tables["costs"].filter(
        pl.col("over") == 0, line="small-business-cash", level="band"
    )  # paid 30,000 per claim
    difference = lowest["expected"].item() / 30_000 * 10_000
    assert expected_cost(changed) - expected_cost(kakao) == pytest.approx(difference, rel=1e-6)


@pytest.mark.slow
def test_11_a_changed_rate(kakao: oa.Analysis) -> None:
    ledger = oa.load_ledger("kakao-2022")
    (old,) = (entry.range.expected for entry in ledger.assumptions if entry.id == "as-filing-share")  # type: ignore[union-attr]
    changed = oa.run(ledger=ledger.with_value("as-filing-share", 0.5), draws=FEW)
    assert expected_cost(changed) / expected_cost(kakao) == pytest.approx(0.5 / old, rel=1e-6)


def test_12_p90_and_draws(kakao: oa.Analysis) -> None:
    draws = np.sort(kakao.sample(FEW).to_numpy())
    assert len(draws) == FEW
    assert kakao.quantile(0.9) == pytest.approx(draws[math.ceil(0.9 * FEW) - 1], rel=0.05)
    assert kakao.median == pytest.approx(draws[FEW // 2], rel=0.1)
    assert kakao.chance_over(300_000_000) == pytest.approx((draws > 300_000_000).mean(), abs=0.01)
    assert expected_cost(kakao) == pytest.approx(draws.mean(), rel=0.05)


def test_13_a_fit_with_its_chart(tmp_path: Path) -> None:
    edges, counts = [0, 10_000, 30_000, 100_000, 300_000], [31, 118, 240, 160, 51]
    fit = oa.fit_severity(edges, counts, family="lognormal")

    def log_likelihood(mu: float, sigma: float) -> float:
        below = lognorm.cdf([*edges, math.inf], sigma, scale=math.exp(mu))
        return float(np.dot(counts, np.log(np.diff(below))))

    mu, sigma = math.log(fit.value("median")), fit.value("sigma")
    best = log_likelihood(mu, sigma)
    for step in (0.01, -0.01):
        assert log_likelihood(mu + step, sigma) < best
        assert log_likelihood(mu, sigma + step) < best
    fit.chart().save(str(tmp_path / "fit.svg"))
    assert (tmp_path / "fit.svg").read_text("utf-8").startswith("<svg")


def test_14_late_claims_from_own_counts() -> None:
    """The counts of the page grow by a factor of 0.7937 per day; further three days add a geometric sum."""
    counts = [4126, 7401, 10000, 12063, 13701, 15000, 16031]
    forecast = oa.forecast_late_claims(range(1, 8), counts, [oa.Branch("deadline", closes=10, spike=0)])
    daily = np.diff([0, *counts])
    factor = (daily[-1] / daily[0]) ** (1 / 6)
    expected = daily[-1] * sum(factor**n for n in (1, 2, 3))
    assert forecast.late["deadline"].mean == pytest.approx(expected, rel=0.02)
    low, high = forecast.late["deadline"].total(0.8)
    assert low < counts[-1] + expected < high
    assert repr(forecast).splitlines()[1] == (
        f"deadline: {counts[-1] + forecast.late['deadline'].quantile(0.5):,} claims by day 10, "
        f"80% likely {low:,} to {high:,}"
    )
    assert len(repr(forecast)) < 500


@pytest.mark.slow
def test_15_compare_with_a_chart(kakao: oa.Analysis, tmp_path: Path) -> None:
    policy = oa.load_policy("kakao-2022").with_tier(line="small-business-cash", up_to=300_000, pays=40_000)
    comparison = oa.compare("kakao-2022", policy, draws=FEW)
    single = [expected_cost(kakao), expected_cost(oa.run(policy=policy, draws=FEW))]
    assert comparison.table["expected"].to_list() == pytest.approx(single, rel=1e-6)
    comparison.chart().save(str(tmp_path / "comparison.svg"))
    assert "Kakao compensation package" in (tmp_path / "comparison.svg").read_text("utf-8")


@pytest.mark.slow
def test_16_an_own_section_in_a_report(worked: Path) -> None:
    text = (worked / "build" / "mine" / "report.html").read_text("utf-8")
    assert "Our view" in text
    assert "Five of twelve complaints concern the taxi." in text
    done = outage_analysis("verify", worked / "build" / "mine", "--claims", worked / "complaints.csv")
    assert done.code == 0, done.err


@pytest.mark.slow
def test_17_many_rows_interactively(tmp_path: Path) -> None:
    rows = 1_000_000
    places = np.random.default_rng(24).integers(0, 900, rows)
    pl.DataFrame(
        {
            "claim_id": np.arange(rows),
            "service": np.array(["Bank", "Taxi"])[places % 2],
            "filed_on": [date(2026, 3, 2)] * rows,
            LOSS: places * 1_000,
        }
    ).write_csv(tmp_path / "claims.csv")
    few = tmp_path / "few.csv"
    few.write_text(f"claim_id,service,filed_on,{LOSS}\n1,Bank,2026-03-02,9\n2,Taxi,2026-03-02,9\n", "utf-8")
    incident = oa.incident_from_files(few)  # deriving it from all rows takes longer than the test should
    oa.save_claims(oa.read_claims(tmp_path / "claims.csv", incident), tmp_path / "claims.duckdb")
    stored = oa.read_claims(tmp_path / "claims.duckdb", incident)
    assert len(stored) == rows
    frame = stored.filter(service="Taxi").by("filed_on", bands=[0, 300_000])
    taxi = places[places % 2 == 1]
    assert frame["claims"].to_list() == [int((taxi <= 300).sum()), int((taxi > 300).sum())]
    assert frame["loss"].sum() == int(taxi.sum()) * 1_000


# --- other sources and the next steps ---------------------------------------------------------------------


def test_a_data_frame(path: Path, rows: list[dict[str, str]]) -> None:
    frame = oa.read_claims(pl.read_csv(path).filter(pl.col("region") == "north")).by("service")
    north = [row for row in rows if row["region"] == "north"]
    assert dict(frame.select("service", "claims").rows()) == Counter(NAMES[row["service"]] for row in north)
    assert frame["loss"].sum() == sum(int(row[LOSS] or 0) for row in north)


def test_complaints_that_are_filed_claims_already(claims: oa.Claims, analysis: oa.Analysis) -> None:
    assert analysis.ledger
    filing, _ = analysis.ledger.assumptions
    everybody = oa.run(claims, tiers=TIERS, ledger=analysis.ledger.with_value(filing.id, 1), draws=FEW)
    assert filing.id == "filing-share-form"
    assert expected_cost(analysis) / expected_cost(everybody) == pytest.approx(filing.range.expected)  # type: ignore[union-attr]


def test_euros_for_minutes_of_delay(tmp_path: Path) -> None:
    path = tmp_path / "delays.csv"
    path.write_text(
        "claim_id,service,filed_on,delay\n1,Red,2026-03-02,75\n2,Red,2026-03-02,20\n3,Blue,2026-03-03,130\n"
    )
    delays = oa.read_claims(path, currency="EUR", loss_unit="minutes", columns={"loss": "delay"})
    analysis = oa.run(delays, tiers={60: 0, 120: 2.5, None: 5}, effort="automatic", draws=FEW)
    assert expected_cost(analysis) == 0 + 2.5 + 5
    assert "Rates of comparable schemes" not in str(analysis)  # automatic payments use none


def test_the_suggested_command_of_a_cost_names_the_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    err = outage_analysis("cost", path.name, "--tiers", "300000:30000", "--draws", FEW).err
    assert err.splitlines()[-1].startswith(f"Next: outage-analysis report {path.name} --tiers 300000:30000")


@pytest.mark.slow
def test_the_payments_that_a_budget_buys() -> None:
    """With one step more in either payment, the cost exceeds the budget too often."""

    def chance(first: int, second: int) -> float:
        policy = oa.load_policy("kakao-2022")
        for up_to, pays in ((300_000, first), (500_000, second)):
            policy = policy.with_tier(line="small-business-cash", up_to=up_to, pays=pays)
        return oa.run(policy=policy, ledger="kakao-2022").chance_over(540_000_000)

    assert chance(20_000, 40_000) <= 0.1
    assert min(chance(20_000, 50_000), chance(30_000, 40_000)) > 0.1


# --- the blocks of the page -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which every block of the page ran."""
    folder = tmp_path_factory.mktemp("worked")
    assert sum(output is not None for _, output in runnable(PAGE)) > 15
    with pytest.MonkeyPatch.context() as patch, new_shell() as shell:
        patch.chdir(folder)
        run_page(PAGE, shell)
    return folder


@pytest.mark.slow
def test_every_block_of_the_page_runs_and_prints_what_the_page_shows(worked: Path) -> None:
    assert {"complaints.csv", "days.svg", "fit.svg", "comparison.svg", "claims.duckdb"} <= {
        path.name for path in worked.iterdir()
    }
