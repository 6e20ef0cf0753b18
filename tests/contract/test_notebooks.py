"""The bundled notebooks: each runs, and gives the figures that it is stored with."""

from __future__ import annotations

import json
import math
import re
from datetime import date, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Any

import nbformat
import pytest

from tests.contract.command_line import answered, outage_analysis
from tests.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
FROM_ROWS = {
    "01_claims": {"load", "look", "chain", "services", "queries", "linked", "tiers", "answer"},
    "02_loss_distribution": {"recover-distribution", "recover-rounded", "count-heaps", "fit-own"},
    "03_compensation_cost": {"days"},
    "04_policy_comparison": set(),
    "05_executive_summary": set(),
}
"""The cells that show something of the bundled rows, or say why they do not."""
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
    (summary,) = (path for path in NOTEBOOKS if path.stem == "05_executive_summary.ko")
    assert "2억 6,000만 원" in summary.read_text("utf-8")  # the figure of the report


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


def test_a_notebook_needs_nothing_but_the_package_itself_and_known_libraries() -> None:
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        imported = re.findall(r"^(?:import|from) ([\w.]+)", "\n".join(sources), re.MULTILINE)
        assert {name for name in imported if name.startswith("outage_analysis")} == {"outage_analysis"}


MEDIAN, SIGMA, ROWS = 250, 1.1, 600


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Complaints in euros whose losses are quantiles of a lognormal distribution, with two policies."""
    folder = tmp_path_factory.mktemp("own")
    rows = ["claim_id,claimant_id,service,filed_on,loss (EUR),region"]
    for n in range(ROWS):
        loss = MEDIAN * math.exp(SIGMA * NormalDist().inv_cdf((n * 37 % ROWS + 0.5) / ROWS))
        day = date(2026, 3, 2) + timedelta(days=12 * n * n // ROWS**2)
        service, region = ("trains", "trams", "tickets")[n % 3], ("north", "south")[n % 2]
        rows.append(f"{n},p{n % 560},{service},{day},{loss:.2f},{region}")
    (folder / "complaints.csv").write_text("\n".join(rows), "utf-8")
    for name, tiers in (("mine", "300:30,500:50"), ("other", "300:40,500:50")):
        answered("new", folder / name, "--claims", folder / "complaints.csv", "--tiers", tiers)
    policy = folder / "other" / "policy.toml"
    policy.write_text(policy.read_text("utf-8").replace('"complaints-tiers"', '"other-tiers"'), "utf-8")
    return folder


OWN: dict[str, tuple[dict[str, str], str]] = {
    "01_claims": ({"bands": "[0, 300, 500]"}, "300 to 500"),
    "02_loss_distribution": ({"as_of": "None"}, "median 250.2"),
    "03_compensation_cost": ({"as_of": "None", "budget": "20000"}, "euros"),
    "04_policy_comparison": ({"as_of": "None", "budget": "20000"}, "other-tiers"),
    "05_executive_summary": ({"as_of": "None", "budget": "20000"}, "euros"),
}
"""Parameters for an own file, and a text of the page that only the own file gives."""


@pytest.mark.slow
@pytest.mark.parametrize("name", OWN)
def test_a_notebook_is_about_the_users_own_file_in_another_currency(own: Path, name: str) -> None:
    given, told = OWN[name]
    given |= {key: f"{own}/mine/{key}.toml" for key in ("incident", "policy", "ledger")}
    given |= {"files": f"{own}/complaints.csv", "options": f"['{own}/other/policy.toml']"}
    text = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))
    known = "".join(text["cells"][1]["source"])
    options = [f"--param={key}={value}" for key, value in given.items() if f"{key} =" in known]
    page = own / f"{name}.html"
    answered("notebook", "run", name, *options, "--out", page)
    shown = page.read_text("utf-8")
    assert told in shown
    for foreign in ("Kakao service outage", "Federation of micro enterprise, rep", "million won"):
        assert foreign not in re.sub(r"<p>.*?</p>", "", shown, flags=re.DOTALL)
