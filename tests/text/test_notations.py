"""Notations of days and amounts: what each reads, what none of them guesses."""
# ruff: noqa: RUF001 # full-width characters are part of the question

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, strategies as st

from outage_analysis.claims import Warehouse
from outage_analysis.text import AMOUNTS, DATES, amount_sql, day_sql

SEOUL, NEW_YORK = "Asia/Seoul", "America/New_York"
DAY = date(2022, 10, 19)


@cache
def warehouse() -> Warehouse:
    """One engine for all the tests."""
    return Warehouse()


def read(texts: list[str | None], sql: str) -> list[object]:
    """The value of each text of a column whose name the expressions use, too."""
    warehouse().load("texts", pl.DataFrame({"said": texts}, schema={"said": pl.String}))
    return warehouse().frame(f"select {sql} as value from texts")["value"].to_list()  # noqa: S608 # ours


WINDOW = (date(2022, 10, 15), date(2022, 11, 6))


def days(
    texts: list[str | None], *names: str, zone: str = SEOUL, window: tuple[date, date] | None = None
) -> list[object]:
    window = WINDOW if names == ("no_year",) and window is None else window
    return read(texts, day_sql('"said"', names, zone, window=window))


def amounts(texts: list[str | None], *names: str, digits: int = 0, scale: Decimal | int = 1) -> list[object]:
    return read(texts, amount_sql('"said"', names, digits=digits, scale=scale))


READ_AS_DAY = {
    "iso": (
        "2022-10-19",
        "2022-10-19 15:30",
        "2022-10-19T15:30",
        "2022-10-19T23:59:59.999999999",
        "2022-10-19T14:59:59Z",
        "2022-10-18T15:00:00.5Z",
        "2022-10-19T15:30+09:00",
        "2022-10-19T15:30+0900",
        "2022-10-19 15:30:00 +09",
        "2022-10-19T10:59-04:00",
        "2022-10-20T04:59+14",
    ),
    "korean": (
        "2022년 10월 19일",
        "2022년10월19일",
        "2022년 10월 19일(수)",
        "2022년 10월 19일 (수요일)",
        "2022년 10월 19일 수요일 오후 3시 5분 7초",
        "2022년10월19일15시5분",
        "2022년 10월 19일 오전 0시",
        "2022.10.19",
        "2022. 10. 19.",
        "2022. 10. 19. 오후 3:05",
        "2022. 10. 19. 오전 12:00:59",
        "2022.10.19(수) 15:05",
        "2022/10/19 AM 9:05",
        "2022-10-19 오후 3:05:00",
        "２０２２．１０．１９",
        "\N{IDEOGRAPHIC SPACE}2022년\N{NO-BREAK SPACE}10월 19일 ",
    ),
    "dmy": ("19.10.2022", "19/10/2022", "19-10-2022", "19.10.2022 9:05", "19/10/2022 15:30:00"),
    "mdy": ("10/19/2022", "10-19-2022", "10/19/2022 15:30", "10/19/2022, 3:05 PM", "10/19/2022 12:00:00am"),
    "compact": ("20221019", "20221019153000", "202210191530", "20221019 1530", "20221019T153000"),
    "short": ("22-10-19", "22.10.19", "22. 10. 19.", "22/10/19", "22-10-19 15:30"),
    "dmy_short": ("19-10-22", "19.10.22", "19/10/22", "19/10/22 9:05"),
    "mdy_short": ("10-19-22", "10/19/22", "10/19/22 15:30", "10/19/22, 3:05 PM"),
    "excel": ("44853", "44853.625", "44853.999999"),
    "unix": ("1666161000", "1666161000000", "1666105200", "1666191599999"),
    "month_name": (
        "19 October 2022",
        "19 Oct 2022",
        "19-Oct-2022",
        "19OCT2022",
        "19th of October, 2022",
        "October 19, 2022",
        "Oct 19 2022",
        "Oct. 19, 2022, 3:05 PM",
        "Wed, 19 Oct 2022 15:05",
        "Wednesday, October 19, 2022",
        "19. Oktober 2022",
        "19.Okt.2022",
        "Mittwoch, 19. Oktober 2022, 15:05 Uhr",
        "Mi., 19. Okt. 2022",
        "2022-Oct-19",
        "2022 October 19",
    ),
    "month_name_short": ("19-Oct-22", "19 oct 22", "19-OKT-22", "19. Okt. 22", "19 October '22", "19Oct22"),
    "no_year": (
        "10월 19일",
        "10월19일(수)",
        "19 Oct",
        "October 19",
        "Oct 19th",
        "19. Oktober",
        "Mi., 19. Okt.",
    ),
}
"""Every text stands for 19 October 2022 in Seoul."""

