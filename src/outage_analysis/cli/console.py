"""Print the output of the commands: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from outage_analysis.errors import one_line

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.claims import Claims
    from outage_analysis.text import LikelyRange, Locale, TableSchema, TextTable

LONGEST_TEXT = 2_000
"""Most characters that are printed of a text from a TOML file."""
LONGEST_NOTE = 400
"""Most characters that are printed of a note below the tables."""
LONGEST_CELL = 400
"""Most characters that are printed of a table cell."""
MOST_ROWS = 500
"""Most rows that are printed of a table."""


@contextmanager
def progress(lang: str = "en") -> Iterator[Callable[[str], None]]:
    """Provide a function that shows the current step on stderr; it shows nothing outside a terminal.

    Args:
        lang: the language in which the English names of steps are shown.
    """
    from rich.console import Console
    from rich.markup import escape

    from outage_analysis.claims import progress_callback
    from outage_analysis.text import Locale

    locale = Locale(lang)
    console = Console(stderr=True)
    with console.status(locale.note("starting")) as status:

        def name_step(step: str) -> None:
            status.update(escape(locale.note(step)))

        before = progress_callback.set(name_step if console.is_terminal else None)
        try:
            yield name_step
        finally:
            progress_callback.reset(before)


def warn_of_rejects(claims: Claims | None, lang: str = "en") -> None:
    """Print on stderr how many rows were rejected, if there are any.

    `ingest` cannot read files of a derived incident, so for these the first reject is explained here.
    """
    from outage_analysis.claims import explain_reject
    from outage_analysis.losses import reject_sentence
    from outage_analysis.text import Locale

    rejects = int(claims.files["rejects"].sum()) if claims else 0
    if claims and rejects:
        counts = {"rejects": f"{rejects:,}", "rows": f"{rejects + len(claims):,}"}
        key = "rejects"
        if claims.incident.window == "observed":
            key = "rejects_observed"
            first = explain_reject(claims, claims.rejected_rows.row(0, named=True), lang)
            counts["first"] = reject_sentence(first, lang)
        sys.stderr.write(Locale(lang)(f"terminal.{key}", **counts) + "\n")


def print_line(text: str) -> None:
    """Print one line on stdout."""
    sys.stdout.write(text + "\n")


def print_json(value: object) -> None:
    """Print a result as JSON with sorted keys. Infinite and undefined numbers become null."""
    text = json.dumps(
        _without_infinities(value),
        ensure_ascii=False,
        sort_keys=True,
        indent=2,
        default=_json_value,
        allow_nan=False,
    )
    # Escape all non-printable characters, because an escape sequence from a file must not reach the terminal.
    # The JSON encoder escapes only some of them.
    print_line("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def _without_infinities(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_infinities(inner) for key, inner in value.items()}
    return [_without_infinities(inner) for inner in value] if isinstance(value, list | tuple) else value


def _json_value(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def print_text(text: str) -> None:
    """Print a sentence on stdout. On a terminal, break it between words and keep its indentation."""
    width = _terminal_width()
    if width is None:
        print_line(text)
        return
    from outage_analysis.text import wrap_text

    sentence = text.lstrip(" ")
    margin = " " * (len(text) - len(sentence))
    for line in wrap_text(sentence, width - len(margin)):
        print_line(margin + line)


def print_table(
    frame: pl.DataFrame,
    title: str,
    schema: TableSchema | None = None,
    sums: Locale | None = None,
    *,
    locale: Locale | None = None,
) -> None:
    """Print a table below its title, in the first of three forms that fits the width of the terminal.

    The schema states which columns are shown, which are counts and, with the units `sums`, which are amounts.
    Without a schema, all columns are shown and all numbers are printed as they are. With a locale whose
    language is not English, column heads and words are translated, and the second form is not used.

    1. A grid with all digits of every number.
    2. A grid with amounts in thousands, millions or billions; the title then names the unit.
    3. A block of lines for each row, with one line per column.

    If stdout is a file or a pipe, the table is always printed in the first form, one line per row.
    """
    translated = locale if locale and locale.lang != "en" else None
    width, full = _terminal_width(), _text_table(frame, schema, sums, locale=translated)
    if width is None or full.fits(width):
        print_text(one_line(title))
        lines = full.grid(width)
    else:
        short = None if translated else _in_larger_unit(frame, schema, sums)
        if short and short[1].fits(width):
            print_text(f"{one_line(title)}; amounts in {short[0]}, to three digits")
            lines = short[1].grid(width)
        else:
            print_text(one_line(title))
            lines = full.blocks(width)
    print_line("\n".join([*lines, ""]))


def _terminal_width() -> int | None:
    """Return the width of the terminal in characters; None if stdout is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _in_larger_unit(
    frame: pl.DataFrame, schema: TableSchema | None, sums: Locale | None
) -> tuple[str, TextTable] | None:
    from outage_analysis.analysis import common_unit

    unit = common_unit(frame, schema, sums) if sums else None
    return (
        (f"{unit[1]} {sums.currency}", _text_table(frame, schema, sums, unit[0])) if sums and unit else None
    )


