"""Inspect unknown complaint files: derive their incident, or propose a layout (TOML) with reasons."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Literal
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import ValidationError

from outage_analysis.claims import header_words, queries
from outage_analysis.claims.cell_values import MISSING_WORDS
from outage_analysis.claims.inspected_columns import (
    CONSEQUENCES,
    MIN_SHARE,
    Choice,
    Column,
    TextColumns,
    certain_formats,
    choose_columns,
    evidence,
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
from outage_analysis.files import bundled_ids, likely_typo_of, spelling_hint, toml_value
from outage_analysis.incidents import (
    CANONICAL_COLUMNS,
    COUNT,
    FILED_AT,
    ROW_ID,
    Incident,
    Layout,
    checked_rows,
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
    rows_by_currency,
    schema_of,
    stated_unit,
)

DECIDED = ("decision", "paid")
"""The columns for the status of a claim and for the amount paid."""
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
    outage_start: str | date | datetime | None = None,
    time_zone: str = "",
    layouts: Sequence[Layout] = (),
) -> Incident:
    r"""Derive an incident from complaint files: its services, claimant types, claims window and currency.

    The outage is named after the days of its complaints, and its id after the first file. The claims window
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
        outage_start: when the outage started; by default the start of the first day of a complaint.
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
    stated = layouts[0] if len(layouts) == 1 else Layout()
    named = {name: headers[0] for name, headers in stated.columns.items()} | dict(columns or {})
    named |= {COUNT: count} if count else {}
    fixed = {**({"service": service} if service else {}), **({"loss": ""} if loss is None else {})}
    with source_paths(paths) as sources:
        files, _ = expand_paths(sources)
        if not files:
            raise UsageError("no file of complaints was named", remedy="Name at least one.")
        derivation = _Derivation(
            currency=currency,
            loss_unit=loss_unit,
            scale=scale,
            encoding=encoding,
            rows=checked_rows(rows),
            decided={name: named.pop(name) for name in DECIDED if name in named},
            headers=named | dimension_ids,
            formats=stated.formats
            | {name: (x,) if isinstance(x, str) else tuple(x) for name, x in (formats or {}).items()},
            missing=(*stated.missing, *((missing,) if isinstance(missing, str) else missing)),
            constants={**stated.constants, **(constants or {}), **fixed},
            computed={**stated.computed, **(computed or {})},
            dimensions=dimension_ids,
            time_zone=time_zone,
            name=files[0].stem,
        )
        # If two files in different folders have the same name, messages give their paths.
        names = Counter(path.name for path in files)
        draft = derivation.draft()
        read = [
            (path, TextColumns.read(path, draft, layout_for(path.name, layouts, draft))) for path in files
        ]
        for path, text in read:
            _check_has_rows_below_a_header(text, draft, layout_for(path.name, layouts, draft))
        texts = [replace(text, file=str(path)) if names[path.name] > 1 else text for path, text in read]
        found = {normalized_name(header): header for text in texts for header in text.headers}
        for header in (*(columns or {}).values(), *filter(None, [count])):
            if normalized_name(header) not in found:
                remedy = spelling_hint(header, [*found.values()])
                raise UsageError("no file has this column", value=header, remedy=remedy)
    return derivation.incident(texts, outage_start)


def _check_has_rows_below_a_header(text: TextColumns, draft: Incident, layout: Layout) -> None:
    name, headers = masked_name(text.file), text.headers
    if not text.warehouse.count("text_rows"):
        unreadable = text.warehouse.count("unreadable")
        raise InputRefused(
            f"has {unreadable:,} rows, none of which can be read"
            if unreadable
            else "has a header and no rows",
            file=name,
        )
    if layout.header_row is not None or not any(c.isdigit() for header in headers for c in header):
        return
    if any(header_words.means_loss(header, DECIMALS) for header in headers):
        return
    if header_is_a_complaint(text.columns(draft), file=name, row=text.format.header_row):
        raise InputRefused(
            "has a complaint in place of the names of its columns",
            file=name,
            row=text.format.header_row,
            remedy="Write the names of the columns above it, such as claim_id,service,filed_on,loss.",
        )


