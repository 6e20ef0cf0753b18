"""The published figures: tidy, dated, cited by id, and apart from the outcome."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import data_root
from outage_analysis.incidents import cites_fact_after, fact_exists, facts, get_fact, outcomes
from outage_analysis.incidents.published_facts import SCHEMA

CITING = {
    "facts", "users", "classes", "published_count", "recipients", "recipients_high",
    "fact", "quarter_profit", "denominator", "press", "each", "forecast", "paid",
}  # fmt: skip
BOTH = pl.concat([facts(), outcomes()])


def cited(page: object, key: str = "") -> Iterator[str]:
    """Every fact id in a page, by the keys that cite facts."""
    if isinstance(page, dict):
        for name, value in page.items():
            yield from cited(value, name)
    elif isinstance(page, list):
        for value in page:
            yield from cited(value, key)
    elif key in CITING:
        yield str(page)


def test_both_shelves_have_the_schema() -> None:
    for frame in (facts(), outcomes()):
        assert dict(frame.schema) == {**SCHEMA, "collection": pl.String()}
        assert len(frame) > 0


def test_ids_are_given_once_across_both_shelves() -> None:
    """But the outcome of KT in 2018 stands on both: other cases may use it, its own case may not."""
    twice = BOTH.filter(pl.col("id").is_duplicated())
    assert set(twice["collection"]) == {"comparable-schemes", "rates", "kt-2018"}
    copies = twice.filter(collection="kt-2018")["id"]
    assert sorted(twice["id"]) == sorted([*copies, *copies])
    assert copies.str.contains(r"^(PO|TU)-KT18").all()
    assert BOTH["id"].null_count() == 0


def test_a_figure_has_a_value_or_a_range_or_neither() -> None:
    value = pl.col("value").is_not_null()
    ends = pl.col("low").is_not_null() | pl.col("high").is_not_null()
    assert BOTH.filter(value & ends)["id"].to_list() == []
    assert BOTH.filter(pl.col("low") > pl.col("high"))["id"].to_list() == []


def test_every_figure_with_a_number_has_a_unit_and_a_source() -> None:
    numbered = BOTH.filter(pl.any_horizontal(pl.col("value", "low", "high").is_not_null()))
    assert numbered.filter(pl.col("unit").is_null() | pl.col("source").is_null()).is_empty()
    assert len(numbered) > 300


def test_figures_public_by_a_day_are_those_of_that_day_or_earlier() -> None:
    day = get_fact("CL-13").public_on
    assert day is not None
    assert "CL-13" in facts(public_by=day)["id"]
    assert "CL-13" not in facts(public_by=day - timedelta(days=1))["id"]


def test_an_undated_figure_is_never_public_by_a_day() -> None:
    undated = facts().filter(pl.col("public_on").is_null())["id"]
    assert len(undated) > 0
    assert not facts(public_by=date(2999, 1, 1))["id"].is_in(undated.to_list()).any()
    assert len(facts(public_by=date(2999, 1, 1))) + len(undated) == len(facts())


def test_an_unknown_topic_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown topic.*Did you mean 'take-up'\?"):
        facts(topic="takeup")


def test_every_fact_cited_in_a_document_exists() -> None:
    citations = [
        (page.name, id_)
        for page in sorted(data_root().rglob("*.toml"))
        for id_ in cited(tomllib.loads(page.read_text("utf-8")))
    ]
    assert len(citations) > 60
    assert [c for c in citations if not fact_exists(c[1])] == []
    assert not fact_exists("CL-9999")


def test_every_fact_that_a_derived_figure_names_exists() -> None:
    derived = BOTH.filter(pl.col("source").str.starts_with("derived from "))
    named = [id_ for s in derived["source"] for id_ in s.removeprefix("derived from ").split(", ")]
    assert len(named) > 10
    assert [id_ for id_ in named if not fact_exists(id_)] == []


@pytest.mark.parametrize("id_", ["R2-05", "CO-10", "CO-14"])
def test_an_outcome_is_not_on_the_published_shelf(id_: str) -> None:
    assert id_ not in facts()["id"]
    assert id_ in outcomes()["id"]
    with pytest.raises(UsageError, match="no such fact"):
        get_fact(id_)
    assert get_fact(id_, hindsight=True).number > 0


@pytest.mark.parametrize("id_", ["CL-13", "CO-01", "CO-07"])
def test_the_press_round_up_of_30_december_carries_its_own_day(id_: str) -> None:
    assert get_fact(id_).public_on == date(2022, 12, 30)
    with pytest.raises(ModelRefused, match=f"fact {id_} was public on 2022-12-30, after"):
        get_fact(id_, public_by=date(2022, 12, 29))
    assert get_fact(id_, public_by=date(2022, 12, 30)).id == id_


def test_an_unknown_fact_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no such fact \(found 'TU-RAILS'\).*'TU-RAIL'"):
        get_fact("TU-RAILS")


def test_a_range_has_a_middle_but_no_single_value() -> None:
    forecast = get_fact("CO-07")
    assert (forecast.low, forecast.high) == (253_830_000, 423_050_000)
    assert forecast.middle == 338_440_000
    with pytest.raises(UsageError, match="has no single value"):
        _ = forecast.number
    with pytest.raises(UsageError, match="has no single value"):
        _ = get_fact("US-09").middle


def test_a_count_is_whole_and_a_percentage_need_not_be() -> None:
    assert get_fact("CL-13").whole == 8461
    with pytest.raises(UsageError, match="is not a whole number"):
        _ = get_fact("CL-13.share").whole


@pytest.mark.parametrize(
    ("text", "day", "later"),
    [
        ("It follows from a range (CL-13).", date(2022, 10, 24), True),
        ("It follows from a range (CL-13).", date(2022, 12, 30), False),
        ("No fact is named.", date(2022, 10, 24), False),
        ("XX-99 is no fact.", date(2022, 10, 24), False),
    ],
)
def test_a_text_that_names_a_fact_of_a_later_day_is_found(text: str, day: date, later: bool) -> None:  # noqa: FBT001 - a parameter
    assert cites_fact_after(text, day) is later
