"""What the first cell of a notebook sets: charts that draw offline, and our errors on one line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from outage_analysis.charts import RENDERER, STYLE, render_offline, script_bundle
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError
from outage_analysis.files import bundled_claims
from outage_analysis.jupyter.markup import Html

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


_IN_USE = ExitStack()
"""What gives a session back as it was."""


def use_offline_charts() -> None:
    """Make every Altair chart of this session draw without a network: what `%load_ext outage_analysis` does.

    An error of this package then shows as one line in place of a traceback.

    Raises:
        EnvironmentFailed: IPython is not installed.
    """
    try:
        from IPython.core.getipython import get_ipython
    except ImportError as error:
        remedy = 'Run: pip install "outage-analysis[notebooks]"'
        raise EnvironmentFailed("notebooks need IPython", remedy=remedy) from error
    enable_offline_charts(get_ipython())


def enable_offline_charts(shell: InteractiveShell | None) -> None:
    """Draw charts offline and tell our errors on one line, from now on; a second time changes nothing."""
    import altair as alt  # by now it is loaded, see charts.sooner
    from IPython.display import display

    disable_offline_charts()
    alt.renderers.register(RENDERER, render_offline)
    _IN_USE.enter_context(alt.renderers.enable(RENDERER))  # type: ignore[arg-type] # its types are narrower
    if shell is not None:
        _IN_USE.callback(
            vars(shell).update, custom_exceptions=shell.custom_exceptions, CustomTB=shell.CustomTB
        )
        shell.set_custom_exc((OutageAnalysisError,), _on_one_line)  # type: ignore[no-untyped-call]
    display(Html(f"<style>{STYLE}</style>{script_bundle()}", ""))  # type: ignore[no-untyped-call]


def disable_offline_charts() -> None:
    """Give back the renderer of charts and the tracebacks that there were before."""
    _IN_USE.close()


def claim_files(given: str | Path | Sequence[str | Path] | None, incident: str) -> list[str | Path]:
    """The complaint files of a notebook: those given, else the bundled synthetic file of the incident.

    Raises:
        UsageError: none was given and none is bundled.
    """
    if given:
        return [given] if isinstance(given, str | Path) else list(given)
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
    """An error of ours as the command line would print it; the cell still counts as failed."""
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - no public way to send lines of one's own
    return lines
