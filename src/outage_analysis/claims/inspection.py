"""Inspect unknown complaint files: derive their incident, or propose a layout (TOML) with reasons."""

from __future__ import annotations

import itertools
import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Literal

import polars as pl

from outage_analysis.claims import header_words
from outage_analysis.claims.cell_values import MISSING_WORDS
from outage_analysis.claims.inspected_columns import (
    CHOICE_ORDER,
    CONSEQUENCES,
    SAME_SHAPE,
    Choice,
    Column,
    TextColumns,
    certain_formats,
    choose_columns,
    header_is_a_complaint,
    quote_header,
)
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.read_files import expand_paths
from outage_analysis.claims.source_file import OPTIONAL_COLUMNS
from outage_analysis.claims.structured_files import Sources, source_paths
from outage_analysis.claims.validation import control_totals
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import InputRefused, UsageError, either
from outage_analysis.files import bundled_ids, spelling_hint, toml_value, usage_errors
from outage_analysis.incidents import (
    CANONICAL_COLUMNS,
    COUNT,
    FILED_AT,
    ROW_ID,
    Incident,
    Layout,
    claim_columns,
    layout_for,
    normalized_name,
    unit_multiplier,
    with_encoding,
)
from outage_analysis.policies import decimal_places
from outage_analysis.text import (
    AMOUNTS,
    CURRENCY_HEADERS,
    CURRENCY_WORDS,
    DATES,
    DECIMALS,
    LANGUAGES,
    MAX_SCALE,
    UNKNOWN_CURRENCY,
    Locale,
    amount_sql,
    check_one_currency,
    checked_scale,
    find_personal_data,
    mask_personal_data,
    masked_name,
    parse_day,
    rows_by_currency,
    schema_of,
    stated_unit,
)

NAMED = {"service": "service", "claimant_type": "type"}
"""The columns whose values are names in the incident, with the beginning of numbered ids."""
DECIDED = ("decision", "paid")
"""The columns for the status of a claim and for the amount paid."""
AMOUNTS_READ = ("loss", "paid")
"""The columns of amounts."""
MAX_LISTED = 12
"""Most headers that an error lists."""
RESERVED_IDS = ("tiers",)
"""Ids that services and claimant types must not have, because the cost line of stated tiers has this id."""
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)
"""The days that a complaint may have before its claims window is known."""
TIME_ZONES = {"KRW": "Asia/Seoul", "JPY": "Asia/Tokyo"}
"""Currency -> the default time zone of its incidents. Other incidents use UTC."""


