"""Inspect an unknown complaint file, and propose a layout (TOML file that maps its columns) with reasons.

`read_claims` does not use this module: a person checks, corrects and saves the proposal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path, PurePath

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.inspection.column_choices import (
    CONSEQUENCES,
    Choice,
    choose_columns,
    evidence,
    quote_header,
)
from outage_analysis.claims.inspection.columns import Column, TextColumns, header_is_a_complaint
from outage_analysis.claims.inspection.derive_incident import incident_of_file
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.source_file import OPTIONAL_COLUMNS, required_columns
from outage_analysis.claims.validation import control_totals
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import likely_typo_of, toml_value
from outage_analysis.incidents import (
    CANONICAL_COLUMNS,
    FILED_AT,
    ROW_ID,
    Incident,
    Layout,
    claim_columns,
    normalized_name,
    unit_multiplier,
    with_encoding,
)
from outage_analysis.text import amount_sql, mask_personal_data, masked_name, schema_of, stated_unit

MAX_EXAMPLES = 5
"""Number of first rows that the inspection lists; it lists up to twice as many unknown names per column."""
PROPOSALS_SCHEMA = {"column": pl.String, "header": pl.String, "reason": pl.String}


@dataclass(frozen=True, repr=False)
class Inspection:
    """The result of inspecting one complaint file, with a proposed layout (TOML file that maps columns).

    `columns` has one row per column of the file: header, column (the proposed column of a claim), reads_as
    (day, amount, service, claimant_type, free text or text), notations (formats), missing (share of empty
    cells), distinct (number of distinct values), personal (kind of personal data, if any) and an example.
    `rows` contains the first rows of the file. `strangers` has one row per value that is not the name of a
    known service or claimant type: column, name (the value), rows, nearest (the closest name, or null).
    `proposals` has one row per column of a claim: column, header (null if no column is proposed), reason.
    `claimants` is the number of distinct claimant ids, if a column for them is proposed. Personal data are
    masked everywhere; free text and values below a header such as "name" are hidden.
    """

    name: str
    incident: Incident
    encoding: str
    dialect: str
    records: int
    unreadable: int
    columns: pl.DataFrame
    rows: pl.DataFrame
    strangers: pl.DataFrame
    proposals: pl.DataFrame
    claimants: int | None
    amounts: pl.DataFrame
    """The losses as the proposed layout reads them, with the columns of `Claims.control_totals`; empty if no
    column of losses is proposed, or its notation is uncertain."""
    layout_toml: str
    """The proposed layout file, as TOML."""

    def __repr__(self) -> str:
        return f"<Inspection of {self.name}: {self.records:,} rows, {len(self.columns):,} columns>"


def inspect_file(
    path: str | Path,
    incident: Incident | None = None,
    *,
    layout: Layout | None = None,
    encoding: str | None = None,
    currency: str = "",
) -> Inspection:
    """Describe the columns of a complaint file, and propose a layout (TOML file that maps them).

    Args:
        path: a file of any supported format.
        incident: defines the expected columns, services and claimant types. By default the incident that the
            file describes or, if it does not say enough, one without names of services.
        layout: settings that are already known, such as the sheet of a workbook.
        encoding: the encoding of a text file, if it cannot be told from its bytes.
        currency: without an incident, the ISO code of the currency, if the file does not state it.

    Raises:
        UsageError: the encoding is not known, or a currency is stated beside an incident.
        InputRefused: the file cannot be read, or it is unclear whether its first row is a header or a
            complaint.
    """
    path, known_layout = Path(path), with_encoding([layout or Layout()], encoding)[0]
    if incident is None:
        incident = incident_of_file(path, known_layout, currency)
    elif currency:
        raise UsageError("the incident states the currency already", value=currency, remedy="Leave it out.")
    known_layout.check_columns_known(claim_columns(incident))
    name = masked_name(path.name)
    file = TextColumns.read(path, incident, known_layout)
    columns, layout = file.columns(incident), known_layout.merged_over(incident)
    expected = (*claim_columns(incident), *OPTIONAL_COLUMNS)
    if (
        layout.header_row is None
        and not layout.header_positions(file.headers, expected)
        and header_is_a_complaint(columns, file=name, row=file.format.header_row)
    ):
        if file.format.header_row is None:
            raise InputRefused(
                "has a complaint in place of the names of its columns",
                file=name,
                remedy="Write the file again with names of columns.",
            )
        known_layout = known_layout.model_copy(update={"header_row": 0})
        file = TextColumns.read(path, incident, known_layout)
        columns, layout = file.columns(incident), known_layout.merged_over(incident)
    headers, warehouse = file.headers, file.warehouse
    choices = choose_columns(columns, layout, incident)
    column_by_name = {
        name: columns[choice.position] for name, choice in choices.items() if choice.position is not None
    }
    for of_claim, column in column_by_name.items():
        reasons = filter(None, (choices[of_claim].reason, evidence(of_claim, column)))
        choices[of_claim] = replace(choices[of_claim], reason="; ".join(reasons))
    names = {choice.position: name for name, choice in choices.items()}
    table = pl.DataFrame(
        [(mask_personal_data(h), names.get(at), *columns[at].summary()) for at, h in enumerate(headers)],
        schema=schema_of("claims.columns").dtypes,
        orient="row",
    )
    proposals = [
        (
            name,
            mask_personal_data(headers[choice.position]) if choice.position is not None else None,
            choice.reason,
        )
        for name, choice in choices.items()
    ]
    claimant, loss = column_by_name.get("claimant_id"), column_by_name.get("loss")
    if loss is not None and file.unit:
        loss.scale = loss.kind.scale = unit_multiplier(file.unit)
    detected = known_layout.model_copy(update={"escape": file.format.escape or known_layout.escape})
    return Inspection(
        name,
        incident,
        file.format.encoding,
        file.format.dialect,
        warehouse.count("text_rows"),
        warehouse.count("unreadable"),
        table,
        _first_rows(warehouse, columns),
        _unknown_names(column_by_name, incident),
        pl.DataFrame(proposals, schema=PROPOSALS_SCHEMA, orient="row"),
        claimant.distinct if claimant is not None else None,
        _amounts(name, warehouse, loss, layout, incident),
        _layout_document(path.name, columns, choices, detected, incident, file.unit),
    )


def _amounts(
    name: str, warehouse: Warehouse, loss: Column | None, layout: Layout, incident: Incident
) -> pl.DataFrame:
    formats = () if loss is None else layout.formats.get("loss") or loss.amount.formats
    named = () if loss is None else stated_unit(loss.header, incident.loss.unit).currencies
    if loss is None or not formats or (named and incident.currency not in named):
        return pl.DataFrame(schema=schema_of("claims_amounts").dtypes)
    scale, cell = Decimal(str(layout.scale.get("loss", loss.scale))), quote_identifier(loss.name)
    digits, currency = incident.loss_digits, incident.loss_currency
    amount = amount_sql(f"trim({cell})", formats, digits=digits, scale=scale, currency=currency)
    exact = control_totals(warehouse, incident, {name: scale}, file="0", amount=amount, source="text_rows")
    return schema_of("claims_amounts").whole(exact, incident.locale("en").places)


def _first_rows(warehouse: Warehouse, columns: list[Column]) -> pl.DataFrame:
    cells = ", ".join(f"c{at}" for at in range(len(columns)))
    frame = warehouse.frame(queries.load("first_rows", columns=cells, most=str(MAX_EXAMPLES)))
    hidden = {f"{at} {mask_personal_data(c.header)}": c.hidden for at, c in enumerate(columns, start=1)}
    frame.columns = ["row", *hidden]
    frame = frame.with_columns(pl.col(pl.String).map_elements(mask_personal_data, return_dtype=pl.String))
    return frame.with_columns(
        pl.when(pl.col(name) != "").then(pl.lit(why)).otherwise(pl.col(name)).alias(name)
        for name, why in hidden.items()
        if why
    )


def _unknown_names(column_by_name: Mapping[str, Column], incident: Incident) -> pl.DataFrame:
    rows: list[tuple[str, str, int, str | None]] = []
    for name, items in incident.named_items.items():
        aliases = [way for item in items for way in item.known_names]
        may_list = name in column_by_name and column_by_name[name].reads_as != "free text"
        texts = column_by_name[name].texts.iter_rows() if may_list else ()
        known = incident.known_ids[name]
        unknown = [(text, count) for text, count in texts if normalized_name(text) not in known]
        rows += [
            (name, mask_personal_data(t), count, likely_typo_of(t, aliases))
            for t, count in unknown[: 2 * MAX_EXAMPLES]
        ]
    return schema_of("claims.unknown_names").frame(rows)


WIDTH = 78
"""Most characters of a comment line."""


def _layout_document(
    name: str,
    columns: list[Column],
    choices: Mapping[str, Choice],
    known_layout: Layout,
    incident: Incident,
    unit: str | None,
) -> str:
    positions = {name: choice.position for name, choice in choices.items() if choice.position is not None}
    pattern = name if masked_name(name) == name else f"*{PurePath(name).suffix}"
    settings = {
        k: getattr(known_layout, k)
        for k in ("encoding", "delimiter", "quote", "escape", "header_row", "sheet")
    }
    known = {*positions, *incident.constants, *known_layout.constants}
    dimension_ids = {d.id for d in incident.dimensions}
    unknown = [c for c in required_columns(incident) if c in dimension_ids - known]
    constants = dict.fromkeys(unknown, "") | known_layout.constants
    missing = {
        c: columns[at].missing_words for c, at in positions.items() if c not in ("service", "claimant_type")
    }
    numbers = [d.id for d in incident.dimensions if d.is_number]
    amounts = [c for c in ("loss", *numbers) if c in positions]
    scales: dict[str, Decimal | float] = {
        c: columns[positions[c]].scale for c in amounts if columns[positions[c]].scale != 1
    }
    if unit and "loss" in positions:
        scales["loss"] = unit_multiplier(unit)
    scales |= known_layout.scale
    computed = _computed_columns(columns, choices, known_layout, incident)
    lines = [
        *(f"{k} = {toml_value(v)}" for k, v in {"files": pattern, **settings}.items() if v is not None),
        *_missing_lines(missing, known_layout),
        *("", "[columns]"),
        *(line for column, choice in choices.items() for line in _column_lines(column, choice, columns)),
        *("", "[formats]", *_format_lines(columns, positions, amounts, known_layout)),
        *_section("[scale]", [f"{c} = {scale}" for c, scale in scales.items()]),
        *_section(
            "[computed] # columns that the file does not have",
            [f"{c} = {toml_value(parts)}" for c, parts in computed.items()],
        ),
        *_section(
            '[constants] # no such column; "" is unknown',
            [f"{c} = {toml_value(value)}" for c, value in constants.items()],
        ),
    ]
    return "\n".join(lines) + "\n"


def _section(title: str, lines: Sequence[str]) -> Sequence[str]:
    return ["", title, *lines] if lines else []


def _format_lines(
    columns: list[Column], positions: Mapping[str, int], amounts: Sequence[str], known_layout: Layout
) -> list[str]:
    lines: list[str] = []
    days = [c for c in ("filed_on", FILED_AT) if c in positions]
    format_choices = {c: columns[positions[c]].amount for c in amounts}
    format_choices |= {c: columns[positions[c]].day for c in days}
    for column, format_choice in format_choices.items():
        if format_choice.tied and column not in known_layout.formats:
            either = " or ".join(f'["{name}"]' for name in format_choice.tied)
            lines += [f"# {column} = {either}?", *_comment_lines(format_choice.reason)]
    formats = {c: choice.formats for c, choice in format_choices.items()} | known_layout.formats
    return [*lines, *(f"{c} = {toml_value(names)}" for c, names in formats.items() if names)]


def _computed_columns(
    columns: list[Column], choices: Mapping[str, Choice], known_layout: Layout, incident: Incident
) -> Mapping[str, object]:
    computed, layout = dict(known_layout.computed), known_layout.merged_over(incident)
    given = layout.header_positions([c.header for c in columns], ["claim_id"]) or layout.constants.keys()
    choice = choices.get("claim_id")
    if choice is not None and choice.position is None and not choice.tied and "claim_id" not in given:
        computed.setdefault("claim_id", ROW_ID)
    return computed


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
