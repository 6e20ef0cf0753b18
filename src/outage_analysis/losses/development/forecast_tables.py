"""The tables that answer how many claims are still to come: for the command line, notebooks and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from outage_analysis.errors import ModelRefused
from outage_analysis.losses.development.intake_counts import Channel
from outage_analysis.losses.development.late_claims import LateClaimsForecast
from outage_analysis.losses.development.late_count import Branch

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
AN_HOUR = 1 / 24
HINDSIGHT = {
    "branch": pl.String,
    "ended_so": pl.Boolean,
    "level": pl.Float64,
    "low": pl.Int64,
    "high": pl.Int64,
    "outcome": pl.Int64,
    "inside": pl.Boolean,
    "probability_below": pl.Float64,
}
DIGITS = 7
"""Significant digits of a table: the last bits of a grid differ from one processor to another."""


def late_claim_tables(
    channel: Channel,
    *,
    by: date | None = None,
    level: float = 0.8,
    ended: tuple[datetime, int] | None = None,
    tested: bool = False,
) -> dict[str, pl.DataFrame]:
    """Every table about the claims still to come, by name; bounds for branches without a forecast.

    Args:
        channel: the counts and the branches.
        by: count late claims up to the end of this day only.
        level: of the intervals.
        ended: when the intake ended and with how many claims, to be shown in hindsight.
        tested: whether to add the back-test: `backtest` and `coverage`.

    Returns:
        `points`; then what `forecast_tables` gives where a branch has a forecast; `bounds` of the
        branches that have none; `hindsight`; `left_out`.

    Raises:
        ModelRefused: nothing filed, or a back-test without an origin.
        UsageError: a branch or a day before the last count.
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
        made = channel.forecast(by=None if by is None else channel.end_of(by), levels=(level,))
    except ModelRefused as refusal:
        untested = ["no back-test: there is no forecast to test"] if tested else []
        tables |= _bounds_tables(channel, [f"no growth curve: {refusal}", *untested])
        if ended:
            tables["hindsight"] = _bounds_hindsight_table(channel, *ended)
        return tables
    tables |= forecast_tables(channel, made)
    if made.refused:
        without = channel.with_branches(*(b for b in channel.branches if b.id in made.refused))
        tables |= _bounds_tables(without, tables["left_out"]["note"])
    if ended:
        tables["hindsight"] = hindsight_table(channel, made, *ended)
    if tested:
        found = channel.backtest(level=level)
        moments = pl.col("origin", "at").map_elements(lambda t: _format_moment(channel, t), pl.String)
        tables |= {"backtest": found.table.with_columns(moments), "coverage": found.coverage()}
        more = pl.DataFrame({"note": [f"not tested from {reason}" for reason in found.refused]})
        tables["left_out"] = pl.concat([tables["left_out"], more], how="vertical_relaxed")
    return tables


def _bounds_tables(channel: Channel, notes: Iterable[str]) -> dict[str, pl.DataFrame]:
    """`bounds` of every branch of the channel, and `left_out` with what they rest on."""
    (assumes, *_) = [found.assumptions for found in channel.bounds().values()]
    rests_on = f"low: {assumes['low']}; high: {assumes['high']}; {assumes['breaks']}"
    left_out = list(dict.fromkeys([*channel.notes, *notes, rests_on]))
    return {"bounds": bounds_table(channel), "left_out": pl.DataFrame({"note": left_out})}


def forecast_tables(channel: Channel, made: LateClaimsForecast) -> dict[str, pl.DataFrame]:
    """Every table of a forecast, by name.

    Returns:
        `branches`, `families`, `spread` (the least and the most of their medians and of the ends of
        their intervals), `variance`, and `left_out` with a sentence a row; `weekdays` and `spikes`
        where there are any.
    """
    closes = {late.branch: _format_moment(channel, late.by) for late in made.late.values()}
    spread = [
        {"branch": late.branch, "level": level, **late.spread(level)}
        for late in made.late.values()
        for level in made.levels
    ]
    tables = {
        "branches": made.table().with_columns(by=pl.col("branch").replace_strict(closes)),
        "families": made.families(),
        "spread": pl.DataFrame(spread).with_columns(pl.col("^.*_(least|most)$") + made.counted),
        "variance": made.variances(),
        "left_out": pl.DataFrame({"note": [*channel.notes, *made.notes]}, schema={"note": pl.String}),
    }
    if made.weekdays:
        tables["weekdays"] = pl.DataFrame({"weekday": WEEKDAYS, "factor": made.weekdays})
    if made.spikes:
        spikes = [
            {**vars(spike), "deadline": _format_moment(channel, spike.deadline)} for spike in made.spikes
        ]
        tables["spikes"] = pl.DataFrame(spikes)
    return tables


def bounds_table(channel: Channel) -> pl.DataFrame:
    """One row a branch and bound: `branch`, `closes`, `bound`, `late`, `total`."""
    return pl.concat(
        found.table().select(
            pl.lit(branch).alias("branch"),
            pl.lit(_format_moment(channel, found.closes)).alias("closes"),
            "bound",
            "late",
            "total",
        )
        for branch, found in channel.bounds().items()
    )


def hindsight_table(channel: Channel, made: LateClaimsForecast, at: datetime, count: int) -> pl.DataFrame:
    """How it ended beside what was forecast; nothing before it was computed from this.

    Returns:
        One row a branch and level: `branch`, `ended_so` (whether the branch closes when the intake did),
        `level`, `low`, `high`, `outcome`, and for the branch that ended so `inside`, and
        `probability_below`, of fewer claims, and half that of as many: no other branch had this outcome.
    """
    rows: list[tuple[object, ...]] = []
    for branch in made.branches:
        late = made.late[branch.id]
        below, up_to = late.distribution.cdf([count - made.counted - 1, count - made.counted])
        so = _closes_at(channel, branch, at) and late.by == branch.closes
        for level in made.levels:
            low, high = late.total(level)
            pit = float(below + up_to) / 2
            judged = (low <= count <= high, pit) if so else (None, None)
            rows.append((branch.id, so, level, low, high, count, *judged))
    return pl.DataFrame(rows, schema=HINDSIGHT, orient="row")


def _bounds_hindsight_table(channel: Channel, at: datetime, count: int) -> pl.DataFrame:
    """How it ended beside the bounds: the columns of `hindsight_table`, without a level or a probability."""
    rows = []
    for branch in channel.branches:
        found = channel.bounds()[branch.id]
        low, high = found.counted, found.counted + found.max_late
        so = _closes_at(channel, branch, at)
        rows.append((branch.id, so, None, low, high, count, low <= count <= high if so else None, None))
    return pl.DataFrame(rows, schema=HINDSIGHT, orient="row")


def _closes_at(channel: Channel, branch: Branch, at: datetime) -> bool:
    """Whether a branch closes when the intake ended."""
    return abs(channel.days(at) - branch.closes) < AN_HOUR


def _format_moment(channel: Channel, days: float) -> str:
    return channel.moment(days).isoformat(timespec="minutes")
