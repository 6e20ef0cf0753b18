"""A table of grouped losses as a TOML page: what it holds, and what it may not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from outage_analysis.errors import UsageError
from outage_analysis.files import Text, bundled_ids, data_root
from outage_analysis.losses import load_grouped
from tests.paths import GOLDEN

PAGE = """
id = "mine"
name = { en = "My losses", ko = "내 손실" }
unit = "won"
edges = [10, 20, 50.5, inf]
counts = [3, 0, 2]
top = "open"
left = "truncated"
note = "Read off a figure."
sources = ["a book"]
"""
DENTAL = json.loads((GOLDEN / "reference_cases.json").read_text("utf-8"))["gdental"]


def test_the_dental_claims_are_those_of_the_reference_case() -> None:
    page = load_grouped("dental-claims")
    assert list(page.edges) == DENTAL["edges"]
    assert list(page.counts) == DENTAL["counts"]
    assert (page.top, page.left) == ("closed", "ground_up")


@pytest.mark.parametrize("id_", bundled_ids("grouped"))
def test_every_bundled_table_says_where_it_is_printed(id_: str) -> None:
    page = load_grouped(id_)
    assert page.id == id_
    assert all(source.startswith("https://") for source in page.sources)
    assert page.name.ko
    assert load_grouped(data_root() / "grouped" / f"{id_}.toml") == page


def test_a_document_holds_what_is_written(write_document: Callable[[str], Path]) -> None:
    mine = load_grouped(write_document(PAGE))
    assert mine.edges == (10.0, 20.0, 50.5, math.inf)
    assert mine.counts == (3, 0, 2)
    assert (mine.top, mine.left, mine.sources) == ("open", "truncated", ("a book",))
    assert mine.note == Text(en="Read off a figure.")
    assert (mine.name["en"], mine.name["ko"]) == ("My losses", "내 손실")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[10, 20", "[20, 10", "is no table of losses: edges do not increase"),
        ("[10, 20", "[20, 20", "is no table of losses: edges do not increase"),
        ("counts = [3, 0, 2]", "counts = [3, 0]", "is no table of losses"),
        ("[3, 0, 2]", "[3, 0, 2.0]", "line 6, counts"),
        ("[3, 0, 2]", "[3, 0, true]", "line 6, counts"),
        ("[3, 0, 2]", "[3, 0, -2]", "line 6, counts"),
        ("[10, 20", "[-10, 20", "line 5, edges"),
        ("inf]", "nan]", "edges"),
        ('top = "open"', 'top = "closed"', "a closed top needs a last edge that is finite"),
        ('top = "open"', 'top = "OPEN"', "line 7, top"),
        ('left = "truncated"', 'left = "cut"', "line 8, left"),
        ('unit = "won"', 'unit = ""', "line 4, unit"),
        ('unit = "won"\n', "", "unit: a required key is missing"),
        ('["a book"]', "[]", "line 10, sources"),
        ('id = "mine"', 'id = "My table"', "line 2, id"),
        ("note =", "notes =", "Did you mean 'note'?"),
    ],
)
def test_what_is_no_table_is_refused_on_one_line(
    write_document: Callable[[str], Path], old: str, new: str, said: str
) -> None:
    assert old in PAGE
    with pytest.raises(UsageError, match=r"^page\.toml") as refusal:
        load_grouped(write_document(PAGE.replace(old, new, 1)))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
