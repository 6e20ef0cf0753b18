"""Personal data: what is found, what is left alone, and what stays readable behind a mask."""

# ruff: noqa: RUF001 # full-width characters are part of the question

from __future__ import annotations

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given, strategies as st

from outage_analysis.claims import Warehouse
from outage_analysis.text import DATES, find_personal_data, mask_personal_data
from outage_analysis.text.personal_data import PATTERNS

PERSONAL = {
    "Korean resident number": (
        "900101-1234567",
        "주민번호 900101-1234567 입니다",
        "900101 2234567",
        "900101 - 2234567",
        "010101–3234567",
        "9001011234567",
        "9001018234567",  # a foreigner
        "0101234567890",  # not a phone number, but perhaps someone born on 23 January 2001
        "900101-1******",
        "900101-2xxxxxx",
        "9001011●●●●●●",
        "９００１０１－１２３４５６７",
        "900101\N{ZERO WIDTH SPACE}-1234567",
        "991231-8000000",
        "221019-1000001",  # an order number of this shape cannot be told apart
    ),
    "phone number": (
        "010-1234-5678",
        "01012345678",
        "010 1234 5678",
        "010.1234.5678",
        "010 - 1234 - 5678",
        "010)1234-5678",
        "010/1234/5678",
        "010_1234_5678",
        "010\N{MINUS SIGN}1234\N{MINUS SIGN}5678",
        "1023456789",  # a spreadsheet drops the zero
        "821023456789",
        "1.010-1234-5678",
        "1234-01012345678",
        "011-123-4567",
        "0111234567",
        "tel.01012345678",
        "연락처:01012345678로",
        "+82 10-1234-5678",
        "+82-10-1234-5678",
        "+82 (0)10-1234-5678",
        "+821012345678",
        "82-10-1234-5678",
        "02-123-4567",
        "(02) 123-4567",
        "02)1234-5678",
        "031-123-4567",
        "+82 2-123-4567",
        "070-1234-5678",
        "07012345678",
        "0505-123-4567",
        "０１０－１２３４－５６７８",
    ),
    "e-mail address": (
        "kim@example.com",
        "문의: kim.minsu+claims@mail.example.co.kr 로",
        "kim@EXAMPLE.COM.",
        "kim＠example.com",
        "김민수@회사.한국",
    ),
    "card number": (
        "1234-5678-9012-3456",
        "5412 7512 3456 7890",
        "4111111111111111",
        "9430123456789012",
        "3782 822463 10005",
    ),
    "account number": (
        "110-123-456789",
        "1002-345-678901",
        "123456-12-123456",
        "301-0123-4567-89",
        "3333-01-1234567",
        "11-22-123456-12",  # a driving licence
    ),
}
HARMLESS = (
    "",
    "카카오톡이 안 됩니다",
    "SYN-000123",
    "c1",
    "2022-10-19",
    "2022-10-19 15:30:00",
    "2022-10-19T15:30:00+09:00",
    "2022.02.19 15:30",
    "20221019",
    "20221019153000",
    "20221019153000123",
    "300000",
    "300,000",
    "-1,234,567",
    "1200.50",
    "999999999999999",
    "1666161000",
    "1666161000000",
    "9013011234567",  # no month 13
    "9001321234567",  # no day 32
    "9001019234567",  # nobody's digit
    "010123456789",
    "0000012345",
    "0212345678",  # an area code without a mark may start any number
    "127.01012345678",  # a longitude
    "0.9001011234567",
    "1588-1234",
    "1588-12345678",
    "080-123-4567",
    "192.168.100.200",
    "2022101915300012",
    "A123-456-789",
    "@kakao",
    "3 @ 4.50",
    "헐@ㅠㅠ..ㅠㅠ",
    "5@3.50",
)

texts = st.text(st.sampled_from("0123456789-–. ,()+*x@@.:한a\n원Z０１＠\N{ZERO WIDTH SPACE}"), max_size=40)
samples = st.sampled_from([t for texts in PERSONAL.values() for t in texts] + list(HARMLESS))
anything = st.lists(st.text(max_size=20) | texts | samples, max_size=6).map("".join)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in PERSONAL for text in PERSONAL[kind]])
def test_personal_data_is_found_by_its_kind_and_gone_behind_the_mask(kind: str, text: str) -> None:
    assert find_personal_data(pl.Series([text])) == (kind, 1)
    assert find_personal_data(pl.Series([mask_personal_data(text)])) is None


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_not_personal_is_left_alone(text: str) -> None:
    assert find_personal_data(pl.Series([text])) is None


