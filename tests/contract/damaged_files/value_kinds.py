"""Ways to write amounts, missing values and ids that a reader has to recognise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from tests.contract.damaged_files.clean_table import COURIER, KAKAO, Case, Record, Table, clean_table, plain
from tests.contract.damaged_files.damaged_file import DamagedFile, Style, file_of, kind, kinds, written_lines

AMOUNTS, MISSING, IDS = "amounts", "missing values", "ids"


def written(draw: Random, table: Table, **changes: object) -> DamagedFile:
    """A file of a table, with a delimiter that no value contains, or quoted."""
    style = Style(draw.choice(",;"))
    return file_of(table, written_lines(table, style), style, **changes)  # type: ignore[arg-type]


# --- amounts ----------------------------------------------------------------------------------------------


def with_losses(draw: Random, text: Callable[[int], str], case: Case) -> DamagedFile:
    """A file whose losses are written in one way, of the smallest unit of the currency."""
    table = clean_table(draw, case=case)
    return written(draw, table.with_cells("loss", lambda r: "" if r.loss is None else text(r.loss)))


def euros(cents: int, thousands: str, point: str) -> str:
    """An amount with marks for thousands and decimals."""
    return f"{cents // 100:,}".replace(",", thousands) + f"{point}{cents % 100:02d}"


kinds(
    AMOUNTS,
    decimal_commas=lambda draw: with_losses(draw, lambda cents: euros(cents, "", ","), COURIER),
    decimal_commas_and_points=lambda draw: with_losses(draw, lambda cents: euros(cents, ".", ","), COURIER),
    thousands_with_commas=lambda draw: with_losses(draw, lambda won: f"{won:,}", KAKAO),
    thousands_with_apostrophes=lambda draw: with_losses(draw, lambda cents: euros(cents, "'", "."), COURIER),
    decimals_of_whole_won=lambda draw: with_losses(
        draw, lambda won: f"{won}.00" if draw.random() < 0.8 else f"{won}.0", KAKAO
    ),
)


@kind(AMOUNTS)
def euro_sign_behind(draw: Random) -> DamagedFile:
    end = draw.choice((" €", "€", " EUR", "\N{NO-BREAK SPACE}€"))
    return with_losses(draw, lambda cents: euros(cents, ".", ",") + end, COURIER)


@kind(AMOUNTS)
def euro_sign_before(draw: Random) -> DamagedFile:
    start = draw.choice(("€", "€ ", "EUR "))
    return with_losses(draw, lambda cents: start + euros(cents, ",", "."), COURIER)


@kind(AMOUNTS)
def thousands_with_points(draw: Random) -> DamagedFile:
    table = clean_table(draw, case=COURIER)
    table = table.with_records(lambda _, r: replace(r, loss=None if r.loss is None else (r.loss + 99) * 100))
    # One amount with cents tells what the point means.
    first = table.records[0]
    table = table.with_records(lambda _, r: replace(r, loss=123_456_78) if r == first else r)

    def text(record: Record) -> str:
        if record.loss is None:
            return ""
        cents = record.loss % 100
        return f"{record.loss // 100:,}".replace(",", ".") + (f",{cents:02d}" if cents else "")

    return written(draw, table.with_cells("loss", text))


@kind(AMOUNTS)
def thousands_with_spaces(draw: Random) -> DamagedFile:
    gap = draw.choice((" ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"))
    return with_losses(draw, lambda cents: euros(cents, gap, ","), COURIER)


@kind(AMOUNTS)
def won_signs(draw: Random) -> DamagedFile:
    forms = (
        lambda won: f"₩{won:,}",
        lambda won: f"{won:,}원",
        lambda won: f"{won} won",
        lambda won: f"KRW {won:,}",
    )
    return with_losses(draw, draw.choice(forms), KAKAO)


def _round_won(draw: Random, unit: int) -> Table:
    table = clean_table(draw, case=KAKAO)
    return table.with_records(
        lambda _, r: replace(r, loss=None if r.loss is None else (r.loss // unit + 1) * unit)
    )


@kind(AMOUNTS)
def ten_thousands_of_won(draw: Random) -> DamagedFile:
    table = _round_won(draw, 10_000)
    return written(
        draw, table.with_cells("loss", lambda r: "" if r.loss is None else f"{r.loss // 10_000}만원")
    )


@kind(AMOUNTS)
def unit_in_header(draw: Random) -> DamagedFile:
    unit, word = draw.choice(((10_000, "만원"), (1_000, "천원")))
    table = _round_won(draw, unit).with_header("loss", f"피해금액({word})")
    return written(draw, table.with_cells("loss", lambda r: "" if r.loss is None else str(r.loss // unit)))


@kind(AMOUNTS)
def amounts_in_several_ways(draw: Random) -> DamagedFile:
    forms = (lambda won: f"₩{won:,}", lambda won: f"{won:,}원", str, lambda won: f"{won:,}")
    return with_losses(draw, lambda won: str(draw.choice(forms)(won)), KAKAO)


@kind(AMOUNTS)
def one_amount_in_words(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True)
    row = draw.randrange(len(table.rows))
    table = table.with_cell(row, "loss", draw.choice(("many", "약 30", "ca. 50", "10-20", "??")))
    return written(draw, table, damaged_rows=[row])


@kind(AMOUNTS)
def negative_amounts(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True)
    broken = draw.sample(range(len(table.rows)), 2)
    for row in broken:
        text = table.cell(row, "loss")
        table = table.with_cell(row, "loss", draw.choice((f"-{text}", f"({text})", f"{text}-")))
    return written(draw, table, damaged_rows=broken)


# --- missing values ---------------------------------------------------------------------------------------


def with_token(draw: Random, *tokens: str) -> DamagedFile:
    """A file that writes a word where a loss is not stated."""
    table = clean_table(draw)
    rows = set(draw.sample(range(len(table.rows)), 4))
    table = table.with_records(lambda n, r: replace(r, loss=None) if n in rows else r)
    return written(
        draw,
        table.with_cells("loss", lambda r: draw.choice(tokens) if r.loss is None else plain(r, table.case)),
    )


kinds(
    MISSING,
    loss_na=lambda draw: with_token(draw, draw.choice(("NA", "N/A", "n/a", "#N/A"))),
    loss_dash=lambda draw: with_token(draw, draw.choice(("-", "–", "--"))),
    loss_null=lambda draw: with_token(draw, draw.choice(("NULL", "null", "None", "nan", "NaN", "\\N"))),
    loss_unknown_in_words=lambda draw: with_token(
        draw, draw.choice(("미상", "unknown", "unbekannt", "모름"))
    ),
    loss_missing_in_several_ways=lambda draw: with_token(draw, "NA", "-", "", "미상"),
    loss_of_spaces=lambda draw: with_token(draw, " ", "  ", ""),
    missing_id=lambda draw: with_missing(draw, "claim_id"),
    missing_day=lambda draw: with_missing(draw, "filed_on"),
    missing_service=lambda draw: with_missing(draw, "service"),
)


def with_missing(draw: Random, column: str) -> DamagedFile:
    """A file in which two rows lack a value without which no claim can be read."""
    table = clean_table(draw, stated=True)
    broken = draw.sample(range(len(table.rows)), 2)
    for row in broken:
        table = table.with_cell(row, column, draw.choice(("", "NA", "-", "미상")))
    return written(draw, table, damaged_rows=broken)


# --- ids --------------------------------------------------------------------------------------------------


def with_ids(draw: Random, id_: Callable[[int], str], **changes: object) -> DamagedFile:
    """A file whose ids are written in one way."""
    table = clean_table(draw, stated=True)
    ids = [id_(n) for n in range(len(table.rows))]
    table = table.with_records(lambda n, r: replace(r, claim_id=ids[n]))
    return written(draw, table.with_cells("claim_id", lambda r: r.claim_id), **changes)


kinds(
    IDS,
    no_id_column=lambda draw: written(draw, clean_table(draw, stated=True).without("claim_id"), keyed=False),
)


@kind(IDS)
def id_in_two_columns(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True).without("claim_id")
    branches = [draw.choice(("S1", "S2", "S3")) for _ in table.rows]
    seen: dict[str, int] = {}
    numbers = []
    for branch in branches:
        seen[branch] = seen.get(branch, 0) + 1
        numbers.append(str(seen[branch]))
    table = table.with_column("branch", "branch", branches, at=0).with_column("no", "no", numbers, at=1)
    return written(draw, table, keyed=False)


@kind(IDS)
def ids_with_leading_zeros(draw: Random) -> DamagedFile:
    first = draw.randrange(10, 500)
    return with_ids(draw, lambda n: f"{first + n:08d}")


@kind(IDS)
def ids_of_twenty_digits(draw: Random) -> DamagedFile:
    first = draw.randrange(10**19, 9 * 10**19)
    return with_ids(draw, lambda n: str(first + n))


@kind(IDS)
def ids_rounded_by_a_spreadsheet(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True)
    broken = draw.sample(range(len(table.rows)), 2)
    for row in broken:
        table = table.with_cell(row, "claim_id", "2.02E+14")
    return written(draw, table, damaged_rows=broken)


@kind(IDS)
def one_row_twice(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True)
    row = draw.randrange(len(table.rows))
    style = Style(draw.choice(",;"))
    lines = written_lines(table, style)
    return file_of(table, [*lines, lines[row + 1]], style)
