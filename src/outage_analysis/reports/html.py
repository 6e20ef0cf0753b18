"""Write the HTML report: one file that works offline and makes no network requests.

The file contains Vega and the fonts. The page's Content-Security-Policy allows only the scripts and styles in
the file.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts import (
    DARK,
    WhatIfSliders,
    markup,
    movable,
    script_json,
    slider_asset,
    vega_bundle,
    what_if_sliders,
    with_search_form,
    wrap_columns,
)
from outage_analysis.reports.blocks import PageChart
from outage_analysis.reports.grids import Grid
from outage_analysis.reports.report import Report
from outage_analysis.reports.slider_presets import repeat_command, slider_presets
from outage_analysis.text import Locale, fonts

if TYPE_CHECKING:
    from outage_analysis.reports.report import Report


SLIDER_SCRIPTS = ("drawing.js", "live.js", "live_search.js", "what_if.js")
"""The scripts of the charts and the sliders, in the order in which they need each other."""
STYLE_PLACE, CSP_PLACE = Markup("<style>"), Markup("<policy>")
"""What the style sheet and the Content-Security-Policy replace; other texts have no unescaped brackets."""
PROSE_LENGTH = 44
"""A text column whose cells have more characters than this on average contains sentences."""


def write_html(report: Report, folder: Path) -> None:
    """Write the report as report.html into the folder."""
    (folder / "report.html").write_text(html_page(report), "utf-8")


def html_page(report: Report) -> str:
    """Return the complete HTML page of a report."""
    linked = report.page_chart("linked")
    charts = report.charts | ({"linked": linked} if linked else {})
    specs = {name: page_spec(name, chart, report.locale) for name, chart in charts.items()}
    what_if = sliders(report, live=True)
    script = vega_bundle() + "".join(map(slider_asset, SLIDER_SCRIPTS)) + template_text("page.js")
    context = {
        "report": report,
        "locale": report.locale,
        "specs": {
            later: Markup(script_json({n: spec for n, spec in specs.items() if charts[n].hindsight == later}))
            for later in (False, True)
        },
        "what_if": what_if,
        "what_if_data": Markup(script_json(what_if.sliders.data)) if what_if.sliders else "",
        "linked": linked,
        "prose_columns": prose_columns,
        "dark_palette": Markup(script_json(dict(DARK))),
        "script": Markup(script),
    }
    template = _environment().get_template("report.html.j2")
    text = template.render(**context, style=STYLE_PLACE, csp=CSP_PLACE)
    # The embedded fonts contain the letters of the page, so the style comes last.
    style = fonts.font_face_rules(text) + template_text("report.css") + slider_asset("what_if.css")
    csp = (
        f"default-src 'none'; style-src {csp_hash(style)}; script-src {csp_hash(script)}; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    text = text.replace(CSP_PLACE, csp, 1).replace(f"<style>{STYLE_PLACE}", f"<style>{style}", 1)
    return text if text.endswith("\n") else text + "\n"


def page_spec(name: str, chart: PageChart, locale: Locale) -> dict[str, object]:
    """Return the specification of a chart for the page, with movable dots, and with its title for saving.

    A chart of hindsight also has the pattern of the sentence that says what happened.
    """
    below = (*wrap_columns(chart.subtitle, 100), *wrap_columns(chart.footer, 100))
    title = {"text": wrap_columns(chart.title, 75), "subtitle": below, "anchor": "start", "frame": "bounds"}
    spec = movable(chart.spec) if name in ("total_distribution", "total_hindsight") else chart.spec
    told = {**spec.get("usermeta", {}), "title": title}
    if chart.hindsight:
        told["happened"] = locale("chart.total_distribution_observed", amount="{amount}", share="{share}")
    return {**spec, "usermeta": told}


def prose_columns(grid: Grid) -> list[bool]:
    """Return, for each table column, whether it contains sentences and must therefore be wide."""
    columns = ([len(str(row[n])) for row in grid.rows] for n, c in enumerate(grid.columns) if not c.style)
    are_prose = iter([sum(lengths) > PROSE_LENGTH * len(lengths) for lengths in columns])
    return [False if c.style else next(are_prose) for c in grid.columns]


def _printable(value: object) -> object:
    return fonts.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(template_text),
        autoescape=True,
        finalize=_printable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template_text(name: str) -> str:
    """Return the text of a template, style sheet or script in the folder reports/templates."""
    return (files("outage_analysis.reports") / "templates" / name).read_text("utf-8")


def csp_hash(text: str) -> str:
    """Return the hash of a script or style for a Content-Security-Policy source list."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


class Sliders(NamedTuple):
    """The what-if sliders of a report with their HTML, or the reason why there are no sliders."""

    sliders: WhatIfSliders | None
    markup: Markup
    reason: str


def sliders(
    report: Report, *, most: int | None = None, title: Literal["h3", "p"] = "h3", live: bool = False
) -> Sliders:
    """Return the what-if sliders of a report's headline cost.

    Args:
        report: the report.
        most: the largest number of sliders. The inputs with the largest effect on the cash are kept. By
            default, all inputs have a slider.
        title: the HTML element for the title of each total.
        live: whether the range of the cash moves with the sliders, for which the page needs the draws.
    """
    locale, analysis = report.locale, report.analysis
    ranking = analysis.exact_tables["tornado"]["assumption"].to_list() if report.products else []
    budget = analysis.uncertainty_table(analysis.headline_basis, "budget")
    panel = what_if_sliders(
        report.products,
        locale,
        report.names,
        most=most,
        ranking=ranking,
        run=analysis.runs.get(analysis.headline_basis) if live else None,
        budget=None if budget is None else float(budget["budget"][0]),
        presets=slider_presets(analysis, locale) if live and analysis.headline_basis else (),
    )
    if panel is None:
        inputs_depend = analysis.runs and report.products is None
        key = "report.what_if_tied" if inputs_depend else "report.what_if_none"
        return Sliders(None, Markup(), locale(key))
    if report.products is not None:
        if live and panel.live is not None:
            panel.data["live"]["command"] = repeat_command(analysis, report.products.factors, locale.lang)
        cubes = list(analysis.cubes.values()) if analysis.headline_from_claims else []
        panel = with_search_form(panel, report.products, analysis.policy, cubes, locale)
    return Sliders(panel, markup(panel, locale, _range_note(report), title=title), "")


def _range_note(report: Report) -> str:
    table = report.analysis.uncertainty_table(report.analysis.headline_basis, "quantiles")
    points, likely = {}, report.analysis.likely_range
    if table is not None:
        points = dict(table.filter(valuation="cash").select("measure", "value").iter_rows())
    if not {likely.low, likely.high} <= set(points):
        return report.locale("report.what_if_no_range")
    low, high = (report.locale.money(points[end]) for end in (likely.low, likely.high))
    return report.locale("report.what_if_range", low=low, high=high)
