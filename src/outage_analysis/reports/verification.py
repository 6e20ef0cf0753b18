"""Verify a report folder: compare its files with their checksums, then write the report again and compare.

Anybody may have changed the folder, so the checks trust none of its files. If bytes differ, the manifests of
both runs show why: the likeliest cause comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from outage_analysis.analysis import Plan, run
from outage_analysis.assumptions import load_ledger
from outage_analysis.claims import DATA_FRAME, STORE_SUFFIX, expand_paths
from outage_analysis.errors import InputRefused, UsageError, VerificationFailed, either
from outage_analysis.files import Document, data_root, temporary_folder
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.policies import load_policy
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.manifest import (
    CHECKSUMS_NAME,
    MANIFEST_NAME,
    PLAN_KEYS,
    Manifest,
    checksum_lines,
    code_digest,
    content_digest,
    file_digest,
    parse_checksums,
    read_limited,
    read_manifest,
)
from outage_analysis.reports.own_sections import FOLDER, read_section
from outage_analysis.reports.report_folder import load_bundled_document, report_files, write_report
from outage_analysis.text import Note

MAX_CAUSES = 3
"""The most causes that an error message names."""
CHANGED = "is not as the report wrote it"
NO_KNOWN_CAUSE = "no recorded cause: somebody edited the manifest, or runs are not reproducible"
NOTED_KEYS = {"code_sha256", "environment", "facts", "versions"}
"""Manifest keys whose differences are only noted, because they need not change any file."""
TEXT_SUFFIXES = (".csv", ".html", ".json", ".md", ".svg", ".toml")
DOCUMENT_LOADERS: dict[str, Callable[[Path], Document]] = {
    "incident": load_incident,
    "policy": load_policy,
    "ledger": load_ledger,
    "compared": load_policy,
    "layout": load_layout,
}
"""Name of a TOML document in documents/, without its number -> the function that loads the document."""


@dataclass(frozen=True)
class VerificationResult:
    """The result of a successful verification of a report.

    Args:
        files: the number of files in the report folder.
        rebuilt: whether the report was also rebuilt and compared byte by byte.
        notes: differences between the two runs that changed no file, such as library versions.
        max_rejects: the largest share of rejects that the report states. A rebuild takes it as it is.
    """

    files: int
    rebuilt: bool
    notes: tuple[str, ...] = ()
    max_rejects: float | None = None


def verify(
    folder: str | Path,
    *,
    rebuild: bool = True,
    claims: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> VerificationResult:
    """Verify a written report: check its checksums, rebuild the report and compare every byte.

    Args:
        folder: a folder that `write_report` wrote.
        rebuild: whether to run the plan again and compare every file byte by byte, too.
        claims: the claims files from which the report was computed, unless they are part of the package.
        progress: called with the name of each step as it starts.

    Raises:
        UsageError: the folder contains no report, or claims files for the rebuild are missing.
        InputRefused: the report cannot be read, or its folder contains links or unsafe file names.
        VerificationFailed: a file differs; the error names the first such file, the line or byte, and the
            cause.
    """
    folder = Path(folder)
    files = report_files(folder)
    progress(Note("step_checking_the_files"))
    manifest = _check_integrity(folder, files)
    if not rebuild:
        return VerificationResult(len(files), rebuilt=False)
    notes = _check_rebuild(folder, files, manifest, claims, progress)
    return VerificationResult(len(files), rebuilt=True, notes=notes, max_rejects=manifest.max_rejects)


def _check_integrity(folder: Path, files: dict[str, Path]) -> Manifest:
    """Compare the files with SHA256SUMS, and SHA256SUMS and the documents with the manifest."""
    listed = read_limited(folder, CHECKSUMS_NAME).decode("utf-8", "replace")
    checksums = parse_checksums(listed)
    found = {name: file_digest(path) for name, path in files.items() if name != CHECKSUMS_NAME}
    if differing := _changed(checksums, found):
        name = differing[0]
        added = "is no file of the report" if name not in checksums else CHANGED
        raise VerificationFailed("is missing" if name not in found else added, file=name)
    if sorted(listed.splitlines()) != sorted(checksum_lines(found)):
        raise VerificationFailed(CHANGED, file=CHECKSUMS_NAME)
    manifest = read_manifest(folder)
    recorded = {name: output.sha256 for name, output in manifest.outputs.items()}
    recorded[MANIFEST_NAME] = checksums[MANIFEST_NAME]
    if others := _changed(recorded, checksums):
        problem = "does not agree with SHA256SUMS"
        raise VerificationFailed(problem, file=MANIFEST_NAME, column=f"outputs > {others[0]}")
    if manifest.code_sha256 == code_digest():  # another version may parse the documents differently
        for name, digest in sorted(manifest.documents.items()):
            if content_digest(_document(folder, name)) != digest:
                raise VerificationFailed(CHANGED, file=f"documents/{name}.toml")
    return manifest


def _document(folder: Path, name: str) -> Document:
    return load_bundled_document(folder, name, DOCUMENT_LOADERS[name.partition("-")[0]])


def _check_rebuild(
    folder: Path,
    files: dict[str, Path],
    was: Manifest,
    claims: Sequence[Path],
    progress: Callable[[str], None],
) -> tuple[str, ...]:
    """Write a report again and compare it; return the differences of the runs that changed no file."""
    plan = _plan_of_report(folder, was, claims)
    sections = [read_section(folder / FOLDER / f"{number}.json") for number in range(1, was.sections + 1)]
    with temporary_folder() as temporary:
        analysis = run(plan, progress=progress)
        progress(Note("step_writing_the_report_again"))
        out = temporary / "report"
        write_report(analysis, out, lang=was.language, formats=was.formats, bom=was.bom, sections=sections)
        progress(Note("step_comparing"))
        rebuilt, now = report_files(out), read_manifest(out)
        notes = tuple(causes(was, now))
        for name in sorted((files.keys() | rebuilt.keys()) - {MANIFEST_NAME, CHECKSUMS_NAME}):
            _compare(name, files, rebuilt, notes)
        stated, again = (m.model_dump(mode="json", exclude=NOTED_KEYS) for m in (was, now))
        if keys := _changed(stated, again):
            raise VerificationFailed("is not what a rebuild writes", file=MANIFEST_NAME, column=keys[0])
        if not notes:
            _compare(MANIFEST_NAME, files, rebuilt, ())
    return notes


def _compare(name: str, files: dict[str, Path], rebuilt: dict[str, Path], notes: Sequence[str]) -> None:
    """Raise an error if a file of the report differs from the file that the rebuild wrote."""
    more = [f"and {len(notes) - MAX_CAUSES} more"] if len(notes) > MAX_CAUSES else []
    why = "; ".join([*notes[:MAX_CAUSES], *more])
    if name not in files or name not in rebuilt:
        problem = "is missing" if name not in files else "is not written again"
        raise VerificationFailed(f"{problem}: {why}" if why else problem, file=name)
    theirs, ours = files[name].read_bytes(), rebuilt[name].read_bytes()
    if theirs != ours:
        is_text = name.endswith(TEXT_SUFFIXES)
        parts = (theirs.split(b"\n"), ours.split(b"\n")) if is_text else (theirs, ours)
        number = next(n for n, (a, b) in enumerate(zip_longest(*parts), start=1) if a != b)
        place: dict[str, Any] = {"line": number} if is_text else {"column": f"byte {number:,}"}
        problem = f"differs from what a rebuild writes: {why or NO_KNOWN_CAUSE}"
        raise VerificationFailed(problem, file=name, **place)


def _plan_of_report(folder: Path, manifest: Manifest, claims: Sequence[Path]) -> Plan:
    """Return the plan of a report: its documents and settings, and the claims files with its checksums."""
    unknown = next((name for name in manifest.formats if name not in FORMATS), None)
    if unknown is not None:
        problem = "names a format that this version does not write"
        raise InputRefused(problem, file=folder / MANIFEST_NAME, value=unknown)
    documents: dict[str, list[Path]] = {kind: [] for kind in DOCUMENT_LOADERS}
    for name in sorted(manifest.documents, key=lambda n: (len(n), n)):  # so that layout-10 follows layout-9
        _document(folder, name)  # a link, or a document that is damaged, is refused here
        documents[name.partition("-")[0]].append(folder / "documents" / f"{name}.toml")
    inputs = _input_files(manifest, claims)
    uses_totals = any(record.kind == "counts" for record in manifest.inputs)
    return Plan(
        incident=documents["incident"][0],
        policy=documents["policy"][0],
        ledger=next(iter(documents["ledger"]), None),
        claims=None if uses_totals else tuple(inputs),
        columns=tuple(documents["layout"]),
        counts=inputs[0] if uses_totals else None,
        as_of=manifest.as_of,
        compare=tuple(documents["compared"]),
        **{key: getattr(manifest, key) for key in PLAN_KEYS},
    )


def _input_files(manifest: Manifest, offered_paths: Sequence[Path]) -> list[Path]:
    claims, alone = either("claims=", "--claims"), either("rebuild=False", "--integrity")
    if any(record.encoding == DATA_FRAME for record in manifest.inputs) and manifest.warehouse is None:
        raise UsageError(
            f"rests on a {DATA_FRAME}, which cannot be read again",
            remedy=f"Check with {alone}, or make a report of the frame saved as a file.",
        )
    stores = [path for path in offered_paths if path.suffix.lower() == STORE_SUFFIX]
    if manifest.warehouse is not None and stores:
        return stores[:1]
    bundled = sorted((data_root() / "claims").glob("*.parquet"))
    offered = expand_paths(offered_paths)[0]
    if absent := next((p for p in offered if not p.is_file()), None):
        raise InputRefused("there is no such file", file=absent)
    wanted = {record.sha256: record.name for record in manifest.inputs}
    known = {file_digest(path): path for path in ([*bundled, *offered] if wanted else [])}
    missing = {checksum: name for checksum, name in wanted.items() if checksum not in known}
    name = manifest.warehouse or next(iter(missing.values()), "")
    if manifest.warehouse or (missing and not offered and name not in {path.name for path in bundled}):
        remedy = f"Give them with {claims}, or check with {alone}."
        raise UsageError("rests on claims that a bundle does not hold", value=name, remedy=remedy)
    if missing:
        whose = "none of the files given" if offered else "not the bundled file"
        remedy = f"Give the file whose SHA-256 is {min(missing)} with {claims}."
        problem = f"cannot be rebuilt: data: {whose} is {missing[min(missing)]} as it was read"
        raise VerificationFailed(problem, remedy=remedy)
    return [known[checksum] for checksum in wanted]


def causes(was: Manifest, now: Manifest) -> Iterator[str]:
    """Yield the differences between the manifests of two runs: environment, code, documents and data."""
    old, new = was.environment | was.versions, now.environment | now.versions
    for key in _changed(old, new):
        before, after = old.get(key, "none"), new.get(key, "none")
        yield Note("environment_changed", name=key, before=before, after=after)
    if was.code_sha256 != now.code_sha256:
        yield Note("code_changed")
    yield from (Note("document_changed", name=name) for name in _changed(was.documents, now.documents))
    yield from (Note("facts_changed", name=name) for name in _changed(was.facts, now.facts))
    inputs, again = ({record.name: record for record in manifest.inputs} for manifest in (was, now))
    yield from (Note("other_file", name=name) for name in _changed(inputs, again))


def _changed(was: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [key for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key)]
