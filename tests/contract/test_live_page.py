"""The page in a browser and the workbook in LibreOffice compute what Python computes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from math import hypot
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

import outage_analysis as oa
from tests.chromium import IN_A_BROWSER
from tests.contract.command_line import outage_analysis
from tests.contract.live_page import open_page, started_browser, wait_until_still
from tests.contract.report_texts import amounts_in, in_two_digits
from tests.contract.test_decisions import ONE_SCENARIO
from tests.workbook_reader import Workbook

Report = Callable[[str], Path]
SOFFICE = shutil.which("soffice")
REQUIRED = "1" in (os.environ.get("CI_REQUIRE_BROWSER"), os.environ.get("CI_REQUIRE_OFFICE"))
OFFICE = [
    pytest.mark.office,
    pytest.mark.skipif(not SOFFICE and not REQUIRED, reason="needs LibreOffice (soffice)"),
]
FILING, ACCEPTANCE = "Filing share", "Acceptance"
FIRST, SECOND = "up to 300,000 won", "to 500,000 won"
"""Parts of the labels of the sliders."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    yield from started_browser(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def page(browser: Chrome, report: Report) -> Chrome:
    """The page of the bundled case as it opens."""
    open_page(browser, report("kakao-en") / "report.html")
    return browser


def number_field(page: Chrome, label: str) -> WebElement:
    """The field of a number or an amount whose label has these words."""
    return page.find_element(
        By.XPATH, f"//label[contains(., '{label}')]//input[@type='number' or @type='text']"
    )


def typed(page: Chrome, label: str, value: object) -> None:
    field = number_field(page, label)
    field.click()
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(f"{value}{Keys.TAB}")
    wait_until_still(page)


def expected(page: Chrome, label: str = "Expected cash") -> float:
    """The expected amount to the won."""
    output = page.find_element(By.XPATH, f"//output[contains(@aria-label, '{label}')]")
    amounts = amounts_in(output.text, "en") - {0.0}
    return max(amounts, key=lambda amount: len(str(int(amount)).rstrip("0")))


def said(page: Chrome) -> list[str]:
    """What the page announces beside the sliders."""
    return [e.text for e in page.find_elements(By.XPATH, "//*[@role='status']") if e.text]


def chance_over(page: Chrome, budget: str) -> float:
    """The chance, in percent, that the page states beside the sliders for more than a budget."""
    found = (re.search(rf"costing more than {budget}[^%]* ([\d.]+) ?%", text) for text in said(page))
    (chance,) = [float(match[1]) for match in found if match]
    return chance


def panel(page: Chrome) -> str:
    """All that stands around the expected amount, sliders and range included."""
    return page.find_element(By.XPATH, "//section[.//output[contains(@aria-label, 'Expected cash')]]").text


def shown_range(page: Chrome) -> tuple[float, float]:
    """P10 and P90, in two digits."""
    found = [amounts_in(text, "en") for text in said(page) if "80%" in text]
    (amounts,) = [amounts for amounts in found if len(amounts) > 1][:1]
    return min(amounts), max(amounts)


def analysis_of(**changes: object) -> oa.Analysis:
    return oa.run(oa.Plan(claims=(), **changes))  # type: ignore[arg-type]


def figure(done: oa.Analysis, valuation: str, measure: str, column: str = "value") -> float:
    table = done.uncertainty_table("published", "quantiles")
    assert table is not None
    return float(table.filter(valuation=valuation, measure=measure)[column].item())


def expected_of(done: oa.Analysis, valuation: str) -> float:
    return figure(done, valuation, "expected")


def close(shown: float, done: oa.Analysis, level: float) -> bool:
    """Whether a percentile of the page is that of Python, within the errors of both and two digits."""
    value, error = (figure(done, "cash", f"p{level:.0f}", x) for x in ("value", "error"))
    rounded = 0.5 * 10 ** (len(f"{shown:.0f}") - 2)
    return bool(abs(shown - value) <= 4 * hypot(error, 1.5 * error) + rounded)