NO_DAY = {
    "iso": (
        "2022-13-10",
        "2022-02-29",
        "0000-01-01",
        "2022-10-19T99:99",
        "2022-10-19T24:00",
        "2022-10-19T23:60",
        "2022-10-19T9:05",
        "2022-10-19t15:30",
        "2022-10-19Z",
        "2022-10-19T15:30+9",
        "2022-10-19T15:30+14:30",
        "2022-10-19T15:30+09:60",
        "2022-10-19T15:30  +09:00",
        "2022-10-19T15:30 KST",
        "9999-12-31T23:30-05:00",
        "0001-01-01T00:30+14:00",
        "2022-1-9",
        "２０２２-10-19",
        " 2022-10-19",
        "2022-10-19\n",
        "12022-10-19",
    ),
    "korean": (
        "2022년 2월 30일",
        "2022년 13월 1일",
        "22년 10월 19일",
        "2022년 10월",
        "2022년 10월 19일 오후 13시",
        "2022년 10월 19일 오후 3:60",
        "2022년 10월 19일 24시",
        "2022.10/19",
        "2022.10.1915:05",
        "2022.10.19경",
        "이천이십이년 10월 19일",
        "2022년 10월\t19일",
        "2022년 10월 19\N{ZERO WIDTH SPACE}일",
    ),
    "dmy": ("10/19/2022", "31.11.2022", "19.10/2022", "19.10.22", "19.10.2022 25:00", "19.10.0000"),
    "mdy": ("19/10/2022", "02/29/2022", "10.19.2022", "10/19/22", "10/19/2022 13:05 PM"),
    "compact": ("20221319", "20220229", "2022101", "2022101915", "20221019240000", "00001019"),
    "dmy_short": ("10-19-22", "29.2.22", "19-10/22", "19-10-2022", "2022-10-19", "19-10-22 13:05 PM"),
    "mdy_short": ("19-10-22", "2/29/22", "10.19.22", "10-19/22", "10-19-2022", "10/19/22 13:05 PM"),
    "short": ("22-13-01", "22.2.29", "2-10-19", "22-10/19", "2022-10-19", "22-10-19 오후 13:05"),
    "month_name": (
        "31 November 2022",
        "19 Octember 2022",
        "19 Oct 22",
        "October 2022",
        "Oct 19",
        "19 Oct 2022 25:00",
        "19 Oct 02022",
        "Octavia 19 2022",
        "Kim, 19 Oct 2022",
    ),
    "month_name_short": ("31-Nov-22", "19-Oct-2022", "22-October", "Oct 19 22", "19-Kim-22", "29-Feb-22"),
    "no_year": ("10월", "13월 1일", "19일", "11월 7일", "10월 14일", "October", "19", "19 Oct 2022", "10/19"),
    "excel": ("60", "0", "-1", "2958466", "99999999", "44853,5", "44853.", "4.4e4"),
    "unix": ("166616100", "0101234567", "16661610000", "-1666161000", "1666161000.5"),
}


@pytest.mark.parametrize("name", DATES)
def test_a_notation_reads_its_days(name: str) -> None:
    texts = list(READ_AS_DAY[name])
    assert days([*texts, None], name) == [DAY] * len(texts) + [None]


