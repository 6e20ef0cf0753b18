"""The written rule from reference classes to a law for a new event, and what the event's own data add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from outage_analysis.assumptions.laws import FloatArray, LogitNormal, LogitT
from outage_analysis.errors import ModelRefused, refuse_no_level

FEWEST_EVENTS = 3
WIDE_SCALE = 1.5
"""Scale on the logit axis of the stated default when fewer than three events are known."""


def reference_class_prior(shares: Sequence[float]) -> LogitT | LogitNormal:
    """The law of a rate in a new event, from its reference classes.

    Each class is one observation, however many people it counted. On the logit axis the rate of a
    new event follows a Student t about the classes' mean, with their standard deviation times
    sqrt(1 + 1/n) and n - 1 degrees of freedom: between-event variance is kept. Fewer than three
    events say nothing of that variance, so a stated wide normal (scale 1.5) takes its place.

    Args:
        shares: observed rates, each strictly between 0 and 1.

    Raises:
        ModelRefused: a share of 0 or 1, no share at all, or three or more that are all equal.
    """
    remedy = "State the law of the rate in the ledger."
    if not shares or not all(0 < share < 1 for share in shares):
        raise ModelRefused("reference classes need shares between 0 and 1, ends excluded", remedy=remedy)
    logits = np.log(np.asarray(shares) / (1 - np.asarray(shares)))
    location, n = float(logits.mean()), len(logits)
    if n < FEWEST_EVENTS:
        return LogitNormal(location=location, scale=WIDE_SCALE)
    return LogitT(location=location, scale=_predictive_scale(logits, remedy), df=n - 1)


def _predictive_scale(observed: FloatArray, remedy: str) -> float:
    """The standard deviation of one more observation about the mean of those seen."""
    if len(set(observed.tolist())) == 1:
        raise ModelRefused("reference classes that are all equal have no spread to go by", remedy=remedy)
    return float(observed.std(ddof=1) * np.sqrt(1 + 1 / len(observed)))


def leave_one_out(shares: Mapping[str, float], level: float = 0.8) -> pl.DataFrame:
    """How the rule would have done: each class against the prior from the others.

    Args:
        shares: observed rates by class.
        level: of the interval that is tried.

    Returns:
        One row a class: `class`, `share`, `low`, `high` (the interval from the others), `inside`, and
        `percentile`, the probability that the prior gave to at most the share.

    Raises:
        ModelRefused: fewer than two classes, or others from which no prior follows.
        UsageError: a level outside 0 to 1.
    """
    refuse_no_level(level)
    rows = []
    for left_out, share in shares.items():
        prior = reference_class_prior([s for name, s in shares.items() if name != left_out])
        low, high = prior.quantile([(1 - level) / 2, (1 + level) / 2]).tolist()
        rows.append((left_out, share, low, high, low <= share <= high, float(prior.cdf(share))))
    columns = {"class": pl.String, **dict.fromkeys(("share", "low", "high"), pl.Float64)}
    return pl.DataFrame(rows, {**columns, "inside": pl.Boolean, "percentile": pl.Float64}, orient="row")
