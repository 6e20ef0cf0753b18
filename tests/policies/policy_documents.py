"""Pages of policies as somebody would type them, for the tests of the language."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from tests.costs.test_payouts import Page
from tests.paths import ROOT

DOCS = ROOT / "docs"
DAY = date(2022, 12, 30)
LATER = date(2023, 7, 1)
EVERYBODY, FIRST_COME = "US-03", "PG-04.users"  # 48 and 3 million, public on 29 December 2022


def written(value: Any) -> str:  # noqa: ANN401 - whatever a page may hold
    """A value as TOML writes it; the items of a list stand on lines of their own."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {written(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[\n" + "".join(f"{written(inner)},\n" for inner in value) + "]"
    return json.dumps(value) if isinstance(value, str) else str(value)


HEAD = 'id = "p"\nname = { en = "P" }\ncurrency = "EUR"\nloss_unit = "EUR"\n'


def toml(*lines: Page) -> str:
    """A page of lines, as somebody would type it."""
    common = {"name": {"en": "L"}, "kind": "schedule", "public_on": DAY, "effort": "form"}
    text = HEAD
    for number, line in enumerate(lines):
        text += "\n[[line]]\n"
        for key, value in {"id": f"line-{number}", **common, **line}.items():
            text += f"{key} = {written(value)}\n"
    return text


Written = Callable[[str], Path]


SOUND: Page = {
    "effort": "automatic",
    "accounting": {"obligation": "none", "presentation": "expense"},
    "band": ({"over": 0, "fixed": 5},),
    "unknown": {"fixed": 0},
}

A, B, AB = ({"claimant_type": values} for values in (("a",), ("b",), ("a", "b")))

FLAT: Page = {"band": [{"over": 0, "up_to": 9, "fixed": 5}, {"over": 9, "review": True}]}


def ends(row: dict[str, Any]) -> list[float | None]:
    return [row[column] for column in ("promised", "low", "expected", "high")]


def on_its_own(page: Page, number: int) -> Page:
    """The page of one tariff: that of a segment, or after them that of all others."""
    bands = [segment["band"] for segment in page.get("segment", ())] + [page["band"]]
    return {**page, "band": bands[number], "segment": (), "eligibility": {}}