@pytest.mark.parametrize("name", DATES)
def test_a_notation_reads_nothing_else(name: str) -> None:
    texts = [*NO_DAY[name], "", "어제", "NULL", "٢٠٢٢-١٠-١٩", "2022-10-19'; drop table texts; --"]
    assert [text for text, day in zip(texts, days([*texts], name), strict=True) if day is not None] == []


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2022-10-19T23:30Z", SEOUL, date(2022, 10, 20)),
        ("2022-10-19T23:30", SEOUL, DAY),
        ("2022-10-20T03:59Z", NEW_YORK, DAY),  # summer, four hours behind
        ("2022-10-20T04:00Z", NEW_YORK, date(2022, 10, 20)),
        ("2022-11-20T04:59Z", NEW_YORK, date(2022, 11, 19)),  # winter, five hours behind
        ("2022-11-20T05:00Z", NEW_YORK, date(2022, 11, 20)),
        ("1666238399", NEW_YORK, DAY),
        ("1666238400", NEW_YORK, date(2022, 10, 20)),
        ("1666238399999", NEW_YORK, DAY),
        ("2022년 10월 19일 23:30", NEW_YORK, DAY),
    ],
)
def test_a_moment_falls_on_the_day_of_the_zone(text: str, zone: str, day: date) -> None:
    assert days([text], *DATES, zone=zone) == [day]


@pytest.mark.parametrize(
    ("text", "names", "day"),
    [
        ("10/11/2022", ("dmy", "mdy"), None),
        ("10/11/2022", ("iso", "mdy"), date(2022, 10, 11)),
        ("13/10/2022", ("dmy", "mdy"), date(2022, 10, 13)),
        ("10-10-2022", ("dmy", "mdy"), date(2022, 10, 10)),  # one day, whoever reads it
        ("10.11.2022", ("dmy", "mdy"), date(2022, 11, 10)),  # only dmy has dots
        ("2022-10-11", ("iso", "dmy", "mdy"), date(2022, 10, 11)),
    ],
)
def test_days_that_two_notations_read_differently_are_not_guessed(
    text: str, names: tuple[str, ...], day: date | None
) -> None:
    assert days([text], *names) == days([text], *reversed(names)) == [day]


@pytest.mark.parametrize(
    "names",
    [
        "January February March April May June July August September October November December",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    ],
)
def test_every_month_is_read_by_its_name(names: str) -> None:
    firsts: list[object] = [date(2023, month, 1) for month in range(1, 13)]
    for pattern, notation in (("1. {} 2023", "month_name"), ("01-{:.3}-23", "month_name_short")):
        assert days([pattern.format(name) for name in names.split()], notation) == firsts
    assert days([f"{name.upper()} 1, 2023" for name in names.split()], "month_name") == firsts


@pytest.mark.parametrize(
    ("text", "window", "day"),
    [
        ("11월 5일", WINDOW, date(2022, 11, 5)),
        ("11월 5일", (date(2022, 11, 5), date(2022, 11, 5)), date(2022, 11, 5)),
        ("1월 5일", (date(2022, 12, 1), date(2023, 1, 5)), date(2023, 1, 5)),
        ("12월 5일", (date(2022, 12, 1), date(2023, 1, 5)), date(2022, 12, 5)),
        ("2월 29일", (date(2022, 12, 1), date(2024, 3, 1)), date(2024, 2, 29)),
        ("12월 5일", (date(2022, 12, 5), date(2023, 12, 5)), None),  # two such days
        ("12월 5일", (date(2022, 12, 6), date(2023, 12, 4)), None),  # no such day
        ("12월 5일", (date(2020, 12, 6), date(2023, 12, 4)), None),
    ],
)
def test_a_day_without_a_year_is_the_only_one_in_the_window(
    text: str, window: tuple[date, date], day: date | None
) -> None:
    assert days([text], "no_year", window=window) == [day]


