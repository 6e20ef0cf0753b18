"""Tests of severity fits on synthetic losses: recovery of known parameters, and effects of rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from outage_analysis.claims import LossModel
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.fit_counts import loss_counts
from outage_analysis.losses.severity.fitting import fit_grouped

ROUND_EDGES = (0.0, *(float(m * 10**k) for k in range(3, 6) for m in (1, 2, 5)), float("inf"))
"""Band edges at the round amounts that claimants state most often."""


def recovery_table(cube: Cube, model: LossModel) -> pl.DataFrame:
    """Compare a lognormal distribution fitted to synthetic claims with the distribution that generated them.

    Args:
        cube: synthetic claims by claimant type.
        model: the lognormal distribution that generated the losses of its claimant types; other types are
            left out.

    Returns:
        One row per parameter: `parameter`, `true_value` (the generator's value), `estimate` (the fitted
        value), `low` and `high` (95 % interval), and `p`, the p-value of the goodness-of-fit test.
    """
    counts = loss_counts(cube, where={"claimant_type": list(model.claimant_types)}, recovery=True)
    fit = fit_grouped(counts.edges, counts.counts, family="lognormal", top="open")
    true_values = {"median": float(model.median), "sigma": model.sigma}
    rows = [(name, value, fit.value(name), *fit.interval(name)) for name, value in true_values.items()]
    names = ("parameter", "true_value", "estimate", "low", "high")
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(p=pl.lit(fit.gof.p))


def rounding_table(model: LossModel, claims: int, edges: Sequence[float], *, seed: int) -> pl.DataFrame:
    """Compare the fitted medians of exact losses and of the same losses rounded to one significant digit.

    Args:
        model: the lognormal distribution from which losses are sampled.
        claims: the number of losses to sample.
        edges: band edges that avoid round amounts; the fit is repeated with `ROUND_EDGES`.
        seed: the seed of the random numbers.

    Returns:
        One row per kind of loss and kind of edges: `losses`, `edges`, `true_value` (the true median),
        `estimate` (the fitted one), `low` and `high` (95 % interval).
    """
    exact = np.random.default_rng(seed).lognormal(np.log(model.median), model.sigma, claims)
    digit = 10 ** np.floor(np.log10(exact))
    rows = []
    for losses, amounts in {"exact": exact, "rounded to one digit": np.rint(exact / digit) * digit}.items():
        for where, cuts in {"between round sums": edges, "on round sums": ROUND_EDGES}.items():
            # side="right": a loss equal to an edge counts in the band below the edge, as in a cube.
            in_bands = np.diff(np.searchsorted(np.sort(amounts), cuts, side="right"))
            fit = fit_grouped(cuts, in_bands.tolist(), family="lognormal", top="open")
            rows.append((losses, where, float(model.median), fit.value("median"), *fit.interval("median")))
    names = ("losses", "edges", "true_value", "estimate", "low", "high")
    return pl.DataFrame(rows, schema=names, orient="row")
