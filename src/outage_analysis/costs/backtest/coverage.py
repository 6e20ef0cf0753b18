"""How the rule for priors would have done on its own reference classes: each against the others."""

from __future__ import annotations

import polars as pl

from outage_analysis.assumptions import Ledger, RateAssumption
from outage_analysis.assumptions.rule import LEVEL, leave_one_out, published_spread
from outage_analysis.published import figure
from outage_analysis.retrospects import Retrospect

COVERAGE: dict[str, pl.DataType] = {
    "set": pl.String(),
    "class": pl.String(),
    "share": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "inside": pl.Boolean(),
    "percentile": pl.Float64(),
}


def coverage(page: Retrospect, ledger: Ledger) -> pl.DataFrame:
    """Every set of classes that the ledger rests on or that the page names, one class left out at a time.

    Returns:
        The columns of `COVERAGE`, one row a set and class: its share, the 80 % interval that the rule makes
        from the others, and where the class lies in it. The pooled spread leaves out every source of the
        set, the class that is tried among them. Assumptions with the same classes are one set; a set of one
        class has a row without an interval.

    Raises:
        ModelRefused: a class that was not public by the forecast day.
    """
    sets: dict[tuple[str, ...], list[str]] = {}
    stated = [(a.id, a.classes) for a in ledger.assumptions if isinstance(a, RateAssumption) and a.classes]
    for name, classes in (*stated, *((s.id, s.classes) for s in page.reference_sets)):
        sets.setdefault(tuple(sorted(classes)), []).append(name)
    frames = [pl.DataFrame(schema=COVERAGE)]
    for classes, names in sets.items():
        shares = {c: figure(c, public_by=page.as_of).middle / 100 for c in classes}
        tried = pl.DataFrame({"class": shares.keys(), "share": shares.values()})
        if len(shares) > 1:
            tried = leave_one_out(shares, LEVEL, published_spread(classes))
        frames.append(tried.with_columns(pl.lit(" ".join(names)).alias("set")))
    return pl.concat(frames, how="diagonal").select(*COVERAGE)
