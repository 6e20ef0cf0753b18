"""Bundled data: figures that are tidy, dated, cited by id and apart from the outcome; an invented outage."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import date

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_claims, data_root
from outage_analysis.incidents import (
    Incident,
    cites_fact_after,
    fact_exists,
    facts,
    get_fact,
    load_incident,
    normalized_name,
    outcomes,
    source_sites,
)
from outage_analysis.incidents.published_facts import SCHEMA
from outage_analysis.text import LANGUAGES
from tests.conftest import Edited
from tests.studies.synthetic_claims import SEEDS, assumptions, synthetic_claims

CITING = {
    "facts", "users", "classes", "published_count", "recipients", "recipients_high",
    "fact", "quarter_profit", "denominator", "press", "each", "forecast", "paid", "cap", "of", "printed",
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
    elif key in CITING and isinstance(page, str):
        yield page


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


def test_a_figure_has_a_value_or_a_range_or_neither_and_with_a_number_a_unit_and_a_source() -> None:
    value, low, high = (pl.col(name) for name in ("value", "low", "high"))
    ends = low.is_not_null() | high.is_not_null()
    assert BOTH.filter((value.is_not_null() & ends) | (low > high))["id"].to_list() == []
    numbered = BOTH.filter(value.is_not_null() | ends)
    assert numbered.filter(pl.col("unit").is_null() | pl.col("source").is_null()).is_empty()
    assert len(numbered) > 300


def test_figures_public_by_a_day_are_those_of_that_day_or_earlier_and_undated_ones_never() -> None:
    for day, public in ((date(2022, 12, 30), True), (date(2022, 12, 29), False)):
        assert ("CL-13" in facts(public_by=day)["id"]) == public
    dated = facts().filter(pl.col("public_on").is_not_null())
    assert facts(public_by=date(2999, 1, 1))["id"].equals(dated["id"])
    assert 0 < len(dated) < len(facts())


def test_an_unknown_topic_or_fact_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no such fact \(found 'TU-RAILS'\).*'TU-RAIL'"):
        get_fact("TU-RAILS")
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
    first = source_sites(["CL-13"])
    assert first == ["v.daum.net"]
    for id_, source in derived.select("id", "source").iter_rows():
        own = [site for x in source.removeprefix("derived from ").split(", ") for site in source_sites([x])]
        assert source_sites(["CL-13", id_, "no-fact"]) == list(dict.fromkeys([*first, *own]))


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


def test_a_range_has_a_middle_but_no_single_value() -> None:
    forecast = get_fact("CO-07")
    assert (forecast.low, forecast.high) == (253_830_000, 423_050_000)
    assert forecast.middle == 338_440_000
    with pytest.raises(UsageError, match="has no single value"):
        _ = forecast.number
    with pytest.raises(UsageError, match="has no single value"):
        _ = get_fact("US-09").middle


def test_a_count_is_whole_and_a_percentage_need_not_be() -> None:
    assert get_fact("CL-13").count == 8461
    with pytest.raises(UsageError, match="counts no people and no cases"):
        _ = get_fact("CL-13.share").count


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


@pytest.mark.parametrize(
    ("spelling", "service"),
    [
        ("카톡", "kakaotalk"),
        ("카카오톡", "kakaotalk"),
        ("KakaoTalk", "kakaotalk"),
        ("kakao-talk", "kakaotalk"),
        ("\uff2b\uff4b\uff54", "kakaotalk"),
        (unicodedata.normalize("NFD", "카카오톡"), "kakaotalk"),
        ("kakao t", "kakao_t"),
        ("KAKAO_T", "kakao_t"),
        ("카카오 택시", "kakao_t"),
        ("카카오택시", "kakao_t"),
        ("카카오뱅크", "kakao_bank"),
        ("카카오\u00a0뱅크", "kakao_bank"),
        (" 카뱅 ", "kakao_bank"),
        *((no_service, None) for no_service in ("", "네이버", "카카오톸", "kakao")),
    ],
)
def test_a_service_is_known_as_people_type_it(incident: Incident, spelling: str, service: str | None) -> None:
    found = [s.id for s in incident.services if normalized_name(spelling) in s.spellings()]
    assert found == ([service] if service else [])


def test_the_outage_lasted_127_and_a_half_hours_and_the_largest_loss_is_a_quarter_s_profit(
    incident: Incident,
) -> None:
    assert incident.outage.hours == 127.5
    assert {s.id: s.outage for s in incident.services}["talk_channel"][0].hours is None  # it has no end
    assert incident.loss.plausible_to == get_fact(incident.quarter_profit).number


def test_edges_of_a_dimension_become_inclusive_upper_cuts(edited: Edited) -> None:
    text = 'id = "region"\nkind = "number"\nedges = [10, 20]\n'
    upper = load_incident(edited("incidents", 'id = "region"\n', text))
    lower = load_incident(edited("incidents", 'id = "region"\n', text + 'closed = "lower"\n'))
    assert upper.dimensions[0].cuts == (10, 20)
    assert lower.dimensions[0].cuts == (9, 19)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('aliases = ["카톡",', 'aliases = ["카톡", "톡채널",', "'톡채널' is an id or an alias of two"),
        ('id = "talk_channel"', 'id = "kakaotalk"', "'kakaotalk' is an id or an alias of two"),
        ('id = "small_business"', 'id = "general_user"', "'generaluser' is an id or an alias of two"),
        ('id = "region"\n', 'id = "industry"\n', "two dimensions have the id industry"),
        (
            'id = "region"\n',
            'id = "region"\nedges = [10]\n',
            "dimension 'region': has edges exactly when its kind is number",
        ),
        (
            'id = "region"\n',
            'id = "region"\nkind = "number"\n',
            "dimension 'region': has edges exactly when its kind is number",
        ),
        (
            'id = "region"\n',
            'id = "region"\nkind = "number"\nedges = [20, 10]\n',
            "dimension 'region': has edges that do not increase",
        ),
        (
            'id = "region"\n',
            'id = "region"\nkind = "number"\nedges = ["10"]\n',
            "dimension 'region' > edges 1: input should be a valid integer (found '10')",
        ),
        ('id = "region"\n', 'id = "loss"\n', "the dimension loss has the name of"),
        ('id = "region"\n', 'id = "synthetic"\n', "the dimension synthetic has the name of"),
        ('id = "region"\n', 'id = "claims"\n', "the dimension claims has the name of"),
        ('id = "region"\n', 'id = "raw_loss"\n', "the dimension raw_loss has the name of"),
        (
            'time_zone = "Asia/Seoul"',
            'time_zone = "Asia/Soul"',
            "time_zone: is not an IANA time zone (found 'Asia/Soul'). Write it as Asia/Seoul.",
        ),
        (
            "start = 2022-10-15T15:30:00+09:00",
            "start = 2022-10-15T15:30:00",
            "outage > start: input should have timezone info",
        ),
        ("end = 2022-10-20T23:00:00+09:00", "end = 2022-10-15T15:30:00+09:00", "ends before"),
        ("claims_to = 2022-11-06", "claims_to = 2022-10-14", "claims window ends before"),
        ("claims_to = 2022-11-06", "claims_to = 2022-11-06T00:00:00Z", "claims_to: is not a date"),
        ("[columns]", '[columns]\nsky = ["하늘"]', "speaks of the column 'sky', which no claim has"),
        ("[formats]", '[formats]\nsky = ["plain"]', "speaks of the column 'sky', which no claim has"),
        ("[formats]", "[scale]\nsky = 10\n[formats]", "speaks of the column 'sky', which no claim has"),
        ("[formats]", '[constants]\nsky = ""\n[formats]', "speaks of the column 'sky', which no claim has"),
        (
            'loss = ["plain", ',
            'loss = ["plane", ',
            "has no notation 'plane' for loss. Known: plain, grouped, won, korean, european, currency,",
        ),
        (
            'filed_on = ["iso", "korean"]',
            'filed_on = ["plain"]',
            (
                "has no notation 'plain' for filed_on. Known: iso, korean, dmy, mdy, compact, short,"
                " dmy_short, mdy_short, excel, "
            ),
        ),
        ('filed_on = ["iso", "korean"]', "filed_on = []", "has no notation '' for filed_on"),
        ("[formats]", "[scale]\nloss = 0\n[formats]", "scale > loss: input should be greater than or equal"),
        (
            "plausible_to = 150_300_000_000",
            "plausible_to = 0",
            "loss > plausible_to: input should be greater",
        ),
        ("plausible_to = 150_300_000_000", "plausible_to = 1_000_000_000_000_000", "loss > plausible_to: "),
        ('negative = "reject"', 'negative = "maybe"', "loss > negative: input should be"),
        ('currency = "KRW"', 'currency = "KRW"\nminor_unit = 2', "minor_unit: unknown key"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_by_name(
    edited: Edited, old: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load_incident(edited("incidents", old, new))
    assert message in str(refusal.value)
    assert refusal.value.exit_code == 2


# --- the second outage: invented, marked as an example, and complete enough to be a first project ----------

BUNDLED = data_root() / "claims" / "trams-synthetic.parquet"
KINDS = ("incidents", "policies", "assumptions")
SERVICES = {"R": "red_line", "B": "blue_line", "ring": "ring_line", "app": "ticket_app"}


def test_the_bundled_file_is_what_its_seed_makes() -> None:
    assert bundled_claims("trams") == BUNDLED
    assert synthetic_claims(assumptions("trams"), SEEDS["trams"]).equals(pl.read_parquet(BUNDLED)), (
        "make data/claims again"
    )


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_called_an_invented_example(kind: str, lang: str) -> None:
    name = tomllib.loads((data_root() / kind / "trams.toml").read_text("utf-8"))["name"][lang]
    assert {"en": "invented example", "ko": "가상의 예시"}[lang] in name


def test_the_sample_has_no_reject_and_is_synthetic() -> None:
    claims = oa.load_sample("trams")
    assert (claims.synthetic, claims.rejects.height, claims.to_polars().height) == (True, 0, 360)
    assert set(claims.to_polars()["service"].cast(pl.String)) == set(SERVICES.values())


@pytest.mark.parametrize(
    ("name", "hint"), [("tram", "'trams'"), ("kakao-2022", "'kakao'"), ("bus", "Known:")]
)
def test_another_name_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no such sample.*{hint}"):
        oa.load_sample(name)  # type: ignore[arg-type] # a name that is misspelt
