"""Fixtures of the contract: reports that the command line wrote, and what it prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.command_line import written_report
from tests.shared_folders import shared_base


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a report by its name in `REPORTS`; the workers share one of each."""
    base = shared_base(tmp_path_factory) / "contract"
    return lambda name: written_report(name, base)
