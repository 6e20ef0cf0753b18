"""Small policies and ledgers of an outage, written in a test, with numbers that a reader can follow."""

from __future__ import annotations

from datetime import date
from typing import Any

from outage_analysis.assumptions import Ledger
from outage_analysis.policies import Policy

DAY = date(2022, 12, 30)
REPORTS = 8_461  # CL-13, public on 30 December 2022
DRIVERS = 226_154  # US-07, public long before
WEEK_REPORTS = 45_000  # IN-02, public on 24 October 2022

Page = dict[str, Any]
TIERS = (
    {"over": 0, "up_to": 300_000, "fixed": 30_000},
    {"over": 300_000, "up_to": 500_000, "fixed": 50_000},
    {"over": 500_000, "review": True},
)


def fixed(value: float) -> Page:
    """A law without doubt."""
    return {"kind": "fixed", "value": value}


def uniform(low: float, high: float) -> Page:
    """Any value between two."""
    return {"kind": "uniform", "low": low, "high": high}


def tiers(**changes: object) -> Page:
    """A schedule that pays the reports CL-13."""
    line = {"id": "tiers", "kind": "schedule", "effort": "form", "published_count": "CL-13", "band": TIERS}
    return line | changes


def fee(amount: int, **changes: object) -> Page:
    """A credit for each driver of US-07."""
    line = {"id": "fee", "kind": "fee_credit", "effort": "automatic", "recipients": "US-07", "amount": amount}
    return line | changes


def budget(amount: int | str, **changes: object) -> Page:
    """A sum set aside."""
    return {"id": "budget", "kind": "budget", "effort": "form", "amount": amount} | changes


def policy_of(*lines: Page, id_: str = "p", **keys: object) -> Policy:
    """A policy in won with these lines, public since October 2022."""
    common = {"name": {"en": "L"}, "public_on": date(2022, 10, 20)}
    head = {"id": id_, "name": {"en": f"Policy {id_}"}, "currency": "KRW", "loss_unit": "KRW"}
    return Policy.model_validate(head | {"line": tuple(common | line for line in lines)} | keys)


def ledger_of(*entries: Page, as_of: date = DAY, **keys: object) -> Ledger:
    """A ledger; an entry needs its kind and what that asks for, and is called by its kind."""
    common = {
        "name": {"en": "A"},
        "lines": ("tiers", "fee", "budget"),
        "public_on": date(2022, 10, 20),
        "grade": "assumed",
        "source": "a test",
        "rationale": "a test",
        "owner": "a test",
        "outcome_known": False,
    }
    named = tuple({"id": str(e["kind"]).replace("_", "-")} | common | e for e in entries)
    head = {"id": "l", "name": {"en": "Ledger"}, "incident": "kakao-2022", "as_of": as_of}
    return Ledger.model_validate(head | {"assumption": named} | keys)


def mix(*shares: float, size: float | None = None) -> Page:
    """How reports spread over the bands of `TIERS`."""
    bands = tuple(
        {"over": t["over"], "share": s} | ({"up_to": t["up_to"]} if "up_to" in t else {})
        for t, s in zip(TIERS, shares, strict=True)
    )
    return {"kind": "band_mix", "band": bands, "size": size}