def incident_from_files(  # noqa: PLR0913 - what files may not state
    paths: Sources,
    *,
    currency: str = "",
    loss_unit: str = "",
    scale: float | None = None,
    rows: str | None = None,
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
    formats: Mapping[str, str | Sequence[str]] | None = None,
    missing: Sequence[str] = (),
    constants: Mapping[str, str] | None = None,
    computed: Mapping[str, Sequence[str]] | None = None,
    service: str = "",
    loss: Literal["stated"] | None = "stated",
    count: str = "",
    dimensions: Sequence[str] = (),
    time_zone: str = "",
    layouts: Sequence[Layout] = (),
) -> Incident:
    r"""Derive an incident from complaint files: its services, claimant types, claims window and currency.

    The outage is named after the days of its complaints, and its id after the first file. It starts with the
    first day of a complaint; `scaffold` writes a file in which you can state another start. The claims window
    goes from the first to the last day of a complaint. If the files have no column for the claimant type,
    there is one type, `claimant`.

    Args:
        paths: complaint files, folders or patterns, or a data frame.
        currency: ISO code of the currency of losses and payments. By default the currency that the header or
            the values of the loss state, such as `loss (EUR)` or `12,000원`.
        loss_unit: the unit of losses if they are not money, such as minutes; `currency` is then the currency
            of payments.
        scale: how many units of currency (or of `loss_unit`) an amount of 1 in the files stands for: 1000 if
            losses are in thousands. By default 1, or what the header of the loss says, such as
            `loss (EUR thousands)`.
        rows: what a row is: `complaints`, `filed` (claims) or `accepted` (claims); by default complaints. In
            files with a column of decisions (filed, accepted, refused, paid), each row is what it says.
        encoding: the encoding of text files, such as "gbk", if it cannot be told from their bytes.
        columns: column of a claim -> its header in the files, such as {"service": "Product"}, if the header
            is not recognised.
        formats: column of a claim -> the format of its days or amounts, such as {"filed_on": "dmy"}, if the
            values fit several formats; or a list of formats, if the values have several.
        missing: texts that stand for a missing value, such as ["k.A.", "-"].
        constants: column of a claim -> its value in every row, such as {"claimant_type": "business"}, if the
            files have no such column.
        computed: column of a claim -> the headers whose texts are joined to it, such as {"filed_on": ["date",
            "time"]}; {"loss": ["due", "arrived"]} is the time between both if `loss_unit` is seconds, minutes
            or hours; {"claim_id": "row"} makes ids from the names of the files and the rows.
        service: the service of every row, if the files have no column for it.
        loss: None if the files have no column of losses; then no claim states one.
        count: the header of the column that says how many claims a row stands for, such as "Passengers". The
            file is read as if the row were written so often, with the same loss each time. Such rows name no
            claimants.
        dimensions: headers of further columns that become dimensions of the claims, such as ["region"].
        time_zone: IANA name; by default Asia/Seoul for won, Asia/Tokyo for yen, otherwise UTC.
        layouts: how files are written, such as `Layout(header_row=0)` for files without a header. What a
            single layout says about columns, formats, missing values, constants and computed columns counts
            as an argument.

    Raises:
        UsageError: the files do not state the currency, or a column is not recognised, and no argument states
            it.
        InputRefused: a file cannot be read, or it has no days or too many different services; or what its
            header or a column says about the currency, the scale or the unit of losses contradicts the
            arguments, or is not understood.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> text = "claim_id,service,filed_on,loss (EUR)\n1,App,2026-01-15,12.50\n2,Web,2026-01-16,3.00\n"
        >>> with TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "complaints.csv").write_text(text)
        ...     incident = incident_from_files(Path(folder) / "complaints.csv")
        >>> incident.currency, [service.id for service in incident.services], str(incident.claims_to)
        ('EUR', ['app', 'web'], '2026-01-16')
    """
    if scale is not None and not 0 < scale <= MAX_SCALE:
        raise UsageError(
            f"the scale is not a number above 0 and up to {MAX_SCALE:,}",
            value=scale,
            remedy="State how many units an amount of 1 stands for, such as 1000 if losses are in thousands.",
        )
    if currency and not re.fullmatch("[A-Z]{3}", currency):
        raise UsageError(
            "the currency is no code of three capital letters", value=currency, remedy="Write EUR."
        )
    dimension_ids: dict[str, str] = {}
    for number, header in enumerate(dimensions, start=1):
        id_ = identifier(header, "_") or f"dimension_{number}"
        if id_ in dimension_ids:
            raise UsageError("two dimensions have the same id", value=header, remedy="Rename one column.")
        dimension_ids[id_] = header
    # One layout is for all files, so what it says counts as if the arguments said it.
    layout = layouts[0] if len(layouts) == 1 else Layout()
    named = {name: headers[0] for name, headers in layout.columns.items()} | dict(columns or {})
    named |= {COUNT: count} if count else {}
    fixed = ({"service": service} if service else {}) | ({"loss": ""} if loss is None else {})
    by_column = {name: (x,) if isinstance(x, str) else tuple(x) for name, x in (formats or {}).items()}
    parts = {name: x if x == ROW_ID else tuple(x) for name, x in (computed or {}).items()}
    stated: dict[str, Any] = {
        "time_zone": time_zone,
        "loss": {"name": LOSS_NAME, "unit": loss_unit} if loss_unit else {},
        "rows": rows,
        "encoding": encoding,
        "scale": {} if scale is None else {"loss": scale},
        "columns": {n: (header,) for n, header in (named | dimension_ids).items() if n not in DECIDED},
        "formats": layout.formats | by_column,
        "missing": (*layout.missing, *((missing,) if isinstance(missing, str) else missing)),
        "constants": {**layout.constants, **(constants or {}), **fixed},
        "computed": layout.computed | parts,
        "dimension": tuple({"id": id_, "name": {"en": text}} for id_, text in dimension_ids.items()),
    }
    with source_paths(paths) as sources:
        files, _ = expand_paths(sources)
        if not files:
            raise UsageError("no file of complaints was named", remedy="Name at least one.")
        name = files[0].stem
        draft = _draft(name, currency, stated)
        names, texts = Counter(path.name for path in files), list[TextColumns]()
        for path in files:
            known = layout_for(path.name, layouts, draft)
            text = TextColumns.read(path, draft, known)
            _check_has_rows_below_a_header(text, draft, known)
            # If two files in different folders have the same name, messages give their paths.
            texts.append(replace(text, file=str(path)) if names[path.name] > 1 else text)
        found = {normalized_name(header): header for text in texts for header in text.format.headers}
        joined = itertools.chain(*(headers for headers in parts.values() if headers != ROW_ID))
        for header in (*(columns or {}).values(), *filter(None, [count]), *joined):
            if normalized_name(header) not in found:
                hint = spelling_hint(header, [*found.values()])
                raise UsageError("no file has this column", value=header, remedy=hint)
        if not currency:
            draft = _draft(name, _currency_of(texts, draft), stated)
        decided = {name: (named[name],) for name in DECIDED if name in named}
        return _derived(name, texts, draft, stated, decided)


