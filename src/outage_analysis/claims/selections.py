"""Derive claims from claims: only some of them, or with further columns. No row is copied to Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.cell_values import IDS
from outage_analysis.claims.readers.parquet import DataFrame, polars_frame
from outage_analysis.claims.validation import create_claims_view, reconciliation_table
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import UsageError, one_line
from outage_analysis.files import Name, likely_typo_of, spelling_hint
from outage_analysis.incidents import RESERVED, Dimension, Incident, claim_columns, normalized_name
from outage_analysis.text import in_smallest_units, mask_personal_data

if TYPE_CHECKING:
    from outage_analysis.claims.claims_and_rejects import Claims

FIRST_DAY, LAST_DAY = "filed_from", "filed_to"
"""Conditions of `filter` that are not columns: the first and the last filing day."""
SEGMENT = "segment"
"""A reserved name that `join` allows nevertheless, because customer tables often have this column. Only
`payments` needs the name, and refuses a cube with such a dimension."""
MAX_LISTED, MAX_SELECTION = 5, 40
"""Most values of a condition that its description lists, and the characters of each."""
CLAIMANT = "coalesce(claimant_id, claim_id)"
"""SQL of the claimant of a claim, as in the table `claims`."""


def filter_claims(claims: Claims, conditions: Mapping[str, object]) -> Claims:
    """Return the claims that meet all conditions; `Claims.filter` describes them.

    Raises:
        UsageError: there is no condition, a column does not exist, or no claim can have a value.
    """
    known = [*claim_columns(claims.incident), FIRST_DAY, LAST_DAY]
    if not conditions:
        raise UsageError("filter has no condition", remedy='Name one, such as service="...".')
    parts, described = [], []
    for column, value in conditions.items():
        if column not in known:
            raise UsageError("claims have no such column", value=column, remedy=spelling_hint(column, known))
        if column in (FIRST_DAY, LAST_DAY):
            day, sign = _day(column, value), ">=" if column == FIRST_DAY else "<="
            parts.append(f"filed_on {sign} date {quote_literal(day.isoformat())}")
            described.append(f"filed_on {'from' if column == FIRST_DAY else 'to'} {day.isoformat()}")
            continue
        given = list(value) if isinstance(value, list | tuple | set | frozenset | pl.Series) else [value]
        values = _claim_values(claims, column, given)
        wanted = [str(v) if isinstance(v, int) else quote_literal(str(v)) for v in values if v is not None]
        either_of = [f"{_column(column)} in ({', '.join(wanted)})"] if wanted else []
        either_of += [f"{_column(column)} is null"] if None in values else []
        parts.append(f"({' or '.join(either_of)})" if either_of else "false")
        described.append(f"{column} = {_described(column, values)}")
    warehouse = Warehouse(claims.warehouse)
    source = claims.warehouse.qualified("accepted")
    warehouse.view("accepted", queries.load("selected_claims", source=source, condition=" and ".join(parts)))
    return _derived(claims, warehouse, claims.incident, "; ".join(described))


def join_claims(claims: Claims, source: DataFrame, on: str, how: str) -> Claims:
    """Return the claims with the columns of a frame as text dimensions; `Claims.join` describes it.

    Raises:
        UsageError: the frame does not have one row per value of `on`, a column cannot be a dimension, or no
            claim has a row in the frame.
    """
    if how not in ("left", "inner"):
        raise UsageError("no such kind of join", value=how, remedy='Write "left" or "inner".')
    frame = polars_frame(source)
    numbers = [d.id for d in claims.incident.dimensions if d.is_number]
    keys = [c for c in claim_columns(claims.incident) if c not in ("loss", *numbers)]
    if on not in keys:
        raise UsageError("claims cannot be joined on this column", value=on, remedy=spelling_hint(on, keys))
    if on not in frame.columns:
        remedy = spelling_hint(on, frame.columns) if frame.columns else ""
        raise UsageError("the frame has no such column", value=on, remedy=remedy)
    added = [name for name in frame.columns if name != on]
    if not added:
        raise UsageError(f"the frame has no column besides {on}", remedy="Add the columns to join.")
    for name in added:
        _check_new_dimension(name, claims.incident)
    keyed = frame.select(_as_text(frame, on).alias("joined_key"), *(_as_text(frame, name) for name in added))
    keyed = keyed.filter(pl.col("joined_key").is_not_null())
    repeated = keyed.filter(pl.col("joined_key").is_duplicated())["joined_key"]
    if len(repeated):
        raise UsageError(
            f"the frame has {repeated.n_unique():,} values of {on} twice, which would multiply claims",
            column=on,
            value=mask_personal_data(repeated[0]),
            remedy=f'Keep one row per value: frame.unique("{on}").',
        )
    warehouse = Warehouse(claims.warehouse)
    warehouse.load("joined", keyed)
    query = queries.load(
        "joined_claims",
        source=claims.warehouse.qualified("accepted"),
        columns="".join(f", joined.{quote_identifier(name)}" for name in added),
        key=f"cast({_column(on)} as varchar)",
        how=how,
    )
    # A table, not a view: the join would otherwise run again in every query.
    warehouse.create("accepted", query)
    matched = warehouse.frame(queries.load("matched_claims", key=f"cast({_column(on)} as varchar)")).item()
    if len(claims) and not matched:
        raise UsageError(
            f"no claim has a value of {on} that the frame contains", column=on, remedy="Compare both columns."
        )
    dimensions = (*claims.incident.dimensions, *(Dimension(id=n, name=Name(en=n)) for n in added))
    incident = claims.incident.model_copy(update={"dimensions": dimensions})
    names = ", ".join(added)
    left_out = ", only claims in both" if how == "inner" else ""
    return _derived(claims, warehouse, incident, f"{names} joined on {on}{left_out}")


def _derived(claims: Claims, warehouse: Warehouse, incident: Incident, selection: str) -> Claims:
    """Return the claims of a derived warehouse, whose table `accepted` exists; it has no rejects."""
    parent = claims.warehouse
    warehouse.create("files", queries.load("derived_files", source=parent.qualified("files")))
    warehouse.view(
        "noted",
        queries.load(
            "derived_noted", source=parent.qualified("noted"), accepted=warehouse.qualified("accepted")
        ),
    )
    warehouse.view("rejects", queries.load("no_rejects", source=parent.qualified("rejects")))
    create_claims_view(warehouse, incident)
    return replace(
        claims,
        incident=incident,
        warehouse=warehouse,
        files=reconciliation_table(warehouse),
        skipped=(),
        selection="; ".join(filter(None, (claims.selection, selection))),
    )


def _column(name: str) -> str:
    """Return the SQL of a column of the claims, as the table `claims` shows it."""
    return CLAIMANT if name == "claimant_id" else quote_identifier(name)


def _described(column: str, values: Sequence[object]) -> str:
    if column in IDS:
        return f"{len(values):,} values"
    texts = [
        "(not stated)" if v is None else one_line(mask_personal_data(str(v)), MAX_SELECTION) for v in values
    ]
    rest = f" and {len(texts) - MAX_LISTED:,} more" if len(texts) > MAX_LISTED else ""
    return ", ".join(texts[:MAX_LISTED]) + rest


def _claim_values(claims: Claims, column: str, given: Sequence[object]) -> list[str | int | date | None]:
    incident = claims.incident
    numbers = {"loss": incident.loss_digits} | {
        d.id: incident.minor_units if d.kind == "paid" else 0 for d in incident.dimensions if d.is_number
    }
    if column in incident.named_items:
        return [None if value is None else _known_id(incident, column, value) for value in given]
    if column == "filed_on":
        return [None if value is None else _day(column, value) for value in given]
    if column in numbers:
        return [None if value is None else _whole_number(column, value, numbers[column]) for value in given]
    texts = [None if value is None else str(value) for value in given]
    wanted = [text for text in texts if text is not None]
    query = queries.load("missing_texts", name=_column(column))
    for missing in claims.warehouse.frame(query, values=wanted)["value"] if wanted else ():
        masked = mask_personal_data(missing)
        if column in IDS:
            raise UsageError(f"no claim has this {column}", column=column, value=masked)
        close = likely_typo_of(missing, claims.distinct_texts(column).sort()[:MAX_COMPARED].to_list())
        remedy = f"Did you mean '{mask_personal_data(close)}'?" if close else ""
        raise UsageError("no claim has this value", column=column, value=masked, remedy=remedy)
    return list(texts)


def _known_id(incident: Incident, column: str, value: object) -> str:
    if id_ := incident.known_ids[column].get(normalized_name(str(value))):
        return id_
    names = [name for item in incident.named_items[column] for name in (item.id, *item.known_names)]
    remedy = spelling_hint(str(value), names, likely_typo_of)
    raise UsageError(f"{column} is not known", column=column, value=value, remedy=remedy)


MAX_COMPARED = 1_000
"""Most values of a text dimension that are compared with a misspelt one."""


def _day(column: str, value: object) -> date:
    """Return a date, or an ISO text such as 2022-10-19, as a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise UsageError(
            "is not a day", column=column, value=value, remedy="Write it as 2022-10-19, or give a date."
        ) from None


