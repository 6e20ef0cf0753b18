"""The page: one offline file under a strict Content-Security-Policy, Vega inside, no request at all."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outage_analysis.charts import CHARTS, Frame, draw
from outage_analysis.labels import Words
from outage_analysis.pipeline import Analysis
from outage_analysis.policies import CostLine, FeeCredit, InKind, Schedule
from outage_analysis.reports.first_screen import sentences, tiles
from outage_analysis.reports.grids import Grid, Writer

EMBED = """
window.addEventListener('DOMContentLoaded', function () {
  var specs = JSON.parse(document.getElementById('charts').textContent);
  Object.keys(specs).forEach(function (name) {
    var place = document.getElementById('chart-' + name);
    if (place) vegaEmbed(place, specs[name], {
      ast: true, actions: false, defaultStyle: false, renderer: 'svg',
      tooltip: {disableDefaultStyle: true}
    });
  });
});
"""


def write_html(analysis: Analysis, folder: Path, lang: str) -> None:
    """Write report.html."""
    (folder / "report.html").write_text(page(analysis, lang), "utf-8")


def page(analysis: Analysis, lang: str) -> str:
    """The whole page as text."""
    incident = analysis.incident
    words = Words(lang, incident.currency, incident.minor_units)
    names = names_of(analysis, lang)
    cited = set(analysis.tables["facts"]["id"])
    if "outcomes" in analysis.tables:
        cited |= set(analysis.tables["outcomes"]["id"])
    writer = Writer(words, names, cited)
    style, script = _asset("report.css"), _vega() + EMBED
    context = {
        "w": words, "lang": lang, "analysis": analysis, "incident": incident, "policy": analysis.policy,
        "ledger": analysis.ledger, "day": words.day(analysis.as_of), "tiles": tiles(analysis, words),
        "said": sentences(analysis, words, names), "grids": _grids(analysis, writer), "names": names,
        "charts": _charts(analysis, words, names), "style": Markup(style), "script": Markup(script),
        "csp": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "version": version("outage-analysis"), "lesson": _lesson(analysis, words),
        "funnel": _funnel_words(analysis, words),
    }  # fmt: skip
    context["specs"] = Markup(_json(context["charts"]))
    text = _environment().get_template("report.html.j2").render(context)
    return text if text.endswith("\n") else text + "\n"


def names_of(analysis: Analysis, lang: str) -> dict[str, str]:
    """Id -> name for everything that has one."""
    incident, ledger = analysis.incident, analysis.ledger
    named: list[Any] = [*incident.services, *incident.claimant_types, *incident.tie_outs, *analysis.policy.lines]
    named += ledger.assumptions if ledger else ()
    return {item.id: item.name[lang] for item in named} | {h.fact: h.name[lang] for h in incident.headlines}


def _charts(analysis: Analysis, words: Words, names: dict[str, str]) -> dict[str, dict[str, Any]]:
    loss = f"{analysis.incident.loss.name[words.lang]}, {_loss_unit(analysis, words)}"
    specs = {}
    for name, entry in CHARTS.items():
        frame = Frame(words, names, analysis.as_of, loss, synthetic=entry.claims and analysis.synthetic)
        chart = draw(name, analysis.tables.get(entry.table, pl.DataFrame()), frame)
        if chart is not None:
            specs[name] = _stable(chart.to_dict())
    return specs


def _loss_unit(analysis: Analysis, words: Words) -> str:
    unit = analysis.incident.loss.unit
    return words.unit if unit == analysis.incident.currency else unit


def _stable(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec without what differs from run to run: counters in names, and the library's own version."""
    text = json.dumps(spec, ensure_ascii=False, sort_keys=True)
    for number, name in enumerate(sorted(spec.get("datasets", {}))):
        text = text.replace(name, f"data-{number}")
    stable: dict[str, Any] = json.loads(text)
    return stable


