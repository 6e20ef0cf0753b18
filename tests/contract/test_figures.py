"""The figures of the reports: every table as numbers, and some of them computed by hand."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import special, stats

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, outage_analysis
from tests.contract.report_tables import GOLDEN_TABLES, Golden, Table, differences, read_table, read_tables
from tests.contract.report_texts import amounts_in
from tests.paths import GOLDEN, ROOT

Report = Callable[[str], Path]
Row = dict[str, Any]
Shares = NDArray[np.float64]
TIERS = ("--tiers", "300000:30000,500000:50000")
SAME_NUMBERS = {"kakao-en": "kakao-en", "kakao-ko": "kakao-en", "trams-en": "trams-en", "own-en": "own-en"}


def golden_of(name: str) -> Golden:
    golden: Golden = json.loads((GOLDEN_TABLES / f"{name}.json").read_text("utf-8"))
    return golden


@pytest.mark.parametrize(
    ("name", "golden"),
    [
        pytest.param(name, golden, marks=[pytest.mark.slow] if name == "trams-en" else [])
        for name, golden in SAME_NUMBERS.items()
    ],
)
def test_every_table_has_its_figures(report: Report, name: str, golden: str) -> None:
    assert differences(golden_of(golden), read_tables(report(name))) == []


SMALL: Table = {"line": ["a", "b"], "cost": [1.5, 2.0], "count": [3, 4]}
CHANGED: dict[str, Table | None] = {
    "t: no such table": None,
    "t: no column cost": {"line": ["a", "b"], "count": [3, 4]},
    "t: no row b": {"line": ["a", "c"], "cost": [1.5, 2.0], "count": [3, 4]},
    "t: 1 rows instead of 2": {"line": ["a"], "cost": [1.5], "count": [3]},
    "t, row b: cost is None, not 2.0": {"line": ["a", "b"], "cost": [1.5, None], "count": [3, 4]},
    "t, row a: cost is 1.50001, not 1.5": {"line": ["a", "b"], "cost": [1.50001, 2.0], "count": [3, 4]},
    "t, row a: count is 4, not 3": {"line": ["a", "b"], "cost": [1.5, 2.0], "count": [4, 4]},
}


@pytest.mark.parametrize("told", CHANGED)
def test_what_is_missing_or_another_figure_is_named(told: str) -> None:
    golden: Golden = {
        "t": {"keys": ["line"], "rows": ["a", "b"], "values": {"cost": [1.5, 2.0], "count": [3, 4]}}
    }
    table = CHANGED[told]
    assert told in differences(golden, {} if table is None else {"t": table})
    more: Table = {**SMALL, "further": [0, 0]}
    assert differences(golden, {"t": more, "u": SMALL}) == []


# --- twelve complaints, by hand --------------------------------------------------


def rows_of(report: Path, name: str, **where: object) -> list[Row]:
    """The rows of a table with these values."""
    table = read_table(report / "tables" / f"{name}.csv")
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    return [row for row in rows if all(row[column] == value for column, value in where.items())]


def complaints() -> list[tuple[str, int | None]]:
    """Service and stated loss of each complaint."""
    lines = [line.split(",") for line in OWN_FILE.splitlines()[1:]]
    return [(line[2].lower(), int(line[4]) if line[4] else None) for line in lines]


def payment(loss: int | None) -> int:
    if not loss:
        return 0
    return 30_000 if loss <= 300_000 else 50_000 if loss <= 500_000 else 0


def rate(report: Path, kind: str) -> Row:
    """What the manifest of a report states of an input."""
    stated = json.loads((report / "manifest.json").read_text("utf-8"))["assumptions"]
    (row,) = [row for row in stated if row["kind"] == kind]
    return dict(row)


BANDS: dict[object, tuple[int, int]] = {
    (-1, 0): (0, 0),
    (0, 300_000): (1, 300_000),
    (300_000, 500_000): (300_001, 500_000),
    (500_000, None): (500_001, 10**9),
}
"""The smallest and largest loss of each band of the table."""


def test_claims_losses_and_costs_by_service_and_band(report: Report) -> None:
    paid = (
        rate(report("own-en"), "filing_share")["expected"] * rate(report("own-en"), "acceptance")["expected"]
    )
    cells = rows_of(report("own-en"), "claims_service_bands")
    assert len(cells) == 3 * (len(BANDS) + 1)
    for cell in cells:
        least, most = BANDS.get((cell["over"], cell["up_to"]), (None, None))
        losses = [loss for service, loss in complaints() if service == cell["service"]]
        within = [x for x in losses if (x is None) == (least is None) and (x is None or least <= x <= most)]  # type: ignore[operator]
        assert cell["claims"] == len(within)
        assert (cell["loss"] or 0) == sum(x or 0 for x in within)
        assert cell["expected"] == pytest.approx(paid * sum(map(payment, within)), rel=1e-5)
    for row in rows_of(report("own-en"), "claims_services"):
        losses = [loss for service, loss in complaints() if service == row["service"]]
        assert (row["claims"], row["loss"]) == (len(losses), sum(x or 0 for x in losses))
        assert row["share"] == pytest.approx(len(losses) / 12)


def test_the_expected_cost_is_claims_times_rates_times_payments(report: Report) -> None:
    own = report("own-en")
    filing, acceptance = (rate(own, kind)["expected"] for kind in ("filing_share", "acceptance"))
    promised = sum(payment(loss) for _, loss in complaints())
    (line,) = rows_of(own, "claims_costs", level="line")
    assert (line["count"], line["promised"]) == (12, promised)
    assert line["expected"] == pytest.approx(promised * filing * acceptance, rel=1e-5)
    for swing in rows_of(own, "tornado"):
        for end in ("low", "high"):
            ratio = swing[f"input_{end}"] / rate(own, swing["kind"])["expected"]
            assert swing[f"cost_{end}"] == pytest.approx(line["expected"] * ratio, rel=1e-5)
    stages = {row["stage"]: row["expected"] for row in rows_of(own, "claims_funnel")}
    assert stages["filed"] == pytest.approx(9 * filing, rel=1e-5)
    assert stages["paid"] == pytest.approx(9 * filing * acceptance, rel=1e-5)


def quantiles_of(row: Row, count: int) -> Shares:
    """Values of a rate, each equally probable, from the distribution that the manifest states."""
    location, scale, freedom = map(float, re.findall(r"-?[\d.]+", row["distribution"]))
    probability = (np.arange(count) + 0.5) / count
    shares: Shares = special.expit(location + scale * stats.t.ppf(probability, freedom))
    return shares


def total_distribution(rates: Shares, payments: Sequence[int]) -> dict[int, float]:
    """The probability of each total, if each claim is paid independently at a common rate."""
    paid = {amount: payments.count(amount) for amount in set(payments)}
    totals: dict[int, float] = {}
    for counts in product(*(range(most + 1) for most in paid.values())):
        total = sum(amount * count for amount, count in zip(paid, counts, strict=True))
        ways = math.prod(math.comb(most, count) for most, count in zip(paid.values(), counts, strict=True))
        chance = np.mean(rates ** sum(counts) * (1 - rates) ** (len(payments) - sum(counts)))
        totals[total] = totals.get(total, 0) + ways * float(chance)
    return dict(sorted(totals.items()))


def quantile(totals: dict[int, float], level: float) -> int:
    """The smallest total with at least this cumulative probability."""
    reached = np.cumsum(list(totals.values()))
    return list(totals)[int(np.searchsorted(reached, level))]


@pytest.fixture
def paid_rates(report: Report) -> Shares:
    """The share of the claims that is paid: filed times accepted, each independently uncertain."""
    filing, acceptance = (
        quantiles_of(rate(report("own-en"), x), 200) for x in ("filing_share", "acceptance")
    )
    return np.outer(filing, acceptance).ravel()


def test_the_range_and_the_chance_over_the_budget_are_those_of_the_exact_distribution(
    report: Report, paid_rates: Shares
) -> None:
    own = report("own-en")
    totals = total_distribution(paid_rates, [x for _, loss in complaints() if (x := payment(loss))])
    told = {row["measure"]: row["value"] for row in rows_of(own, "quantiles", valuation="cash")}
    for level in (10, 50, 90, 95, 99):
        assert told[f"p{level}"] == quantile(totals, level / 100)
    assert told["mean"] == pytest.approx(math.fsum(x * p for x, p in totals.items()), rel=2e-3)
    (budget,) = rows_of(own, "budget")
    over = math.fsum(p for x, p in totals.items() if x > budget["budget"])
    assert budget["exceeded"] == pytest.approx(over, abs=3 * budget["error"] + 5e-5)
    shown = [row["amount"] for row in rows_of(own, "total_distribution") if row["below"] is not None]
    assert shown.count(0) / len(shown) == pytest.approx(totals[0], abs=0.02)


def test_payments_that_are_found_keep_the_budget_and_higher_ones_do_not(
    paid_rates: Shares, tmp_path: Path
) -> None:
    claims = tmp_path / "complaints.csv"
    claims.write_text(OWN_FILE, "utf-8")
    asked = ("--budget", 300_000, "--vary", "tiers.tier1,tier2", "--step", 10_000, "--objective", "per_claim")
    found = json.loads(outage_analysis("solve", claims, *TIERS, *asked, "--json").out)

    def p90(first: int, second: int) -> int:
        return quantile(total_distribution(paid_rates, [first] * 6 + [second] * 3), 0.9)

    first, second = found["parameters"].values()
    assert found["solution"][0]["at_level"] == p90(first, second) <= 300_000
    within = [
        (6 * a + 3 * b, -p90(a, b), -a)
        for a, b in product(range(0, 60_001, 10_000), range(0, 90_001, 10_000))
        if a <= b and 6 * a + 3 * b >= 6 * first + 3 * second and p90(a, b) <= 300_000
    ]
    assert 6 * first + 3 * second == max(within)[0]
    assert found["solution"][0]["per_claim"] == pytest.approx(max(within)[0] / 12)


# --- Kakao, by hand and as published --------------------------------------------------


def test_the_expected_cash_of_the_published_count(report: Report) -> None:
    kakao = report("kakao-en")
    filing, acceptance, award = (
        rate(kakao, kind)["expected"] for kind in ("filing_share", "acceptance", "review_award")
    )
    cash = {"line": "small-business-cash", "valuation": "cash"}
    (line,) = rows_of(kakao, "costs", level="line", **cash)
    bands = rows_of(kakao, "costs", level="band", **cash)
    shares = [band["count"] / 8_461 for band in bands]
    mean_payment = math.fsum(
        share * paid for share, paid in zip(shares, (30_000, 50_000, award), strict=True)
    )
    assert line["count"] == 8_461
    assert math.fsum(shares) == pytest.approx(1)
    assert line["expected"] == pytest.approx(8_461 * filing * acceptance * mean_payment, rel=1e-5)
    assert line["expected"] == pytest.approx(math.fsum(band["expected"] for band in bands), rel=1e-9)


def test_the_press_range_is_the_count_times_the_two_payments(report: Report) -> None:
    published = json.loads((GOLDEN / "kakao.json").read_text("utf-8"))["published_range"]
    totals = [published["claims"] * paid for paid in published["payments"]]
    (press,) = rows_of(report("kakao-en"), "headlines", fact="CO-07")
    assert [press["low"], press["high"]] == totals == published["totals"] == [253_830_000, 423_050_000]


@pytest.mark.parametrize("hindsight", [False, True])
def test_published_arithmetic_ties_as_worked_out_by_hand(report: Report, *, hindsight: bool) -> None:
    by_hand = json.loads((GOLDEN / "tie_outs.json").read_text("utf-8"))["rows"]
    told = rows_of(report("kakao-en"), "hindsight_tie_outs" if hindsight else "tie_outs")
    wanted = {name: row for name, row in by_hand.items() if row.get("hindsight", False) == hindsight}
    assert {row["id"] for row in told} == set(wanted)
    for row in told:
        hand = wanted[row["id"]]
        assert [row["computed"], row["printed"]] == pytest.approx(
            [hand["computed"], hand["printed"]], rel=1e-9
        )
        assert row["status"] == hand["status"]


def test_the_complaints_by_service_are_those_published(report: Report) -> None:
    services = rows_of(report("kakao-en"), "claims_services-synthetic")
    assert sum(row["claims"] for row in services) == 105_116
    days = rows_of(report("kakao-en"), "claims_intake-synthetic")
    assert sum(row["claims"] for row in days) == days[-1]["cumulative"] == 105_116
    assert all(late["cumulative"] - early["cumulative"] == late["claims"] for early, late in pairwise(days))


def test_reserve_scenarios_and_cost_start_from_one_figure(report: Report) -> None:
    quantiles = {
        row["measure"]: row["value"] for row in rows_of(report("kakao-en"), "quantiles", valuation="cash")
    }
    reserve = json.loads(outage_analysis("reserve", "--json").out)
    by_measure = {row["measure"]: row for row in reserve["reserve"]}
    base = json.loads(outage_analysis("scenarios", "--json").out)["scenarios"][0]
    assert reserve["amount"] == by_measure["mean"]["cash"] == base["expected"] == quantiles["expected"]
    assert by_measure["p50"]["cash"] == base["p50"] == quantiles["p50"]
    assert by_measure["p75"]["cash"] == base["p75"]
    assert [base["range_low"], base["range_high"]] == [quantiles["p10"], quantiles["p90"]]
    assert by_measure["mean"]["both"] == pytest.approx(
        by_measure["mean"]["cash"] + by_measure["mean"]["handling"]
    )


def test_fitted_distributions_are_those_of_four_other_programs() -> None:
    known = json.loads((GOLDEN / "reference_cases.json").read_text("utf-8"))["gdental"]
    table = oa.load_grouped("dental-claims")
    assert [*table.counts] == known["counts"]
    fits = {row["family"]: row for row in table.fit().table().to_dicts()}
    assert fits.keys() == known["fits"]["closed"].keys()
    for family, fit in known["fits"]["closed"].items():
        assert fits[family]["loglik"] == pytest.approx(fit["loglik"], rel=2e-6)
        shown = dict(re.findall(r"(\w+) ([\d.e+]+) ±", fits[family]["parameters"]))
        for name, value in fit["params"].items():
            assert float(shown[name]) == pytest.approx(value, rel=1e-3)


def test_a_rate_per_minute_after_a_waiting_time_pays_each_minute_after_it(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(
        'id = "mine"\nname.en = "Mine"\ncurrency = "EUR"\nloss_unit = "minutes"\n[[line]]\nid = "delay"\n'
        'kind = "schedule"\nname.en = "Delay"\npublic_on = 2025-03-12\neffort = "automatic"\n'
        "unknown = { fixed = 0 }\nband = [{ over = 0, rate = { amount = 10, every = 1, after = 15 } }]\n",
        "utf-8",
    )
    delays = oa.read_claims(ROOT / "data" / "claims" / "trams-synthetic.parquet", "trams")
    minutes = delays.to_polars()["loss"].drop_nulls()
    cents = sum(10 * max(minute - 15, 0) for minute in minutes)
    run = oa.run(delays, policy=tmp_path / "policy.toml", incident="trams", draws=8192)
    assert run.expected == pytest.approx(cents / 100)


# --- the second bundled case, KT's fire of 2018 -----------------------------------------------------------

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
