"""Where a bundle is written: whole or not at all, never over what is somebody else's."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from outage_analysis.analysis import Analysis, run
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import atomic_write as placing
from outage_analysis.policies import load_policy
from outage_analysis.reports import FORMATS, Report, write_report
from tests.shared_folders import file_contents
from tests.tram_case import tram_plan, write_documents


def written(analysis: Analysis, out: Path, lang: str = "en", *, force: bool = False) -> Path:
    return write_report(analysis, out, lang=lang, formats=("csv",), force=force).parent


# --- what is there already ---------------------------------------------------------------------------------


def test_a_file_or_a_folder_that_is_no_report_is_never_replaced(tmp_path: Path, made: Analysis) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("photos/cat.jpg", "thesis"):
        (tmp_path / name).write_bytes(b"meow")
        for force in (False, True):
            with pytest.raises(UsageError, match="exists and is not a report"):
                written(made, tmp_path / name.split("/", maxsplit=1)[0], force=force)
    assert file_contents(tmp_path) == {"photos/cat.jpg": b"meow", "thesis": b"meow"}


def test_the_old_report_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, made: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = written(made, tmp_path / "out")
    before, move = file_contents(out), Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if target == out and self.name != placing.OLD:
            raise OSError(5, "the disk is tired")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(EnvironmentFailed, match="the disk is tired"):
        written(made, out, force=True)
    assert file_contents(out) == before
    assert list(tmp_path.iterdir()) == [out]


# --- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "raised"),
    [
        (OSError(28, "No space left on device"), EnvironmentFailed),
        (KeyError("x"), KeyError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=["disk", "mistake", "interruption"],
)
def test_nothing_is_left_behind_when_a_writer_fails(
    tmp_path: Path,
    made: Analysis,
    monkeypatch: pytest.MonkeyPatch,
    broken: BaseException,
    raised: type[BaseException],
) -> None:
    out = written(made, tmp_path / "out")
    before = file_contents(out)

    def fail(_: Report, folder: Path) -> None:
        (folder / "half").write_text("written")
        raise broken

    monkeypatch.setitem(FORMATS, "csv", fail)
    for name in ("out", "new"):
        with pytest.raises(raised):
            written(made, tmp_path / name, force=True)
    assert list(tmp_path.iterdir()) == [out]
    assert file_contents(out) == before


def test_a_report_has_the_documents_that_were_analysed_even_if_a_file_changed_since(tmp_path: Path) -> None:
    write_documents(tmp_path)
    analysis = run(tram_plan(tmp_path))
    page = tmp_path / "counted.toml"
    page.write_text(page.read_text("utf-8").replace("1_250", "1_300"), "utf-8")
    assert load_policy(written(analysis, tmp_path / "out") / "documents" / "policy.toml") == analysis.policy


# --- a run that is killed -----------------------------------------------------------------------------------


WRITE_A_FILE = 'with placing.atomic_file(place) as part:\n    part.write_text("new")'
WRITE_A_FOLDER = """
with placing.atomic_folder(place, lambda _: None) as folder:
    (folder / "one").write_text("new")
    (folder / "two").write_text("new")
"""
TAKE_A_FOLDER = """
with placing.temporary_folder(place) as folder:
    (folder / "one").write_text("private")
