"""Damage to rows: lines that are no rows, missing and surplus fields, odd characters."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.contract.damaged_files.clean_table import KAKAO, NAMES, Table, clean_table
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of,
    kind,
    kinds,
    written_line,
    written_lines,
)
from tests.contract.damaged_files.layout_kinds import plain_lines, with_lines_around

OTHER_LINES, FIELDS, BYTES = "lines that are no rows", "missing and surplus fields", "odd characters"


# --- lines that are no rows -------------------------------------------------------------------------------


def with_lines_between(draw: Random, count: int, text: Callable[[Table, Style], str]) -> DamagedFile:
    """A file with other lines among its rows."""
    table, style, lines = plain_lines(draw)
    for _ in range(count):
        lines.insert(draw.randrange(1, len(lines) + 1), text(table, style))
    return file_of(table, lines, style)


kinds(
    OTHER_LINES,
    title_above=lambda draw: with_lines_around(
        draw,
        lambda draw, *_: draw.choice(
            (["Complaints of the outage"], ["신고 내역", ""], ["Report", "made on 7 November", ""])
        ),
    ),
    facts_above_with_delimiters=lambda draw: with_lines_around(
        draw,
        lambda _, table, style: [
            written_line(["Sender", "call centre"], style),
            written_line(["Rows", str(len(table.rows))], style),
            written_line(["Status", "final", "v2"], style),
            "",
        ],
    ),
    comment_lines_above=lambda draw: with_lines_around(
        draw, lambda _draw, table, _style: ["# exported by the ticket system", f"# rows: {len(table.rows)}"]
    ),
    words_below=lambda draw: with_lines_around(
        draw,
        below=lambda draw, table, _: draw.choice(
            (["", "End of report"], [f"({len(table.rows)} rows)"], ["", "", "작성자: 고객센터"])
        ),
    ),
    blank_lines_between=lambda draw: with_lines_between(draw, 4, lambda *_: ""),
    lines_of_delimiters=lambda draw: with_lines_between(
        draw, 3, lambda table, style: style.delimiter * (len(table.columns) - 1)
    ),
)


@kind(OTHER_LINES)
def comment_lines_between(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    at = draw.randrange(3, len(lines))
    return file_of(table, [*lines[:at], "# page 2", *lines[at:]], style)


@kind(OTHER_LINES)
def total_below(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True)
    total = ["" for _ in table.columns]
    total[0] = draw.choice(("합계", "Total", "Summe"))
    total[table.at("loss")] = str(sum(r.loss or 0 for r in table.records) // table.case.minor)
    return file_of(table, [*lines, written_line(total, style)], style)


@kind(OTHER_LINES)
def second_table_below(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    names = [name for _, name in table.case.services]
    below = [written_line(["name", "count"], style), *(written_line([n, "3"], style) for n in names)]
    return file_of(table, [*lines, "", *below], style, may_refuse=True)


@kind(OTHER_LINES)
def second_table_as_wide(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=False, stated=True)
    other = clean_table(draw, case=table.case, note=False, stated=True)
    order = draw.sample(range(len(NAMES)), len(NAMES))
    moved = other.in_order(order)
    return file_of(table, [*lines, "", *written_lines(moved, style)], style, may_refuse=True)


@kind(OTHER_LINES)
def every_second_line_blank(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, "".join(line + "\n\n" for line in lines), style)


@kind(OTHER_LINES)
def lines_of_spaces(draw: Random) -> DamagedFile:
    table, style = clean_table(draw), Style(draw.choice(",;"))
    lines = written_lines(table, style)
    for text in ("   ", "\t", " "):
        lines.insert(draw.randrange(1, len(lines) + 1), text)
    return file_of(table, lines, style)


@kind(OTHER_LINES)
def ruled_line_below_header(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, note=False), Style("|", suffix=".txt")
    lines = written_lines(table, style)
    rule = style.delimiter.join("-" * 8 for _ in table.columns)
    return file_of(table, [lines[0], rule, *lines[1:]], style)


# --- missing and surplus fields ---------------------------------------------------------------------------


def with_broken_lines(
    draw: Random,
    change: Callable[[str, tuple[str, ...], Style], str],
    count: int = 2,
    *,
    harmless: bool = False,
    **of_table: object,
) -> DamagedFile:
    """A file with some lines that are changed, from their text or from their cells."""
    table, style, lines = plain_lines(draw, **of_table)
    broken = draw.sample(range(len(table.rows)), count)
    for row in broken:
        lines[row + 1] = change(lines[row + 1], table.rows[row], style)
    return file_of(table, lines, style, damaged_rows=() if harmless else broken)


def without(cells: tuple[str, ...], at: int) -> tuple[str, ...]:
    return (*cells[:at], *cells[at + 1 :])


def with_cell_at(cells: tuple[str, ...], at: int, text: str) -> tuple[str, ...]:
    return (*cells[:at], text, *cells[at:])


kinds(
    FIELDS,
    row_lacks_last_field=lambda draw: with_broken_lines(
        draw, lambda line, _, style: line.rpartition(style.delimiter)[0], note=False, stated=True
    ),
    row_lacks_inner_field=lambda draw: with_broken_lines(
        draw,
        lambda _, cells, style: written_line(without(cells, draw.randrange(1, len(cells) - 1)), style),
        stated=True,
    ),
    row_with_surplus_field=lambda draw: with_broken_lines(
        draw,
        lambda _, cells, style: written_line(
            with_cell_at(cells, draw.randrange(1, len(cells)), draw.choice(("", "x", "0"))), style
        ),
        stated=True,
    ),
    delimiter_in_unquoted_note=lambda draw: with_broken_lines(
        draw, lambda line, _, style: f"{line}{style.delimiter} and more", 3, note=True
    ),
    delimiter_at_end_of_some_rows=lambda draw: with_broken_lines(
        draw, lambda line, _, style: line + style.delimiter, 3, harmless=True, stated=True
    ),
)


@kind(FIELDS)
def unquoted_thousands(draw: Random) -> DamagedFile:
    table = clean_table(draw, case=KAKAO, note=draw.random() < 0.5)
    style = Style()
    big = [n for n, r in enumerate(table.records) if (r.loss or 0) >= 1_000]
    broken = draw.sample(big, min(3, len(big)))
    lines = written_lines(table, style)
    for row in broken:
        cells = list(table.rows[row])
        cells[table.at("loss")] = f"{table.records[row].loss:,}"
        lines[row + 1] = ",".join(cells)
    return file_of(table, lines, style, damaged_rows=broken)


@kind(FIELDS)
def delimiter_at_end_of_rows(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True)
    return file_of(table, [lines[0], *(line + style.delimiter for line in lines[1:])], style)


@kind(FIELDS)
def empty_last_fields_left_out(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=True)
    style = Style(draw.choice(",;"))
    shortened = draw.sample(range(len(table.rows)), 4)
    lines = written_lines(table, style)
    for row in shortened:
        lines[row + 1] = written_line(table.rows[row][:-1], style)
    # A row without its last field may be short anywhere.
    return file_of(table, lines, style, damaged_rows=shortened)


@kind(FIELDS)
def last_line_truncated(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True, note=False)
    cut = draw.randrange(1, 1 + min(len(lines[-1]) - 2, 12))
    return file_of(
        table, "\n".join([*lines[:-1], lines[-1][:-cut]]), style, damaged_rows=[len(table.rows) - 1]
    )


# --- odd characters ---------------------------------------------------------------------------------------


@kind(BYTES)
def nul_in_a_note(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=True)
    row = draw.randrange(len(table.rows))
    lines[row + 1] += "\0"
    return file_of(table, lines, style, damaged_rows=[row])


@kind(BYTES)
def nul_in_a_loss(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, stated=True), Style(draw.choice(",;"))
    row = draw.randrange(len(table.rows))
    loss = table.cell(row, "loss")
    table = table.with_cell(row, "loss", f"{loss[:2]}\0{loss[2:]}")
    lines = [style.delimiter.join(cells) for cells in (table.headers, *table.rows)]
    return file_of(table, lines, style, damaged_rows=[row])


@kind(BYTES)
def nuls_at_end(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, "\n".join([*lines, ""]) + "\0" * 64, style)


@kind(BYTES)
def control_z_at_end(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, "\n".join([*lines, ""]) + "\x1a", style)


@kind(BYTES)
def spaces_around_values(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, note=False), Style(draw.choice(",;"))
    rows = [[draw.choice(("", " ", "  ")) + c + draw.choice(("", " ")) for c in row] for row in table.rows]
    return file_of(table, [style.delimiter.join(cells) for cells in (table.headers, *rows)], style)


@kind(BYTES)
def no_break_spaces(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, note=False), Style(draw.choice(",;"))
    rows = [[cell + draw.choice(("", "\N{NO-BREAK SPACE}")) for cell in row[1:]] for row in table.rows]
    rows = [[first[0], *rest] for first, rest in zip(table.rows, rows, strict=True)]
    return file_of(table, [style.delimiter.join(cells) for cells in (table.headers, *rows)], style)


@kind(BYTES)
def zero_width_spaces(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, note=False), Style(draw.choice(",;"))
    rows = [[row[0], f"\N{ZERO WIDTH SPACE}{row[1]}", *row[2:]] for row in table.rows]
    return file_of(table, [style.delimiter.join(cells) for cells in (table.headers, *rows)], style)


@kind(BYTES)
def full_width_digits(draw: Random) -> DamagedFile:
    table = clean_table(draw, case=KAKAO)
    wide = str.maketrans("0123456789", "".join(chr(0xFF10 + n) for n in range(10)))
    table = table.with_cells("loss", lambda r: "" if r.loss is None else str(r.loss).translate(wide))
    style = Style()
    return file_of(table, written_lines(table, style), style)