def _text_table(
    frame: pl.DataFrame,
    schema: TableSchema | None,
    sums: Locale | None,
    unit: int | None = None,
    locale: Locale | None = None,
) -> TextTable:
    """Return a table whose cells are formatted as text. If `unit` is given, amounts are divided by it.

    If a locale is given, column heads and translated words are in its language.
    """
    from outage_analysis.analysis import format_amounts, whole_counts
    from outage_analysis.text import TextTable

    counts = whole_counts(frame, schema)
    texts = format_amounts(counts, schema, sums, _cell_text, unit) if sums else counts
    hidden = [column.name for column in schema.columns if not column.shown] if schema else []
    # Hidden columns are dropped after formatting, because the unit of an amount may depend on them.
    texts = texts.drop(hidden, strict=False)
    numbers = frozenset(n for n, name in enumerate(texts.columns) if frame.schema[name].is_numeric())
    columns = {column.name: column for column in schema.columns} if schema else {}
    units = {name: column.unit for name, column in columns.items()} if locale else {}
    labels = [columns[name].label if name in columns else name for name in texts.columns]
    heads = [_translated(label, locale, ("column", "word")) if locale else None for label in labels]
    shown = tuple(
        one_line(head or name, LONGEST_CELL) for head, name in zip(heads, texts.columns, strict=True)
    )
    rows = (
        [
            _translated_cell(value, units[name], locale) if locale and name in units else value
            for name, value in zip(texts.columns, row, strict=True)
        ]
        for row in texts.iter_rows()
    )
    return TextTable(shown, tuple(tuple(map(_cell_text, row)) for row in rows), numbers)


def _translated_cell(value: object, unit: object, locale: Locale) -> object:
    if value is None:
        return None
    if unit == "word":
        return _translated(value, locale, ("word",)) or value
    if unit == "rule":
        return _translated(value, locale, ("rule",)) or value
    if unit == "flag":
        return locale(f"word.{str(value).lower()}")
    return locale.unit_name(str(value)) if unit == "unit" else value


def _translated(key: object, locale: Locale, sections: Iterable[str]) -> str | None:
    """Return the translation of a key from the first section of the labels that has it; None if none has."""
    found = (f"{section}.{key}" for section in sections if locale.has_label(f"{section}.{key}"))
    return next((locale(name) for name in found), None)


def print_titled_tables(
    tables: Mapping[str, pl.DataFrame],
    titles: Mapping[str, str],
    prefix: str,
    notes: Iterable[str],
    schemas: Mapping[str, TableSchema],
    sums: Locale | None = None,
    lang: str = "en",
    likely: LikelyRange | None = None,
) -> None:
    """Print all tables that have a title and at least one row, in the order of the titles, then the notes.

    Args:
        tables: name -> table.
        titles: name of a table -> its title.
        prefix: text before each title, such as "Synthetic rows: ".
        notes: sentences to print after the tables.
        schemas: name of a table -> its columns.
        sums: the units in which amounts are printed.
        lang: the language of column heads and words; titles, prefix and notes must be in it already.
        likely: the likely range; the columns of its ends are then named after them: p10, not range_low.
    """
    from outage_analysis.analysis import currency_if_converted
    from outage_analysis.text import Locale

    locale = replace(sums, lang=lang) if sums else Locale(lang)
    if likely:
        locale, measures = replace(locale, level=likely.level), likely.column_measures
        tables = {name: table.rename(measures, strict=False) for name, table in tables.items()}
        schemas = {name: schema.renamed(measures) for name, schema in schemas.items()}
    for name, title in titles.items():
        table = tables.get(name)
        if table is None or table.is_empty():
            continue
        schema = schemas.get(name)
        currency = currency_if_converted(table, schema, sums) if sums else ""
        heading = f"{title}{locale('terminal.sums', currency=currency)}" if currency else title
        shown = _bands_in_words(table.head(MOST_ROWS), locale)
        print_table(shown, prefix + heading, schema, sums, locale=locale)
        if len(table) > MOST_ROWS:
            print_text(locale("terminal.more_rows", rows=f"{len(table) - MOST_ROWS:,}"))
    for note in notes:
        print_text(one_line(note, LONGEST_NOTE))


def _bands_in_words(table: pl.DataFrame, locale: Locale) -> pl.DataFrame:
    if not {"over", "up_to"} <= set(table.columns) or not table.schema["over"].is_integer():
        return table
    position = table.columns.index("over")
    with_band = table.with_columns(band=band_expression(locale)).drop("over", "up_to")
    columns = [name for name in with_band.columns if name != "band"]
    return with_band.select(*columns[:position], "band", *columns[position:])


def band_expression(locale: Locale) -> pl.Expr:
    """Return a Polars expression that puts the loss band from columns `over` and `up_to` into words."""
    import polars as pl

    return pl.struct("over", "up_to").map_elements(
        lambda band: locale.band(band["over"], band["up_to"]), return_dtype=pl.String
    )


def _cell_text(value: object) -> str:
    """Return a table cell as text.

    Numbers get thousands separators. Other values are put on one line, without control characters.
    """
    from outage_analysis.text import Locale

    if value is None:
        return ""
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return Locale("en").number(value)
    return one_line(value, LONGEST_CELL)
