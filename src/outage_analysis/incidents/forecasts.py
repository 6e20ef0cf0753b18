"""Forecasts of the time beside what was paid in the end, for outages of which both were published."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from outage_analysis.files import Document, Identifier, Name, Text, read_document
from outage_analysis.incidents.published_facts import get_fact


class ForecastEvent(Document):
    """The forecasts of one outage and what was paid."""

    id: Identifier
    """The id in tables."""
    name: Name
    """The name for readers."""
    how: Literal["claimed", "automatic", "growing", "provision"]
    """What was forecast: payments that people must claim; payments without a claim under a published rule; a
    promise that still grew; or the company's own provision or first account."""
    forecast: tuple[str, ...] = Field(min_length=1)
    """The ids of the facts that state the forecasts."""
    paid: str
    """The id of the fact that states what was paid."""
    note: Text
    """What is not like for like."""


class ForecastEvents(Document):
    """A list of outages with forecasts and payments."""

    id: Identifier
    """The id by which the list is loaded."""
    name: Name
    """The name for readers."""
    events: tuple[ForecastEvent, ...] = Field(alias="event", min_length=1)
    """The outages."""


def forecasts_and_payments(lang: Literal["en", "ko"] = "en") -> pl.DataFrame:
    """Return forecasts of the time beside what was paid, for about a dozen outages.

    The outages were chosen because both figures were published: they are no sample.

    Returns:
        One row per forecast: `event`, `how` (claimed, automatic, growing or provision), `public_on` and the
        ends `low` and `high` of the forecast, `paid`, `currency`, in whole currency; `ratio_low` and
        `ratio_high`, forecast over paid; `facts` (ids of forecast and payment) and `note`.
    """
    rows = []
    for event in read_document(ForecastEvents, "forecasts", "outages").events:
        paid = get_fact(event.paid, hindsight=True)
        for id_ in event.forecast:
            forecast = get_fact(id_)
            high = forecast.money(paid.unit, "high")
            low = high if forecast.low is None else forecast.low
            rows.append(
                (
                    *(event.name[lang], event.how, forecast.public_on, low, high, paid.number, paid.unit),
                    *(low / paid.number, high / paid.number, f"{id_} {paid.id}", event.note[lang]),
                )
            )
    names = ("event", "how", "public_on", "low", "high", "paid", "currency", "ratio_low", "ratio_high")
    return pl.DataFrame(rows, [*names, "facts", "note"], orient="row")
