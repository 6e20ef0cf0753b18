"""Which column of a file is which, and the layout page that says so."""

from __future__ import annotations

from collections.abc import Sequence

from outage_analysis.incidents import Incident
from outage_analysis.ingest.staging import OPTIONAL, needed
from outage_analysis.inspection.columns import HINTS, Column
from outage_analysis.layouts import Layout, unit_in
from outage_analysis.toml_text import toml_value

UNIQUE = 0.9
"""The share of different texts that an id must have: files hold some rows twice."""


def proposed(columns: list[Column], headers: list[str], layout: Layout, incident: Incident) -> dict[str, int]:
    """Canonical column -> position: by a known header, else by its texts and a hint in the header."""
    known = layout.recognised(headers, (*needed(incident), *OPTIONAL))
    chosen = {column: places[0] for column, places in known.items() if column != "synthetic"}
    for column, reads_as in (
        ("service", "service"),
        ("claimant_type", "claimant_type"),
        ("filed_on", "day"),
        ("loss", "amount"),
        ("claimant_id", ""),
        ("claim_id", ""),
    ):
        if column not in chosen:
            free = [at for at in range(len(columns)) if at not in chosen.values()]
            fitting = [at for at in free if _speaks_for(columns[at], column, reads_as)]
            if fitting:  # of several, one whose header speaks for it as well
                hinted = [at for at in fitting if column in HINTS and columns[at].hints_at(column)]
                chosen[column] = (hinted or fitting)[0]
    return chosen


def _speaks_for(column: Column, name: str, reads_as: str) -> bool:
    # A day is told by its texts alone; numbers may be anything.
    if name in HINTS and name != "filed_on" and not column.hints_at(name):
        return False
    if name == "claim_id" and column.distinct < UNIQUE * column.rows:
        return False
    # A phone number is no id, though both are numbers.
    return column.reads_as() == reads_as if reads_as else column.given > 0 and column.personal is None


def layout_page(
    name: str,
    columns: list[Column],
    chosen: dict[str, int],
    known: Layout,
    incident: Incident,
    unit: str | None,
) -> str:
    """The layout page that says what was known and found; what was not is there as a remark."""
    given = {k: getattr(known, k) for k in ("encoding", "delimiter", "quote", "header_row", "sheet")}
    lines = [f"{k} = {toml_value(v)}" for k, v in {"files": name, **given}.items() if v is not None]
    given_anyway = {**incident.constants, **known.constants}
    missing = [c for c in needed(incident) if c not in chosen and c not in given_anyway]
    own = {d.id for d in incident.dimensions}
    numbers = [d.id for d in incident.dimensions if d.kind == "number"]
    lines += ["", "[columns]"]
    lines += [f"{c} = [{toml_value(columns[at].header)}]" for c, at in chosen.items()]
    lines += [f'# {c} = ["..."] was not found' for c in missing if c not in own]
    amounts = [c for c in ("loss", *numbers) if c in chosen]
    formats: dict[str, Sequence[str]] = {c: columns[chosen[c]].notations("amount") for c in amounts}
    lines += ["", "[formats]"]
    if "filed_on" in chosen:
        day = columns[chosen["filed_on"]]
        formats["filed_on"] = [] if day.either else day.notations("day")
        if day.either and "filed_on" not in known.formats:
            lines.append('# filed_on = ["dmy"] or ["mdy"]? Every day could be the month as well')
    formats |= known.formats
    lines += [f"{c} = {toml_value(names)}" for c, names in formats.items() if names]
    scales = {c: columns[chosen[c]].scale for c in amounts if columns[chosen[c]].scale != 1}
    if unit and "loss" in chosen:
        scales["loss"] = unit_in(unit)
    scales |= known.scale
    lines += ["", "[scale]"] if scales else []
    lines += [f"{c} = {scale}" for c, scale in scales.items()]
    constants = {c: "" for c in missing if c in own} | known.constants
    lines += ["", '[constants] # no such column; "" is unknown'] if constants else []
    lines += [f"{c} = {toml_value(value)}" for c, value in constants.items()]
    return "\n".join(lines) + "\n"