def _check_has_rows_below_a_header(text: TextColumns, draft: Incident, layout: Layout) -> None:
    name, headers = masked_name(text.file), text.format.headers
    if not text.warehouse.count("text_rows"):
        unreadable = text.warehouse.count("unreadable")
        raise InputRefused(
            f"has {unreadable:,} rows, none of which can be read"
            if unreadable
            else "has a header and no rows",
            file=name,
        )
    may_be_complaint = layout.header_row is None and any(c.isdigit() for header in headers for c in header)
    if not may_be_complaint or any(header_words.means("loss", header, DECIMALS) for header in headers):
        return
    if header_is_a_complaint(text.columns(draft)):
        raise InputRefused(
            "has a complaint in place of the names of its columns",
            file=name,
            row=text.format.header_row,
            remedy="Write the names of the columns above it, such as claim_id,service,filed_on,loss.",
        )


def _draft(name: str, currency: str, stated: Mapping[str, Any]) -> Incident:
    """Return an incident with the stated values of its document, and with placeholders for the rest."""
    currency, id_ = currency or UNKNOWN_CURRENCY, identifier(name) or "outage"
    document = {
        "id": f"{id_}-claims" if id_ in bundled_ids("incidents") else id_,
        "name": {"en": name[:MAX_NAME_LENGTH]},
        "currency": currency,
        "minor_units": decimal_places(currency),
        "time_zone": TIME_ZONES.get(currency, "UTC"),
        "outage": {"start": datetime.combine(FIRST_DAY, time(), UTC)},
        "claims_from": FIRST_DAY,
        "claims_to": LAST_DAY,
        "window": "observed",
        "loss": {"name": LOSS_NAME, "unit": currency},
        "service": ({"id": "service", "name": {"en": "Service"}},),
        "claimant_type": (NO_TYPE,),
        "limits": (DERIVED_LIMIT,),
    }
    with usage_errors("the outage cannot be derived"):
        return Incident.model_validate(document | {key: value for key, value in stated.items() if value})


