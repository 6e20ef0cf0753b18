"""The recipes: every command and Python block runs in a copy of its folder and prints what the page shows.

What a figure should be is computed here from the rows of the data file.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.doc_blocks import run_page
from tests.doc_pages import RECIPES, blocks, prose
from tests.paths import ROOT

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
    assert "(320) were paid, the cost would be 47 thousand euros." in page("flight-delays")
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
    assert "(240) were paid, the cost would be 33 thousand US dollars." in page("cloud-credits")
    granted = (0.8 + 4 * 0.95 + 1) / 6  # the mean of the ledger's distribution
    assert f", {sum(owed.values()) * granted:.0f})" in page("cloud-credits")
