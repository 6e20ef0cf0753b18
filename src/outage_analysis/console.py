"""What the commands print: results to stdout, words and progress to stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from outage_analysis.errors import one_line

if TYPE_CHECKING:  # heavy: `--help` does without it
    import polars as pl

    from outage_analysis.claims import Claims
    from outage_analysis.inspection import Inspection
    from outage_analysis.labels import Words
    from outage_analysis.sums import Sums

WIDE = 160
"""Columns of a table that goes to a file or a pipe."""
LONGEST = 2_000
"""Characters of a value of a page that a terminal shows."""
MOST_ROWS = 500
"""Of one table; a terminal is no place for more."""
LARGE = 100
"""From here on a number on a terminal has no decimals."""


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
                print_line(f"{item['id']:<20} {one_line(item['name'])}")
        return
    page = load(chosen)
    if as_json:
        print_json(page.model_dump(mode="json", by_alias=True))
        return
    print_line(f"{page.id}: {one_line(page.name.en)}")
    for part in getattr(page, parts):
        shown = {
            k: v for k, v in part.model_dump(mode="json").items() if v not in (None, "", (), [], {}, False)
        }
        name = shown.pop("name")["en"]
        print_line(f"  {shown.pop('id')}: {one_line(name)}")
        for key, value in shown.items():
            print_line(f"      {key}: {one_line(value, LONGEST)}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Names each step on stderr, and how far it is: a line on a terminal, nothing in a pipe."""
    from rich.console import Console
    from rich.markup import escape

    from outage_analysis.progress import telling

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
    print_line(shown)


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


def print_table(frame: pl.DataFrame, title: str, sums: Sums | None = None) -> None:
    """A frame as a table on stdout, its sums in whole currency where it is said which they are."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, dtype in frame.schema.items():
        number = dtype.is_numeric()  # a number is never broken over lines; text is, to make room
        table.add_column(
            one_line(name, 60), justify="right" if number else "left", overflow="fold", no_wrap=number
        )
    for row in (sums.written(frame, _cell) if sums else frame).iter_rows():
        table.add_row(*map(_cell, row))
    width = None if sys.stdout.isatty() else WIDE
    console = Console(markup=False, highlight=False, width=width)
    console.print(one_line(title))  # above the table, where it need not be as narrow
    console.print(table)


def print_named(
    tables: Mapping[str, pl.DataFrame],
    titles: Mapping[str, str],
    mark: str,
    notes: Iterable[str],
    sums: Sums | None = None,
) -> None:
    """The tables that have a title, in the order of the titles, but for empty ones; then the notes."""
    from outage_analysis.labels import Words

    for name, title in titles.items():
        if name in tables and len(tables[name]):
            shown = _with_bands(tables[name].head(MOST_ROWS), sums.words if sums else Words("en"))
            said = sums.titled(title, tables[name]) if sums else title
            print_table(shown, mark + said, sums)
            if len(tables[name]) > len(shown):
                print_line(f"and {len(tables[name]) - len(shown):,} more rows: --json has all")
    for note in notes:
        print_line(one_line(note, 400))


def _with_bands(frame: pl.DataFrame, words: Words) -> pl.DataFrame:
    """The band of whole losses in words, in place of its two ends."""
    if not {"over", "up_to"} <= set(frame.columns) or not frame.schema["over"].is_integer():
        return frame
    place = frame.columns.index("over")
    named = frame.with_columns(band=band_in_words(words)).drop("over", "up_to")
    columns = [c for c in named.columns if c != "band"]
    return named.select(*columns[:place], "band", *columns[place:])


def band_in_words(words: Words) -> pl.Expr:
    """The columns `over` and `up_to` as one text."""
    import polars as pl

    return pl.struct("over", "up_to").map_elements(
        lambda band: words.band(band["over"], band["up_to"]), return_dtype=pl.String
    )


def print_quality(quality: dict[str, Any], sums: Sums) -> None:
    """What complaint files were like: per file, by rule, the first rejects, claimants, round sums."""
    import polars as pl

    print_table(pl.DataFrame(quality["files"]), "Every row is one claim or one reject")
    if quality["rules"]:
        print_table(pl.DataFrame(quality["rules"]), "Rules broken (a reject may break several)")
    for line in quality["first_rejects"]:
        print_line(line)
    if quality["rejects"] > len(quality["first_rejects"]):
        print_line(f"and {quality['rejects'] - len(quality['first_rejects']):,} more rejects")
    print_table(pl.DataFrame(quality["claimants"]), "Claimants, and how many filed again")
    if quality["heaping"]:
        heaping = pl.DataFrame(quality["heaping"])
        title = sums.titled(
            "Losses on round sums; share: of the losses above zero; even: without any preference", heaping
        )
        print_table(heaping, title, sums)
    for name in quality["skipped"]:
        print_line(f"not read: {one_line(name)}")
    words = "synthetic rows" if quality["synthetic"] else "rows"
    print_line(f"{quality['rows']:,} {words} = {quality['claims']:,} claims + {quality['rejects']:,} rejects")


def print_inspection(found: Inspection) -> None:
    """What is in a file, and the layout page at the end."""
    lost = f", {found.unreadable:,} of another width" if found.unreadable else ""
    dialect = f", {found.dialect}" if found.dialect else ""
    print_line(f"{one_line(found.name)}: {found.encoding}{one_line(dialect)}; {found.records:,} rows{lost}")
    print_table(found.columns, "Columns of the file")
    print_table(found.rows, "First rows, personal data masked")
    if len(found.strangers):
        print_table(found.strangers, "Services and claimant types that no alias covers, most frequent first")
    if found.claimants is not None:
        print_line(f"{found.claimants:,} different claimants")
    print_line("")
    print_line(found.page.rstrip())


def _cell(value: object) -> str:
    """A number with separators, anything else as one safe line."""
    if value is None:
        return ""
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        number = float(value)
        return f"{number:,.0f}" if number.is_integer() or abs(number) >= LARGE else f"{number:,.4g}"
    return one_line(value, 80)
