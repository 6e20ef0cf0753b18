"""Write a report folder (output files, manifest and checksums), and read what a bridge needs of one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from outage_analysis.analysis import Analysis, Plan, load_documents
from outage_analysis.assumptions import load_ledger
from outage_analysis.costs import cost_bridge
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError, either
from outage_analysis.files import Document, atomic_folder, document_text, recover_interrupted, spelling_hint
from outage_analysis.policies import load_policy
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.manifest import (
    CHECKSUMS_NAME,
    MANIFEST_NAME,
    REWRITE_REMEDY,
    checksum_lines,
    create_manifest,
    file_digest,
    read_checksums,
    read_manifest,
)
from outage_analysis.reports.own_sections import OwnSection, write_sections
from outage_analysis.reports.report import Report
from outage_analysis.text import LANGUAGES, Locale, fonts

T = TypeVar("T", bound=Document)
MAX_FILES, MAX_FILE_BYTES = 5_000, 200_000_000
"""Limits for a report folder: its number of files, and the bytes of one file."""
FIXED_CHARACTERS = "".join(map(chr, range(0x20, 0x7F))) + "–—…×·≤≥→’‘“”"
"""ASCII and the punctuation that figures and labels use; the fonts must cover them."""


def write_report(
    analysis: Analysis,
    out: str | Path,
    *,
    lang: str = "en",
    force: bool = False,
    formats: Sequence[str] = tuple(FORMATS),
    bom: bool = False,
    sections: Sequence[OwnSection] = (),
) -> Path:
    """Write a report into a folder: the files of each format, manifest.json and SHA256SUMS.

    Args:
        analysis: the result of `run`.
        out: the folder to create. It appears only after all files are written.
        lang: the language, en or ko.
        force: whether to overwrite an existing report. A folder that is not a report is never overwritten.
        formats: names of output formats in `FORMATS`; all formats by default.
        bom: whether CSV files start with a byte order mark, which Korean Excel needs to read UTF-8.
        sections: sections of your own; `analysis.report().add_section(...)` makes them.

    Returns:
        The path of report.html, or of manifest.json if HTML is not among the formats.

    Raises:
        UsageError: the language or a format is unknown, the folder must not be overwritten, or the claims are
            a selection from their files.
        EnvironmentFailed: the folder cannot be written, a font file is missing, or the fonts lack a
            character.
    """
    requested, out = Path(out), Path(out).resolve()
    check_output_options(out, lang=lang, force=force, formats=formats)
    _check_fonts(lang)
    if analysis.claims is not None and analysis.claims.is_derived:
        raise UsageError(
            "a report needs claims of files, and these are a selection",
            value=analysis.claims.selection,
            remedy='Save them, save_claims(claims, "part.parquet"), and read this file: '
            'read_claims("part.parquet", claims.incident).',
        )
    report = Report(analysis, lang, bom=bom, own_sections=tuple(sections))
    chosen = tuple(name for name in FORMATS if name in formats)
    with atomic_folder(out, partial(_check_target, force=force)) as folder:
        for name in chosen:
            FORMATS[name](report, folder)
        # The report can be rebuilt from the documents. They have no comments, which may be private.
        (folder / "documents").mkdir()
        for name, document in analysis.documents.items():
            (folder / "documents" / f"{name}.toml").write_text(document_text(document), "utf-8")
        write_sections(report.own_sections, folder)
        (folder / MANIFEST_NAME).write_text(create_manifest(report, folder, chosen).to_json(), "utf-8")
        checksums = {name: file_digest(path) for name, path in report_files(folder).items()}
        (folder / CHECKSUMS_NAME).write_text("\n".join([*checksum_lines(checksums), ""]), "utf-8")
    return requested / ("report.html" if "html" in formats else MANIFEST_NAME)


def check_output_options(out: Path, *, lang: str, force: bool, formats: Sequence[str]) -> None:
    """Check before a long run that its report can be written; raise an error if not.

    Raises:
        UsageError: the language or a format is unknown, or the folder must not be overwritten.
    """
    if lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    unknown = next((name for name in formats if name not in FORMATS), None)
    if unknown is not None or not formats:
        raise UsageError(
            "no such format", value=unknown or "", remedy=spelling_hint(unknown or "", [*FORMATS])
        )
    recover_interrupted(out.resolve(), partial(_check_target, force=True))
    _check_target(out.resolve(), force=force)


def _check_fonts(lang: str) -> None:
    """Refuse to write if a font file is missing, or lacks a character of our labels and fixed sentences."""
    fonts.folder()
    missing = fonts.missing_characters(FIXED_CHARACTERS + "".join(Locale(lang).texts()))
    if missing:
        named = ", ".join(f"U+{ord(c):04X}" for c in missing)
        problem = f"the fonts lack letters of our own words in {lang}"
        raise EnvironmentFailed(problem, value=named, remedy="Install the package again.")


def _check_target(out: Path, *, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    listed = {CHECKSUMS_NAME, *read_checksums(out)}
    files = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()}
    if not out.is_dir() or not files <= listed:
        problem = "exists and is not a report, or holds files that are none of a report's"
        raise UsageError(problem, file=out, remedy=either("Choose another folder.", "Choose another --out."))
    if not force:
        remedy = either("force=True replaces it.", "Add --force to replace it.")
        raise UsageError("already holds a report", file=out, remedy=remedy)


def bridge_side(run: str, incident: str, policy: str | None) -> tuple[cost_bridge.BridgeRun, float | None]:
    """Return one of the two runs between which a cost bridge explains the change of the expected cost.

    Args:
        run: a report folder, or the id or path of an assumption ledger.
        incident: the incident whose policy is used with an assumption ledger.
        policy: the id or path of a policy to use with an assumption ledger, in place of the incident's
            policy.

    Returns:
        The policy, assumption ledger and as-of day; and the expected cash that the report states (None if
        `run` is a ledger).

    Raises:
        UsageError: `run` is neither a report folder nor an assumption ledger.
        InputRefused: the report cannot be read.
    """
    folder = Path(run)
    if not folder.is_dir():
        ledger = load_ledger(run)
        _, policy_document, _ = load_documents(Plan(incident=incident, policy=policy, ledger=run))
        return cost_bridge.BridgeRun(policy_document, ledger, ledger.as_of), None
    manifest, checksums, files = read_manifest(folder), read_checksums(folder), report_files(folder)
    for name in (MANIFEST_NAME, *(f"documents/{name}.toml" for name in manifest.documents)):
        if name not in files or file_digest(files[name]) != checksums.get(name):
            raise InputRefused("is not as the report wrote it", file=folder / name, remedy=REWRITE_REMEDY)
    used = load_bundled_document(folder, "ledger", load_ledger) if "ledger" in manifest.documents else None
    side = cost_bridge.BridgeRun(load_bundled_document(folder, "policy", load_policy), used, manifest.as_of)
    return side, manifest.expected.get("cash")


def load_bundled_document(folder: Path, name: str, load: Callable[[Path], T]) -> T:
    """Load a TOML document of a report folder by its name, without checking its checksum.

    Raises:
        InputRefused: the document is missing, or this version of the package cannot read it.
    """
    path = folder / "documents" / f"{name}.toml"
    try:
        return load(path)
    except UsageError as error:
        problem = f"cannot be read by this version: {error.problem}"
        raise InputRefused(problem, file=path, remedy=REWRITE_REMEDY) from error


def report_files(folder: Path) -> dict[str, Path]:
    """Return the paths of all files in a folder, by their name relative to the folder.

    Raises:
        InputRefused: the folder contains a link, a special file, a file that is too large, or too many files.
    """
    paths: dict[str, Path] = {}
    for root, folders, files in os.walk(folder):
        for path in (Path(root) / name for name in (*folders, *files)):
            if path.is_symlink():
                raise InputRefused("is a link, and not followed", file=path)
            if not path.is_dir():
                paths[path.relative_to(folder).as_posix()] = path
                if not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
                    raise InputRefused("is no plain file, or too large for one of a report", file=path)
        if len(paths) > MAX_FILES:
            raise InputRefused(f"holds more than {MAX_FILES:,} files", file=folder)
    return paths
