"""Every example in a docstring, and every block of code in the docs, runs.

A page runs from top to bottom, in an empty folder.

Commands run in this process. Three kinds of line are read instead: `make`, whose targets are looked up;
`lab`, which would stay; and `notebook run` of a notebook that the package brings, which the tests of the
notebooks execute: its options and parameters are filled.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from typer.main import get_command

import outage_analysis
from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import load_ledger
from outage_analysis.charts import ChartContext
from outage_analysis.claims import queries, read_claims
from outage_analysis.cli import app
from outage_analysis.costs.scenarios import load_scenarios
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Incident, load_incident, load_layout
from outage_analysis.jupyter.notebook import fill_parameters, find_notebook, read_notebook
from outage_analysis.policies import findings, load_policy
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES
from outage_analysis.text import locale as labels
from tests.commands import command
from tests.doc_pages import GUIDES, Block, blocks, blocks_of, name, targets
from tests.import_graph import module_files
from tests.paths import ROOT

if TYPE_CHECKING:
    from tests.conftest import ClaimsCsv

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
RECIPE = re.MULTILINE | re.DOTALL


def runnable(page: Path) -> list[tuple[Block, str | None]]:
    """The blocks of a page that can run, each with the output that the page shows below it.

    A block of text below a block of Python is the value of its last line. Another block of text is a drawing,
    or an example that a doctest runs.
    """
    pairs = pairwise([*blocks(page), Block("", "", "")])
    return [
        (block, below.text if block.language == "python" and is_output(below) else None)
        for block, below in pairs
        if block.language != "text"
    ]


def is_output(block: Block) -> bool:
    """Whether a block of text stands directly below another block."""
    return block.language == "text" and block.above == "```"


ELSEWHERE = {"README.md", "docs/how-to.md"}
"""The pages that tests/contract/test_how_to.py runs."""
RUNNING = [
    pytest.param(page, id=name(page), marks=pytest.mark.slow)
    for page in GUIDES
    if runnable(page) and name(page) not in ELSEWHERE
]
LOADERS: tuple[Callable[[Path], object], ...] = (
    *(load_incident, load_policy, load_ledger, load_layout, load_scenarios),
)


WITH_EXAMPLES = sorted(name for name, path in module_files().items() if ">>> " in path.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_its_docstrings_state(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A session of IPython without a history."""
    without = Config()
    without.HistoryManager.enabled = False
    yield InteractiveShell(config=without)  # type: ignore[no-untyped-call]
    outage_analysis.unload_ipython_extension(None)  # type: ignore[arg-type] # it looks at none


@pytest.mark.parametrize("page", RUNNING)
def test_every_block_of_a_page_runs(
    page: Path, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block, output in runnable(page):
        if block.language == "python":
            result = shell.run_cell(block.text)  # type: ignore[no-untyped-call]
            result.raise_error()
            if output is not None:
                assert printed(result.result) == output
        else:
            {"sh": run_lines, "toml": load}[block.language](block.text)


def printed(value: object) -> str:
    """A value as Python prints it, without spaces at the ends of lines."""
    return "".join(f"{line.rstrip()}\n" for line in repr(value).splitlines())


def test_the_output_below_a_block_is_found() -> None:
    shown = "```python\n1 + 1\n```\n\n```text\n2\n```\n\nA drawing:\n\n```text\n-->\n```\n"
    assert [is_output(block) for block in blocks_of(shown)] == [False, True, False]


def test_a_block_that_fails_is_noticed(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NameError):
        shell.run_cell("nothing_of_the_kind").raise_error()  # type: ignore[no-untyped-call]
    for line in ("outage-analysis cost --budged 5", "outage-analysis ingest none.csv", "make tea", "rm -r ."):
        with pytest.raises((AssertionError, KeyError)):
            run_lines(line)
    with pytest.raises(AssertionError):
        load('id = "a-page-of-no-kind"')


# --- commands -------------------------------------------------------------------------------------------


def run_lines(text: str) -> None:
    """Run the lines of a block as a shell would, comments and continuations included."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            VERBS[words[0]](words)


def run_command(words: list[str]) -> None:
    """Run one of our commands, its output into a file where the line says so."""
    if words[1] == "lab":
        assert parsed(words)["folder"].is_dir()
    elif words[1:3] == ["notebook", "run"]:
        options = parsed(words)
        given = dict(pair.split("=", 1) for pair in options["param"] or ())
        fill_parameters(read_notebook(find_notebook(options["name"])), given, options["lang"])
    else:
        into = words.index(">") if ">" in words else len(words)
        code, out, err = command(*words[1:into])
        assert code == 0, f"{shlex.join(words)}: {err}"
        assert out
        for path in words[into + 1 :]:
            Path(path).write_text(out, "utf-8")


def parsed(words: list[str]) -> dict[str, Any]:
    """What a command would be called with; it is not run."""
    wanted, rest = get_command(app), words[1:]
    while hasattr(wanted, "commands"):
        wanted, rest = wanted.commands[rest[0]], rest[1:]
    options: dict[str, Any] = wanted.make_context(words[0], rest).params
    return options


def look_up(words: list[str]) -> None:
    """Whether the Makefile of this folder, else that of the checkout, has the target."""
    here = Path("Makefile")
    assert set(words[1:]) <= targets(here if here.is_file() else ROOT / "Makefile"), words


def activate(words: list[str]) -> None:
    assert words == [".", ".venv/bin/activate"]
    assert re.search(r"^VENV +:= \.venv$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def print_to(words: list[str]) -> None:
    """`printf ... > file`, by the shell itself."""
    *said, _, path = words
    done = subprocess.run(said, capture_output=True, check=True)
    Path(path).write_bytes(done.stdout)


def look_for_tests(words: list[str]) -> None:
    assert words[1:3] == ["-m", "pytest"]
    assert (ROOT / words[3]).is_file()


VERBS: dict[str, Callable[[list[str]], object]] = {
    "outage-analysis": run_command,
    "make": look_up,
    "cd": lambda words: os.chdir(words[1]),
    ".": activate,
    "printf": print_to,
    "python": look_for_tests,
}


def load(text: str) -> None:
    """Load a page as the one kind of page that it is."""
    path = Path("page.toml")
    path.write_text(text, "utf-8")
    kinds = []
    for loader in LOADERS:
        try:
            kinds.append(loader(path))
        except UsageError:
            continue
    assert len(kinds) == 1, text


# --- the recipes of CONTRIBUTING --------------------------------------------------------------------------


def recipe(title: str) -> dict[str, str]:
    """The blocks of a recipe by the file that each belongs to, as the line above it says."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", CONTRIBUTING.read_text("utf-8"), RECIPE)
    told = [(re.match(r"`([^`]+)`, .*:$", block.above), block.text) for block in blocks_of(section)]
    return {found[1]: text for found, text in told if found}


