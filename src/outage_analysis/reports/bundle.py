"""Write a report bundle: a folder with the output files, a manifest and checksums."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from outage_analysis.analysis import Analysis
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import (
    atomic_folder,
    document_text,
    recover_interrupted,
    spelling_hint,
)
from outage_analysis.reports.build_manifest import create_manifest
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.manifest import (
    CHECKSUMS_NAME,
    MANIFEST_NAME,
    file_digest,
    read_checksums,
)
from outage_analysis.reports.own_sections import OwnSection, write_sections
from outage_analysis.reports.report import Report
from outage_analysis.text import LANGUAGES, Locale, fonts

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
    check_fonts(lang)
    _check_repeatable(analysis)
    report = Report(analysis, lang, bom=bom, own_sections=tuple(sections))
    chosen = tuple(name for name in FORMATS if name in formats)
    with atomic_folder(out, partial(_check_target, force=force)) as folder:
        for name in chosen:
            FORMATS[name](report, folder)
        _write_documents(analysis, folder)
        write_sections(report.own_sections, folder)
        (folder / MANIFEST_NAME).write_text(create_manifest(report, folder, chosen).to_json(), "utf-8")
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        checksums = "".join(f"{file_digest(folder / name)}  {name}\n" for name in names)
        (folder / CHECKSUMS_NAME).write_text(checksums, "utf-8")
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


def _check_repeatable(analysis: Analysis) -> None:
    if analysis.claims is not None and analysis.claims.is_derived:
        raise UsageError(
            "a report needs claims of files, and these are a selection",
            value=analysis.claims.selection,
            remedy='Save them, save_claims(claims, "part.parquet"), and read this file: '
            'read_claims("part.parquet", claims.incident).',
        )


def check_fonts(lang: str) -> None:
    """Check that the package's fonts have all characters of the labels and fixed sentences of a report.

    Raises:
        EnvironmentFailed: a font file is missing, or the fonts lack a character.
    """
    fonts.folder()
    missing = fonts.missing_characters(FIXED_CHARACTERS + "".join(Locale(lang).texts()))
    if missing:
        named = ", ".join(f"U+{ord(c):04X}" for c in missing)
        problem = f"the fonts lack letters of our own words in {lang}"
        raise EnvironmentFailed(problem, value=named, remedy="Install the package again.")


def _check_target(out: Path, *, force: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not _is_report(out)):
        problem = "exists and is not a report, or holds files that are none of a report's"
        raise UsageError(problem, file=out, remedy="Choose another --out.")
    if not force and any(out.iterdir()):
        raise UsageError("already holds a report", file=out, remedy="Add --force to replace it.")


def _is_report(folder: Path) -> bool:
    listed = {CHECKSUMS_NAME, *read_checksums(folder)}
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()} <= listed


def _write_documents(analysis: Analysis, folder: Path) -> None:
    # Write the TOML documents of the analysis into documents/, so that the report can be rebuilt from them.
    # Comments are left out, because they may be private.
    (folder / "documents").mkdir()
    for name, document in analysis.documents.items():
        (folder / "documents" / f"{name}.toml").write_text(document_text(document), "utf-8")