@given(
    st.dates(date(2022, 1, 1), date(2023, 12, 31)),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]),
    st.dates(date(2022, 1, 1), date(2023, 12, 31)),
    st.integers(0, 400),
)
@example(date(2022, 5, 6), "%m/%d/%Y", date(2022, 5, 1), 60)
@example(date(2022, 11, 1), "%m/%d/%Y", date(2022, 10, 15), 22)
def test_the_window_decides_between_day_first_and_month_first(
    day: date, pattern: str, first: date, length: int
) -> None:
    text, window = day.strftime(pattern), (first, first + timedelta(length))
    a, b, year = map(int, text.split("/"))
    possible = {date(year, month, number) for number, month in ((a, b), (b, a)) if month <= 12}
    inside = {d for d in possible if window[0] <= d <= window[1]}
    expected = possible if len(possible) == 1 else inside
    assert days([text], "dmy", "mdy", window=window) == [expected.pop() if len(expected) == 1 else None]


READ_AS_AMOUNT: dict[str, dict[str, int]] = {
    "plain": {
        "300000": 300_000,
        "+5": 5,
        "-1200": -1200,
        "0": 0,
        "007": 7,
        "999999999999999": 10**15 - 1,
        "-00000001": -1,
    },
    "grouped": {
        "300,000": 300_000,
        "-1,234,567": -1_234_567,
        "1,200.00": 1200,
        "300000": 300_000,
        "３００，０００": 300_000,
        "\N{MINUS SIGN}1,200": -1200,
        "999,999,999,999,999": 10**15 - 1,
        "999999999999999": 10**15 - 1,
        "\N{NO-BREAK SPACE}1,200\N{IDEOGRAPHIC SPACE}": 1200,
    },
    "won": {
        "₩1,200": 1200,
        "\\1,200": 1200,
        "￦１，２００": 1200,
        "₩ 1200": 1200,
        "300,000원": 300_000,
        "300000 원": 300_000,
        "KRW 300000": 300_000,
        "krw300,000": 300_000,
        "300000 won": 300_000,
        "300,000 KRW": 300_000,
        "₩300,000원": 300_000,
        "-₩1,200": -1200,
        "₩-1,200": -1200,
        "－１，２００원": -1200,
        "0원": 0,
    },
    "korean": {
        "30만원": 300_000,
        "30만": 300_000,
        "30 만 원": 300_000,
        "₩30만": 300_000,
        "-30만원": -300_000,
        "1.2만": 12_000,
        "1.5천만원": 15_000_000,
        "0.5억": 50_000_000,
        "1.20000000000000000000만": 12_000,
        "1억": 100_000_000,
        "1억 2,000만 원": 120_000_000,
        "1억2천3백4십만 5천원": 123_405_000,
        "1,234억": 123_400_000_000,
        "3천만원": 30_000_000,
        "30만5천원": 305_000,
        "30만 5,000원": 305_000,
        "30만5원": 300_005,
        "3만2천500원": 32_500,
        "5백": 500,
        "5십원": 50,
        "2천5백원": 2500,
        "2천 300원": 2300,
        "300천원": 300_000,
        "３０만원": 300_000,
        "0만원": 0,
    },
    "european": {
        "300.000": 300_000,
        "1.234.567,00": 1_234_567,
        "-1.200": -1200,
        "1200": 1200,
        "300000,0": 300_000,
        "３００．０００": 300_000,
    },
    "european_currency": {
        "1.234,00 €": 1_234,
        "€12,0": 12,
        "€ 1.234.567": 1_234_567,
        "1 234,00 EUR": 1_234,
        "-1.200,00 €": -1_200,
        "1'200 €": 1_200,
        "1\N{NARROW NO-BREAK SPACE}200,00€": 1_200,
        "300\N{NO-BREAK SPACE}€": 300,
    },
    "spaced": {
        "300 000": 300_000,
        "1'234.00": 1_234,
        "1\N{RIGHT SINGLE QUOTATION MARK}234\N{RIGHT SINGLE QUOTATION MARK}567": 1_234_567,
        "1\N{NO-BREAK SPACE}200": 1_200,
        "1\N{THIN SPACE}200.0": 1_200,
        "-1 200": -1_200,
        "300000": 300_000,
    },
    "spaced_european": {"300 000": 300_000, "1 234,00": 1_234, "1'234'567": 1_234_567, "12,0": 12, "-5": -5},
    "spaced_currency": {"€1'234.00": 1_234, "$ 300 000": 300_000, "1 200 €": 1_200, "5 EUR": 5},
    "currency": {
        "$2,400.00": 2_400,
        "US$ 12": 12,
        "-€1,200": -1_200,
        "£-5": -5,
        "¥1,234,567": 1_234_567,
        "A$99": 99,
        "C$1,000": 1_000,
        "2,400 USD": 2_400,
        "eur 300": 300,
        "$2,400.00 CAD": 2_400,
        "300€": 300,
        "＄２，４００": 2_400,
    },
}  # fmt: skip

