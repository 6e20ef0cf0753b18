"""Outage complaints in, a compensation cost that can be defended out.

The public names are resolved when first used (PEP 562), so that `import outage_analysis` stays
quick. `%load_ext outage_analysis` starts a notebook.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from outage_analysis.lazily import lazily

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from outage_analysis.aggregation import build_cube as build_cube
    from outage_analysis.assumptions import load_ledger as load_ledger
    from outage_analysis.costs import cost_table as cost_table
    from outage_analysis.incidents import load_incident as load_incident
    from outage_analysis.layouts import load_layout as load_layout
    from outage_analysis.payouts import payments as payments
    from outage_analysis.pipeline import run as run
    from outage_analysis.plans import Plan as Plan
    from outage_analysis.policies import load_policy as load_policy
    from outage_analysis.published import facts as facts
    from outage_analysis.reading import read_claims as read_claims
    from outage_analysis.reports import write_report as write_report
    from outage_analysis.stores import save_claims as save_claims

_HOMES = {
    "Plan": "plans",
    "build_cube": "aggregation",
    "cost_table": "costs",
    "facts": "published",
    "load_incident": "incidents",
    "load_layout": "layouts",
    "load_ledger": "assumptions",
    "load_policy": "policies",
    "payments": "payouts",
    "read_claims": "reading",
    "run": "pipeline",
    "save_claims": "stores",
    "write_report": "reports",
}

__all__ = [  # noqa: PLE0604 - the names are the keys of the map
    *_HOMES
]

__getattr__, __dir__ = lazily(__name__, _HOMES)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext outage_analysis`: charts draw offline, and an error of ours is one line."""
    import_module("outage_analysis.notebook.session").begin(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:  # noqa: ARG001 - the name is IPython's
    """`%unload_ext outage_analysis`: charts and tracebacks as they were before."""
    import_module("outage_analysis.notebook.session").end()
