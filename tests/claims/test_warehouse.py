"""What the engine may take of the machine, and what it says when that is not enough."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from outage_analysis.claims import Limits, Warehouse, limits
from outage_analysis.errors import EnvironmentFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY = "select i, hash(i) as h, repeat('x', 40) || i as text from range(1_000_000) as rows(i)"


@pytest.fixture
def allowed(tmp_path: Path) -> Iterator[Path]:
    """A warehouse may take 30 MB, and spills into this folder."""
    folder = tmp_path / "spill"
    folder.mkdir()
    token = limits.set(Limits(memory="30MB", threads=1, folder=folder))
    yield folder
    limits.reset(token)


def test_what_does_not_fit_into_memory_goes_to_the_folder_and_is_gone_in_the_end(allowed: Path) -> None:
    umask = os.umask(0)
    try:
        warehouse = Warehouse()
        warehouse.create("many", MANY)
    finally:
        os.umask(umask)
    assert warehouse.frame("select count(*) as n from many")["n"].item() == 1_000_000
    (folder,) = allowed.iterdir()
    assert [p.name for p in folder.iterdir()] == ["spill"]
    assert any((folder / "spill").iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700  # nobody else reaches what is in it
    del warehouse
    assert list(allowed.iterdir()) == []


def test_too_little_memory_is_reported_with_what_to_do(allowed: Path) -> None:
    assert allowed.is_dir()
    with pytest.raises(EnvironmentFailed, match="the allowed memory is not enough") as refusal:
        Warehouse().frame("select string_agg(text, '' order by h) as s from (" + MANY + ")")  # noqa: S608
    assert refusal.value.remedy == "Close other programs."


def test_a_folder_that_is_full_is_reported_with_what_to_do(allowed: Path) -> None:
    assert allowed.is_dir()
    warehouse = Warehouse()
    warehouse.frame("select 1")
    warehouse.run("set max_temp_directory_size = '1MB'")
    with pytest.raises(EnvironmentFailed, match="no disk space is left") as refusal:
        warehouse.create("many", MANY)
    assert refusal.value.remedy == "Free disk space, or set TMPDIR to a larger folder."


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"memory": "much"}, "memory is no amount"),
        ({"memory": "0GB"}, "memory is no amount"),
        ({"memory": "1GB'; drop"}, "memory is no amount"),
        ({"threads": 0}, "threads is not between 1 and 1024"),
        ({"folder": Path("nowhere")}, "folder is not an existing folder"),
    ],
)
def test_limits_that_are_none_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Limits(**wrong)  # type: ignore[arg-type]