def _derived(
    name: str,
    files: Sequence[TextColumns],
    draft: Incident,
    stated: Mapping[str, Any],
    decided: Mapping[str, tuple[str, ...]],
) -> Incident:
    """Return the incident that files describe.

    Args:
        name: the name of the first file.
        files: the files.
        draft: what the caller states, with the currency.
        stated: the same as values of the incident's document.
        decided: `decision` and `paid`, where the caller names their headers -> these.
    """
    chosen = {file.file: _chosen_columns(file, draft, decided) for file in files}
    names = dict.fromkeys(name for of_file in chosen.values() for name in of_file)
    found = {name: {file: x[name] for file, x in chosen.items() if name in x} for name in names}
    if "decision" not in found:
        found.pop("paid", None)  # what was paid says nothing without the decisions
    for kind in (*NAMED, *DECIDED):
        needed = kind in found or (kind == "service" and kind not in draft.constants)
        for file in (file for file in files if needed and file.file not in found.get(kind, {})):
            raise _unrecognised(file, kind)
    known: dict[str, Any] = {"constants": dict(draft.constants)}
    used = {*RESERVED_IDS}
    for kind, prefix in NAMED.items():
        constant = draft.constants.get(kind, "")
        counts = Counter([constant]) if constant else _counted_names(found.get(kind, {}), kind)
        known[kind] = _items(counts, prefix, used) or (NO_TYPE,)
        known["constants"] |= {} if counts else {kind: NO_TYPE["id"]}
        used |= {item["id"] for item in known[kind]}
    kinds = tuple(
        {"id": kind, "name": {"en": kind.capitalize()}, "kind": kind} for kind in DECIDED if kind in found
    )
    headers = {name: {*named} for name, named in draft.columns.items()}
    for column_of in found.keys() - draft.computed.keys():
        headers.setdefault(column_of, set()).update(c.header for c in found[column_of].values())
    formats: dict[str, Sequence[str]] = {**draft.formats}
    for column_of, every in {"filed_on": DATES, **dict.fromkeys(AMOUNTS_READ, AMOUNTS)}.items():
        if column_of in found and column_of not in formats:
            read = {n for file, c in found[column_of].items() for n in certain_formats(column_of, c, file)}
            formats[column_of] = tuple(n for n in every if n in read)
    amounts = {name: found[name] for name in AMOUNTS_READ if name in found}
    scales = {(name, _scale_of(name, c, draft, f)) for name, of in amounts.items() for f, c in of.items()}
    if len(scales) > len(amounts):
        raise UsageError("files state losses in different units", remedy="Read them one by one.")
    # If two formats read a value as different days, both days count.
    days = [x for c in found.get("filed_on", {}).values() for x in c.first_and_last_day(formats["filed_on"])]
    if filed_on := draft.constants.get("filed_on"):
        days.append(parse_day(filed_on, "filed_on"))
    if not days:
        raise InputRefused("has no row with a day", file=masked_name(files[0].file))
    first, last = min(days), max(days)
    start = datetime.combine(first, time(), draft.zone)
    title = f"report.complaints_{'on' if first == last else 'from'}"
    locales = {lang: Locale(lang) for lang in LANGUAGES}
    described = {
        **known,
        "dimension": (*stated["dimension"], *kinds),
        "columns": {name: tuple(sorted(of)) for name, of in sorted(headers.items())},
        "formats": dict(sorted(formats.items())),
        "scale": {name: factor for name, factor in scales if factor != 1 or draft.scale},
        "name": {lang: x(title, first=x.day(first), last=x.day(last)) for lang, x in locales.items()},
        "claims_from": first,
        "claims_to": last,
        "limits": (DERIVED_LIMIT, *(() if "claimant_id" in headers else (NO_CLAIMANTS,))),
        "outage": {"start": start.replace(tzinfo=timezone(start.utcoffset() or timedelta()))},
    }
    return _draft(name, draft.currency, {**stated, **described})


