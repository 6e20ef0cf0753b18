"""A rate is updated by a count of the same event only once that count is final."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from outage_analysis.assumptions import Ledger, RateAssumption
from outage_analysis.costs import build_portfolio, cost_table
from outage_analysis.costs.sensitivity import BridgeRun, bridge
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from tests.conftest import Reshelve
from tests.small_policies import REPORTS, Page, fee, fixed, ledger_of, mix, policy_of, tiers

FILED = 100
HALFWAY = date(2023, 3, 15)
CLOSES = date(2023, 4, 14)
"""Filing: announced on 30 January until 27 February 2023, on 6 March until 14 April."""


@pytest.fixture
def counted(reshelve: Reshelve) -> None:
    """Put a fact on the shelf: X-100, 100 filings, public halfway through the filing period."""
    put_fact(reshelve, HALFWAY)


def put_fact(reshelve: Reshelve, public_on: date) -> None:
    known = published._fact_table  # noqa: SLF001 - the one place where every figure comes from
    row = (
        known("outcomes")
        .filter(id="R2-05")
        .with_columns(id=pl.lit("X-100"), value=pl.lit(float(FILED)), public_on=pl.lit(public_on))
    )

    def shelf(name: FactCollection) -> pl.DataFrame:
        return pl.concat([known(name), row]) if name == "outcomes" else known(name)

    reshelve(shelf)


def rate(kind: str = "filing_share", **observed: object) -> Page:
    """A rate of which nothing is known but what was counted."""
    seen: dict[str, Any] = {"hits": "X-100", "of": "CL-13"} | observed
    return {"kind": kind, "distribution": {"kind": "beta", "a": 1, "b": 1}, "observed": seen}


def ledger(*entries: Page) -> Ledger:
    """A ledger that leaves nothing but one rate open."""
    known = {e["kind"] for e in entries}
    others = [{"kind": k, "distribution": fixed(1)} for k in ("filing_share", "acceptance") if k not in known]
    award = {"kind": "review_award", "distribution": fixed(100_000)}
    return ledger_of(*entries, *others, mix(0.5, 0.3, 0.2), award)


def deadlines(*pairs: tuple[date, date]) -> tuple[Page, ...]:
    return tuple({"announced_on": announced, "closes": closes} for announced, closes in pairs)


@pytest.mark.usefixtures("counted")
def test_a_count_halfway_through_the_filing_period_is_no_filing_share() -> None:
    """100 of 8,461 on 15 March gave a filing share of 1.0 to 1.3 %, with filing open until 14 April."""
    policy, page = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), CLOSES)))), ledger(rate())
    for price in (cost_table, build_portfolio):
        with pytest.raises(ModelRefused) as refusal:
            price(policy, page, as_of=HALFWAY)
        text = str(refusal.value)
        for part in ("filing-share", "X-100 of CL-13", str(HALFWAY), str(CLOSES)):
            assert part in text
        assert "Leave out `observed`" in text
        assert "late claims (`ultimate`)" in text
        assert refusal.value.exit_code == 5


@pytest.mark.parametrize(("closes", "final"), [(14, True), (15, False), (16, False)])
@pytest.mark.usefixtures("counted")
def test_a_count_is_final_from_the_day_after_the_last_day(closes: int, *, final: bool) -> None:
    policy = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), date(2023, 3, closes)))))
    page = ledger(rate())
    if not final:
        with pytest.raises(ModelRefused, match=f"filing-share: .* is 2023-03-{closes}: more may come"):
            cost_table(policy, page, as_of=HALFWAY)
        return
    (expected,) = cost_table(policy, page, as_of=HALFWAY).filter(level="line")["expected"]
    mean = (1 + FILED) / (2 + REPORTS) * REPORTS * (0.5 * 30_000 + 0.3 * 50_000 + 0.2 * 100_000)
    assert expected == pytest.approx(mean, rel=1e-6)


@pytest.mark.usefixtures("counted")
def test_an_extension_makes_an_earlier_count_an_interim_one() -> None:
    days = deadlines((date(2023, 1, 30), date(2023, 2, 27)), (date(2023, 3, 20), CLOSES))
    policy, page = policy_of(tiers(deadlines=days)), ledger(rate())
    before, after = date(2023, 3, 19), date(2023, 3, 20)
    assert cost_table(policy, page, as_of=before)["expected"].is_not_null().all()
    with pytest.raises(ModelRefused, match="2023-04-14"):
        cost_table(policy, page, as_of=after)
    later = ledger({"kind": "filing_share", "distribution": fixed(0.1)})
    table = bridge(BridgeRun(policy, page, before), BridgeRun(policy, later, after))
    moved = {step: amount for step, amount in table.select("step", "amount").rows() if amount}
    assert set(moved) == {"assumption"}  # the count of the first run is explained, not refused


def test_a_count_that_was_published_late_is_of_the_day_it_states(reshelve: Reshelve) -> None:
    put_fact(reshelve, date(2023, 5, 20))
    policy = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), CLOSES))))
    day = date(2023, 6, 1)
    assert cost_table(policy, ledger(rate()), as_of=day)["expected"].is_not_null().all()
    with pytest.raises(ModelRefused, match="up to 2023-03-15"):
        cost_table(policy, ledger(rate(counted_on=HALFWAY)), as_of=day)
    # Nothing is counted after it is published.
    (entry,) = (a for a in ledger(rate(counted_on=date(2023, 7, 1))).assumptions if a.kind == "filing_share")
    assert isinstance(entry, RateAssumption)
    assert entry.observed
    assert entry.observed.day == date(2023, 5, 20)


@pytest.mark.usefixtures("counted")
def test_without_a_deadline_the_entry_says_when_filing_closed() -> None:
    with pytest.raises(ModelRefused, match=r"no last day .* is known\. .* state `closed_on`"):
        cost_table(policy_of(tiers()), ledger(rate()), as_of=HALFWAY)
    known = ledger(rate(closed_on=date(2023, 3, 1)))
    assert cost_table(policy_of(tiers()), known, as_of=HALFWAY)["expected"].is_not_null().all()
    for policy, entry in (
        (policy_of(tiers()), rate(closed_on=HALFWAY)),
        (
            policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), CLOSES)))),
            rate(closed_on=date(2023, 3, 1)),
        ),
    ):
        with pytest.raises(ModelRefused, match="more may come"):
            cost_table(policy, ledger(entry), as_of=HALFWAY)


@pytest.mark.parametrize("closes", [date(2023, 2, 27), CLOSES])
@pytest.mark.usefixtures("counted")
def test_an_acceptance_needs_decided_filings_whether_or_not_filing_is_open(closes: date) -> None:
    policy = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), closes))))
    with pytest.raises(ModelRefused, match=r"acceptance: .* undecided"):
        cost_table(policy, ledger(rate("acceptance")), as_of=HALFWAY)
    decided = ledger(rate("acceptance", decided=True))
    assert cost_table(policy, decided, as_of=HALFWAY)["expected"].is_not_null().all()


@pytest.mark.usefixtures("counted")
def test_what_does_not_wait_for_a_deadline_is_not_refused() -> None:
    policy = policy_of(fee(100, effort="form"))
    entitled = ledger(rate("entitled_share"))
    assert cost_table(policy, entitled, as_of=HALFWAY)["expected"].is_not_null().all()
    with pytest.raises(ModelRefused, match="take-up: "):
        cost_table(policy, ledger(rate("take_up")), as_of=HALFWAY)
