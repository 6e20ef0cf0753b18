"""The incident page: services and their spellings, dimensions, windows."""

from __future__ import annotations

import unicodedata

import pytest

from outage_analysis.claims import RULES
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Incident, get_fact, load_incident, normalized_name
from outage_analysis.incidents.incident import COUNTABLE
from tests.conftest import Edited


def service_of(incident: Incident, spelling: str) -> list[str]:
    return [s.id for s in incident.services if normalized_name(spelling) in s.spellings()]


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
    ],
)
def test_a_service_is_known_as_people_type_it(incident: Incident, spelling: str, service: str) -> None:
    assert service_of(incident, spelling) == [service]


@pytest.mark.parametrize("spelling", ["", "네이버", "카카오톸", "kakao"])
def test_what_names_no_service_matches_none(incident: Incident, spelling: str) -> None:
    assert service_of(incident, spelling) == []


def test_no_spelling_stands_for_two_services_or_two_claimant_types(incident: Incident) -> None:
    for group in (incident.services, incident.claimant_types):
        spellings = [spelling for item in group for spelling in item.spellings()]
        assert len(spellings) == len(set(spellings))
        assert len(spellings) > len(group)


def test_the_outage_lasted_127_and_a_half_hours_and_a_window_without_an_end_has_no_length(
    incident: Incident,
) -> None:
    assert incident.outage.hours == 127.5
    assert {s.id: s.outage for s in incident.services}["talk_channel"][0].hours is None


def test_the_largest_loss_to_believe_is_a_quarter_s_profit(incident: Incident) -> None:
    assert incident.loss.plausible_to == get_fact(incident.quarter_profit).whole


@pytest.mark.parametrize("outcome", ["count", "reject"])
@pytest.mark.parametrize("rule", COUNTABLE)
def test_a_rule_that_leaves_the_complaint_readable_may_be_counted(
    edited: Edited, rule: str, outcome: str
) -> None:
    page = edited("incidents", "[formats]", f'[rules]\n"{rule}" = "{outcome}"\n[formats]')
    assert load_incident(page).rules == {rule: outcome}
    assert rule in RULES


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
        (
            'aliases = ["카톡",',
            'aliases = ["카톡", "톡채널",',
            "'톡채널' is an alias of both kakaotalk and talk_channel",
        ),
        ('id = "talk_channel"', 'id = "kakaotalk"', "the id kakaotalk is given twice"),
        ('id = "small_business"', 'id = "general_user"', "the id general_user is given twice"),
        ('id = "region"\n', 'id = "industry"\n', "the id industry is given twice"),
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
            "outage > start: has no UTC offset",
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
            "[formats]",
            '[rules]\n"claim_id is given" = "count"\n[formats]',
            "changes 'claim_id is given'. Rules that may be counted: filed_on is within the claims window; ",
        ),
        (
            "[formats]",
            '[rules]\n"loss is plausible" = "drop"\n[formats]',
            "rules > loss is plausible: input should be 'reject' or 'count' (found 'drop')",
        ),
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


def test_an_incident_without_services_is_refused(edited: Edited) -> None:
    page = edited("incidents")
    head, _, _ = page.read_text("utf-8").partition("[[service]]")
    page.write_text(head, "utf-8")
    with pytest.raises(UsageError, match="service: a required key is missing"):
        load_incident(page)
