"""The pictures of the docs: each is there, shown, described and small."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.paths import ROOT

DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "README.ko.md", DOCS / "reports.md", DOCS / "cases.md")
SHOWN = {
    said: (page.parent / path).relative_to(ROOT).as_posix()
    for page in PAGES
    for said, path in re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", page.read_text("utf-8"))
}
"""Path by what is said of the picture."""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "gallery.py"))


def test_the_docs_show_every_picture_and_say_what_it_is(script: dict[str, Any]) -> None:
    there = {p.relative_to(ROOT).as_posix() for p in (ROOT / "docs" / "gallery").iterdir()}
    assert there == set(SHOWN.values()) == {f"docs/gallery/{name}.png" for name in script["PICTURES"]}
    assert all(len(said.split()) >= 4 for said in SHOWN)


@pytest.mark.parametrize("path", sorted(SHOWN.values()))
def test_a_picture_is_small(path: str, script: dict[str, Any]) -> None:
    front = Path(path).stem in script["FRONT"]
    assert (ROOT / path).stat().st_size <= script["FRONT_BYTES" if front else "MOST_BYTES"]
    with Image.open(ROOT / path) as picture:
        assert picture.width <= script["FRONT_WIDTH" if front else "WIDTH"]


def test_the_pictures_of_the_front_pages_are_large_enough_to_read(script: dict[str, Any]) -> None:
    for name in script["FRONT"]:
        with Image.open(ROOT / "docs" / "gallery" / f"{name}.png") as picture:
            assert picture.width == script["FRONT_WIDTH"]


@pytest.mark.slow
def test_a_picture_keeps_as_many_colours_as_there_is_room_for(script: dict[str, Any], tmp_path: Path) -> None:
    ramp = Image.linear_gradient("L").resize((2_000, 1_000)).convert("RGB")
    out = tmp_path / "ramp.png"
    assert script["save"](ramp, out) == out.stat().st_size <= script["MOST_BYTES"]
    with Image.open(out) as picture:
        assert picture.size == (640, 320)
    noise = Image.effect_noise((640, 2_000), 200)
    with pytest.raises(SystemExit, match="show less of it"):
        script["save"](noise, tmp_path / "noise.png")
    assert not (tmp_path / "noise.png").exists()
