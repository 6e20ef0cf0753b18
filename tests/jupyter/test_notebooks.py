"""Notebooks: the bundled ones; a notebook as a page: parameters, failures, one offline file."""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any, cast

import nbformat
import notebooks
import pytest
from nbformat import NotebookNode
from PIL import Image

from outage_analysis.analysis import Analysis
from outage_analysis.charts import STYLE, render_offline
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import atomic_write as placing
from outage_analysis.jupyter import notebook as executed, run_notebook
from outage_analysis.jupyter.notebook import (
    Notebook,
    execute,
    fill_parameters,
    find_notebook,
    notebook_language,
    notebook_page,
    read_notebook,
    replace_values,
    sanitized_html,
    shown_values,
)
from outage_analysis.reports import Report
from tests.commands import command
from tests.executed_notebooks import ANSWER, answers
from tests.html_page import WebPage
from tests.installed_package import Installed
from tests.paths import ROOT

PARAMETERS = """\
count: int = 5  # 몇 건
rate = 0.5
force = False
as_of = "2022-12-30"
computed = 2 * 3
name, other = "kakao", None
policy = None  # an id or a path
lang = "en"
files = ["a.csv"]
longer = [
    1_000
]  # over three lines
"""
KNOWN = ("count", "rate", "force", "as_of", "policy", "lang", "files")
Cell = tuple[str, str]
Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """A writer of notebooks: `written(("code", "1 + 1"), parameters="a = 1")`."""

    def write(*cells: Cell, parameters: str = PARAMETERS, name: str = "mine.ipynb") -> Path:
        return write_notebook(tmp_path / name, *cells, parameters=parameters)

    return write


def write_notebook(path: Path, *cells: Cell, parameters: str = PARAMETERS) -> Path:
    v4: Any = nbformat.v4
    made = [getattr(v4, f"new_{kind}_cell")(source) for kind, source in cells]
    if parameters:
        made.insert(0, v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="parameters"))
    path.write_text(v4.writes(v4.new_notebook(cells=made)), "utf-8")
    return path


@pytest.fixture
def stored(written: Written) -> Notebook:
    return read_notebook(written())


def after(source: str) -> dict[str, object]:
    """The names of a cell of parameters, once it ran."""
    values: dict[str, object] = {}
    exec(compile(source, "parameters", "exec"), values)  # noqa: S102 - our own source, spliced
    return values


# --- parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "300_000_000", 300_000_000),
        ("count", "none", None),
        ("rate", "1", 1.0),
        ("rate", "2.5e-2", 0.025),
        ("force", "true", True),
        ("as_of", "2022-10-24", "2022-10-24"),
        ("as_of", '"2022-10-24"', "2022-10-24"),
        ("policy", "kakao-candidate-cash", "kakao-candidate-cash"),
        ("policy", "2022-12-30", "2022-12-30"),
        ("policy", "1_000", 1_000),
        ("policy", "inf", "inf"),
        ("policy", "nan", "nan"),
        ("policy", "[2022-10-24]", "[2022-10-24]"),
        ("policy", "null", None),
        ("policy", "", ""),
        ("policy", "보상'; import os", "보상'; import os"),
        ("policy", '{"a": [True, "b"]}', {"a": [True, "b"]}),
        ("lang", "ko", "ko"),
        ("lang", "1", "1"),
        ("files", '["b.csv", "c.csv"]', ["b.csv", "c.csv"]),
        ("rate", "7%", 0.07),
    ],
)
def test_a_value_keeps_the_type_of_the_one_it_replaces(
    stored: Notebook, name: str, text: str, value: object
) -> None:
    given = fill_parameters(stored, {name: text})
    before, then = after(PARAMETERS), after(replace_values(PARAMETERS, given))
    assert then[name] == value
    assert type(then[name]) is type(value)
    assert {n: v for n, v in then.items() if n != name} == {n: v for n, v in before.items() if n != name}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("count", "1.5", "the parameter count takes another type of value (found '1.5'). Write it like"),
        ("count", "True", "Write it like the value in the notebook: 5."),
        ("rate", "much", "Write it like the value in the notebook: 0.5."),
        ("force", "1", "Write it like the value in the notebook: False."),
        ("files", "a.csv", "Write it like the value in the notebook: ["),
        ("cuont", "1", "Did you mean 'count'?"),
        ("zzz", "1", "Known: " + ", ".join(KNOWN)),
        ("name", "two at once are no parameter", "Known"),
    ],
)
def test_a_value_of_another_type_is_refused(stored: Notebook, name: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        fill_parameters(stored, {name: text})


def test_the_language_is_a_parameter_where_the_notebook_has_it(stored: Notebook, written: Written) -> None:
    assert fill_parameters(stored, {}, "ko") == {"lang": "ko"}
    languages = [notebook_language(stored, fill_parameters(stored, given)) for given in ({"lang": "ko"}, {})]
    assert languages == ["ko", "en"]
    with pytest.raises(UsageError, match="--lang and the parameter lang differ"):
        fill_parameters(stored, {"lang": "en"}, "ko")
    bare = read_notebook(written(("code", "a = 1"), parameters="", name="bare.ipynb"))
    assert fill_parameters(bare, {}, "ko") == {}
    with pytest.raises(UsageError, match="It has no cell with the tag parameters"):
        fill_parameters(bare, {"a": "2"})


OF_R = '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "ir", '
OF_R += '"display_name": "R", "language": "R"}}}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, "is not a notebook") for text in ("", "not json", "{}", "[1]", "\ud800")),
        (OF_R, r"in a language other than Python \(found 'R'\)"),
    ],
)
def test_what_is_no_notebook_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.ipynb"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError, match=said):
        read_notebook(path)


