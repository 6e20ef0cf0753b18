"""Write the layout (TOML file that maps columns) that an inspection proposes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import PurePath

from outage_analysis.claims.inspection.column_choices import CONSEQUENCES, Choice, quote_header
from outage_analysis.claims.inspection.columns import Column
from outage_analysis.claims.readers.expected_table import required_columns
from outage_analysis.files import toml_value
from outage_analysis.incidents import CANONICAL_COLUMNS, FILED_AT, ROW_ID, Incident, Layout, unit_multiplier
from outage_analysis.text import masked_name

WIDTH = 78
"""Most characters of a comment line."""


def layout_document(
    name: str,
    columns: list[Column],
    choices: Mapping[str, Choice],
    known_layout: Layout,
    incident: Incident,
    unit: str | None,
) -> str:
    """Return the proposed layout (file that maps columns) as TOML, with open questions as comments."""
    positions = {name: choice.position for name, choice in choices.items() if choice.position is not None}
    pattern = name if masked_name(name) == name else f"*{PurePath(name).suffix}"
    settings = {
        k: getattr(known_layout, k)
        for k in ("encoding", "delimiter", "quote", "escape", "header_row", "sheet")
    }
    lines = [f"{k} = {toml_value(v)}" for k, v in {"files": pattern, **settings}.items() if v is not None]
    constants_known = {**incident.constants, **known_layout.constants}
    missing_columns = [
        c for c in required_columns(incident) if c not in choices or choices[c].position is None
    ]
    missing_columns = [c for c in missing_columns if c not in constants_known]
    dimension_ids = {d.id for d in incident.dimensions}
    numbers = [d.id for d in incident.dimensions if d.is_number]
    missing = {
        c: columns[at].missing_words for c, at in positions.items() if c not in ("service", "claimant_type")
    }
    lines += _missing_lines(missing, known_layout)
    lines += ["", "[columns]"]
    for column, choice in choices.items():
        lines += _column_lines(column, choice, columns)
    amounts = [c for c in ("loss", *numbers) if c in positions]
    lines += ["", "[formats]", *_format_lines(columns, positions, amounts, known_layout)]
    scales: dict[str, Decimal | float] = {
        c: columns[positions[c]].scale for c in amounts if columns[positions[c]].scale != 1
    }
    if unit and "loss" in positions:
        scales["loss"] = unit_multiplier(unit)
    scales |= known_layout.scale
    lines += ["", "[scale]"] if scales else []
    lines += [f"{c} = {scale}" for c, scale in scales.items()]
    lines += _edge_lines(known_layout.edges)
    lines += _computed_lines(columns, choices, known_layout, incident)
    constants = {c: "" for c in missing_columns if c in dimension_ids} | known_layout.constants
    lines += ["", '[constants] # no such column; "" is unknown'] if constants else []
    lines += [f"{c} = {toml_value(value)}" for c, value in constants.items()]
    return "\n".join(lines) + "\n"


def _format_lines(
    columns: list[Column], positions: Mapping[str, int], amounts: Sequence[str], known_layout: Layout
) -> list[str]:
    lines: list[str] = []
    formats: dict[str, Sequence[str]] = {c: columns[positions[c]].amount.formats for c in amounts}
    format_choices = {c: columns[positions[c]].amount for c in amounts}
    for day in ("filed_on", FILED_AT):
        if day in positions:
            format_choices[day] = columns[positions[day]].day
            formats[day] = format_choices[day].formats
    for column, format_choice in format_choices.items():
        if format_choice.tied and column not in known_layout.formats:
            either = " or ".join(f'["{name}"]' for name in format_choice.tied)
            lines += [f"# {column} = {either}?", *_comment_lines(format_choice.reason)]
    formats |= known_layout.formats
    lines += [f"{c} = {toml_value(names)}" for c, names in formats.items() if names]
    return lines


def _computed_lines(
    columns: list[Column], choices: Mapping[str, Choice], known_layout: Layout, incident: Incident
) -> list[str]:
    computed, layout = dict(known_layout.computed), known_layout.merged_over(incident)
    given = layout.header_positions([c.header for c in columns], ["claim_id"]) or layout.constants.keys()
    choice = choices.get("claim_id")
    if choice is not None and choice.position is None and not choice.tied and "claim_id" not in given:
        computed.setdefault("claim_id", ROW_ID)
    lines = [f"{c} = {toml_value(parts)}" for c, parts in computed.items()]
    return ["", "[computed] # columns that the file does not have", *lines] if computed else []


def _edge_lines(edges: Mapping[str, Mapping[str, float]]) -> list[str]:
    bands = {
        c: ", ".join(f"{toml_value(name)} = {edge}" for name, edge in e.items()) for c, e in edges.items()
    }
    return ["", "[edges]", *(f"{c} = {{ {text} }}" for c, text in bands.items())] if edges else []


def _missing_lines(found: Mapping[str, Mapping[str, int]], known_layout: Layout) -> list[str]:
    words = list(known_layout.missing)
    reasons = []
    for column, texts in found.items():
        for text, rows in texts.items():
            reasons.append(f"{toml_value(text)} in {rows:,} row{'s' * (rows != 1)} of {column}")
            if text.casefold() not in {word.casefold() for word in words}:
                words.append(text)
    if not words:
        return []
    return [f"missing = {toml_value(words)}", *_comment_lines(", ".join(reasons))]


def _column_lines(name: str, choice: Choice, columns: list[Column]) -> Iterator[str]:
    if choice.position is not None:
        yield from _comment_lines(choice.reason)
        yield f"{name} = [{toml_value(columns[choice.position].header)}]"
        return
    # Each column that fits equally well gets a commented line, so that the user can choose one.
    if choice.tied:
        yield from (f"# {name} = [{quote_header(columns[at])}]" for at in choice.tied)
    elif name in CANONICAL_COLUMNS:
        yield f'# {name} = ["..."] was not found'
    yield from _comment_lines(choice.reason)
    yield from _comment_lines(CONSEQUENCES.get(name, ""))


def _comment_lines(text: str) -> list[str]:
    """Return a sentence as TOML comment lines of limited length."""
    if not text:
        return []
    safe = "".join(c if c.isprintable() else " " for c in text.removesuffix("."))
    sentence = f"{safe[:1].upper()}{safe[1:]}{'' if safe.endswith('?') else '.'}"
    return textwrap.wrap(
        sentence, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
    )