NO_AMOUNT = {
    "plain": (
        *("01012345678", "000000001", "300,000", "12.5", "1.", ".5", "1e5", "0x10", "1_000", "３００"),
        *(" 300", "9" * 16, "--5"),
    ),
    "grouped": ("30,00", "1,2345", "0,500", "1,200,5", "1 200", "1'200", "(1,200)", "1,200-", "1200,000"),
    "won": (
        "1,200원\n",
        "1,200",
        "W1,200",
        "$1,200",
        "원",
        "₩",
        "₩1,20",
        "-₩-1,200",
        "(₩1,200)",
        "약 1,200원",
        "1,200원 정도",
        "1,200원권",
        "300~500원",
        "1원2",
    ),
    "korean": (
        "만원",
        "백만원",
        "원",
        "300000",
        "300000원",
        "약 30만원",
        "30만원 정도",
        "30~50만원",
        "1.23456만",
        "1만2억",
        "1천2만3천원억",
        "2백3천",
        "1억 20000만",
        "1만 30천",
        "30만 50000원",
        "2천3000원",
        "1.5억 3천만",
        "3억 2000",  # said for 3억 2000만 as often as for what it says
        "30만 5",
        "2천5",
        "3 0만",
        "삼십만원",
        "30만\N{ZERO WIDTH SPACE}원",
        "1조",
        "99999999억",
        "٣٠만원",
    ),
    "european": ("300,000.00", "1.23", "0.500", "12,50", "1.234.56", "1,2,3", "1.200-", "€12"),
    "european_currency": ("1234", "12,50", "€1,234.00", "1,234 €", "€1.23", "1 23 €", "1.2345 €"),
    "spaced": ("1 23", "1 2345", "12 34.50", "1 234'567", "1'234,50", "1  234", "0 500", "1.234", "$1 234"),
    "spaced_european": ("1 23", "1 234.50", "1.234,50", "1,234", "1 234'567", "12.50", "€1 234"),
    "spaced_currency": ("1 234", "€1'234,50", "1.234 €", "€1.234", "1 23 €"),
    "currency": (
        *("2400", "2,400.00", "€12,50", "€1.234,00", "1.234 €", "€1.234", "$5 EUR", "$$5", "$", "USD"),
        *("US 5", "X$5", "$ 1,23", "5 dollars", "+-$5", "-$-5", "$12.50", "CHF 5", "$5 - $6"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AMOUNTS)
def test_a_notation_reads_its_amounts(name: str) -> None:
    expected = READ_AS_AMOUNT[name]
    assert amounts([*expected, None], name) == [*expected.values(), None]


@pytest.mark.parametrize("name", AMOUNTS)
def test_a_notation_reads_no_other_amount(name: str) -> None:
    texts = [*NO_AMOUNT[name], "", "없음", "-", "1'; drop table texts; --"]
    assert [text for text, n in zip(texts, amounts([*texts], name), strict=True) if n is not None] == []


@pytest.mark.parametrize(
    ("currency", "digits", "expected"),
    [
        ("USD", 2, {"$2,400.00": 240_000, "US$12.5": 1_250, "2,400 USD": 240_000}),
        ("EUR", 2, {"€12.50": 1_250}),
        ("AUD", 2, {"$2,400.00": 240_000, "A$99.95": 9_995}),
        ("JPY", 0, {"¥1,200": 1_200}),
        ("CHF", 2, {"CHF 5": 500}),
    ],
)
def test_an_amount_of_another_currency_is_none(currency: str, digits: int, expected: dict[str, int]) -> None:
    texts = ["$2,400.00", "US$12.5", "2,400 USD", "€12.50", "€12,50", "A$99.95", "¥1,200", "CHF 5", "$1.234"]
    sql = amount_sql('"said"', ["currency"], digits=digits, currency=currency)
    found = dict(zip(texts, read([*texts], sql), strict=True))
    assert {text: amount for text, amount in found.items() if amount is not None} == expected


@pytest.mark.parametrize(
    ("text", "names", "digits", "amount"),
    [
        ("1.234", ("plain", "european"), 0, None),
        ("1.234", ("plain", "european"), 2, None),
        ("1.500", ("plain", "european"), 2, None),
        ("1.000", ("plain", "european"), 0, None),
        ("1.000", ("plain", "grouped"), 0, None),
        ("1.000", ("plain",), 3, 1_000),
        ("0.500", ("plain",), 1, 5),
        ("1234.000", ("plain",), 0, 1_234),
        ("１.０００", ("grouped",), 0, None),
        ("₩1.000", ("won",), 0, None),
        ("1,234", ("grouped", "european"), 2, None),
        ("1200", ("plain", "grouped", "european"), 2, 120_000),
        ("12,50", ("grouped", "european"), 2, 1250),
        ("12.50", ("plain", "european"), 2, 1250),
        ("1,200.50", ("grouped", "european"), 2, 120_050),
        ("0.500", ("plain", "european"), 2, 50),  # no group starts with a zero
        ("₩1.234", ("won", "european"), 2, None),
        ("1,230", ("european",), 2, None),
        ("1,230", ("spaced_european",), 2, None),
        ("1,230", ("european",), 3, 1230),
        ("1,230 €", ("european_currency",), 2, None),
        ("1.230 €", ("european_currency",), 2, 123_000),
        ("1.230 €", ("currency", "european_currency"), 2, None),
        ("1.230 €", ("currency", "european"), 2, None),
        ("1.230", ("plain", "european_currency"), 2, None),
        ("1.230", ("spaced",), 2, None),
        ("1'234.50", ("spaced", "spaced_european"), 2, 123_450),
        ("1 234", ("spaced", "spaced_european"), 2, 123_400),
        ("12,50 €", ("currency", "european_currency"), 2, 1250),
    ],
)
def test_amounts_that_two_notations_read_differently_are_not_guessed(
    text: str, names: tuple[str, ...], digits: int, amount: int | None
) -> None:
    found = [amounts([text], *order, digits=digits) for order in (names, names[::-1])]
    assert found == [[amount], [amount]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "digits", "scale", "amount"),
    [
        ("12.50", 2, 1, 1250),
        ("12.5000", 2, 1, 1250),
        ("12.505", 2, 1, None),
        ("12", 2, 1, 1200),
        ("9999999999999.99", 2, 1, 10**15 - 1),
        ("10000000000000", 2, 1, None),
        ("-10000000000000", 2, 1, None),
        ("300", 0, 1000, 300_000),
        ("1.2340", 0, 1000, 1234),
        ("1.2345", 0, 1000, None),
        ("0.5", 0, 60, 30),
        ("0.05", 0, 60, 3),
        ("0.01", 0, 60, None),
        ("5", 0, Decimal("0.2"), 1),
        ("7.5", 0, Decimal("0.4"), 3),
        ("7", 0, Decimal("0.2"), None),
        ("1000000000000", 0, 1000, None),
        ("0.000000000001", 0, 10**12, 1),
        ("999999999999999", 0, 10**12, None),
        ("999999999999999", 0, Decimal("0.000000001"), None),
        ("999999000000000", 0, Decimal("0.000000001"), 999_999),
    ],
)
def test_an_amount_is_exact_or_nothing(
    text: str, digits: int, scale: Decimal | int, amount: int | None
) -> None:
    for names in (("plain",), ("grouped",), ("plain", "grouped", "won", "korean")):
        assert amounts([text], *names, digits=digits, scale=scale) == [amount]


@pytest.mark.parametrize("scale", [0, -1, 10**13, Decimal("1e-10")])
def test_a_scale_that_no_amount_could_bear_is_refused(scale: Decimal | int) -> None:
    with pytest.raises(ValueError, match="cannot be multiplied"):
        amount_sql('"said"', ["plain"], scale=scale)


def spelled_days(day: date) -> dict[str, list[str]]:
    """Each notation's ways to write a day."""
    y, m, d = day.year, day.month, day.day
    seconds = int(datetime(y, m, d, 3, tzinfo=UTC).timestamp())
    serial = (day - date(1899, 12, 30)).days
    return {
        "iso": [f"{day}", f"{day}T23:59", f"{day} 12:00Z", f"{day}T12:00:00.000+09:00"],
        "korean": [f"{y:04}년 {m}월 {d}일", f"{y:04}. {m}. {d}.", f"{y:04}/{m:02}/{d:02} 오후 3:05"],
        "dmy": [f"{d}.{m}.{y:04}", f"{d:02}/{m:02}/{y:04}", f"{d:02}-{m:02}-{y:04} 15:30"],
        "mdy": [f"{m}/{d}/{y:04}", f"{m:02}-{d:02}-{y:04}", f"{m}/{d}/{y:04} 3:05 PM"],
        "compact": [f"{y:04}{m:02}{d:02}", f"{y:04}{m:02}{d:02}235959"],
        "short": [f"{y % 100:02}-{m:02}-{d:02}", f"{y % 100:02}. {m}. {d}."] if 2000 <= y < 2100 else [],
        "dmy_short": [f"{d}-{m}-{y % 100:02}", f"{d:02}.{m:02}.{y % 100:02}"] if 2000 <= y < 2100 else [],
        "mdy_short": [f"{m}-{d}-{y % 100:02}", f"{m}/{d}/{y % 100:02} 3:05 PM"] if 2000 <= y < 2100 else [],
        "excel": [f"{serial}", f"{serial}.5"] if serial > 60 else [],
        "unix": [f"{seconds}", f"{seconds}999"] if 10**9 <= seconds < 10**10 else [],
    }  # fmt: skip


@pytest.mark.slow
@given(st.dates() | st.dates(date(2000, 1, 1), date(2099, 12, 31)))
@example(date(1, 1, 2))
@example(date(9999, 12, 30))
def test_a_day_comes_back_from_every_notation(day: date) -> None:
    for name, texts in spelled_days(day).items():
        assert days([*texts], name) == [day] * len(texts), (name, texts)


@pytest.mark.slow
@given(st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1)), st.integers(-12 * 60, 14 * 60))  # noqa: DTZ001 # the offset is the next argument
def test_a_moment_is_moved_as_python_moves_it(moment: datetime, minutes: int) -> None:
    offset = timedelta(minutes=minutes)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{moment:%Y-%m-%d %H:%M:%S}{sign}{hours:02}:{rest:02}"
    for zone in (SEOUL, NEW_YORK):
        expected = (moment - offset).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
        assert days([text], "iso", zone=zone) == [expected]


