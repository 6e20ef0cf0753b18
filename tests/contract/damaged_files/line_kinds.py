"""Damage to lines: their ends, encodings, headers, lines that are no rows, fields, odd characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

from tests.contract.damaged_files.clean_table import COURIER, KAKAO, NAMES, NOTE, Table, clean_table
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of,
    file_of_bytes,
    joined_lines,
    kind,
    kinds,
    written,
    written_line,
    written_lines,
)

LINE_ENDS, ENCODINGS, HEADERS = "line ends", "encodings", "headers"
OTHER_LINES, FIELDS, BYTES = "lines that are no rows", "missing and surplus fields", "odd characters"


def plain_lines(draw: Random, **of_table: object) -> tuple[Table, Style, list[str]]:
    """A table, a style and its lines."""
    table, style = clean_table(draw, **of_table), Style(draw.choice(",,;\t"))  # type: ignore[arg-type]
    return table, style, written_lines(table, style)


def without_change(_draw: Random, _table: Table, _style: Style) -> list[str]:
    return []


def with_lines_around(
    draw: Random,
    above: Callable[[Random, Table, Style], list[str]] = without_change,
    below: Callable[[Random, Table, Style], list[str]] = without_change,
) -> DamagedFile:
    """A file with other lines above its header and below its rows."""
    table, style, lines = plain_lines(draw)
    top = above(draw, table, style)
    return file_of(table, [*top, *lines, *below(draw, table, style)], style, header_line=len(top))


Change = Callable[[list[str], Style], list[str] | str]


def with_lines(draw: Random, change: Change, **of_table: object) -> DamagedFile:
    """A file of changed lines, or of a text of its own, with the same records."""
    table, style, lines = plain_lines(draw, **of_table)
    return file_of(table, change(lines, style), style)


def inserted(lines: list[str], at: int, line: str) -> list[str]:
    """The lines with a further one at a place."""
    return [*lines[:at], line, *lines[at:]]


# --- line ends --------------------------------------------------------------------------------------------


def with_line_ends(draw: Random, end: Callable[[], str]) -> DamagedFile:
    """A file with such an end behind each of its lines."""
    return with_lines(draw, lambda lines, _: "".join(line + end() for line in lines))


kinds(
    LINE_ENDS,
    line_ends_crlf=lambda draw: with_line_ends(draw, lambda: "\r\n"),
    line_ends_cr=lambda draw: with_line_ends(draw, lambda: "\r"),
    line_ends_mixed=lambda draw: with_line_ends(draw, lambda: draw.choice(("\n", "\r\n", "\r"))),
    line_ends_crlf_and_lf=lambda draw: with_line_ends(draw, lambda: draw.choice(("\n", "\r\n"))),
    last_line_without_end=lambda draw: with_lines(draw, lambda lines, _: "\n".join(lines), stated=True),
    line_ends_doubled_cr=lambda draw: with_line_ends(draw, lambda: "\r\r\n"),
)


# --- encodings --------------------------------------------------------------------------------------------


def encoded(draw: Random, encoding: str, mark: bytes = b"", *, korean: bool = False) -> DamagedFile:
    """A file in an encoding, with the characters that tell it from others."""
    case = KAKAO if korean else COURIER if encoding.startswith("cp125") else None
    table, style, lines = plain_lines(draw, case=case, note=True)
    text = "\r\n".join([*lines, ""])
    return file_of_bytes(table, mark + text.encode(encoding), replace(style, encoding=encoding))


kinds(
    ENCODINGS,
    utf_8=lambda draw: encoded(draw, "utf-8"),
    utf_8_with_mark=lambda draw: encoded(draw, "utf-8", b"\xef\xbb\xbf"),
    utf_16_little_endian=lambda draw: encoded(draw, "utf-16-le", b"\xff\xfe"),
    utf_16_big_endian=lambda draw: encoded(draw, "utf-16-be", b"\xfe\xff"),
    utf_16_without_mark=lambda draw: replace(
        encoded(draw, draw.choice(("utf-16-le", "utf-16-be"))), may_refuse=True
    ),
    cp949=lambda draw: encoded(draw, "cp949", korean=True),
    euc_kr=lambda draw: encoded(draw, "euc-kr", korean=True),
    decomposed_characters=lambda draw: with_lines(
        draw, lambda lines, _: unicodedata.normalize("NFD", "\n".join([*lines, ""]))
    ),
    windows_1252=lambda draw: encoded(draw, "cp1252"),
)


@kind(ENCODINGS)
def one_broken_byte(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=True)
    data = [(line + "\n").encode() for line in lines]
    row = draw.randrange(len(table.rows))
    data[row + 1] = data[row + 1][:-1] + b"\xff\n"
    return file_of_bytes(table, b"".join(data), style, damaged_rows=[row])


@kind(ENCODINGS)
def some_lines_in_cp949(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, case=KAKAO, note=True)
    broken = draw.sample(range(len(table.rows)), 2)
    data = [(line + "\n").encode("cp949" if n - 1 in broken else "utf-8") for n, line in enumerate(lines)]
    return file_of_bytes(table, b"".join(data), style, damaged_rows=broken)


# --- headers ----------------------------------------------------------------------------------------------


def with_headers(draw: Random, korean: tuple[str, ...], german: tuple[str, ...] = ()) -> DamagedFile:
    """A file with headers that the incident does not know."""
    table = clean_table(draw)
    names = korean if table.case is KAKAO or not german else german
    for column, header in zip(NAMES, names, strict=True):
        table = table.with_header(column, header)
    return written(draw, table)


kinds(
    HEADERS,
    group_line_above_header=lambda draw: with_lines_around(
        draw,
        lambda _, table, style: [
            written_line(
                ["Claim", "", "Claimant", "Complaint", "", *([""] * (len(table.columns) - 5))], style
            )
        ],
    ),
    header_over_two_lines=lambda draw: written(
        draw, clean_table(draw, note=True).with_header(NOTE, "note\n(optional)")
    ),
    headers_in_other_english_words=lambda draw: with_headers(
        draw, ("Ticket No.", "Affected service", "Customer type", "Date received", "Claimed amount")
    ),
    headers_in_capitals_and_spaces=lambda draw: with_headers(
        draw, ("CLAIM ID", " Service ", "Claimant-Type", "FILED ON", "Loss ")
    ),
    translation_line_below_header=lambda draw: with_lines(
        draw,
        lambda lines, style: inserted(
            lines, 1, written_line(["(number)", "(name)", "(group)", "(date)", "(amount)"], style)
        ),
        note=False,
    ),
    header_repeated_below=lambda draw: with_lines(
        draw, lambda lines, _: inserted(lines, draw.randrange(3, len(lines)), lines[0])
    ),
    header_with_empty_names_at_end=lambda draw: with_lines(
        draw, lambda lines, style: [line + style.delimiter * 3 for line in lines]
    ),
    headers_in_local_words=lambda draw: with_headers(
        draw,
        ("민원번호", "장애 서비스", "고객 구분", "신고일자", "손해액"),
        ("Vorgangsnummer", "Betroffener Dienst", "Art des Kunden", "Eingangsdatum", "Schadenssumme"),
    ),
)


@kind(HEADERS)
def no_header(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True)
    return file_of(table, lines[1:], style, header_line=None)


def with_numbers(table: Table, header: str) -> Table:
    """A table whose first column numbers its rows."""
    return table.with_column("index", header, [str(n) for n in range(len(table.rows))], at=0)


@kind(HEADERS)
def columns_in_another_order(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    return written(draw, table.in_order(draw.sample(range(len(table.columns)), len(table.columns))))


@kind(HEADERS)
def duplicated_note_headers(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=True)
    return written(
        draw, table.with_column("further note", table.headers[table.at(NOTE)], ["" for _ in table.rows])
    )


@kind(HEADERS)
def duplicated_loss_headers(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=False, stated=True)
    texts = [str(draw.randrange(1, 9_000)) for _ in table.rows]
    table = table.with_column("other loss", table.headers[table.at("loss")], texts)
    every = range(len(table.rows))  # which of both is the loss cannot be told
    return written(draw, table, damaged_rows=every, may_refuse=True)


@kind(HEADERS)
def header_lacks_last_name(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=True)
    return file_of(table, [written_line(table.headers[:-1], style), *lines[1:]], style)


@kind(HEADERS)
def unnamed_index_column(draw: Random) -> DamagedFile:
    return as_written(with_numbers(clean_table(draw), ""))


@kind(HEADERS)
def header_lacks_first_name(draw: Random) -> DamagedFile:
    table = with_numbers(clean_table(draw), "n")
    _, *lines = written_lines(table, Style())
    return file_of(table, [written_line(table.headers[1:], Style()), *lines])


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
    comment_lines_between=lambda draw: with_lines(
        draw, lambda lines, _: inserted(lines, draw.randrange(3, len(lines)), "# page 2")
    ),
    every_second_line_blank=lambda draw: with_lines(
        draw, lambda lines, _: "".join(line + "\n\n" for line in lines)
    ),
    lines_of_delimiters=lambda draw: with_lines_between(
        draw, 3, lambda table, style: style.delimiter * (len(table.columns) - 1)
    ),
)


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
    moved = other.in_order(draw.sample(range(len(NAMES)), len(NAMES)))
    return file_of(table, [*lines, "", *written_lines(moved, style)], style, may_refuse=True)


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
    return file_of(table, inserted(lines, 1, style.delimiter.join("-" * 8 for _ in table.columns)), style)


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
    delimiter_at_end_of_rows=lambda draw: with_lines(
        draw, lambda lines, style: [lines[0], *(line + style.delimiter for line in lines[1:])], stated=True
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


def with_padding(draw: Random, change: Callable[[tuple[str, ...]], Iterable[str]]) -> DamagedFile:
    """A file with blanks around its values."""
    table, style = clean_table(draw, note=False), Style(draw.choice(",;"))
    padded = replace(table, rows=tuple(tuple(change(row)) for row in table.rows))
    return file_of(table, joined_lines(padded, style.delimiter), style)


def as_written(table: Table) -> DamagedFile:
    """A file of a table, with nothing else done to it."""
    return file_of(table, written_lines(table, Style()))


WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + n) for n in range(10)))


kinds(
    BYTES,
    nul_in_a_note=lambda draw: with_broken_lines(draw, lambda line, *_: f"{line}\0", 1, note=True),
    nuls_at_end=lambda draw: with_lines(draw, lambda lines, _: "\n".join([*lines, "\0" * 64])),
    control_z_at_end=lambda draw: with_lines(draw, lambda lines, _: "\n".join([*lines, "\x1a"])),
    spaces_around_values=lambda draw: with_padding(
        draw, lambda row: (draw.choice(("", " ", "  ")) + c + draw.choice(("", " ")) for c in row)
    ),
    no_break_spaces=lambda draw: with_padding(
        draw, lambda row: (row[0], *(c + draw.choice(("", "\N{NO-BREAK SPACE}")) for c in row[1:]))
    ),
    zero_width_spaces=lambda draw: with_padding(
        draw, lambda row: (row[0], f"\N{ZERO WIDTH SPACE}{row[1]}", *row[2:])
    ),
    full_width_digits=lambda draw: as_written(
        clean_table(draw, case=KAKAO).with_cells(
            "loss", lambda r: "" if r.loss is None else str(r.loss).translate(WIDE)
        )
    ),
)


@kind(BYTES)
def nul_in_a_loss(draw: Random) -> DamagedFile:
    table, style = clean_table(draw, stated=True), Style(draw.choice(",;"))
    row = draw.randrange(len(table.rows))
    loss = table.cell(row, "loss")
    table = table.with_cell(row, "loss", f"{loss[:2]}\0{loss[2:]}")
    return file_of(table, joined_lines(table, style.delimiter), style, damaged_rows=[row])
