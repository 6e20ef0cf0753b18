"""The scenarios of an analysis: which run they change, and where a longer deadline has figures."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from outage_analysis.analysis import Analysis, compare_policies, counted_notes, headline_sentences, run, solve
from outage_analysis.assumptions import Ledger
from outage_analysis.costs.scenarios import ScenarioSet
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import load_incident
from outage_analysis.losses import Branch, forecast_late_claims
from tests.commands import command
from tests.tram_case import ENTRY, ledger, tram_plan

DEADLINE, DAYS = date(2031, 3, 31), 14
PER_DAY = [round(600 * 0.86**day) for day in range(20)]
"""Claims filed on each of the first twenty days: fewer and fewer."""


def scenarios(**changes: object) -> ScenarioSet:
    one = {"id": "s", "name": {"en": "S"}, "note": "A test.", **changes}
    return ScenarioSet.model_validate({"id": "mine", "name": {"en": "Mine"}, "scenario": (one,)})


def row_of(analysis: Analysis, **changes: object) -> dict[str, Any]:
    return analysis.scenarios(scenarios(**changes)).row(1, named=True)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Claims with the day of each, filed on the first twenty days of an intake that is still open."""
    path = tmp_path_factory.mktemp("dated") / "claims.csv"
    rows = [
        f"{day}-{n};{'RB'[n % 2]};rider;2031-03-{day + 2:02};{(20, 70, 400)[n % 3]};9"
        for day, filed in enumerate(PER_DAY)
        for n in range(filed)
    ]
    path.write_text("\n".join(["claim_id;line;claimant_type;filed_on;delay;distance", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def dated(tram: Path, counted: Path) -> Analysis:
    """The outage from these claims, on the evening of the twentieth day."""
    incident = load_incident(tram / "incident.toml").model_copy(update={"claims_to": DEADLINE})
    changes: dict[str, Any] = {
        "incident": incident,
        "policy": tram / "policy.toml",
        "ledger": tram / "ledger.toml",
        "claims": (counted,),
        "compare": (),
        "as_of": date(2031, 3, 21),
    }
    return run(tram_plan(tram, **changes))


ULTIMATE = ENTRY.format(
    name="ultimate", kind="ultimate", distribution='distribution = { kind = "fixed", value = 1 }'
)


def forecast_of(per_day: list[int], *closes: float) -> list[float]:
    """The expected claims in the end, if the intake closes so many days after its opening."""
    filed = [sum(per_day[: day + 1]) for day in range(len(per_day))]
    branches = [Branch(f"{days}", days, spike=0) for days in closes]
    found = forecast_late_claims(range(1, len(filed) + 1), filed, branches, starts=date(2031, 3, 2))
    return [filed[-1] + found.late[branch.id].mean for branch in branches]


def test_the_cost_of_an_open_intake_includes_the_claims_still_to_come(
    dated: Analysis, tram: Path, counted: Path, tmp_path: Path
) -> None:
    (total,) = forecast_of(PER_DAY, 30.0)  # the intake opened on 2 March and closes at the end of the 31st
    filed, so_far = sum(PER_DAY), with_ultimate(dated, tram, counted, tmp_path)
    assert 1.02 < total / filed < 1.1
    assert so_far.expected is not None
    assert dated.expected is not None
    assert dated.expected == pytest.approx(so_far.expected * total / filed, rel=1e-4)
    assert (dated.quantile(0.9), dated.quantile(0.5)) > (so_far.quantile(0.9), so_far.quantile(0.5))
    parts = (dated.expected * filed / total, dated.expected * (1 - filed / total))
    for lang, day in (("en", "31 March 2031"), ("ko", "2031. 3. 31.")):
        locale = dated.locale(lang)
        counts, cost = counted_notes(dated, locale)
        assert all(said in counts for said in (day, f"{filed:,}", f"{total:,.0f}"))
        assert all(locale.money(part * 100) in cost for part in parts)
        assert dated.card(lang).notes[0].startswith(counts)
        assert headline_sentences(dated, locale)[0].startswith(counts)


def test_the_documents_of_an_open_intake_hold_no_forecast_and_give_the_same_cost(dated: Analysis) -> None:
    stated = dated.documents["ledger"]
    assert isinstance(stated, Ledger)
    assert all(entry.id != "late-claims-1" for entry in stated.assumptions)
    again = run(replace(dated.plan, ledger=stated))
    assert (again.expected, again.quantile(0.9)) == (dated.expected, dated.quantile(0.9))


@pytest.mark.slow
def test_solve_and_compare_count_the_claims_still_to_come(dated: Analysis) -> None:
    plan = replace(dated.plan, compare=())
    assert dated.expected is not None
    found = solve(plan, vary=[f"{dated.policy.schedules[0].id}.tier1"], budget=10**9)
    costs = {row["role"]: row["expected"] for row in found.to_dict()["solution"]}
    assert costs["announced"] == pytest.approx(dated.expected, rel=1e-6)
    (total,) = forecast_of(PER_DAY, 30.0)
    share = dated.locale("en").share(1 - sum(PER_DAY) / total)
    for lang, said in (
        ("en", f"claims still to come make up {share} of the cost"),
        ("ko", f"비용 가운데 {share}"),
    ):
        assert said in " ".join(found.answer(lang).sentences)
    assert " are expected by 31 March 2031" in " ".join(found.answer().sentences)
    changed = dated.policy.model_copy(update={"id": "other"})
    compared = compare_policies(plan, [dated.policy, changed])
    assert compared.table["expected"].to_list() == pytest.approx([dated.expected] * 2, rel=1e-6)


@pytest.mark.slow
def test_reserve_and_scenarios_begin_with_the_open_intake(tram: Path, counted: Path, tmp_path: Path) -> None:
    incident = tmp_path / "incident.toml"
    text = (tram / "incident.toml").read_text("utf-8")
    incident.write_text(re.sub(r"(?m)^claims_to = .*$", f"claims_to = {DEADLINE}", text), "utf-8")
    few = tmp_path / "few.csv"
    few.write_text("".join(counted.read_text("utf-8").splitlines(keepends=True)[:1501]), "utf-8")
    options = ("--incident", incident, "--policy", tram / "policy.toml", "--ledger", tram / "ledger.toml")
    for words in (("reserve",), ("scenarios",), ("cost",)):
        code, out, err = command(*words, counted, *options, "--as-of", "2031-03-21")
        assert code == 0, err
        assert out.startswith(f"{sum(PER_DAY):,} claims were filed by 21 March 2031; ")
        out = command(*words, few, *options, "--as-of", "2031-03-21")[1]
        assert out.startswith(
            "The cost counts only the claims filed by 21 March 2031. Filing is open until 31 March"
        )
        assert "They are not forecast: 1,500 claims are too few" in out.replace("\n", " ")


def test_a_stated_ultimate_or_a_passed_deadline_needs_no_such_sentence(
    dated: Analysis, tram: Path, counted: Path, tmp_path: Path, analysis: Analysis
) -> None:
    assert counted_notes(analysis, analysis.locale("en")) == []
    assert counted_notes(with_ultimate(dated, tram, counted, tmp_path), dated.locale("en")) == []


def with_ultimate(dated: Analysis, tram: Path, counted: Path, folder: Path) -> Analysis:
    """The same analysis with a ledger that states the claims in the end."""
    path = folder / "ledger.toml"
    path.write_text(ledger(ULTIMATE), "utf-8")
    plan = tram_plan(
        tram,
        incident=dated.incident,
        policy=tram / "policy.toml",
        ledger=path,
        claims=(counted,),
        compare=(),
        as_of=dated.as_of,
    )
    return run(plan)


@pytest.mark.slow
def test_a_longer_deadline_grows_as_the_forecast_from_the_claims_expects(dated: Analysis) -> None:
    base = dated.scenarios().row(0, named=True)
    row = row_of(dated, extra_days=DAYS, spike=0)
    at_first, at_last = forecast_of(PER_DAY, 30.0, 30.0 + DAYS)
    assert 1.001 < at_last / at_first < 1.2
    assert row["expected"] == pytest.approx(base["expected"] * at_last / at_first, rel=1e-8)
    assert row["status"] == "ok"


def test_without_a_stated_rush_a_longer_deadline_has_no_figures(dated: Analysis) -> None:
    row = row_of(dated, extra_days=DAYS)
    assert (row["status"], row["expected"]) == ("no_spike", None)


def test_after_the_deadline_a_longer_one_has_no_figures(dated: Analysis, tram: Path, counted: Path) -> None:
    closed = run(
        tram_plan(
            tram,
            incident=dated.incident,
            policy=tram / "policy.toml",
            ledger=tram / "ledger.toml",
            claims=(counted,),
            compare=(),
            as_of=DEADLINE,
        )
    )
    row = row_of(closed, extra_days=DAYS, spike=0)
    assert (row["status"], row["reason"], row["expected"]) == ("deadline_passed", "2031-03-31", None)


def test_without_expected_cash_there_are_no_scenarios(tram: Path) -> None:
    bare = run(tram_plan(tram, ledger=None, as_of=date(2031, 3, 10), compare=(), budget=None))
    with pytest.raises(ModelRefused, match="scenarios"):
        bare.scenarios()
