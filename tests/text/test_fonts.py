"""The package's own fonts: what they cover, how other text is shown, what is cut out of them."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from fontTools.ttLib import TTFont

from outage_analysis.errors import EnvironmentFailed
from outage_analysis.text import LANGUAGES, fonts


def opened(weight: fonts.Weight) -> TTFont:
    return TTFont(BytesIO((fonts.folder() / f"OutageSans-{weight}.otf").read_bytes()))


@pytest.mark.parametrize("weight", fonts.WEIGHTS)
def test_every_syllable_and_sign_is_there(weight: fonts.Weight) -> None:
    known = opened(weight).getBestCmap()
    signs = {*range(0xAC00, 0xD7A4), *map(ord, "AZaz09–—’“”…₩€×÷≤≥ㄱㅎ")}
    assert signs | fonts.covered_code_points() <= known.keys()


def test_the_family_has_a_name_of_its_own_and_its_licence_beside_it() -> None:
    for weight in fonts.WEIGHTS:
        names = opened(weight)["name"]
        assert (names.getDebugName(1), names.getDebugName(2)) == (fonts.FAMILY, weight)
        assert "SIL Open Font License" in names.getDebugName(13)
    assert "SIL OPEN FONT LICENSE" in (fonts.folder() / "OFL.txt").read_text("utf-8")


@pytest.mark.parametrize("weight", fonts.WEIGHTS)
def test_the_part_without_korean_has_the_same_letters_in_the_same_widths(weight: fonts.Weight) -> None:
    part = TTFont(BytesIO((fonts.folder() / f"OutageLatin-{weight}.otf").read_bytes()))
    (letters, widths), (all_letters, all_widths) = (
        (font.getBestCmap(), font["hmtx"]) for font in (part, opened(weight))
    )
    assert letters.keys() == {code for code in all_letters if not fonts.KOREAN.match(chr(code))}
    assert {c: widths[letters[c]] for c in letters} == {c: all_widths[all_letters[c]] for c in letters}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_our_own_words_lack_no_glyph(lang: str) -> None:
    page = tomllib.loads((files("outage_analysis.text") / "words" / f"{lang}.toml").read_text("utf-8"))
    words = "".join(text for section in page.values() for text in section.values())
    fixed = "".join(map(chr, range(0x20, 0x7F))) + "–—…×·≤≥→’‘“”"
    assert {ord(c) for c in (words + fixed).replace("\n", "")} <= fonts.covered_code_points()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("카카오톡 Kakao 12%", "카카오톡 Kakao 12%"),
        ("한글", "한글"),  # in parts
        ("fire \U0001f525", "fire U+1F525"),
        ("a\u202eb\u200fc", "aU+202EbU+200Fc"),
        ("bell\x07 null\x00", "bellU+0007 nullU+0000"),
        ("two\nlines\r\nthree", "two lines three"),
        ("soft\u00adhyphen", "softU+00ADhyphen"),
        ("漢字", "U+6F22U+5B57"),
        ("", ""),
    ],
)
def test_what_has_no_glyph_is_shown_by_its_number(given: str, shown: str) -> None:
    assert fonts.printable(given) == fonts.printable(shown) == shown
    assert set(map(ord, shown)) <= fonts.covered_code_points()


def test_the_texts_of_a_table_are_shown_so() -> None:
    frame = pl.DataFrame({"region": ["서울", "a\u202e", None], "claims": [1, 2, 3]})
    assert fonts.printable_table(frame)["region"].to_list() == ["서울", "aU+202E", None]


def test_a_cut_holds_the_letters_asked_for_and_is_the_same_again() -> None:
    cut = fonts.subset_font("비용 12", "Bold")
    assert cut == fonts.subset_font("21 용비", "Bold")
    assert set(TTFont(BytesIO(cut)).getBestCmap()) == set(map(ord, "비용 12"))
    assert len(cut) < len((fonts.folder() / "OutageSans-Bold.otf").read_bytes()) / 100


def test_a_missing_font_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(EnvironmentFailed, match=r"OutageSans-Regular\.otf: the font is missing"):
        fonts.folder()
