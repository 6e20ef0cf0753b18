"""Words in two languages, nothing left in English, and how numbers, money, days and ranges are written."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, strategies as st

import outage_analysis
from outage_analysis.assumptions import distribution_text, load_ledger
from outage_analysis.assumptions.distributions import Distribution
from outage_analysis.errors import UsageError
from outage_analysis.files import Document, Text, bundled_ids
from outage_analysis.incidents import (
    facts,
    facts_in_language,
    is_currency,
    load_backtest_spec,
    load_incident,
    load_intake,
    outcomes,
)
from outage_analysis.incidents.published_facts import KOREAN, MEASURES
from outage_analysis.losses import FAMILIES, load_grouped
from outage_analysis.policies import load_policy
from outage_analysis.text import LANGUAGES, LEAST_LEVEL, MOST_LEVEL, PERCENTILES, LikelyRange, Locale
from tests.untranslated_text import untranslated


def label_texts(lang: str) -> dict[str, str]:
    text = (files("outage_analysis.text") / "words" / f"{lang}.toml").read_text("utf-8")
    return {f"{group}.{key}": w for group, words in tomllib.loads(text).items() for key, w in words.items()}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


PAGES = {lang: label_texts(lang) for lang in LANGUAGES}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_same_keys_with_the_same_placeholders(lang: str) -> None:
    """And no word is empty."""
    filled = {key: placeholders(text) for key, text in PAGES["en"].items()}
    assert {key: placeholders(text) for key, text in PAGES[lang].items()} == filled
    assert [key for key, text in PAGES[lang].items() if not text.strip()] == []


def test_korean_words_are_korean() -> None:
    for key, korean in PAGES["ko"].items():
        figures_alone = korean == PAGES["en"][key] or not re.search("[A-Za-z]", re.sub(r"{.*?}", "", korean))
        assert re.search("[가-힣]", korean) or figures_alone, key


def test_korean_never_says_the_word_that_admits_unlawfulness() -> None:
    assert [key for key, text in PAGES["ko"].items() if "배상" in text] == []


EN, KO = Locale("en"), Locale("ko")
EUROS, CENTS = Locale("en", "EUR", 2), Locale("en", "USD", 2, 2)
EURO_LOSSES = Locale("en", "EUR", 2, loss_digits=2)
HALF_HOURS = Locale("en", divisible=True, starts=frozenset({11}))
FROM_500 = Locale("en", "USD", 2, loss_digits=2, starts=frozenset({49_999}))
HUGE, DAY = 2**53 + 1, date(2022, 12, 9)
FULL_BANDS = [(-1, 0), (0, 299_999), (299_999, None), (None, None)]
AMOUNTS = (0, 7, 1_000, 25_000, 300_000, 2_500_000, 10**9)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        # a count of one is singular
        (EN("terminal.hidden_lines", count="1"), "1 more line"),
        (EN("terminal.hidden_lines", count="21"), "21 more lines"),
        # money in prose is in whole units, and a currency without a word keeps its code
        (EUROS.money(1_234_567), "12 thousand euros"),
        (Locale("en", "CHF", 2).money(9_950), "100 CHF"),
        (Locale("ko", "EUR", 2).money(1_234_567), "1.2만 유로"),
        # money in tables keeps every digit
        (EN.exact_money(253_830_000), "253,830,000"),
        (Locale("ko", "EUR", 2).exact_money(1_234_567), "12,345.67"),
        (Locale("en", "KWD", 3).exact_money(5), "0.005"),
        # a range says its unit once when both ends share it
        (EN.money_range(253_830_000, 423_050_000), "250–420 million won"),
        (EN.money_range(30_000, 423_050_000), "30 thousand won–420 million won"),
        (KO.money_range(253_830_000, 423_050_000), "2억 5,000만 원~4억 2,000만 원"),
        # a whole number has every digit, however large
        (EN.number(HUGE), "9,007,199,254,740,993"),
        (EN.exact(HUGE), "9,007,199,254,740,993"),
        (EN.exact_money(HUGE), "9,007,199,254,740,993"),
        (EN.loss(HUGE), "9,007,199,254,740,993"),
        (EN.exact(-HUGE), "-9,007,199,254,740,993"),
        (CENTS.exact_money(-HUGE), "-90,071,992,547,409.93"),
        (CENTS.loss(HUGE), "90,071,992,547,409.93"),
        (CENTS.exact_loss(HUGE), "90,071,992,547,409.93"),
        (CENTS.exact_loss(1_250), "12.5"),
        (CENTS.exact_loss(-5), "-0.05"),
        (CENTS.exact_loss(300), "3"),
        # days are written as each language does
        (EN.day(DAY), "9 December 2022"),
        (EN.short_day(DAY), "9 Dec"),
        (KO.day(DAY), "2022. 12. 9."),
        (KO.short_day(DAY), "12. 9."),
        # an axis is scaled to its largest amount, and a round amount on it is short
        (EN.axis(2.4e10), (10**9, "billion won")),
        (KO.axis(2.4e10), (10**8, "억 원")),
        (EUROS.axis(250_000), (10**5, "thousand euros")),
        (EUROS.axis(9_900), (100, "euros")),
        ([EN.short(a) for a in AMOUNTS], ["0", "7", "1k", "25k", "300k", "2,500k", "1bn"]),
        ([KO.short(a) for a in AMOUNTS], ["0", "7", "1,000", "25,000", "30만", "250만", "10억"]),
        (EURO_LOSSES.short(12_345), "123.45"),
        # what short bands mean is stated where there are any
        (EN.band_note(FULL_BANDS), ""),
        (
            EN.band_note([*FULL_BANDS, (0, 300_000)]),
            "k = thousand, m = million; a band includes its upper edge",
        ),
        ("상한" in KO.band_note([(300_000, 500_000)]), True),
        # half an hour more is in the band whose words hold it
        (Locale("en", divisible=True, starts=frozenset[int]()).band(11, None), "over 11"),
        (HALF_HOURS.band(11, None), "from 12"),
        (HALF_HOURS.band(0, 11), "under 12"),
        # an amount of money has no other between two, and keeps its edges
        (FROM_500.band(30_000, 49_999), "from 300.01 to under 500.00"),
        (FROM_500.band_short(49_999, None), "from 500.00"),
        (FROM_500.band_short(0, 30_000), "up to 300"),
    ],
)
def test_amounts_days_and_bands_are_worded_so(said: object, expected: object) -> None:
    assert said == expected


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no such language .*'fr'"):
        Locale("fr")


def test_no_english_text_has_a_plural_after_a_count_that_may_be_one() -> None:
    counts, things = "count|claims|rows|rejects|assumptions", "claims|rows|rejects|losses|assumptions"
    counted = f"(?<!of ){{(?:{counts})}} (?:more )?(?:{things})"
    # The labels of notes recognise texts, and are not printed in English.
    printed = {key: text for key, text in PAGES["en"].items() if not key.startswith("note.")}
    assert [key for key, text in printed.items() if re.search(counted, text)] == []


@pytest.mark.parametrize(
    ("won", "english", "korean"),
    [
        (0, "0 won", "0원"),
        (7_550, "7.6 thousand won", "7,600원"),
        (30_000, "30 thousand won", "3만 원"),
        (222_500, "220 thousand won", "22만 원"),
        (9_999_999, "10 million won", "1,000만 원"),
        (253_830_000, "250 million won", "2억 5,000만 원"),
        (423_050_000, "420 million won", "4억 2,000만 원"),
        (27_500_000_000, "28 billion won", "280억 원"),
        (557_700_000_000, "560 billion won", "5,600억 원"),
        (1_774_400_000_000, "1,800 billion won", "1조 8,000억 원"),
    ],
)
def test_money_in_prose_has_two_significant_digits_in_the_unit_a_person_says(
    won: int, english: str, korean: str
) -> None:
    assert (EN.money(won), KO.money(won)) == (english, korean)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, 0), (0.012345, 0.012), (149, 150), (0.996, 1), (-1551, -1600), (8461, 8500)]
)
def test_a_modelled_figure_is_rounded_to_two_significant_digits(value: float, shown: float) -> None:
    assert Locale.rounded(value) == pytest.approx(shown)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0%"),
        (0.8295, "83%"),
        (0.0256, "2.6%"),
        (0.00123, "0.12%"),
        (0.5, "50%"),
        (0.9949, "99%"),
        (0.995, "99.5%"),
        (0.996, "99.6%"),
        (0.999, "99.9%"),
        (0.9995, "99.95%"),
        (0.9999, "99.99%"),
        (0.99991, ">99.99%"),
        (1 - 1e-12, ">99.99%"),
        (1, "100%"),
        (1.2, "120%"),
        (0.0001, "0.010%"),
        (0.00009, "<0.01%"),
        (-0.5, "-50%"),
    ],
)
def test_a_share_has_two_digits_and_is_never_called_none_or_all_if_it_is_only_close(
    value: float, shown: str
) -> None:
    assert Locale("en").share(value) == Locale("ko").share(value) == shown


@given(st.floats(0, 1))
def test_only_none_is_zero_percent_and_only_all_is_a_hundred(value: float) -> None:
    shown = Locale("en").share(value)
    assert (shown == "0%") == (value == 0)
    assert (shown in ("100%", "100.0%")) == (value == 1)
    if shown[0] not in "<>":
        assert float(shown[:-1]) == pytest.approx(100 * value, abs=0.5, rel=0.05)


@pytest.mark.parametrize(
    ("value", "prose", "table"),
    [
        (8461, "8,461", "8,461"),
        (23.0, "23", "23"),
        (5.3125, "5.312", "5.31"),
        (1265.822785, "1,266", "1,265.82"),
        (0.149421, "0.1494", "0.149"),
        (100.04, "100", "100.04"),
    ],
)
def test_numbers_have_fewer_digits_in_prose_than_in_tables(value: float, prose: str, table: str) -> None:
    assert (EN.number(value), EN.exact(value)) == (prose, table)


@pytest.mark.parametrize(
    ("band", "english", "korean"),
    [
        ((None, None), "not stated", "손실 미기재"),
        ((None, -1), "below 0", "0 미만"),
        ((-1, 0), "no loss (0)", "손실 없음(0)"),
        ((0, 300_000), "up to 300,000", "300,000 이하"),
        ((300_000, 500_000), "300,001 to 500,000", "300,001~500,000"),
        ((299_999, 499_999), "300,000 to 499,999", "300,000~499,999"),
        ((500_000, None), "over 500,000", "500,000 초과"),
        ((-1, 299_999), "0 to 299,999", "0~299,999"),
    ],
)
def test_a_band_says_which_edge_it_holds(
    band: tuple[int | None, int | None], english: str, korean: str
) -> None:
    assert (EN.band(*band), KO.band(*band).replace(" ", "")) == (english, korean.replace(" ", ""))


@pytest.mark.parametrize(
    ("band", "english", "korean"),
    [
        ((None, None), "not stated", "손실 미기재"),
        ((None, -1), "below 0", "0 미만"),
        ((-1, 0), "no loss (0)", "손실 없음(0)"),
        ((0, 100_000), "up to 100k", "10만 이하"),
        ((300_000, 500_000), "300–500k", "30만~50만"),
        ((500_000, 1_000_000), "500k–1m", "50만~100만"),
        ((10_000_000, 100_000_000), "10–100m", "1,000만~1억"),
        ((1_000_000, None), "over 1m", "100만 초과"),
        ((10**12, 3 * 10**12), "1–3tn", "1조~3조"),
        # Edges that are no whole steps keep every digit: [300,000, 500,000) is not 300–500k.
        ((299_999, 499_999), "300,000 to 499,999", "300,000~499,999"),
        ((300_000, 499_999), "300,001 to 499,999", "300,001~499,999"),
        ((0, 299_999), "up to 299,999", "299,999 이하"),
        ((499_999, None), "over 499,999", "499,999 초과"),
        ((-1, 299_999), "0 to 299,999", "0~299,999"),
        ((-1, None), "over -1", "-1 초과"),
        ((30, 60), "31 to 60", "31~60"),  # minutes, say
        # A thousand is whole in English, and no step in Korean.
        ((1_000, 3_000), "1–3k", "1,001~3,000"),
        ((1_000, 20_000), "1–20k", "1,001~20,000"),
    ],
)
def test_a_short_band_is_exact(band: tuple[int | None, int | None], english: str, korean: str) -> None:
    assert (EN.band_short(*band), KO.band_short(*band)) == (english, korean)


@pytest.mark.parametrize(
    ("band", "english"),
    [
        ((300_000, 500_000), "3–5k"),
        ((3_000, 5_000), "30–50"),  # whole euros
        ((5_000, 10_000), "50–100"),
        ((500, 1_000_000), "5.01 to 10,000.00"),  # 5–10k would read as thousands
        ((123, 456), "1.24 to 4.56"),
        ((0, 50), "up to 0.50"),
        ((100_000, None), "over 1k"),
    ],
)
def test_a_short_band_of_losses_in_cents_is_exact(band: tuple[int | None, int | None], english: str) -> None:
    assert Locale("en", "EUR", 2, loss_digits=2).band_short(*band) == english


HOURS = {
    ("upper", (0, 11)): ("up to 11", "11 이하"),
    ("upper", (11, 24)): ("over 11 up to 24", "11 초과 24 이하"),
    ("upper", (1000, 2000)): ("over 1,000 up to 2,000", "1,000 초과 2,000 이하"),
    ("upper", (24, None)): ("over 24", "24 초과"),
    ("lower", (0, 11)): ("under 12", "12 미만"),
    ("lower", (11, 23)): ("from 12 to under 24", "12 이상 24 미만"),
    ("lower", (23, None)): ("from 24", "24 이상"),
    ("lower", (0, 4)): ("up to 4", "4 이하"),
    ("lower", (4, 11)): ("over 4 to under 12", "4 초과 12 미만"),
    ("lower", (11, 20)): ("12 to 20", "12~20"),
    ("lower", (-1, 11)): ("from 0 to under 12", "0 이상 12 미만"),
    ("lower", (None, -1)): ("below 0", "0 미만"),
    ("lower", (-1, 0)): ("no loss (0)", "손실 없음(0)"),
}
"""Edges of 12 and 24 hours, written "from 12", or 11 and 24, written "over 11"; 4 and 20 are of others."""


@pytest.mark.parametrize(("closed", "band"), HOURS)
def test_a_band_of_hours_is_written_with_the_edges_of_its_author(
    closed: str, band: tuple[int | None, int | None]
) -> None:
    starts = frozenset({11, 23}) if closed == "lower" else frozenset[int]()
    for lang, expected in zip(LANGUAGES, HOURS[closed, band], strict=True):
        words = Locale(lang, divisible=True, starts=starts)
        assert words.band(*band) == expected
        if band != (1000, 2000):  # a chart writes 1k-2k, and that a band includes its upper edge
            assert words.band_short(*band) == expected


PACKAGE = Path(outage_analysis.__file__).parent


@pytest.mark.parametrize("level", range(LEAST_LEVEL, MOST_LEVEL + 1))
def test_the_range_has_the_probability_of_its_level_and_equal_tails(level: int) -> None:
    likely = LikelyRange(level)
    tail = Fraction(100 - level, 200)
    assert (likely.lower, likely.upper) == (float(tail), float(1 - tail))
    for measure, probability in likely.percentiles.items():
        assert PERCENTILES[measure] == pytest.approx(probability, abs=1e-15)
    assert list(likely.percentiles.values()) == sorted({float(tail), 0.5, float(1 - tail), 0.95, 0.99})


@pytest.mark.parametrize(
    ("level", "measures", "marks"),
    [
        (80, ["p10", "p50", "p90", "p95", "p99"], ("P10", "P90")),
        (90, ["p5", "p50", "p95", "p99"], ("P5", "P95")),
        (95, ["p2_5", "p50", "p95", "p97_5", "p99"], ("P2.5", "P97.5")),
        (98, ["p1", "p50", "p95", "p99"], ("P1", "P99")),
        (50, ["p25", "p50", "p75", "p95", "p99"], ("P25", "P75")),
    ],
)
def test_each_percentile_has_one_name_and_appears_once(
    level: int, measures: list[str], marks: tuple[str, str]
) -> None:
    likely = LikelyRange(level)
    assert list(likely.percentiles) == measures
    assert (likely.placeholders["p_low"], likely.placeholders["p_high"]) == marks


@pytest.mark.parametrize("level", [49, 99, 0, -80, 80.0, "80", True, None])
def test_other_levels_are_refused(level: object) -> None:
    for make in (lambda: LikelyRange(level), lambda: Locale("en", level=level)):  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="no whole number from 50 to 98"):
            make()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_label_fills_in_the_range(lang: str) -> None:
    locale = Locale(lang, level=95)
    label = locale("report.live_likely", low="A", high="B")
    assert [part for part in ("95%", "P2.5", "P97.5", "A", "B") if part not in label] == []
    words = [locale(key) for key in ("word.p97_5", "column.range_low", "column.range_high")]
    assert words == ["P97.5", "P2.5", "P97.5"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_label_writes_the_ends_or_the_level_itself(lang: str) -> None:
    """P95 and P99 are percentiles of the tail."""
    words = (PACKAGE / "text" / "words" / f"{lang}.toml").read_text("utf-8").splitlines()
    fixed = re.compile(r"P(?!50)\d|\b[89]0 ?(%|percent)|[Ee]ight (of|in) ten|in 10\b|열에")
    written = [line for line in words if fixed.search(line) and not re.search(r"P9[59]", line)]
    assert written == []


def test_only_one_module_names_the_lower_end() -> None:
    named = re.compile(r"""["'](p10|P10|p90_counted|p10_counted)["']""")
    assert [p.name for p in PACKAGE.rglob("*.py") if named.search(p.read_text("utf-8"))] == []


HANGUL = re.compile("[가-힣]")
BOTH = pl.concat([facts(), outcomes()])
DOCUMENTS: dict[str, Callable[[str], Document]] = {
    "incidents": load_incident,
    "policies": load_policy,
    "assumptions": load_ledger,
    "intakes": load_intake,
    "backtests": load_backtest_spec,
    "grouped": load_grouped,
}


def translated_texts(value: object) -> Iterator[Text]:
    """Every text in two languages inside a page."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Document):
        for name in type(value).model_fields:
            yield from translated_texts(getattr(value, name))
    elif isinstance(value, tuple | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from translated_texts(inner)


# --- the finder -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("신고 8,461건(CL-13)은 범위 CO-07에서 도출", []),
        ("FI-01.revenue의 전년 대비 증감, P10~P90, p값", []),
        ("SK C&C의 보험, KT와 KDDI, AT&T 장애", []),
        ("log10 CRPS(0이 최선), UTF-8, 20GB", []),
        ("kakao-2022, outage-analysis 0.2.0", []),
        ("A, sedaily.com, m.sedaily.com", []),
        ("신고 건수 of reports", ["of reports"]),
        ("건수: cases", ["cases"]),
        ("분포 pert(low 5, high 60)", ["pert(low", "high"]),
        ("The rest is split evenly", ["The rest is split evenly"]),
        ("CL-99는 없는 자료", []),
        ("XYZ-99는 없는 자료", ["XYZ"]),
        ("a b", ["a b"]),
    ],
)
def test_a_run_of_latin_words_is_found_unless_it_is_an_id_a_host_or_a_mark(
    text: str, found: list[str]
) -> None:
    assert untranslated(text) == found


def test_what_is_allowed_is_allowed_whole() -> None:
    assert untranslated("파일 my-claims.csv", allowed=["my-claims.csv"]) == []
    assert untranslated("파일 my-claims.csv.gz", allowed=["my-claims.csv"]) == ["my-claims.csv.gz"]


# --- the data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "id_"),
    [(kind, id_) for kind in DOCUMENTS for id_ in bundled_ids(kind)],  # type: ignore[arg-type]
)
def test_every_text_of_a_bundled_page_is_there_in_korean(kind: str, id_: str) -> None:
    every = list(translated_texts(DOCUMENTS[kind](id_)))
    assert every
    assert [text.en for text in every if not HANGUL.search(text.ko)] == []
    assert [text.ko for text in every if "배상" in text.ko or HANGUL.search(text.en)] == []


@pytest.mark.parametrize("column", ["quantity", "counts"])
def test_every_figure_says_in_korean_what_it_is(column: str) -> None:
    korean = BOTH.select("id", pl.col(f"{column}{KOREAN}").fill_null("").alias("told"))
    assert korean.filter(~pl.col("told").str.contains("[가-힣]"))["id"].to_list() == []
    assert [run for text in korean["told"] for run in untranslated(text)] == []
    assert not korean["told"].str.contains("배상").any()


def test_a_table_of_facts_is_reported_in_one_language() -> None:
    english, korean = (facts_in_language(BOTH, lang) for lang in ("en", "ko"))
    columns = [column for column in BOTH.columns if not column.endswith(KOREAN)]
    assert english.equals(BOTH.select(columns))
    told = [pl.col(f"{column}{KOREAN}").alias(column) for column in ("quantity", "counts")]
    assert korean.equals(BOTH.with_columns(told).select(columns))


@pytest.mark.parametrize("unit", sorted({*BOTH["unit"].drop_nulls(), *MEASURES} - {""}))
def test_every_unit_of_a_figure_has_a_word(unit: str) -> None:
    korean = Locale("ko").unit_name(unit)
    assert HANGUL.search(korean) or unit in ("%", "GB")
    assert (untranslated(korean), Locale("en").unit_name(unit)) == ([], unit)


@pytest.mark.parametrize(
    ("unit", "korean"),
    [("cases/day", "건/일"), ("cases, KRW", "건, 원"), ("KRW/USD", "원/달러"), ("trams", "trams"), ("", "")],
)
def test_a_unit_is_reported_part_by_part(unit: str, korean: str) -> None:
    assert Locale("ko").unit_name(unit) == korean


def test_currencies_of_figures_are_reported_as_people_say_them() -> None:
    for unit in filter(is_currency, BOTH["unit"].drop_nulls().unique()):
        assert Locale("ko").unit_name(unit) == Locale("ko", unit).unit


# --- laws -------------------------------------------------------------------------------------------------


def distributions(kind: type[Distribution] = Distribution) -> Iterator[type[Distribution]]:
    """Every law that an assumption may follow."""
    for inner in kind.__subclasses__():
        yield from distributions(inner)
        if "kind" in inner.model_fields:
            yield inner


@pytest.mark.parametrize(
    "distribution", sorted(distributions(), key=str), ids=lambda distribution: distribution.__name__
)
def test_every_distribution_and_every_parameter_of_it_has_a_word(distribution: type[Document]) -> None:
    field = distribution.model_fields.get("kind")
    terms = {*distribution.model_fields, *([str(field.default)] if field else ())} - {"kind"}
    for lang in LANGUAGES:
        assert [term for term in terms if not Locale(lang).has_label(f"distribution.{term}")] == []


def test_every_parameter_of_a_distribution_of_losses_has_a_word() -> None:
    for family in FAMILIES.values():
        written = ", ".join(f"{name} 12 ± 3" for name in family.params)
        english, korean = (Locale(lang).translated_distribution(written) for lang in LANGUAGES)
        assert (english, untranslated(korean)) == (written, [])


@pytest.mark.parametrize("id_", bundled_ids("assumptions"))
def test_a_distribution_is_written_out_in_korean_with_the_same_numbers(id_: str) -> None:
    for entry in load_ledger(id_).assumptions:
        english, korean = (distribution_text(entry, Locale(lang)) for lang in LANGUAGES)
        assert (english, untranslated(korean)) == (distribution_text(entry), [])
        assert re.findall(r"-?[\d.,]*\d", korean) == re.findall(r"-?[\d.,]*\d", english)