def test_the_table_covers_every_pattern() -> None:
    assert list(PERSONAL) == list(PATTERNS)


def test_found_counts_values_of_the_first_kind() -> None:
    texts = pl.Series(["kim@example.com", "010-1234-5678 011-123-4567", None, "서울", "02-123-4567"])
    assert find_personal_data(texts) == ("phone number", 2)
    empty = pl.Series([], dtype=pl.String), pl.Series([None, None])
    assert [find_personal_data(texts) for texts in empty] == [None, None]
    assert find_personal_data(pl.Series(["02-123-4567"], dtype=pl.Categorical)) == ("phone number", 1)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("010-1234-5678로 전화", "***-****-****로 전화"),
        ("900101-1234567", "******-*******"),
        ("900101-1******", "******-*******"),
        ("110-123-456789", "***-***-******"),
        ("계좌 1234567890", "계좌 **********"),
        ("0101234", "*******"),
        ("SYN-000123", "SYN-******"),
        ("2022-10-19-1234567", "****-**-**-*******"),
        ("12-3456", "**-****"),
        ("12345 67890", "***** *****"),
        ("12-345", "12-345"),
        ("2022-10-19", "2022-10-19"),
        ("2022-10-19 15:30", "2022-10-19 15:30"),
        ("2022-10-19 300000", "2022-10-19 300000"),
        ("2026. 3. 3.", "2026. 3. 3."),
        ("2022. 10. 19. 010-1234-5678", "****. **. **. ***-****-****"),
        ("2022.10.19.1234567", "****.**.**.*******"),
        ("2022. 13. 19.", "****. **. **."),  # no month 13
        ("901019-1", "******-*"),
        ("1666161000", "**********"),  # a moment, but as well an account
        ("300,000원, 500,000원", "300,000원, 500,000원"),
        ("999999999", "999999999"),
        ("20221019", "20221019"),
        ("-1,234,567.50", "-1,234,567.50"),
        ("30만원", "30만원"),
        ("300000 (kim@example.com)", "300000 ([@])"),
        ("a@b@c.de", "[@]"),
        ("kim@example.com, lee@example.com", "[@], [@]"),
        ("４월 ＠ 합계", "４월 ＠ 합계"),  # nothing to hide, so nothing is narrowed
    ],
)
def test_masks_hide_what_tells_and_keep_the_rest(text: str, safe: str) -> None:
    assert mask_personal_data(text) == safe


@pytest.mark.parametrize("day", [day for name in DATES if name != "unix" for day in DATES[name].examples])
def test_days_are_shown_as_files_write_them(day: str) -> None:
    assert mask_personal_data(day) == day


@given(anything)
def test_nothing_personal_remains_behind_a_mask_and_a_second_one_adds_nothing(text: str) -> None:
    safe = mask_personal_data(text)
    assert find_personal_data(pl.Series([safe])) is None
    assert mask_personal_data(safe) == safe


@given(st.text())
def test_a_text_without_digits_or_addresses_is_unchanged(text: str) -> None:
    if not re.search("[0-9@]", unicodedata.normalize("NFKC", text)):
        assert mask_personal_data(text) == text


@pytest.mark.slow
@given(st.lists(anything, min_size=1, max_size=20))
def test_three_engines_read_the_patterns_alike(texts: list[str]) -> None:
    seen = pl.Series("text", texts).str.normalize("NFKC").str.replace_all("\0", "")
    warehouse = Warehouse()
    warehouse.load("seen", pl.DataFrame({"text": seen}))
    for pattern in PATTERNS.values():
        matches = warehouse.frame("select regexp_matches(text, $pattern) as m from seen", pattern=pattern)
        assert matches["m"].to_list() == seen.str.contains(pattern).to_list()
        assert matches["m"].to_list() == [re.search(pattern, text) is not None for text in seen]
