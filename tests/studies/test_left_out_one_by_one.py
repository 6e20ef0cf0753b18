"""The stored table of classes left out one by one is what the rule gives."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from outage_analysis.assumptions.distributions import class_groups
from tests.assumptions.test_prior_rule import classes_by_hand, expit, logit, spread_by_hand
from tests.studies import left_out_one_by_one as study


def test_the_stored_table_is_what_the_rule_gives() -> None:
    written = study.PAGE.read_text("utf-8")
    assert study.renewed(written) == written, "run `make docs`"


@pytest.mark.parametrize("topic", study.TOPICS)
def test_a_class_is_forecast_from_the_others_of_its_group_without_its_event(topic: str) -> None:
    by_hand: dict[tuple[str, str], list[bool]] = {}
    for key, group in classes_by_hand(topic).items():
        pooled, weight = spread_by_hand(topic, without=group)
        for event, rate in group.items():
            logits = [logit(other) for name, other in group.items() if name != event]
            if not logits:
                continue
            n, centre = len(logits), math.fsum(logits) / len(logits)
            free = weight + n - 1
            variance = (weight * pooled + math.fsum((x - centre) ** 2 for x in logits)) / free
            reach = stats.t.ppf(0.9, free) * math.sqrt(variance * (1 + 1 / n))
            if n <= 3:
                reach = max(reach, *(abs(x - centre) for x in logits))
            low, high = expit(centre - reach), expit(centre + reach)
            by_hand.setdefault(key, []).append(low <= rate <= high)
    assert {key: sum(found) for key, found in study.verdicts(topic).items()} == {
        key: sum(found) for key, found in by_hand.items()
    }
    assert class_groups(topic).keys() == classes_by_hand(topic).keys()
