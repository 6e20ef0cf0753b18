"""Build a ledger from published reference classes, if only the effort of each cost line is known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files

from outage_analysis.assumptions.entries import RateAssumption
from outage_analysis.assumptions.ledger import Ledger
from outage_analysis.assumptions.reference_classes import class_groups
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import Incident, get_fact, published_rates
from outage_analysis.policies import Policy

REFERENCE_LEDGER = "reference-rates"
"""The id of a ledger that `reference_ledger` builds."""
STATED = {
    "grade": "assumed",
    "source": {
        "en": "data/published/rates.csv, comparable schemes",
        "ko": "비교 사례(data/published/rates.csv)",
    },
    "owner": "outage-analysis",
    "outcome_known": False,
}
"""What every rate of such a ledger states."""


def reference_ledger(policy: Policy, incident: Incident, *, as_of: date | None = None) -> Ledger:
    """Build a ledger with a filing share and an acceptance rate for each effort of a policy.

    The rates come from comparable schemes (reference classes), not from the outage. Their range is wide.

    Args:
        policy: the policy; each line that pays by loss needs an effort.
        incident: the outage.
        as_of: the day of the analysis; by default the last day to claim.

    Raises:
        UsageError: a line states no effort.
        ModelRefused: no reference class was public by `as_of`.

    Example:
        >>> from outage_analysis.incidents import load_incident
        >>> from outage_analysis.policies import policy_from_tiers
        >>> incident = load_incident("kakao-2022")
        >>> policy = policy_from_tiers({300_000: 30_000}, incident, effort="documents")
        >>> ledger = reference_ledger(policy, incident)
        >>> [(entry.id, round(entry.range.expected, 2)) for entry in ledger.assumptions]
        [('filing-share-documents', 0.53), ('acceptance-documents', 0.85)]
    """
    day = as_of or incident.claims_to
    lines: dict[str, list[str]] = {}
    for line in policy.schedules:
        effort = line.effort_on(day)
        if effort is None:
            raise UsageError("a line states no effort", value=line.id, remedy="Give it one, such as form.")
        lines.setdefault(effort, []).append(line.id)
    rates = rates_by_effort(lines, day, incident.id)
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


def rates_by_effort(
    lines: Mapping[str, Sequence[str]], day: date, event: str = ""
) -> tuple[RateAssumption, ...]:
    """Return the filing share and the acceptance rate of each effort, from published reference classes.

    Args:
        lines: effort -> the ids of the cost lines with this effort.
        day: the day of the analysis; classes that were not public by then are left out.
        event: the event that is forecast; its own published rates are left out.

    Raises:
        ModelRefused: no class was public by `day`.

    Example:
        >>> rates = rates_by_effort({"one_tap": ["cash"]}, date(2022, 12, 30))
        >>> [(rate.id, rate.kind) for rate in rates]
        [('filing-share-one-tap', 'filing_share'), ('acceptance-one-tap', 'acceptance')]
    """
    text = (files(__package__) / "reference_rates.toml").read_text("utf-8")
    rates = []
    for rate in tomllib.loads(text)["rate"]:
        if rate["effort"] not in lines:
            continue
        if (of := rate.pop("of", None)) is not None:
            ids = class_groups(rate["kind"], public_by=day, without=[event]).get((rate["effort"], of), ())
            if not ids:
                raise ModelRefused(
                    f"as of {day} no comparable rate was published for the effort {rate['effort']}",
                    remedy="Give a later as_of, or a ledger of your own.",
                )
            shares = sorted(get_fact(id_).middle for id_ in ids)
            words = {"count": len(ids), "low": f"{shares[0]:.3g}", "high": f"{shares[-1]:.3g}"}
            rate["rationale"] = {lang: text.format(**words) for lang, text in rate["rationale"].items()}
            rate |= {"classes": ids, "left_out": tuple({event}.intersection(published_rates()["event"]))}
        common = {"lines": tuple(lines[rate["effort"]]), "public_on": day, **STATED}
        rates.append(RateAssumption.model_validate(rate | common))
    return tuple(rates)
