"""Read a written report folder (bundle): its TOML documents, as-of day and expected totals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TypeVar

from outage_analysis.analysis import Plan, load_documents
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.costs import BridgeRun
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
    """Content of a report folder: TOML documents, as-of day, and expected totals, such as the cash total."""

    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    expected: dict[str, float | None]


def read_bundle(folder: Path) -> OpenedBundle:
    """Read the manifest and the TOML documents of a report folder.

    Raises:
        UsageError: the folder contains no report.
        InputRefused: the manifest or a document does not match its checksum.
    """
    path, data = folder / MANIFEST_NAME, read_limited(folder, MANIFEST_NAME)
    _check_unchanged(folder, MANIFEST_NAME)
    try:
        manifest = json.loads(data)
        as_of, has_ledger = date.fromisoformat(manifest["as_of"]), "ledger" in manifest["documents"]
        expected = {str(k): None if v is None else float(v) for k, v in manifest["expected"].items()}
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        problem = "is no manifest of a report of this version"
        raise InputRefused(problem, file=path, remedy=REWRITE_REMEDY) from error
    return OpenedBundle(
        _load_unchanged(folder, "incident", load_incident),
        _load_unchanged(folder, "policy", load_policy),
        _load_unchanged(folder, "ledger", load_ledger) if has_ledger else None,
        as_of,
        expected,
    )


def bridge_side(
    run: str, incident: str, policy: str | None, valuation: str
) -> tuple[BridgeRun, float | None]:
    """Return one of the two runs between which a cost bridge explains the change of the expected cost.

    Args:
        run: a report folder, or the id or path of an assumption ledger.
        incident: the incident whose policy is used with an assumption ledger.
        policy: the id or path of a policy to use with an assumption ledger, in place of the incident's
            policy.
        valuation: the valuation, such as cash, whose expected total is returned.

    Returns:
        The policy, assumption ledger and as-of day; and the expected total that the report states (None if
        `run` is a ledger).

    Raises:
        UsageError: `run` is neither a report folder nor an assumption ledger.
        InputRefused: the report cannot be read.
    """
    if Path(run).is_dir():
        bundle = read_bundle(Path(run))
        return BridgeRun(bundle.policy, bundle.ledger, bundle.as_of), bundle.expected.get(valuation)
    ledger = load_ledger(run)
    _, policy_document, _ = load_documents(Plan(incident=incident, policy=policy, ledger=run))
    return BridgeRun(policy_document, ledger, ledger.as_of), None


def load_bundled_document(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    """Load a TOML document of a report folder by its name, without checking its checksum.

    Raises:
        InputRefused: the document is missing or a link, or this version of the package cannot read it.
    """
    path = bundle_path(folder, f"documents/{name}.toml")
    try:
        return load(path)
    except UsageError as error:
        problem = f"cannot be read by this version: {error.problem}"
        raise InputRefused(problem, file=path, remedy=REWRITE_REMEDY) from error


def bundle_path(folder: Path, name: str) -> Path:
    """Return the path of a file inside a report folder, given the name that the manifest records.

    Raises:
        InputRefused: the name leads outside the report folder, or a part of the path is a link.
    """
    parts = PurePosixPath(name).parts
    is_unsafe = "\\" in name or ":" in name or not name.isprintable()
    if is_unsafe or not parts or name != "/".join(parts) or {"..", "/"} & set(parts):
        raise InputRefused("is not the name of a report file", file=name, remedy=REWRITE_REMEDY)
    path = folder
    for part in parts:
        path /= part
        if path.is_symlink():
            raise InputRefused("is a link, and not followed", file=path)
    return path


def _load_unchanged(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    _check_unchanged(folder, f"documents/{name}.toml")
    return load_bundled_document(folder, name, load)


def _check_unchanged(folder: Path, name: str) -> None:
    """Raise an error if a file of a report folder does not match its checksum."""
    path = bundle_path(folder, name)
    if not path.is_file() or file_digest(path) != read_checksums(folder).get(name):
        raise InputRefused("is not as the report wrote it", file=path, remedy=REWRITE_REMEDY)
