"""Ways to write days and times that a reader has to recognise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from tests.contract.damaged_files.clean_table import COURIER, KAKAO, Case, clean_table
from tests.contract.damaged_files.damaged_file import DamagedFile, kind, kinds
from tests.contract.damaged_files.value_kinds import written

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
    digits_alone=lambda draw: with_days(draw, lambda day: f"{day:%Y%m%d}"),
    excel_day_numbers=lambda draw: with_days(draw, lambda day: str((day - date(1899, 12, 30)).days)),
)


@kind(DAYS)
def day_first_two_digit_years(draw: Random) -> DamagedFile:
    mark = draw.choice("./-")
    return with_days(draw, lambda day: f"{day:%d{mark}%m{mark}%y}")


@kind(DAYS)
def year_first_two_digit_years(draw: Random) -> DamagedFile:
    mark = draw.choice("./-")
    return with_days(draw, lambda day: f"{day:%y{mark}%m{mark}%d}", case=KAKAO)


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


@kind(DAYS)
def unix_seconds(draw: Random) -> DamagedFile:
    noon = time(3, tzinfo=UTC)
    return with_days(draw, lambda day: str(int(datetime.combine(day, noon).timestamp())))


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


@kind(DAYS)
def iso_times(draw: Random) -> DamagedFile:
    pattern = draw.choice(("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S.123"))
    return with_times(draw, lambda moment: moment.strftime(pattern))


@kind(DAYS)
def iso_times_with_zone(draw: Random) -> DamagedFile:
    zone = draw.choice(("Z", "+00:00", "+01:00", "+0000"))
    return with_times(draw, lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S") + zone)


@kind(DAYS)
def day_first_times(draw: Random) -> DamagedFile:
    mark = draw.choice("./")
    pattern = draw.choice((f"%d{mark}%m{mark}%Y %H:%M", f"%d{mark}%m{mark}%Y %H:%M:%S"))
    return with_times(draw, lambda moment: moment.strftime(pattern))


@kind(DAYS)
def month_first_times(draw: Random) -> DamagedFile:
    pattern = draw.choice(("%m/%d/%Y %I:%M %p", "%m/%d/%y %H:%M"))
    return with_times(draw, lambda moment: moment.strftime(pattern))


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
def several_formats_in_one_column(draw: Random) -> DamagedFile:
    forms: tuple[Callable[[date], str], ...] = (
        lambda d: d.isoformat(),
        lambda d: f"{d:%d.%m.%Y}",
        lambda d: f"{d:%Y/%m/%d}",
        lambda d: f"{d.day} {MONTHS['en'][d.month - 1][:3]} {d.year}",
    )

    def text(day: date) -> str:
        return draw.choice(forms)(day)

    return with_days(draw, text)


@kind(DAYS)
def day_first_and_month_first_mixed(draw: Random) -> DamagedFile:
    # Every day has only one reading within the claims window: KAKAO ends on 6 November.
    days = [date(2022, 10, n) for n in range(15, 32)] + [date(2022, 11, n) for n in (1, 2, 3)]
    return with_days(
        draw,
        lambda day: f"{day:%d/%m/%Y}" if draw.random() < 0.5 else f"{day:%m/%d/%Y}",
        case=KAKAO,
        days=days,
    )


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