def _chosen_columns(
    file: TextColumns, draft: Incident, decided: Mapping[str, tuple[str, ...]]
) -> dict[str, Column]:
    """Return the columns of a file that are recognised: column of a claim -> column of the file.

    Raises:
        UsageError: a column is missing, or several fit; no value of a column is a decision; or a column of
            amounts may be what was paid.
    """
    columns, name = file.columns(draft, draft.scale.get("loss")), masked_name(file.file)
    _check_currencies(columns, draft, file.file)
    layout = Layout(columns={**draft.columns, **decided}).merged_over(draft)
    choices = choose_columns(columns, layout, draft, (*CHOICE_ORDER, *DECIDED))
    optional = {"claimant_type", "claimant_id", *DECIDED} - layout.columns.keys()
    chosen: dict[str, Column] = {}
    for kind in (*CHOICE_ORDER, *DECIDED):
        if kind in draft.constants or (kind == "claimant_id" and COUNT in draft.columns):
            continue
        if kind in draft.computed:
            first_part = normalized_name(draft.computed[kind][0])
            for column in columns:
                if kind == "filed_on" and normalized_name(column.header) == first_part:
                    chosen[kind] = column
        elif (proposed := choices[kind].column) is not None:
            chosen[kind] = proposed
        elif kind != "claimant_id" and (tied := choices[kind].tied):
            raise UsageError(
                f"has several columns that may be the {kind}: {', '.join(map(quote_header, tied))}",
                file=name,
                remedy=f"Name one: {_naming(kind)}.",
            )
        elif kind not in optional:
            raise _unrecognised(file, kind, choices[kind].reason)
    if "decision" in chosen and not chosen["decision"].decisions:
        raise UsageError(
            "has a column that may say how far each claim has come, but no value of it does",
            file=name,
            column=mask_personal_data(chosen["decision"].header),
            remedy="Write complaint, filed, accepted, refused or paid in it, or state what the "
            "rows are: " + either('rows="complaints", "filed" or "accepted".', "--rows filed."),
        )
    named = {header for headers in draft.columns.values() for header in headers}
    for column in columns if "decision" in chosen and "paid" not in chosen else ():
        says_paid = column.header not in named and header_words.has_word(column.header, "paid")
        if says_paid and column.reads_as == "amount":
            raise UsageError(
                "has a column of amounts that may be what was paid for each claim",
                file=name,
                column=mask_personal_data(column.header),
                remedy=f"If it is, name it: {_naming('paid')}; if not, rename it"
                + either(', or keep it as a text: dimensions=["..."].', "."),
            )
    return chosen


def _unrecognised(file: TextColumns, kind: str, reason: str = "") -> UsageError:
    """Return the error that no column of a file is recognised as a column of a claim."""
    listed = ", ".join(toml_value(mask_personal_data(header)) for header in file.format.headers[:MAX_LISTED])
    remedy = f"Name it: {_naming(kind)}."
    if kind == "claim_id":
        without = either('computed={"claim_id": "row"}', "the layout that inspect proposes")
        remedy += f" If no column is one: {without}."
    return UsageError(
        f"has no column recognised as the {kind}{reason and f' ({reason})'}, only: {listed}",
        file=masked_name(file.file),
        remedy=remedy,
    )


def _currency_of(files: Sequence[TextColumns], draft: Incident) -> str:
    """Return the only currency that the columns of losses, or of currencies, state."""
    is_money, stated, losses = draft.loss.unit == draft.currency, set[str](), list[Column]()
    for file in files:
        columns = file.columns(draft)
        stated.update(_check_currencies(columns, draft, file.file))
        named = draft.columns.get("loss", ())
        losses += [c for c in columns if c.header in named or header_words.means("loss", c.header, DECIMALS)]
    if is_money and not losses and "loss" not in {*draft.constants, *draft.computed}:
        raise _unrecognised(files[0], "loss")
    for column in losses if is_money else ():
        words = [*header_words.split_header(column.header), *stated_unit(column.header).currencies]
        meant = [CURRENCY_WORDS.get(word.casefold(), ()) for word in words]
        stated |= {codes[0] for codes in meant if len(codes) == 1}
        marks = [*CURRENCY_MARKS.items(), *((code, rf"\b{code}\b") for code in DECIMALS)]
        text = column.header + " " + " ".join(column.values(SAME_SHAPE).texts["text"])
        stated |= {code for code, mark in marks if re.search(mark, text)}
    if len(stated) != 1:
        several = f"states losses in several currencies: {', '.join(sorted(stated))}"
        raise UsageError(
            several if stated else "does not state the currency",
            file=masked_name(files[0].file),
            remedy="Name it: " + either('currency="KRW".', "--currency KRW."),
        )
    return stated.pop()


def _check_currencies(columns: Sequence[Column], draft: Incident, file: str) -> Collection[str]:
    """Return the currencies that the rows of a file name, after a check that they are one and ours."""
    names = {normalized_name(header) for header in CURRENCY_HEADERS}
    currency, found = draft.currency.replace(UNKNOWN_CURRENCY, ""), set[str]()
    for column in columns:
        if normalized_name(column.header) in names and draft.loss.unit == draft.currency:
            rows = rows_by_currency(dict(column.distinct.texts.iter_rows()), MISSING_WORDS)
            check_one_currency(rows, currency, file=masked_name(file), column=column.header)
            found |= rows.keys()
    return found


