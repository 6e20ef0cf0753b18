"""Damage to a file as a whole: line ends, encodings, headers."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from random import Random

from tests.contract.damaged_files.clean_table import COURIER, KAKAO, NAMES, NOTE, Table, clean_table
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of,
    file_of_bytes,
    kind,
    written_line,
    written_lines,
)

LINE_ENDS, ENCODINGS, HEADERS = "line ends", "encodings", "headers"


def plain_lines(draw: Random, **of_table: object) -> tuple[Table, Style, list[str]]:
    """A table, a style and its lines."""
    table, style = clean_table(draw, **of_table), Style(draw.choice(",,;\t"))  # type: ignore[arg-type]
    return table, style, written_lines(table, style)


# --- line ends --------------------------------------------------------------------------------------------


@kind(LINE_ENDS)
def line_ends_crlf(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, lines, replace(style, newline="\r\n"))


@kind(LINE_ENDS)
def line_ends_cr(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, lines, replace(style, newline="\r"))


@kind(LINE_ENDS)
def line_ends_mixed(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, "".join(line + draw.choice(("\n", "\r\n", "\r")) for line in lines), style)


@kind(LINE_ENDS)
def line_ends_crlf_and_lf(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, "".join(line + draw.choice(("\n", "\r\n")) for line in lines), style)


@kind(LINE_ENDS)
def line_ends_doubled_cr(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    return file_of(table, lines, replace(style, newline="\r\r\n"))


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


@kind(ENCODINGS)
def utf_8(draw: Random) -> DamagedFile:
    return encoded(draw, "utf-8")


@kind(ENCODINGS)
def utf_8_with_mark(draw: Random) -> DamagedFile:
    return encoded(draw, "utf-8", b"\xef\xbb\xbf")


@kind(ENCODINGS)
def utf_16_little_endian(draw: Random) -> DamagedFile:
    return encoded(draw, "utf-16-le", b"\xff\xfe")


@kind(ENCODINGS)
def utf_16_big_endian(draw: Random) -> DamagedFile:
    return encoded(draw, "utf-16-be", b"\xfe\xff")


@kind(ENCODINGS)
def utf_16_without_mark(draw: Random) -> DamagedFile:
    return replace(encoded(draw, draw.choice(("utf-16-le", "utf-16-be"))), may_refuse=True)


@kind(ENCODINGS)
def cp949(draw: Random) -> DamagedFile:
    return encoded(draw, "cp949", korean=True)


@kind(ENCODINGS)
def euc_kr(draw: Random) -> DamagedFile:
    return encoded(draw, "euc-kr", korean=True)


@kind(ENCODINGS)
def windows_1252(draw: Random) -> DamagedFile:
    return encoded(draw, "cp1252")


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
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style)


@kind(HEADERS)
def headers_in_local_words(draw: Random) -> DamagedFile:
    return with_headers(
        draw,
        ("민원번호", "장애 서비스", "고객 구분", "신고일자", "손해액"),
        ("Vorgangsnummer", "Betroffener Dienst", "Art des Kunden", "Eingangsdatum", "Schadenssumme"),
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
def columns_in_another_order(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    table = table.in_order(draw.sample(range(len(table.columns)), len(table.columns)))
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style)


@kind(HEADERS)
def no_header(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, stated=True)
    return file_of(table, lines[1:], style, header_line=None)


@kind(HEADERS)
def duplicated_note_headers(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=True)
    note = table.headers[table.at(NOTE)]
    table = table.with_column("further note", note, ["" for _ in table.rows])
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style)


@kind(HEADERS)
def duplicated_loss_headers(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=False, stated=True)
    texts = [str(draw.randrange(1, 9_000)) for _ in table.rows]
    table = table.with_column("other loss", table.headers[table.at("loss")], texts)
    style = Style(draw.choice(",;"))
    every = range(len(table.rows))  # which of both is the loss cannot be told
    return file_of(table, written_lines(table, style), style, damaged_rows=every, may_refuse=True)


@kind(HEADERS)
def group_line_above_header(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw)
    groups = ["Claim", "", "Claimant", "Complaint", "", *([""] * (len(table.columns) - 5))]
    return file_of(table, [written_line(groups, style), *lines], style, header_line=1)


@kind(HEADERS)
def translation_line_below_header(draw: Random) -> DamagedFile:
    table, style, lines = plain_lines(draw, note=False)
    second = written_line(["(number)", "(name)", "(group)", "(date)", "(amount)"], style)
    return file_of(table, [lines[0], second, *lines[1:]], style)


@kind(HEADERS)
def header_over_two_lines(draw: Random) -> DamagedFile:
    table = clean_table(draw, note=True)
    table = table.with_header(NOTE, "note\n(optional)")
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style)


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
