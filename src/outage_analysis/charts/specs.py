"""Charts on their way to a page or a notebook: the frame they are drawn in, stable JSON, Vega itself."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from outage_analysis.assumptions import Ledger
from outage_analysis.charts.theme import ChartContext
from outage_analysis.incidents import BacktestSpec, Incident
from outage_analysis.policies import Policy
from outage_analysis.text import Locale


def skip_schema_checks() -> AbstractContextManager[None]:
    """Within it Altair does not hold charts against its schema, which takes long: the tests do so."""
    from altair.utils.schemapi import debug_mode

    return debug_mode(False)  # noqa: FBT003 - not our own


def display_names(
    incident: Incident,
    policy: Policy | None = None,
    ledger: Ledger | None = None,
    tried: BacktestSpec | None = None,
    *,
    lang: str,
) -> dict[str, str]:
    """Id -> name for everything that has one."""
    named: list[Any] = [*(tried.outcomes if tried else ())]  # first: an id of another page is that page's
    named += [*incident.dimensions, *incident.services, *incident.claimant_types, *incident.tie_outs]
    named += (*policy.lines, *policy.tie_outs) if policy else ()
    named += ledger.assumptions if ledger else ()
    groups = {group: name[lang] for group, name in incident.groups.items()}
    headlines = {h.fact: h.name[lang] for h in incident.headlines}
    return groups | {item.id: item.name[lang] for item in named} | headlines


def chart_context(
    incident: Incident, locale: Locale, names: dict[str, str], as_of: date, *, synthetic: bool
) -> ChartContext:
    """The frame of an incident's charts: its words, its names and how its loss is measured."""
    unit = incident.loss.unit
    unit = locale.unit if unit == incident.currency else locale.counted_in(unit)
    loss = f"{incident.loss.name[locale.lang]}, {unit}"
    return ChartContext(locale, names, as_of, loss, synthetic=synthetic)


def stable_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec without what differs from run to run: counters in names, and the library's own version."""
    text = script_json(spec)
    for number, name in enumerate(sorted(spec.get("datasets", {}))):
        text = text.replace(name, f"data-{number}")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def script_json(value: object) -> str:
    """JSON, sorted, that cannot end its script element."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that sets `window.vegaEmbed` and loads nothing.

    The file is made by `make vega`; its licences lie beside it.
    """
    return (files(__package__) / "vega" / "bundle.js").read_text("utf-8")
