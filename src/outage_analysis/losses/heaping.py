"""Where told losses heap: on round sums, and at the edges of a policy. Read from the claims themselves.

People round, and they know what pays: a band that ends where a heap sits can hold a tenth more or less
of all claims by its closed side alone. These tables go with every distribution.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from outage_analysis.claims import Claims, queries, quoted
from outage_analysis.errors import UsageError
from outage_analysis.files import nearest

STEPS = tuple(10**power for power in range(1, 9))
"""Steps of the smallest unit by which losses are tried for roundness."""
WINDOW = 0.1
"""How far from an edge its neighbours reach: too little to meet the next round sum of the same size."""


def heaping_table(claims: Claims) -> pl.DataFrame:
    """One row a step up to the largest loss: step (smallest unit), claims on a multiple of it, their share.

    `even` is the share that losses without any preference would have.
    """
    frame = claims.warehouse.frame(queries.load("heaping"), steps=list(STEPS))
    return frame.filter(pl.col("claims") > 0).select(
        "step",
        "claims",
        share=(pl.col("claims") / pl.col("losses")).round_sig_figs(10),
        even=1 / pl.col("step"),
    )


def heaps_table(claims: Claims, most: int = 10) -> pl.DataFrame:
    """The losses told most often, each by at least two claims.

    Args:
        claims: what `read_claims` returned.
        most: rows at most.

    Returns:
        `loss` (above 0, in the smallest unit), `claims`, `share` (of the claims with a loss above 0); the
        most frequent first, of equally frequent ones the smaller.
    """
    frame = claims.warehouse.frame(queries.load("heaps"))
    share = (pl.col("claims") / pl.col("claims").sum()).round_sig_figs(10)
    return frame.with_columns(share=share).filter(pl.col("claims") > 1).head(most)


def bunching_table(
    claims: Claims, edges: Sequence[int], *, window: float = WINDOW, by: str | None = None
) -> pl.DataFrame:
    """One row an edge of a policy: the losses exactly at it, beside those near it and those as round.

    Round sums gather claims without any policy, so the losses at an edge are held against the two next
    sums that are as round: one more and one less of its last digit that is not 0 (200,000 and 400,000
    for 300,000), or half and double a power of ten. Losses grow rarer with size, and a five is told
    oftener than a four or a six, so their mean is a rough guide: an excess, or more claims just below
    than just above, is a sign and no proof.

    Args:
        claims: what `read_claims` returned.
        edges: as they were announced, in the smallest unit; none gives a table without rows.
        window: the reach of the neighbours, as a share of the edge, between 0 and 1.
        by: a row for each value of this column too: service, claimant_type, filed_on or a dimension of texts.

    Returns:
        `by`, `edge`, `losses` (claims with a loss above 0), `below`, `at_edge`, `above` (strictly within the
        window), `ratio` (below over above, null without any above), `alike` (mean claims at the two sums
        as round, null for an edge of 1), `excess` (at_edge less alike), `up_to_share` and `under_share`
        (of the losses: those up to the edge, and those under it: the two readings of one word).

    Raises:
        UsageError: an edge below 1, a window outside 0 to 1, no such column.
        DisclosureBlocked: `by` holds personal data.
    """
    if any(edge < 1 for edge in edges):
        raise UsageError("an edge is a whole number above 0", value=list(edges))
    if not 0 < window < 1:
        raise UsageError("the window is a share of the edge, between 0 and 1", value=window)
    if by is not None:
        _check_column(claims, by)
    edges, keys = sorted(set(edges)), [] if by is None else [by]
    frame = claims.warehouse.frame(
        queries.load("bunching", by="".join(f"{quoted(key)}, " for key in keys)),
        edges=edges,
        reaches=[round(edge * window) for edge in edges],
        lower=[_equally_round_neighbours(edge)[0] for edge in edges],
        higher=[_equally_round_neighbours(edge)[1] for edge in edges],
    )
    at_edge, under, losses = pl.col("at_edge"), pl.col("under"), pl.col("losses")
    alike = pl.when(pl.col("edge") > 1).then(pl.col("as_round") / 2)
    return frame.select(
        *keys,
        *("edge", "losses", "below", "at_edge", "above"),
        ratio=pl.when(pl.col("above") > 0).then(pl.col("below") / pl.col("above")),
        alike=alike,
        excess=at_edge - alike,
        up_to_share=(under + at_edge) / losses,
        under_share=under / losses,
    ).with_columns(pl.col(pl.Float64).round_sig_figs(10))


def _equally_round_neighbours(edge: int) -> tuple[int, int]:
    """The next sums below and above that are as round as the edge."""
    digits = str(edge)
    step = 10 ** (len(digits) - len(digits.rstrip("0")))
    return (edge // 2, edge * 2) if edge == step else (edge - step, edge + step)


def _check_column(claims: Claims, by: str) -> None:
    texts = [d.id for d in claims.incident.dimensions if d.kind == "text"]
    known = ["service", "claimant_type", "filed_on", *texts]
    if by not in known:
        raise UsageError("no such column to group by", value=by, remedy=nearest(by, known))
    if by in texts:  # a table leaves the warehouse
        claims.refuse_personal([by])
