"""Sections of one's own: in every format, marked, escaped, checked, and verified byte for byte."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest
from hypothesis import given, strategies as st
from pptx import Presentation

from outage_analysis.analysis import Analysis
from outage_analysis.errors import DisclosureBlocked, InputRefused, UsageError, VerificationFailed
from outage_analysis.reports import ReportBuilder, read_manifest, verify
from outage_analysis.reports.own_sections import OwnTable, own_section, read_section

EVIL = "<script>alert(1)</script>"
TABLE = pl.DataFrame(
    {
        "Depot <b>": ["=1+1", EVIL],
        "Trams": [12, 3],
        "Share": [0.8, None],
        "Day": [date(2031, 3, 2), None],
        "Open": [True, False],
    }
)
CHART = (
    alt.Chart(TABLE.select("Trams", "Share"), title=f"Ours {EVIL}")
    .mark_bar()
    .encode(x="Trams:Q", y="Share:N")
)
TITLE = {"en": f"Our view {EVIL}", "ko": "우리 의견"}


def added(analysis: Analysis, **options: Any) -> ReportBuilder:  # noqa: ANN401
    report: ReportBuilder = analysis.report(**options)
    return report.add_section(TITLE, f"First {EVIL}.\n\nSecond.", CHART, TABLE).add_section(
        "Two", "Last words."
    )


@pytest.fixture(scope="module")
def folder(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("own") / "report"
    assert added(made).write(out) == out / "report.html"
    return out


@pytest.mark.slow
def test_every_format_shows_the_sections_escaped_and_marked(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    assert EVIL not in page
    body = page[page.index('<h2 id="own-1"') : page.index('id="appendices"')]
    assert body.count("added by the user of the report") == 2
    for markup in (
        "Our view &lt;script&gt;", "<p>First &lt;script&gt;alert(1)&lt;/script&gt;.</p>", "<p>Second.</p>",
        'id="chart-own-1-2"', '<td class="n">12</td>', '<td class="d">2 March 2031</td>',
        '<h2 id="own-2">Two</h2>',
    ):  # fmt: skip
        assert markup in body
    assert pl.read_parquet(folder / "tables" / "own-1-3.parquet").equals(TABLE)
    csv = (folder / "tables" / "own-1-3.csv").read_text("utf-8")
    assert csv.splitlines()[1].startswith("'=1+1,12,0.8,2031-03-02,true")
    assert "<script>" not in (folder / "charts" / "own-1-2.svg").read_text("utf-8")
    assert (folder / "charts" / "own-1-2.png").read_bytes().startswith(b"\x89PNG")
    slides = Presentation(str(folder / "report.pptx")).slides
    words = ["\n".join(x.text_frame.text for x in slide.shapes if x.has_text_frame) for slide in slides]
    assert len(slides) == 5 + 3
    assert ("First <script>" in words[5], "Last words." in words[7]) == (True, True)
    assert all("added by the user of the report" in text for text in words[5:])
    assert any(shape.shape_type == 13 for shape in slides[5].shapes)  # a picture
    cells = next(shape.table for shape in slides[6].shapes if shape.has_table)
    assert cells.cell(1, 0).text == "=1+1"


@pytest.mark.slow
def test_sections_are_verified_byte_for_byte_and_a_changed_one_is_found(folder: Path, tmp_path: Path) -> None:
    assert read_manifest(folder).sections == 2
    assert verify(folder).rebuilt
    changed = Path(shutil.copytree(folder, tmp_path / "report"))
    path = changed / "sections" / "2.json"
    path.write_text(path.read_text("utf-8").replace("Last words", "Other words"), "utf-8")
    with pytest.raises(VerificationFailed, match=r"sections/2\.json"):
        verify(changed)


@pytest.mark.slow
def test_a_section_states_that_the_claims_are_synthetic(analysis: Analysis, tmp_path: Path) -> None:
    page = analysis.report(formats="html").add_section("Ours", "Words.").write(tmp_path / "report")
    body = page.read_text("utf-8").partition('<h2 id="own-1"')[2].partition('id="appendices"')[0]
    assert "The claims of this report are synthetic." in body


POINT = alt.Chart(TABLE).mark_point()


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ((), "at least 1 item"),
        (("",), "is empty|at least 1 character"),
        ((" \n\n ",), "a text is empty"),
        (("x" * 1_501,), "longer than 1,500 characters"),
        (("x\n\n" * 4_000,), "longer than 1,500 characters, or a text than 10,000"),
        ((5,), "an object of type int"),
        (([1, 2],), "an object of type list"),
        (("x",) * 21, "at most 20 items"),
        ((pl.DataFrame({"a": []}),), "cannot show|no rows"),
        ((pl.DataFrame({"a": range(1_001)}),), "more than 16 columns or 1,000 rows"),
        ((pl.DataFrame({str(n): [1] for n in range(17)}),), "more than 16 columns or 1,000 rows"),
        ((pl.DataFrame({"a": ["x" * 121]}),), "longer than 120 characters"),
        ((pl.DataFrame({"a": [[1, 2]]}),), "has the type List"),
        ((pl.DataFrame({"a": [float("inf")]}),), "an infinite number"),
        ((alt.Chart("https://example.org/x.csv").mark_point(),), "works without a network"),
        ((POINT.encode(href="Depot <b>:N"),), "works without a network"),
        ((alt.Chart(TABLE).mark_image(url="https://example.org/x.png"),), "works without a network"),
        ((alt.Chart(pl.DataFrame({"a": ["x" * 100] * 20_000})).mark_point(),), "larger than 1,000,000 bytes"),
    ],
)
def test_a_wrong_block_is_one_clear_error(made: Analysis, blocks: tuple[object, ...], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        made.report().add_section("Ours", *blocks)


@pytest.mark.parametrize(
    ("title", "problem"),
    [
        *((title, "the section cannot be added") for title in ("", "x" * 121, {"ko": "우리"})),
        (5, "a title is a text"),
    ],
)
def test_a_wrong_title_and_too_many_sections_are_one_clear_error(
    made: Analysis, title: object, problem: str
) -> None:
    report = made.report()
    with pytest.raises(UsageError, match=problem):
        report.add_section(title, "Words.")  # type: ignore[arg-type]
    for n in range(20):
        report.add_section(f"S{n}", "Words.")
    with pytest.raises(UsageError, match="at most 20 sections"):
        report.add_section("One more", "Words.")


@pytest.mark.parametrize(
    ("title", "block", "where"),
    [
        ("Ours", pl.DataFrame({"who": ["a", "010-1234-5678"]}), "block 1"),
        ("Ours", pl.DataFrame({"kim@example.org": [1]}), "block 1"),
        ("Ours", "Ask kim@example.org.", "block 1"),
        ("Ours", alt.Chart(pl.DataFrame({"who": ["010-1234-5678"]})).mark_point(), "block 1"),
        ("Of kim@example.org", "Words.", "the title"),
    ],
)
def test_personal_data_are_refused(made: Analysis, title: str, block: object, where: str) -> None:
    with pytest.raises(
        DisclosureBlocked, match=f"{where} of the section contains what looks like personal data"
    ):
        made.report().add_section(title, block)


KINDS: dict[pl.DataType, st.SearchStrategy[Any]] = {
    pl.Int64(): st.integers(-(2**53), 2**53),
    pl.Float64(): st.floats(allow_nan=False, allow_infinity=False),
    pl.Boolean(): st.booleans(),
    pl.Date(): st.dates(),
    pl.String(): st.text('aé한"\\<&\n1-', max_size=9),
}


@given(st.data(), st.sampled_from([*KINDS]))
def test_a_table_is_read_from_the_folder_as_it_was_added(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: pl.DataType
) -> None:
    values = data.draw(st.lists(st.none() | KINDS[kind], min_size=1, max_size=5))
    frame = pl.DataFrame({"n": values}, schema={"n": kind})
    section = own_section("Ours", [frame])
    path = tmp_path_factory.mktemp("s") / "1.json"
    path.write_text(section.to_json(), "utf-8")
    again = read_section(path)
    assert (again, again.to_json()) == (section, section.to_json())
    (table,) = again.blocks
    assert isinstance(table, OwnTable)
    assert table.view[0].equals(frame)


@pytest.mark.parametrize(
    "change",
    [
        {"title": {"en": ""}},
        {"blocks": []},
        {"extra": 1},
        {"blocks": [{"kind": "chart", "spec": {"data": {"url": "https://example.org"}}}]},
        {"blocks": [{"kind": "table", "columns": {"a": "integer"}, "rows": [["x"]]}]},
        {"blocks": [{"kind": "table", "columns": {"a": "day"}, "rows": [["31.12.2022"]]}]},
        {"blocks": [{"kind": "table", "columns": {"a": "flag", "b": "flag"}, "rows": [[True]]}]},
    ],
)
def test_a_forged_section_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "1.json"
    path.write_text(json.dumps(json.loads(own_section("Ours", ["Words."]).to_json()) | change), "utf-8")
    with pytest.raises(InputRefused, match="no section of a report"):
        read_section(path)
