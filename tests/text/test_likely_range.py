"""The likely range: its probabilities and names at every level, and that only one module defines them."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

import outage_analysis
from outage_analysis.errors import UsageError
from outage_analysis.text import (
    LANGUAGES,
    LEAST_LEVEL,
    MOST_LEVEL,
    PERCENTILE_MEASURES,
    LikelyRange,
    Locale,
    percentile_probability,
)

LEVELS = range(LEAST_LEVEL, MOST_LEVEL + 1)
PACKAGE = Path(outage_analysis.__file__).parent


@pytest.mark.parametrize("level", LEVELS)
def test_the_range_has_the_probability_of_its_level_and_equal_tails(level: int) -> None:
    likely = LikelyRange(level)
    tail = Fraction(100 - level, 200)
    assert (likely.lower, likely.upper) == (float(tail), float(1 - tail))
    for measure, probability in likely.percentiles.items():
        assert percentile_probability(measure) == pytest.approx(probability, abs=1e-15)
        assert measure in PERCENTILE_MEASURES
    assert list(likely.percentiles.values()) == sorted({float(tail), 0.5, float(1 - tail), 0.95, 0.99})


@pytest.mark.parametrize(
    ("level", "measures", "marks"),
    [
        (80, ["p10", "p50", "p90", "p95", "p99"], ("P10", "P90")),
        (90, ["p5", "p50", "p95", "p99"], ("P5", "P95")),
        (95, ["p2_5", "p50", "p95", "p97_5", "p99"], ("P2.5", "P97.5")),
        (98, ["p1", "p50", "p95", "p99"], ("P1", "P99")),
        (50, ["p25", "p50", "p75", "p95", "p99"], ("P25", "P75")),
    ],
)
def test_each_percentile_has_one_name_and_appears_once(
    level: int, measures: list[str], marks: tuple[str, str]
) -> None:
    likely = LikelyRange(level)
    assert list(likely.percentiles) == measures
    assert (likely.placeholders["p_low"], likely.placeholders["p_high"]) == marks


@pytest.mark.parametrize("level", [49, 99, 0, -80, 80.0, "80", True, None])
def test_other_levels_are_refused(level: object) -> None:
    for make in (lambda: LikelyRange(level), lambda: Locale("en", level=level)):  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="no whole number from 50 to 98"):
            make()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_label_fills_in_the_range(lang: str) -> None:
    locale = Locale(lang, level=95)
    label = locale("report.live_likely", low="A", high="B")
    assert [part for part in ("95%", "P2.5", "P97.5", "A", "B") if part not in label] == []
    assert locale("word.p97_5") == "P97.5"
    assert (locale("column.range_low"), locale("column.range_high")) == ("P2.5", "P97.5")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_label_writes_the_ends_or_the_level_itself(lang: str) -> None:
    """P95 and P99 are percentiles of the tail."""
    words = (PACKAGE / "text" / "words" / f"{lang}.toml").read_text("utf-8").splitlines()
    fixed = re.compile(r"P(?!50)\d|\b[89]0 ?(%|percent)|[Ee]ight (of|in) ten|in 10\b|열에")
    written = [line for line in words if fixed.search(line) and not re.search(r"P9[59]", line)]
    assert written == []


def test_only_one_module_names_the_lower_end() -> None:
    named = re.compile(r"""["'](p10|P10|p90_counted|p10_counted)["']""")
    assert [p.name for p in PACKAGE.rglob("*.py") if named.search(p.read_text("utf-8"))] == []
