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

    from outage_analysis.analysis import (
        Analysis as Analysis,
        Plan as Plan,
        compare as compare,
        forecast_by_day as forecast_by_day,
        run as run,
        scaffold as scaffold,
        solve as solve,
    )
    from outage_analysis.assumptions import (
        Ledger as Ledger,
        load_ledger as load_ledger,
        reference_ledger as reference_ledger,
    )
    from outage_analysis.claims import (
        Claims as Claims,
        incident_from_files as incident_from_files,
        inspect_file as inspect_file,
        load_sample as load_sample,
        read_claims as read_claims,
        save_claims as save_claims,
    )
    from outage_analysis.costs import cost_table as cost_table, payments as payments
    from outage_analysis.incidents import (
        Incident as Incident,
        facts as facts,
        forecasts_and_payments as forecasts_and_payments,
        load_incident as load_incident,
        load_layout as load_layout,
    )
    from outage_analysis.jupyter import (
        refusals_as_notes as refusals_as_notes,
        show as show,
        show_part as show_part,
        show_table as show_table,
        show_what_if as show_what_if,
    )
    from outage_analysis.losses import (
        Branch as Branch,
        Cube as Cube,
        build_cube as build_cube,
        fit_severity as fit_severity,
        forecast_late_claims as forecast_late_claims,
        load_grouped as load_grouped,
        read_cube as read_cube,
        save_cube as save_cube,
    )
    from outage_analysis.policies import (
        Policy as Policy,
        load_policy as load_policy,
        policy_from_tiers as policy_from_tiers,
    )
    from outage_analysis.reports import verify as verify, write_report as write_report

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
