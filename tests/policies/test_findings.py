"""What a second reader asks about a page: each doubt where it is, and nowhere else."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from outage_analysis.files import bundled_ids
from outage_analysis.policies import findings, load_policy, write_template
from tests.commands import command
from tests.conftest import Edited
from tests.costs.test_payouts import Page, owed, policy_of, rich_lines
from tests.paths import OWN_OUTAGE
from tests.policies.policy_documents import DAY, DOCS, EVERYBODY, FIRST_COME, LATER, SOUND, A
from tests.untranslated_text import untranslated

# --- what a second reader would ask about ----------------------------------------------------------

"""A line of which there is nothing to ask."""


def bands(*rules: Page, **terms: Any) -> Page:  # noqa: ANN401 - terms of a page
    """A line on the edges 10, 20, 30."""
    edges: list[int | None] = [0, *(10 * (n + 1) for n in range(len(rules) - 1)), None]
    found = [
        {"over": low, **({} if high is None else {"up_to": high}), **rule}
        for (low, high), rule in zip(pairwise(edges), rules, strict=True)
    ]
    return {**SOUND, **terms, "band": tuple(found)}


def segments(*when: Page, **terms: Any) -> Page:  # noqa: ANN401 - terms of a page
    """A line with segments that pay 1, 2, 3 and so on."""
    found = [
        {"id": f"s{n}", "when": who, "band": ({"over": 0, "fixed": n},)}
        for n, who in enumerate(when, start=1)
    ]
    return {**SOUND, **terms, "segment": tuple(found)}


def other(kind: str, **terms: Any) -> Page:  # noqa: ANN401 - terms of a page
    return {key: value for key, value in SOUND.items() if key not in ("band", "unknown")} | {
        "kind": kind,
        **terms,
    }


ASKED: Page = {"announced_on": DAY, "closes": LATER}
NOT_A_FACT = ("PR-00",)

ASK: list[tuple[str, str, Page, Page]] = [
    # what is found, and how it is said; a page that shows it, one that does not
    ("fact", "cites PO-SKT25.bill-cut and states another figure than 50 %",
     bands({"share": 0.4, "facts": ("PO-SKT25.bill-cut",)}),
     bands({"share": 0.5, "facts": ("PO-SKT25.bill-cut",)})),
    ("cliff", "a loss of 0.10 euros gets 0.09 euros; one of 0.11 euros gets 0.05 euros",
     bands({"fixed": 9}, {"fixed": 5}),
     bands({"fixed": 5}, {"fixed": 9})),
    ("cliff", "a loss of 0.10 euros gets 0.05 euros; one of 0.11 euros waits for a review",
     bands({"fixed": 5}, {"review": True}),
     bands({}, {"review": True})),
    ("cliff", "a loss of 0.00 euros gets 0.09 euros; one of 0.01 euros gets 0.05 euros",
     bands({"fixed": 5}, zero={"fixed": 9}),
     bands({"fixed": 5}, zero={"fixed": 5})),
    ("cliff", "a loss of 0.10 euros gets 0.10 euros; one of 0.11 euros gets 0.0",
     bands({"share": 1.0}, {"share": 0.5}),
     bands({"share": 0.5}, {"share": 1.0})),
    ("cliff", "a loss of 0.09 euros gets 0.10 euros; one of 0.10 euros gets 0.09 euros",
     bands({"fixed": 10}, {"fixed": 9}, closed="lower"),
     bands({"fixed": 10}, {"fixed": 10, "share": 0.1}, closed="lower")),
    ("cliff", "in the segment s1: a loss of 0.00 euros gets 0.04 euros; one of 0.01 euros gets 0.01 euros",
     segments(A, zero={"fixed": 4}),
     segments(A, zero={"fixed": 1})),
    ("gap", "losses of 0.11 to 0.20 euros are paid nothing", bands({"fixed": 5}, {}, {"fixed": 9}),
     bands({}, {"fixed": 5}, {"fixed": 9})),
    ("gap", "losses of 0.11 to 0.15 euros are paid nothing",
     bands({"fixed": 5}, {"share": 0.5, "deductible": 15}),
     bands({"fixed": 5}, {"share": 0.5, "deductible": 10})),
    ("gap", "losses of 0.11 to 0.20 euros are paid nothing",
     bands({"fixed": 5}, {"limit": 0}, {"review": True}),
     bands({"fixed": 5}, {"limit": 6, "fixed": 7}, {"review": True})),
    ("unknown", "no rule for a claim without a stated loss: if most claims state none, there is no",
     {k: v for k, v in SOUND.items() if k != "unknown"}, SOUND),
    ("undated", "no day of announcement: no calculation uses the cost line", {**SOUND, "public_on": None},
     SOUND),
    ("undated", "it has to be claimed, but no last day to claim is given", {**SOUND, "effort": "form"},
     {**SOUND, "effort": "form", "deadlines": (ASKED,)}),
    ("undated", "it has to be claimed, but no last day to claim is given", {**SOUND, "effort": "documents"},
     {**SOUND, "effort": "one_tap"}),
    ("accounting", "no accounting view is proposed", {**SOUND, "accounting": None}, SOUND),
    ("fact", "cites PR-00", {**SOUND, "facts": NOT_A_FACT}, {**SOUND, "facts": ("PR-01", "CO-10")}),
    ("fact", "cites PR-00", bands({"fixed": 5, "facts": NOT_A_FACT}),
     bands({"fixed": 5, "facts": ("PR-01",)})),
    ("fact", "cites PR-00", {**SOUND, "zero": {"facts": NOT_A_FACT}},
     {**SOUND, "zero": {"facts": ("PR-01",)}}),
    ("fact", "cites PR-00", {**SOUND, "unknown": {"facts": NOT_A_FACT}}, SOUND),
    ("fact", "cites PR-00", {**SOUND, "published_count": "PR-00"}, {**SOUND, "published_count": "CL-13"}),
    ("fact", "cites PR-00",
     {**SOUND, "segment": ({"id": "s", "when": A, "band": ({"over": 0, "facts": NOT_A_FACT},)},)}, SOUND),
    ("fact", "cites PR-00", {**SOUND, "deadlines": ({**ASKED, "facts": NOT_A_FACT},)}, SOUND),
    ("fact", "cites PR-00",
     {**SOUND, "effort_changes": ({"since": LATER, "effort": "one_tap", "facts": NOT_A_FACT},)}, SOUND),
    ("fact", "cites PR-00", other("in_kind", recipients="PR-00"), other("in_kind", recipients=EVERYBODY)),
    ("fact", "cites PR-00", other("in_kind", cap="PR-00"), other("in_kind", cap=FIRST_COME)),
    ("fact", "cites PR-00", other("fee_credit", amount=1, recipients="PR-00"), other("fee_credit", amount=1)),
    ("fact", "cites PR-00", other("fee_credit", amount=1, recipients_high="PR-00"),
     other("fee_credit", amount=1)),
    ("fact", "cites PR-00", other("budget", amount="PR-00"), other("budget", amount=5, facts=("CO-16",))),
]  # fmt: skip


def asked(page: Page) -> list[tuple[str, str]]:
    return [(kind, says) for kind, _, says in findings(policy_of(page)).rows()]


@pytest.mark.parametrize(
    ("kind", "says", "shows", "shows_not"), ASK, ids=[f"{kind}: {says}" for kind, says, *_ in ASK]
)
def test_each_finding_is_reported_where_it_is_and_nowhere_else(
    kind: str, says: str, shows: Page, shows_not: Page
) -> None:
    found = asked(shows)
    assert [says in words for doubt, words in found if doubt == kind] == [True], found
    assert {doubt for doubt, _ in found} <= {kind, "cliff"}  # a gap begins with a cliff
    assert kind not in {doubt for doubt, _ in asked(shows_not)}


@pytest.mark.parametrize("page", [shows for _, _, shows, _ in ASK])
def test_each_finding_is_there_in_korean(page: Page) -> None:
    english, korean = (findings(policy_of(page), lang) for lang in ("en", "ko"))
    assert english.select("finding", "line").equals(korean.select("finding", "line"))
    for says in korean["says"]:
        code = re.sub(r"`[^`]*`", "", says)  # keys of a TOML document
        assert re.search("[가-힣]", code)
        assert untranslated(code, ["PR-00"]) == []


def test_the_order_of_the_findings_is_that_of_the_lines() -> None:
    found = findings(policy_of({**SOUND, "accounting": None}, SOUND, {**SOUND, "public_on": None}))
    assert found.select("finding", "line").rows() == [("accounting", "line-0"), ("undated", "line-2")]


@pytest.mark.slow
@given(page=rich_lines(scales=(1,)))
@settings(max_examples=120)
def test_cliffs_and_gaps_are_those_of_paying_every_loss_in_turn(page: Page) -> None:
    page = {**page, "segment": ()}
    policy = policy_of(page)
    alone = {**page, "eligibility": {}}
    paid = [owed(alone, loss) for loss in range(max([*policy.breakpoints, 1]) + 3)]
    falls = sum(1 for mine, more in pairwise(paid) if mine and (more is None or more < mine))
    pays = [amount is None or amount > 0 for amount in paid[1:]]
    first, last = (pays.index(True), len(pays) - pays[::-1].index(True)) if any(pays) else (0, 0)
    gap = not all(pays[first:last])
    found = findings(policy)["finding"].to_list()
    assert found.count("cliff") == falls
    assert ("gap" in found) == gap


def test_our_own_documents_have_no_gap_and_cite_facts(tmp_path: Path) -> None:
    for path in (DOCS / "every-key.toml", write_template("p", "KRW", "KRW", tmp_path / "p.toml")):
        idle = pl.col("finding").is_in(["gap", "fact"])
        assert findings(load_policy(path)).filter(idle).is_empty(), path


# --- against facts and a ledger -------------------------------------------------------------------------


@pytest.mark.parametrize("id_", sorted(bundled_ids("policies")))
def test_the_bundled_policies_state_the_figures_of_their_facts(id_: str) -> None:
    found = json.loads(command("policies", "check", id_, "--json")[1])
    assert [row for row in found if row["finding"] in ("fact", "mix")] == []


@pytest.mark.parametrize(
    ("changed", "fact"),
    [
        (("up_to = 300_000", "up_to = 250_000", "over = 300_000", "over = 250_000"), "PR-01.upper-edge"),
        (("fixed = 30_000", "fixed = 35_000"), "PR-01"),
    ],
)
def test_a_figure_that_differs_from_the_fact_that_it_cites_is_found(
    edited: Edited, changed: tuple[str, ...], fact: str
) -> None:
    code, out, _ = command("policies", "check", edited("policies", *changed), "--json")
    says = [row["says"] for row in json.loads(out) if row["finding"] == "fact"]
    assert (code, len(says)) == (0, 1)
    assert f"cites {fact} and states another figure than " in says[0]


def test_a_band_mix_for_other_edges_is_found(edited: Edited, tmp_path: Path) -> None:
    moved = edited("policies", "up_to = 500_000", "up_to = 600_000", "over = 500_000", "over = 600_000")
    own = tmp_path / "mine.toml"
    own.write_text(moved.read_text("utf-8").replace('id = "kakao-2022"', 'id = "mine"', 1), "utf-8")
    for arguments, found in (
        ((moved,), True),  # the bundled ledger of the policy
        ((own,), False),
        ((own, "--ledger", "kakao-2022"), True),
        (("kakao-2022", "--ledger", "kakao-2022"), False),
    ):
        code, out, _ = command("policies", "check", *arguments)
        assert (code, "as-band-mix" in out and "stated for other band edges" in out) == (0, found), arguments


# --- against an incident ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closed", "labels"),
    [
        ("upper", ["up to 10", "over 10 up to 20", "over 20"]),
        ("lower", ["up to 9", "over 9 up to 19", "over 19"]),
    ],
)
def test_a_band_that_no_claim_can_have_is_found_with_the_closest_one(
    closed: str, labels: list[str], tmp_path: Path
) -> None:
    incident, policy = tmp_path / "incident.toml", tmp_path / "policy.toml"
    text = (OWN_OUTAGE / "incident.toml").read_text("utf-8")
    incident.write_text(text.replace('[5, 20]\nclosed = "lower"', f'[10, 20]\nclosed = "{closed}"'), "utf-8")
    assert f"distance: {'; '.join(labels)}\n" in command("incidents", incident)[1]

    def check(*values: str, document: Path = policy) -> tuple[int, str, str]:
        own = (OWN_OUTAGE / "policy.toml").read_text("utf-8")
        document.write_text(own.replace('["over 4 up to 19", "over 19"]', json.dumps(values)), "utf-8")
        return command("policies", "check", document, "--incident", incident)

    assert check(*labels)[0] == 0
    typo = labels[1].replace(" up to ", " to ")
    code, out, err = check(labels[0], typo)
    assert (code, out) == (2, "")
    assert err.endswith(f"(found '{typo}'). Did you mean '{labels[1]}'?\n")
    assert f"Known: {', '.join(labels)}." in check("10-20")[2]
    assert command("policies", "check", policy)[0] == 0  # the incident is not known without the option


def test_a_policy_of_another_unit_is_found_with_the_incident() -> None:
    assert command("policies", "check", "kakao-2022", "--incident", "kakao-2022")[2] == ""
    code, _, err = command("policies", "check", "att-2024", "--incident", "kakao-2022")
    assert (code, err.count("\n")) == (2, 1)
    assert "states amounts in USD, the incident kakao-2022 amounts in KRW" in err
