"""What the commands print: results to stdout, words and progress to stderr."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outage_analysis.errors import one_line

if TYPE_CHECKING:  # heavy: `--help` does without it
    import polars as pl

    from outage_analysis.analysis import DisplayUnits
    from outage_analysis.claims import Claims, Inspection
    from outage_analysis.text import Locale, TextTable

LONGEST = 2_000
"""Characters of a value of a page that a terminal shows."""
LONGEST_CELL = 400
"""The most characters of a text that a table cell prints."""
MOST_ROWS = 500
"""Of one table; a terminal is no place for more."""


def print_nouns(
    load: Callable[[str], Any], known: list[str], chosen: str | None, parts: str, *, as_json: bool
) -> None:
    """List the bundled pages of a kind, or show one: its parts and what each says."""
    if chosen is None:
        listed = [{"id": i, "name": load(i).name.en} for i in known]
        if as_json:
            print_json(listed)
        else:
            for item in listed:
                print_text(f"{item['id']:<20} {one_line(item['name'])}")
        return
    page = load(chosen)
    if as_json:
        print_json(page.model_dump(mode="json", by_alias=True))
        return
    print_text(f"{page.id}: {one_line(page.name.en)}")
    for part in getattr(page, parts):
        shown = {
            k: v for k, v in part.model_dump(mode="json").items() if v not in (None, "", (), [], {}, False)
        }
        name = shown.pop("name")["en"]
        print_text(f"  {shown.pop('id')}: {one_line(name)}")
        for key, value in shown.items():
            print_text(f"      {key}: {one_line(value, LONGEST)}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Names each step on stderr, and how far it is: a line on a terminal, nothing in a pipe."""
    from rich.console import Console
    from rich.markup import escape

    from outage_analysis.claims import telling

    console = Console(stderr=True)
    with console.status("starting") as status:

        def tell(words: str) -> None:
            status.update(escape(words))

        before = telling.set(tell if console.is_terminal else None)
        try:
            yield tell
        finally:
            telling.reset(before)


def tell_rejects(claims: Claims | None) -> None:
    """A word on stderr when rows were rejected, so that no figure stands without it."""
    rejects = int(claims.files["rejects"].sum()) if claims else 0
    if claims and rejects:
        rows = rejects + len(claims)
        sys.stderr.write(f"{rejects:,} of {rows:,} rows were rejected; `ingest` says which and why\n")


def print_line(text: str) -> None:
    """One line of results."""
    sys.stdout.write(text + "\n")