"""


@pytest.mark.slow
def test_a_file_of_a_run_that_is_killed_at_any_step_is_the_old_one_or_the_new_one_alone(
    tmp_path: Path,
) -> None:
    page, number, seen = tmp_path / "page.html", 0, set()
    page.write_text("old")
    while step := killed_before(number, WRITE_A_FILE, page):
        names = sorted(p.name for p in tmp_path.iterdir())
        assert page.read_text() in ("old", "new")
        if page.read_text() == "new":
            assert names == ["page.html"], step
        seen.add((step, page.read_text()))
        page.write_text("old")
        with placing.atomic_file(page) as part:
            part.write_text("next")
        assert [p.name for p in tmp_path.iterdir()] == ["page.html"], step
        page.write_text("old")
        number += 1
    assert number > 8
    assert {("tempfile.mkdtemp", "old"), ("os.rename", "old")} <= seen
    assert page.read_text() == "new"


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_a_folder_of_a_run_that_is_killed_at_any_step_is_the_old_one_or_the_new_one(
    tmp_path: Path, *, old: bool
) -> None:
    out, before, number = tmp_path / "out", {"one": b"old"} if old else {}, 0
    new = {"one": b"new", "two": b"new"}
    while True:
        shutil.rmtree(out, ignore_errors=True)
        if old:
            out.mkdir()
            (out / "one").write_text("old")
        step = killed_before(number, WRITE_A_FOLDER, out)
        if step is None:
            break
        placing.recover_interrupted(out, lambda _: None)
        assert file_contents(tmp_path) in (
            {f"out/{name}": text for name, text in c.items()} for c in (before, new)
        )
        assert [p.name for p in tmp_path.iterdir()] == ["out"] * out.exists(), step
        number += 1
    assert number > 8
    assert file_contents(out) == new


@pytest.mark.slow
def test_a_temporary_folder_of_a_run_that_is_killed_at_any_step_goes_with_the_next_one(
    tmp_path: Path,
) -> None:
    number, left = 0, 0
    while killed_before(number, TAKE_A_FOLDER, tmp_path):
        left += any(tmp_path.iterdir())
        with placing.temporary_folder(tmp_path) as folder:
            assert list(tmp_path.iterdir()) == [folder]
        assert not any(tmp_path.iterdir())
        number += 1
    assert left > 3


@pytest.mark.slow
def test_a_temporary_folder_in_use_is_left_alone_and_so_is_what_only_looks_like_one(tmp_path: Path) -> None:
    mine = (
        "outage-analysis-mine",
        "outage-analysis-abcdefgh.part.d",
        "outage-analysis-abcdefgh",
        "abcdefgh.part",
    )
    for name in mine:
        (tmp_path / name).mkdir()
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").touch()
    (tmp_path / "outage-analysis-linkaged.part").symlink_to(target)
    code = AT_A_STEP + TAKE_A_FOLDER + '    print("waiting", flush=True)\n    sys.stdin.read()'
    words = [sys.executable, "-c", code, str(tmp_path), "-1"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        before = sorted(tmp_path.rglob("*"))
        with placing.temporary_folder(tmp_path), placing.temporary_folder(tmp_path):
            assert (
                len(list(tmp_path.iterdir())) == len(mine) + 5
            )  # one of them is in use by the other process
        assert sorted(tmp_path.rglob("*")) == before
        process.kill()
    with placing.temporary_folder(tmp_path):
        assert len(list(tmp_path.iterdir())) == len(mine) + 3
    assert (target / "file").is_file()


# --- somebody else, at the same time ------------------------------------------------------------------------


def test_what_takes_the_place_meanwhile_stays_and_so_does_what_was_there_before(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "first").touch()

    def check(folder: Path) -> None:
        if folder != out:
            out.mkdir()
            (out / "second").touch()

    def put() -> None:
        with placing.atomic_folder(out, check) as folder:
            (folder / "third").touch()

    with pytest.raises(UsageError, match=r"out: somebody wrote there meanwhile\..*before is .*/old\.$"):
        put()
    (room,) = (p for p in tmp_path.iterdir() if p != out)
    assert (sorted(file_contents(out)), sorted(file_contents(room / "old"))) == (["second"], ["first"])
    placing.recover_interrupted(out)  # another command's
    assert room.is_dir()
    placing.recover_interrupted(out, lambda _: None)
    assert list(tmp_path.iterdir()) == [out]


def test_files_and_folders_follow_the_umask_and_temporary_ones_are_private(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    before = os.umask(0)
    try:
        with placing.temporary_folder(tmp_path / "x") as private:
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        os.umask(0o077)
        with placing.atomic_folder(tmp_path / "out") as folder, placing.atomic_file(tmp_path / "f") as part:
            (folder / "in").touch()
            part.touch()
    finally:
        os.umask(before)
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.name != "x"}
    assert modes == {"out": 0o700, "in": 0o600, "f": 0o600}


AT_A_STEP = """
import os, signal, sys
from pathlib import Path
from outage_analysis.files import atomic_write as placing

place, last = Path(sys.argv[1]), int(sys.argv[2])
steps = 0

def count(event, arguments):
    global steps
    if event.startswith(("os.", "shutil.", "tempfile.", "fcntl.", "open")):
        steps += 1  # at once, because the two calls below are events too
        if steps == last + 1:
            os.write(1, event.encode())
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
"""
"""Kills the code that follows before its step of that number: each call that asks the system for a file."""


def killed_before(number: int, code: str, place: Path) -> str | None:
    """Run code that is killed before its step of a number; the step, or None if the code has fewer steps."""
    words = [sys.executable, "-c", AT_A_STEP + code, str(place), str(number)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.stdout if done.returncode else None
