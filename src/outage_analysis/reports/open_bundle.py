"""A bundle opened again: the pages it rests on, its day and the figures it told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TypeVar

from outage_analysis.analysis import Plan, load_documents
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.costs import Side
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, load_policy
from outage_analysis.reports.manifest import AGAIN, NAME, bounded, digest, sums_of

T = TypeVar("T", bound=Document)


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
    path, data = folder / NAME, bounded(folder, NAME)
    _refuse_changed(folder, NAME)
    try:
        manifest = json.loads(data)
        as_of, has_ledger = date.fromisoformat(manifest["as_of"]), "ledger" in manifest["pages"]
        told = {str(k): None if v is None else float(v) for k, v in manifest["expected"].items()}
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        problem = "is no manifest of a report of this version"
        raise InputRefused(problem, file=path, remedy=AGAIN) from error
    return Reopened(
        _unchanged(folder, "incident", load_incident),
        _unchanged(folder, "policy", load_policy),
        _unchanged(folder, "ledger", load_ledger) if has_ledger else None,
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
    _, page, _ = load_documents(Plan(incident=incident, policy=policy, ledger=run))
    return Side(page, ledger, ledger.as_of), None


def page_of(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    """A page that a bundle holds, whether or not it is as it was written.

    Raises:
        InputRefused: it is missing, a link, or cannot be read by this version.
    """
    path = inside(folder, f"pages/{name}.toml")
    try:
        return load(path)
    except UsageError as error:
        problem = f"cannot be read by this version: {error.problem}"
        raise InputRefused(problem, file=path, remedy=AGAIN) from error


def inside(folder: Path, name: str) -> Path:
    """The path of a file of a bundle by its name there.

    Raises:
        InputRefused: the name leads elsewhere, or a part of the path is a link.
    """
    parts = PurePosixPath(name).parts
    strange = "\\" in name or ":" in name or not name.isprintable()
    if strange or not parts or name != "/".join(parts) or {"..", "/"} & set(parts):
        raise InputRefused("is no name of a file of a report", file=name, remedy=AGAIN)
    path = folder
    for part in parts:
        path /= part
        if path.is_symlink():
            raise InputRefused("is a link, and not followed", file=path)
    return path


def _unchanged(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    _refuse_changed(folder, f"pages/{name}.toml")
    return page_of(folder, name, load)


def _refuse_changed(folder: Path, name: str) -> None:
    """Refuse a file of a bundle that is not the one that its checksums name."""
    path = inside(folder, name)
    if not path.is_file() or digest(path) != sums_of(folder).get(name):
        raise InputRefused("is not as the report wrote it", file=path, remedy=AGAIN)