def _scale_of(name: str, column: Column, draft: Incident, file: str) -> float:
    """Return how many units an amount of 1 stands for, as the caller or else the header states it."""
    unit = draft.loss.unit if name == "loss" else draft.currency
    scale, file = draft.scale.get("loss") if unit == draft.loss.unit else None, masked_name(file)
    stated = checked_scale(column.header, draft.currency, unit, scaled=scale is not None, file=file)
    return scale or (int(stated) if stated == int(stated) else float(stated))


def _naming(kind: str) -> str:
    return either(f'columns={{"{kind}": "..."}}', f"--column {kind}=...")


MAX_NAMES, MAX_NAME_LENGTH, MAX_ID_LENGTH = 200, 120, 48
"""Most different services or claimant types, and the longest name and id of one, in a derived incident."""
NO_TYPE = {"id": "claimant", "name": {"en": "Claimant", "ko": "신고자"}}
"""The only claimant type if the files have no column for it."""
LOSS_NAME = {"en": "Stated loss", "ko": "신고 손실"}
DERIVED_LIMIT = {
    "en": "The services, claimant types and days of this outage were read from the complaint files, not from "
    "a description of the outage. The start of the outage is the first day of a complaint.",
    "ko": "서비스, 신고자 유형, 날짜는 장애 기록이 아니라 신고 파일에서 읽었습니다. "
    "장애 시작일은 첫 신고일로 두었습니다.",
}
NO_CLAIMANTS = {
    "en": "No column of the complaint files was recognised as the id of the claimant, so each claim counts "
    "as a claimant of its own.",
    "ko": "신고 파일에서 신고자 번호 열을 찾지 못해 신고 한 건을 신고자 한 명으로 셉니다.",
}


def _counted_names(columns: Mapping[str, Column], kind: str) -> Counter[str]:
    """Return the names in a column of each file, with their number of rows.

    Raises:
        InputRefused: a column has too many or too long values, or personal data.
    """
    counts: Counter[str] = Counter()
    for file, column in columns.items():
        values, number = (
            column.distinct.texts.filter(pl.col("text").str.strip_chars() != ""),
            column.distinct.number,
        )
        problem = ""
        if number > MAX_NAMES or (values["text"].str.len_chars() > MAX_NAME_LENGTH).any():
            problem = f"has {number:,} different values, too many for a {kind}"
        elif find_personal_data(values["text"]) or header_words.means_personal_data(column.header):
            problem = f"holds personal data, so it is no {kind}"
        if problem:
            remedy = f"Name the right column: {_naming(kind)}."
            raise InputRefused(problem, file=masked_name(file), column=column.header, remedy=remedy)
        for text, rows in values.iter_rows():
            counts[text.strip()] += rows
    if columns and not counts:
        raise InputRefused(f"has no row with a {kind}", file=masked_name(next(iter(columns))))
    return counts


def _items(counts: Counter[str], prefix: str, reserved: Collection[str]) -> tuple[dict[str, Any], ...]:
    """Return one TOML table per name: its id, its name and its other spellings.

    The id is the name in lower-case Latin letters; if that gives no unused id, it is numbered. Spellings of a
    name differ by case and spaces; the most frequent one is the name.
    """
    spellings: dict[str, list[str]] = {}
    for text in sorted(counts, key=lambda t: (-counts[t], t)):
        spellings.setdefault(normalized_name(text), []).append(text)
    items: dict[str, dict[str, Any]] = {}
    for number, (name, *others) in enumerate(spellings.values(), start=1):
        plain = identifier(name)
        id_ = plain if plain and plain not in {*reserved, *items} else f"{prefix}-{number}"
        items[id_] = {"id": id_, "name": {"en": name}} | ({"aliases": tuple(others)} if others else {})
    return tuple(items.values())


def identifier(text: str, separator: str = "-") -> str:
    """Return a text as an id of lower-case Latin letters and digits; empty if it has other letters."""
    apart = unicodedata.normalize("NFKD", text)
    if any(c.isalpha() and not c.isascii() for c in apart):
        return ""
    plain = re.sub(r"[^a-z0-9_]+", separator, apart.encode("ascii", "ignore").decode().lower())
    return plain.strip("-_")[:MAX_ID_LENGTH].rstrip("-_")