def _whole_number(column: str, value: object, digits: int) -> int:
    whole = in_smallest_units(value, digits)
    if whole is None:
        kind = f"an amount with up to {digits} decimals" if digits else "a whole number"
        raise UsageError(f"is not {kind}", column=column, value=value)
    return whole


def _as_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column of a frame as text as complaint files contain it: stripped, null if empty.

    Raises:
        UsageError: the column contains decimals or other values that are no categories.
    """
    dtype = frame.schema[name]
    words = (pl.String, pl.Boolean, pl.Date, pl.Categorical, pl.Null, pl.Enum)
    if not (dtype.is_integer() or dtype in words):
        raise UsageError(
            f"a column of type {dtype} cannot be a text dimension of the claims",
            column=name,
            remedy="Cut the numbers into bands, or cast the column to text.",
        )
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def _check_new_dimension(name: str, incident: Incident) -> None:
    if name in claim_columns(incident):
        problem = "the claims already have a column of this name"
    elif (name in RESERVED and name != SEGMENT) or name.startswith("raw_"):
        problem = "the name of the column is reserved"
    else:
        try:
            Dimension(id=name, name=Name(en=name))
        except ValueError:
            problem = "the name of the column is not an id of lower-case letters, digits, - and _"
        else:
            return
    raise UsageError(problem, value=name, remedy=f'Rename it: frame.rename({{"{name}": "..."}}).')
