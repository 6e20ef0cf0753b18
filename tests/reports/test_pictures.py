"""Charts as files: well-formed, titled, in the package's fonts, inert and the same again."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from outage_analysis.charts import add_captions
from outage_analysis.charts.chart_output import WIDTH
from outage_analysis.text import LANGUAGES
from tests.untranslated_text import untranslated

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" width="760" height="100"><rect id="drawn"/></svg>'
HOSTILE = "</title><script>alert(1)</script>"


def pictures(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / "charts").glob(f"*.{suffix}"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_drawing_has_a_title_a_description_its_language_and_no_script(
    bundles: dict[str, Path], lang: str
) -> None:
    paths = pictures(bundles[lang], "svg")
    assert len(paths) > 8
    for path in paths:
        tree = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own file
        assert all((tree.findtext(f"{SVG}{tag}") or "").strip() for tag in ("title", "desc")), path.name
        assert {e.tag.removeprefix(SVG) for e in tree.iter()} <= {
            *("svg", "title", "desc", "rect", "text", "g", "path", "line", "defs", "clipPath"),
            *("linearGradient", "stop", "tspan"),
        }
        faces = {text.get("font-family", "") for text in tree.iter(f"{SVG}text")}
        assert all(face.startswith("Outage Sans") for face in faces), path.name
        if lang == "ko":
            texts = [e.text or "" for tag in ("title", "desc", "text") for e in tree.iter(f"{SVG}{tag}")]
            assert [run for text in texts for run in untranslated(text)] == [], path.name


def test_titles_are_text_alone_and_long_ones_push_the_drawing_down() -> None:
    tree = ET.fromstring(add_captions(DRAWN, HOSTILE, HOSTILE, HOSTILE, HOSTILE))  # noqa: S314 - our own text
    assert not list(tree.iter(f"{SVG}script"))
    assert [e.text for e in tree.iter(f"{SVG}title")] == [HOSTILE]
    assert [e.get("id") for e in tree.iter() if e.get("id")] == ["drawn"]
    short, long = (ET.fromstring(add_captions(DRAWN, x, "", "", "")) for x in ("cost", "cost " * 60))  # noqa: S314
    assert float(long.get("height", "0")) > float(short.get("height", "0")) + 50
    assert len(list(long.iter(f"{SVG}text"))) > 3


def test_a_picture_has_two_dots_a_pixel_and_is_not_blank(bundles: dict[str, Path]) -> None:
    drawn, dotted = (pictures(bundles["en"], suffix) for suffix in ("svg", "png"))
    assert [p.stem for p in drawn] == [p.stem for p in dotted]
    for path in dotted:
        with Image.open(path) as picture:
            assert picture.width == 2 * WIDTH
            assert len(picture.convert("L").getcolors() or []) > 20, path.name  # letters have soft edges
