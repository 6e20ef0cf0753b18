"""Ways to write amounts, missing values, ids, days and times that a reader has to recognise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from tests.contract.damaged_files.clean_table import COURIER, KAKAO, Case, Record, Table, clean_table, plain
from tests.contract.damaged_files.damaged_file import (
    DamagedFile,
    Style,
    file_of,
    kind,
    kinds,
    with_changed_cells,
    written,
    written_lines,
)

AMOUNTS, MISSING, IDS = "amounts", "missing values", "ids"


# --- amounts ----------------------------------------------------------------------------------------------


def with_losses(draw: Random, text: Callable[[int], str], case: Case) -> DamagedFile:
    """A file whose losses are written in one way, of the smallest unit of the currency."""
    table = clean_table(draw, case=case)
    return written(draw, table.with_cells("loss", lambda r: "" if r.loss is None else text(r.loss)))


def with_euros(
    draw: Random, thousands: str, point: str, *, before: Sequence[str] = "", behind: Sequence[str] = ""
) -> DamagedFile:
    """A file whose losses have these marks, and in front or behind one of several signs."""
    start, end = (draw.choice(signs) if signs else "" for signs in (before, behind))
    return with_losses(draw, lambda cents: start + euros(cents, thousands, point) + end, COURIER)


def with_broken_values(draw: Random, column: str, count: int, text: Callable[[str], str]) -> DamagedFile:
    """A file in which some rows have no value in a column that a claim can be read from."""
    table, broken = with_changed_cells(draw, clean_table(draw, stated=True), column, count, text)
    return written(draw, table, damaged_rows=broken)


def euros(cents: int, thousands: str, point: str) -> str:
    """An amount with marks for thousands and decimals."""
    return f"{cents // 100:,}".replace(",", thousands) + f"{point}{cents % 100:02d}"


kinds(
    AMOUNTS,
    decimal_commas=lambda draw: with_euros(draw, "", ","),
    decimal_commas_and_points=lambda draw: with_euros(draw, ".", ","),
    euro_sign_behind=lambda draw: with_euros(
        draw, ".", ",", behind=(" €", "€", " EUR", "\N{NO-BREAK SPACE}€")
    ),
    euro_sign_before=lambda draw: with_euros(draw, ",", ".", before=("€", "€ ", "EUR ")),
    thousands_with_commas=lambda draw: with_losses(draw, "{:,}".format, KAKAO),
    thousands_with_apostrophes=lambda draw: with_euros(draw, "'", "."),
    thousands_with_spaces=lambda draw: with_euros(
        draw, draw.choice((" ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")), ","
    ),
    won_signs=lambda draw: with_losses(
        draw, draw.choice(("₩{:,}", "{:,}원", "{} won", "KRW {:,}")).format, KAKAO
    ),
    amounts_in_several_ways=lambda draw: with_losses(
        draw, lambda won: draw.choice(("₩{:,}", "{:,}원", "{}", "{:,}")).format(won), KAKAO
    ),
    one_amount_in_words=lambda draw: with_broken_values(
        draw, "loss", 1, lambda _: draw.choice(("many", "약 30", "ca. 50", "10-20", "??"))
    ),
    negative_amounts=lambda draw: with_broken_values(
        draw, "loss", 2, lambda text: draw.choice((f"-{text}", f"({text})", f"{text}-"))
    ),
    decimals_of_whole_won=lambda draw: with_losses(
        draw, lambda won: f"{won}.00" if draw.random() < 0.8 else f"{won}.0", KAKAO
    ),
)


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


def missing(draw: Random) -> str:
    """A word for a value that is not stated."""
    return draw.choice(("", "NA", "-", "미상"))


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
    missing_id=lambda draw: with_broken_values(draw, "claim_id", 2, lambda _: missing(draw)),
    missing_day=lambda draw: with_broken_values(draw, "filed_on", 2, lambda _: missing(draw)),
    missing_service=lambda draw: with_broken_values(draw, "service", 2, lambda _: missing(draw)),
)


# --- ids --------------------------------------------------------------------------------------------------


def with_ids(draw: Random, first: int, form: str) -> DamagedFile:
    """A file whose ids are written in one way, and count from a number."""
    table = clean_table(draw, stated=True)
    table = table.with_records(lambda n, r: replace(r, claim_id=form.format(first + n)))
    return written(draw, table.with_cells("claim_id", lambda r: r.claim_id))


kinds(
    IDS,
    no_id_column=lambda draw: written(draw, clean_table(draw, stated=True).without("claim_id"), keyed=False),
    ids_with_leading_zeros=lambda draw: with_ids(draw, draw.randrange(10, 500), "{:08d}"),
    ids_of_twenty_digits=lambda draw: with_ids(draw, draw.randrange(10**19, 9 * 10**19), "{}"),
    ids_rounded_by_a_spreadsheet=lambda draw: with_broken_values(draw, "claim_id", 2, lambda _: "2.02E+14"),
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
def one_row_twice(draw: Random) -> DamagedFile:
    table = clean_table(draw, stated=True)
    row = draw.randrange(len(table.rows))
    style = Style(draw.choice(",;"))
    lines = written_lines(table, style)
    return file_of(table, [*lines, lines[row + 1]], style)


# --- days and times ---------------------------------------------------------------------------------------

DAYS = "days and times"
MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
}


def with_days(
    draw: Random, text: Callable[[date], str], *, case: Case | None = None, days: Sequence[date] = ()
) -> DamagedFile:
    """A file whose days are written in one way."""
    table = clean_table(draw, case=case, days=days)
    return written(draw, table.with_cells("filed_on", lambda record: text(record.filed_on)))


# --- days -------------------------------------------------------------------------------------------------


SEVERAL_FORMS: tuple[Callable[[date], str], ...] = (
    lambda d: d.isoformat(),
    lambda d: f"{d:%d.%m.%Y}",
    lambda d: f"{d:%Y/%m/%d}",
    lambda d: f"{d.day} {MONTHS['en'][d.month - 1][:3]} {d.year}",
)


kinds(
    DAYS,
    day_first_with_slashes=lambda draw: with_days(draw, lambda day: f"{day:%d/%m/%Y}"),
    day_first_with_points=lambda draw: with_days(draw, lambda day: f"{day.day}.{day.month}.{day.year}"),
    month_first=lambda draw: with_days(draw, lambda day: f"{day:%m/%d/%Y}"),
    month_first_two_digit_years=lambda draw: with_days(draw, lambda day: f"{day:%m/%d/%y}"),
    english_short_months_short_years=lambda draw: with_days(
        draw, lambda d: f"{d.day:02d}-{MONTHS['en'][d.month - 1][:3]}-{d:%y}"
    ),
    german_month_names=lambda draw: with_days(
        draw, lambda d: f"{d.day}. {MONTHS['de'][d.month - 1]} {d.year}", case=COURIER
    ),
    korean_days_short_years=lambda draw: with_days(
        draw, lambda d: f"{d:%y}년 {d.month}월 {d.day}일", case=KAKAO
    ),
    korean_month_and_day=lambda draw: with_days(draw, lambda d: f"{d.month}월 {d.day}일", case=KAKAO),
    day_first_two_digit_years=lambda draw: with_days(
        draw, draw.choice(("{:%d.%m.%y}", "{:%d/%m/%y}", "{:%d-%m-%y}")).format
    ),
    year_first_two_digit_years=lambda draw: with_days(
        draw, draw.choice(("{:%y.%m.%d}", "{:%y/%m/%d}", "{:%y-%m-%d}")).format, case=KAKAO
    ),
    several_formats_in_one_column=lambda draw: with_days(draw, lambda d: str(draw.choice(SEVERAL_FORMS)(d))),
    # Every day has only one reading within the claims window: KAKAO ends on 6 November.
    day_first_and_month_first_mixed=lambda draw: with_days(
        draw,
        lambda day: f"{day:%d/%m/%Y}" if draw.random() < 0.5 else f"{day:%m/%d/%Y}",
        case=KAKAO,
        days=[date(2022, 10, n) for n in range(15, 32)] + [date(2022, 11, n) for n in (1, 2, 3)],
    ),
    unix_seconds=lambda draw: with_days(
        draw, lambda day: str(int(datetime.combine(day, time(3, tzinfo=UTC)).timestamp()))
    ),
    digits_alone=lambda draw: with_days(draw, lambda day: f"{day:%Y%m%d}"),
    excel_day_numbers=lambda draw: with_days(draw, lambda day: str((day - date(1899, 12, 30)).days)),
)


@kind(DAYS)
def english_month_names(draw: Random) -> DamagedFile:
    patterns: tuple[Callable[[date], str], ...] = (
        lambda d: f"{d.day} {MONTHS['en'][d.month - 1]} {d.year}",
        lambda d: f"{MONTHS['en'][d.month - 1]} {d.day}, {d.year}",
        lambda d: f"{d.day:02d}-{MONTHS['en'][d.month - 1][:3]}-{d.year}",
        lambda d: f"{MONTHS['en'][d.month - 1][:3]} {d.day:02d} {d.year}",
    )
    return with_days(draw, draw.choice(patterns))


@kind(DAYS)
def korean_days(draw: Random) -> DamagedFile:
    patterns: tuple[Callable[[date], str], ...] = (
        lambda d: f"{d.year}년 {d.month}월 {d.day}일",
        lambda d: f"{d.year}. {d.month}. {d.day}.",
        lambda d: f"{d.year}년 {d.month:02d}월 {d.day:02d}일({'월화수목금토일'[d.weekday()]})",
    )
    return with_days(draw, draw.choice(patterns), case=KAKAO)


def pattern(draw: Random, *patterns: str) -> Callable[[datetime], str]:
    """What writes a moment by one of several patterns."""
    return f"{{:{draw.choice(patterns)}}}".format


def with_times(draw: Random, text: Callable[[datetime], str], case: Case | None = None) -> DamagedFile:
    """A file whose days carry a time of day, between 9 and 21 o'clock UTC+0 so that no zone moves the day."""
    table = clean_table(draw, case=case)
    minutes = {r.claim_id: draw.randrange(9 * 60, 14 * 60) for r in table.records}
    return written(
        draw,
        table.with_cells(
            "filed_on",
            lambda r: text(datetime.combine(r.filed_on, time()) + timedelta(minutes=minutes[r.claim_id])),
        ),
    )


