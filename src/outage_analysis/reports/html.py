"""Write the HTML report: one file that works offline and makes no network requests.

The file contains Vega and the fonts. The page's Content-Security-Policy allows only the scripts and styles in
the file.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.analysis import Analysis, Plan
from outage_analysis.assumptions import bundled_ledger, load_ledger
from outage_analysis.charts import (
    DARK,
    WhatIfSliders,
    chart_script,
    markup,
    movable,
    script_json,
    slider_asset,
    what_if_sliders,
    with_search_form,
)
from outage_analysis.costs import page_model
from outage_analysis.files import bundled_claims, bundled_ids
from outage_analysis.incidents import load_incident
from outage_analysis.policies import load_policy
from outage_analysis.reports.blocks import Grid, PageChart
from outage_analysis.reports.report import Report
from outage_analysis.text import Locale, fonts, wrap_text

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
    what_if, what_if_text = sliders(report, live=True)
    script = chart_script(template_text("page.js"))
    context = {
        "report": report,
        "locale": report.locale,
        "specs": {
            later: Markup(script_json({n: spec for n, spec in specs.items() if charts[n].hindsight == later}))
            for later in (False, True)
        },
        "what_if": what_if,
        "what_if_text": what_if_text,
        "what_if_data": Markup(script_json(what_if.data)) if what_if else "",
        "linked": linked,
        "prose_columns": prose_columns,
        "dark_palette": Markup(script_json(dict(DARK))),
        "script": Markup(script),
    }
    environment = Environment(
        loader=FunctionLoader(template_text),
        autoescape=True,
        finalize=lambda x: fonts.printable(x) if isinstance(x, str) and not isinstance(x, Markup) else x,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("report.html.j2").render(**context)
    return finished_page(text, template_text("report.css") + slider_asset("what_if.css"), [script])


def finished_page(text: str, style: str, scripts: Iterable[str], *, output_style: str = "") -> str:
    """Return a page with its style sheet, its fonts and its Content-Security-Policy.

    Args:
        text: the page. At its top, where the only other text is the escaped title, its `content` and its
            style element are empty.
        style: the style sheet.
        scripts: the scripts of the page, which may run.
        output_style: a second style sheet, which outputs of a notebook contain, beside images.
    """
    # The embedded fonts contain the letters of the page, so the style comes last.
    style = fonts.font_face_rules(text) + style
    styles = " ".join(map(csp_hash, filter(None, (style, output_style))))
    allowed = " ".join(dict.fromkeys(map(csp_hash, scripts))) or "'none'"
    images = "img-src data:; " if output_style else ""
    csp = (
        f"default-src 'none'; style-src {styles}; script-src {allowed}; "
        f"font-src data:; {images}base-uri 'none'; form-action 'none'"
    )
    text = text.replace('content=""', f'content="{csp}"', 1)
    return text.replace("<style></style>", f"<style>{style}</style>", 1).rstrip() + "\n"


def page_spec(name: str, chart: PageChart, locale: Locale) -> dict[str, object]:
    """Return the specification of a chart for the page, with movable dots, and with its title for saving."""
    below = (*wrap_text(chart.subtitle, 100), *wrap_text(chart.footer, 100))
    title = {"text": wrap_text(chart.title, 75), "subtitle": below, "anchor": "start", "frame": "bounds"}
    is_movable = name in ("total_distribution", "total_hindsight")
    spec = movable(chart.spec, locale) if is_movable else chart.spec
    return {**spec, "usermeta": {**spec.get("usermeta", {}), "title": title}}


def prose_columns(grid: Grid) -> list[bool]:
    """Return, for each table column, whether it contains sentences and must therefore be wide."""
    most = PROSE_LENGTH * len(grid.rows)
    return [
        not column.style and sum(len(str(row[n])) for row in grid.rows) > most
        for n, column in enumerate(grid.columns)
    ]


def template_text(name: str) -> str:
    """Return the text of a template, style sheet or script in the folder reports/templates."""
    return (files("outage_analysis.reports") / "templates" / name).read_text("utf-8")


def csp_hash(text: str) -> str:
    """Return the hash of a script or style for a Content-Security-Policy source list."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def sliders(
    report: Report, *, title: Literal["h3", "p"] = "h3", live: bool = False
) -> tuple[WhatIfSliders | None, str]:
    """Return the what-if sliders of a report's headline cost with their HTML, or None and the reason why.

    Args:
        report: the report.
        title: the HTML element for the title of each total.
        live: whether the range of the cash moves with the sliders, for which the page needs the draws.
    """
    locale, analysis, cost = report.locale, report.analysis, report.products
    budget = analysis.uncertainty_table(analysis.headline_basis, "budget")
    panel = what_if_sliders(
        cost,
        locale,
        report.names,
        run=analysis.runs.get(analysis.headline_basis) if live else None,
        budget=None if budget is None else float(budget["budget"][0]),
    )
    if cost is None or panel is None:
        return None, locale(f"report.what_if_{'tied' if analysis.runs and cost is None else 'none'}")
    if live and panel.live is not None:
        panel.data["live"]["command"] = repeat_command(analysis, cost.factors, locale.lang)
    cubes = list(analysis.cubes.values()) if analysis.headline_from_claims else []
    panel = with_search_form(panel, cost, analysis.policy, cubes, locale)
    note, likely = locale("report.what_if_no_range"), analysis.likely_cash
    if likely is not None:
        low, high = map(locale.money, likely)
        note = locale("report.what_if_range", low=low, high=high)
    return panel, markup(panel, locale, note, title=title)


