"""Counts of which more are to come: of a published intake, or of claims by day."""

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
    """Counts ready to be forecast, and what they are of."""

    channel: Channel
    source: str
    """The id of the page, or the names of the files."""
    as_of: date
    """Their last day."""
    ended: tuple[datetime, int] | None = None
    """When the intake ended and with how many claims, where it is known: for hindsight only."""
    fact: str = ""
    """The id of that count."""

    def tables(self) -> dict[str, pl.DataFrame]:
        """How many are still to come, with how it ended: what `development.answers.answer` gives."""
        return late_claim_tables(self.channel, ended=self.ended)


def forecast_input_from_series(page: IntakeSeries, until: date | None = None) -> ForecastInput:
    """The counts of a published intake that were public by a day, by default the page's own.

    Raises:
        ModelRefused: no count was public by that day.
    """
    counted = ForecastInput(channel_from_series(page, until), page.id, until or page.as_of)
    if page.outcome is None or page.final is None:
        return counted
    return replace(counted, ended=(page.outcome.at, page.final.count), fact=page.outcome.fact)


def forecast_input_from_claims(
    claims: Claims, until: date | None = None, *, recovery: bool = False
) -> ForecastInput:
    """Claims by the day on which they were filed; those after a day are how it went on.

    Args:
        claims: the claims.
        until: the last day to look at; one after the incident's claims window is the window's last.
        recovery: take synthetic claims, to see the method recover what they were made from.

    Raises:
        InputRefused: a claim without a day, or no claim at all.
        ModelRefused: synthetic claims, without `recovery`.
    """
    cube = build_cube(claims, dimensions=("filed_on",))
    every = channel_from_cube(cube, claims.incident, recovery=recovery)
    last = every.moment(every.times[-1])
    closed = claims.incident.claims_to  # nothing is filed after it, so no day after it says more
    channel = channel_from_cube(cube, claims.incident, until=until and min(until, closed), recovery=recovery)
    later = channel.times[-1] < every.times[-1]
    as_of = channel.moment(channel.times[-1] - 1).date()  # the count is that of the day's end
    return ForecastInput(channel, cube.source, as_of, (last, every.counts[-1]) if later else None)
