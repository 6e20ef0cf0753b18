"""Print the output of the commands: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

import typer

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
MOST_LINES = 40
"""Most lines that a command prints on a terminal, unless it is told to print everything."""
LAST_LINES = 4
"""Most lines at the end that name the tables which did not fit."""
LEAST_ROWS = 2
"""A table is left out if fewer of its rows than this fit."""
LEAST_TABLE = 7
"""The number of lines of a small table."""


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


@dataclass
class _Screen:
    """What a command has printed on a terminal, and the titles of the tables that it left out."""

    everything: bool = False
    lines: int = 0
    notes: int = 0
    """The number of sentences that were left out."""
    left_out: list[str] = field(default_factory=list)
    locale: Locale | None = None
    """The language of the tables; None before the first one."""

    @property
    def room(self) -> int:
        """The number of lines that may still be printed."""
        return sys.maxsize if self.everything else MOST_LINES - LAST_LINES - self.lines

    def print(self, lines: Sequence[str]) -> None:
        """Print lines and count them."""
        self.lines += len(lines)
        print_line("\n".join(lines))


_screen = _Screen()


def start_screen(context: typer.Context, everything: bool) -> None:  # noqa: FBT001 - the value of --all
    """Start the output of a command on a terminal; at the end, name what did not fit."""
    global _screen  # noqa: PLW0603 - one command has one screen
    _screen = _Screen(everything)
    context.call_on_close(_name_the_rest)


def _name_the_rest() -> None:
    from outage_analysis.text import wrap_text

    width, locale = _terminal_width(), _screen.locale
    notes = [locale("terminal.rest_notes", count=_screen.notes)] if locale and _screen.notes else []
    if width and locale and (_screen.left_out or notes):
        rest = "; ".join([*notes, *dict.fromkeys(_screen.left_out)])
        lines = wrap_text(locale("terminal.rest", tables=rest), width - 2)
        print_line("\n".join(lines[:LAST_LINES]) + (" …" if len(lines) > LAST_LINES else ""))


def has_room(title: str) -> bool:
    """Return whether a further table could be printed; if not, it need not be computed, only named."""
    if _terminal_width() is None or _screen.room > LEAST_TABLE:
        return True
    _screen.left_out.append(title.partition(";")[0])
    return False


def print_text(text: str) -> None:
    """Print a sentence on stdout. On a terminal, break it between words and keep its indentation.

    Below a table, a terminal shows a sentence only if there is room.
    """
    width = _terminal_width()
    if width is None:
        print_line(text)
        return
    from outage_analysis.text import wrap_text

    sentence = text.lstrip(" ")
    margin = " " * (len(text) - len(sentence))
    lines = [margin + line for line in wrap_text(sentence, width - len(margin))]
    if not _screen.locale or len(lines) <= _screen.room:
        _screen.print(lines)
    else:
        _screen.notes += 1


def print_table(
    frame: pl.DataFrame,
    title: str,
    schema: TableSchema | None = None,
    *,
    locale: Locale,
    names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print a table below its title.

    The schema states which columns are shown, and the units of the numbers. Without a schema, all columns are
    shown and all numbers are printed as they are.

    If stdout is a file or a pipe, each row is one line. A terminal shows a grid or, if it is too wide, a
    block of lines for each row. It shows the rows for which there is room; the last lines name the tables
    with further rows. Column heads, words and units are those of the locale, and `names` are those of ids.
    """
    width, table = _terminal_width(), _text_table(frame, schema, locale, names)
    if width is None:
        print_line("\n".join([one_line(title), *table.grid(), ""]))
        return
    from outage_analysis.text import TextTable, wrap_text

    _screen.locale = locale
    head, rows = wrap_text(one_line(title), width), len(table.rows)
    draw = TextTable.grid if table.fits(width) else TextTable.blocks
    while rows and len(lines := draw(table, width)) + len(head) + 1 > _screen.room:
        rows -= 1
        table = replace(table, rows=table.rows[:rows])
    hidden = len(frame) - rows
    if rows == len(frame) or rows >= LEAST_ROWS:
        _screen.print([*head, *lines, ""])
    if hidden:
        short = one_line(title).partition(";")[0]
        more = f" ({locale('terminal.hidden_rows', rows=f'{hidden:,}')})" if rows >= LEAST_ROWS else ""
        _screen.left_out.append(f"{short}{more}")


def _terminal_width() -> int | None:
    """Return the width of the terminal in characters; None if stdout is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _text_table(
    frame: pl.DataFrame, schema: TableSchema | None, locale: Locale, names: Mapping[str, str]
) -> TextTable:
    """Format heads and cells as text, in the language and the units of the locale."""
    from outage_analysis.analysis import format_amounts, whole_counts
    from outage_analysis.text import TextTable

    texts = format_amounts(whole_counts(frame, schema), schema, locale, _cell_text)
    hidden = [column.name for column in schema.columns if not column.shown] if schema else []
    # Hidden columns are dropped after formatting, because the unit of an amount may depend on them.
    texts = texts.drop(hidden, strict=False)
    numbers = frozenset(n for n, name in enumerate(texts.columns) if frame.schema[name].is_numeric())
    columns = {column.name: column for column in schema.columns} if schema else {}
    labels = [columns[name].label if name in columns else name for name in texts.columns]
    shown = tuple(
        one_line(_translated(label, locale, ("column", "word")) or label, LONGEST_CELL) for label in labels
    )
    rows = (
        [
            _translated_cell(value, columns[name].unit, locale, names) if name in columns else value
            for name, value in zip(texts.columns, row, strict=True)
        ]
        for row in texts.iter_rows()
    )
    return TextTable(shown, tuple(tuple(map(_cell_text, row)) for row in rows), numbers, wrap_heads=True)


def _translated_cell(value: object, unit: object, locale: Locale, names: Mapping[str, str]) -> object:
    if value is None:
        return None
    if unit == "name":
        return names.get(str(value), value)
    if unit == "names":
        return "; ".join(names.get(id_, id_) for id_ in str(value).split())
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
    locale: Locale,
    likely: LikelyRange | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print all tables that have a title and at least one row, in the order of the titles, then the notes.

    Args:
        tables: name -> table.
        titles: name of a table -> its title.
        prefix: text before each title, such as "Synthetic rows: ".
        notes: sentences to print after the tables.
        schemas: name of a table -> its columns.
        locale: the language of column heads and words, and the units of amounts; titles, prefix and notes
            must be in this language already.
        likely: the likely range; the columns of its ends are then named after them: p10, not range_low.
        names: display name by id.
    """
    from outage_analysis.analysis import currency_if_converted

    if likely:
        locale, measures = replace(locale, level=likely.level), likely.column_measures
        tables = {name: table.rename(measures, strict=False) for name, table in tables.items()}
        schemas = {name: schema.renamed(measures) for name, schema in schemas.items()}
    for name, title in titles.items():
        table = tables.get(name)
        if table is None or table.is_empty():
            continue
        schema = schemas.get(name)
        currency = currency_if_converted(table, schema, locale)
        heading = f"{title}{locale('terminal.sums', currency=currency)}" if currency else title
        shown = _bands_in_words(table.head(MOST_ROWS), locale)
        print_table(shown, prefix + heading, schema, locale=locale, names=names)
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
