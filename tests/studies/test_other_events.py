"""The stored table of other events is what the study gives, and its figures are those of the page."""

from __future__ import annotations

import pytest
from scipy import special, stats

from outage_analysis.assumptions import published_spread
from tests.studies import other_events


@pytest.mark.slow
def test_the_stored_table_is_what_the_study_gives() -> None:
    written = other_events.METHOD.read_text("utf-8")
    assert other_events.method(written) == written, "run `make docs`"
    verdicts = [line.split(" | ")[-1] for line in other_events.table().splitlines()[2:]]
    inside = verdicts.count("yes |")
    assert f"{inside} of {len(verdicts)} lie in the 80 % range" in written
    interval = stats.binomtest(inside, len(verdicts)).proportion_ci(0.95, "exact")
    assert f"is {100 * interval.low:.0f} to {100 * interval.high:.0f} %" in written
    chance = stats.binom(len(verdicts), 0.8)
    assert f"would be {chance.ppf(0.025):.0f} to {chance.ppf(0.975):.0f}\n" in written


def test_a_forecast_is_student_t_on_logits_without_the_event() -> None:
    # Acceptance in the Kakao case: one class, KT's 85.2 %; all groups give the spread, 4 degrees of freedom.
    classes, found = other_events.forecast("acceptance", "R2-")
    scale = (2 * published_spread().variance) ** 0.5
    by_hand = 100 * special.expit(special.logit(0.852) + scale * stats.t.ppf([0.1, 0.5, 0.9], 4))
    assert classes == 1
    assert found == pytest.approx(by_hand.tolist())
    # UK rail: four classes; its own classes and the sources of the four are in no spread.
    classes, found = other_events.forecast("form", "TU-RAIL")
    form = special.logit([0.1, 0.06, 0.03, 0.08])
    taps, papers = special.logit([0.12, 0.4, 0.007]), special.logit([0.959, 0.854, 0.795, 0.13])
    pooled = (2 * stats.tvar(taps) + 3 * stats.tvar(papers)) / 5
    scale = (((2 * pooled + 3 * stats.tvar(form)) / 5) * (1 + 1 / 4)) ** 0.5
    by_hand = 100 * special.expit(form.mean() + scale * stats.t.ppf([0.1, 0.5, 0.9], 5))
    assert classes == 4
    assert found == pytest.approx(by_hand.tolist())
