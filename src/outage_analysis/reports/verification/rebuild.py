"""Recreate the plan (inputs and settings) of a report from its TOML documents and its claims files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from outage_analysis.analysis import Plan
from outage_analysis.assumptions import load_ledger
from outage_analysis.claims import STORE_SUFFIX, expand_paths
from outage_analysis.errors import InputRefused, UsageError, VerificationFailed
from outage_analysis.files import Document, data_root
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.policies import load_policy
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.manifest import MANIFEST_NAME, REWRITE_REMEDY, Manifest, file_digest
from outage_analysis.reports.open_bundle import bundle_path, load_bundled_document
from outage_analysis.reports.own_sections import FOLDER, OwnSection, read_section

MAX_DRAWS, MAX_BUDGET = 2**22, 10**18
"""More draws would exhaust the memory; a larger budget would exceed the precision of a float."""
BUNDLED_DOCUMENT_LOADERS: dict[str, Callable[[Path], Document]] = {
    "incident": load_incident,
    "policy": load_policy,
    "ledger": load_ledger,
    "compared": load_policy,
    "layout": load_layout,
}
"""Name of a TOML document in documents/, without its number -> the function that loads the document."""


def plan_from_bundle(
    folder: Path,
    manifest: Manifest,
    *,
    claims: Sequence[Path] = (),
) -> Plan:
    """Return the plan (inputs and settings of a run) with which a report was written.

    Args:
        folder: the report folder.
        manifest: the manifest of the report.
        claims: paths at which to look for the input files. Claims files that are part of the package need no
            path.

    Raises:
        UsageError: the report needs claims files, and `claims` does not contain them.
        InputRefused: a document cannot be read, or this version of the package does not support the manifest.
        VerificationFailed: no file has the checksum that the manifest records for an input file.
    """
    _check_supported(folder, manifest)
    documents: dict[str, list[Path]] = {kind: [] for kind in BUNDLED_DOCUMENT_LOADERS}
    for name in sorted(manifest.documents, key=lambda n: (len(n), n)):  # so that layout-10 follows layout-9
        kind = name.partition("-")[0]
        load_bundled_document(folder, name, BUNDLED_DOCUMENT_LOADERS[kind])
        documents[kind].append(folder / "documents" / f"{name}.toml")
    bundled_ledger = next(iter(documents["ledger"]), None)
    input_files = _input_files(manifest, claims)
    uses_totals = any(record.kind == "counts" for record in manifest.inputs)
    return Plan(
        incident=documents["incident"][0],
        policy=documents["policy"][0],
        ledger=bundled_ledger,
        claims=None if uses_totals else tuple(input_files),
        columns=tuple(documents["layout"]),
        counts=input_files[0] if uses_totals else None,
        as_of=manifest.as_of,
        max_rejects=manifest.max_rejects,
        hindsight=manifest.hindsight,
        compare=tuple(documents["compared"]),
        budget=manifest.budget,
        draws=manifest.draws,
        seed=manifest.seed,
        level=manifest.level,
    )


def sections_from_bundle(folder: Path, manifest: Manifest) -> tuple[OwnSection, ...]:
    """Return the sections that the user had added to a report.

    Raises:
        InputRefused: a section is missing, a link, or not one of this version of the package.
    """
    names = [f"{FOLDER}/{number}.json" for number in range(1, manifest.sections + 1)]
    return tuple(read_section(bundle_path(folder, name)) for name in names)


def _check_supported(folder: Path, manifest: Manifest) -> None:
    names_are_known = all(
        re.fullmatch(r"incident|policy|ledger|(compared|layout)-\d{1,4}", n) for n in manifest.documents
    )
    has_required = names_are_known and {"incident", "policy"} <= manifest.documents.keys()
    is_within_limits = 0 < manifest.draws <= MAX_DRAWS and (manifest.budget or 0) <= MAX_BUDGET
    if not (has_required and is_within_limits and manifest.formats):
        raise InputRefused(
            "cannot be rebuilt by this version", file=folder / MANIFEST_NAME, remedy=REWRITE_REMEDY
        )
    unknown_format = next((name for name in manifest.formats if name not in FORMATS), None)
    if unknown_format is not None:
        raise InputRefused(
            "names a format that this version does not write",
            file=folder / MANIFEST_NAME,
            value=unknown_format,
        )


def _input_files(manifest: Manifest, offered_paths: Sequence[Path]) -> list[Path]:
    if manifest.warehouse is not None:
        store = next((p for p in offered_paths if p.suffix.lower() == STORE_SUFFIX), None)
        if store is None:
            raise _missing_claims_error(manifest.warehouse)
        return [store]
    bundled = sorted((data_root() / "claims").glob("*.parquet"))
    offered = expand_paths(offered_paths)[0]
    absent = next((p for p in offered if not p.is_file()), None)
    if absent is not None:
        raise InputRefused("there is no such file", file=absent)
    wanted = {record.sha256: record.name for record in manifest.inputs}
    known = {file_digest(path): path for path in ([*bundled, *offered] if wanted else [])}
    for checksum, name in wanted.items():
        if checksum not in known and not offered and name not in {p.name for p in bundled}:
            raise _missing_claims_error(name)
        if checksum not in known:
            whose = "none of the files given" if offered else "not the bundled file"
            problem = f"cannot be rebuilt: data: {whose} is {name} as it was read"
            raise VerificationFailed(
                problem, remedy=f"Give the file whose SHA-256 is {checksum} with --claims."
            )
    return [known[checksum] for checksum in wanted]


def _missing_claims_error(name: str) -> UsageError:
    problem = "rests on claims that a bundle does not hold"
    return UsageError(problem, value=name, remedy="Give them with --claims, or check with --integrity alone.")
