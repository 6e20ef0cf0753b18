"""Validate the rows that are stored as text, and create the tables of claims, rejects and input files."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from outage_analysis.claims import cell_values, queries
from outage_analysis.claims.cell_values import (
    EXACT_COPY,
    REPEATED_HEADER,
    REPEATED_ID,
    SAME_COMPLAINT,
    UNREADABLE,
    broken_rules_sql,
)
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.read_files import MOMENT, InputFiles, column_types, reject_texts, shift_sql
from outage_analysis.claims.source_file import MIN_HEADER_COLUMNS, required_columns, second_table_error
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import (
    COUNT,
    FILED_AT,
    UNIT_PATTERN,
    Incident,
    Layout,
    normalized_name,
    unit_multiplier,
)
from outage_analysis.text import (
    CURRENCY,
    SHORT_NOTATIONS,
    check_one_currency,
    has_time_sql,
    line_number,
    mask_personal_data,
    rows_by_currency,
    scale_remedy,
    schema_of,
)


def create_claims_view(warehouse: Warehouse, incident: Incident) -> None:
    """Create the SQL views of all accepted claims with the names of their files.

    Users query `claims`, which has amounts in whole currency; the package queries `exact_claims`, which has
    them in the smallest unit. Times of filing are in the time zone of the incident. Queries can read no file
    any more.
    """
    # Except in the folder of the warehouse.
    warehouse.run("set enable_external_access = false")
    warehouse.run(f"set TimeZone = {quote_literal(incident.time_zone)}")
    names = warehouse.frame("from files order by file_number")["file"]
    files = f"[{', '.join(map(quote_literal, names))}]"
    columns = dimension_columns(incident)
    warehouse.view("exact_claims", queries.load("exact_claims", dimensions=columns, files=files))
    places = {"loss": incident.loss_digits, incident.paid: incident.minor_units}
    amounts = ((quote_identifier(name), 10**n) for name, n in places.items() if name and n)
    whole = ", ".join(f"{name} / {unit} as {name}" for name, unit in amounts)
    warehouse.view("claims", queries.load("claims", whole=whole and f"replace ({whole})"))


def reconciliation_table(warehouse: Warehouse) -> pl.DataFrame:
    """Return how many rows of each input file became claims and rejects: file, rows, claims, rejects."""
    return warehouse.frame(queries.load("reconciliation"))


def control_totals(
    warehouse: Warehouse,
    incident: Incident,
    files: Mapping[str, Decimal | float],
    *,
    file: str = "file_number",
    amount: str = "loss",
    source: str = "accepted",
) -> pl.DataFrame:
    """Return the table `claims_amounts` for the claims of a warehouse, or for the rows of one file.

    Args:
        warehouse: the warehouse.
        incident: the incident, which states the unit of the losses.
        files: name of each file -> its scale.
        file: SQL for the number of the file of a row; by default of a claim.
        amount: SQL for the loss of a row.
        source: the table of the rows.
    """
    query = queries.load("control_totals", file=file, amount=amount, source=source)
    found = {number: sums for number, *sums in warehouse.frame(query).rows()}
    rows = [
        (name, *found.get(number, (0, None, None, None, None)), incident.loss.unit, float(scale))
        for number, (name, scale) in enumerate(files.items())
    ]
    return schema_of("claims_amounts").frame(rows)


def dimension_columns(incident: Incident) -> str:
    """Return the SQL list of the columns that the incident adds (dimensions), each after a comma."""
    return "".join(f", {quote_identifier(d.id)}" for d in incident.dimensions)


TEXT_COLUMNS = ("service", "claimant_type", "filed_on", "loss")
"""The columns of a claim whose text is kept beside its value, as raw_<column>."""


def check_rows(warehouse: Warehouse, incident: Incident, files: InputFiles) -> None:
    """Check the rules on the rows in `text_rows`, and create the table `checked_rows`.

    It has these rows with their values and the rules that they break. The tables `text_rows` and
    `parsed_rows` are removed at the end.

    The fast path has already accepted the rows of `typed_rows` in which `ok` is true.

    Raises:
        InputRefused: a file contains the header of another table between its rows, a row that states the
            unit of the losses, or rows in another currency.
    """
    if incident.loss_currency:
        _check_currencies(warehouse, incident, files)
    _parse_rows(warehouse, incident, files)
    for number, row, text in warehouse.frame(queries.load("unit_texts")).iter_rows():
        if UNIT_PATTERN.search(text.strip()) and "loss" not in files.layouts[number].scale:
            raise InputRefused(
                "says a unit among its losses",
                file=files.inputs[number].name,
                row=row,
                column="loss",
                value=mask_personal_data(text),
                remedy=scale_remedy(unit_multiplier(text)),
            )
    inputs = {"repeated_headers": _repeated_headers(warehouse, incident, files)}
    query = queries.load(
        "checked_rows",
        header_again=quote_literal(REPEATED_HEADER),
        broken=broken_rules_sql(incident),
        dimensions=dimension_columns(incident),
        copy=quote_literal(EXACT_COPY),
        repeated=quote_literal(REPEATED_ID),
        key=SAME_COMPLAINT,
    )
    warehouse.create("checked_rows", query, inputs=inputs, negative=incident.loss.negative)
    warehouse.run("drop table parsed_rows")
    warehouse.run("drop table text_rows")
    if files.count_claims:
        warehouse.create("files", queries.load("counted_rows"))
        claims = warehouse.frame("from files")["rows"].sum()
        if claims > MAX_CLAIMS:
            raise InputRefused(
                f"the rows stand for {claims:,} claims, more than {MAX_CLAIMS:,}",
                column=COUNT,
                remedy="Check that the column counts claims.",
            )


def create_rejects(warehouse: Warehouse, files: InputFiles) -> None:
    """Create the table `rejects`: rows that break a rule, and unreadable records, with their raw text."""
    located = {"located": reject_texts(warehouse, files.texts)}
    checked_rows = _as_claims("checked_rows", files)
    query = queries.load("rejects", unreadable=quote_literal(UNREADABLE), checked_rows=checked_rows)
    warehouse.create("rejects", query, inputs=located)


def create_claims(warehouse: Warehouse, incident: Incident, files: InputFiles) -> None:
    """Create the views `accepted` and `claims`: typed rows, checked rows without error."""
    types, typed = column_types(incident), warehouse.frame("from typed_rows limit 0").columns
    query = queries.load(
        "accepted",
        dimensions=dimension_columns(incident),
        fast_dimensions=queries.listed_sql(
            {d.id: f"cast({quote_identifier(d.id)} as {types[d.id]})" for d in incident.dimensions}
        ),
        fast_filed_at=FILED_AT if FILED_AT in typed else f"cast(null as {types[FILED_AT]})",
        shift=shift_sql("file_number", files.typed),
        marked=cell_values.IS_SYNTHETIC,
        claim_id="claim_id || '#' || copy as claim_id" if files.count_claims else "claim_id",
        typed_rows=_as_claims("typed_rows", files),
        checked_rows=_as_claims("checked_rows", files),
    )
    warehouse.view("accepted", query)
    create_claims_view(warehouse, incident)


MAX_CLAIMS = 100_000_000
"""Most claims for which the rows of a run may stand."""


def _as_claims(table: str, files: InputFiles) -> str:
    """Return the SQL of a table in which each row comes as often as the claims it stands for."""
    if not files.count_claims:
        return table
    place = "rowid, " if table == "typed_rows" else ""
    return f"({queries.load('rows_as_claims', place=place, table=table)}) as {table}"


def _parse_rows(warehouse: Warehouse, incident: Incident, files: InputFiles) -> None:
    dimensions = [d.id for d in incident.dimensions]
    columns = (*cell_values.IDS, *TEXT_COLUMNS, FILED_AT, COUNT, *dimensions)
    found = warehouse.frame(queries.load("spellings_found"), blanks=cell_values.BLANKS).rows()
    rows = [(column, raw, incident.known_ids[column].get(normalized_name(raw))) for column, raw in found]
    schema = dict.fromkeys(("list", "raw", "id"), pl.String)
    spellings = pl.DataFrame(rows, schema=schema, orient="row").drop_nulls("id")
    add_rows = warehouse.create
    for (layout, midnight, timed, own_column), numbers in _files_by_layout(warehouse, files):
        moment = f"cast(null as {MOMENT})"
        if timed:
            moment = cell_values.filed_at_sql(incident, own_column=own_column, midnight=midnight)
        texts = {
            c if c in cell_values.IDS else f"raw_{c}": cell_values.stated_text_sql(c, layout.missing)
            for c in columns
        }
        day = cell_values.filed_at_day_sql(incident, layout) if own_column else "cast(null as date)"
        values = {c: cell_values.value_sql(c, incident, layout) for c in ("filed_on", "loss", *dimensions)}
        values |= {COUNT: cell_values.count_sql(layout), cell_values.FILED_AT_DAY: day}
        query = queries.load(
            "parsed_rows",
            files=", ".join(numbers),
            filed_at=moment,
            texts=queries.listed_sql(texts),
            values=queries.listed_sql(values),
        )
        add_rows("parsed_rows", query, inputs={"spellings": spellings})
        add_rows = warehouse.append


def _files_by_layout(
    warehouse: Warehouse, files: InputFiles
) -> list[tuple[tuple[Layout, bool, bool, bool], list[str]]]:
    """Return groups of files whose rows are parsed by the same SQL, with the numbers of these files.

    The SQL depends on the layout; on `midnight`, whether 00:00 is a time of day and not just a date; on
    `timed`, whether a row may contain a time; and on whether a row has a value in the column `filed_at`.
    """
    time = f"{has_time_sql('filed_on', SHORT_NOTATIONS)} or {has_time_sql(FILED_AT, SHORT_NOTATIONS)}"
    counts = {number: row for number, *row in warehouse.frame(queries.load("stated_times", time=time)).rows()}
    keys = []
    for number, layout in enumerate(files.layouts):
        rows, timed, own = counts.get(number, (0, 0, 0))
        typed = files.typed.get(number)
        midnight = timed > cell_values.MANY_SHARE * rows if typed is None else typed.times
        keys.append((layout, midnight, midnight or timed > 0, own > 0))
    first = {keys.index(key): key for key in keys}
    return [(key, [str(n) for n, other in enumerate(keys) if other == key]) for key in first.values()]


def _repeated_headers(warehouse: Warehouse, incident: Incident, files: InputFiles) -> pl.DataFrame:
    columns = required_columns(incident)
    header_words = {s for layout in files.layouts for c in columns for s in layout.spellings(c)}
    unread = warehouse.frame(queries.load("unread_texts")).drop_nulls()
    found = unread.filter([normalized_name(text) in header_words for text in unread["raw"]])
    cells = ", ".join(c if c in cell_values.IDS else quote_identifier(f"raw_{c}") for c in columns)
    query, repeated = queries.load("header_rows", cells=cells), []
    rows = warehouse.frame(query, inputs={"header_words": found}).rows() if len(found) else []
    for number, row, offset, *texts in rows:
        spellings = files.layouts[number].spellings
        matches = [
            (c, normalized_name(t))
            for c, t in zip(columns, texts, strict=True)
            if t and normalized_name(t) in header_words
        ]
        if len(matches) < MIN_HEADER_COLUMNS:
            continue
        if not all(word in spellings(column) for column, word in matches):
            line = line_number(files.texts[number], offset) if number in files.texts else None
            raise second_table_error(files.inputs[number].name, row, line)
        repeated.append((number, row))
    keys = {"file_number": pl.Int64, "source_row": pl.Int64}
    return pl.DataFrame(repeated, schema=keys, orient="row")


def _check_currencies(warehouse: Warehouse, incident: Incident, files: InputFiles) -> None:
    """Check the column that names the currency of a row. `typed_rows` has only rows in the right currency."""
    texts: dict[int, dict[str, int]] = {}
    for number, text, rows in warehouse.frame(queries.load("currencies")).iter_rows():
        texts.setdefault(number, {})[text] = rows
    for number, of_file in texts.items():
        missing = {*cell_values.MISSING_WORDS, *map(str.casefold, files.layouts[number].missing)}
        rows_of = rows_by_currency(of_file, missing)
        typed = files.typed.get(number)
        others = 0 if typed is None else typed.row_numbers.rows - sum(of_file.values())
        if others and rows_of.keys() - {incident.loss_currency}:
            own = rows_of.pop(incident.loss_currency, 0) + others
            rows_of[f"{incident.loss_currency} or none"] = own
        check_one_currency(rows_of, incident.loss_currency, file=files.inputs[number].name, column=CURRENCY)
