"""What a manifest records of an analysis: its pages, inputs, facts, figures and the machinery behind it."""

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
from outage_analysis.claims import STORE
from outage_analysis.files import Document, package_root
from outage_analysis.incidents import facts, load_layout, outcomes
from outage_analysis.policies import Policy
from outage_analysis.reports import archives
from outage_analysis.reports.manifest import (
    AssumptionEntry,
    Input,
    Manifest,
    Output,
    Page,
    PolicyPage,
    content_digest,
    digest,
)
from outage_analysis.reports.report import Report
from outage_analysis.text import fonts

LIBRARIES = (
    *("altair", "duckdb", "fastexcel", "fonttools", "jinja2", "lxml", "numpy", "polars"),
    *("pydantic", "python-pptx", "scipy", "typst", "vl-convert-python", "xlsxwriter"),
)
"""Every library that can change a byte of a report."""
ARCHIVES = (".pptx", ".xlsx")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""One class of machine under the name of another system."""


def manifest_of(report: Report, folder: Path, formats: tuple[str, ...]) -> Manifest:
    """The manifest of a report whose files stand in a folder."""
    a, plan = report.analysis, report.analysis.plan
    return Manifest(
        as_of=a.as_of,
        assumptions=assumption_entries(a.known_ledger) if a.known_ledger else (),
        backtest=_page(a.backtest.page) if a.backtest else None,
        bom=report.bom,
        budget=plan.budget,
        code_sha256=code_digest(),
        draws=plan.draws,
        environment=environment(),
        epoch=a.as_of,
        examples=a.used_ledger.examples if a.used_ledger else (),
        expected=dict(a.tables["totals"].select("valuation", "expected").iter_rows()),
        facts=_facts(a),
        figures=_figures(a),
        fonts=fonts.digests(),
        formats=tuple(sorted(formats)),
        glyphs_replaced=_replaced(report),
        hindsight=plan.hindsight,
        inputs=tuple(_inputs(a)),
        language=report.lang,
        lines_not_public_yet=a.dropped_lines,
        max_rejects=plan.max_rejects,
        outputs=outputs(folder),
        pages=_pages(a),
        policy=policy_page(a.policy),
        seed=plan.seed,
        synthetic_claims=a.synthetic,
        versions={name: version(name) for name in ("outage-analysis", *LIBRARIES)},
        warehouse=_warehouse(a),
    )


def outputs(folder: Path) -> dict[str, Output]:
    """The files of a folder by name, with the members of those that are archives."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        members = archives.digests(path.read_bytes()) if path.suffix in ARCHIVES else {}
        name = path.relative_to(folder).as_posix()
        found[name] = Output(sha256=digest(path), bytes=path.stat().st_size, members=members)
    return found


def environment() -> dict[str, str]:
    """What runs the package: the version of Python, the class of machine."""
    machine = platform.machine().lower()
    return {
        "machine": MACHINES.get(machine, machine),
        "python": ".".join(map(str, sys.version_info[:2])),
    }


@cache
def code_digest() -> str:
    """A checksum of the package's own files: data and fonts are named apart, notebooks change no report."""
    root = package_root()
    told = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
        name = path.relative_to(root)
        apart = name.parts[0] in ("data", "notebooks") or path.suffix == ".otf"
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and not apart and not hidden:
            content = path.read_bytes()
            told.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
    return told.hexdigest()


def policy_page(policy: Policy) -> PolicyPage:
    """What is recorded of a policy."""
    return PolicyPage(
        id=policy.id,
        content_sha256=content_digest(policy),
        name=fonts.shown(policy.name.en),
        currency=policy.currency,
        lines={line.id: content_digest(line) for line in policy.lines},
    )