CURRENCY_MARKS = {"KRW": "원|₩", "EUR": "€", "GBP": "£", "JPY": "円"}
"""Currency -> pattern of marks in amounts that no other currency uses. A dollar sign is not among them."""


WIDTH = 78
"""Most characters of a comment line."""


@dataclass(frozen=True, repr=False)
class Inspection:
    """The result of inspecting one complaint file, with a proposed layout (TOML file that maps columns).

    `columns` has one row per column of the file: header, column (the proposed column of a claim), reads_as
    (day, amount, service, claimant_type, free text or text), notations (formats), missing (share of empty
    cells), distinct (number of distinct values), personal (kind of personal data, if any) and an example.
    Personal data are masked everywhere; free text and values below a header such as "name" are hidden.
    """

    name: str
    incident: Incident
    encoding: str
    dialect: str
    records: int
    unreadable: int
    columns: pl.DataFrame
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
        try:
            incident = incident_from_files(path, layouts=[known_layout], currency=currency)
        except (InputRefused, UsageError):  # the file does not say enough
            incident = _draft(path.stem, currency, {})
    elif currency:
        raise UsageError("the incident states the currency already", value=currency, remedy="Leave it out.")
    known_layout.check_columns_known(claim_columns(incident))
    name = masked_name(path.name)
    file = TextColumns.read(path, incident, known_layout)
    columns, layout = file.columns(incident), known_layout.merged_over(incident)
    expected = (*claim_columns(incident), *OPTIONAL_COLUMNS)
    if (
        layout.header_row is None
        and not layout.header_positions(file.format.headers, expected)
        and header_is_a_complaint(columns)
    ):
        if file.format.header_row is None:
            raise InputRefused(
                "has a complaint in place of the names of its columns",
                file=name,
                remedy="Write the file again with names of columns.",
            )
        return inspect_file(path, incident, layout=known_layout.model_copy(update={"header_row": 0}))
    choices = choose_columns(columns, layout, incident)
    chosen = {of_claim: choice.column for of_claim, choice in choices.items() if choice.column is not None}
    if "loss" in chosen and file.unit:
        chosen["loss"].scale = chosen["loss"].kind.scale = unit_multiplier(file.unit)
    names = {column: of_claim for of_claim, column in chosen.items()}
    detected = known_layout.model_copy(update={"escape": file.format.escape or known_layout.escape})
    return Inspection(
        name,
        incident,
        file.format.encoding,
        file.format.dialect,
        file.warehouse.count("text_rows"),
        file.warehouse.count("unreadable"),
        schema_of("claims.columns").frame([_described(column, names.get(column)) for column in columns]),
        _amounts(name, file.warehouse, chosen.get("loss"), layout, incident),
        _layout_document(path.name, columns, choices, detected, incident, file.unit),
    )


def _described(column: Column, of_claim: str | None) -> tuple[object, ...]:
    """Return the row that describes a column in the table of columns."""
    missing = 1 - column.codes.filled / column.rows if column.rows else 1.0
    personal = column.personal[0] if column.personal else None
    if personal is None and column.hidden == "(personal)":
        personal = "by its header"
    example = column.distinct.texts["text"].first() if column.codes.filled else None
    return (
        mask_personal_data(column.header),
        of_claim,
        column.reads_as,
        ", ".join(column.formats) or None,
        round(missing, 4),
        column.distinct.number,
        personal,
        example if example is None else column.hidden or mask_personal_data(str(example)),
    )


def _amounts(
    name: str, warehouse: Warehouse, loss: Column | None, layout: Layout, incident: Incident
) -> pl.DataFrame:
    formats = () if loss is None else layout.formats.get("loss") or loss.amount.formats
    named = () if loss is None else stated_unit(loss.header, incident.loss.unit).currencies
    if loss is None or not formats or (named and incident.currency not in named):
        return schema_of("claims_amounts").frame()
    scale, cell = Decimal(str(layout.scale.get("loss", loss.scale))), quote_identifier(loss.name)
    digits, currency = incident.loss_digits, incident.loss_currency
    amount = amount_sql(f"trim({cell})", formats, digits=digits, scale=scale, currency=currency)
    exact = control_totals(warehouse, incident, {name: scale}, file="0", amount=amount, source="text_rows")
    return schema_of("claims_amounts").whole(exact, incident.locale("en").places)


