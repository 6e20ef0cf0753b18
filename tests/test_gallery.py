"""The pictures of the docs: each is there, shown, described and small."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import moving_picture
import pytest
from PIL import Image

from tests.paths import ROOT

DOCS = ROOT / "docs"
PAGES = (
    *(ROOT / "README.md", ROOT / "README.ko.md", DOCS / "index.md", DOCS / "ko" / "index.md"),
    *(DOCS / "reports.md", DOCS / "cases.md"),
)
SHOWN = {
    said: (page.parent / path).resolve().relative_to(ROOT).as_posix()
    for page in PAGES
    for said, path in re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", page.read_text("utf-8"))
}
"""Path by what is said of the picture."""
MOVING = [moving_picture.picture(lang) for lang in moving_picture.BUDGETS]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "gallery.py"))


def test_the_docs_show_every_picture_and_say_what_it_is(script: dict[str, Any]) -> None:
    there = {p.relative_to(ROOT).as_posix() for p in (ROOT / "docs" / "gallery").iterdir()}
    still = {f"docs/gallery/{name}.png" for name in script["PICTURES"]}
    assert there == set(SHOWN.values()) == still | {f"docs/gallery/{path.name}" for path in MOVING}
    assert all(len(said.split()) >= 4 for said in SHOWN)


@pytest.mark.parametrize("path", MOVING, ids=lambda path: path.name)
def test_a_moving_picture_is_small_and_shows_each_letter_and_result(path: Path) -> None:
    assert path.stat().st_size <= moving_picture.MOST_BYTES
    with Image.open(path) as picture:
        assert picture.width <= moving_picture.WIDTH
        assert getattr(picture, "n_frames", 1) > 4


@pytest.mark.parametrize("path", sorted(path for path in SHOWN.values() if path.endswith(".png")))
def test_a_picture_is_small(path: str, script: dict[str, Any]) -> None:
    front = Path(path).stem in script["FRONT"]
    assert (ROOT / path).stat().st_size <= script["FRONT_BYTES" if front else "MOST_BYTES"]
    with Image.open(ROOT / path) as picture:
        assert picture.width <= script["FRONT_WIDTH" if front else "WIDTH"]


def test_the_pictures_of_the_front_pages_are_large_enough_to_read(script: dict[str, Any]) -> None:
    for name in script["FRONT"]:
        with Image.open(ROOT / "docs" / "gallery" / f"{name}.png") as picture:
            assert picture.width == script["FRONT_WIDTH"]
