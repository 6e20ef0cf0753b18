"""Runs the blocks of code of a page from top to bottom and compares what they print with what the page shows.

Commands run in this process. Three kinds of line are read instead: `make`, whose targets are looked up;
`lab`, which would stay; and `notebook run` of a notebook that the package brings, which the tests of the
notebooks execute: its options and parameters are filled.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from doctest import ELLIPSIS, OutputChecker
from itertools import pairwise
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from typer.main import get_command

import outage_analysis as oa
from outage_analysis.assumptions import load_ledger
from outage_analysis.cli import app
from outage_analysis.costs.sensitivity import load_scenarios
from outage_analysis.errors import UsageError
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.jupyter.notebook import fill_parameters, find_notebook, read_notebook
from outage_analysis.policies import load_policy
from tests.commands import command
from tests.doc_pages import Block, blocks, targets
from tests.paths import ROOT


def runnable(page: Path) -> list[tuple[Block, str | None]]:
    """The blocks of a page that can run, each with the output that the page shows below it.

    A block of text below a block of Python is the value of its last line, below commands what they print.
    Another block of text is a drawing, or an example that a doctest runs.
    """
    pairs = pairwise([*blocks(page), Block("", "", "")])
    return [
        (block, below.text if (below.language, below.above) == ("text", "```") else None)
        for block, below in pairs
        if block.language != "text"
    ]


@contextmanager
def new_shell() -> Iterator[InteractiveShell]:
    """A session of IPython without a history."""
    without = Config()
    without.HistoryManager.enabled = False
    yield InteractiveShell(config=without)  # type: ignore[no-untyped-call]
    oa.unload_ipython_extension(None)  # type: ignore[arg-type] # it looks at none


def run_page(page: Path, shell: InteractiveShell) -> None:
    """Run a page in this folder; a line `...` of a shown output stands for lines that the page leaves out."""
    for block, shown in runnable(page):
        if block.language == "python":
            result = shell.run_cell(block.text)  # type: ignore[no-untyped-call]
            result.raise_error()
            out = repr(result.result)
        else:
            out = {"sh": run_lines, "toml": load}[block.language](block.text)
        if shown is not None:
            out = "".join(f"{line.rstrip()}\n" for line in out.splitlines())
            assert OutputChecker().check_output(shown, out, ELLIPSIS), f"{block.text}\n{out}"


def run_lines(text: str) -> str:
    """Run the lines of a block as a shell would; returns what they print."""
    lines = text.replace("\\\n", " ").splitlines()
    called = [words for line in lines if (words := shlex.split(line, comments=True))]
    return "".join(VERBS[words[0]](words) or "" for words in called)


def run_command(words: list[str]) -> str:
    """Run one of our commands, its output into a file where the line says so; returns what it prints."""
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
        if into == len(words):
            return out
    return ""


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


VERBS: dict[str, Callable[[list[str]], str | None]] = {
    "outage-analysis": run_command,
    "make": look_up,
    "cd": lambda words: os.chdir(words[1]),
    ".": activate,
    "printf": print_to,
    "python": look_for_tests,
}


def load(text: str) -> str:
    """Load a page as the one kind of page that it is."""
    path = Path("page.toml")
    path.write_text(text, "utf-8")
    kinds = []
    for loader in (load_incident, load_policy, load_ledger, load_layout, load_scenarios):
        try:
            kinds.append(loader(path))
        except UsageError:
            continue
    assert len(kinds) == 1, text
    return ""
