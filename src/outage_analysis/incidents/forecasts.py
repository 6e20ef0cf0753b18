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
    how: str
    """What was forecast: a key of `how` of the list."""
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
    how: dict[str, Name]
    """What was forecast, such as payments that people must claim -> its name for readers."""
    events: tuple[ForecastEvent, ...] = Field(alias="event", min_length=1)
    """The outages."""


def forecasts_and_payments(lang: Literal["en", "ko"] = "en") -> pl.DataFrame:
    """Return forecasts of the time beside what was paid, for about a dozen outages.

    The outages were chosen because both figures were published: they are no sample.

    Returns:
        One row per forecast: `event`; `how`, whether people must claim, for example; `public_on`, `low` and
        `high` of the forecast, `paid` and `currency`, in whole currency; `ratio_low` and `ratio_high`,
        forecast over paid; `facts`, the ids of forecast and payment; and `note`, what is not like for like.
    """
    rows = []
    listed = read_document(ForecastEvents, "forecasts", "outages")
    for event in listed.events:
        paid = get_fact(event.paid, hindsight=True)
        for id_ in event.forecast:
            forecast = get_fact(id_)
            high = forecast.money(paid.unit, "high")
            low = high if forecast.low is None else forecast.low
            terms = event.name[lang], listed.how[event.how][lang], forecast.public_on
            ratios = low / paid.number, high / paid.number
            texts = f"{id_} {paid.id}", event.note[lang]
            rows.append((*terms, low, high, paid.number, paid.unit, *ratios, *texts))
    names = ("event", "how", "public_on", "low", "high", "paid", "currency", "ratio_low", "ratio_high")
    return pl.DataFrame(rows, [*names, "facts", "note"], orient="row").with_columns(
        pl.col("low", "high", "paid").round().cast(pl.Int64)
    )