LIBRARY = {
    "incident": ("incidents", load_incident),
    "policy": ("policies", load_policy),
    "compared": ("policies", load_policy),
    "ledger": ("assumptions", load_ledger),
}
"""Name of a document -> the folder of the bundled ones, and how they are loaded."""
SETTINGS = ("max_rejects", "hindsight", "draws", "seed", "level")
"""Fields of a plan that are options of the same name."""


def repeat_command(analysis: Analysis, factors: Iterable[page_model.LiveInput], lang: str) -> dict[str, Any]:
    """Return the patterns of the lines, for the shell and for Python, that make the report again.

    The script fills in the budget and the values of the sliders. A document that is not bundled has the name
    that it has in the report folder; no file name has a folder.

    Args:
        analysis: the analysis of the report.
        factors: the inputs and payments that have sliders.
        lang: the language of the report.

    Returns:
        `shell` and `python`: the `line`, the `options` that it always has, those that state a `budget` and
        `changes`, how one `change` is written, and what stands `between` two options; `names`: for each
        factor that can be set, its name and how many smallest units its unit has.
    """
    options = _options(analysis)
    imports = "import datetime; " if "as_of" in options else ""
    shown = [f"--lang {lang}"] if lang != "en" else []
    return {
        "names": dict(_change_names(analysis, factors)),
        "shell": {
            "line": "outage-analysis report {options} --out report-changed",
            "options": [*(word for name, value in options.items() for word in _words(name, value)), *shown],
            "budget": "--budget {budget}",
            "changes": "{changes}",
            "change": "--set {name}={value}",
            "between": " ",
        },
        "python": {
            "line": f"{imports}import outage_analysis as oa; oa.run(oa.Plan({{options}}))"
            f'.report("report-changed", lang="{lang}")',
            "options": [f"{name}={value!r}" for name, value in options.items()],
            "budget": "budget={budget}",
            "changes": "changes={{changes}}",
            "change": '"{name}": {value}',
            "between": ", ",
        },
    }


def _document_names(analysis: Analysis) -> dict[str, str]:
    """Return the ids of bundled documents, and the file names in the report folder of the others."""
    names = {}
    for name, document in analysis.documents.items():
        folder, load = LIBRARY.get(name.partition("-")[0], ("layouts", None))
        id_ = getattr(document, "id", "")
        bundled = load is not None and id_ in bundled_ids(folder) and load(id_) == document  # type: ignore[arg-type] # the folders of LIBRARY
        names[name] = id_ if bundled else f"{name}.toml"
    return names


def _options(analysis: Analysis) -> dict[str, Any]:
    """Return the options that repeat the run: fields of a plan that differ from the default."""
    plan, names, usual = analysis.plan, _document_names(analysis), Plan()
    own_policy = names["policy"] != analysis.incident.id
    own_ledger = own_policy or analysis.ledger != bundled_ledger(analysis.incident.id)
    counts, claims = None, None
    if plan.counts is not None:
        cube = analysis.cubes["cost"]
        saved = "cube-synthetic.parquet" if cube.synthetic else "cube.parquet"
        counts = Path(cube.source).name if cube.incident is None else saved
    elif analysis.claims:
        store, bundled = analysis.claims.store, bundled_claims(analysis.incident.id)
        read = (store.name,) if store else tuple(file.name for file in analysis.claims.inputs)
        claims = None if bundled and read == (bundled.name,) else read
    options = {
        "incident": names["incident"],
        "policy": names["policy"] if own_policy else None,
        "ledger": names.get("ledger") if own_ledger else None,
        "counts": counts,
        "claims": claims,
        "columns": tuple(names[name] for name in names if name.startswith("layout-")),
        "compare": tuple(names[name] for name in names if name.startswith("compared-")),
        "as_of": analysis.as_of
        if analysis.ledger is None or analysis.as_of != analysis.ledger.as_of
        else None,
        **{name: getattr(plan, name) for name in SETTINGS},
    }
    return {name: value for name, value in options.items() if value != getattr(usual, name)}


def _words(name: str, value: object) -> list[str]:
    if value is False:
        return [f"--no-{name}"]
    values = value if isinstance(value, tuple) else (value,)
    return [word for each in values for word in (f"--{name.replace('_', '-')}", shlex.quote(str(each)))]


def _change_names(
    analysis: Analysis, factors: Iterable[page_model.LiveInput]
) -> Iterator[tuple[str, tuple[str, int]]]:
    unit = 10**analysis.incident.minor_units
    for factor in factors:
        line = analysis.policy.schedule(factor.line)
        per = unit if factor.measure == "money" else 1
        if factor.kind != "pays":
            if factor.id == factor.assumption:  # else it is a rate under a limit, which other lines use too
                yield factor.id, (factor.id, per)
        elif line is not None and not line.segments and not line.statutory:
            for tier, (band, rule) in enumerate(line.tariff.bands_with_rules, start=1):
                if band == (factor.over, factor.up_to) and rule.fixed == factor.value:
                    yield factor.id, (f"{line.id}.tier{tier}", per)
