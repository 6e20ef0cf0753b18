"""The page: one offline file under a strict Content-Security-Policy, Vega inside, no request at all."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts import CHARTS, draw
from outage_analysis.charts.specs import frame_of, script_json, stable, vega_bundle
from outage_analysis.labels import Words
from outage_analysis.pipeline import Analysis
from outage_analysis.published import figure
from outage_analysis.reports.contents import grids
from outage_analysis.reports.first_screen import expected_cash, free_note, sentences, tiles
from outage_analysis.reports.grids import Writer

EMBED = """
window.addEventListener('DOMContentLoaded', function () {
  document.querySelectorAll('script.charts').forEach(function (element) {
    var specs = JSON.parse(element.textContent);
    Object.keys(specs).forEach(function (name) {
      var place = document.getElementById('chart-' + name);
      if (place) vegaEmbed(place, specs[name], {
        ast: true, actions: false, defaultStyle: false, renderer: 'svg',
        tooltip: {disableDefaultStyle: true}
      });
    });
  });
});
"""


def write_html(analysis: Analysis, folder: Path, lang: str) -> None:
    """Write report.html."""
    (folder / "report.html").write_text(page(analysis, lang), "utf-8")


def page(analysis: Analysis, lang: str) -> str:
    """The whole page as text."""
    incident, tried = analysis.incident, analysis.backtest
    words = Words(lang, incident.currency, incident.minor_units, incident.loss_digits)
    names = analysis.names(lang)
    cited = set(analysis.tables["facts"]["id"])
    if "hindsight_outcomes" in analysis.tables:
        cited |= set(analysis.tables["hindsight_outcomes"]["id"])
    writer = Writer(words, names, cited)
    style, script = _asset("report.css"), vega_bundle() + EMBED
    charts = _charts(analysis, words, names)
    context = {
        "w": words,
        "lang": lang,
        "analysis": analysis,
        "incident": incident,
        "policy": analysis.policy,
        "ledger": analysis.ledger,
        "day": words.day(analysis.as_of),
        "tiles": tiles(analysis, words),
        "said": sentences(analysis, words, names),
        "grids": grids(analysis, writer),
        "names": names,
        "charts": charts,
        "style": Markup(style),
        "script": Markup(script),
        "csp": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "version": version("outage-analysis"),
        "lesson": _lesson(analysis, words),
        "compared": analysis.compared.sentence(words) if analysis.compared else "",
        "tried": tried.sentences(words) if tried else [],
        "funnel": _funnel_words(analysis, words),
        "free_note": free_note(analysis, words),
        "reconciled": _reconciled(analysis, words),
    }
    for key, hindsight in (("specs", False), ("later_specs", True)):
        specs = {name: chart.spec for name, chart in charts.items() if chart.hindsight == hindsight}
        context[key] = Markup(script_json(specs))
    text = _environment().get_template("report.html.j2").render(context)
    return text if text.endswith("\n") else text + "\n"


def _reconciled(analysis: Analysis, w: Words) -> str:
    """Rows = claims + rejects, over all files."""
    files = analysis.tables.get("claims_quality")
    if files is None:
        return ""
    sums = {c: w.exact(int(files[c].sum())) for c in ("rows", "claims", "rejects")}
    return w("report.quality_line", **sums)


@dataclass(frozen=True)
class PageChart:
    """A chart whose title stands in the page, where it wraps, instead of in the drawing."""

    spec: dict[str, Any]
    title: str
    subtitle: str
    footer: str
    hindsight: bool
    """Whether it shows what came out later: its data then stand in that section alone."""


def _charts(analysis: Analysis, words: Words, names: dict[str, str]) -> dict[str, PageChart]:
    charts = {}
    for name, entry in CHARTS.items():
        if not entry.page:
            continue
        synthetic = (entry.claims and analysis.synthetic) or analysis.marked(entry.table)
        frame = frame_of(analysis.incident, words, names, analysis.as_of, synthetic=synthetic)
        chart = draw(name, analysis.tables.get(entry.table, pl.DataFrame()), frame)
        if chart is not None:
            spec = stable(chart.to_dict())
            title = spec.pop("title")
            *subtitle, footer = title["subtitle"]
            later = entry.table.startswith("hindsight_")
            charts[name] = PageChart(spec, " ".join(title["text"]), " ".join(subtitle), footer, later)
    return charts


def _funnel_words(analysis: Analysis, w: Words) -> str:
    rows = {r["stage"]: r["expected"] for r in analysis.tables["funnel"].iter_rows(named=True)}
    if not rows or None in rows.values():
        return ""
    filed, paid = (w.number(w.rounded(100 * rows[s] / rows["reported"])) for s in ("filed", "paid"))
    return w("report.funnel_intro", filed=filed, paid=paid)


def _lesson(analysis: Analysis, w: Words) -> list[str]:
    """How the case ended, beside what was expected: both halves of the lesson, for hindsight only."""
    outcome, expected = analysis.incident.outcome, expected_cash(analysis)
    later = analysis.tables.get("hindsight_outcomes", pl.DataFrame())
    if outcome is None or later.is_empty() or expected is None:
        return []
    values = dict(later.select("id", "value").iter_rows())
    line = next((x for x in analysis.policy.schedules if x.id == outcome.line), None)
    if line is None or not {outcome.filed, outcome.accepted, outcome.paid} <= set(values):
        return []
    filed, accepted, paid = (values[f] for f in (outcome.filed, outcome.accepted, outcome.paid))
    said = [
        w(
            "report.hindsight_figures",
            day=w.day(analysis.as_of),
            expected=w.money(expected),
            paid=w.money(paid),
            fact=outcome.paid,
        )
    ]
    count = figure(line.published_count).whole if line.published_count else 0
    tiers = [rule.fixed for _, rule in line.rules() if rule.fixed]
    if count and tiers:
        mean = paid / accepted
        said.append(
            w(
                "report.hindsight_lesson",
                count=w.number(count),
                filed=w.number(filed),
                accepted=w.number(accepted),
                cut=w.number(w.rounded(count / accepted)),
                mean=w.money(mean),
                least=w.number(round(mean / max(tiers))),
                most=w.number(round(mean / min(tiers))),
            )
        )
    return said


def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