class TestInABrowser:
    pytestmark = IN_A_BROWSER

    def test_the_page_opens_with_the_figures_of_the_report(self, page: Chrome) -> None:
        done = analysis_of()
        assert expected(page) == round(expected_of(done, "cash")) == 261_364_185
        assert expected(page, "Free goods") == round(expected_of(done, "face_value"))
        low, high = shown_range(page)
        assert close(low, done, 10)
        assert close(high, done, 90)

    def test_two_sliders_that_are_moved_cost_what_python_computes(self, page: Chrome) -> None:
        typed(page, FIRST, 90_000)
        policy = oa.load_policy("kakao-2022").with_tier(up_to=300_000, pays=90_000)
        done = analysis_of(policy=policy, ledger="kakao-2022")
        assert expected(page) == round(expected_of(done, "cash"))
        typed(page, FILING, 60)
        page.find_element(
            By.XPATH, f"//input[@type='checkbox'][starts-with(@aria-label, '{FILING}')]"
        ).click()
        wait_until_still(page)
        ledger = oa.load_ledger("kakao-2022").with_value("as-filing-share", 0.6)
        done = analysis_of(policy=policy, ledger=ledger, budget=400_000_000)
        assert expected(page) == round(expected_of(done, "cash")) > 400_000_000
        low, high = shown_range(page)
        assert close(low, done, 10)
        assert close(high, done, 90)
        typed(page, "Budget", 400_000_000)
        chance = chance_over(page, "400 million")
        over = done.chance_over(400_000_000)
        assert chance == pytest.approx(100 * getattr(over, "value", over), abs=2)
        before = expected(page)
        page.refresh()
        wait_until_still(page)
        assert expected(page) == before  # the address keeps the setting

    def test_a_rate_that_is_moved_keeps_its_uncertainty_as_in_python(
        self, page: Chrome, report: Report, tmp_path: Path
    ) -> None:
        """A scenario of Python multiplies the odds; the field gets the mean that the rate then has."""
        entry, odds = "as-acceptance", 0.2
        (tmp_path / "moved.toml").write_text(f"{ONE_SCENARIO}acceptance_odds_ratio = {odds}\n", "utf-8")
        done = analysis_of(budget=400_000_000)
        moved = done.scenarios(tmp_path / "moved.toml").row(1, named=True)
        stated = json.loads((report("kakao-en") / "manifest.json").read_text("utf-8"))["assumptions"]
        (rate,) = (x for x in stated if x["id"] == entry)
        location, scale, freedom = map(float, re.findall(r"-?[\d.]+", rate["distribution"]))
        scores = stats.t.ppf((np.arange(20_000) + 0.5) / 20_000, freedom)
        before, after = (special.expit(location + np.log(x) + scale * scores).mean() for x in (1, odds))
        mean = rate["expected"] + after - before
        typed(page, "Budget", 400_000_000)
        typed(page, ACCEPTANCE, round(100 * mean, 6))
        cash = expected_of(done, "cash")
        assert expected(page) == pytest.approx(cash * mean / rate["expected"], rel=1e-3)
        assert shown_range(page) == pytest.approx((moved["range_low"], moved["range_high"]), rel=0.08)
        assert any(x == pytest.approx(moved["p50"], rel=0.08) for x in amounts_in(panel(page), "en"))
        chance = chance_over(page, "400 million")
        assert chance == pytest.approx(100 * moved["over_budget"], abs=1.5)

    def test_payments_found_in_the_page_are_those_of_solve(self, page: Chrome) -> None:
        typed(page, "Budget", 650_000_000)
        asked = ("--budget", "650M", "--vary", "small-business-cash.tier1,tier2", "--step", 10_000)
        done = outage_analysis("solve", *asked, "--objective", "per_claim", "--json")
        solved = json.loads(done.out)
        payments = {float(x) for x in solved["parameters"].values()}
        assert solved["feasible"]
        (answer,) = [text for text in said(page) if payments <= amounts_in(text, "en")]
        assert in_two_digits(solved["solution"][0]["expected"]) in amounts_in(answer, "en")

    @pytest.mark.parametrize(
        ("place", "pays", "budget", "payment"),
        [
            (0, 35_000, 100, 40_000),  # out of reach: the larger loss gets the least that is not below
            (1, 20_000, 900, 20_000),  # money is left: the smaller loss gets the most that is not above
        ],
    )
    def test_a_payment_found_in_the_page_does_not_fall_with_the_loss(
        self, page: Chrome, place: int, pays: int, budget: int, payment: int
    ) -> None:
        typed(page, (FIRST, SECOND)[place], pays)
        typed(page, "Budget", budget * 10**6)
        fixed = page.find_elements(By.NAME, "varied")[place]
        fixed.click()
        wait_until_still(page)
        policy = oa.load_policy("kakao-2022").with_tier(up_to=(300_000, 500_000)[place], pays=pays)
        vary = [f"small-business-cash.tier{2 - place}=0..100_000/10_000"]
        found = oa.solve(
            policy=policy, ledger="kakao-2022", vary=vary, budget=budget * 10**6, objective="per_claim"
        )
        assert [*found.parameters.values()] == [payment]
        assert found.is_feasible == bool(place)
        answer = amounts_in(" ".join(text for text in said(page) if f"{budget} million" in text), "en")
        assert {x for x in answer if 0 < x <= 100_000} <= {payment, pays}
        assert "{" not in panel(page)  # no placeholder is left
        assert payment in answer

    def test_the_copied_lines_make_the_report_that_the_page_shows(
        self, page: Chrome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        typed(page, FIRST, 60_000)
        typed(page, FILING, 60)
        typed(page, "Budget", "900M")
        lines = []
        for button in ("Copy command", "Copy for Python"):
            page.find_element(By.XPATH, f"//button[.='{button}']").click()
            wait_until_still(page)
            lines.append(page.find_element(By.TAG_NAME, "textarea").get_attribute("value") or "")
        shown, ends = expected(page), shown_range(page)
        monkeypatch.chdir(tmp_path)
        assert "/" not in lines[0]
        words = shlex.split(lines[0])
        assert words[:2] == ["outage-analysis", "report"]
        assert outage_analysis(*words[1:], "--formats", "html").code == 0
        written = tmp_path / "report-changed"
        stated = json.loads((written / "manifest.json").read_text("utf-8"))
        assert stated["changes"] == {"small-business-cash.tier1": 60_000, "as-filing-share": 0.6}
        assert stated["budget"] == 900_000_000
        assert round(stated["expected"]["cash"]) == shown
        assert outage_analysis("verify", written).code == 0
        there: dict[str, object] = {}
        exec(lines[1].rpartition(".report(")[0].replace("oa.run", "done = oa.run"), there)  # noqa: S102 - our own line
        done = there["done"]
        assert isinstance(done, oa.Analysis)
        assert done.expected is not None
        assert round(done.expected) == shown
        assert close(ends[0], done, 10)
        assert close(ends[1], done, 90)

    def test_one_setting_has_one_mean(self, page: Chrome) -> None:
        typed(page, FILING, 3)
        means = amounts_in(" ".join(re.findall(r"mean is ([\d.,]+ \w+ won)", panel(page))), "en")
        assert means == {in_two_digits(expected(page))}


# --- the workbook --------------------------------------------------


def with_values(data: bytes, changes: dict[str, float], out: Path) -> None:
    """Write a workbook in which some named cells have other values, and no formula has a value yet."""
    book = Workbook(data)
    sheets = {name: book.members[path].decode("utf-8") for name, path in book.paths.items()}
    for name, value in changes.items():
        sheet, _, place = book.names[name].replace("$", "").rpartition("!")
        sheet = sheet.strip("'")
        cell = rf'(<c r="{place}"[^>]*>)<v>[^<]*</v>'
        sheets[sheet], found = re.subn(cell, rf"\g<1><v>{value}</v>", sheets[sheet])
        assert found == 1, name
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        sheets = {name: re.sub("(<f>[^<]*</f>)<v>[^<]*</v>", r"\1", text) for name, text in sheets.items()}
        written = {book.paths[name]: text.encode("utf-8") for name, text in sheets.items()}
        for member, content in (book.members | written).items():
            archive.writestr(member, content)


class TestInLibreOffice:
    pytestmark = OFFICE

    def test_a_changed_input_cell_gives_what_python_computes(self, report: Report, tmp_path: Path) -> None:
        data = (report("kakao-en") / "report.xlsx").read_bytes()
        changes = {"as_filing_share": 0.6, "small_business_cash_pays_0": 90_000.0}
        with_values(data, changes, tmp_path / "changed.xlsx")
        with_values(data, {}, tmp_path / "same.xlsx")
        profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
        to = ("--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"))
        files = [str(tmp_path / "changed.xlsx"), str(tmp_path / "same.xlsx")]
        subprocess.run([str(SOFFICE), profile, *to, *files], check=True, capture_output=True, timeout=180)
        changed, same = (Workbook((tmp_path / "out" / Path(x).name).read_bytes()) for x in files)
        policy = oa.load_policy("kakao-2022").with_tier(up_to=300_000, pays=90_000)
        ledger = oa.load_ledger("kakao-2022").with_value("as-filing-share", 0.6)
        done = analysis_of(policy=policy, ledger=ledger)
        assert same.named("expected_cash").value == pytest.approx(261_364_184.55, rel=1e-9)
        assert changed.named("expected_cash").value == pytest.approx(expected_of(done, "cash"), rel=1e-9)
        assert changed.named("expected_handling").value == pytest.approx(
            expected_of(done, "handling"), rel=1e-9
        )
        values = [cell.value for cell in changed.formulas()]
        assert len(values) > 30
        assert not [x for x in values if isinstance(x, str) and x.startswith(("#", "Err:"))]
        states = set(changed.texts()) - set(same.texts())
        assert any("tale" in text for text in states)  # the percentiles are said to be stale
