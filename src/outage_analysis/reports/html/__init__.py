"""The page: one offline file under a strict Content-Security-Policy, Vega inside, no request at all."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis import fonts
from outage_analysis.charts.specs import script_json, vega_bundle
from outage_analysis.reports.grids import Grid
from outage_analysis.reports.html.inlining import allowed, asset, faces
from outage_analysis.reports.html.selecting import selection
from outage_analysis.reports.html.what_if import sliders
from outage_analysis.reports.report import Report
from outage_analysis.sliders import asset as slider_asset

SENTENCE = 44
"""Letters of a cell, on average, from which a column holds sentences."""


def write_html(report: Report, folder: Path) -> None:
    """Write report.html."""
    (folder / "report.html").write_text(page(report), "utf-8")


def page(report: Report) -> str:
    """The whole page as text."""
    shown = selection(report)
    what_if = sliders(report)
    script = vega_bundle() + slider_asset("what_if.js") + asset("page.js")
    context = {
        "report": report,
        "w": report.words,
        "specs": {later: _specs(report, hindsight=later) for later in (False, True)},
        "what_if": what_if,
        "what_if_data": Markup(script_json(what_if.moved.data)) if what_if.moved else "",
        "linked": shown,
        "linked_data": Markup(script_json(shown.spec)) if shown else "",
        "wordy": wordy,
        "script": Markup(script),
    }
    template = _environment().get_template("report.html.j2")
    # Set once without the fonts, to learn which letters the page has.
    text = template.render(**context, style="", csp="")
    style = faces(text) + asset("report.css") + slider_asset("what_if.css")
    csp = (
        f"default-src 'none'; style-src {allowed(style)}; script-src {allowed(script)}; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    text = template.render(**context, style=Markup(style), csp=csp)
    return text if text.endswith("\n") else text + "\n"


def wordy(grid: Grid) -> list[bool]:
    """Which columns hold sentences and need the room for them."""
    columns = ([len(str(row[n])) for row in grid.rows] for n, c in enumerate(grid.columns) if not c.style)
    plain = iter([sum(lengths) > SENTENCE * len(lengths) for lengths in columns])
    return [False if c.style else next(plain) for c in grid.columns]


def _specs(report: Report, *, hindsight: bool) -> Markup:
    """The charts of the page, or those that show what came out later."""
    return Markup(script_json({n: c.spec for n, c in report.charts.items() if c.hindsight == hindsight}))


def _told(value: object) -> object:
    """Text as the page can show it: control characters and marks of direction are written out."""
    return fonts.shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        finalize=_told,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
