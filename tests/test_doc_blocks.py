"""Every example in a docstring, and every block of code in the docs, runs.

A page runs from top to bottom, in an empty folder; `tests/doc_blocks.py` says how.
"""

from __future__ import annotations

import csv
import doctest
import json
import re
import shutil
from collections import Counter
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from IPython.core.interactiveshell import InteractiveShell

from outage_analysis import Plan, run
from outage_analysis.analysis import Analysis
from outage_analysis.incidents import load_incident
from outage_analysis.policies import findings, load_policy
from outage_analysis.reports import Report
from tests.doc_blocks import run_lines, run_page, runnable
from tests.doc_pages import GUIDES, RECIPES, blocks, blocks_of, name, prose
from tests.paths import OWN_OUTAGE, ROOT

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
RECIPE = re.MULTILINE | re.DOTALL


RUNNING = [
    pytest.param(page, id=name(page), marks=pytest.mark.slow)
    for page in (*GUIDES, ROOT / "README.ko.md")
    if runnable(page) and page.name != "how-to.md"  # tests/contract/test_how_to.py runs it
]


SOURCE = ROOT / "src"
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.slow
@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_its_docstrings_state(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert (result.attempted > 0, result.failed) == (True, 0)


@pytest.mark.parametrize("page", RUNNING)
def test_every_block_of_a_page_runs(
    page: Path, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, shell)


# --- the recipes of CONTRIBUTING --------------------------------------------------------------------------


def recipe(title: str) -> dict[str, str]:
    """The blocks of a recipe by the file that each belongs to, as the line above it says."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", CONTRIBUTING.read_text("utf-8"), RECIPE)
    told = [(re.match(r"`([^`]+)`, .*:$", block.above), block.text) for block in blocks_of(section)]
    return {found[1]: text for found, text in told if found}


def test_a_service_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    ((path, text),) = recipe("Add a service").items()
    page = tmp_path / "incident.toml"
    page.write_text(f"{(ROOT / path).read_text('utf-8')}\n{text}", "utf-8")
    added = {service.id for service in load_incident(page).services}
    assert len(added - {service.id for service in load_incident(ROOT / path).services}) == 1


def test_a_policy_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    ((path, text),) = recipe("Add a policy").items()
    page = tmp_path / Path(path).name
    page.write_text(text, "utf-8")
    policy = load_policy(page)
    assert (f"{policy.id}.toml", findings(policy).is_empty()) == (page.name, True)


def test_a_format_is_added_as_the_recipe_says(analysis: Analysis, tmp_path: Path) -> None:
    ((path, function),) = recipe("Add a format").items()
    module = import_module(path.removeprefix("src/").removesuffix(".py").replace("/", "."))
    names = dict(vars(module))  # the block runs as if it stood at the end of the module
    exec(function, names)  # noqa: S102 - the block is ours
    names["write_jsonl"](Report(analysis), tmp_path)
    written = {path.stem.removesuffix("-synthetic") for path in (tmp_path / "tables").glob("*.jsonl")}
    assert written == analysis.tables.keys()


FOLDER = ROOT / "docs" / "recipes"


def rows(path: str) -> list[dict[str, str]]:
    """The rows of a data file, read by the csv module."""
    with (FOLDER / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page(recipe: str) -> str:
    return (FOLDER / recipe / "README.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_every_block_of_a_recipe_runs_and_prints_what_the_page_shows(
    recipe: Path, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(recipe.parent, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    run_page(recipe, shell)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.parent.name)
def test_a_recipe_is_short_and_its_data_are_marked_as_synthetic(recipe: Path) -> None:
    code = [block.text for block in blocks(recipe) if block.language != "text"]
    assert len(" ".join([prose(recipe), *code]).split()) <= 500
    (data,) = recipe.parent.glob("*.csv")
    assert data.stem.endswith("-synthetic")
    assert "invented" in recipe.read_text("utf-8")
    used = {path.name for path in recipe.parent.iterdir()} - {recipe.name}
    assert used == set(re.findall(r"[\w-]+\.(?:csv|toml)", recipe.read_text("utf-8")))


def test_the_awards_of_all_flights_are_the_sum_that_the_page_shows() -> None:
    paid: Counter[str] = Counter()
    for row in rows("flight-delays/complaints-synthetic.csv"):
        delay = int(row["delay (minutes)"] or 9_999)
        award = (600 if delay >= 240 else 300) if row["distance"] == "long" else 200
        paid[row["distance"]] += award if delay >= 180 else 0
    assert sum(paid.values()) == 47_000
    assert "largest possible payment, the cost would be 47 thousand euros." in page("flight-delays")
    assert 1.8 / 5 < paid["long"] / sum(paid.values()) < 2.2 / 5


def test_the_two_rules_of_the_power_cut_cost_what_the_page_shows() -> None:
    hours = [int(row["outage (hours)"]) for row in rows("power-cut/households-synthetic.csv")]
    first = [70 * max(0, (h - 36) // 12) for h in hours]
    second = [min(150, 15 * max(0, -((12 - h) // 6))) for h in hours]
    assert f"({sum(first)}.0, {sum(second)}.0)" in page("power-cut")
    reached = [sum(x > 0 for x in paid) for paid in (second, first)]
    assert "{} instead of {}".format(*reached) in page("power-cut")
    assert min(h for h, one, two in zip(hours, first, second, strict=True) if two < one) >= 60


def test_the_credits_of_all_accounts_are_the_sum_that_the_page_shows() -> None:
    owed: Counter[float] = Counter()
    for row in rows("cloud-credits/accounts-synthetic.csv"):
        down = int(row["downtime"])
        share = 0 if down <= 43 else 0.1 if down <= 432 else 0.25 if down <= 2_160 else 1
        owed[share] += share * float(row["monthly bill (USD)"])  # type: ignore[assignment]
    assert round(sum(owed.values()), -3) == 33_000
    assert "largest possible payment, the cost would be 33 thousand US dollars." in page("cloud-credits")
    granted = (0.8 + 4 * 0.95 + 1) / 6  # the mean of the ledger's distribution
    assert f", {sum(owed.values()) * granted:.0f})" in page("cloud-credits")


PAGES: dict[str, Any] = {name: OWN_OUTAGE / f"{name}.toml" for name in ("incident", "policy")}


def test_every_row_is_a_claim_and_is_paid_as_worked_out_by_hand() -> None:
    analysis = run(Plan(**PAGES, claims=(OWN_OUTAGE / "claims.csv",)))
    (read,) = analysis.tables["claims_quality"].rows(named=True)
    columns = ("file", "rows", "claims", "rejects", "dialect", "first_day", "last_day")
    assert [read[column] for column in columns] == [
        *("claims.csv", 7, 7, 0, "delimiter ';', quote \", header in row 1"),
        *(date(2031, 3, 2), date(2031, 3, 3)),
    ]
    # 60 and 119 minutes over 5 km: 12.50 euros each; 120 minutes over 20 km: 25 euros. 59 minutes
    # get nothing, 4 km are not entitled, a negative delay counts as none. An unknown one is paid nothing
    # or, as the policy has no rule for it, at most the 25 euros of the last tier.
    total = analysis.totals_row("claims")
    assert total is not None
    assert total["expected"] == 1_250 + 1_250 + 2_500  # automatic: everyone is paid
    assert total["low"] == total["promised"] == 5_000
    assert total["high"] == total["most"] == 5_000 + 2_500
    cells = analysis.cubes["cost"].frame.group_by("distance").agg(pl.col("claims").sum())
    assert dict(cells.iter_rows()) == {"up to 4": 1, "over 4 up to 19": 5, "over 19": 1}
    costs = analysis.tables["claims_costs"].filter(level="band", rule="pays")
    assert sorted(costs.select("over", "up_to", "count").rows()) == [(59, 119, 2.0), (119, None, 1.0)]


PAGE = (ROOT / "docs" / "claims.md").read_text("utf-8")
FIVE = re.findall(r"^outage-analysis .+$", PAGE.split("```sh\n")[1].split("```")[0], re.MULTILINE)

COMPLAINTS: list[list[str | int | date | None]] = [
    ["1차 접수 내역", None, None, None, None, None],
    [],
    ["접수 No", "대상 앱", "누가", "접수한 날", "피해금액 (만원)", "연락처"],
    ["A-1", "카카오톡", "소상공인", date(2022, 10, 19), 30, "010-0000-1111"],
    ["A-2", "카카오뱅크", "개인", "2022년 10월 20일 오후 3시", "1.5", "010-0000-2222"],
    ["A-3", "카카오 T", "개인", "2022. 10. 21.", None, "a@example.com"],
    ["A-4", "멜론", "법인", "2022-10-22 09:30", "120만원", None],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with complaints.xlsx: titles above the header, days and amounts in four notations."""
    book = xlsxwriter.Workbook(tmp_path / "complaints.xlsx")
    sheet, day = book.add_worksheet("접수"), book.add_format({"num_format": "yyyy-mm-dd"})
    for row, cells in enumerate(COMPLAINTS):
        for column, cell in enumerate(cells):
            if isinstance(cell, date):
                sheet.write_datetime(row, column, cell, day)
            elif cell is not None:
                sheet.write(row, column, cell)
    book.close()
    return tmp_path


@pytest.mark.slow
def test_the_five_lines_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert len(FIVE) == 5
    told = [run_lines(line) for line in FIVE]
    assert "010-0000" not in "".join(told)
    assert "4 rows = 4 claims + 0 rejects" in told[2]
    (read,) = json.loads((folder / "build/mine/manifest.json").read_text("utf-8"))["inputs"]
    assert (read["name"], read["rows"], read["claims"], read["rejects"]) == ("complaints.xlsx", 4, 4, 0)
    quality = (folder / "build/mine/tables/claims_quality.csv").read_text("utf-8")
    assert quality.splitlines()[1] == (
        'complaints.xlsx,xlsx,"sheet 접수, header in row 3",4,4,0,2022-10-19,2022-10-22'
    )
    services = (folder / "build/mine/tables/claims_services.csv").read_text("utf-8")
    losses = ("kakaotalk,1,300000,", "kakao_bank,1,15000,", "melon,1,1200000,")
    assert [loss for loss in losses if loss not in services] == []
