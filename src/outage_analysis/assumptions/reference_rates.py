"""Build a ledger from published reference classes, if only the effort of each cost line is known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from outage_analysis.assumptions.ledger import Ledger
from outage_analysis.assumptions.rates import RateAssumption
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident, get_fact
from outage_analysis.policies import Policy

REFERENCE_LEDGER = "reference-rates"
"""The id of a ledger that `reference_ledger` builds."""


def reference_ledger(policy: Policy, incident: Incident, *, as_of: date | None = None) -> Ledger:
    """Build a ledger with a filing share and an acceptance rate for each effort of a policy.

    The rates come from comparable schemes (reference classes), not from the outage. Their range is wide.

    Args:
        policy: the policy; each line that pays by loss needs an effort.
        incident: the outage.
        as_of: the day of the analysis; by default the last day to claim.

    Raises:
        UsageError: a line states no effort.
        ModelRefused: the reference classes were published after `as_of`.

    Example:
        >>> from outage_analysis.incidents import load_incident
        >>> from outage_analysis.policies import policy_from_tiers
        >>> incident = load_incident("kakao-2022")
        >>> policy = policy_from_tiers({300_000: 30_000}, incident, effort="documents")
        >>> ledger = reference_ledger(policy, incident)
        >>> [(entry.id, round(entry.range.expected, 2)) for entry in ledger.assumptions]
        [('filing-share-documents', 0.18), ('acceptance-documents', 0.7)]
    """
    day = as_of or incident.claims_to
    lines: dict[str, list[str]] = {}
    for line in policy.schedules:
        effort = line.effort_on(day)
        if effort is None:
            raise UsageError("a line states no effort", value=line.id, remedy="Give it one, such as form.")
        lines.setdefault(effort, []).append(line.id)
    rates = rates_by_effort(lines, day)
    return Ledger.model_validate(
        {
            "id": REFERENCE_LEDGER,
            "name": {"en": "Rates of comparable schemes", "ko": "유사 사례의 비율"},
            "incident": incident.id,
            "as_of": day,
            "currency": incident.currency,
            "assumption": rates,
        }
    )


def rates_by_effort(lines: Mapping[str, Sequence[str]], day: date) -> tuple[RateAssumption, ...]:
    """Return the filing share and the acceptance rate of each effort, from published reference classes.

    Args:
        lines: effort -> the ids of the cost lines with this effort.
        day: the day of the analysis.

    Raises:
        ModelRefused: the reference classes were published after `day`.

    Example:
        >>> rates = rates_by_effort({"one_tap": ["cash"]}, date(2022, 12, 30))
        >>> [(rate.id, rate.kind) for rate in rates]
        [('filing-share-one-tap', 'filing_share'), ('acceptance-one-tap', 'acceptance')]
    """
    rates = [rate for rate in _rates() if rate["effort"] in lines]
    published = [fact for rate in rates for fact in (*rate.get("classes", ()), *rate.get("widest", ()))]
    days = [get_fact(fact).public_on or date.max for fact in published]
    if days and max(days) > day:
        raise ModelRefused(
            f"as of {day} the reference classes of the rates were not published: the last on {max(days)}",
            remedy="Give a later as_of, or a ledger of your own.",
        )
    stated = (_assumption(rate, lines[rate["effort"]], day) for rate in rates)
    return tuple(map(RateAssumption.model_validate, stated))


def _assumption(rate: dict[str, Any], lines: Sequence[str], day: date) -> dict[str, Any]:
    published = [get_fact(fact).public_on or day for fact in rate.get("classes", ())]
    return {
        **rate,
        "lines": tuple(lines),
        "public_on": max(published, default=day),
        "grade": "assumed",
        "source": {
            "en": "data/published/take-up.csv, comparable schemes",
            "ko": "비교 사례(data/published/take-up.csv)",
        },
        "owner": "outage-analysis",
        "outcome_known": False,
    }


@cache
def _rates() -> tuple[dict[str, Any], ...]:
    text = (files(__package__) / "reference_rates.toml").read_text("utf-8")
    return tuple(
        {key: tuple(value) if isinstance(value, list) else value for key, value in rate.items()}
        for rate in tomllib.loads(text)["rate"]
    )