kinds(
    DAYS,
    iso_times=lambda draw: with_times(
        draw, pattern(draw, "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.123")
    ),
    iso_times_with_zone=lambda draw: with_times(
        draw, pattern(draw, *(f"%Y-%m-%dT%H:%M:%S{zone}" for zone in ("Z", "+00:00", "+01:00", "+0000")))
    ),
    day_first_times=lambda draw: with_times(
        draw,
        pattern(
            draw,
            *(
                f"{day} %H:%M{more}"
                for day in [draw.choice(("%d.%m.%Y", "%d/%m/%Y"))]
                for more in ("", ":%S")
            ),
        ),
    ),
    month_first_times=lambda draw: with_times(draw, pattern(draw, "%m/%d/%Y %I:%M %p", "%m/%d/%y %H:%M")),
)


@kind(DAYS)
def korean_times(draw: Random) -> DamagedFile:
    def text(moment: datetime) -> str:
        half = "오전" if moment.hour < 12 else "오후"
        return f"{moment.year}. {moment.month}. {moment.day}. {half} {(moment.hour - 1) % 12 + 1}:{moment:%M}"

    return with_times(draw, text, KAKAO)


@kind(DAYS)
def day_and_time_in_two_columns(draw: Random) -> DamagedFile:
    table = clean_table(draw)
    times = [f"{draw.randrange(9, 19):02d}:{draw.randrange(60):02d}" for _ in table.rows]
    header = "시각" if table.case is KAKAO else "time"
    return written(draw, table.with_column("time", header, times, at=table.at("filed_on") + 1))


@kind(DAYS)
def one_day_cannot_be_told(draw: Random) -> DamagedFile:
    # 5 June and 6 May are both in the claims window; with both orders in the column, nothing decides.
    table = clean_table(draw, case=COURIER, days=[date(2024, 5, n) for n in range(14, 30)], note=False)
    rows = draw.sample(range(len(table.rows)), 4)
    for n, row in enumerate(rows):
        day = table.records[row].filed_on
        table = table.with_cell(row, "filed_on", f"{day:%m/%d/%Y}")
        if n < 2:
            table = table.with_cell(row, "filed_on", "05/06/2024")
    others = [n for n in range(len(table.rows)) if n not in rows]
    for row in others:
        table = table.with_cell(row, "filed_on", f"{table.records[row].filed_on:%d/%m/%Y}")
    # Neither reading may be taken: the truth of both rows is a day that no reader can read.
    unknown = {table.records[row].claim_id for row in rows[:2]}
    table = table.with_records(
        lambda _, r: replace(r, filed_on=date(1, 1, 1)) if r.claim_id in unknown else r
    )
    return written(draw, table, damaged_rows=rows[:2])
