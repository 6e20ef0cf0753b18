"""Damage to a file as a whole: line ends, encodings, headers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.contract.damaged_files.clean_table import COURIER, KAKAO, NAMES, NOTE, Table, clean_table
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of,
    file_of_bytes,
    kind,
    kinds,
    written_line,
    written_lines,
)

LINE_ENDS, ENCODINGS, HEADERS = "line ends", "encodings", "headers"


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


def written_in(draw: Random, table: Table) -> DamagedFile:
    """A file of a table, with commas or semicolons."""
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style)


# --- line ends --------------------------------------------------------------------------------------------


def with_line_ends(draw: Random, end: Callable[[], str]) -> DamagedFile:
    """A file with such an end behind each of its lines."""
    table, style, lines = plain_lines(draw)
    return file_of(table, "".join(line + end() for line in lines), style)


kinds(
    LINE_ENDS,
    line_ends_crlf=lambda draw: with_line_ends(draw, lambda: "\r\n"),
    line_ends_cr=lambda draw: with_line_ends(draw, lambda: "\r"),
    line_ends_mixed=lambda draw: with_line_ends(draw, lambda: draw.choice(("\n", "\r\n", "\r"))),
    line_ends_crlf_and_lf=lambda draw: with_line_ends(draw, lambda: draw.choice(("\n", "\r\n"))),
    line_ends_doubled_cr=lambda draw: with_line_ends(draw, lambda: "\r\r\n"),
)


@kind(LINE_ENDS)
def last_line_without_end(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True)
    return file_of(table, "\n".join(lines), style)


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
    windows_1252=lambda draw: encoded(draw, "cp1252"),
)


@kind(ENCODINGS)
def decomposed_characters(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, unicodedata.normalize("NFD", "\n".join([*lines, ""])), style)


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


def with_headers(draw: Random, korean: tuple[str, ...], german: tuple[str, ...]) -> DamagedFile:
    """A file with headers that the incident does not know."""
    table = clean_table(draw)
    names = korean if table.case is KAKAO else german
    for column, header in zip(NAMES, names, strict=True):
        table = table.with_header(column, header)
    return written_in(draw, table)


@kind(HEADERS)
def columns_in_another_order(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    return written_in(draw, table.in_order(draw.sample(range(len(table.columns)), len(table.columns))))


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
    header_over_two_lines=lambda draw: written_in(
        draw, clean_table(draw, note=True).with_header(NOTE, "note\n(optional)")
    ),
    headers_in_local_words=lambda draw: with_headers(
        draw,
        ("민원번호", "장애 서비스", "고객 구분", "신고일자", "손해액"),
        ("Vorgangsnummer", "Betroffener Dienst", "Art des Kunden", "Eingangsdatum", "Schadenssumme"),
    ),
)


@kind(HEADERS)
def headers_in_other_english_words(draw: Random) -> DamagedFile:
    words = ("Ticket No.", "Affected service", "Customer type", "Date received", "Claimed amount")
    return with_headers(draw, words, words)


@kind(HEADERS)
def headers_in_capitals_and_spaces(draw: Random) -> DamagedFile:
    words = ("CLAIM ID", " Service ", "Claimant-Type", "FILED ON", "Loss ")
    return with_headers(draw, words, words)


@kind(HEADERS)
def no_header(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True)
    return file_of(table, lines[1:], style, header_line=None)


@kind(HEADERS)
def duplicated_note_headers(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=True)
    note = table.headers[table.at(NOTE)]
    table = table.with_column("further note", note, ["" for _ in table.rows])
    return written_in(draw, table)


@kind(HEADERS)
def duplicated_loss_headers(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=False, stated=True)
    texts = [str(draw.randrange(1, 9_000)) for _ in table.rows]
    table = table.with_column("other loss", table.headers[table.at("loss")], texts)
    style = Style(draw.choice(",;"))
    every = range(len(table.rows))  # which of both is the loss cannot be told
    return file_of(table, written_lines(table, style), style, damaged_rows=every, may_refuse=True)


@kind(HEADERS)
def translation_line_below_header(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=False)
    second = written_line(["(number)", "(name)", "(group)", "(date)", "(amount)"], style)
    return file_of(table, [lines[0], second, *lines[1:]], style)


@kind(HEADERS)
def header_repeated_below(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    at = draw.randrange(3, len(lines))
    return file_of(table, [*lines[:at], lines[0], *lines[at:]], style)


@kind(HEADERS)
def unnamed_index_column(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    table = table.with_column("index", "", [str(n) for n in range(len(table.rows))], at=0)
    style = Style()
    return file_of(table, written_lines(table, style), style)


@kind(HEADERS)
def header_lacks_last_name(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=True)
    return file_of(table, [written_line(table.headers[:-1], style), *lines[1:]], style)


@kind(HEADERS)
def header_lacks_first_name(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    table = table.with_column("index", "n", [str(n) for n in range(len(table.rows))], at=0)
    style = Style()
    lines = written_lines(table, style)
    lines[0] = written_line(table.headers[1:], style)
    return file_of(table, lines, style)


@kind(HEADERS)
def header_with_empty_names_at_end(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, [line + style.delimiter * 3 for line in lines], style)