@dataclass(frozen=True, kw_only=True)
class _Derivation:
    """What the caller states about the incident; the rest comes from the files."""

    name: str
    currency: str = ""
    loss_unit: str = ""
    scale: float | None = None
    encoding: str | None = None
    rows: str | None = None
    decided: Mapping[str, str] = field(default_factory=dict)
    """`decision` and `paid`, where the caller names their headers -> these."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Column of a claim -> its header in the files."""
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    dimensions: Mapping[str, str] = field(default_factory=dict)
    """Id of a dimension -> its header in the files."""
    time_zone: str = ""

    def draft(self, **values: Any) -> Incident:  # noqa: ANN401 - keys of the document have no common type
        """Return an incident with the stated values, with `values`, and with placeholders for the rest."""
        currency, id_ = self.currency or UNKNOWN_CURRENCY, identifier(self.name) or "outage"
        headers = values.pop("columns", {name: [header] for name, header in self.headers.items()})
        zone = self.time_zone or TIME_ZONES.get(currency, "UTC")
        document: dict[str, Any] = {
            "id": f"{id_}-claims" if id_ in bundled_ids("incidents") else id_,
            "name": {"en": self.name[:MAX_NAME_LENGTH]},
            "currency": currency,
            "minor_units": decimal_places(currency),
            "time_zone": zone,
            "outage": {"start": datetime.combine(FIRST_DAY, time(), UTC)},
            "claims_from": FIRST_DAY,
            "claims_to": LAST_DAY,
            "window": "observed",
            "loss": {"name": LOSS_NAME, "unit": self.loss_unit or currency},
            "rows": self.rows or (),
            "encoding": self.encoding or (),
            "scale": {} if self.scale is None else {"loss": self.scale},
            "columns": {name: tuple(sorted(of)) for name, of in sorted(headers.items()) if of},
            "formats": self.formats,
            "missing": self.missing,
            "constants": self.constants,
            "computed": {name: x if x == ROW_ID else tuple(x) for name, x in self.computed.items()},
            "service": ({"id": "service", "name": {"en": "Service"}},),
            "claimant_type": (NO_TYPE,),
            "dimension": tuple({"id": id_, "name": {"en": text}} for id_, text in self.dimensions.items()),
            "limits": (DERIVED_LIMIT,),
        }
        stated = {key: value for key, value in (document | values).items() if value not in ((), {})}
        try:
            return Incident.model_validate(stated)
        except ValidationError as error:
            problem, _, remedy = error.errors()[0]["msg"].removeprefix("Value error, ").partition(" | ")
            raise UsageError(f"the outage cannot be derived: {problem}", remedy=remedy) from error

    def incident(self, files: Sequence[TextColumns], outage_start: str | date | datetime | None) -> Incident:
        """Return the incident, given the files."""
        if not self.currency:
            return replace(self, currency=self._currency_of(files)).incident(files, outage_start)
        draft = self.draft()
        columns = {file.file: file.columns(draft, self.scale) for file in files}
        headers = {name: {self.headers[name]} for name in self.headers}
        known: dict[str, Any] = {"constants": dict(self.constants)}
        used = {*RESERVED_IDS}
        for name, prefix in (("service", "service"), ("claimant_type", "type")):
            if constant := self.constants.get(name, ""):
                known[name] = _items(Counter([constant]), prefix, used)
                continue
            named = self._columns_of(columns, name, self.headers.get(name))
            if len(named) < len(files) and (named or name == "service"):
                raise self._unknown_column(files, named, name)
            headers.setdefault(name, set()).update(column.header for column in named.values())
            known[name] = _items(_counted_names(named, name), prefix, used) if named else (NO_TYPE,)
            known["constants"] |= {} if named else {name: NO_TYPE["id"]}
            used |= {item["id"] for item in known[name]}
        decided = self._decided_columns(files, columns)
        headers |= {name: {column.header for column in found.values()} for name, found in decided.items()}
        known["dimension"] = (
            *({"id": id_, "name": {"en": text}} for id_, text in self.dimensions.items()),
            *({"id": name, "name": {"en": name.capitalize()}, "kind": name} for name in decided),
        )
        draft = self.draft(**known, columns=headers)
        filed_on = self.constants.get("filed_on")
        days = [] if filed_on is None else [_moment(filed_on, FIRST_DAY, ZoneInfo(draft.time_zone)).date()]
        formats = {name: {*names} for name, names in self.formats.items()}
        scales: dict[str, set[float]] = {}
        for file in files:
            file_columns = columns[file.file]
            chosen = self._chosen_columns(file, file_columns, draft)
            for name, column in ((n, c) for n, c in chosen.items() if n not in self.computed):
                headers.setdefault(name, set()).add(column.header)
            self._check_currencies(file_columns, file.file)
            read: dict[str, Column] = {name: chosen[name] for name in ("filed_on", "loss") if name in chosen}
            read |= {"paid": decided["paid"][file.file]} if "paid" in decided else {}
            for name in sorted(read.keys() - {"filed_on"}):
                unit = self.loss_unit if name == "loss" else ""
                scale = self.scale if unit == self.loss_unit else None
                found = checked_scale(
                    *(read[name].header, self.currency, unit or self.currency),
                    scaled=scale is not None,
                    file=masked_name(file.file),
                )
                scale = scale or (int(found) if found == int(found) else float(found))
                scales.setdefault(name, set()).add(scale)
            for name in read.keys() - self.formats.keys():
                formats.setdefault(name, set()).update(certain_formats(name, read[name], file.file))
            if "filed_on" in read:
                # If two formats read a value as different days, both days count.
                days += read["filed_on"].first_and_last_day(sorted(formats["filed_on"]))
        if not days:
            raise InputRefused("has no row with a day", file=masked_name(files[0].file))
        if any(len(of_files) > 1 for of_files in scales.values()):
            raise UsageError("files state losses in different units", remedy="Read them one by one.")
        first, last = min(days), max(days)
        title = f"report.complaints_{'on' if first == last else 'from'}"
        locales = {lang: Locale(lang) for lang in LANGUAGES}
        return self.draft(
            **known,
            columns=headers,
            formats={
                name: tuple(n for n in (DATES if name == "filed_on" else AMOUNTS) if n in names)
                for name, names in sorted(formats.items())
            },
            scale={name: x for name, (x,) in scales.items() if x != 1 or self.scale is not None},
            name={lang: x(title, first=x.day(first), last=x.day(last)) for lang, x in locales.items()},
            claims_from=first,
            claims_to=last,
            limits=(DERIVED_LIMIT, *(() if "claimant_id" in headers else (NO_CLAIMANTS,))),
            outage={"start": _moment(outage_start, first, ZoneInfo(draft.time_zone))},
        )

    def _chosen_columns(self, file: TextColumns, columns: list[Column], draft: Incident) -> dict[str, Column]:
        choices = choose_columns(columns, Layout().merged_over(draft), draft)
        chosen: dict[str, Column] = {}
        for name in ("claim_id", "claimant_id", "filed_on", "loss"):
            if name in self.constants or (name == "claimant_id" and COUNT in self.headers):
                continue
            if name in self.computed:
                if name == "filed_on":
                    by_file = self._columns_of({file.file: columns}, name, self.computed[name][0])
                    chosen[name] = by_file[file.file]
                continue
            choice = choices[name]
            if choice.column is not None:
                chosen[name] = choice.column
            elif name != "claimant_id" or name in self.headers:
                without = either('computed={"claim_id": "row"}', "the layout that inspect proposes")
                remedy = f"Name it: {_naming(name)}."
                raise UsageError(
                    f"has no column that is recognised as {name}: {choice.reason}",
                    file=masked_name(file.file),
                    remedy=f"{remedy} If no column is one: {without}." if name == "claim_id" else remedy,
                )
        return chosen

    def _currency_of(self, files: Sequence[TextColumns]) -> str:
        """Return the only currency that the columns of losses, or of currencies, state."""
        columns = {file.file: file.columns(self.draft(), self.scale) for file in files}
        losses = [
            column
            for of_file in (columns.values() if not self.loss_unit else ())
            for column in of_file
            if column.header == self.headers.get("loss") or header_words.means_loss(column.header, DECIMALS)
        ]
        if not losses and not self.loss_unit and "loss" not in {*self.constants, *self.computed}:
            raise self._unknown_column(files, [], "loss")
        stated = {code for file, of_file in columns.items() for code in self._check_currencies(of_file, file)}
        for column in losses:
            words = [*header_words.split_header(column.header), *stated_unit(column.header).currencies]
            meant = [CURRENCY_WORDS.get(word.casefold(), ()) for word in words]
            stated |= {codes[0] for codes in meant if len(codes) == 1}
            marks = [*CURRENCY_MARKS.items(), *((code, rf"\b{code}\b") for code in DECIMALS)]
            text = column.header + " " + " ".join(column.shapes["text"])
            stated |= {code for code, mark in marks if re.search(mark, text)}
        if len(stated) != 1:
            several = f"states losses in several currencies: {', '.join(sorted(stated))}"
            raise UsageError(
                several if stated else "does not state the currency",
                file=masked_name(files[0].file),
                remedy="Name it: " + either('currency="KRW".', "--currency KRW."),
            )
        return stated.pop()

    def _check_currencies(self, columns: Sequence[Column], file: str) -> Collection[str]:
        """Return the currencies that the rows of a file name, after a check that they are one and ours."""
        names = {normalized_name(header) for header in CURRENCY_HEADERS}
        found: set[str] = set()
        for column in columns if not self.loss_unit else ():
            if normalized_name(column.header) in names:
                rows = rows_by_currency(dict(column.texts.iter_rows()), MISSING_WORDS)
                check_one_currency(rows, self.currency, file=masked_name(file), column=column.header)
                found |= rows.keys()
        return found

    def _decided_columns(
        self, files: Sequence[TextColumns], columns: Mapping[str, list[Column]]
    ) -> dict[str, dict[str, Column]]:
        """Return the columns of decisions, and those of amounts paid: kind -> name of the file -> column.

        Raises:
            UsageError: several columns of a file fit, no value of a column is a decision, or a column of
                amounts may be what was paid.
        """
        found = {kind: self._columns_of(columns, kind, self.decided.get(kind)) for kind in DECIDED}
        for file, column in found["decision"].items():
            if not column.decisions:
                raise UsageError(
                    "has a column that may say how far each claim has come, but no value of it does",
                    file=masked_name(file),
                    column=mask_personal_data(column.header),
                    remedy="Write complaint, filed, accepted, refused or paid in it, or state what the "
                    "rows are: " + either('rows="complaints", "filed" or "accepted".', "--rows filed."),
                )
        found = {kind: by_file for kind, by_file in found.items() if by_file and found["decision"]}
        named = {*self.headers.values(), *self.dimensions.values()}
        for file, column in ((file, column) for file, of_file in columns.items() for column in of_file):
            if (
                found.keys() == {"decision"}
                and header_words.has_word(column.header, "paid")
                and column.header not in named
                and column.reads_as == "amount"
            ):
                raise UsageError(
                    "has a column of amounts that may be what was paid for each claim",
                    file=masked_name(file),
                    column=mask_personal_data(column.header),
                    remedy=f"If it is, name it: {_naming('paid')}; if not, rename it"
                    + either(', or keep it as a text: dimensions=["..."].', "."),
                )
        for kind, by_file in found.items():
            if len(by_file) < len(files):
                raise self._unknown_column(files, by_file, kind)
        return found

    def _columns_of(
        self, columns: Mapping[str, list[Column]], kind: str, wanted: str | None
    ) -> dict[str, Column]:
        """Return the column of a kind of each file that has one: name of the file -> column.

        Args:
            columns: name of a file -> its columns.
            kind: `service`, `claimant_type`, `decision` or `paid`; or another one with a stated header.
            wanted: the header of the column, if the caller states it.

        Raises:
            UsageError: several columns of a file fit, or the stated header is not there.
        """
        found: dict[str, Column] = {}
        for file, of_file in columns.items():
            excluded = self.dimensions.values() if kind in DECIDED else ()
            kept = [column for column in of_file if column.header not in excluded]
            fits = [c for c in kept if (self._fits(kind, c) if wanted is None else c.header == wanted)]
            if wanted is None and kind not in DECIDED:  # the name of the kind decides
                fits = [c for c in fits if normalized_name(c.header) in {kind, normalized_name(kind)}] or fits
            if wanted is not None and not fits:
                remedy = spelling_hint(wanted, [column.header for column in of_file])
                raise UsageError("has no such column", file=masked_name(file), value=wanted, remedy=remedy)
            if len(fits) > 1:
                raise UsageError(
                    f"has several columns that may be the {kind}: {', '.join(map(quote_header, fits))}",
                    file=masked_name(file),
                    remedy=f"Name one: {_naming(kind)}.",
                )
            if fits:
                found[file] = fits[0]
        return found

    def _fits(self, kind: str, column: Column) -> bool:
        header = column.header
        if kind == "paid":
            return header_words.means_paid(header, DECIMALS) and column.reads_as == "amount"
        if kind == "decision":
            return header_words.has_word(header, "decision") and (
                column.decisions >= MIN_SHARE or (header_words.means_decision(header) and not self.rows)
            )
        word = "service" if kind == "service" else "type"
        return normalized_name(header) in {kind, normalized_name(kind)} or (
            header_words.has_word(header, word) and column.reads_as == "text"
        )

    @staticmethod
    def _unknown_column(files: Sequence[TextColumns], recognised: Collection[str], kind: str) -> UsageError:
        """Return the error for the first file in which no column was recognised as this kind."""
        file = next(file for file in files if file.file not in recognised)
        listed = ", ".join(toml_value(mask_personal_data(header)) for header in file.headers[:MAX_LISTED])
        return UsageError(
            f"has no column that is recognised as the {kind}; its columns: {listed}",
            file=masked_name(file.file),
            remedy=f"Name it: {_naming(kind)}.",
        )


