"""Set up a notebook session: charts that work offline, and one-line error messages of this package."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from outage_analysis.charts import RENDERER, STYLE, render_offline, script_bundle
from outage_analysis.errors import OutageAnalysisError, UsageError
from outage_analysis.files import bundled_claims
from outage_analysis.jupyter.display import Html

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell


_EXTENSION = "outage_analysis"
_LOAD = re.compile(rf"^\s*%load_ext\s+{_EXTENSION}\s*$", re.MULTILINE)
_CHANGES = ExitStack()
"""Undoes this module's changes to the session when closed."""


def enable_offline_charts(shell: InteractiveShell | None) -> None:
    """Register the offline chart renderer and one-line error messages, and output Vega.

    A second call changes nothing more, but outputs Vega again.
    """
    import altair as alt  # charts.altair_import has loaded it already, so this is fast.
    from IPython.display import display

    disable_offline_charts()
    alt.renderers.register(RENDERER, render_offline)
    _CHANGES.enter_context(alt.renderers.enable(RENDERER))  # type: ignore[arg-type] # its types are narrower
    if shell is not None:
        _CHANGES.callback(
            vars(shell).update, custom_exceptions=shell.custom_exceptions, CustomTB=shell.CustomTB
        )
        shell.set_custom_exc((OutageAnalysisError,), _on_one_line)  # type: ignore[no-untyped-call]
        _load_on_every_run(shell)
    display(Html(f"<style>{STYLE}</style>{script_bundle()}", ""))  # type: ignore[no-untyped-call]


def disable_offline_charts() -> None:
    """Restore the chart renderer and the tracebacks that were active before."""
    _CHANGES.close()


def _load_on_every_run(shell: InteractiveShell) -> None:
    def forget(info: ExecutionInfo) -> None:
        manager = shell.extension_manager
        if manager is not None and _LOAD.search(info.raw_cell or ""):
            manager.loaded.discard(_EXTENSION)

    shell.events.register("pre_run_cell", forget)
    _CHANGES.callback(shell.events.unregister, "pre_run_cell", forget)


def claim_files(claims: str | Path | Sequence[str | Path] | None, incident: str) -> list[str | Path]:
    """Return the complaint files to read: `claims`, or the bundled synthetic file of the incident.

    Raises:
        UsageError: `claims` is empty and no file is bundled for the incident.
    """
    if claims:
        return [claims] if isinstance(claims, str | Path) else list(claims)
    bundled = bundled_claims(incident)
    if bundled is None:
        raise UsageError(f"no claims are bundled for {incident}", remedy="Name your files in `claims`.")
    return [bundled]


def _on_one_line(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    _traceback: object,
    tb_offset: int | None = None,  # noqa: ARG001 - the name is IPython's
) -> list[str]:
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - IPython has no public way to print custom lines
    return lines