def assumption_entries(ledger: Ledger) -> tuple[AssumptionEntry, ...]:
    """What is recorded of a ledger: each entry as its table prints it."""
    columns = ("id", "kind", "distribution", "expected", "low", "high", "public_on", "outcome_known")
    rows = ledger_table(ledger).rename({"assumption": "id"}).select(columns).iter_rows(named=True)
    return tuple(
        AssumptionEntry(
            **row,
            owner=fonts.shown(entry.owner),
            approved_by=fonts.shown(entry.approved_by),
            content_sha256=content_digest(entry),
        )
        for row, entry in zip(rows, ledger.assumptions, strict=True)
    )


def _page(page: Document) -> Page:
    """A page by its id, where it has one."""
    return Page(id=getattr(page, "id", ""), content_sha256=content_digest(page))


def _pages(analysis: Analysis) -> dict[str, Page]:
    """Each page that the bundle holds, by its name there."""
    named: dict[str, Document] = {"incident": analysis.incident, "policy": analysis.policy}
    others = analysis.compared.policies[1:] if analysis.compared else ()
    layouts = [load_layout(page) for page in analysis.plan.columns]
    named |= {} if analysis.ledger is None else {"ledger": analysis.ledger}
    named |= {f"compared-{n}": page for n, page in enumerate(others, start=1)}
    named |= {f"layout-{n}": page for n, page in enumerate(layouts, start=1)}
    return {name: _page(page) for name, page in named.items()}


def _facts(analysis: Analysis) -> dict[str, str]:
    """The rows that the run could use, by file: without hindsight, those public by the day."""
    if analysis.plan.hindsight:
        shelves = {"published": facts(), "outcomes": outcomes()}
    else:
        shelves = {"published": facts(public_by=analysis.as_of)}
    return {
        f"{shelf}/{file}.csv": hashlib.sha256(rows.write_csv().encode()).hexdigest()
        for shelf, frame in shelves.items()
        for (file,), rows in frame.group_by("collection", maintain_order=True)
    }


def _figures(analysis: Analysis) -> dict[str, float | None]:
    """Expected cash, P10, P50 and P90 of the headline; nothing where there is none."""
    told: dict[str, float | None] = {
        "expected": analysis.expected_cash(analysis.headline_basis or "published")
    }
    table = analysis.uncertainty_table(analysis.headline_basis, "quantiles")
    if table is not None:
        quantiles = table.filter(pl.col("measure").is_in(["p10", "p50", "p90"]), valuation="cash")
        told |= dict(quantiles.select("measure", "value").iter_rows())
    return told


def _inputs(analysis: Analysis) -> Iterator[Input]:
    """Each file read, with what became of its rows."""
    plan = analysis.plan
    if plan.counts is not None:
        path, cube = Path(plan.counts), analysis.cubes["cost"]
        size = path.stat().st_size
        yield Input(kind="counts", name=cube.source, sha256=digest(path), bytes=size, claims=cube.claims)
    if analysis.claims is None:
        return
    counts = analysis.claims.files.select("rows", "claims", "rejects").iter_rows(named=True)
    for f, row in zip(analysis.claims.inputs, counts, strict=True):
        yield Input(
            kind="claims",
            name=f.name,
            sha256=f.sha256,
            bytes=f.bytes,
            encoding=f.encoding,
            dialect=f.dialect,
            **row,
        )


def _warehouse(analysis: Analysis) -> str | None:
    named = [Path(p) for p in analysis.plan.claims or ()]
    return next((fonts.shown(p.name) for p in named if p.suffix.lower() == STORE), None)


def _replaced(report: Report) -> int:
    """How many characters of names and table texts have no glyph."""
    texts = [*report.analysis.names(report.lang).values(), report.analysis.incident.name[report.lang]]
    for table in report.analysis.tables.values():
        for column in table.select(pl.col(pl.String)):
            texts += column.drop_nulls().unique().to_list()
    return sum(map(_unseen, set(texts)))


def _unseen(text: str) -> int:
    """Characters of a text that have no glyph; those of a repeated text count once."""
    joined = unicodedata.normalize("NFC", text).replace("\r\n", " ").replace("\n", " ")
    return 0 if fonts.shown(joined) == joined else sum(fonts.shown(c) != c for c in joined)
