"""Claims still to come: while an intake is open, a forecast of late claims is a factor of the cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis import losses, text
from outage_analysis.assumptions import LateClaims, Ledger
from outage_analysis.errors import InputRefused, ModelRefused
from outage_analysis.incidents import Incident
from outage_analysis.policies import Policy

if TYPE_CHECKING:
    from outage_analysis.claims import Claims

PARTS = 200
"""The forecast count in the end is represented by so many equally likely values."""


def open_lines(
    policies: Sequence[Policy], incident: Incident, ledger: Ledger | None, day: date
) -> dict[date, list[str]]:
    """Return the cost lines that still take claims after a day: their ids, by their last day to claim.

    A line is left out if it pays without a claim, or if the ledger says how many claims come in the end.
    """
    found: dict[date, list[str]] = {}
    for line in (line for policy in policies for line in policy.as_known_on(day).schedules):
        effort, last = line.effort_on(day), line.closes_on(day) or incident.claims_to
        stated = ledger is not None and ledger.find("ultimate", line.id, effort) is not None
        if last > day and effort != "automatic" and not stated:
            found.setdefault(last, [])
            found[last] += [line.id] * (line.id not in found[last])
    return dict(sorted(found.items()))


def with_late_claims(
    ledger: Ledger | None, policies: Sequence[Policy], claims: Claims | None, incident: Incident, day: date
) -> tuple[Ledger | None, str]:
    """Add the forecast of claims still to come to a ledger, for lines that are paid by claims.

    Nothing is added for a line whose count was published, for synthetic claims, and where the dated claims
    do not determine a forecast. Nobody is expected to rush on the last day.

    Returns:
        The ledger, and why there is no forecast; empty if there is one or none is needed.
    """
    published = {line.id for policy in policies for line in policy.schedules if line.published_count}
    closing = {
        last: kept
        for last, ids in open_lines(policies, incident, ledger, day).items()
        if (kept := tuple(id_ for id_ in ids if id_ not in published))
    }
    if ledger is None or claims is None or claims.synthetic or not closing:
        return ledger, ""
    try:
        cube = losses.build_cube(claims, dimensions=("filed_on",), until=day)
        channel = losses.channel_from_cube(cube, incident, until=day)
        ids = {last: str(last) if len(closing) > 1 else losses.DEADLINE for last in closing}
        branches = tuple(losses.Branch(id_, channel.end_of(last), spike=0.0) for last, id_ in ids.items())
        forecast = replace(channel, branches=branches).forecast()
    except (InputRefused, ModelRefused) as refusal:
        return ledger, refusal.problem
    entries = [
        _entry(f"late-claims-{number}", late, kept, day, last)
        for number, (last, kept) in enumerate(closing.items(), start=1)
        if (late := forecast.late.get(ids[last]))
    ]
    refused = next(iter(forecast.refused.values()), "")
    return ledger.model_copy(update={"assumptions": (*ledger.assumptions, *entries)}), refused


def _entry(id_: str, late: losses.LateCount, lines: tuple[str, ...], day: date, closes: date) -> LateClaims:
    counts = late.counted + late.quantiles((np.arange(PARTS) + 0.5) / PARTS)
    values, times = np.unique(np.round(counts / late.counted, 7), return_counts=True)
    weights = times / PARTS
    distribution = {"kind": "discrete", "values": (*values.tolist(),), "probabilities": (*weights.tolist(),)}
    english, korean = text.Locale("en"), text.Locale("ko")

    def words(key: str) -> dict[str, str]:
        days = {"en": english.day(day), "ko": korean.day(day)}
        return {x.lang: x(key, day=days[x.lang], count=x.number(late.counted)) for x in (english, korean)}

    return LateClaims.model_validate(
        {
            "id": id_,
            "name": words("report.late_name"),
            "lines": lines,
            "public_on": day,
            "grade": "assumed",
            "source": words("report.late_source"),
            "rationale": words("report.late_rationale"),
            "owner": "outage-analysis",
            "outcome_known": False,
            "distribution": distribution,
            "counted": late.counted,
            "closes": closes,
        }
    )


def late_claims_notes(
    ledger: Ledger | None, table: pl.DataFrame | None, day: date, locale: text.Locale
) -> Iterator[str]:
    """Say how many claims were filed, how many are expected by the deadline, and what each part costs.

    Args:
        ledger: the ledger of the run.
        table: the costs by line that are computed from claims; None if only the counts are said.
        day: the day of the analysis.
        locale: the language.
    """
    likely = locale.likely_range
    for entry in ledger.assumptions if ledger else ():
        if not isinstance(entry, LateClaims):
            continue
        ends = entry.counted * entry.distribution.quantile([likely.lower, likely.upper])
        total = entry.counted * entry.range.expected
        numbers = {"counted": entry.counted, "total": total, "low": ends[0], "high": ends[1]}
        days = {"day": locale.day(day), "deadline": locale.day(entry.closes)}
        yield locale(
            "report.late_claims", **days, **{name: locale.number(round(x)) for name, x in numbers.items()}
        )
        if table is None:
            continue
        lines = table.filter(pl.col("line").is_in(entry.lines), level="line", valuation="cash")
        if len(lines) and not lines["expected"].null_count():
            whole = float(lines["expected"].sum())
            so_far = whole / entry.range.expected
            yield locale("report.late_cost", so_far=locale.money(so_far), late=locale.money(whole - so_far))
