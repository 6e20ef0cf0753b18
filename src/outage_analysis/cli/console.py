"""Print the output of the commands: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

import typer

from outage_analysis import text
from outage_analysis.errors import one_line

LONGEST_TEXT = 2_000
"""Most characters that are printed of a sentence or of a text from a TOML file."""
MOST_LINES = 40
"""Most lines that a command prints on a terminal, unless it is told to print everything."""
LAST_LINES = 4
"""Most lines at the end that name the tables which did not fit."""
LEAST_ROWS = 2
"""A table is left out if fewer of its rows than this fit."""


@contextmanager
def progress(lang: str = "en") -> Iterator[Callable[[str], None]]:
    """Provide a function that shows the current step on stderr; it shows nothing outside a terminal.

    Args:
        lang: the language in which steps are shown.
    """
    from rich.console import Console
    from rich.markup import escape

    locale = text.Locale(lang)
    console = Console(stderr=True)
    with console.status(locale("note.step_starting")) as status:

        def name_step(step: str) -> None:
            status.update(escape(locale.note(step)))

        yield name_step


def print_warnings(warnings: Iterable[str]) -> None:
    """Print sentences on stderr, where they disturb no program that reads the result."""
    sys.stderr.write("".join(f"{warning}\n" for warning in warnings))


def print_answer(answer: text.Answer) -> None:
    """Print the sentences of an answer, then its tables and the notes below them."""
    for sentence in filter(None, [*answer.sentences, answer.option_note]):
        print_text(sentence)
    if answer.sentences:
        _screen.print([""])
    for shown in answer.tables:
        if isinstance(shown, str):
            print_text(shown)
        else:
            print_table(shown, answer)


def print_line(line: str) -> None:
    """Print one line on stdout."""
    sys.stdout.write(line + "\n")


def print_json(value: object) -> None:
    """Print a result as JSON with sorted keys. Infinite and undefined numbers become null."""
    printed = json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
    # Escape all non-printable characters, because an escape sequence from a file must not reach the terminal.
    # The JSON encoder escapes only some of them.
    print_line("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in printed))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class _Screen:
    """What a command has printed on a terminal, and the titles of the tables that it left out."""

    everything: bool = False
    lines: int = 0
    notes: int = 0
    """The number of sentences that were left out."""
    left_out: list[str] = field(default_factory=list)
    locale: text.Locale | None = None
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


def start_screen(context: typer.Context, everything: bool) -> bool:  # noqa: FBT001 - the value of --all
    """Start the output of a command on a terminal; at the end, name what did not fit."""
    global _screen  # noqa: PLW0603 - one command has one screen
    _screen = _Screen(everything)
    context.call_on_close(_name_the_rest)
    return everything


def _name_the_rest() -> None:
    width, locale = _terminal_width(), _screen.locale
    notes = [locale("terminal.rest_notes", count=_screen.notes)] if locale and _screen.notes else []
    if width and locale and (_screen.left_out or notes):
        rest = "; ".join([*notes, *dict.fromkeys(_screen.left_out)])
        lines = text.wrap_text(locale("terminal.rest", tables=rest), width - 2)
        print_line("\n".join(lines[:LAST_LINES]) + (" …" if len(lines) > LAST_LINES else ""))


def print_text(sentence: str) -> None:
    """Print a sentence on stdout. On a terminal, break it between words and keep its indentation.

    Below a table, a terminal shows a sentence only if there is room.
    """
    line, width = one_line(sentence, LONGEST_TEXT), _terminal_width()
    if width is None:
        print_line(line)
        return
    words = line.lstrip(" ")
    margin = " " * (len(line) - len(words))
    lines = [margin + part for part in text.wrap_text(words, width - len(margin))]
    if not _screen.locale or len(lines) <= _screen.room:
        _screen.print(lines)
    else:
        _screen.notes += 1


def print_table(shown: text.ShownTable, answer: text.Answer) -> None:
    """Print a table below its title.

    If stdout is a file or a pipe, each row is one line. A terminal shows a grid, without some columns if it
    is narrow, or a block of lines for each row. It shows the rows for which there is room; the last lines
    name the tables with further rows or columns.
    """
    locale, width = answer.locale, _terminal_width()
    title, table = text.title_with_currency(shown, locale), text.text_table(shown, answer)
    if width is None:
        print_line("\n".join([title, *table.grid(), ""]))
        return
    _screen.locale = locale
    complete = len(table.heads)
    if not _screen.everything and not table.fits(width):
        table = text.text_table(shown, answer, narrow=True)
    head = text.wrap_text(title, width)
    draw = text.Table.grid if table.fits(width) else text.Table.blocks
    count, room = min(len(shown.rows), max(_screen.room, 0)), _screen.room - len(head) - 1
    while len(lines := draw(replace(table, rows=table.rows[:count]), width)) > room and count:
        count -= 1
    counts = {"rows": len(shown.rows) - count, "columns": complete - len(table.heads)}
    if printed := not counts["rows"] or count >= LEAST_ROWS:
        _screen.print([*head, *lines, ""])
    if more := [locale(f"terminal.hidden_{what}", count=f"{n:,}") for what, n in counts.items() if n]:
        _screen.left_out.append(title.partition(";")[0] + (f" ({', '.join(more)})" if printed else ""))


def _terminal_width() -> int | None:
    """Return the width of the terminal in characters; None if stdout is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
