"""Documents that compare events: no published event is missing, and contradictions are refused."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from outage_analysis.assumptions.reference_classes import EFFORT_GROUPS
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_ids, data_root
from outage_analysis.incidents import (
    bundled_backtests,
    compares_events,
    fact_exists,
    get_fact,
    load_event_comparison,
)

if TYPE_CHECKING:
    from pathlib import Path

PATH = data_root() / "backtests" / "other-events.toml"
SPEC = load_event_comparison("other-events")


def ids_in(file: str) -> list[str]:
    with (data_root() / "published" / file).open(encoding="utf-8") as stream:
        return [row["id"] for row in csv.DictReader(stream)]


def test_a_comparison_of_events_is_no_back_test_of_one_event() -> None:
    assert load_event_comparison(PATH) == SPEC
    assert compares_events("other-events")
    assert compares_events(PATH)
    assert not compares_events("kakao-2022")
    assert bundled_backtests() == ["kakao-2022"]
    assert bundled_ids("backtests") == ["kakao-2022", "other-events"]


@pytest.mark.parametrize("file", ["comparable-schemes.csv", "take-up.csv"])
def test_every_published_figure_of_another_event_belongs_to_exactly_one_event(file: str) -> None:
    found = ids_in(file)
    assert len(found) > 20
    assert {id_: len(SPEC.events_of(id_)) for id_ in found} == dict.fromkeys(found, 1)


def test_every_event_is_compared_or_has_a_reason() -> None:
    compared = {x.event for x in SPEC.outcomes}
    compared |= {SPEC.event_of(name).id for group in SPEC.groups for name in group.classes}
    reasons = {x.event for x in SPEC.not_compared}
    assert compared | reasons == {x.id for x in SPEC.events}
    assert reasons - compared == {
        *("kt-2021", "skt-2018", "skt-2014", "skt-2008", "kr-telecom-terms"),
        *("skt-breach-2025", "kt-breach-2025", "att-2024", "kddi-2022"),
    }


def test_the_groups_are_those_of_the_rule() -> None:
    assert {x.id: x.classes for x in SPEC.groups if x.id != "acceptance"} == dict(EFFORT_GROUPS)


def test_every_fact_exists_and_belongs_to_the_event_of_its_outcome() -> None:
    cited = [f for x in SPEC.rates for f in (x.count, x.denominator)]
    cited += [f for x in SPEC.ratios for f in (x.realised, x.estimate)]
    cited += [f for x in SPEC.payments for f in (x.mean, x.share_above)]
    cited += [name for group in SPEC.groups for name in group.classes]
    assert [fact for fact in cited if not fact_exists(fact)] == []
    first = [(x.event, x.count) for x in SPEC.rates] + [(x.event, x.realised) for x in SPEC.ratios]
    first += [(x.event, x.mean) for x in SPEC.payments]
    assert [fact for event, fact in first if SPEC.event_of(fact).id != event] == []


def test_every_limit_is_used() -> None:
    used = {id_ for x in (*SPEC.outcomes,) for id_ in x.limits}
    used |= {id_ for x in SPEC.groups for id_ in x.limits} | {id_ for x in SPEC.events for id_ in x.limits}
    assert used == {x.id for x in SPEC.limits}


@pytest.mark.parametrize(
    ("fact", "figures"),
    [
        ("PO-KT21.cost", (35e9, 40e9)),
        ("CO-12", (40e9, 40e9)),
        ("PO-OPTUS.discussed", (430_000, 430_000)),
        ("PO-OPTUS.applied", (36_000, 36_000)),
        ("PO-KT18-SME.cost", (6.25e9, 6.25e9)),
        ("PO-KT18-SME.paid", (11_500, 11_500)),
        ("PO-OFCOM.customers", (80, 90)),
    ],
)
def test_figures_in_the_reasons_are_those_of_the_facts(fact: str, figures: tuple[float, float]) -> None:
    found = get_fact(fact, hindsight=True)
    ends = (found.low, found.high) if found.value is None else (found.value, found.value)
    assert ends == figures


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "other_events"\n', 'kind = "others"\n', "input should be 'other_events'"),
        ('id = "rogers-2022"', 'id = "kakao-2022"', "gives the id kakao-2022 twice"),
        ('id = "kakao-documents"', 'id = "kakao-filed"', "gives the id kakao-filed twice"),
        ('group = "form"', 'group = "post"', "names the group post, which it does not define"),
        ('event = "optus-2023"', 'event = "optus"', "names the event optus, which it does not define"),
        ('limits = ["new-filers", ', 'limits = ["new", ', "names the limit new, which it does not define"),
        ('prefixes = ["TU-FTC"]', 'prefixes = ["TU-XXX"]', "puts the class TU-FTC-packet in 0 events"),
        ('prefixes = ["TU-FTC"]', 'prefixes = ["TU-"]', "puts the class TU-CFPB.median in 2 events"),
        ('classes = ["TU-KIRI-in", ', 'classes = ["TU-KIRI-out", ', "names TU-KIRI-out twice"),
        ('at_least = ["TU-KT18"]', 'at_least = ["TU-KT19"]', "TU-KT19, which is no class of the group"),
        ("part = 0.5", "part = 0", "greater than 0"),
        ("size = 4", "size = 0", "greater than or equal to 0.001"),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = PATH.read_text("utf-8")
    assert old in text
    path = tmp_path / "events.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(UsageError, match=r"events\.toml") as refusal:
        load_event_comparison(path)
    assert message in str(refusal.value).replace("Input", "input")


def test_an_event_without_a_comparison_and_without_a_reason_is_refused(tmp_path: Path) -> None:
    text = PATH.read_text("utf-8")
    start = text.index('[[not_compared]]\nevent = "att-2024"')
    path = tmp_path / "events.toml"
    path.write_text(text[:start] + text[text.index("[[not_compared]]", start + 1) :], "utf-8")
    with pytest.raises(UsageError, match="says nothing of the event att-2024"):
        load_event_comparison(path)
