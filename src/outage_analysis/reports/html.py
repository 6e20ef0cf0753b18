"""The page: one offline file under a strict Content-Security-Policy, Vega inside, no request at all."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts import (
    NothingToDraw,
    WhatIf,
    frame_of,
    linked,
    markup,
    script_json,
    stable,
    unchecked,
    vega_bundle,
    what_if,
)
from outage_analysis.charts import asset as slider_asset
from outage_analysis.reports.blocks import PageChart
from outage_analysis.reports.grids import Grid
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

if TYPE_CHECKING:
    from outage_analysis.reports.report import Report


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


def asset(name: str) -> str:
    """A template, a style sheet or a script of the report by its file name."""
    return (files("outage_analysis.reports") / "templates" / name).read_text("utf-8")


def faces(text: str) -> str:
    """The fonts as rules of a style sheet, with no more than the letters of a text."""
    letters = "".join(c for c in sorted(set(text)) if ord(c) in fonts.covered())
    rules = []
    for weight, number in zip(fonts.WEIGHTS, (400, 700), strict=True):
        data = base64.b64encode(fonts.cut(letters, weight)).decode()
        source = f"url(data:font/otf;base64,{data}) format('opentype')"
        rules.append(
            f"@font-face {{ font-family: '{fonts.FAMILY}'; font-weight: {number}; src: {source}; }}\n"
        )
    return "".join(rules)


def allowed(text: str) -> str:
    """A script or a style as the source list of a Content-Security-Policy names it."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def selection(report: Report) -> PageChart | None:
    """The linked views of a report's claims; None where there are no claims, as with totals."""
    a = report.analysis
    if "claims_pairs" not in a.tables:
        return None
    table = fonts.shown_in(a.tables["claims_pairs"])
    frame = frame_of(a.incident, report.words, report.names, a.as_of, synthetic=a.synthetic)
    try:
        with unchecked():
            spec = stable(linked(table, frame).to_dict(validate=False))
    except NothingToDraw:
        return None
    title = spec.pop("title")
    *subtitle, footer = title["subtitle"]
    return PageChart(spec, " ".join(title["text"]), " ".join(subtitle), footer, hindsight=False)


class Sliders(NamedTuple):
    """Sliders, or why there are none."""

    moved: WhatIf | None
    markup: Markup
    refused: str


def sliders(report: Report, *, most: int | None = None, title: Literal["h3", "p"] = "h3") -> Sliders:
    """The sliders of a report's headline.

    Args:
        report: the report.
        most: at most so many, those of the inputs that move the cash most; by default all.
        title: the element of a total's title.
    """
    locale = report.words
    ranking = report.analysis.tables["tornado"]["assumption"].to_list() if report.products else []
    moved = what_if(report.products, locale, report.names, most=most, ranking=ranking)
    if moved is None:
        tied = report.analysis.runs and report.products is None
        return Sliders(None, Markup(), locale("report.what_if_tied" if tied else "report.what_if_none"))
    return Sliders(moved, markup(moved, locale, _likely(report), title=title), "")


def _likely(report: Report) -> str:
    """Whose range it is that the sliders leave alone."""
    table = report.analysis.uncertainty_table(report.analysis.headline_basis, "quantiles")
    told = (
        {} if table is None else dict(table.filter(valuation="cash").select("measure", "value").iter_rows())
    )
    if not {"p10", "p90"} <= set(told):
        return report.words("report.what_if_no_range")
    low, high = (report.words.money(told[end]) for end in ("p10", "p90"))
    return report.words("report.what_if_range", low=low, high=high)
