"""A bundle opened again: the pages it rests on, its day and the figures it told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.costs.bridge import Side
from outage_analysis.datasets import Noun
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.plans import Plan, pages_of
from outage_analysis.policies import Policy, load_policy
from outage_analysis.reports.bundle import sums_of

T = TypeVar("T", bound=Noun)
LARGEST = 1_000_000
"""Bytes of a manifest that is read."""


@dataclass(frozen=True)
class Reopened:
    """What a bundle was made from, and the expected totals that it told, by valuation."""

    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    expected: dict[str, float | None]


def reopen(folder: Path) -> Reopened:
    """Read a bundle's manifest and pages.

    Raises:
        UsageError: no bundle.
        InputRefused: a manifest or a page that is not the one that was written.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise UsageError("no report", file=folder, remedy="Name a folder that `report` wrote.")
    if path.stat().st_size > LARGEST:
        raise InputRefused("is too large for a manifest", file=path, remedy="Write the report again.")
    _refuse_changed(folder, path.name)
    try:
        manifest = json.loads(path.read_bytes())
        as_of, has_ledger = date.fromisoformat(manifest["as_of"]), "ledger" in manifest["pages"]
        told = {str(k): None if v is None else float(v) for k, v in manifest["expected"].items()}
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise InputRefused(
            "is no manifest of a report of this version", file=path, remedy="Write the report again."
        ) from error
    return Reopened(
        _page(folder, "incident", load_incident),
        _page(folder, "policy", load_policy),
        _page(folder, "ledger", load_ledger) if has_ledger else None,
        as_of,
        told,
    )


def side_of(run: str, incident: str, policy: str | None, valuation: str) -> tuple[Side, float | None]:
    """A run for a bridge: the folder of a report, with the figure that it told, or a ledger of today's pages.

    Args:
        run: the folder, or the id or path of a ledger.
        incident: whose policy is taken with a ledger, unless one is named.
        policy: the id or path of a policy, with a ledger.
        valuation: which figure.

    Raises:
        UsageError: neither a report nor a ledger.
        InputRefused: a report that cannot be opened again.
    """
    if Path(run).is_dir():
        found = reopen(Path(run))
        return Side(found.policy, found.ledger, found.as_of), found.expected.get(valuation)
    ledger = load_ledger(run)
    _, page, _ = pages_of(Plan(incident=incident, policy=policy, ledger=run))
    return Side(page, ledger, ledger.as_of), None


def _page(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    file = f"pages/{name}.toml"
    _refuse_changed(folder, file)
    try:
        return load(folder / file)
    except UsageError as error:
        raise InputRefused(
            f"cannot be read by this version: {error.problem}",
            file=folder / file,
            remedy="Write the report again.",
        ) from error


def _refuse_changed(folder: Path, name: str) -> None:
    """Refuse a file of a bundle that is not the one that its checksums name."""
    path = folder / name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sums_of(folder).get(name):
        raise InputRefused("is not as the report wrote it", file=path, remedy="Write the report again.")
