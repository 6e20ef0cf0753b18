"""The command line, run in this process, and the reports that several tests read, each written once."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from tests.shared_folders import filled_once

OWN_FILE = """\
claim_id,claimant_id,service,filed_on,loss (KRW),region
1,c01,Messenger,2026-03-02,120000,north
2,c02,Messenger,2026-03-02,300000,south
3,c03,Messenger,2026-03-03,80000,north
4,c04,Messenger,2026-03-03,0,south
5,c05,Bank,2026-03-03,300001,north
6,c06,Bank,2026-03-04,450000,south
7,c02,Bank,2026-03-04,90000,south
8,c07,Taxi,2026-03-04,500000,north
9,c08,Taxi,2026-03-05,500001,south
10,c09,Taxi,2026-03-05,60000,north
11,c10,Taxi,2026-03-05,210000,south
12,c11,Taxi,2026-03-05,,north
"""
"""Twelve complaints that nobody synthesised: each figure can be computed by hand."""
REPORTS: dict[str, tuple[str, ...]] = {
    "kakao-en": (),
    "kakao-ko": ("--lang", "ko"),
    "trams-en": ("--incident", "trams"),
    "trams-ko": ("--incident", "trams", "--lang", "ko"),
    "own-en": ("complaints.csv", "--tiers", "300000:30000,500000:50000", "--budget", "300000"),
}
"""The options of each report that several tests read."""


class Printed(NamedTuple):
    """What a command printed."""

    code: int
    out: str
    err: str


class Terminal(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def outage_analysis(*arguments: object, columns: int | None = None) -> Printed:
    """Run `outage-analysis` with these arguments in this process, into pipes or on a terminal so wide."""
    out, err = (Terminal(), Terminal()) if columns else (StringIO(), StringIO())
    width = patch.dict(os.environ, {"COLUMNS": str(columns)}) if columns else nullcontext()
    before = signal.getsignal(signal.SIGPIPE)  # the command ends by it; the tests must not
    words = ["outage-analysis", *map(str, arguments)]
    streams = redirect_stdout(out), redirect_stderr(err)
    with patch.object(sys, "argv", words), width, streams[0], streams[1]:
        try:
            with pytest.raises(SystemExit) as stop:
                runpy.run_module("outage_analysis", run_name="__main__")
        finally:
            signal.signal(signal.SIGPIPE, before)
    return Printed(int(stop.value.code or 0), out.getvalue(), err.getvalue())


def answered(*arguments: object) -> Printed:
    """What a command prints that has an answer."""
    done = outage_analysis(*arguments)
    assert done.code == 0, done.err
    return done


def json_of(*arguments: object) -> Any:  # noqa: ANN401 - JSON of any shape
    """What a command states as JSON."""
    return json.loads(answered(*arguments, "--json").out)


def refused(code: int, places: Iterable[str], *arguments: object) -> str:
    """The one line of a command that ends with this code, names all places and prints nothing else."""
    done = outage_analysis(*arguments)
    assert (done.code, done.out) == (code, ""), done.err
    assert re.fullmatch(r"error: [^\n]+\n", done.err), done.err
    assert [place for place in places if place not in done.err] == [], done.err
    return done.err


@contextmanager
def refuses(code: int, match: str | None = None) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """What is done here is refused with this exit code."""
    with pytest.raises(Exception, match=match) as refusal:
        yield refusal
    assert getattr(refusal.value, "exit_code", None) == code, repr(refusal.value)


def written_report(name: str, base: Path) -> Path:
    """The folder of a report of `REPORTS`, below a folder that the workers of a test session share."""
    return filled_once(base / name, partial(_write, name)) / "report"


def _write(name: str, folder: Path) -> None:
    (folder / "complaints.csv").write_text(OWN_FILE, "utf-8")
    arguments = [folder / word if (folder / word).is_file() else word for word in REPORTS[name]]
    done = answered("report", *arguments, "--out", folder / "report", "--force")
    (folder / "printed.txt").write_text(done.out, "utf-8")