def korean(amount: int) -> str:
    """An amount below 10^12 in units: 123,405,000 is 1억2천3백4십만5천."""
    text = ""
    for myriad, unit in ((10**8, "억"), (10**4, "만"), (1, "")):
        count = amount // myriad % 10_000
        small = [(count // ten % 10, mark) for ten, mark in ((1000, "천"), (100, "백"), (10, "십"))]
        if count % 10 == 0 and count:
            text += "".join(f"{n}{mark}" for n, mark in small if n) + unit
        elif count and unit:
            text += f"{count}{unit}"
    return text


def spelled_amounts(amount: int) -> dict[str, list[str]]:
    """Each notation's ways to write a number of won."""
    european, spaced = (f"{amount:,}".replace(",", mark) for mark in (".", " "))
    tens, sign = abs(amount) * 10 % 10**12, "-" if amount < 0 else ""
    return {
        "plain": [f"{amount}", f"{amount}.00"],
        "grouped": [f"{amount:,}", f"{amount:,}.0", f"{amount}"],
        "won": [f"{amount:,}원", f"₩{amount}", f"{amount} KRW"],
        "european": [european, f"{european},00"],
        "european_currency": [f"{european} €", f"€{european},00"],
        "spaced": [spaced, f"{spaced}.0"],
        "spaced_european": [spaced, f"{spaced},0"],
        "spaced_currency": [f"{spaced} €", f"€{spaced}.00"],
        "korean": [f"{Decimal(amount) / 10_000:f}만", *([f"{sign}{korean(tens)}원"] if tens else [])],
    }  # fmt: skip


WAYS: dict[str, tuple[str, str]] = {"western": (",", "."), "european": (".", ","), "bare": ("", ".")}
WAYS |= {f"{gap}{point}": (gap, point) for gap in (" ", "'", "\N{NARROW NO-BREAK SPACE}") for point in ".,"}


@pytest.mark.slow
@given(
    st.integers(0, 10**7) | st.integers(1, 2_000).map(lambda n: n * 10) | st.integers(1, 9_999),
    st.sampled_from(sorted(WAYS)),
    st.sampled_from(["", " €", "€"]),
    st.integers(0, 99),
    st.sets(st.sampled_from(sorted(AMOUNTS)), min_size=1),
)
@example(1_230, "european", "", 0, {"plain", "european_currency"})
@example(1_230, "western", "", 0, {"plain", "european"})
@example(1_230, "western", " €", 0, {"european_currency"})
def test_no_set_of_notations_reads_a_wrong_amount(
    euros: int, way: str, sign: str, cents: int, names: set[str]
) -> None:
    gap, point = WAYS[way]
    text = f"{euros:,}".replace(",", gap) + (f"{point}{cents:02d}" if cents else "") + sign
    assert amounts([text], *sorted(names), digits=2)[0] in (100 * euros + cents, None), text


@pytest.mark.slow
@given(st.integers(-(10**12), 10**12) | st.integers(0, 10_000_000))
def test_an_amount_comes_back_from_every_notation(amount: int) -> None:
    sign = -1 if amount < 0 else 1
    for name, texts in spelled_amounts(amount).items():
        other = sign * (abs(amount) * 10 % 10**12) if name == "korean" else amount
        expected = [amount, *[other] * (len(texts) - 1)]
        assert amounts([*texts], name) == expected, (name, texts)


alphabet = "0123456789０１.,:/-+ TZ년월일시분초오전후수요()억만천백십원₩￦\\KRWwonAPM\t\0'"
readable = st.sampled_from(
    [t for table in (READ_AS_DAY, READ_AS_AMOUNT) for ts in table.values() for t in ts]
)
slips = st.builds(
    lambda text, at, by: text[:at] + by + text[at + 1 :],
    readable,
    st.integers(0, 12),
    st.sampled_from(["", *alphabet]),
)
anything = st.lists(st.text() | st.text(alphabet, max_size=24) | slips, min_size=1, max_size=200)


def agreed(readings: list[list[object]]) -> list[object]:
    """What single notations read of each text, where they read one thing."""
    several = [set(values) - {None} for values in zip(*readings, strict=True)]
    return [values.pop() if len(values) == 1 else None for values in several]


@pytest.mark.slow
@given(anything)
def test_any_text_is_a_day_or_nothing_and_notations_together_agree(texts: list[str | None]) -> None:
    alone = [days(texts, name) for name in DATES]
    assert days(texts, *DATES) == agreed(alone)


@pytest.mark.slow
@given(anything)
def test_any_text_is_an_amount_or_nothing_and_notations_together_agree(texts: list[str | None]) -> None:
    alone = [amounts(texts, name, digits=2) for name in AMOUNTS]
    together = amounts(texts, *AMOUNTS, digits=2)
    for value, single in zip(together, agreed(alone), strict=True):
        assert value in (single, None)  # a reading that is not whole still makes a text ambiguous
