"""How often the intervals of late claims contain the late count, and how far the mean forecast is off.

`make bench` prints the tables of docs/method.md. Eight daily counts are drawn from a known curve and the
intake closes on day 15. Exponential, Weibull, log-logistic and lognormal curves are fitted families; an
intake in two waves, one at a constant rate and a rush before the deadline are not. Each curve is observed
early, halfway and late, with 3,000 and 30,000 claims, with and without over-dispersion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from scipy import special

from outage_analysis.errors import ModelRefused
from outage_analysis.losses import Branch, forecast_late_claims
from outage_analysis.losses.development.growth_curves import Array, filed_shares

pytestmark = pytest.mark.bench

RUNS = 10
DAYS, CLOSES = 8, 15
EDGES = np.append(np.arange(DAYS + 1.0), [CLOSES - 1.0, CLOSES])
"""The opening, the ends of the observed days, the beginning and the end of the last day."""
SHARES = (0.35, 0.6, 0.85)
"""Share of all claims that are filed by the last count."""
FILED = (3_000, 30_000)
"""Claims expected by the last count."""
PHIS = (1, 3)
RUSH = 2.0
"""Further claims on the last day, in multiples of that day's claims, in the curve with a rush."""


class Run(NamedTuple):
    """One forecast and what came."""

    curve: str
    observed: float
    filed: int
    phi: int
    came: int
    expected: float | None
    inside: bool | None


def family(name: str, shape: float, observed: float) -> Array:
    """Shares between `EDGES` of a curve of which a given share is filed by the last count."""
    medians = DAYS * np.exp(np.linspace(-9, 9, 2001))
    filed = filed_shares(name, np.full(2001, shape), medians, np.array([0.0, DAYS]))[:, 0]
    median = np.exp(np.interp(-observed, -filed, np.log(medians)))
    return filed_shares(name, np.array(shape), median, EDGES)


def two_waves(_: float) -> Array:
    """Shares of an intake that begins again on day 4: half of the claims come in each wave."""
    waves = [1 - 0.5 ** (np.maximum(EDGES - begins, 0) / 2.5) for begins in (0, 4)]
    return np.asarray(np.diff(sum(waves) / 2))


def rush(observed: float) -> Array:
    """A Weibull curve with further claims on the last day."""
    p = family("weibull", 0.8, observed)
    return np.append(p[:-1], p[-1] * (1 + RUSH))


CURVES: dict[str, tuple[Callable[[float], Array], float | None]] = {
    "exponential": (lambda s: family("exponential", 1.0, s), 0.0),
    "Weibull 0.8": (lambda s: family("weibull", 0.8, s), 0.0),
    "Weibull 1.5": (lambda s: family("weibull", 1.5, s), 0.0),
    "log-logistic 0.8": (lambda s: family("loglogistic", 0.8, s), 0.0),
    "log-logistic 1.5": (lambda s: family("loglogistic", 1.5, s), 0.0),
    "lognormal 0.8": (lambda s: family("lognormal", 0.8, s), 0.0),
    "lognormal 1.5": (lambda s: family("lognormal", 1.5, s), 0.0),
    "two waves": (two_waves, 0.0),
    "constant rate": (lambda _: np.diff(EDGES) / CLOSES, 0.0),
    "rush, not stated": (rush, None),
    "rush, stated": (rush, RUSH),
}
"""Shares between `EDGES` by the share observed, and the spike that the branch states."""
HELD_OUT: dict[str, Callable[[Array], Array]] = {
    "gamma 0.7": lambda x: special.gammainc(0.7, x),
    "gamma 2": lambda x: special.gammainc(2.0, x),
    "Gompertz": lambda x: -np.expm1(-0.5 * np.expm1(np.minimum(x, 50))),
    "half fast, half slow": lambda x: -np.expm1(-3 * x) / 2 - np.expm1(-x / 2) / 2,
}
"""Shares filed by each time of curves that nobody looked at while the limits of a refusal were chosen."""
ONE_SHARE = ("two waves", "constant rate")
"""Curves whose share observed is their own."""


