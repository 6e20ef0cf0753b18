"""The likely range of a figure, such as P10 to P90: its probabilities, and the names of its two ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from outage_analysis.errors import UsageError

DEFAULT_LEVEL = 80
LEAST_LEVEL, MOST_LEVEL = 50, 98
"""A range above 98 % would end beyond P1 and P99, which need more draws than a simulation has by default."""
MEDIAN = "p50"
TAIL_PERCENTILES = {"p95": 0.95, "p99": 0.99}
"""Percentiles of the tail, by measure. They do not depend on the level of the likely range."""


@dataclass(frozen=True)
class LikelyRange:
    """The central range that contains a figure with a probability of `level` percent.

    Args:
        level: the probability in percent, a whole number from 50 to 98.

    Raises:
        UsageError: the level is not a whole number from 50 to 98.

    Example:
        >>> likely = LikelyRange(90)
        >>> likely.lower, likely.upper, likely.low_mark, likely.high_mark
        (0.05, 0.95, 'P5', 'P95')
    """

    level: int = DEFAULT_LEVEL
    low_column: ClassVar[str] = "range_low"
    high_column: ClassVar[str] = "range_high"

    def __post_init__(self) -> None:
        """Raise an error if the level is not a whole number from 50 to 98."""
        if type(self.level) is not int or not LEAST_LEVEL <= self.level <= MOST_LEVEL:
            raise UsageError(
                f"the level of the likely range is no whole number from {LEAST_LEVEL} to {MOST_LEVEL}",
                value=self.level,
                remedy="Write 90 for P5 to P95.",
            )

    @property
    def lower(self) -> float:
        """The probability of a value below the range: 0.1 at a level of 80."""
        return (100 - self.level) / 200

    @property
    def upper(self) -> float:
        """The probability of a value below the upper end of the range: 0.9 at a level of 80."""
        return (100 + self.level) / 200

    @property
    def low(self) -> str:
        """The key of the lower end in the table of quantiles: p10, or p2_5 at a level of 95."""
        return percentile_measure(self.lower)

    @property
    def high(self) -> str:
        """The key of the upper end in the table of quantiles: p90, or p97_5 at a level of 95."""
        return percentile_measure(self.upper)

    @property
    def low_mark(self) -> str:
        """The name of the lower end for readers: P10, or P2.5 at a level of 95."""
        return percentile_mark(self.low)

    @property
    def high_mark(self) -> str:
        """The name of the upper end for readers: P90, or P97.5 at a level of 95."""
        return percentile_mark(self.high)

    @property
    def points(self) -> dict[str, float]:
        """Probabilities of a value below both ends and the median: p10 -> 0.1, p50 -> 0.5, p90 -> 0.9."""
        return {self.low: self.lower, MEDIAN: 0.5, self.high: self.upper}

    @property
    def percentiles(self) -> dict[str, float]:
        """Name of each printed percentile -> its probability: the ends of the range, the median, P95 and P99.

        An end that is itself P95 or P99, such as P95 at a level of 90, appears once.
        """
        return dict(sorted((self.points | TAIL_PERCENTILES).items(), key=lambda item: item[1]))

    @property
    def columns(self) -> dict[str, float]:
        """Table columns of the range, with the probability of a value below: range_low -> 0.1, p50 -> 0.5."""
        return {self.low_column: self.lower, MEDIAN: 0.5, self.high_column: self.upper}

    @property
    def column_measures(self) -> dict[str, str]:
        """The column names of the range in printed tables: range_low -> p10, range_high -> p90."""
        return {self.low_column: self.low, self.high_column: self.high}

    @property
    def placeholders(self) -> dict[str, str]:
        """The values of the placeholders for the range, such as {p_low}, which every label may contain.

        `level` is the probability of the range in percent, `p_low` and `p_high` are the names of its ends,
        `share_low` and `share_high` the probabilities of a value below each end, such as 10% and 90%.
        """
        return {
            "level": f"{self.level}",
            "p_low": self.low_mark,
            "p_high": self.high_mark,
            "share_low": percent(self.lower),
            "share_high": percent(self.upper),
        }


def percent(probability: float) -> str:
    """Return a probability in percent with the digits that it needs: 5% for 0.05, 97.5% for 0.975."""
    return f"{100 * probability:.10g}%"


def percentile_measure(probability: float) -> str:
    """Return the key of a percentile in tables: p90 for the probability 0.9, p97_5 for 0.975."""
    return "p" + percent(probability).removesuffix("%").replace(".", "_")


def percentile_probability(measure: str) -> float:
    """Return the probability of a value below a percentile, given its key in tables: 0.975 for p97_5."""
    return float(measure.removeprefix("p").replace("_", ".")) / 100


def percentile_mark(measure: str) -> str:
    """Return the name of a percentile for readers, given its key in tables: P97.5 for p97_5."""
    return measure.upper().replace("_", ".")


PERCENTILE_MEASURES = tuple(percentile_measure(half / 200) for half in range(1, 200))
"""The measures of all percentiles in steps of half a percent, which includes the ends at every level."""