def _layout_document(
    name: str,
    columns: list[Column],
    choices: Mapping[str, Choice],
    known_layout: Layout,
    incident: Incident,
    unit: str | None,
) -> str:
    chosen = {of_claim: choice.column for of_claim, choice in choices.items() if choice.column is not None}
    settings: dict[str, object] = {
        "files": name if masked_name(name) == name else f"*{PurePath(name).suffix}"
    }
    for key in ("encoding", "delimiter", "quote", "escape", "header_row", "sheet"):
        settings[key] = getattr(known_layout, key)
    words, found_words = {word.casefold(): word for word in known_layout.missing}, list[str]()
    for of_claim, column in chosen.items():
        for text, rows in column.missing_words if of_claim not in incident.named_items else ():
            found_words.append(f"{toml_value(text)} in {rows:,} row{'s' * (rows != 1)} of {of_claim}")
            words.setdefault(text.casefold(), text)
    settings["missing"] = [*words.values()] or None
    tied, formats, scales = list[str](), dict[str, Sequence[str]](), dict[str, object]()
    for of_claim in ("loss", *(d.id for d in incident.dimensions if d.is_number), "filed_on", FILED_AT):
        if of_claim in chosen:
            column, is_day = chosen[of_claim], of_claim in ("filed_on", FILED_AT)
            choice = column.day if is_day else column.amount
            formats[of_claim] = choice.formats
            if not is_day and (column.scale != 1 or (of_claim == "loss" and unit)):
                scales[of_claim] = column.scale
            if choice.tied and of_claim not in known_layout.formats:
                ways = " or ".join(f'["{notation}"]' for notation in choice.tied)
                tied += [f"# {of_claim} = {ways}?", *_comment_lines(choice.reason)]
    computed: dict[str, object] = dict(known_layout.computed)
    if "claim_id" in choices and not (choices["claim_id"].column or choices["claim_id"].tied):
        headers = [column.header for column in columns]
        if not known_layout.merged_over(incident).header_positions(headers, ["claim_id"]):
            computed.setdefault("claim_id", ROW_ID)
    constants = {d.id: "" for d in incident.dimensions if d.id not in {*chosen, *incident.constants}}
    lines = [*_toml_lines(settings), *_comment_lines(", ".join(found_words)), "", "[columns]"]
    lines += [line for of_claim, proposed in choices.items() for line in _column_lines(of_claim, proposed)]
    lines += ["", "[formats]", *tied, *_toml_lines({**formats, **known_layout.formats})]
    tables: dict[str, Mapping[str, object]] = {
        "[scale]": scales | known_layout.scale,
        "[computed] # columns that the file does not have": computed,
        '[constants] # no such column; "" is unknown': constants | known_layout.constants,
    }
    for title, values in tables.items():
        lines += ["", title, *_toml_lines(values)] if values else []
    return "\n".join(lines) + "\n"


def _column_lines(of_claim: str, choice: Choice) -> list[str]:
    column, lines = choice.column, [f"# {of_claim} = [{quote_header(column)}]" for column in choice.tied]
    if not column and not lines and of_claim in CANONICAL_COLUMNS:
        lines = [f'# {of_claim} = ["..."] was not found']
    lines += _comment_lines(choice.reason)
    if column:
        return [*lines, f"{of_claim} = [{toml_value(column.header)}]"]
    return lines + _comment_lines(CONSEQUENCES.get(of_claim, ""))


def _toml_lines(values: Mapping[str, object]) -> list[str]:
    """Return values as lines of TOML, without those that are not given."""
    return [
        f"{key} = {value if isinstance(value, Decimal) else toml_value(value)}"
        for key, value in values.items()
        if value not in (None, ())
    ]


def _comment_lines(text: str) -> list[str]:
    """Return a sentence as TOML comment lines of limited length; none for an empty text."""
    safe = "".join(c if c.isprintable() else " " for c in text.removesuffix("."))
    sentence = f"{safe[:1].upper()}{safe[1:]}{'' if safe.endswith('?') else '.'}" if safe else ""
    return textwrap.wrap(
        sentence, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
    )