@pytest.mark.slow
def test_files_are_found_from_the_working_folder_and_shown_by_name(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "policy.toml").touch()
    notebook = read_notebook(
        written(("code", "print(policy, files)"), parameters="policy = None\nfiles = []")
    )
    texts = {"policy": "mine/policy.toml", "files": '["mine/*.csv", "mine", "not-there.csv"]'}
    values = fill_parameters(notebook, texts)
    shown = {"policy": "policy.toml", "files": ["*.csv", "mine", "not-there.csv"]}
    assert shown_values(values) == shown
    done = execute(notebook, values)
    full = [str(tmp_path / "mine" / "*.csv"), "mine", "not-there.csv"]
    assert done.cells[1].outputs[0].text == f"{tmp_path / 'mine' / 'policy.toml'} {full}\n"
    assert after(done.parameters).items() >= shown.items()


# --- finding and reading ------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["nbformat", "nbclient", "nbconvert", "ipykernel"])
def test_without_the_extra_the_remedy_is_to_install_it(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EnvironmentFailed, match=rf"{module} is not .*\[notebooks\]"):
        run_notebook("05_executive_summary")


# --- one real execution -------------------------------------------------------------------------------

CHART = """\
import altair as alt
import polars as pl
import outage_analysis
outage_analysis.load_ipython_extension(get_ipython())
title = alt.Title("제목", subtitle=["measure", "source"])
alt.Chart(pl.DataFrame({"n": [1]}), title=title).mark_bar().encode(x="n:Q")
"""
STRANGE = """\
import os, sys, warnings
from IPython.display import HTML, Javascript, display
print("\\x1b[31m<b>stdout</b>\\x1b[0m", os.environ["TZ"], len(os.listdir()))
print("to stderr", file=sys.stderr)
warnings.warn(os.getcwd())
display(HTML("<script>alert(1)</script><script src='https://example.org/x.js'></script>"))
display(Javascript("alert(2)"))
"<i>text</i>"
"""
OTHER = '(window.outageCharts = window.outageCharts || []).push(["x", {}]), alert(3);'


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One notebook, run once and exported without and with its code; nothing else stays in the folder."""
    folder = tmp_path_factory.mktemp("exported")
    path = write_notebook(
        folder / "mine.ipynb",
        ("markdown", "# A *first* heading\n\nProse, with [a link](https://example.org) & an <em>em</em>."),
        ("code", CHART),
        ("code", STRANGE),
        ("code", f"from IPython.display import HTML\nHTML('<script>{OTHER}</script>')"),
        ("raw", "raw"),
    )
    stored = read_notebook(path)
    stored.cells.append(nbformat.v4.new_markdown_cell("Left out", metadata={"tags": ["remove-cell"]}))  # type: ignore[no-untyped-call]
    given = fill_parameters(stored, {"lang": "ko", "policy": str(path)})
    done = execute(stored, given)
    pages = [folder / "plain.html", folder / "code.html"]
    for page in pages:
        page.write_text(notebook_page(done, "ko", shown_values(given), code=page.stem == "code"), "utf-8")
    return pages


@pytest.mark.slow
def test_the_page_says_what_it_was_given_and_names_no_machine_no_cell_and_no_count(
    exported: list[Path],
) -> None:
    plain, code = map(WebPage.of, exported)
    assert [e.text for e in plain.all("title")] == ["A first heading"]
    assert [e.attributes["lang"] for e in plain.all("html")] == ["en"]
    assert {e.attributes["lang"] for e in plain.all("div", class_="outputs")} == {"ko"}
    assert "입력값: lang = ko, policy = mine.ipynb." in plain.all("footer")[0].text
    assert "Left out" not in plain.prose()
    assert "<b>stdout</b> UTC 1" in plain.prose()  # escaped; the folder held IPython's own folder alone
    assert "'<i>text</i>'" in plain.prose()
    machine = rf"\nto stderr|{re.escape(placing.TEMPORARY_PREFIX)}|{exported[0].parents[2]}"
    for path in exported:
        counts = r"In \[|Out\[|execution_count|cell-id|>alert\(2\)"
        assert not re.search(f"{machine}|{counts}", path.read_text("utf-8"))
    assert plain.all("details") == []
    assert [e.text for e in code.all("summary")] == ["코드"] * 4  # the code is folded
    shown = code.all("code")[0].text
    assert ast.parse(shown)
    assert all(said in shown for said in ("policy = 'mine.ipynb'  # an id or a path", "lang = 'ko'"))


@pytest.mark.slow
def test_the_page_loads_nothing_and_runs_only_scripts_of_ours(exported: list[Path]) -> None:
    text, seen = exported[0].read_text("utf-8"), WebPage.of(exported[0])
    policy = re.findall('Content-Security-Policy" content="([^"]*)"', text)[0]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert len(re.findall("sha256-", policy.split("script-src")[1])) == 2  # Vega and one chart
    assert (text.count("window.vegaEmbed="), len(seen.all("script"))) == (1, 2)  # no foreign one
    assert [e for e in seen.elements if e.tag in ("link", "iframe") or "style" in e.attributes] == []
    (picture,) = seen.all("img")  # of the chart, until it is drawn
    assert picture.attributes["src"].startswith("data:image/png;base64,")
    assert "font-family: 'Outage Sans'" in text


@pytest.mark.parametrize(
    "markup",
    [
        "<meta http-equiv=refresh content='0;url=http://example.org'>",
        "< meta><MeTa\nhttp-equiv='refresh'/content=0>",
        "<base href='http://example.org'><link rel=stylesheet href=x>",
        "</main></body></html><!--",
        "<iframe src=x></iframe><object data=x></object><embed src=x><form action=x></form>",
        "<svg onload=alert(1)><style><!--</style><a href='java&#x73;cript:alert(1)'>",
        "<img src=x><img src='data:text/html,a'><p style='position: fixed'>",
        "<img src='https://example.org/x'><img srcset='x 2x'><a href='data:text/html,a'>",
        "<script src=x>1</script ><SCRIPT>2</SCRIPT><script>3",
        "<plaintext><textarea><title>",
    ],
)
def test_foreign_markup_neither_leads_away_nor_ends_the_page(markup: str) -> None:
    found = sanitized_html(f"<p class='a'>before</p>{markup} after")
    assert not re.search(r"<(?!/?(p|a|img|svg)\b)|(on\w+|style|action|src|srcset)=|script:|data:", found)
    assert found.startswith('<p class="a">before</p>')
    assert sanitized_html(found) == found


def test_what_is_ours_and_what_only_shows_stay_as_they_are() -> None:
    ours = f"<style>{STYLE}</style>{render_offline({'mark': 'bar'})['text/html']}"
    assert sanitized_html(ours).replace(' role="img"', "") == ours
    assert sanitized_html(f"<table><tbody>{ours}") == f"<table><tbody></tbody></table>{ours}"
    for shown in (
        '<div class="n" tabindex="0"><table><tbody><tr><td>1 &lt; 2</td></tr></tbody></table></div>',
        '<a href="https://example.org/?a=1&amp;b">x</a>',
        '<img alt="" src="data:image/png;base64,AA==">',
    ):
        assert sanitized_html(shown) == shown


@pytest.mark.slow
def test_a_picture_ends_no_page() -> None:
    evil, v4 = '"><meta http-equiv=refresh content=0>', cast("Any", nbformat.v4)
    kinds = ("image/svg+xml", "image/png", "image/jpeg")
    cell = v4.new_code_cell("1", outputs=[v4.new_output("display_data", {kind: evil}) for kind in kinds])
    text = notebook_page(Notebook("mine", [cell]), "en")
    assert evil not in text
    assert text.count("<img ") == 3


@pytest.mark.slow
def test_a_notebook_of_ones_own_runs_where_it_lies_and_leaves_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "beside.txt").write_text("found beside", "utf-8")
    source = "from pathlib import Path\nprint(Path(near).read_text('utf-8'))"
    mine = tmp_path / "notebooks" / "mine.ipynb"
    write_notebook(mine, ("code", source), parameters='near = "../beside.txt"')
    monkeypatch.chdir(tmp_path)
    text = run_notebook("notebooks/mine.ipynb", code=True).read_text("utf-8")
    assert ("found beside" in text, str(tmp_path) in text) == (True, False)
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    assert left == ["beside.txt", "mine.html", "notebooks", "notebooks/mine.ipynb"]


# --- failures, through the command --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("number", "ends"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupt_ends_the_kernel_and_leaves_nothing(
    number: str, ends: int, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    first = "import os, pathlib\npathlib.Path('kernel').write_text(str(os.getpid()), 'utf-8')"
    path = written(("code", "import time\ntime.sleep(600)"), parameters=first)

    def interrupt(step: str) -> None:
        if step == "running cell 2 of 2":
            os.kill(os.getpid(), getattr(signal, number))

    monkeypatch.setattr(
        executed, "execute", lambda notebook, *_, folder: execute(notebook, None, interrupt, folder=folder)
    )
    assert command("notebook", "run", path, "--out", tmp_path / "page.html")[0] == ends
    assert list((tmp_path / "temporary").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "kernel").read_text("utf-8")), 0)


@pytest.mark.slow
def test_a_kernel_that_cannot_start_is_stated(written: Written, tmp_path: Path) -> None:
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit(3)", "utf-8")
    with pytest.raises(
        EnvironmentFailed, match=r"mine: the kernel did not start\. Rename any file beside it"
    ):
        execute(read_notebook(written()), folder=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no such notebook"),
        (("05_executive_summary", "--param", "polcy=x"), "Did you mean 'policy'"),
        (
            ("05_executive_summary", "--param", "budget=much"),
            "the parameter budget takes another type of value",
        ),
        (("05_executive_summary", "--param", "budget"), "--param has no value"),
        (("05_executive_summary", "--param", "lang=en", "--param", "lang=ko"), "--param is given twice"),
        (("05_executive_summary", "--lang", "fr"), "no such language"),
        (("05_executive_summary", "--out", "page.pdf"), "is not named .html"),
        (("05_executive_summary", "--out", "taken.html"), "exists already"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.html").write_text("mine", "utf-8")
    monkeypatch.setattr(executed, "execute", lambda *_, **__: pytest.fail("it ran"))
    code, out, err = command("notebook", "run", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert [p.name for p in tmp_path.iterdir()] == ["taken.html"]
    assert (tmp_path / "taken.html").read_text("utf-8") == "mine"


def pretend_to_run(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """Make `run_notebook` execute nothing and write this text as its page."""
    monkeypatch.setattr(executed, "execute", lambda *_, **__: None)
    monkeypatch.setattr(executed, "notebook_page", lambda *_, **__: page)


def test_a_page_is_replaced_only_on_request_and_only_by_a_whole_one(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = written(), tmp_path / "page.html"
    pretend_to_run(monkeypatch, "first")
    assert run_notebook(source, out) == out
    pretend_to_run(monkeypatch, "second")
    with pytest.raises(UsageError, match="--force"):
        run_notebook(source, out)
    run_notebook(source, out, force=True)
    assert out.read_text("utf-8") == "second"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.ipynb", "page.html"]


FOLDER = ROOT / "notebooks"
STORED = notebooks.stored_paths()
"""All bundled notebooks, with their translations."""
TWINS = [path for path in STORED if path.stem.endswith(".ko")]
MOST_BYTES = 1_000_000
MOST_CODE_CELLS = 12


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


def stored_cells(name: str) -> dict[str, NotebookNode]:
    """The code cells of a bundled notebook by their ids, with the outputs that they are stored with."""
    return {cell.id: cell for cell in code_cells(load(FOLDER / f"{name}.ipynb"))}


@pytest.fixture(scope="module")
def elsewhere(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page that the installed command makes of each notebook, elsewhere in the world; two at a time."""
    folder = tmp_path_factory.mktemp("elsewhere")
    other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Seoul", "LC_ALL": "C"}

    def export(name: str) -> str:
        said = installed.output(installed.command, "notebook", "run", name, cwd=folder, **other)
        assert said == f"{name}.html\n"
        return (folder / said.strip()).read_text("utf-8")

    with ThreadPoolExecutor(2) as room:
        return dict(room.map(lambda path: (path.stem, export(path.stem)), STORED))


@pytest.mark.installed
@each_stored
def test_the_page_of_another_process_has_the_same_bytes(
    path: Path, elsewhere: dict[str, str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert command("notebook", "run", path.stem, "--out", page)[0] == 0
    assert elsewhere[path.stem] == page.read_text("utf-8")


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
    (markup,) = shown_html(stored_cells("05_executive_summary")["answer"])
    report = Report(analysis)
    assert f"<strong>{escape(report.answers.headline[0])}</strong>" in markup
    assert [sentence for sentence in report.answers.headline if escape(sentence) not in markup] == []
    for cell, question in (("drivers", "drives"), ("decide", "recommended"), ("left-out", "left_out")):
        sentences = getattr(report.answers, question)
        assert sentences
        text = shown_html(stored_cells("05_executive_summary")[cell])[-1]
        assert [sentence for sentence in sentences if escape(sentence) not in text] == []
