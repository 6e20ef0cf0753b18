"""Published arithmetic, computed again by the code that computes everything else."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from outage_analysis.costs.benefits import reconciliation_table
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import TieOut, get_fact, load_incident
from outage_analysis.policies import Policy, load_policy
from tests.paths import GOLDEN

CASES: dict[str, dict[str, Any]] = json.loads((GOLDEN / "reference_cases.json").read_text("utf-8"))
DAY = date(2022, 12, 30)


@pytest.mark.parametrize("id_", bundled_ids("incidents"))
def test_every_tie_out_of_an_incident_comes_out_as_its_document_declares(id_: str) -> None:
    incident = load_incident(id_)
    rows = reconciliation_table(incident.tie_outs, load_policy(id_), as_of=DAY)
    assert rows["id"].to_list() == [tie.id for tie in incident.tie_outs]
    assert rows.filter(~pl.col("as_expected"))["id"].to_list() == []


def test_a_tie_out_whose_lines_the_policy_lacks_is_left_out(policy: Policy) -> None:
    fewer = policy.model_copy(update={"lines": tuple(x for x in policy.lines if x.id != "emoticons")})
    shown = set(reconciliation_table(policy.tie_outs, fewer, as_of=DAY)["id"])
    assert {tie.id for tie in policy.tie_outs} - shown == {"emoticons-face", "package-face"}


def own(**keys: Any) -> tuple[TieOut, ...]:  # noqa: ANN401
    """A single tie-out of one's own."""
    return (TieOut.model_validate({"id": "x", "name": {"en": "X"}, "unit": "KRW", **keys}),)


def test_a_printed_figure_without_the_end_asked_for_is_an_error(policy: Policy) -> None:
    ties = own(kind="sum", of=("CL-01",), printed="CL-01", end="low")
    with pytest.raises(UsageError, match="needs the low of CL-01"):
        reconciliation_table(ties, policy, as_of=DAY)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("payments", "emoticons"),  # cash for free goods
        ("payments", "taxi-pro-membership"),
        ("face_value", "small-business-cash"),
        ("face_value", "games"),  # no list price
        ("fee", "emoticons"),
        ("fee", "melon-passes"),  # no fee
        ("credits", "melon-passes"),
        ("budget", "taxi-pro-membership"),
        ("budget", "t-blue-fee-waiver"),  # no amount
    ],
)
def test_what_a_line_does_not_say_cannot_be_computed_from_it(policy: Policy, kind: str, line: str) -> None:
    ties = own(kind=kind, of=("CL-13",), lines=(line,), loss=1, printed="CL-01")
    with pytest.raises(UsageError, match=rf"x cannot be computed from the line .*'{line}'"):
        reconciliation_table(ties, policy, as_of=DAY)


def test_credits_go_to_all_that_are_counted_and_budgets_are_the_sums_set_aside(policy: Policy) -> None:
    credits_ = own(kind="credits", of=("US-07",), lines=("taxi-pro-membership",), printed_value=0)
    row = reconciliation_table(credits_, policy, as_of=DAY).row(0, named=True)
    assert (row["computed"], row["status"]) == (226_154 * 7_550, "differs")
    budget = own(kind="budget", lines=("taxi-income-fund",), printed="CO-16")
    row = reconciliation_table(budget, policy, as_of=DAY).row(0, named=True)
    assert (row["computed"], row["printed"], row["status"]) == (3_000_000_000, 3_000_000_000, "ties")
    assert row["hindsight"]  # the fund was announced in May 2023


@pytest.mark.parametrize(
    ("printed", "bound", "status"),
    [
        (105_116, {}, "ties"),
        (105_117, {}, "differs"),
        (100_000, {"at_least": True}, "ties"),
        (110_000, {"at_least": True}, "differs"),
        (110_000, {"at_most": True}, "ties"),
        (100_000, {"at_most": True}, "differs"),
    ],
)
def test_a_bound_is_met_on_its_own_side_only(
    policy: Policy, printed: int, bound: dict[str, bool], status: str
) -> None:
    ties = own(kind="figure", of=("CL-01",), printed_value=printed, **bound)
    table = reconciliation_table(ties, policy, as_of=DAY)
    assert table.select("status", "as_expected").rows() == [(status, status == "ties")]


# --- the reference cases ---------------------------------------------------------------------------


def test_the_facts_are_those_of_the_reference_cases() -> None:
    shares, shops = CASES["published_percentages"], CASES["realised_small_business"]
    goods, intake = CASES["realised_in_kind"], CASES["intake"]
    facts = {
        "CL-01": shares["total"],
        "CL-02b": shares["own"],
        "CL-06.cases": shares["paid"],
        "CL-07.cases": shares["free_with_loss"],
        "CL-10": shares["small_business"],
        "CL-12": shares["mid_large_firm"],
        "CL-11": shares["general_users"],
        "R2-05": shops["filed"],
        "R2-06": shops["accepted"],
        "CO-10": shops["paid_about"],
        "CL-13": shops["reports_with_a_loss"],
        "US-03": goods["eligible"],
        "CO-05": goods["day_two"],
        "CO-06": goods["final"],
        "US-13": goods["channel_credit_eligible"],
        "CO-11.applicants": goods["channel_credit_applicants"],
        "CO-11": goods["channel_credit_paid"],
        "IN-02": intake["by_24_october"],
    }
    assert {fact: get_fact(fact, hindsight=True).whole for fact in facts} == facts
    assert intake["by_6_november"] == shares["total"]