def scaled(filed_by: Callable[[Array], Array], observed: float) -> Array:
    """Shares between `EDGES` of a curve stretched so that a given share is filed by the last count."""
    scales = DAYS * np.exp(np.linspace(6, -6, 4001))
    scale = np.exp(np.interp(observed, filed_by(DAYS / scales), np.log(scales)))
    return np.asarray(np.diff(filed_by(EDGES / scale)))


CURVES |= {name: (partial(scaled, filed_by), 0.0) for name, filed_by in HELD_OUT.items()}


def runs(curve: str, number: int = RUNS) -> Iterator[Run]:
    """Forecasts of one curve over the grid."""
    of, spike = CURVES[curve]
    for share in SHARES[-1:] if curve in ONE_SHARE else SHARES:
        p = of(share)
        for filed in FILED:
            mean = p * filed / p[:DAYS].sum()
            for phi in PHIS:
                rng = np.random.default_rng([len(curve), int(100 * share), filed, phi])
                for _ in range(number):
                    drawn = (
                        rng.poisson(mean) if phi == 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
                    )
                    seen, came = np.cumsum(drawn[:DAYS]).tolist(), int(drawn[DAYS:].sum())
                    found: tuple[float | None, bool | None] = (None, None)
                    try:
                        made = forecast_late_claims(
                            EDGES[1 : DAYS + 1].tolist(), seen, [Branch("end", CLOSES, spike)]
                        )
                    except ModelRefused:
                        pass
                    else:
                        low, high = made.late["end"].interval(0.8)
                        found = (made.late["end"].mean, low <= came <= high)
                    yield Run(curve, share, filed, phi, came, *found)


def summary(every: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Forecasts, refusals, coverage and mean bias by some of the columns of a run."""
    answered = pl.col("expected").is_not_null()
    bias = pl.col("expected").filter(answered).sum() / pl.col("came").filter(answered).sum() - 1
    return every.group_by(*by, maintain_order=True).agg(
        pl.len().alias("runs"),
        (1 - answered.mean()).alias("refused"),
        pl.col("inside").mean().alias("covered"),
        (pl.col("inside").mean() * (1 - pl.col("inside").mean()) / answered.sum()).sqrt().alias("error"),
        pl.when(answered.any()).then(bias).alias("bias"),
    )


def printed(table: pl.DataFrame) -> None:
    """A table as Markdown."""
    with pl.Config(
        tbl_formatting="MARKDOWN", tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True, tbl_rows=-1
    ):
        print(
            f"\n{table.with_columns((pl.col('refused', 'covered', 'error', 'bias') * 100).round(1))}",
            flush=True,
        )


def test_intervals_cover_and_means_are_not_biased_or_the_model_refuses() -> None:
    start = time.perf_counter()
    every = pl.DataFrame(
        [run for curve in CURVES if curve not in HELD_OUT for run in runs(curve)], orient="row"
    )
    by_curve = summary(every, "curve")
    printed(by_curve)
    printed(summary(every, "observed", "filed", "phi"))
    print(f"{(time.perf_counter() - start) / len(every) * 1000:.0f} ms per forecast")
    answered = by_curve.filter(pl.col("refused") < 0.9)
    assert set(CURVES) - set(HELD_OUT) - set(answered["curve"]) == {
        "two waves",
        "constant rate",
        "rush, not stated",
    }
    check_criterion(answered)


@pytest.mark.xfail(reason="curves that no fitted family resembles are answered, and too narrowly")
def test_curves_that_were_held_out_meet_the_criterion_too() -> None:
    every = pl.DataFrame([run for curve in HELD_OUT for run in runs(curve, RUNS // 2)], orient="row")
    by_curve = summary(every, "curve")
    printed(by_curve)
    check_criterion(by_curve)


def check_criterion(table: pl.DataFrame) -> None:
    """Fail where intervals contain too few or too many late counts, beyond noise, or means are biased."""
    for curve, covered, bias, error in table.select("curve", "covered", "bias", "error").iter_rows():
        assert 0.72 - 2 * error <= covered <= 0.88 + 2 * error, curve
        assert abs(bias) <= 0.1, curve
