"""The bundled notebooks: each runs, and gives the figures that it is stored with."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tests.contract.command_line import outage_analysis
from tests.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
FROM_ROWS = {
    "01_claims": {"load", "look", "services", "linked", "stated", "query", "tiers", "answer"},
    "02_loss_distribution": {"recover-distribution", "recover-rounded", "count-heaps", "fit-own"},
    "03_compensation_cost": {"payments"},
    "04_policy_comparison": set(),
    "05_executive_summary": set(),
}
"""The cells that show something of the bundled rows, or say why they do not."""
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
SECONDS = 600
STRICT = "import warnings\nwarnings.simplefilter('error')"
Outputs = dict[str, list[Any]]


def outputs_of(notebook: Any) -> Outputs:  # noqa: ANN401 - a notebook of nbformat
    """The outputs of each code cell by its id, without what loading the extension writes."""
    return {
        cell.id: [
            output
            for output in cell.outputs
            if not output.get("data", {}).get("text/html", "").startswith("<style>")
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def numbers(outputs: list[Any]) -> list[float]:
    """The numbers of the texts and of the table cells of a cell's outputs, from top to bottom."""
    texts = [
        text
        for output in outputs
        for text in (
            output.data["text/plain"],
            *re.findall(r"<t[dh][^>]*>([^<]*)<", output.data.get("text/html", "")),
        )
    ]
    return [float(number.replace(",", "")) for text in texts for number in NUMBER.findall(text)]


def executed(path: Path, folder: Path) -> Any:  # noqa: ANN401 - a notebook of nbformat
    """A notebook after it ran from top to bottom in a folder of its own; a warning is an error."""
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    kernels = KernelSpecManager(kernel_dirs=[])  # the ipykernel that is installed, and no other
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=kernels, transport_encryption="auto"),
        timeout=SECONDS,
        record_timing=False,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(folder)}},
    )
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))  # type: ignore[no-untyped-call]
    asyncio.run(client.async_execute(cleanup_kc=True))
    notebook.cells.pop(0)
    return notebook


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_gives_its_stored_figures(path: Path, tmp_path: Path) -> None:
    stored = outputs_of(nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]
    now = outputs_of(executed(path, tmp_path))
    assert now.keys() == stored.keys()
    kinds = {output.output_type for outputs in now.values() for output in outputs}
    assert kinds <= {"display_data", "execute_result"}
    assert sum(len(numbers(outputs)) for outputs in stored.values()) > 50
    for cell, outputs in now.items():
        assert len(outputs) == len(stored[cell]), cell
        assert numbers(outputs) == pytest.approx(numbers(stored[cell]), rel=1e-9), cell
        pictures = [["image/png" in output.data for output in each] for each in (outputs, stored[cell])]
        assert pictures[0] == pictures[1], cell
    check_marks(path, now)


def check_marks(path: Path, outputs: Outputs) -> None:
    """A cell says that its rows are synthetic just when it shows something of them."""
    word = "합성" if path.stem.endswith(".ko") else "ynthetic"
    shown = {cell: json.dumps(each, ensure_ascii=False) for cell, each in outputs.items()}
    assert {cell for cell, text in shown.items() if word in text} == FROM_ROWS[path.stem.removesuffix(".ko")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_marks_its_synthetic_rows(path: Path) -> None:
    check_marks(path, outputs_of(nbformat.read(path, as_version=4)))  # type: ignore[no-untyped-call]


def test_there_is_a_notebook_for_each_question_and_the_first_and_last_are_in_korean_too() -> None:
    names = [path.stem for path in NOTEBOOKS]
    assert {name.removesuffix(".ko") for name in names} == FROM_ROWS.keys()
    assert {"01_claims.ko", "05_executive_summary.ko"} < set(names)


def written(path: Path, *sources: str) -> Path:
    """A notebook with these cells, the first of which has its parameters."""
    v4: Any = nbformat.v4
    cells = [v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    path.write_text(v4.writes(v4.new_notebook(cells=cells)), "utf-8")
    return path


def test_a_notebook_with_another_parameter_becomes_one_page(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.ipynb", "amount = 1", "print(f'{amount * 1_000:,} won')")
    page = tmp_path / "mine.html"
    assert outage_analysis("notebook", "run", path, "--param", "amount=7", "--out", page).code == 0
    text = page.read_text("utf-8")
    assert "7,000 won" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)
    code, _, err = outage_analysis("notebook", "run", path, "--param", "amounts=7", "--out", page, "--force")
    assert code == 2
    assert "amounts" in err


def test_a_notebook_that_fails_has_exit_code_1_and_no_page(tmp_path: Path) -> None:
    path, page = written(tmp_path / "mine.ipynb", "amount = 0", "1 / amount"), tmp_path / "mine.html"
    code, out, err = outage_analysis("notebook", "run", path, "--out", page)
    assert (code, out) == (1, "")
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err
    assert not page.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "word"), [("en", "260 million won"), ("ko", "2억 6,000만 원")])
def test_the_summary_as_a_page_has_the_figure_of_the_report(tmp_path: Path, lang: str, word: str) -> None:
    page = tmp_path / "summary.html"
    done = outage_analysis("notebook", "run", "05_executive_summary", "--lang", lang, "--out", page)
    assert done.code == 0, done.err
    text = page.read_text("utf-8")
    assert word in text
