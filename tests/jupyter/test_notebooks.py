from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

import nbformat
import notebooks
import pytest
from nbformat import NotebookNode
from PIL import Image

from outage_analysis.analysis import Analysis
from outage_analysis.errors import UsageError
from outage_analysis.jupyter.notebook import find_notebook
from outage_analysis.reports import Report
from tests.executed_notebooks import ANSWER, answers
from tests.installed_package import Installed
from tests.paths import ROOT

FOLDER = ROOT / "notebooks"
STORED = notebooks.stored_paths()
"""All bundled notebooks, with their translations."""
NOTEBOOKS = [path for path in STORED if "." not in path.stem]
TWINS = [path for path in STORED if path.stem.endswith(".ko")]
MOST_BYTES = 1_000_000
MOST_CODE_CELLS = 12


each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_stored = pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
each_twin = pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)


@each_stored
def test_is_stored_executed_and_as_jupyter_writes_it(path: Path) -> None:
    text, raw, cells = path.read_text("utf-8"), json.loads(path.read_text("utf-8")), code_cells(load(path))
    assert text == json.dumps(raw, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    assert (raw["nbformat"], raw["nbformat_minor"], raw["metadata"]) == (4, 5, notebooks.METADATA)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells[1:])
    assert all("execution" not in cell.metadata for cell in cells)
    assert len(text.encode()) < MOST_BYTES
    tagged = [number for number, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", ())]
    given = set(re.findall(r"^(\w+) =", cells[0].source, re.MULTILINE))
    assert (tagged, len(cells) <= MOST_CODE_CELLS) == ([0], True)
    assert {"incident", "files", "policy", "ledger", "lang"} - given <= {"ledger"}
    assert path.stem.startswith("01_claims") or {"as_of", "seed"} <= given
    if path.stem.startswith("05"):  # the code of the summary is folded
        assert all(cell.metadata.get("jupyter") == {"source_hidden": True} for cell in cells)
        assert not re.search(r"<t[hd][^>]*>[a-z]+_[a-z_]+<", "".join(map(str, cells[1:])))


@each_stored
def test_outputs_are_pictures_and_markup_without_a_place_or_a_time_of_the_run(path: Path) -> None:
    outputs, charts = [output for cell in code_cells(load(path)) for output in cell.outputs], 0
    for output in outputs:
        markup = output.data.get("text/html", "")
        assert "vegaEmbed" not in markup  # the script bundle is not stored
        is_chart = "data-outage-chart=" in markup
        assert set(output.data) - {"text/html", "text/plain"} == ({"image/png"} if is_chart else set())
        charts += is_chart
        if is_chart:
            assert Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))).width > 300
            assert ("<img " in markup, bool(output.data["text/plain"])) == (True, True)
    assert charts >= 1
    texts = [text for output in outputs for kind, text in output.data.items() if "text" in kind]
    plain = re.sub(r"data:image/png;base64,[\w+/=]+", "", "\n".join(texts))
    places = r"(?<![\w<.:/])/(?:home|root|tmp|usr|var|work)\b|\b0x[0-9a-f]{6,}|\bC:\\\\"
    assert not re.search(rf"{places}|\b\d\d:\d\d:\d\d\.\d", plain)


@pytest.mark.parametrize(
    ("asked", "lang", "found"),
    [
        ("05_executive_summary", "ko", "05_executive_summary.ko"),
        ("02_loss_distribution", "ko", "02_loss_distribution"),
        ("05_executive_summary.ko", "en", "05_executive_summary.ko"),
        (FOLDER / "05_executive_summary.ipynb", "ko", "05_executive_summary"),
    ],
)
def test_the_bundled_notebooks_are_translated_where_the_page_is_korean(
    asked: str | Path, lang: str, found: str
) -> None:
    assert find_notebook(asked, lang) == FOLDER / f"{found}.ipynb"
    with pytest.raises(UsageError, match="no such notebook"):
        find_notebook("02_loss_distribution.ko")


def shown_html(cell: NotebookNode) -> list[str]:
    """The HTML of a cell's outputs, likewise."""
    markups = (output.get("data", {}).get("text/html", "") for output in cell.outputs)
    return [markup for markup in markups if markup and not markup.startswith("<style>")]


def load(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def stored(name: str) -> dict[str, NotebookNode]:
    """The code cells of a bundled notebook by their ids, with the outputs that they are stored with."""
    return {cell.id: cell for cell in code_cells(load(FOLDER / f"{name}.ipynb"))}


def test_the_wheel_has_the_notebooks_of_the_checkout(installed: Installed) -> None:
    folders = (FOLDER, installed.package / "notebooks")
    kept, carried = ({p.name: p.read_bytes() for p in f.iterdir() if p.is_file()} for f in folders)
    assert kept == carried


@pytest.mark.slow
@each_stored
def test_executing_it_again_with_its_answers_gives_the_same_outputs(
    path: Path, executed_notebook: Callable[[Path], Path]
) -> None:
    stored, again = (json.loads(file.read_text("utf-8"))["cells"] for file in (path, executed_notebook(path)))
    text = "".join(stored[-1]["source"])
    exercises = re.findall(r"^\*\*\d\.\*\* .*\?", text, re.MULTILINE)
    assert bool(exercises) == (not path.stem.startswith("05"))
    assert len(exercises) == len(ANSWER.findall(text))
    assert len(again) - len(stored) == len(answers(text))
    assert [before["id"] for before, after in zip(stored, again, strict=False) if after != before] == []


@each_twin
def test_a_twin_has_the_code_of_the_original_except_its_language(path: Path) -> None:
    original, twin = load(path.with_name(path.name.replace(".ko", ""))), load(path)
    assert [cell.id for cell in twin.cells] == [cell.id for cell in original.cells]
    for ours, theirs in zip(twin.cells, original.cells, strict=True):
        assert ours.metadata == theirs.metadata
        if ours.cell_type == "code":
            assert ours.source == theirs.source.replace('lang = "en"', 'lang = "ko"')
        else:
            assert re.search("[가-힣]", ours.source)
            assert "배상" not in ours.source


def test_the_executive_summary_has_the_figures_of_the_report(analysis: Analysis) -> None:
    (markup,) = shown_html(stored("05_executive_summary")["answer"])
    report = Report(analysis)
    assert f"<strong>{escape(report.answers.headline[0])}</strong>" in markup
    assert [sentence for sentence in report.answers.headline if escape(sentence) not in markup] == []
    for cell, question in (("drivers", "drives"), ("decide", "recommended"), ("left-out", "left_out")):
        sentences = getattr(report.answers, question)
        assert sentences
        text = shown_html(stored("05_executive_summary")[cell])[-1]
        assert [sentence for sentence in sentences if escape(sentence) not in text] == []