def _json(value: object) -> str:
    """JSON that cannot end its script element."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")


def _grids(analysis: Analysis, writer: Writer) -> dict[str, Grid]:
    """Every table of the page."""
    t = analysis.tables
    published = t["costs"].filter(pl.col("basis") == "published")
    cash, free = (published.filter(pl.col("valuation") == v) for v in ("cash", "face_value"))
    columns = {
        "cost": (cash, ["line", "band", "rule", "count", "promised", "low", "expected", "high", "status", "facts", "assumptions"]),
        "free": (free, ["line", "count", "promised", "low", "expected", "high", "facts", "assumptions"]),
        "headlines": (_headline_rows(analysis, writer, later=False), ["quantity", "value_low", "value_high", "counts", "public_on", "facts"]),
        "tie_outs": (t["tie_outs"].rename({"id": "tie_out"}).join(_notes(analysis), on="tie_out", how="left", maintain_order="left"),
                     ["tie_out", "computed", "printed", "unit", "status", "note", "facts"]),
        "services": (t["services"].with_columns(pl.col("published_count").fill_null(writer.words("report.not_published"))),
                     ["service", "group", "published_count", "hours_low", "hours_high", "facts"]),
        "funnel": (t["funnel"].with_columns(pl.col("low", "expected", "high").round(0)).rename({"low": "value_low", "expected": "value", "high": "value_high"}),
                   ["stage", "value_low", "value", "value_high"]),
        "policy": (_policy_rows(analysis, writer.words), ["line", "kind", "payment", "effort", "eligibility", "public_on", "facts"]),
        "facts": (t["facts"], ["id", "quantity", "value", "value_low", "value_high", "unit", "counts", "public_on", "grade"]),
    }  # fmt: skip
    renamed = {"low": "value_low", "high": "value_high"}
    columns["facts"] = (t["facts"].rename(renamed), columns["facts"][1])
    if not t["drivers"].is_empty():
        columns["drivers"] = (t["drivers"], ["assumption", "input_low", "input_high", "cost_low", "cost_expected", "cost_high"])
    if analysis.ledger:
        columns["assumptions"] = (_assumption_rows(analysis, writer.words),
                                  ["assumption", "kind", "expected_text", "range_text", "rationale", "facts", "public_on", "owner", "approved_by"])  # fmt: skip
    if "outcomes" in t:
        columns["outcomes"] = (t["outcomes"].rename(renamed), ["id", "quantity", "value", "unit", "counts", "public_on", "grade"])
        columns["later_headlines"] = (_headline_rows(analysis, writer, later=True), columns["headlines"][1])
    columns |= _claim_columns(analysis)
    return {name: writer.grid(frame, wanted) for name, (frame, wanted) in columns.items() if not frame.is_empty()}


def _claim_columns(analysis: Analysis) -> dict[str, tuple[pl.DataFrame, list[str]]]:
    t = analysis.tables
    costs = t["costs"].filter(pl.col("basis") != "published", pl.col("rule") != "not_entitled")
    columns = {"claims_cost": (costs, ["line", "service", "claimant_type", "band", "rule", "count", "promised", "low", "expected", "high"])}
    wanted = {"bands": ["service", "band", "claims", "share"], "intake": ["filed_on", "claims", "cumulative"],
              "quality": ["file", "rows", "claims", "rejects"], "rejects": ["source_file", "rule_text", "rejects"]}  # fmt: skip
    for name, names in wanted.items():
        if name in t:
            columns[name] = (t[name].rename({"rule": "rule_text"}, strict=False), names)
    return columns


def _headline_rows(analysis: Analysis, writer: Writer, *, later: bool) -> pl.DataFrame:
    table = analysis.tables["headlines"].filter(pl.col("fact") != "", pl.col("hindsight") == later)
    return table.rename({"low": "value_low", "high": "value_high", "fact": "facts"}).with_columns(
        quantity=pl.col("facts").map_elements(lambda f: writer.names[f], return_dtype=pl.String)
    )


def _notes(analysis: Analysis) -> pl.DataFrame:
    rows = [(tie.id, tie.note) for tie in analysis.incident.tie_outs]
    return pl.DataFrame(rows, schema={"tie_out": pl.String, "note": pl.String}, orient="row")


def _policy_rows(analysis: Analysis, w: Words) -> pl.DataFrame:
    rows = []
    for line in analysis.policy.lines:
        if line.id in analysis.dropped_lines:
            continue
        who = "; ".join(", ".join(values) for values in line.eligibility.values())
        rows.append((line.id, line.kind, _pays(line, w), line.effort_on(analysis.as_of), who, line.public_on, " ".join(line.facts)))
    schema = {"line": pl.String, "kind": pl.String, "payment": pl.String, "effort": pl.String,
              "eligibility": pl.String, "public_on": pl.Date, "facts": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _pays(line: CostLine, w: Words) -> str:
    """What a line pays, in words."""
    if isinstance(line, InKind):
        return f"{w.exact_money(line.unit_value)} {w.unit} ({w('word.face_value')})"
    if isinstance(line, FeeCredit):
        return f"{w.exact_money(line.payment)} {w.unit}"
    if not isinstance(line, Schedule):
        return ""
    parts = []
    for band, rule in line.rules()[3:]:
        share = f" + {rule.share / 100:g}%" if rule.share else ""
        pays = w("word.review") if rule.review else f"{w.exact_money(rule.fixed)} {w.unit}{share}"
        parts.append(f"{w.band(*band)}: {pays}")
    return "; ".join(parts)


def _assumption_rows(analysis: Analysis, w: Words) -> pl.DataFrame:
    rows = []
    for a in analysis.ledger.admissible(analysis.as_of).assumptions if analysis.ledger else ():
        expected, bounds = _inputs(a, w)
        facts = (*a.facts, *getattr(a, "classes", ()), *getattr(a, "widest", ()))
        rows.append((a.id, a.kind, expected, bounds, a.rationale, " ".join(facts), a.public_on, a.owner, a.approved_by or "–"))
    texts = ("assumption", "kind", "expected_text", "range_text", "rationale", "facts")
    schema = {**dict.fromkeys(texts, pl.String), "public_on": pl.Date, "owner": pl.String, "approved_by": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _inputs(assumption: Any, w: Words) -> tuple[str, str]:  # noqa: ANN401 - any kind of assumption
    """An assumption's expected value and bounds, in words."""
    if assumption.kind == "band_mix":
        return " / ".join(w.share(b.share) for b in assumption.bands), "0% – 100%"
    if assumption.kind == "review_award":
        low, high = (w.exact_money(v) for v in (assumption.low, assumption.high))
        return f"{w.exact_money(assumption.expected)} {w.unit}", f"{low} – {high}"
    rate = assumption.rate
    return w.share(rate.expected), f"{w.share(rate.low)} – {w.share(rate.high)}"


def _funnel_words(analysis: Analysis, w: Words) -> str:
    rows = {r["stage"]: r["expected"] for r in analysis.tables["funnel"].iter_rows(named=True)}
    if not rows or None in rows.values():
        return ""
    filed, paid = (w.number(w.rounded(100 * rows[s] / rows["reported"])) for s in ("filed", "paid"))
    return w("report.funnel_intro", filed=filed, paid=paid)


def _lesson(analysis: Analysis, w: Words) -> str:
    """The expected cost beside what was paid in the end, for hindsight only."""
    paid = analysis.incident.outcome
    total = analysis.total("published")
    if not paid or "outcomes" not in analysis.tables or total is None or total["expected"] is None:
        return ""
    row = analysis.tables["outcomes"].filter(pl.col("id") == paid)
    if row.is_empty():
        return ""
    return w("report.hindsight_lesson", day=w.day(analysis.as_of), expected=w.money(total["expected"]),
             paid=w.money(row["value"][0]), fact=paid)  # fmt: skip


def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text("utf-8")


@cache
def _vega() -> str:
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
