"""Damage to how lines are cut into fields: delimiters, quotation marks, escapes, multi-line notes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.contract.damaged_files.clean_table import NOTE, Table, clean_table
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of,
    joined_lines,
    kind,
    kinds,
    with_changed_cells,
    written_line,
    written_lines,
)

DELIMITERS, QUOTES, STRAY, NOTES = "delimiters", "quotes and escapes", "stray quotation marks", "long notes"


def noted(draw: Random) -> Table:
    """A table with a column of notes."""
    return clean_table(draw, note=True)


def in_style(draw: Random, style: Style) -> DamagedFile:
    """A table written in a style, with nothing else wrong."""
    table = clean_table(draw)
    return file_of(table, written_lines(table, style), style)


# --- delimiters -------------------------------------------------------------------------------------------


kinds(
    DELIMITERS,
    comma=lambda draw: in_style(draw, Style()),
    semicolon=lambda draw: in_style(draw, Style(";")),
    tab=lambda draw: in_style(draw, Style("\t", suffix=draw.choice((".tsv", ".txt", ".csv")))),
    pipe=lambda draw: in_style(draw, Style("|", suffix=draw.choice((".txt", ".csv")))),
    space=lambda draw: in_style(draw, Style(" ", suffix=draw.choice((".txt", ".csv")))),
)


@kind(DELIMITERS)
def spaces_after_delimiters(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, note=False), Style(draw.choice(",;"))
    return file_of(table, joined_lines(table, style.delimiter + " "), style)


@kind(DELIMITERS)
def aligned_with_spaces(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, note=False), Style(draw.choice(",;|"))
    grid = [table.headers, *table.rows]
    widths = [max(len(cells[c]) for cells in grid) for c in range(len(table.headers))]
    lines = [
        f" {style.delimiter} ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True))
        for cells in grid
    ]
    return file_of(table, lines, style)


@kind(DELIMITERS)
def separator_line_of_excel(draw: Random) -> DamagedFile:
    table, style = clean_table(draw), Style(draw.choice(";|"))
    return file_of(table, [f"sep={style.delimiter}", *written_lines(table, style)], style, header_line=1)


# --- quotation marks and escapes --------------------------------------------------------------------------


def with_texts(
    draw: Random,
    style: Callable[[Random], Style],
    text: Callable[[Style], str],
    *,
    rows: int = 3,
    quoted: bool = True,
) -> DamagedFile:
    """A file with such texts in some of its notes, quoted as the style says or not at all."""
    table, chosen = noted(draw), style(draw)
    table, _ = with_changed_cells(draw, table, NOTE, rows, lambda _: text(chosen))
    lines = written_lines(table, chosen) if quoted else joined_lines(table, chosen.delimiter)
    return file_of(table, lines, chosen)


kinds(
    QUOTES,
    every_field_quoted=lambda draw: in_style(draw, Style(draw.choice(",;\t"), quote_all=True)),
    doubled_quotes=lambda draw: with_texts(
        draw,
        lambda draw: Style(draw.choice(",;"), quote_all=draw.random() < 0.5),
        lambda _: draw.choice(('they said "wait"', '"', 'a "b", c')),
    ),
    delimiters_in_quotes=lambda draw: with_texts(
        draw,
        lambda draw: Style(draw.choice(",;|")),
        lambda style: f"one{style.delimiter} two{style.delimiter}three",
        rows=4,
    ),
    backslash_before_quotes=lambda draw: with_texts(
        draw,
        lambda draw: Style(draw.choice(",;"), escape="\\", quote_all=draw.random() < 0.7),
        lambda _: draw.choice(('they said "wait"', 'a "b", c', '"x"')),
    ),
    backslash_before_delimiters=lambda draw: with_texts(
        draw,
        lambda draw: Style(draw.choice(",;"), escape="\\"),
        lambda style: f"one\\{style.delimiter} two",
        quoted=False,
    ),
    backslashes_as_text=lambda draw: with_texts(
        draw,
        lambda draw: Style(quote_all=draw.random() < 0.5),
        lambda _: draw.choice(("C:\\temp\\", "\\", "a\\b")),
    ),
    single_quotes=lambda draw: with_texts(
        draw, lambda draw: Style(quote="'", quote_all=draw.random() < 0.5), lambda _: "first, second", rows=1
    ),
    apostrophes_as_text=lambda draw: with_texts(
        draw,
        lambda draw: Style(draw.choice(",;")),
        lambda _: draw.choice(("O'Brien", "can't pay", "'tis late")),
    ),
    inch_marks_as_text=lambda draw: with_texts(
        draw,
        lambda draw: Style(draw.choice(",;|")),
        lambda _: draw.choice(('5" pipe', 'screen 14"', 'a 3" b')),
        quoted=False,
    ),
)


@kind(QUOTES)
def spaces_before_quotes(draw: Random) -> DamagedFile:
    table, style = noted(draw), Style()
    table, _ = with_changed_cells(draw, table, NOTE, 3, lambda _: "first, second")
    lines = [
        ", ".join(written_line([cell], Style(quote_all=True)) for cell in cells)
        for cells in (table.headers, *table.rows)
    ]
    return file_of(table, lines, style)


# --- stray quotation marks --------------------------------------------------------------------------------


def with_stray_marks(
    draw: Random, *, rows: int = 1, where: str, quoted: bool, column: str = "", last: bool = False
) -> DamagedFile:
    """A file in which some rows have one quotation mark too many or too few; these rows are beyond repair."""
    table = clean_table(draw)
    style = Style(draw.choice(",;"), quote_all=quoted)
    lines = written_lines(table, style)
    broken = [len(table.rows) - 1] if last else draw.sample(range(len(table.rows)), rows)
    for row in broken:
        at = table.at(column) if column else draw.randrange(len(table.columns))
        fields = lines[row + 1].split(style.delimiter)
        text = fields[at].strip('"')
        middle = len(text) // 2
        inside = f'{text[:middle]}"{text[middle:]}'
        mark = '"' if quoted else ""
        fields[at] = {
            "start": f'{mark}"{text}{mark}',
            "inside": f"{mark}{inside}{mark}",
            "end": f'{mark}{text}"{mark}',
            "not closed": f'"{text}',
            "not opened": f'{text}"',
        }[where]
        lines[row + 1] = style.delimiter.join(fields)
    return file_of(table, lines, style, damaged_rows=broken)


kinds(
    STRAY,
    mark_at_start_of_plain_field=lambda draw: with_stray_marks(draw, where="start", quoted=False),
    mark_inside_plain_field=lambda draw: with_stray_marks(draw, where="inside", quoted=False),
    mark_at_end_of_plain_field=lambda draw: with_stray_marks(draw, where="end", quoted=False),
    mark_at_start_of_quoted_field=lambda draw: with_stray_marks(draw, where="start", quoted=True),
    mark_inside_quoted_field=lambda draw: with_stray_marks(draw, where="inside", quoted=True),
    mark_at_end_of_quoted_field=lambda draw: with_stray_marks(draw, where="end", quoted=True),
    quoted_field_not_closed=lambda draw: with_stray_marks(draw, where="not closed", quoted=True),
    quoted_field_not_opened=lambda draw: with_stray_marks(draw, where="not opened", quoted=True),
    mark_in_first_field=lambda draw: with_stray_marks(
        draw, where="start", quoted=draw.random() < 0.5, column="claim_id"
    ),
    mark_in_last_row=lambda draw: with_stray_marks(
        draw, where="start", quoted=draw.random() < 0.5, last=True
    ),
    two_marks_in_two_rows=lambda draw: with_stray_marks(draw, where="start", quoted=False, rows=2),
    three_marks_in_quoted_rows=lambda draw: with_stray_marks(
        draw, where=draw.choice(("start", "not closed")), quoted=True, rows=3
    ),
    five_marks_of_all_sorts=lambda draw: with_stray_marks(
        draw, where=draw.choice(("start", "inside", "end")), quoted=False, rows=5
    ),
)


@kind(STRAY)
def mark_in_header(draw: Random) -> DamagedFile:
    table, style = noted(draw), Style(draw.choice(",;"))
    lines = written_lines(table, style)
    header = lines[0].split(style.delimiter)
    header[-1] = f'"{header[-1]}'  # the header of the notes, which no claim keeps
    return file_of(table, [style.delimiter.join(header), *lines[1:]], style)


@kind(STRAY)
def mark_beside_multi_line_notes(draw: Random) -> DamagedFile:
    table, style = noted(draw), Style(draw.choice(",;"))
    row, *others = draw.sample(range(1, len(table.rows)), 3)
    for other in others:
        table = table.with_cell(other, NOTE, "first line\nsecond line")
    lines = written_lines(table, style)
    lines[row + 1] = lines[row + 1].replace(style.delimiter, f'{style.delimiter}"', 1)
    return file_of(table, lines, style, damaged_rows=[row])


# --- notes over several lines -----------------------------------------------------------------------------


def with_notes(draw: Random, notes: tuple[str, ...], *, narrow: bool = False) -> DamagedFile:
    """A file with quoted notes that go over several lines."""
    table, style = noted(draw), Style(draw.choice(",;"), quote_all=draw.random() < 0.3)
    if narrow:
        table = table.in_order(draw.sample(range(len(table.columns)), len(table.columns)))
    table, _ = with_changed_cells(
        draw, table, NOTE, 4, lambda _: draw.choice(notes).replace(",", style.delimiter)
    )
    return file_of(table, written_lines(table, style), style)


kinds(
    NOTES,
    notes_over_two_lines=lambda draw: with_notes(draw, ("first line\nsecond line", "one\r\ntwo", "a\nb")),
    notes_with_blank_lines=lambda draw: with_notes(
        draw, ("first\n\nsecond", "\nbegins below", "ends above\n")
    ),
    notes_with_quotes_and_delimiters=lambda draw: with_notes(
        draw, ('he said "no",\nthen left', 'a, b\n"c", d', '""\n,,')
    ),
    notes_in_any_column=lambda draw: with_notes(draw, ("first line\nsecond line", "a,b\nc"), narrow=True),
)


@kind(NOTES)
def notes_that_look_like_rows(draw: Random) -> DamagedFile:
    table, style = noted(draw), Style()
    row, other = draw.sample(range(len(table.rows)), 2)
    copied = written_line(table.rows[other], style)
    table = table.with_cell(row, NOTE, f"copied from the list:\n{copied}\nplease check")
    # Whether the copy is text or a row cannot be told with certainty.
    return file_of(table, written_lines(table, style), style, damaged_rows=[row, other])


@kind(NOTES)
def notes_broken_without_quotes(draw: Random) -> DamagedFile:
    table, style = noted(draw), Style(draw.choice(",;\t"))
    table, broken = with_changed_cells(draw, table, NOTE, 2, lambda _: "first line\nsecond line")
    return file_of(table, joined_lines(table, style.delimiter), style, damaged_rows=broken)
