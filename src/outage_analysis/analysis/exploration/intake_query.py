"""Prepare claim counts over time for a forecast of late claims, from a published intake or from claims."""

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
    """Claim counts over time with their source, and the final count if it is known."""

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
        """Return the counts with an assumed rush of extra claims on the last day; None changes nothing.

        `spike` is the number of extra claims as a multiple of the claims expected on the last day.
        """
        return (
            self if spike is None else replace(self, channel=self.channel.with_deadlines(None, None, spike))
        )

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables of the forecast and its comparison with the final count (`late_claim_tables`)."""
        return late_claim_tables(self.channel, ended=self.ended)


def forecast_input_from_series(series: IntakeSeries, until: date | None = None) -> ForecastInput:
    """Return the claim counts of a published intake that were public by a day.

    Args:
        series: the intake document.
        until: the day; by default the day of the document.

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
    """Return daily counts of claims up to a day, and the final count if there are later claims.

    Args:
        claims: the claims.
        until: the last day to use, at most the end of the incident's claims window; by default all days.
        recovery: allow synthetic claims, to test whether the forecast recovers the generator's parameters.

    Raises:
        InputRefused: a claim has no filing day, or there are no claims.
        ModelRefused: the claims are synthetic and `recovery` is not set.
    """
    cube = build_cube(claims, dimensions=("filed_on",))
    every = channel_from_cube(cube, claims.incident, recovery=recovery)
    last = every.moment(every.times[-1])
    closed = claims.incident.claims_to  # the last day on which claims can be filed
    channel = channel_from_cube(cube, claims.incident, until=until and min(until, closed), recovery=recovery)
    later = channel.times[-1] < every.times[-1]
    as_of = channel.moment(channel.times[-1] - 1).date()  # the last count is at the end of this day
    return ForecastInput(channel, cube.source, as_of, (last, every.counts[-1]) if later else None)
