"""A Korean report shows Korean: in its page, in its tables, and in the pages of data that it is made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import polars as pl
import pytest

from outage_analysis.assumptions import distribution_text, load_ledger
from outage_analysis.assumptions.distributions import Distribution
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
from outage_analysis.text import LANGUAGES, Locale
from tests.untranslated_text import untranslated

HANGUL = re.compile("[가-힣]")
BOTH = pl.concat([facts(), outcomes()])
PAGES: dict[str, Callable[[str], Document]] = {
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
    [(kind, id_) for kind in PAGES for id_ in bundled_ids(kind)],  # type: ignore[arg-type]
)
def test_every_text_of_a_bundled_page_is_there_in_korean(kind: str, id_: str) -> None:
    every = list(translated_texts(PAGES[kind](id_)))
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
