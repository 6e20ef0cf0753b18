"""Published intakes: pages, what was known on a day, and the command that forecasts from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from outage_analysis.analysis import forecast_intake
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import IntakeSeries, get_fact, load_intake
from outage_analysis.losses import Branch, channel_from_series
from tests.commands import command

Run = Callable[..., tuple[int, str, str]]

PAGE = """
id = "mine"
name = { en = "Mine" }
incident = "kakao-2022"
opened = 2031-03-01T00:00:00+09:00
as_of = 2031-03-05
[[point]]
at = 2031-03-02T00:00:00+09:00
count = 90
[[point]]
at = 2031-03-03T00:00:00+09:00
count = 150
[[point]]
at = 2031-03-04T00:00:00+09:00
count = 190
[[point]]
at = 2031-03-05T00:00:00+09:00
count = 220
[[point]]
at = 2031-03-06T00:00:00+09:00
count = 240
[[deadline]]
closes = 2031-03-11T00:00:00+09:00
public_on = 2031-03-01
[[deadline]]
closes = 2031-03-21T00:00:00+09:00
"""


STEADY = """
id = "mine"
name = { en = "Mine" }
incident = "kakao-2022"
opened = 2031-03-01T00:00:00+09:00
as_of = 2031-03-08
[[deadline]]
closes = 2031-03-11T00:00:00+09:00
public_on = 2031-03-01
""" + "".join(
    f"[[point]]\nat = 2031-03-{day:02}T00:00:00+09:00\ncount = {count}\n"
    for day, count in enumerate([4126, 7401, 10000, 12063, 13701, 15000, 16031], start=2)
)
"""Seven days of an exponential curve of 20,000 claims with a median of three days."""


@pytest.fixture(scope="module")
def federation() -> IntakeSeries:
    return load_intake("kakao-federation")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return command


# --- pages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", bundled_ids("intakes"))
def test_every_bundled_document_is_dated_by_its_facts(id_: str) -> None:
    page = load_intake(id_)
    assert page.id == id_
    known = page.known_by(page.as_of)
    assert known is not None
    assert known.points == page.points  # all of its counts were public on its own day
    for deadline in page.deadlines:
        rests_on = [get_fact(f).public_on or date.max for f in deadline.facts]
        assert deadline.public_on == max(rests_on)
    assert page.outcome is not None
    public_on = get_fact(page.outcome.fact, hindsight=True).public_on
    assert public_on is not None
    assert public_on > page.as_of


def test_the_end_of_a_day_is_the_start_of_the_next(federation: IntakeSeries) -> None:
    end = federation.end_of(date(2022, 10, 17))
    assert end.isoformat() == "2022-10-18T00:00:00+09:00"
    assert federation.points[0].at == end


def test_only_what_was_public_by_the_day_is_known(federation: IntakeSeries) -> None:
    assert federation.known_by(date(2022, 10, 20)) is None
    known = federation.known_by(date(2022, 10, 21))
    assert known is not None
    assert [p.filed for p in known.points] == [174, 606, 897, 1108, 1198, 1254]
    assert (known.deadline, known.outcome) == (None, None)  # none was seen in print
    later = federation.known_by(date(2022, 11, 9))
    assert later is not None
    assert later.deadline is not None
    assert later.deadline.closes.isoformat() == "2022-11-01T00:00:00+09:00"


def test_counts_of_ones_own_are_known_once_they_are_taken(write_document: Callable[[str], Path]) -> None:
    mine = load_intake(write_document(PAGE))
    known = mine.known_by(date(2031, 3, 3))
    assert known is not None
    assert [p.filed for p in known.points] == [90, 150, 190]  # the third at the end of the 3rd
    assert len(known.deadlines) == 1  # one without a day is never known


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count = 150", 'count = 150\nfact = "IN-04"', "needs either a fact or a count"),
        ("count = 150\n", "", "needs either a fact or a count"),
        ("count = 150", "count = -1", "point 2 > count"),
        ("2031-03-03T00", "2031-03-02T00", "a point 2 that is not after the one before"),
        ("2031-03-02T00:00:00+09:00", "2031-03-02T00:00:00", "at: input should have timezone info"),
        ("2031-03-11T00", "2031-02-11T00", "before it opens"),
        ('incident = "kakao-2022"', 'incident = "kakao-2022"\ntime_zone = "Seoul"', "not an IANA time zone"),
        ("as_of = 2031-03-05", "asof = 2031-03-05", "Did you mean 'as_of'?"),
    ],
)
def test_a_document_that_breaks_a_rule_says_which(
    write_document: Callable[[str], Path], old: str, new: str, message: str
) -> None:
    assert old in PAGE
    with pytest.raises(UsageError, match=r"page\.toml") as refusal:
        load_intake(write_document(PAGE.replace(old, new, 1)))
    assert message in str(refusal.value)


# --- the Kakao intake ---------------------------------------------------------------------------------


def test_noise_in_the_place_of_the_outcome_changes_nothing(federation: IntakeSeries) -> None:
    at, end = federation.points[-1].at + timedelta(days=1), datetime(2023, 1, 1, tzinfo=UTC)
    later = federation.points[-1].model_copy(update={"at": at, "fact": "IN-04"})  # public in December
    ended = federation.outcome and federation.outcome.model_copy(update={"at": end, "fact": "IN-04"})
    noisy = federation.model_copy(update={"points": (*federation.points, later), "outcome": ended})
    assert channel_from_series(federation) == replace(
        channel_from_series(noisy), notes=channel_from_series(federation).notes
    )


def test_the_own_channel_has_bounds_and_no_curve() -> None:
    made = forecast_intake(load_intake("kakao-channel"), hindsight=False)
    assert made.tables.keys() == {"points", "branches"}
    columns = ("counted", "late", "median", "level", "low", "high")
    assert made.tables["branches"].select(columns).rows() == [(45_000, None, None, None, 45_000, 142_500)]
    for said in (r"1 increment cannot determine.*use the bounds", "busiest so far, 7,500 claims a day"):
        assert any(re.search(said, note) for note in made.notes)


def test_a_deadline_that_has_passed_is_a_former_one(write_document: Callable[[str], Path]) -> None:
    text = PAGE.replace("2031-03-11T00", "2031-03-04T00") + "public_on = 2031-03-04\n"
    channel = channel_from_series(load_intake(write_document(text)))
    assert channel.former == (3.0,)
    assert channel.branches == (Branch("deadline", 20.0),)
    assert channel.starts == date(2031, 3, 1)


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_unstated_rush_gives_bounds_and_a_forecast_up_to_the_day_before(
    run: Run, write_document: Callable[[str], Path]
) -> None:
    asked = ("intake", "--series", write_document(STEADY), "--json")
    found = json.loads(run(*asked)[1])
    assert [row["level"] for row in found["branches"]] == [None]
    (note,) = [note for note in found["notes"] if "hurry" in note]
    assert "the last day (deadline not extended) is not stated" in note
    assert "--spike" in note
    before = json.loads(run(*asked, "--by", "2031-03-09")[1])  # the day before the last one
    assert before["branches"][0]["by"] == "2031-03-10T00:00+09:00"
    assert before["branches"][0]["level"] == 0.8
    stated = json.loads(run(*asked, "--spike", 0)[1])
    assert stated["branches"][0]["late"] > before["branches"][0]["late"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--as-of", "2022-10-20"), 5, "no count of kakao-federation was public by 2022-10-20"),
        (("--as-of", "soon"), 2, "--as-of is not a day (found 'soon')"),
        (("--closes", "soon"), 2, "--closes is not a day (found 'soon')"),
        (("--level", "120%"), 2, "--level is not a share"),
        (("--level", "100%"), 2, "a level lies between 0 and 1"),
        (("--closes", "2022-10-19"), 2, "the last count is of 2022-10-21 14:00, after that day"),
        (("--by", "2022-10-19"), 2, "is asked for by a time before the last count"),
        (("--spike", "-1"), 2, "a spike is a multiple"),
        (("--series", "kakao-federatoin"), 2, "Did you mean 'kakao-federation'?"),
        (("--series", "kakao-channel", "--as-of", "2022-10-30"), 2, "no deadline is known. Say when"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line(
    run: Run, arguments: tuple[str, ...], code: int, message: str
) -> None:
    exit_code, out, err = run("intake", *arguments)
    assert (exit_code, out) == (code, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
