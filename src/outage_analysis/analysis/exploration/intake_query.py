"""Prepare intake counts for a forecast of late claims, from a published intake or from claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from outage_analysis.claims import Claims
from outage_analysis.incidents import IntakeSeries
from outage_analysis.losses import (
    Channel,
    build_cube,
    channel_from_cube,
    channel_from_series,
    late_claim_tables,
)


@dataclass(frozen=True)
class ForecastInput:
    """Intake counts with their source, and the final count if it is known."""

    channel: Channel
    source: str
    """The id of the intake document, or the names of the claims files."""
    as_of: date
    """The last day of the counts."""
    ended: tuple[datetime, int] | None = None
    """When the intake ended and with how many claims, if known. The forecast does not use it."""
    fact: str = ""
    """The id of the published fact with the final count, if any."""

    def with_spike(self, spike: float | None) -> ForecastInput:
        """Return the same counts with a stated rush on the last day, as a share; None changes nothing."""
        return (
            self if spike is None else replace(self, channel=self.channel.with_deadlines(None, None, spike))
        )

    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables of the forecast and of hindsight; see `late_claim_tables`."""
        return late_claim_tables(self.channel, ended=self.ended)


def forecast_input_from_series(series: IntakeSeries, until: date | None = None) -> ForecastInput:
    """The counts of a published intake that were public by a day.

    Args:
        series: the intake document.
        until: the day; by default that of the document.

    Raises:
        ModelRefused: no count was public by that day.
    """
    forecast_input = ForecastInput(channel_from_series(series, until), series.id, until or series.as_of)
    if series.outcome is None or series.final is None:
        return forecast_input
    return replace(forecast_input, ended=(series.outcome.at, series.final.count), fact=series.outcome.fact)


def forecast_input_from_claims(
    claims: Claims, until: date | None = None, *, recovery: bool = False
) -> ForecastInput:
    """Daily counts of claims up to a day. If later claims exist, their total is the known final count.

    Args:
        claims: the claims.
        until: the last day to use, at most the end of the incident's claims window; by default all days.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.

    Raises:
        InputRefused: a claim has no day, or there are no claims.
        ModelRefused: the claims are synthetic and `recovery` is not set.
    """
    cube = build_cube(claims, dimensions=("filed_on",))
    every = channel_from_cube(cube, claims.incident, recovery=recovery)
    last = every.moment(every.times[-1])
    closed = claims.incident.claims_to  # no claims are filed after this day
    channel = channel_from_cube(cube, claims.incident, until=until and min(until, closed), recovery=recovery)
    later = channel.times[-1] < every.times[-1]
    as_of = channel.moment(channel.times[-1] - 1).date()  # the last count is that at the end of this day
    return ForecastInput(channel, cube.source, as_of, (last, every.counts[-1]) if later else None)
