"""The public names: pinned, and resolved only when used."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import outage_analysis
from outage_analysis.lazy_exports import exported_names

PINNED = [
    "Analysis", "Branch", "Claims", "Cube", "Incident", "Ledger", "Plan", "Policy", "build_cube",
    "compare", "cost_table", "facts", "fit_severity", "forecast_by_day",
    "forecast_late_claims",
    "forecasts_and_payments", "incident_from_files", "inspect_file", "load_grouped", "load_incident",
    "load_layout", "load_ledger", "load_policy", "load_sample", "payments", "policy_from_tiers",
    "read_claims", "read_cube", "reference_ledger", "refusals_as_notes", "run", "save_claims", "save_cube",
    "scaffold", "show",
    "show_part", "show_table", "show_what_if", "solve", "verify", "write_report",
]  # fmt: skip


def test_the_public_names_are_pinned_resolve_and_are_all_that_completion_shows() -> None:
    assert sorted(exported_names(Path(outage_analysis.__file__))) == PINNED
    assert [name for name in PINNED if not callable(getattr(outage_analysis, name))] == []
    assert dir(outage_analysis) == sorted(["__version__", *PINNED])
    assert outage_analysis.__version__ == version("outage-analysis")
    with pytest.raises(AttributeError, match="has no attribute 'guess'"):
        _ = outage_analysis.guess


WRITERS = ("jinja2", "pptx", "xlsxwriter", "typst", "vl_convert", "rfc3987_syntax")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("outage_analysis", ("polars", "duckdb", "numpy", "scipy", "altair", "jinja2", "pydantic")),
        ("outage_analysis.cli", ("polars", "duckdb", "numpy", "scipy", "altair", "jinja2", "pydantic")),
        ("outage_analysis.analysis.analysis", ("altair", *WRITERS, "outage_analysis.losses.late_claims")),
        ("outage_analysis.reports", WRITERS[1:]),
    ],
)
def test_importing_loads_nothing_heavy(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_what_altair_is_loaded_without_can_be_loaded_after_it() -> None:
    code = (
        "import sys, outage_analysis.charts; print('rfc3987_syntax' in sys.modules)\n"
        "import rfc3987_syntax; print(rfc3987_syntax.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "rfc3987_syntax"]