def room(path: str) -> dict[str, Any]:
    """The names of a module, to run a block in as if it stood at the module's end."""
    return dict(vars(import_module(path.removeprefix("src/").removesuffix(".py").replace("/", "."))))


def test_a_service_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    ((path, text),) = recipe("Add a service").items()
    page = tmp_path / "incident.toml"
    page.write_text(f"{(ROOT / path).read_text('utf-8')}\n{text}", "utf-8")
    added = {service.id for service in load_incident(page).services}
    assert len(added - {service.id for service in load_incident(ROOT / path).services}) == 1


def test_a_policy_is_added_as_the_recipe_says(tmp_path: Path) -> None:
    ((path, text),) = recipe("Add a policy").items()
    page = tmp_path / Path(path).name
    page.write_text(text, "utf-8")
    policy = load_policy(page)
    assert f"{policy.id}.toml" == page.name
    assert findings(policy).is_empty()


def test_a_query_is_added_as_the_recipe_says(
    incident: Incident, claims_csv: ClaimsCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path, text), (module, function) = recipe("Add a query").items()
    assert text.startswith("-- One row per ")
    stored = queries.query_text
    monkeypatch.setattr(queries, "query_text", lambda name: text if name == Path(path).stem else stored(name))
    names = room(module)
    exec(function, names)  # noqa: S102 - the block is ours
    read = read_claims(claims_csv([{"filed_on": day} for day in ("2022-10-19", "2022-10-26")]), incident)
    assert names["weekdays_table"](read).rows() == [(3, 2)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_chart_is_added_as_the_recipe_says(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    (module, function), *pages = recipe("Add a chart").items()
    said = {Path(path).stem: tomllib.loads(text) for path, text in pages}
    assert said.keys() == set(LANGUAGES)

    words = labels._label_texts(lang)  # noqa: SLF001 - a page that has been read stays as it was read
    for key, text in said[lang].items():
        monkeypatch.setitem(words, f"chart.{key}", text)
    names = room(module)
    exec(function, names)  # noqa: S102 - the block is ours
    chart = names["daily"](
        analysis.tables["claims_intake"], ChartContext(labels.Locale(lang), {}, analysis.as_of)
    ).to_dict()
    assert chart["title"]["text"] == [said[lang]["daily_measure"]]
    assert len(next(iter(chart["datasets"].values()))) == len(analysis.tables["claims_intake"])


def test_a_format_is_added_as_the_recipe_says(analysis: Analysis, tmp_path: Path) -> None:
    ((module, function),) = recipe("Add a format").items()
    names = room(module)
    exec(function, names)  # noqa: S102 - the block is ours
    names["write_jsonl"](Report(analysis), tmp_path)
    written = {path.stem.removesuffix("-synthetic") for path in (tmp_path / "tables").glob("*.jsonl")}
    assert written == analysis.tables.keys()
