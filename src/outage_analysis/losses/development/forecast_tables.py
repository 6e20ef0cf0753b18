"""Tables of the forecast of late claims, for the command line, notebooks and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.development.intake_counts import Channel
from outage_analysis.losses.development.late_claims import LateClaimsForecast
from outage_analysis.losses.development.late_count import Branch
from outage_analysis.text import FLOAT, Column, TableSchema

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
AN_HOUR = 1 / 24
BRANCH = Column("branch", "word", "Way in which the intake may end.")
LEVEL = Column("level", "share", "Probability level of the interval.", label="interval_level")
CLOSES = Column("closes", "text", "Closing time of the branch.")
FORECAST_BRANCHES: TableSchema = TableSchema(
    "One row per branch and level.",
    (
        BRANCH,
        Column("by", "text", "Time up to which claims are counted."),
        Column("counted", "count", "Claims filed so far."),
        Column("late", "count", "Expected number of claims still to come.", FLOAT),
        Column("total", "count", "Expected total number of claims.", FLOAT),
        Column("median", "count", "Median of the total."),
        LEVEL,
        Column("low", "count", "Lower end of the interval of the total.", label="value_low"),
        Column("high", "count", "Upper end of the interval of the total.", label="value_high"),
    ),
)
LATE_BOUNDS: TableSchema = TableSchema(
    "One row per branch and bound.",
    (
        BRANCH,
        CLOSES,
        Column("bound", "word", "low or high."),
        Column("late", "count", "Claims still to come."),
        Column("total", "count", "Total number of claims."),
    ),
)
HINDSIGHT: TableSchema = TableSchema(
    "One row per branch and level.",
    (
        BRANCH,
        Column("ended_so", "flag", "Whether the intake ended at the closing time of the branch."),
        LEVEL,
        Column("low", "count", "Lower end of the interval of the total.", label="value_low"),
        Column("high", "count", "Upper end of the interval of the total.", label="value_high"),
        Column("outcome", "count", "The final number of claims.", label="observed"),
        Column("inside", "flag", "Whether the interval contains it."),
        Column("probability_below", "share", "Forecast probability of fewer, plus half that of this number."),
    ),
)
POINTS: TableSchema = TableSchema(
    "One row per count.",
    (
        Column("at", "text", "Time of the count."),
        Column("days", "decimal", "Days since the opening."),
        Column("cumulative", "count", "Claims so far."),
        Column("increment", "count", "Claims since the previous count."),
        Column("daily_rate", "decimal", "Claims per day since the previous count."),
    ),
)
CURVE_FORECASTS: TableSchema = TableSchema(
    "One row per branch, curve family and level.",
    (
        BRANCH,
        Column("family", "word", "Family of growth curves."),
        Column("weight", "share", "Weight of the family."),
        Column("median", "count", "Median of the total."),
        LEVEL,
        Column("low", "count", "Lower end of the interval of the total.", label="value_low"),
        Column("high", "count", "Upper end of the interval of the total.", label="value_high"),
    ),
)
CURVE_SPREAD: TableSchema = TableSchema(
    "One row per branch and level.",
    (
        BRANCH,
        LEVEL,
        Column("median_least", "count", "Smallest median of the total among the families."),
        Column("median_most", "count", "Largest median of the total among the families."),
        Column("low_least", "count", "Smallest lower end among the families."),
        Column("low_most", "count", "Largest lower end among the families."),
        Column("high_least", "count", "Smallest upper end among the families."),
        Column("high_most", "count", "Largest upper end among the families."),
    ),
)
LATE_VARIANCE: TableSchema = TableSchema(
    "One row per branch.",
    (
        BRANCH,
        Column("phi", "decimal", "Over-dispersion: variance of an increment divided by its mean."),
        Column("process", "decimal", "Variance from chance."),
        Column("parameter", "decimal", "Variance from the parameters of the curves."),
        Column("model", "decimal", "Variance between curve families."),
        Column("variance", "decimal", "Sum of the three."),
        Column("deviation", "decimal", "Standard deviation."),
    ),
)
WEEKDAY_FACTORS: TableSchema = TableSchema(
    "One row per weekday.",
    (
        Column("weekday", "word", "The weekday."),
        Column("factor", "decimal", "Its claims relative to the mean.", label="weekday_factor"),
    ),
)
DEADLINE_SPIKES: TableSchema = TableSchema(
    "One row per former deadline.",
    (
        Column("deadline", "text", "Time of the deadline."),
        Column("filed", "count", "Claims in the increments beside it.", label="claims_filed"),
        Column("expected", "count", "Claims that the curve expects in them.", FLOAT, label="usual_claims"),
        Column("multiple", "decimal", "Further claims as a multiple of a usual last day.", label="spike"),
    ),
)
TESTED_FORECASTS: TableSchema = TableSchema(
    "One row per origin, later count and level.",
    (
        Column("origin", "text", "Time from which the forecast was made."),
        Column("at", "text", "Time of the later count."),
        Column("expected", "count", "Forecast number of claims.", FLOAT),
        Column("actual", "count", "Counted number of claims."),
        Column("pit", "share", "Forecast probability of fewer, plus half that of this number."),
        LEVEL,
        Column("low", "count", "Lower end of the interval.", label="value_low"),
        Column("high", "count", "Upper end of the interval.", label="value_high"),
        Column("inside", "flag", "Whether the interval contains the count."),
    ),
)
INTERVAL_COVERAGE: TableSchema = TableSchema(
    "One row per level.",
    (
        LEVEL,
        Column("origins", "count", "Number of times from which forecasts were made."),
        Column("forecasts", "count", "Number of forecasts."),
        Column("inside", "count", "Intervals that contain the later count."),
        Column("share", "share", "Their share of the forecasts."),
    ),
)
DIGITS = 7
"""Tables are rounded to this many significant digits: the last bits of results differ between processors."""


def late_claim_tables(
    channel: Channel,
    *,
    by: date | None = None,
    level: float = 0.8,
    ended: tuple[datetime, int] | None = None,
    tested: bool = False,
) -> dict[str, pl.DataFrame]:
    """Forecast the late claims (claims still to be filed), and return the tables of the forecast by name.

    Args:
        channel: the claim counts, and the branches (the ways in which the intake may end).
        by: count only late claims filed up to the end of this day.
        level: the probability level of the intervals.
        ended: the moment at which the intake ended and the final number of claims, for the table `hindsight`.
        tested: whether to add a back-test, as the tables `backtest` and `coverage`.

    Returns:
        `points` (the counts), the tables of `forecast_tables` if a branch has a forecast, `bounds` for
        branches without a forecast, `hindsight` if `ended` is given, and `left_out` (notes).

    Raises:
        ModelRefused: no claim was filed, or a back-test is requested and no origin can be tested.
        UsageError: a branch closes before the last count, or the day `by` is before the last count.
    """
    tables = _unrounded_tables(channel, by, level, ended, tested=tested)
    return {
        name: table.with_columns(pl.col(pl.Float64).round_sig_figs(DIGITS)) for name, table in tables.items()
    }


def _unrounded_tables(
    channel: Channel, by: date | None, level: float, ended: tuple[datetime, int] | None, *, tested: bool
) -> dict[str, pl.DataFrame]:
    tables = {"points": channel.points()}
    try:
        forecast = channel.forecast(by=None if by is None else channel.end_of(by), levels=(level,))
    except ModelRefused as refusal:
        untested = ["no back-test: there is no forecast to test"] if tested else []
        tables |= _bounds_tables(channel, [f"no growth curve: {refusal}", *untested])
        if ended:
            tables["hindsight"] = _bounds_hindsight_table(channel, *ended)
        return tables
    tables |= forecast_tables(channel, forecast)
    if forecast.refused:
        without = channel.with_branches(*(b for b in channel.branches if b.id in forecast.refused))
        tables |= _bounds_tables(without, tables["left_out"]["note"])
    if ended:
        tables["hindsight"] = hindsight_table(channel, forecast, *ended)
    if tested:
        tested_origins = channel.backtest(level=level)
        moments = pl.col("origin", "at").map_elements(lambda t: _format_moment(channel, t), pl.String)
        tables["backtest"] = tested_origins.table.with_columns(moments)
        tables["coverage"] = tested_origins.coverage()
        more = pl.DataFrame({"note": [f"not tested from {reason}" for reason in tested_origins.refused]})
        tables["left_out"] = pl.concat([tables["left_out"], more], how="vertical_relaxed")
    return tables


def _bounds_tables(channel: Channel, notes: Iterable[str]) -> dict[str, pl.DataFrame]:
    """The tables `bounds` (bounds of the late claims per branch: closing scenario) and `left_out` (notes).

    The notes include the assumptions behind the bounds.
    """
    (assumptions, *_) = [bounds.assumptions for bounds in channel.bounds().values()]
    rests_on = f"low: {assumptions['low']}; high: {assumptions['high']}; {assumptions['breaks']}"
    left_out = list(dict.fromkeys([*channel.notes, *notes, rests_on]))
    return {"bounds": bounds_table(channel), "left_out": pl.DataFrame({"note": left_out})}


def forecast_tables(channel: Channel, forecast: LateClaimsForecast) -> dict[str, pl.DataFrame]:
    """The tables of a forecast of late claims, by table name.

    Returns:
        `branches` (late and total claims per branch), `families` (total claims per branch and curve family),
        `spread` (the smallest and largest median and interval ends among the families), `variance` (the
        variance of the late claims by source), `left_out` (one note per row), and if available `weekdays`
        (weekday factors) and `spikes` (extra claims before former deadlines).
    """
    closes = {late.branch: _format_moment(channel, late.by) for late in forecast.late.values()}
    spread = [
        {"branch": late.branch, "level": level, **late.spread(level)}
        for late in forecast.late.values()
        for level in forecast.levels
    ]
    tables = {
        "branches": forecast.table().with_columns(by=pl.col("branch").replace_strict(closes)),
        "families": forecast.families(),
        "spread": pl.DataFrame(spread).with_columns(pl.col("^.*_(least|most)$") + forecast.counted),
        "variance": forecast.variances(),
        "left_out": pl.DataFrame({"note": [*channel.notes, *forecast.notes]}, schema={"note": pl.String}),
    }
    if forecast.weekdays:
        tables["weekdays"] = pl.DataFrame({"weekday": WEEKDAYS, "factor": forecast.weekdays})
    if forecast.spikes:
        spikes = [
            {**vars(spike), "deadline": _format_moment(channel, spike.deadline)} for spike in forecast.spikes
        ]
        tables["spikes"] = pl.DataFrame(spikes)
    return tables


def bounds_table(channel: Channel) -> pl.DataFrame:
    """A table of the lower and the upper bound of the late claims for each branch (closing scenario).

    There is one row per bound. Columns: `branch`, `closes` (the closing time), `bound` (low or high), `late`
    and `total` (claims).
    """
    return pl.concat(
        bounds.table().select(
            pl.lit(branch).alias("branch"),
            pl.lit(_format_moment(channel, bounds.closes)).alias("closes"),
            "bound",
            "late",
            "total",
        )
        for branch, bounds in channel.bounds().items()
    )


def hindsight_table(channel: Channel, forecast: LateClaimsForecast, at: datetime, count: int) -> pl.DataFrame:
    """Compare the final number of claims with the forecast, which was made without this number.

    Args:
        channel: the claim counts and the branches.
        forecast: the forecast.
        at: when the intake ended.
        count: the final number of claims.

    Returns:
        One row per branch and level: `branch`, `ended_so` (whether the intake ended at the closing time of
        the branch), `level`, `low`, `high` (the interval of the total), `outcome` (the final count), `inside`
        (whether the interval contains the final count), and `probability_below` (the forecast probability of
        fewer claims plus half the probability of exactly this number). `inside` and `probability_below` are
        null if the intake did not end at the closing time of the branch.
    """
    rows: list[tuple[object, ...]] = []
    for branch in forecast.branches:
        late = forecast.late[branch.id]
        below, up_to = late.distribution.cdf([count - forecast.counted - 1, count - forecast.counted])
        ended_so = _closes_at(channel, branch, at) and late.by == branch.closes
        for level in forecast.levels:
            low, high = late.total(level)
            pit = float(below + up_to) / 2
            verdict = (low <= count <= high, pit) if ended_so else (None, None)
            rows.append((branch.id, ended_so, level, low, high, count, *verdict))
    return pl.DataFrame(rows, schema=HINDSIGHT.dtypes, orient="row")


def _bounds_hindsight_table(channel: Channel, at: datetime, count: int) -> pl.DataFrame:
    rows = []
    for branch in channel.branches:
        bounds = channel.bounds()[branch.id]
        low, high = bounds.counted, bounds.counted + bounds.max_late
        ended_so = _closes_at(channel, branch, at)
        inside = low <= count <= high if ended_so else None
        rows.append((branch.id, ended_so, None, low, high, count, inside, None))
    return pl.DataFrame(rows, schema=HINDSIGHT.dtypes, orient="row")


def _closes_at(channel: Channel, branch: Branch, at: datetime) -> bool:
    """Whether the closing time of a branch (closing scenario) is less than an hour from the moment `at`."""
    return abs(channel.days(at) - branch.closes) < AN_HOUR


def _format_moment(channel: Channel, days: float) -> str:
    return channel.moment(days).isoformat(timespec="minutes")
