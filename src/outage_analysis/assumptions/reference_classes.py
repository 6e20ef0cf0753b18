"""The written rule that turns reference classes into a distribution of the rate of a new event."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy import special

from outage_analysis.assumptions.bounded_distributions import LogitT
from outage_analysis.assumptions.normal_scores import FloatArray
from outage_analysis.errors import ModelRefused, check_level
from outage_analysis.incidents import get_fact
from outage_analysis.policies import Effort

EFFORT_GROUPS: Mapping[Effort, tuple[str, ...]] = {
    "form": (
        "TU-FTC-packet",
        "TU-FTC-postcard",
        "TU-FTC-email",
        "TU-CFPB.median",
        "TU-RAIL30.2020",
        "TU-RAIL15.2020",
    ),
    "documents": ("TU-KIRI-in", "TU-KIRI-out", "TU-KIRI-drug", "TU-KIRI-small"),
    "one_tap": ("TU-APPCOUPON", "TU-SMSCOUPON", "TU-ONLINECOUPON"),
}
"""The published reference classes (data/published/take-up.csv) by the effort that they ask of people: every
population once, and none that contains another. All were public by 31 December 2021."""
INTERVAL_LEVEL = 0.8
"""The interval by which the rule is judged."""
FEW_CLASSES = 3
"""Up to so many classes the interval contains all of them."""
REMEDY = "State the law of the rate in the ledger."


class Spread(NamedTuple):
    """How far the rates of events that ask the same effort lie apart, as a variance of their logits."""

    variance: float
    weight: int
    """What it is worth, in degrees of freedom."""


def published_spread(classes: Collection[str] = ()) -> Spread:
    """The spread between events, pooled within the published effort groups.

    The variance is the mean square of the logits about the mean of their group. Classes of one source are
    no independent events, so the weight is the number of sources less the number of groups.

    Args:
        classes: facts that an assumption rests on. Their sources step aside, so that nothing counts twice.

    Raises:
        UsageError: no such fact.
    """
    used = {get_fact(c).source for c in classes}
    squares, free, weight = 0.0, 0, 0
    for group in EFFORT_GROUPS.values():
        kept = [fact for fact in map(get_fact, group) if fact.source not in used]
        if kept:
            squares += _sum_of_squares(_logits([fact.middle / 100 for fact in kept]))
            free += len(kept) - 1
            weight += len({fact.source for fact in kept}) - 1
    return Spread(squares / free if free else 0.0, weight)


def minimum_spread() -> float:
    """The floor of the spread between events: the smallest standard deviation of the effort groups."""
    groups = (_logits([get_fact(c).middle / 100 for c in group]) for group in EFFORT_GROUPS.values())
    return float(min(logits.std(ddof=1) for logits in groups))


def reference_class_prior(shares: Sequence[float], spread: Spread | None = None) -> LogitT:
    """The distribution of a rate in a new event, from its reference classes.

    Each class is one observation, however many people it counted. On the logit axis the rate of a new
    event follows a Student t about the mean of the classes. Its variance between events is that of the
    classes and the pooled one, each as much as its degrees of freedom say, and no less than the floor.

    Args:
        shares: observed rates, each strictly between 0 and 1.
        spread: what other events say of the spread; by default all published effort groups.

    Raises:
        ModelRefused: a share of 0 or 1, no share at all, or one share and nothing that tells a spread.
    """
    if not shares or not all(0 < share < 1 for share in shares):
        raise ModelRefused("reference classes need shares between 0 and 1, ends excluded", remedy=REMEDY)
    pooled = published_spread() if spread is None else spread
    logits = _logits(shares)
    location, n = float(logits.mean()), len(logits)
    df = pooled.weight + n - 1
    if not df:
        raise ModelRefused("one reference class says nothing of the spread between events", remedy=REMEDY)
    variance = (pooled.weight * pooled.variance + _sum_of_squares(logits)) / df
    scale = max(variance**0.5, minimum_spread()) * (1 + 1 / n) ** 0.5
    if n <= FEW_CLASSES:
        farthest = float(np.abs(logits - location).max())
        scale = max(scale, farthest / float(special.stdtrit(df, (1 + INTERVAL_LEVEL) / 2)))
    return LogitT(location=location, scale=scale, df=df)


def _logits(shares: Sequence[float]) -> FloatArray:
    return np.asarray(special.logit(np.asarray(shares, float)))


def _sum_of_squares(logits: FloatArray) -> float:
    """The sum of squared distances from the mean."""
    return float(((logits - logits.mean()) ** 2).sum())


def leave_one_out(
    shares: Mapping[str, float], level: float = INTERVAL_LEVEL, spread: Spread | None = None
) -> pl.DataFrame:
    """How the rule would have done: each class against the prior from the others.

    Args:
        shares: observed rates by class.
        level: of the interval that is tried.
        spread: what events beside these classes say of the spread; by default all published effort groups.

    Returns:
        One row a class: `class`, `share`, `low`, `high` (the interval from the others), `inside`, and
        `percentile`, the probability that the prior gave to at most the share.

    Raises:
        ModelRefused: fewer than two classes, or others from which no prior follows.
        UsageError: a level outside 0 to 1.
    """
    check_level(level)
    rows = []
    for left_out, share in shares.items():
        others = [s for name, s in shares.items() if name != left_out]
        prior = reference_class_prior(others, spread)
        low, high = prior.quantile([(1 - level) / 2, (1 + level) / 2]).tolist()
        rows.append((left_out, share, low, high, low <= share <= high, float(prior.cdf(share))))
    columns = {"class": pl.String, **dict.fromkeys(("share", "low", "high"), pl.Float64)}
    return pl.DataFrame(rows, {**columns, "inside": pl.Boolean, "percentile": pl.Float64}, orient="row")
