"""An exposure factor: people per counted unit, such as passengers per flight, checked by hand."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from outage_analysis.assumptions import distribution_text, value_and_range
from outage_analysis.costs import cost_table
from outage_analysis.errors import ModelRefused
from outage_analysis.text import Locale
from tests.costs.uncertain_portfolios import LOSSES
from tests.loss_cubes import loss_cube
from tests.small_policies import DAY, REPORTS, Page, fixed, ledger_of, policy_of, tiers, uniform

PER_FLIGHT = {"en": "passengers per flight", "ko": "편당 승객"}
RATES = (
    {"kind": "filing_share", "distribution": fixed(0.5)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
)
FLAT = tiers(band=({"over": 0, "fixed": 30_000},))


def exposure(distribution: Page) -> Page:
    return {"kind": "exposure", "unit": PER_FLIGHT, "distribution": distribution}


def test_the_bounds_of_the_factor_bound_the_cost_and_it_multiplies_reports_still_to_come() -> None:
    later = {"kind": "ultimate", "distribution": fixed(1.5)}
    entries = (*RATES, exposure(uniform(100, 200)), later)
    line = cost_table(policy_of(FLAT), ledger_of(*entries), as_of=DAY).row(0, named=True)
    each = REPORTS * 1.5 * 0.5 * 0.8 * 30_000
    assert line["expected"] == pytest.approx(each * 150)
    assert (line["count"], line["promised"]) == (REPORTS, pytest.approx(REPORTS * 150 * 30_000))
    assert 100 * each <= line["low"] < line["expected"] < line["high"] <= 200 * each
    assert line["most"] == pytest.approx(REPORTS * 1.5 * 200 * 30_000)


def test_claims_of_a_cube_are_multiplied_too() -> None:
    cube = loss_cube(LOSSES)
    alone, many = (
        cost_table(policy_of(FLAT), ledger_of(*RATES, *more), as_of=DAY, cubes=(cube,)).filter(level="line")
        for more in ((), (exposure(fixed(3)),))
    )
    assert alone["expected"].item() > 0
    for column in ("expected", "promised", "most"):
        assert many[column].item() == pytest.approx(3 * alone[column].item())
    assert many["count"].item() == alone["count"].item()


def test_a_line_that_adds_up_what_one_claimant_states_takes_no_exposure() -> None:
    with pytest.raises(ModelRefused, match="adds up what one claimant states"):
        cost_table(
            policy_of(tiers(band=({"over": 0, "fixed": 30_000},), grain="claimant")),
            ledger_of(*RATES, exposure(fixed(3))),
            as_of=DAY,
            cubes=(loss_cube(LOSSES),),
        )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "exposure", "distribution": fixed(3)}, "has a unit exactly when its kind is exposure"),
        (exposure(fixed(3)) | {"kind": "ultimate"}, "has a unit exactly when its kind is exposure"),
        (exposure(uniform(-1, 3)), "never below 0"),
    ],
)
def test_an_exposure_states_its_unit_and_is_not_below_zero(entry: Page, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ledger_of(entry)


def test_the_unit_is_shown_in_both_languages_and_thousands_are_no_powers_of_ten() -> None:
    (entry,) = ledger_of(exposure(fixed(1_234))).assumptions
    assert distribution_text(entry).endswith(" passengers per flight")
    assert distribution_text(entry, Locale("ko")).endswith(" 편당 승객")
    assert value_and_range(entry, Locale("en")) == ("1,230", "1,230")
