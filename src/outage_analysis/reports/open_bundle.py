"""A bundle opened again: the pages it rests on, its day and the figures it told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TypeVar

from outage_analysis.analysis import Plan, pages_of
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.costs import Side
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.policies import Policy, load_policy
from outage_analysis.reports.manifest import (
    MANIFEST_NAME,
    REWRITE_REMEDY,
    file_digest,
    read_checksums,
    read_limited,
)

T = TypeVar("T", bound=Document)


@dataclass(frozen=True)
class OpenedBundle:
    """What a bundle was made from, and the expected totals that it told, by valuation."""

    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    expected: dict[str, float | None]


def read_bundle(folder: Path) -> OpenedBundle:
    """Read a bundle's manifest and pages.

    Raises:
        UsageError: no bundle.
        InputRefused: a manifest or a page that is not the one that was written.
    """
    path, data = folder / MANIFEST_NAME, read_limited(folder, MANIFEST_NAME)
    _check_unchanged(folder, MANIFEST_NAME)
    try:
        manifest = json.loads(data)
        as_of, has_ledger = date.fromisoformat(manifest["as_of"]), "ledger" in manifest["pages"]
        told = {str(k): None if v is None else float(v) for k, v in manifest["expected"].items()}
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        problem = "is no manifest of a report of this version"
        raise InputRefused(problem, file=path, remedy=REWRITE_REMEDY) from error
    return OpenedBundle(
        _load_unchanged(folder, "incident", load_incident),
        _load_unchanged(folder, "policy", load_policy),
        _load_unchanged(folder, "ledger", load_ledger) if has_ledger else None,
        as_of,
        told,
    )


def bridge_side(run: str, incident: str, policy: str | None, valuation: str) -> tuple[Side, float | None]:
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
        found = read_bundle(Path(run))
        return Side(found.policy, found.ledger, found.as_of), found.expected.get(valuation)
    ledger = load_ledger(run)
    _, page, _ = pages_of(Plan(incident=incident, policy=policy, ledger=run))
    return Side(page, ledger, ledger.as_of), None


def load_bundled_document(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    """A page that a bundle holds, whether or not it is as it was written.

    Raises:
        InputRefused: it is missing, a link, or cannot be read by this version.
    """
    path = bundle_path(folder, f"pages/{name}.toml")
    try:
        return load(path)
    except UsageError as error:
        problem = f"cannot be read by this version: {error.problem}"
        raise InputRefused(problem, file=path, remedy=REWRITE_REMEDY) from error


def bundle_path(folder: Path, name: str) -> Path:
    """The path of a file of a bundle by its name there.

    Raises:
        InputRefused: the name leads elsewhere, or a part of the path is a link.
    """
    parts = PurePosixPath(name).parts
    strange = "\\" in name or ":" in name or not name.isprintable()
    if strange or not parts or name != "/".join(parts) or {"..", "/"} & set(parts):
        raise InputRefused("is no name of a file of a report", file=name, remedy=REWRITE_REMEDY)
    path = folder
    for part in parts:
        path /= part
        if path.is_symlink():
            raise InputRefused("is a link, and not followed", file=path)
    return path


def _load_unchanged(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    _check_unchanged(folder, f"pages/{name}.toml")
    return load_bundled_document(folder, name, load)


def _check_unchanged(folder: Path, name: str) -> None:
    """Refuse a file of a bundle that is not the one that its checksums name."""
    path = bundle_path(folder, name)
    if not path.is_file() or file_digest(path) != read_checksums(folder).get(name):
        raise InputRefused("is not as the report wrote it", file=path, remedy=REWRITE_REMEDY)