def _naming(kind: str) -> str:
    return either(f'columns={{"{kind}": "..."}}', f"--column {kind}=...")


def _moment(start: str | date | datetime | None, first_day: date, zone: ZoneInfo) -> datetime:
    moment = start or first_day
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            raise UsageError(
                "the start of the outage is no day or time", value=start, remedy="Write 2026-01-15T09:30."
            ) from None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone(zone.utcoffset(moment) or timedelta()))


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
        values = column.texts.filter(pl.col("text").str.strip_chars() != "")
        problem = ""
        if column.distinct > MAX_NAMES or len(max(values["text"], key=len, default="")) > MAX_NAME_LENGTH:
            problem = f"has {column.distinct:,} different values, too many for a {kind}"
        elif find_personal_data(values["text"]) or header_words.means_personal_data(column.header):
            problem = f"holds personal data, so it is no {kind}"
        if problem:
            remedy = f"Name the right column: {_naming(kind)}."
            raise InputRefused(problem, file=masked_name(file), column=column.header, remedy=remedy)
        for text, rows in values.iter_rows():
            counts[text.strip()] += rows
    if not counts:
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
        aliases = {"aliases": tuple(others)} if others else {}
        items[id_] = {"id": id_, "name": {"en": name}, **aliases}
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
        try:
            incident = incident_from_files(path, layouts=[known_layout], currency=currency)
        except (InputRefused, UsageError):  # the file does not say enough
            incident = _Derivation(name=path.stem, currency=currency).draft()
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
    warehouse = file.warehouse
    choices = choose_columns(columns, layout, incident)
    chosen = {of_claim: choice.column for of_claim, choice in choices.items() if choice.column is not None}
    for of_claim, column in chosen.items():
        reasons = filter(None, (choices[of_claim].reason, evidence(of_claim, column)))
        choices[of_claim] = replace(choices[of_claim], reason="; ".join(reasons))
    names = {column: of_claim for of_claim, column in chosen.items()}
    table = pl.DataFrame(
        [(mask_personal_data(c.header), names.get(c), *c.summary()) for c in columns],
        schema=schema_of("claims.columns").dtypes,
        orient="row",
    )
    proposals = [
        (of_claim, mask_personal_data(choice.column.header) if choice.column else None, choice.reason)
        for of_claim, choice in choices.items()
    ]
    claimant, loss = chosen.get("claimant_id"), chosen.get("loss")
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
        _unknown_names(chosen, incident),
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
    chosen = {of_claim: choice.column for of_claim, choice in choices.items() if choice.column is not None}
    pattern = name if masked_name(name) == name else f"*{PurePath(name).suffix}"
    settings: dict[str, object] = {"files": pattern}
    for key in ("encoding", "delimiter", "quote", "escape", "header_row", "sheet"):
        settings[key] = getattr(known_layout, key)
    words, found_words = list(known_layout.missing), []
    for of_claim, column in chosen.items():
        for text, rows in column.missing_words.items() if of_claim not in incident.named_items else ():
            found_words.append(f"{toml_value(text)} in {rows:,} row{'s' * (rows != 1)} of {of_claim}")
            if text.casefold() not in {word.casefold() for word in words}:
                words.append(text)
    numbers = [d.id for d in incident.dimensions if d.is_number]
    amounts = [c for c in ("loss", *numbers) if c in chosen]
    scales: dict[str, object] = {
        c: chosen[c].scale for c in amounts if chosen[c].scale != 1 or (c == "loss" and unit)
    }
    tied, formats = list[str](), dict[str, Sequence[str]]()
    for of_claim in (*amounts, *(c for c in ("filed_on", FILED_AT) if c in chosen)):
        format_choice = chosen[of_claim].amount if of_claim in amounts else chosen[of_claim].day
        formats[of_claim] = format_choice.formats
        if format_choice.tied and of_claim not in known_layout.formats:
            ways = " or ".join(f'["{notation}"]' for notation in format_choice.tied)
            tied += [f"# {of_claim} = {ways}?", *_comment_lines(format_choice.reason)]
    computed: dict[str, object] = dict(known_layout.computed)
    if "claim_id" in choices and not (choices["claim_id"].column or choices["claim_id"].tied):
        headers = [column.header for column in columns]
        if not known_layout.merged_over(incident).header_positions(headers, ["claim_id"]):
            computed.setdefault("claim_id", ROW_ID)
    stated = {*chosen, *incident.constants, *known_layout.constants}
    constants = {d.id: "" for d in incident.dimensions if d.id not in stated} | known_layout.constants
    lines = [
        *_toml_lines({key: value for key, value in settings.items() if value is not None}),
        *(_toml_lines({"missing": words}) if words else ()),
        *_comment_lines(", ".join(found_words)),
        *("", "[columns]", *(line for item in choices.items() for line in _column_lines(*item))),
        *("", "[formats]", *tied),
        *_toml_lines({c: names for c, names in (formats | known_layout.formats).items() if names}),
    ]
    tables: dict[str, Mapping[str, object]] = {
        "[scale]": scales | known_layout.scale,
        "[computed] # columns that the file does not have": computed,
        '[constants] # no such column; "" is unknown': constants,
    }
    for title, values in tables.items():
        lines += ["", title, *_toml_lines(values)] if values else []
    return "\n".join(lines) + "\n"


def _column_lines(of_claim: str, choice: Choice) -> Iterator[str]:
    for column in choice.tied:  # for the user to choose
        yield f"# {of_claim} = [{quote_header(column)}]"
    if not choice.column and not choice.tied and of_claim in CANONICAL_COLUMNS:
        yield f'# {of_claim} = ["..."] was not found'
    yield from _comment_lines(choice.reason)
    if choice.column:
        yield f"{of_claim} = [{toml_value(choice.column.header)}]"
    else:
        yield from _comment_lines(CONSEQUENCES.get(of_claim, ""))


def _toml_lines(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {x if isinstance(x, Decimal) else toml_value(x)}" for key, x in values.items()]


def _comment_lines(text: str) -> list[str]:
    """Return a sentence as TOML comment lines of limited length."""
    if not text:
        return []
    safe = "".join(c if c.isprintable() else " " for c in text.removesuffix("."))
    sentence = f"{safe[:1].upper()}{safe[1:]}{'' if safe.endswith('?') else '.'}"
    return textwrap.wrap(
        sentence, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
    )
