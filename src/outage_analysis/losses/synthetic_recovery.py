"""Does a fit find again what the generator was given, and what does rounding do to it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from outage_analysis.claims import LossModel
from outage_analysis.losses.cube import Cube
from outage_analysis.losses.loss_summaries.fit_counts import loss_counts
from outage_analysis.losses.severity.fitting import fit_grouped

ROUND_EDGES = (0.0, *(float(m * 10**k) for k in range(3, 6) for m in (1, 2, 5)), float("inf"))
"""Edges on the sums that people tell most."""


def recovery_table(cube: Cube, law: LossModel) -> pl.DataFrame:
    """A lognormal law fitted to synthetic claims, beside the one that they were drawn from.

    Args:
        cube: synthetic claims by claimant type.
        law: of the claimant types that it names.

    Returns:
        One row a parameter: `parameter`, `put_in`, `found`, `low` and `high` (95 %), and `p`, how often a
        right law would fit as badly.
    """
    counts = loss_counts(cube, where={"claimant_type": list(law.claimant_types)}, recovery=True)
    found = fit_grouped(counts.edges, counts.counts, family="lognormal", top="open")
    put_in = {"median": float(law.median), "sigma": law.sigma}
    rows = [(name, value, found.value(name), *found.interval(name)) for name, value in put_in.items()]
    names = ("parameter", "put_in", "found", "low", "high")
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(p=pl.lit(found.gof.p))


def rounding_table(law: LossModel, claims: int, edges: Sequence[float], *, seed: int) -> pl.DataFrame:
    """The median of a law found again from losses that are exact, and from the same told to one digit.

    Args:
        law: that the losses are drawn from.
        claims: how many are drawn.
        edges: of the fit, away from round sums; `ROUND_EDGES` are the others.
        seed: of the losses.

    Returns:
        One row a kind of loss and of edges: `losses`, `edges`, `put_in`, `found`, `low`, `high` (95 %).
    """
    exact = np.random.default_rng(seed).lognormal(np.log(law.median), law.sigma, claims)
    digit = 10 ** np.floor(np.log10(exact))
    rows = []
    for losses, sums in {"exact": exact, "told to one digit": np.rint(exact / digit) * digit}.items():
        for where, cuts in {"between round sums": edges, "on round sums": ROUND_EDGES}.items():
            in_bands = np.diff(np.searchsorted(np.sort(sums), cuts, side="right"))  # closed above, as bands
            fit = fit_grouped(cuts, in_bands.tolist(), family="lognormal", top="open")
            rows.append((losses, where, float(law.median), fit.value("median"), *fit.interval("median")))
    return pl.DataFrame(rows, schema=("losses", "edges", "put_in", "found", "low", "high"), orient="row")
