"""The document of scenarios: what it may contain, and what an error says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from outage_analysis.costs.scenarios import ScenarioSet, load_scenarios
from outage_analysis.errors import UsageError

HEAD = """id = "mine"
name = { en = "Mine" }

[[scenario]]
id = "more"
name = { en = "More" }
note = "More reports."
"""


def test_the_bundled_scenarios_are_complete_in_both_languages() -> None:
    bundled = load_scenarios()
    assert bundled.id == "stresses"
    changed = [scenario.changes for scenario in bundled.scenarios]
    assert changed == [
        ("effort",),
        ("extra_days",),
        ("award_factor",),
        ("award_factor",),
        ("acceptance_odds_ratio",),
        ("acceptance_odds_ratio",),
        ("filing_odds_ratio",),
        ("rank_correlation",),
    ]
    for scenario in bundled.scenarios:
        assert scenario.name.ko
        assert scenario.note.ko
        assert scenario.note.en.endswith(".")
    assert bundled.name_of("one-tap", "ko") == bundled.scenarios[0].name.ko
    assert bundled.name_of("base", "en") == "base"
    assert load_scenarios(bundled) is bundled


def test_a_document_of_ones_own_is_read(write_document: Callable[[str], Path]) -> None:
    found = load_scenarios(write_document(HEAD + "count_factor = 1.1\nacceptance_odds_ratio = 2\n"))
    assert isinstance(found, ScenarioSet)
    assert found.scenarios[0].changes == ("count_factor", "acceptance_odds_ratio")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "changes nothing"),
        ("award_factors = 2", "Did you mean 'award_factor'?"),
        ("award_factor = 0", "greater than 0"),
        ("count_factor = 1.1\nspike = 0", "spike without extra_days"),
        ("count_factor = 1.1\nextra_days = 14", "both extra_days and count_factor"),
        ("rank_correlation = 1", "less than 1"),
        ('effort = "automatic"', "one_tap"),
        ("extra_days = 1.5", "extra_days"),
    ],
)
def test_an_error_names_the_key_and_what_to_do(
    write_document: Callable[[str], Path], lines: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        load_scenarios(write_document(HEAD + lines + "\n"))


def test_two_scenarios_with_one_id_and_the_name_of_the_base_are_refused(
    write_document: Callable[[str], Path],
) -> None:
    one = HEAD + "count_factor = 2\n"
    second = one[one.index("[[scenario]]") :]
    with pytest.raises(UsageError, match="two scenarios more"):
        load_scenarios(write_document(one + second))
    with pytest.raises(UsageError, match="a scenario base"):
        load_scenarios(write_document(one.replace('"more"', '"base"')))


def test_an_unknown_document_suggests_the_bundled_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'stresses'"):
        load_scenarios("stress")
