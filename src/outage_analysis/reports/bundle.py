"""The bundle: every format in one folder, with a manifest and checksums, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import load_ledger
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import Document, Kind, nearest, page_text, put_in_place, recover, resolve
from outage_analysis.incidents import load_incident, load_layout
from outage_analysis.policies import load_policy
from outage_analysis.reports.build_manifest import create_manifest
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.manifest import (
    CHECKSUMS_NAME,
    MANIFEST_NAME,
    content_digest,
    file_digest,
    read_checksums,
)
from outage_analysis.reports.report import Report
from outage_analysis.text import LANGUAGES, Locale, fonts

FIXED_CHARACTERS = "".join(map(chr, range(0x20, 0x7F))) + "–—…×·≤≥→’‘“”"
"""What our own words are set with beside themselves: digits, marks, signs."""
DOCUMENT_LOADERS: dict[Kind, Callable[[Path], Document]] = {
    "incidents": load_incident,
    "policies": load_policy,
    "assumptions": load_ledger,
    "layouts": load_layout,
}


def write_report(
    analysis: Analysis,
    out: str | Path,
    *,
    lang: str = "en",
    force: bool = False,
    formats: Sequence[str] = tuple(FORMATS),
    bom: bool = False,
) -> Path:
    """Write a report's formats, manifest.json and SHA256SUMS into a folder.

    Args:
        analysis: what `run` returned.
        out: the folder. It appears only when all of it is written.
        lang: en or ko.
        force: replace a report that is there; a folder that is no report is never replaced.
        formats: which of `FORMATS`; all, by default.
        bom: begin CSV files with a byte order mark, which Korean Excel needs.

    Returns:
        The path of the HTML page; without one, of the manifest.

    Raises:
        UsageError: an unknown language or format, a folder that may not be replaced, or a page that is no
            longer the one that was analysed.
        EnvironmentFailed: the disk refused, or the fonts lack something.
    """
    asked, out = Path(out), Path(out).resolve()
    check_output_options(out, lang=lang, force=force, formats=formats)
    check_fonts(lang)
    report, chosen = Report(analysis, lang, bom=bom), tuple(name for name in FORMATS if name in formats)
    with put_in_place(out, partial(_check_target, force=force)) as folder:
        for name in chosen:
            FORMATS[name](report, folder)
        _write_documents(analysis, folder)
        (folder / MANIFEST_NAME).write_text(create_manifest(report, folder, chosen).text(), "utf-8")
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        sums = "".join(f"{file_digest(folder / name)}  {name}\n" for name in names)
        (folder / CHECKSUMS_NAME).write_text(sums, "utf-8")
    return asked / ("report.html" if "html" in formats else MANIFEST_NAME)


def check_output_options(out: Path, *, lang: str, force: bool, formats: Sequence[str]) -> None:
    """Refuse before anything runs what could not be written after.

    Raises:
        UsageError: an unknown language or format, or a folder that may not be replaced.
    """
    if lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    stranger = next((name for name in formats if name not in FORMATS), None)
    if stranger is not None or not formats:
        raise UsageError("no such format", value=stranger or "", remedy=nearest(stranger or "", [*FORMATS]))
    recover(out.resolve(), partial(_check_target, force=True))
    _check_target(out.resolve(), force=force)


def check_fonts(lang: str) -> None:
    """Refuse to write what the package's fonts could not set.

    Raises:
        EnvironmentFailed: a font is missing, or has no glyph for a letter of our own words.
    """
    fonts.folder()
    lacking = fonts.lacking(FIXED_CHARACTERS + "".join(Locale(lang).texts()))
    if lacking:
        named = ", ".join(f"U+{ord(c):04X}" for c in lacking)
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
    """Whether every file in a folder is one that its own checksums list."""
    listed = {CHECKSUMS_NAME, *read_checksums(folder)}
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()} <= listed


def _write_documents(analysis: Analysis, folder: Path) -> None:
    """Write the TOML pages that the report rests on, so that the bundle can be opened again.

    They are written from their values: a comment may be private, and would travel with the report.
    """
    plan = analysis.plan
    named: dict[str, tuple[Kind, str | Path, Document | None]] = {
        "incident": ("incidents", plan.incident, analysis.incident),
        "policy": ("policies", plan.policy or analysis.incident.id, analysis.policy),
    }
    if analysis.ledger is not None:
        named["ledger"] = ("assumptions", plan.ledger or analysis.ledger.id, analysis.ledger)
    others = analysis.compared.policies[1:] if analysis.compared else ()
    for n, (page, other) in enumerate(zip(plan.compare, others, strict=True), start=1):
        named[f"compared-{n}"] = ("policies", page, other)
    for n, page in enumerate(plan.columns, start=1):
        named[f"layout-{n}"] = ("layouts", page, None)
    (folder / "pages").mkdir()
    for name, (kind, page, analysed) in named.items():
        source, copied = resolve(kind, page), folder / "pages" / f"{name}.toml"
        copied.write_text(page_text(source), "utf-8")
        if analysed is not None and content_digest(DOCUMENT_LOADERS[kind](copied)) != content_digest(
            analysed
        ):
            raise UsageError("is no longer the page that was analysed", file=source, remedy="Run again.")
