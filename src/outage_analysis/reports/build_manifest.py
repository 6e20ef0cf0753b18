"""Build the manifest of a report folder from the analysis, the report and the written files."""

from __future__ import annotations

import hashlib
import platform
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import Ledger, ledger_table
from outage_analysis.files import Document, package_root
from outage_analysis.incidents import facts, outcomes
from outage_analysis.policies import Policy
from outage_analysis.reports import archives
from outage_analysis.reports.manifest import (
    AssumptionRecord,
    DocumentRecord,
    InputRecord,
    Manifest,
    OutputRecord,
    PolicyRecord,
    content_digest,
    file_digest,
)
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

LIBRARIES = (
    *("altair", "duckdb", "fastexcel", "fonttools", "jinja2", "lxml", "numpy", "polars"),
    *("pydantic", "python-pptx", "scipy", "typst", "vl-convert-python", "xlsxwriter"),
)
"""Libraries whose version can change a byte of a report."""
ARCHIVE_SUFFIXES = (".pptx", ".xlsx")
MACHINE_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Names of the same processor architecture on other operating systems."""


def create_manifest(report: Report, folder: Path, formats: tuple[str, ...]) -> Manifest:
    """Return the manifest of a report whose output files are already in the folder."""
    analysis, plan = report.analysis, report.analysis.plan
    return Manifest(
        as_of=analysis.as_of,
        assumptions=assumption_records(analysis.known_ledger) if analysis.known_ledger else (),
        backtest=_document_record(analysis.backtest.spec) if analysis.backtest else None,
        bom=report.bom,
        budget=plan.budget,
        code_sha256=code_digest(),
        draws=plan.draws,
        environment=environment(),
        epoch=analysis.as_of,
        examples=analysis.used_ledger.examples if analysis.used_ledger else (),
        expected=dict(analysis.tables["totals"].select("valuation", "expected").iter_rows()),
        facts=_facts_digests(analysis),
        figures=_headline_figures(analysis),
        fonts=fonts.digests(),
        formats=tuple(sorted(formats)),
        glyphs_replaced=_count_missing_glyphs(report),
        hindsight=plan.hindsight,
        inputs=tuple(_input_records(analysis)),
        language=report.lang,
        level=plan.level,
        lines_not_public_yet=analysis.dropped_lines,
        max_rejects=plan.max_rejects,
        outputs=output_records(folder),
        documents={name: _document_record(document) for name, document in analysis.documents.items()},
        policy=policy_record(analysis.policy),
        sections=len(report.own_sections),
        seed=plan.seed,
        synthetic_claims=analysis.synthetic,
        versions={name: version(name) for name in ("outage-analysis", *LIBRARIES)},
        warehouse=_warehouse_name(analysis),
    )


def output_records(folder: Path) -> dict[str, OutputRecord]:
    """Return the size and checksum of each file in a folder.

    For .pptx and .xlsx files, which are zip archives, the checksums of the files inside are added.
    """
    records = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        members = archives.member_digests(path.read_bytes()) if path.suffix in ARCHIVE_SUFFIXES else {}
        name = path.relative_to(folder).as_posix()
        records[name] = OutputRecord(sha256=file_digest(path), bytes=path.stat().st_size, members=members)
    return records


def environment() -> dict[str, str]:
    """Return the processor architecture and the Python version, such as 3.11."""
    machine = platform.machine().lower()
    return {
        "machine": MACHINE_NAMES.get(machine, machine),
        "python": ".".join(map(str, sys.version_info[:2])),
    }


@cache
def code_digest() -> str:
    """Return one checksum of all files of this package, except its data, fonts and notebooks.

    Data and fonts are excluded because the manifest records them separately. Notebooks are excluded because
    they do not affect a report.
    """
    root = package_root()
    checksum = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
        name = path.relative_to(root)
        excluded = name.parts[0] in ("data", "notebooks") or path.suffix == ".otf"
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and not excluded and not hidden:
            content = path.read_bytes()
            checksum.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
    return checksum.hexdigest()


def policy_record(policy: Policy) -> PolicyRecord:
    """Return the manifest entry of a policy: id, name, currency, and one checksum per cost line."""
    return PolicyRecord(
        id=policy.id,
        content_sha256=content_digest(policy),
        name=fonts.printable(policy.name.en),
        currency=policy.currency,
        lines={line.id: content_digest(line) for line in policy.lines},
    )


def assumption_records(ledger: Ledger) -> tuple[AssumptionRecord, ...]:
    """Return one manifest entry per assumption, with the values that the table of assumptions prints."""
    columns = ("id", "kind", "distribution", "expected", "low", "high", "public_on", "outcome_known")
    rows = ledger_table(ledger).rename({"assumption": "id"}).select(columns).iter_rows(named=True)
    return tuple(
        AssumptionRecord(
            **row,
            owner=fonts.printable(entry.owner),
            approved_by=fonts.printable(entry.approved_by),
            content_sha256=content_digest(entry),
        )
        for row, entry in zip(rows, ledger.assumptions, strict=True)
    )


def _document_record(document: Document) -> DocumentRecord:
    """Return the manifest entry of a TOML document: its id (empty if it has none) and its checksum."""
    return DocumentRecord(id=getattr(document, "id", ""), content_sha256=content_digest(document))


def _facts_digests(analysis: Analysis) -> dict[str, str]:
    if analysis.plan.hindsight:
        tables = {"published": facts(), "outcomes": outcomes()}
    else:
        tables = {"published": facts(public_by=analysis.as_of)}
    return {
        f"{directory}/{file}.csv": hashlib.sha256(rows.write_csv().encode()).hexdigest()
        for directory, frame in tables.items()
        for (file,), rows in frame.group_by("collection", maintain_order=True)
    }


def _headline_figures(analysis: Analysis) -> dict[str, float | None]:
    figures: dict[str, float | None] = {"expected": analysis.expected_cash(analysis.cash_basis)}
    table = analysis.uncertainty_table(analysis.headline_basis, "quantiles")
    if table is not None:
        quantiles = table.filter(pl.col("measure").is_in(analysis.likely_range.points), valuation="cash")
        figures |= dict(quantiles.select("measure", "value").iter_rows())
    return figures


def _input_records(analysis: Analysis) -> Iterator[InputRecord]:
    plan = analysis.plan
    if plan.counts is not None:
        path, cube = Path(plan.counts), analysis.cubes["cost"]
        size = path.stat().st_size
        yield InputRecord(
            kind="counts", name=cube.source, sha256=file_digest(path), bytes=size, claims=cube.claims
        )
    if analysis.claims is None:
        return
    counts = analysis.claims.files.select("rows", "claims", "rejects").iter_rows(named=True)
    for claims_file, row in zip(analysis.claims.inputs, counts, strict=True):
        yield InputRecord(
            kind="claims",
            name=claims_file.name,
            sha256=claims_file.sha256,
            bytes=claims_file.bytes,
            encoding=claims_file.encoding,
            dialect=claims_file.dialect,
            **row,
        )


def _warehouse_name(analysis: Analysis) -> str | None:
    store = analysis.claims.store if analysis.claims else None
    return None if store is None else fonts.printable(store.name)


def _count_missing_glyphs(report: Report) -> int:
    texts = [*report.analysis.names(report.lang).values(), report.analysis.incident.name[report.lang]]
    for table in report.analysis.tables.values():
        for column in table.select(pl.col(pl.String)):
            texts += column.drop_nulls().unique().to_list()
    return sum(map(_missing_glyphs, set(texts)))


def _missing_glyphs(text: str) -> int:
    joined = unicodedata.normalize("NFC", text).replace("\r\n", " ").replace("\n", " ")
    return 0 if fonts.printable(joined) == joined else sum(fonts.printable(c) != c for c in joined)
