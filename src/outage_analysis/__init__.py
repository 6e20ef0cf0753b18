"""Estimate the cost of compensation after an outage, with its uncertainty, from customer complaints.

Three lines give a result:

    import outage_analysis as oa
    claims = oa.read_claims("complaints.csv")
    oa.run(claims, tiers={300_000: 30_000, 500_000: 50_000}, budget=300_000_000)

Each public name is imported when it is first used, so that `import outage_analysis` is fast. In a notebook,
`%load_ext outage_analysis` makes charts work offline and shortens error messages.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import exported_names, lazy_exports

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from outage_analysis.analysis import Analysis as Analysis
    from outage_analysis.analysis import Plan as Plan
    from outage_analysis.analysis import compare as compare
    from outage_analysis.analysis import forecast_by_day as forecast_by_day
    from outage_analysis.analysis import run as run
    from outage_analysis.analysis import scaffold as scaffold
    from outage_analysis.analysis import solve as solve
    from outage_analysis.assumptions import Ledger as Ledger
    from outage_analysis.assumptions import load_ledger as load_ledger
    from outage_analysis.assumptions import reference_ledger as reference_ledger
    from outage_analysis.claims import Claims as Claims
    from outage_analysis.claims import incident_from_files as incident_from_files
    from outage_analysis.claims import inspect_file as inspect_file
    from outage_analysis.claims import load_sample as load_sample
    from outage_analysis.claims import read_claims as read_claims
    from outage_analysis.claims import save_claims as save_claims
    from outage_analysis.costs import cost_table as cost_table
    from outage_analysis.costs import payments as payments
    from outage_analysis.incidents import Incident as Incident
    from outage_analysis.incidents import facts as facts
    from outage_analysis.incidents import forecasts_and_payments as forecasts_and_payments
    from outage_analysis.incidents import load_incident as load_incident
    from outage_analysis.incidents import load_layout as load_layout
    from outage_analysis.jupyter import refusals_as_notes as refusals_as_notes
    from outage_analysis.jupyter import show as show
    from outage_analysis.jupyter import show_part as show_part
    from outage_analysis.jupyter import show_table as show_table
    from outage_analysis.jupyter import show_what_if as show_what_if
    from outage_analysis.losses import Branch as Branch
    from outage_analysis.losses import Cube as Cube
    from outage_analysis.losses import build_cube as build_cube
    from outage_analysis.losses import fit_severity as fit_severity
    from outage_analysis.losses import forecast_late_claims as forecast_late_claims
    from outage_analysis.losses import load_grouped as load_grouped
    from outage_analysis.losses import read_cube as read_cube
    from outage_analysis.losses import save_cube as save_cube
    from outage_analysis.policies import Policy as Policy
    from outage_analysis.policies import load_policy as load_policy
    from outage_analysis.policies import policy_from_tiers as policy_from_tiers
    from outage_analysis.reports import verify as verify
    from outage_analysis.reports import write_report as write_report

_import_export, _ = lazy_exports(__name__, __file__)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name != "__version__":
        return _import_export(name)
    from importlib.metadata import version

    return version("outage-analysis")


def __dir__() -> list[str]:
    """Return the public names, so that completion shows nothing internal."""
    return [*exported_names(Path(__file__)), "__version__"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Implement `%load_ext outage_analysis`: charts work offline, errors of the package take one line."""
    import_module("outage_analysis.jupyter.display").enable_offline_charts(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:  # noqa: ARG001 - IPython passes it by name
    """Implement `%unload_ext outage_analysis`: restore the usual rendering of charts and errors."""
    import_module("outage_analysis.jupyter.display").disable_offline_charts()