def print_json(value: object) -> None:
    """A result as JSON, keys sorted; a number that JSON does not have is null."""
    shown = json.dumps(
        _numbered(value), ensure_ascii=False, sort_keys=True, indent=2, default=_plain, allow_nan=False
    )
    # An escape sequence from a file must not reach a terminal; JSON itself escapes only some characters.
    print_line("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in shown))


def _numbered(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _numbered(inner) for key, inner in value.items()}
    return [_numbered(inner) for inner in value] if isinstance(value, list | tuple) else value


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def print_text(text: str) -> None:
    """A sentence on stdout: on a terminal in lines that break between words, as far in as the first."""
    width = _width()
    if width is None:
        print_line(text)
        return
    from outage_analysis.text import wrap_text

    said = text.lstrip(" ")
    margin = " " * (len(text) - len(said))
    for line in wrap_text(said, width - len(margin)):
        print_line(margin + line)


def print_table(frame: pl.DataFrame, title: str, sums: DisplayUnits | None = None) -> None:
    """A frame under its title on stdout, in the first of these forms that the terminal has room for.

    Every figure in full; amounts shortened to thousands, millions or billions, which the title then says;
    a block per row. A file or a pipe gets one line per row, however long.
    """
    width, full = _width(), _texts(frame, sums)
    if width is None or full.fits(width):
        print_text(one_line(title))
        lines = full.grid(width)
    else:
        short = _shortened(frame, sums)
        if short and short[1].fits(width):
            print_text(f"{one_line(title)}; amounts in {short[0]}, to three digits")
            lines = short[1].grid(width)
        else:
            print_text(one_line(title))
            lines = full.blocks(width)
    print_line("\n".join([*lines, ""]))


def _width() -> int | None:
    """The cells of a line of the terminal; None where results go to a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _shortened(frame: pl.DataFrame, sums: DisplayUnits | None) -> tuple[str, TextTable] | None:
    """The table with its amounts in a larger unit, and that unit; None where no unit serves."""
    unit = sums.unit(frame) if sums else None
    return (f"{unit[1]} {sums.currency}", _texts(frame, sums, unit[0])) if sums and unit else None


def _texts(frame: pl.DataFrame, sums: DisplayUnits | None, unit: int | None = None) -> TextTable:
    """The cells of a frame as a terminal shows them."""
    from outage_analysis.analysis import whole_counts
    from outage_analysis.text import TextTable

    counted = whole_counts(frame)
    written = sums.written(counted, _cell, unit) if sums else counted
    numbers = frozenset(n for n, dtype in enumerate(frame.dtypes) if dtype.is_numeric())
    heads = tuple(one_line(name, LONGEST_CELL) for name in frame.columns)
    return TextTable(heads, tuple(tuple(map(_cell, row)) for row in written.iter_rows()), numbers)


def print_named(
    tables: Mapping[str, pl.DataFrame],
    titles: Mapping[str, str],
    mark: str,
    notes: Iterable[str],
    sums: DisplayUnits | None = None,
) -> None:
    """The tables that have a title, in the order of the titles, but for empty ones; then the notes."""
    from outage_analysis.text import Locale

    for name, title in titles.items():
        if name in tables and len(tables[name]):
            shown = _with_bands(tables[name].head(MOST_ROWS), sums.words if sums else Locale("en"))
            said = sums.titled(title, tables[name]) if sums else title
            print_table(shown, mark + said, sums)
            if len(tables[name]) > len(shown):
                print_text(f"and {len(tables[name]) - len(shown):,} more rows: --json has all")
    for note in notes:
        print_text(one_line(note, 400))


def _with_bands(frame: pl.DataFrame, words: Locale) -> pl.DataFrame:
    """The band of whole losses in words, in place of its two ends."""
    if not {"over", "up_to"} <= set(frame.columns) or not frame.schema["over"].is_integer():
        return frame
    place = frame.columns.index("over")
    named = frame.with_columns(band=band_in_words(words)).drop("over", "up_to")
    columns = [c for c in named.columns if c != "band"]
    return named.select(*columns[:place], "band", *columns[place:])


def band_in_words(words: Locale) -> pl.Expr:
    """The columns `over` and `up_to` as one text."""
    import polars as pl

    return pl.struct("over", "up_to").map_elements(
        lambda band: words.band(band["over"], band["up_to"]), return_dtype=pl.String
    )


def print_quality(quality: dict[str, Any], sums: DisplayUnits) -> None:
    """What complaint files were like: per file, by rule, the first rejects, claimants, round sums."""
    import polars as pl

    print_table(pl.DataFrame(quality["files"]), "Every row is one claim or one reject")
    if quality["rules"]:
        print_table(pl.DataFrame(quality["rules"]), "Rules broken (a reject may break several)")
    for line in quality["first_rejects"]:
        print_text(line)
    if quality["rejects"] > len(quality["first_rejects"]):
        print_text(f"and {quality['rejects'] - len(quality['first_rejects']):,} more rejects")
    print_table(pl.DataFrame(quality["claimants"]), "Claimants, and how many filed again")
    if quality["heaping"]:
        heaping = pl.DataFrame(quality["heaping"])
        title = sums.titled(
            "Losses on round sums; share: of the losses above zero; even: without any preference", heaping
        )
        print_table(heaping, title, sums)
    for name in quality["skipped"]:
        print_text(f"not read: {one_line(name)}")
    words = "synthetic rows" if quality["synthetic"] else "rows"
    print_text(f"{quality['rows']:,} {words} = {quality['claims']:,} claims + {quality['rejects']:,} rejects")


def print_inspection(found: Inspection) -> None:
    """What is in a file, and the layout page at the end."""
    lost = f", {found.unreadable:,} of another width" if found.unreadable else ""
    dialect = f", {found.dialect}" if found.dialect else ""
    print_text(f"{one_line(found.name)}: {found.encoding}{one_line(dialect)}; {found.records:,} rows{lost}")
    print_table(found.columns, "Columns of the file")
    print_table(found.rows, "First rows, personal data masked")
    if len(found.strangers):
        print_table(found.strangers, "Services and claimant types that no alias covers, most frequent first")
    if found.claimants is not None:
        print_text(f"{found.claimants:,} different claimants")
    print_line("")
    print_line(found.page.rstrip())


def _cell(value: object) -> str:
    """A number with separators, anything else as one safe line."""
    from outage_analysis.text import Locale

    if value is None:
        return ""
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return Locale("en").number(value)
    return one_line(value, LONGEST_CELL)
