"""What is read of delimited texts of every make: the right rows under the right numbers, or a refusal.

Nothing is read wrongly without a word. The files that can be read are read in one run, each by the layout
that it needs; the tests look at one file each.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from outage_analysis.claims import read_claims
from outage_analysis.claims.cell_values import BLANKS, REPEATED_HEADER, UNREADABLE
from outage_analysis.errors import InputRefused
from outage_analysis.incidents import Layout
from tests.claims.complaint_files import WHOLE, csv_incident, encoded, found_in_the_bytes, record

COLUMNS = ("claim_id", "service", "claimant_type", "filed_on", "loss", "region")
HEADER = ",".join(COLUMNS)
KOREAN = "접수번호,서비스,신고자구분,접수일,피해금액,지역"
NUMBERED: dict[str, tuple[str, ...]] = {c: (str(n),) for n, c in enumerate(COLUMNS, start=1)}
"""The columns of a file without a header."""


def row(id_: object, region: str = "x", loss: str = "5", end: str = "") -> str:
    """One good complaint as it stands in a text."""
    return f"{id_},카톡,개인,2022-10-19,{loss},{region}{end}"


BAD = row("bad", loss="much")
"""A complaint whose loss is no number: its place in the bytes is looked up."""


def lines(*rows: str, end: str = "\n") -> str:
    return end.join(rows) + end


def swapped(text: str, delimiter: str) -> str:
    """A text with another delimiter."""
    return text.replace(",", delimiter)


@dataclass(frozen=True)
class Case:
    """A text, and what is read of it."""

    text: str
    claims: Mapping[int, str | None]
    """Row -> the region of each claim."""
    rejects: Mapping[int, str] = field(default_factory=dict)
    """Row -> the text of each reject."""
    rule: str = WHOLE
    """What they break."""
    layout: Layout = field(default_factory=Layout)
    encoding: str = "utf-8"
    dialect: str = ""
    """How it is cut into cells, where that is the question."""
    name: str = "{}.csv"


QUOTES = 'quote ", header in row 1'
ONE_BAD = {3: BAD}
"""The reject of a file whose third row is bad."""

READ: dict[str, Case] = {
    # Delimiters
    **{
        f"delimiter-{name}": Case(
            swapped(lines(HEADER, row(1), BAD, row(2)), mark),
            {2: "x", 4: "x"},
            {3: swapped(BAD, mark)},
            dialect=f"delimiter {mark!r}, {QUOTES}",
        )
        for name, mark in {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}.items()
    },
    "delimiter-declared": Case(
        swapped(lines(HEADER, row(1), BAD), "^"),
        {2: "x"},
        {3: swapped(BAD, "^")},
        layout=Layout(delimiter="^"),
    ),
    "delimiters-quoted": Case(lines(HEADER, row(1, '"a,b;c\td|e"'), BAD), {2: "a,b;c\td|e"}, ONE_BAD),
    "delimiter-in-the-header": Case(
        lines(f'{HEADER},"memo, long"', row(1) + ",m", BAD + ",m"), {2: "x"}, {3: BAD + ",m"}
    ),
    "commas-in-a-header-of-semicolons": Case(
        swapped(lines(HEADER, row(1), BAD), ";")
        .replace("region", "region;memo,a,b,c,d,e,f", 1)
        .replace(";x", ";x;m"),
        {2: "x"},
        {3: swapped(BAD, ";") + ";m"},
        dialect=f"delimiter ';', {QUOTES}",
    ),
    "sep-line": Case("sep=;\n" + swapped(lines(HEADER, BAD, row(1)), ";"), {4: "x"}, {3: swapped(BAD, ";")}),
    "sep-line-of-an-uncommon-mark": Case(
        "sep=^\n" + swapped(lines(HEADER, BAD, row(1)), "^"), {4: "x"}, {3: swapped(BAD, "^")}
    ),
    "sep-line-crlf": Case(
        "sep=|\r\n" + swapped(lines(HEADER, BAD, row(1), end="\r\n"), "|"), {4: "x"}, {3: swapped(BAD, "|")}
    ),
    "sep-line-tab": Case(
        "sep=\t\n" + swapped(lines(HEADER, BAD, row(1)), "\t"), {4: "x"}, {3: swapped(BAD, "\t")}
    ),
    # Quotation marks
    "everything-quoted": Case(
        re.sub(r"[^,\n]+", r'"\g<0>"', lines(HEADER, row(1), BAD)),
        {2: "x"},
        {3: re.sub("[^,]+", r'"\g<0>"', BAD)},
    ),
    "marks-doubled": Case(
        lines(HEADER, row(1, '"say ""hi"""'), BAD, row(2, '""""')), {2: 'say "hi"', 4: '"'}, ONE_BAD
    ),
    "marks-inside-a-field": Case(
        lines(HEADER, row(1, '5" pipe'), BAD, row(2, 'a "b" c'), row(3, 'x"')),
        {2: '5" pipe', 4: 'a "b" c', 5: 'x"'},
        ONE_BAD,
    ),
    "mark-behind-a-space": Case(
        lines(HEADER, row(1, ' "a"'), row(2)), {3: "x"}, {2: row(1, ' "a"')}, UNREADABLE
    ),
    "marks-inside-a-field-of-a-file-with-quoted-fields": Case(
        lines(HEADER, row(1, '"a"'), row(2, '5" pipe'), row(3)),
        {2: "a", 4: "x"},
        {3: row(2, '5" pipe')},
        UNREADABLE,
    ),
    "spaces-behind-delimiters": Case(
        lines(HEADER, row(1, '"a,b"'), BAD, row(2, '"a"')).replace(",", ", "),
        {2: "a, b", 4: "a"},
        {3: BAD.replace(",", ", ")},
        dialect="delimiter ',' with spaces, quote \", header in row 1",
    ),
    "apostrophes-decided": Case(
        lines(HEADER, row(1, "'a,b'"), BAD, row(2, "'it''s'")),
        {2: "a,b", 4: "it's"},
        ONE_BAD,
        dialect="delimiter ',', quote ', header in row 1",
    ),
    "apostrophes-declared": Case(
        lines(HEADER, row(1, "'a'"), BAD, row(2, "'two\nlines'")),
        {2: "a", 4: "two\nlines"},
        ONE_BAD,
        layout=Layout(quote="'"),
    ),
    "apostrophes-as-text": Case(
        lines(HEADER, row(1, "'a'"), BAD, row(2, "it's"), row(3, "'tis")),
        {2: "'a'", 4: "it's", 5: "'tis"},
        ONE_BAD,
        dialect=f"delimiter ',', {QUOTES}",
    ),
    "apostrophes-never-decided-by-a-row-they-break": Case(
        lines(HEADER, row(1, "'90s'"), row(2), row(3, "'x'y"), row(4), row(5, "a,b"), row(6)),
        {2: "'90s'", 3: "x", 4: "'x'y", 5: "x", 7: "x"},
        {6: row(5, "a,b")},
        UNREADABLE,
        dialect=f"delimiter ',', {QUOTES}",
    ),
    "no-quotes-declared": Case(
        lines(HEADER, row(1, '"a'), BAD, row(2, 'b"'), row(3, '""c""')),
        {2: '"a', 4: 'b"', 5: '""c""'},
        ONE_BAD,
        layout=Layout(quote="none"),
        dialect="delimiter ',', no quotes, header in row 1",
    ),
    "no-quotes-and-blank-lines": Case(
        lines(HEADER, row(1, '"a'), "", BAD, row(2, 'b"')),
        {2: '"a', 5: 'b"'},
        {4: BAD},
        layout=Layout(quote="none"),
    ),
    "mark-wrong-within-its-line": Case(
        lines(HEADER, row(1), row(2, '"a"b'), row(3)), {2: "x", 4: "x"}, {3: row(2, '"a"b')}, UNREADABLE
    ),
    "backslashes-are-text": Case(
        lines(HEADER, row(1, "a\\nb\\"), BAD, row(2, '"c\\d"')), {2: "a\\nb\\", 4: "c\\d"}, ONE_BAD
    ),
    "backslash-does-not-escape-a-mark": Case(
        lines(HEADER, row(1), row(2, '"a \\"b\\" c"'), row(3)),
        {2: "x", 4: "x"},
        {3: row(2, '"a \\"b\\" c"')},
        UNREADABLE,
    ),
    "backslash-does-not-escape-a-delimiter": Case(
        lines(HEADER, row(1), row(2, "a\\,b"), row(3)), {2: "x", 4: "x"}, {3: row(2, "a\\,b")}, UNREADABLE
    ),
    # Rows
    **{
        f"end-{name}{'-quoted' * bool(mark)}": Case(
            lines(HEADER, row(1, f"{mark}end{mark}"), BAD, row(2), end=end), {2: "end", 4: "x"}, ONE_BAD
        )
        for (name, end), mark in product({"lf": "\n", "crlf": "\r\n", "cr": "\r"}.items(), ("", '"'))
    },
    "ends-mixed": Case(
        f"{HEADER}\r\n{row(1)}\n{BAD}\r{row(2)}\r\n{row(3)}\n", {2: "x", 4: "x", 5: "x"}, ONE_BAD
    ),
    "no-final-end": Case(lines(HEADER, row(1), BAD, row(2)).rstrip(), {2: "x", 4: "x"}, ONE_BAD),
    "no-final-end-behind-a-mark": Case(lines(HEADER, BAD, row(2, '"y"')).rstrip(), {3: "y"}, {2: BAD}),
    **{
        f"line-breaks-in-marks-{encoding}-{name}": Case(
            lines(HEADER, row(1, f'"두{end}줄"'), BAD, row(2, f'"{end}{end}"'), row(3, "끝"), BAD, end=end),
            {2: f"두{end}줄", 4: None, 5: "끝"},
            {3: BAD, 6: BAD},
            encoding=encoding,
        )
        for encoding, (name, end) in product(
            ("utf-8", "utf-8-sig", "cp949", "utf-16-le", "utf-16-be"),
            {"lf": "\n", "crlf": "\r\n", "cr": "\r"}.items(),
        )
    },
    "line-breaks-of-another-kind-in-marks": Case(
        lines(HEADER, row(1, '"a\nb\rc"'), BAD, end="\r\n"), {2: "a\nb\rc"}, ONE_BAD
    ),
    **{
        f"no-line-ends-{name}": Case(
            lines(HEADER, row(1, f"{mark}a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1eh{mark}"), BAD, row(2)),
            {2: "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1eh", 4: "x"},
            ONE_BAD,
        )
        for name, mark in {"plain": "", "quoted": '"'}.items()
    },
    "rows-of-nothing": Case(
        lines(HEADER, row(1), "", ",,,,,", BAD, '"",,,,,', ",,", '""', row(2), ""), {2: "x", 9: "x"}, {5: BAD}
    ),
    "rows-of-nothing-plain": Case(lines(HEADER, row(1), ",,,,,", BAD, row(2)), {2: "x", 5: "x"}, {4: BAD}),
    "a-row-of-spaces": Case(lines(HEADER, row(1), "   ", row(2)), {2: "x", 4: "x"}, {3: "   "}, UNREADABLE),
    "short-rows": Case(
        lines(HEADER, "1", row(2), "3,카톡", '"4",카톡', row(5), "6,"),
        {3: "x", 6: "x"},
        {2: "1", 4: "3,카톡", 5: '"4",카톡', 7: "6,"},
        UNREADABLE,
    ),
    "long-rows": Case(
        lines(HEADER, row(1, "a,b"), row(2), row(3, '"c",d,'), row(4)),
        {3: "x", 5: "x"},
        {2: row(1, "a,b"), 4: row(3, '"c",d,')},
        UNREADABLE,
    ),
    "a-short-row-of-two-lines": Case(
        lines(HEADER, row(1), 'short,"two\nlines"', row(2)),
        {2: "x", 4: "x"},
        {3: 'short,"two\nlines"'},
        UNREADABLE,
    ),
    **{
        f"delimiters-behind-some-rows-{name}": Case(
            lines(
                HEADER,
                row(1, f"{mark}y{mark}"),
                row(2, end=","),
                row(3),
                row(4, "", end=","),
                row(5, end=",,"),
            ),
            {2: "y", 4: "x"},
            {3: row(2, end=","), 5: row(4, "", end=","), 6: row(5, end=",,")},
            UNREADABLE,
        )
        for name, mark in {"plain": "", "quoted": '"'}.items()
    },
    **{
        f"{surplus}-delimiters-behind-every-row-{name}": Case(
            lines(HEADER, *(r + "," * surplus for r in (row(1, f"{mark}y{mark}"), BAD, row(2)))),
            {2: "y", 4: "x"},
            {3: BAD + "," * surplus},
        )
        for surplus, (name, mark) in product((1, 3), {"plain": "", "quoted": '"'}.items())
    },
    **{
        f"a-row-shifted-into-an-empty-column-{name}": Case(
            lines(HEADER, row(1, f"{mark}y{mark}"), "2,카,톡,개인,2022-10-19,5,", row(3, "")),
            {2: "y", 4: None},
            {3: "2,카,톡,개인,2022-10-19,5,"},
            UNREADABLE,
        )
        for name, mark in {"plain": "", "quoted": '"'}.items()
    },
    "delimiter-behind-every-line": Case(
        lines(HEADER + ",", row(1, end=","), BAD + ","), {2: "x"}, {3: BAD + ","}
    ),
    "empty-fields": Case(
        lines(HEADER, row(1, ""), row(2, '""'), row(3, "  "), row(4, "", loss=""), BAD),
        dict.fromkeys((2, 3, 4, 5), None),
        {6: BAD},
    ),
    "a-total-below": Case(
        lines(HEADER, row(1), "", "합계,1건", "끝"), {2: "x"}, {4: "합계,1건", 5: "끝"}, UNREADABLE
    ),
    # Headers
    "no-header": Case(
        lines(row(1), BAD, row(2)),
        {1: "x", 3: "x"},
        {2: BAD},
        layout=Layout(header_row=0, columns=NUMBERED),
        dialect="delimiter ',', quote \", no header",
    ),
    "no-header-with-a-mark-of-utf-8": Case(
        lines(BAD, row(1, '"y"')),
        {2: "y"},
        {1: BAD},
        layout=Layout(header_row=0, columns=NUMBERED),
        encoding="utf-8-sig",
    ),
    "no-header-in-utf-16": Case(
        lines(BAD, row(1)),
        {2: "x"},
        {1: BAD},
        layout=Layout(header_row=0, columns=NUMBERED),
        encoding="utf-16-be",
    ),
    "preamble": Case(
        lines("카카오 피해 신고 현황", "2022. 11. 7. 기준, 대외비", HEADER, BAD, row(1)),
        {5: "x"},
        {4: BAD},
        dialect="delimiter ',', quote \", header in row 3",
    ),
    "preamble-with-blank-lines": Case(
        lines("", "피해 신고", "", "a,b,c,d,e,f,g,h,i", "", HEADER, "", BAD, row(1)), {9: "x"}, {8: BAD}
    ),
    "preamble-of-several-lines-in-marks": Case(
        lines('"피해\n신고\n현황"', HEADER, BAD, row(1)),
        {4: "x"},
        {3: BAD},
        dialect="delimiter ',', quote \", header in row 2",
    ),
    "header-row-declared": Case(
        lines(HEADER, HEADER, BAD, row(1)), {4: "x"}, {3: BAD}, layout=Layout(header_row=2)
    ),
    "header-row-far-below": Case(
        lines(*["제목"] * 250, HEADER, BAD, row(1)), {253: "x"}, {252: BAD}, layout=Layout(header_row=251)
    ),
    "group-titles-above": Case(lines("접수,,,,피해,", HEADER, BAD, row(1)), {4: "x"}, {3: BAD}),
    "header-in-two-languages": Case(lines(KOREAN, HEADER, row(1)), {3: "x"}, {2: HEADER}, REPEATED_HEADER),
    "header-again": Case(
        lines(HEADER, row(1), HEADER, row(2), HEADER),
        {2: "x", 4: "x"},
        {3: HEADER, 5: HEADER},
        REPEATED_HEADER,
    ),
    "header-again-in-other-words": Case(
        lines(HEADER, row(1), KOREAN, row(2), "CLAIM ID,Service,claimant-type,date,Amount,REGION"),
        {2: "x", 4: "x"},
        {3: KOREAN, 5: "CLAIM ID,Service,claimant-type,date,Amount,REGION"},
        REPEATED_HEADER,
    ),
    "header-again-with-a-mark-of-utf-8": Case(
        lines(HEADER, row(1), "\ufeff" + HEADER, row(2)),
        {2: "x", 4: "x"},
        {3: "\ufeff" + HEADER},
        REPEATED_HEADER,
    ),
    "header-again-with-another-optional-column": Case(
        lines(f"memo,{HEADER}", f"m,{row(1)}", f"claimant_id,{HEADER}", f"u,{row(2)}"),
        {2: "x", 4: "x"},
        {3: f"claimant_id,{HEADER}"},
        REPEATED_HEADER,
    ),
    "header-again-quoted": Case(
        lines(HEADER, row(1), HEADER.replace("loss", '"loss"'), row(2)),
        {2: "x", 4: "x"},
        {3: HEADER.replace("loss", '"loss"')},
        REPEATED_HEADER,
    ),
    "header-quoted-behind-a-mark-of-utf-8": Case(
        lines(HEADER.replace("claim_id", '"claim_id"'), BAD, row(1)), {3: "x"}, {2: BAD}, encoding="utf-8-sig"
    ),
    "unmapped-headers-twice": Case(
        lines(f"memo,{HEADER},memo,,", f"m,{row(1)},n,,", f"m,{BAD},n,o,p"), {2: "x"}, {3: f"m,{BAD},n,o,p"}
    ),
    "hostile-headers": Case(
        lines(f'{HEADER},"\'; drop table staged; --",c0,"a""b"', row(1) + ",a,b,c", BAD + ",a,b,c"),
        {2: "x"},
        {3: BAD + ",a,b,c"},
    ),
    # Sizes
    **{
        f"ten-thousand-columns-{name}": Case(
            lines(
                HEADER + "".join(f",c{n}" for n in range(9_994)),
                row(1) + ",y" * 9_993 + f",{mark}z{mark}",
                row(2) + ",y",
            ),
            {2: "x"},
            {3: row(2) + ",y"},
            UNREADABLE,
        )
        for name, mark in {"plain": "", "quoted": '"'}.items()
    },
    # Other suffixes and encodings
    "a-text": Case(
        swapped(lines(HEADER, BAD, row("txt")), "\t"), {3: "x"}, {2: swapped(BAD, "\t")}, name="{}.txt"
    ),
    "a-tsv-of-commas": Case(lines(HEADER, BAD, row("tsv")), {3: "x"}, {2: BAD}, name="{}.tsv"),
    "upper-case-suffix": Case(lines(HEADER, BAD, row(1)), {3: "x"}, {2: BAD}, name="{}.CSV"),
    "cp949-declared": Case(
        lines(KOREAN, BAD, row(1, "뷁")),
        {3: "뷁"},
        {2: BAD},
        layout=Layout(encoding="cp949"),
        encoding="cp949",
    ),
    "ascii-declared-as-cp949": Case(
        lines(HEADER, row(1).replace("카톡", "talk").replace("개인", "user")),
        {2: "x"},
        layout=Layout(encoding="cp949"),
        encoding="ascii",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READ)
def test_each_row_is_read_under_its_number(tmp_path: Path, name: str) -> None:
    case = READ[name]
    path = tmp_path / case.name.format(name)
    path.write_bytes(encoded(case.text, case.encoding))
    claims = read_claims(path, csv_incident(), layouts=[case.layout], max_rejects=1)
    assert claims.to_polars().select("source_row", "region").rows() == list(case.claims.items())
    rejects = claims.rejected_rows.select("source_row", "raw", "broken").rows()
    assert rejects == [(n, raw, [case.rule]) for n, raw in case.rejects.items()]
    assert found_in_the_bytes(claims, [path]) == len(case.rejects)
    dialect = claims.inputs[0].dialect
    assert dialect == (case.dialect or dialect)


# --- refusals ---------------------------------------------------------------------------------------

SEVERAL = "has the header of another table in the middle"
SWAPPED = "region,loss,filed_on,claimant_type,service,claim_id"

REFUSED: dict[str, tuple[str | bytes, str, int | None]] = {
    "only-a-header": (HEADER, "has a header and no rows", None),
    "only-blank-rows-below": (lines(HEADER, "", ",,,,,", ""), "has a header and no rows", None),
    "only-blank-lines": ("\n\r\n  \n", "holds no row", None),
    "only-a-mark": (codecs.BOM_UTF8, "holds no row", None),
    "only-a-sep-line": ("sep=;\n", "the column claim_id is missing", 1),
    "no-header": (lines(row(1), row(2)), "has a complaint in place of its header", 1),
    "a-column-named-twice": (lines(HEADER + ",Loss", row(1) + ",6"), "two columns stand for loss", 1),
    "the-same-name-twice": (lines(HEADER + ",region", row(1) + ",y"), "two columns stand for region", 1),
    "two-tables-of-one-width": (lines(HEADER, row(1), SWAPPED, row(2)), SEVERAL, 3),
    "two-tables-of-one-width-one-column-unknown": (
        lines(HEADER, row(1), "claim_id,service,region,접수 시각,loss,claimant_type", row(2)),
        SEVERAL,
        3,
    ),
    "two-tables-the-second-wider": (lines(HEADER, row(1), f"memo,{HEADER}", f"m,{row(2)}"), SEVERAL, 3),
    "two-tables-the-second-narrower": (
        lines(HEADER, row(1), "", "claim_id,service,loss", "2,카톡,5"),
        SEVERAL,
        4,
    ),
    "two-tables-the-second-fuller": (
        lines(HEADER, row(1), f"claimant_id,{HEADER}", f"u,{row(2)}"),
        SEVERAL,
        3,
    ),
    "two-tables-the-first-incomplete": (
        lines("claim_id,service,loss", "1,카톡,5", "", HEADER, row(2)),
        SEVERAL,
        4,
    ),
    "two-tables-far-apart": (lines(HEADER, *map(row, range(99)), SWAPPED, row(100)), SEVERAL, 101),
    "utf-16-without-a-mark": (lines(HEADER, "1").encode("utf-16-le"), "holds a NUL byte at 1", None),
    "empty": (b"", "the file is empty", None),
    "a-word": (b"hello", "the column claim_id is missing (found 'hello')", 1),
    "not-utf-8": (b"claim_id\xff", "is not UTF-8 at byte 8", None),
    "a-character-cut": ("claim_id,카".encode()[:-1], "is not UTF-8 at byte 9", None),
    "utf-16-cut": ("claim_id".encode("utf-16")[:-1], "is not UTF-16 at byte 16", None),
    "nuls": ("c\0\0".encode("utf-16"), "holds a NUL byte at 1, and in 1 of 1 lines", None),
    "not-cp949": ("클레임".encode("cp949") + b"\xff", "is not CP949 at byte 6, and in 1 of 1 lines", None),
    "a-nul": (b"claim_id,\0", "holds a NUL byte at 9", None),
    "a-mark-without-end": (b'"' + b"x" * 200_000, "the column claim_id is missing", 1),
    "utf-32": (lines(HEADER, row(1)).encode("utf-32"), "holds a NUL byte at 0, and in", None),
    "a-delimiter-that-is-not-known": (
        swapped(lines(HEADER, row(1)), "^"),
        "the column claim_id is missing",
        1,
    ),
}


def refusal(path: Path, content: str | bytes, *layouts: Layout) -> InputRefused:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputRefused) as refused:
        read_claims(path, csv_incident(), layouts=layouts, max_rejects=1)
    error = refused.value
    assert (len(str(error).splitlines()), error.exit_code, error.file) == (1, 3, path.name)
    return error


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_on_one_line_with_its_row(tmp_path: Path, name: str) -> None:
    content, problem, number = REFUSED[name]
    error = refusal(tmp_path / "a.csv", content)
    assert problem in str(error)
    assert error.row == number
    if problem == SEVERAL and number is not None and "the-first" not in name:
        assert f"another table begins in line {number}." in error.remedy


def test_the_line_of_a_second_table_differs_from_its_row_below_a_note_of_several_lines(
    tmp_path: Path,
) -> None:
    noted = row(1).replace(",x", ',"x\r\ny\nz"')
    for other in (SWAPPED, f"memo,{HEADER}"):
        error = refusal(tmp_path / "a.csv", lines(HEADER, noted, row(2), other, row(3)))
        assert (error.row, error.remedy) == (4, "Split the file: another table begins in line 6.")


@pytest.mark.parametrize(
    ("layout", "content", "problem"),
    [
        (Layout(header_row=3), lines(HEADER, row(1)), "the column claim_id is missing"),
        (Layout(header_row=0), lines(HEADER, row(1)), "the column claim_id is missing"),
        (Layout(delimiter=";"), lines(HEADER, row(1)), "the column claim_id is missing"),
        (Layout(encoding="cp949"), lines(HEADER, *[row(1, "\u2028")] * 2).encode(), "is not CP949"),
        (Layout(encoding="utf-8"), lines(KOREAN, row(1)).encode("cp949"), "is not UTF-8"),
        (Layout(encoding="utf-16"), codecs.BOM_UTF8 + lines(HEADER, row(1)).encode(), "UTF-16 was declared"),
        (
            Layout(constants={"loss": "5"}),
            lines(HEADER, row(1)),
            "a column of the file and a constant stand for loss",
        ),
    ],
)
def test_a_layout_that_the_file_does_not_have_is_refused(
    tmp_path: Path, layout: Layout, content: str | bytes, problem: str
) -> None:
    assert problem in str(refusal(tmp_path / "a.csv", content, layout))


@pytest.mark.slow
@pytest.mark.parametrize("mark", ["", '"'])
@pytest.mark.parametrize(("size", "passed"), [(131_073, ["1", "3"]), (2_100_000, ["3"])])
def test_a_field_is_read_up_to_two_million_characters_quoted_or_not(
    tmp_path: Path, size: int, mark: str, passed: list[str]
) -> None:
    path = tmp_path / "a.csv"
    field = f"{mark}{'y' * size}{mark}"
    path.write_text(lines(HEADER, row(1, field), row(2, field, loss="much"), row(3)), "utf-8")
    claims = read_claims(path, csv_incident(), max_rejects=1)
    found = claims.to_polars().select("claim_id", pl.col("region").str.len_chars()).rows()
    assert found == [("1", size), ("3", 1)][-len(passed) :]
    assert claims.rejected_rows["source_row"].to_list() == [2, 3][-(3 - len(passed)) :]
    assert found_in_the_bytes(claims, [path]) == 3 - len(passed)


# --- what could be read as something else --------------------------------------------------------------


@pytest.mark.parametrize("above", [1, 3])
def test_complaints_above_the_header_are_not_lost_without_a_word(tmp_path: Path, above: int) -> None:
    """Whoever sorts a sheet with its header leaves it in the middle."""
    error = refusal(tmp_path / "a.csv", lines(*map(row, range(above)), HEADER, row(8), row(9)))
    assert f"header_row = {above + 1}" in error.remedy


# --- properties -------------------------------------------------------------------------------------

ODD = list("a카0 -.\\'\u2028\x85\x0b\x0c\x1e\xa0\u3000\ufeff😀#=@")
IDS = st.text(st.sampled_from("abc01"), min_size=1, max_size=3)
REGIONS = st.text(st.sampled_from([*ODD, *',;\t|"\n\r']), max_size=8)


@pytest.mark.slow
@given(
    table=st.lists(st.tuples(IDS, REGIONS), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    written=st.sampled_from(
        [
            (csv.QUOTE_ALL, "\n"),
            (csv.QUOTE_ALL, "\r"),
            (csv.QUOTE_MINIMAL, "\r\n"),
            (csv.QUOTE_NONNUMERIC, "\n"),
        ]
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"]),
)
@settings(max_examples=15)
def test_what_the_csv_module_writes_is_read_to_the_letter(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, str]],
    delimiter: str,
    written: tuple[int, str],
    encoding: str,
) -> None:
    rows = [[id_, "카톡", "개인", "2022-10-19", "5", region] for id_, region in table]
    quoting, end = written
    text = "".join(record(cells, delimiter, end, quoting=quoting) for cells in [list(COLUMNS), *rows])
    path = tmp_path_factory.mktemp("written") / "a.csv"
    path.write_bytes(encoded(text, encoding))
    layout = Layout(quote='"')  # an apostrophe at both ends of a text is a question of its own
    claims = read_claims(path, csv_incident(), layouts=[layout], max_rejects=1)
    told = {
        n: (id_, text or "") for n, id_, text in claims.to_polars()["source_row", "claim_id", "region"].rows()
    }
    expected = dict(enumerate(table, start=2))
    assert told == {n: tuple(text.strip(BLANKS) for text in expected[n]) for n in told}
    raws = dict(claims.rejected_rows.select("source_row", "raw").iter_rows())
    assert raws == {n: record(rows[n - 2], delimiter, end, quoting=quoting).removesuffix(end) for n in raws}
    assert sorted([*told, *raws]) == sorted(expected)
