"""Forecasts of late claims on drawn intakes of known curves: writes tables of validation.md and losses.md.

Ten daily counts are drawn, 20,000 claims are expected by the deadline, and 30, 50 or 70 % of them by the
last count. The deadline is 1.5, 2 or 3 times as far from the opening as the last count. Each intake is
forecast without and with a stated rush on the last day. A deadline that would cut off more than four fifths
of a curve is left out: nobody sets one.
`python -m tests.studies.late_claims` writes; it takes about ten minutes.

The cost of an open intake: claims have losses in three bands of a policy, four fifths are accepted, and the
deadline is twice as far as the last count. The range is that of a run as of the last count; the true cost is
drawn from all claims. `python -m tests.studies.late_claims costs` writes; it takes about four minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from outage_analysis import costs
from outage_analysis.analysis import Analysis, open_intake, run
from outage_analysis.claims import Claims
from outage_analysis.errors import ModelRefused
from outage_analysis.losses import Branch, Channel
from outage_analysis.losses.late_claims import increments_from_counts, supported_late_count, weigh_curves
from tests.paths import ROOT

VALIDATION, LOSSES_PAGE = ROOT / "docs" / "validation.md", ROOT / "docs" / "losses.md"
START, END = (
    "<!-- late claims: written by tests/studies/late_claims.py -->\n",
    "<!-- end of late claims -->\n",
)
Array = NDArray[np.float64]
Curve = Callable[[Array], Array]
DAYS, SIZE, INTAKES = 10, 20_000, 200
SEEN, HORIZONS, RUSHES = (0.3, 0.5, 0.7), (1.5, 2.0, 3.0), (0.0, 1.5)
LEAST_FILED = 0.2
"""The smallest share of all claims of a curve that the deadline lets in."""
REFUSED = {0.3: 0.30, 0.5: 0.15, 0.7: 0.10}
"""The largest share of refused forecasts by share seen."""
COVERED, BIASED = (0.72, 0.88), 0.05
FAMILIES: Mapping[str, tuple[Callable[..., Array], tuple[float, ...]]] = {
    "exponential": (lambda x, a: -np.expm1(-a * x), (1.0,)),
    "Weibull": (lambda x, a: -np.expm1(-(x**a)), (0.5, 0.6, 0.8, 1.3, 1.6, 2.0)),
    "lognormal": (lambda x, a: special.ndtr(np.log(x) / a), (0.7, 1.0, 1.5, 2.0)),
    "log-logistic": (lambda x, a: special.expit(a * np.log(x)), (0.8, 1.0, 1.5, 2.5)),
}
"""The share filed by a time, and the shapes, of the curves that the forecast is made for."""
OTHERS: Mapping[str, tuple[Callable[..., Array], tuple[float, ...]]] = {
    "gamma": (lambda x, a: special.gammainc(a, x), (0.7, 2.0)),
    "Gompertz": (lambda x, a: -np.expm1(-a * np.expm1(np.minimum(x, 50))), (0.5,)),
    "half fast, half slow": (lambda x, a: -np.expm1(-a * x) / 2 - np.expm1(-x / a) / 2, (3.0,)),
}
"""Curves that no one looked at while the forecast was made."""
Cell = tuple[str, float, float, float, Array]
Families = Mapping[str, tuple[Callable[..., Array], tuple[float, ...]]]


def expected_shares(curve: Curve, seen: float, horizon: float) -> Array | None:
    """The shares of the claims until the deadline by day, and those between; None if there is no such intake.

    The last but one share is of the days from the last count to the beginning of the last day.
    """
    scales = np.exp(np.linspace(-13, 13, 20_001))
    with np.errstate(all="ignore"):
        closed = curve(horizon * scales)
        ratio = curve(scales) / closed
    possible = (closed > LEAST_FILED) & (ratio <= seen)
    if not possible.any() or possible.all():
        return None
    scale = scales[possible][-1]
    if curve(np.array(scale * 1.01)) / curve(np.array(horizon * scale * 1.01)) < seen:
        return None
    last = horizon * DAYS
    edges = np.array([*range(1, DAYS + 1), last - 1, last]) / DAYS
    filed = curve(scale * edges)
    return np.asarray(np.diff(filed, prepend=0.0) / filed[-1])


def cells(families: Families, horizons: tuple[float, ...]) -> Iterator[Cell]:
    """Family, shape, share seen, horizon and expected shares of all intakes that exist."""
    for family, (filed, shapes) in families.items():
        for shape, seen, horizon in product(shapes, SEEN, horizons):
            shares = expected_shares(partial(filed, a=shape), seen, horizon)
            if shares is not None:
                yield family, shape, seen, horizon, shares


def forecasts(
    families: Families = FAMILIES,
    *,
    horizons: tuple[float, ...] = HORIZONS,
    phi: int = 1,
    size: int = SIZE,
    intakes: int = INTAKES,
) -> pl.DataFrame:
    """One row per intake and rush: what was forecast, and what came; nulls where a forecast was refused."""
    rows = []
    for number, (family, shape, seen, horizon, shares) in enumerate(cells(families, horizons)):
        rng, mean = np.random.default_rng([number, phi, size]), size * shares
        for _ in range(intakes):
            drawn = rng.poisson(mean) if phi == 1 else rng.negative_binomial(mean / (phi - 1), 1 / phi)
            extra = rng.poisson(RUSHES[1] * mean[-1])
            curves = weigh_curves(
                increments_from_counts(range(1, DAYS + 1), np.cumsum(drawn[:DAYS]).tolist())
            )
            for rush in RUSHES:
                final = int(drawn.sum() + (extra if rush else 0))
                row = (family, shape, seen, horizon, rush, final)
                try:
                    late = supported_late_count(curves, Branch("end", horizon * DAYS, rush), horizon * DAYS)
                except ModelRefused:
                    rows.append((*row, None, None, None))
                else:
                    low, median, high = late.counted + late.quantiles([0.1, 0.5, 0.9])
                    rows.append((*row, low, median, high))
    names = ("curve", "shape", "seen", "horizon", "rush", "final", "low", "median", "high")
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def summary(table: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Forecasts, refusals, coverage and bias of the median, by some of the columns."""
    answered, final = pl.col("median").is_not_null(), pl.col("final")
    return table.group_by(*by, maintain_order=True).agg(
        pl.len().alias("forecasts"),
        (1 - answered.mean()).alias("refused"),
        final.is_between("low", "high").mean().alias("covered"),
        (final < pl.col("low")).mean().alias("below"),
        (final > pl.col("high")).mean().alias("above"),
        (pl.col("median") / final - 1).median().alias("bias"),
    )


