"""Made-up claims of a new project: few, the same for everybody, and synthetic by name and by column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

ROWS = 400
SEED = 20260115
FIRST_DAY = date(2026, 1, 15)
DAYS = 31
HEAD = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region,synthetic\n"
SERVICES = {"app": 5, "payments": 3, "messaging": 2}
REGIONS = {"capital": 5, "north": 2, "south": 2, "islands": 1}
AGAIN = 0.04
"""The share of claims made by somebody who claimed before."""


@dataclass(frozen=True)
class Claimants:
    """Claimants of one type, and the losses that they tell."""

    type: str
    share: float
    median: int
    """In the smallest unit of the currency."""
    sigma: float


CLAIMANTS = (Claimants("general_user", 0.6, 30_000, 1.0), Claimants("small_business", 0.4, 300_000, 1.2))
ZERO, UNKNOWN = 0.05, 0.15
"""The shares of claims that name no loss, and none at all."""


def sample(digits: int) -> str:
    """The claims as CSV, losses with the decimals of the currency; equal arguments give equal text."""
    rng = Random(SEED)  # noqa: S311 - made-up rows, no secret
    days = sorted(FIRST_DAY + timedelta(int(DAYS * rng.random() ** 2)) for _ in range(ROWS))
    people: list[tuple[str, Claimants]] = []
    rows: list[str] = []
    for number, day in enumerate(days, start=1):
        if people and rng.random() < AGAIN:
            who, kind = people[int(rng.random() * len(people))]
        else:
            who = f"p{len(people) + 1:04}"
            kind = CLAIMANTS[rng.random() >= CLAIMANTS[0].share]
            people.append((who, kind))
        service, region = _one_of(rng, SERVICES), _one_of(rng, REGIONS)
        loss = _told(rng, kind, digits)
        rows.append(f"s{number:04},{who},{service},{kind.type},{day},{loss},{region},true\n")
    return HEAD + "".join(rows)


def _one_of(rng: Random, weights: dict[str, int]) -> str:
    at = rng.random() * sum(weights.values())
    for word, weight in weights.items():
        at -= weight
        if at < 0:
            return word
    return word


def _told(rng: Random, kind: Claimants, digits: int) -> str:
    """A loss as somebody writes it: a round sum of two digits, none, or nothing."""
    known, drawn = rng.random(), rng.lognormvariate(0, kind.sigma)
    if known < UNKNOWN:
        return ""
    if known < UNKNOWN + ZERO:
        return "0"
    loss = int(kind.median * drawn)
    step = 10 ** max(len(str(loss)) - 2, 0)
    whole, part = divmod(round(loss / step) * step, 10**digits)
    return f"{whole}.{part:0{digits}}" if digits else str(whole)
