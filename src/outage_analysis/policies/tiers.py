"""Build a policy from tiers: the payment per claim up to each loss, without a TOML document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, get_args

from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.incidents import Incident
from outage_analysis.policies.cost_lines import Effort
from outage_analysis.policies.policy import Policy
from outage_analysis.text import smallest_units

Amount = int | float | Decimal
"""An amount as people write it: in whole currency, with decimals if necessary."""
TierPayments = Mapping[Any, Amount]
"""Largest loss of a tier -> payment per claim; the key None stands for all larger losses.

The type of the keys is not stated, because the keys of a mapping are invariant: int would not fit int | None.
"""
TIERS_LINE = "tiers"
"""The id of the only cost line of such a policy."""


def policy_from_tiers(
    tiers: TierPayments,
    incident: Incident,
    *,
    effort: str = "form",
    unknown: Amount | None = None,
    public_on: date | None = None,
) -> Policy:
    """Build a policy that pays a fixed amount per claim, depending on the loss.

    Losses of zero, and losses above the last tier, are paid nothing.

    Args:
        tiers: largest loss of a tier -> payment per claim. {300_000: 30_000, 500_000: 50_000} pays 30,000 for
            losses up to 300,000 and 50,000 for losses above that up to 500,000. The key None stands for all
            larger losses. Payments are in whole currency. Losses are in whole currency or, if they are not
            money, in the loss unit of the incident.
        incident: the outage.
        effort: what claimants must do to be paid: automatic, one_tap, form or documents.
        unknown: the payment for a claim without a stated loss. By default the policy does not state it: there
            are then only bounds if more than half of the claims state no loss.
        public_on: the day on which the policy was announced; by default the first day to claim.

    Raises:
        UsageError: there is no tier, an amount has too many decimals or is negative, or the effort is
            unknown.

    Example:
        >>> from outage_analysis.incidents import load_incident
        >>> policy = policy_from_tiers({300_000: 30_000, None: 50_000}, load_incident("kakao-2022"))
        >>> [(band.up_to, band.fixed) for band in policy.schedules[0].bands]
        [(300000, 30000), (None, 50000)]
    """
    efforts = get_args(Effort)
    if effort not in efforts:
        raise UsageError("no such effort", value=effort, remedy=spelling_hint(effort, list(efforts)))
    line: dict[str, Any] = {
        "id": TIERS_LINE,
        "kind": "schedule",
        "name": {"en": "Payment by loss", "ko": "손실 구간별 지급"},
        "public_on": public_on or incident.claims_from,
        "effort": effort,
        "band": _bands(tiers, incident),
    }
    if unknown is not None:
        line["unknown"] = {"fixed": smallest_units(unknown, incident.minor_units, "the payment")}
    return Policy.model_validate(
        {
            "id": f"{incident.id}-tiers",
            "name": {"en": "Tiers by loss", "ko": "손실 구간별 지급안"},
            "currency": incident.currency,
            "minor_units": incident.minor_units,
            "loss_unit": incident.loss.unit,
            "line": (line,),
        }
    )


def _bands(tiers: TierPayments, incident: Incident) -> tuple[dict[str, int], ...]:
    remedy = "Write {300_000: 30_000} for 30,000 up to 300,000."
    if not isinstance(tiers, Mapping):
        raise UsageError(f"tiers are a mapping, not a {type(tiers).__name__}", remedy=remedy)
    if not tiers:
        raise UsageError("there is no tier", remedy=remedy)
    name = "the largest loss of a tier"
    stated = {
        None if up_to is None else smallest_units(up_to, incident.loss_digits, name): pays
        for up_to, pays in tiers.items()
    }
    edges = sorted(up_to for up_to in stated if up_to is not None)
    if len(stated) < len(tiers) or (edges and edges[0] <= 0):
        raise UsageError("tiers must end at different losses above 0", value=", ".join(map(str, tiers)))
    cuts: list[int | None] = [*edges, None]
    paid = {
        up_to: smallest_units(stated.get(up_to, 0), incident.minor_units, "the payment") for up_to in cuts
    }
    return tuple(
        {"over": over or 0, "fixed": paid[up_to]} | ({} if up_to is None else {"up_to": up_to})
        for over, up_to in pairwise([0, *cuts])
    )