def misses(table: pl.DataFrame) -> pl.DataFrame:
    """Those rows of a summary that are outside the criterion of coverage or bias."""
    return table.filter(~pl.col("covered").is_between(*COVERED) | (pl.col("bias").abs() > BIASED))


def markdown(table: pl.DataFrame) -> str:
    """A summary as Markdown, shares in per cent."""
    shares = {"seen", "refused", "covered", "below", "above", "bias"}
    numbers = {"shape", "seen", "horizon", "rush", "forecasts", *shares}

    def cell(name: str, value: object) -> str:
        if value is None:
            return ""
        if name in shares:
            percent = 100 * float(str(value))
            return f"{percent:+.1f}" if name == "bias" else f"{percent:.0f}"
        return (
            f"{value:,}"
            if isinstance(value, int)
            else f"{value:g}"
            if isinstance(value, float)
            else str(value)
        )

    head = f"| {' | '.join(table.columns)} |\n"
    rule = f"| {' | '.join('---:' if name in numbers else '---' for name in table.columns)} |\n"
    rows = (zip(table.columns, row, strict=True) for row in table.iter_rows())
    return head + rule + "".join(f"| {' | '.join(cell(*pair) for pair in row)} |\n" for row in rows)


def tables() -> str:
    """All tables of the page."""
    every = forecasts()
    single = summary(every, "curve", "shape", "seen", "horizon")
    missed = misses(single)
    few = INTAKES // 10
    harder: dict[str, dict[str, Any]] = {
        "deadline at 5 times the time observed": {"horizons": (5.0,)},
        "over-dispersion 3": {"phi": 3},
        "5,000 claims": {"size": 5_000},
    }
    stressed = [
        summary(forecasts(**options, intakes=few), "seen").select(pl.lit(name).alias("intakes"), pl.all())
        for name, options in harder.items()
    ]
    others = summary(forecasts(OTHERS, intakes=few), "curve", "shape", "seen")
    parts = (
        summary(every, "curve", "seen", "horizon"),
        summary(every, "seen", "rush"),
        missed,
        pl.concat(stressed),
        others,
    )
    heads = (
        "All in per cent, pooled over shapes and rushes:",
        "With and without a rush:",
        f"Single shapes outside the criterion, {len(missed)} of {len(single)}:",
        f"The same curves under harder conditions, {few} intakes for each shape, share and horizon:",
        "Curves that were held out:",
    )
    return "".join(f"{head}\n\n{markdown(part)}\n" for head, part in zip(heads, parts, strict=True))


