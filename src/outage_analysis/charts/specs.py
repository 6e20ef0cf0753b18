"""Prepare charts for a page: context of a chart, reproducible JSON, and the Vega script."""

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
    """Return a context manager in which Altair skips its slow schema validation.

    The package can skip the validation, because its tests validate every chart.
    """
    from altair.utils.schemapi import debug_mode

    return debug_mode(False)  # noqa: FBT003 - Altair's signature


def display_names(
    incident: Incident,
    policy: Policy | None = None,
    ledger: Ledger | None = None,
    backtest: BacktestSpec | None = None,
    *,
    lang: str,
) -> dict[str, str]:
    """Return the display names of all ids of the incident, policy, assumption ledger and back-test."""
    # The names of the back-test come first: if a later document uses the same id, its name replaces the
    # back-test's name.
    named: list[Any] = [*(backtest.outcomes if backtest else ())]
    named += [*incident.dimensions, *incident.services, *incident.claimant_types, *incident.tie_outs]
    named += (*policy.lines, *policy.tie_outs) if policy else ()
    named += ledger.assumptions if ledger else ()
    groups = {group: name[lang] for group, name in incident.groups.items()}
    headlines = {h.fact: h.name[lang] for h in incident.headlines}
    return groups | {item.id: item.name[lang] for item in named} | headlines


def chart_context(
    incident: Incident, locale: Locale, names: dict[str, str], as_of: date, *, synthetic: bool
) -> ChartContext:
    """Return the context for charts of an incident, with the name and unit of the incident's losses."""
    unit = incident.loss.unit
    unit = locale.unit if unit == incident.currency else locale.unit_name(unit)
    loss = f"{incident.loss.name[locale.lang]}, {unit}"
    return ChartContext(locale, names, as_of, loss, synthetic=synthetic)


def stable_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Make a chart specification reproducible: number its datasets, whose names change with each run."""
    text = script_json(spec)
    for number, name in enumerate(sorted(spec.get("datasets", {}))):
        text = text.replace(name, f"data-{number}")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def script_json(value: object) -> str:
    """Convert a value to JSON with sorted keys that is safe inside an HTML script element."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")


@cache
def vega_bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that works without a network.

    The script defines the JavaScript function `window.vegaEmbed`.

    The command `make vega` writes the file of the script; LICENSES.txt in the same folder contains the
    licences.
    """
    return (files(__package__) / "vega" / "bundle.js").read_text("utf-8")