LOSSES, SHARES, PAYMENTS = (100_000, 400_000, 900_000), (0.5, 0.3, 0.2), (30_000, 50_000, 0)
ACCEPTED, COST_DRAWS, COST_HORIZON, COST_INTAKES = 0.8, 2_048, 2.0, 200
COST_CURVES: Families = {
    name: (FAMILIES[name][0], shapes)
    for name, shapes in {
        "exponential": (1.0,),
        "Weibull": (0.6, 1.6),
        "lognormal": (1.0,),
        "log-logistic": (1.5,),
    }.items()
}
OPENED = date(2026, 3, 2)
UNTIL, CLOSES = (OPENED + timedelta(days=round(days) - 1) for days in (DAYS, COST_HORIZON * DAYS))


def cost_of(claims: pl.DataFrame) -> Analysis:
    """A run of claims as of the last count, with a certain acceptance."""
    tiers = {300_000: PAYMENTS[0], 500_000: PAYMENTS[1]}
    certain = {"acceptance-form": ACCEPTED}
    return run(claims, tiers=tiers, rows="filed", closes=CLOSES, changes=certain, draws=COST_DRAWS)


@cache
def cost_case() -> Analysis:
    """The run of one claim per band: its documents are those of all intakes."""
    columns = {"claim_id": ["1", "2", "3"], "service": "app", "filed_on": UNTIL, "loss (KRW)": LOSSES}
    return cost_of(pl.DataFrame(columns))


def cost_range(seen: Array, bands: Array) -> tuple[float, float, float] | None:
    """The P10, median and P90 of the cost that a run computes from the counts by day and by band; or None."""
    case = cost_case()
    counts = tuple(np.cumsum(seen).astype(int).tolist())
    opened = datetime.combine(OPENED, time(), case.incident.zone)
    channel = Channel(opened, case.incident.zone, tuple(range(1, DAYS + 1)), counts, starts=OPENED)
    dated = cast("Claims", SimpleNamespace(synthetic=False))
    with mock.patch.object(open_intake, "counts_by", return_value=lambda _: channel):
        known, refused = open_intake.with_late_claims(
            case.ledger, (case.policy,), dated, case.incident, UNTIL
        )
    if refused or known is None:
        return None
    claims, losses = pl.Series("claims", bands.astype(int)), pl.Series("loss", LOSSES)
    cube = case.cubes["cost"]
    squared = (claims * losses * losses).cast(cube.frame.schema["loss_squared"])
    frame = cube.frame.sort("over").with_columns(
        claims, (claims * losses).alias("loss"), squared.alias("loss_squared")
    )
    lines = costs.compiled_lines(case.policy, known, as_of=UNTIL, cubes=[replace(cube, frame=frame)])
    portfolio = costs.expected.portfolio_of_lines(lines, known, UNTIL)
    total = costs.simulate(portfolio, draws=COST_DRAWS).totals["cash"]
    low, median, high = (total.quantile(p).value for p in (0.1, 0.5, 0.9))
    return low, median, high


def cost_forecasts(intakes: int = COST_INTAKES) -> pl.DataFrame:
    """One row per intake: the range of its cost while it was open, and its true final cost as `final`."""
    rows: list[tuple[object, ...]] = []
    for number, (curve, shape, seen, _, shares) in enumerate(cells(COST_CURVES, (COST_HORIZON,))):
        rng = np.random.default_rng([number, 41])
        for _ in range(intakes):
            drawn = rng.poisson(SIZE * shares)
            so_far, late = (rng.multinomial(n.sum(), SHARES) for n in np.split(drawn, [DAYS]))
            final = rng.binomial(so_far + late, ACCEPTED) @ np.array(PAYMENTS)
            found = cost_range(drawn[:DAYS].astype(float), so_far.astype(float))
            rows.append((curve, shape, seen, float(final), *(found or (None, None, None))))
    names = ("curve", "shape", "seen", "final", "low", "median", "high")
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def write(page: Path, mark: str, tables: str) -> None:
    """Write tables between the marks of a page."""
    start, end = (f"<!-- {mark}: written by tests/studies/late_claims.py -->\n", f"<!-- end of {mark} -->\n")
    before, rest = page.read_text("utf-8").split(start)
    page.write_text(before + start + tables + end + rest.split(end)[1], "utf-8")


def main() -> None:
    """Write the tables into their page."""
    if sys.argv[1:] == ["costs"]:
        write(LOSSES_PAGE, "late costs", markdown(summary(cost_forecasts(), "curve", "shape", "seen")))
    else:
        write(VALIDATION, "late claims", tables())


if __name__ == "__main__":
    main()
