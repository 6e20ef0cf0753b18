"""The bundle: every format in one folder, with a manifest and checksums, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from outage_analysis.datasets import Kind, Noun, resolve
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.labels import LANGUAGES
from outage_analysis.pipeline import Analysis
from outage_analysis.published import facts
from outage_analysis.reports.html import write_html
from outage_analysis.reports.tables import write_csv, write_parquet

Writer = Callable[[Analysis, Path, str], None]
FORMATS: dict[str, Writer] = {"html": write_html, "csv": write_csv, "parquet": write_parquet}
"""Every format, by name: a function that writes its files into the folder."""

LIBRARIES = ("altair", "duckdb", "numpy", "polars", "scipy", "vl-convert-python")


def write_report(analysis: Analysis, out: str | Path, *, lang: str = "en", force: bool = False) -> Path:
    """Write every format, manifest.json and SHA256SUMS into a folder.

    Args:
        analysis: what `run` returned.
        out: the folder. It appears only when all of it is written.
        lang: en or ko.
        force: replace a report that is there; a folder that is no report is never replaced.

    Returns:
        The path of the HTML page.

    Raises:
        UsageError: an unknown language, or a folder that may not be replaced.
        EnvironmentFailed: the disk refused.
    """
    asked, out = Path(out), Path(out).resolve()
    if lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    _check_target(out, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror}", file=out) from error
    try:
        for write in FORMATS.values():
            write(analysis, temporary, lang)
        _copy_pages(analysis, temporary)
        _write_manifest(analysis, temporary, lang)
        temporary.chmod(0o755)
        # The old report leaves only when the new one stands in its place.
        old = temporary.with_name(f"{temporary.name}.old")
        if out.exists():
            out.replace(old)
        try:
            temporary.replace(out)
        except OSError:
            if old.exists():
                old.replace(out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror}", file=out) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return asked / "report.html"


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
    listed = {"SHA256SUMS", *sums_of(folder)}
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()} <= listed


def sums_of(folder: Path) -> dict[str, str]:
    """The checksums of a report's files by name, as it lists them; none where it lists none."""
    try:
        lines = (folder / "SHA256SUMS").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _copy_pages(analysis: Analysis, folder: Path) -> None:
    """The TOML pages that the report rests on, so that the bundle can be opened again."""
    plan = analysis.plan
    named: dict[str, tuple[Kind, str | Path]] = {
        "incident": ("incidents", plan.incident),
        "policy": ("policies", plan.policy or analysis.incident.id),
    }
    if analysis.ledger is not None:
        named["ledger"] = ("assumptions", plan.ledger or analysis.ledger.id)
    named |= {f"compared-{n}": ("policies", page) for n, page in enumerate(plan.compare, start=1)}
    (folder / "pages").mkdir()
    for name, (kind, page) in named.items():
        shutil.copyfile(resolve(kind, page), folder / "pages" / f"{name}.toml")


def _write_manifest(analysis: Analysis, folder: Path, lang: str) -> None:
    outputs = {
        p.relative_to(folder).as_posix(): {"sha256": _digest(p), "bytes": p.stat().st_size}
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    pages = {"incident": analysis.incident, "policy": analysis.policy, "ledger": analysis.ledger}
    others = analysis.compared.policies[1:] if analysis.compared else ()
    pages |= {f"compared-{n}": page for n, page in enumerate(others, start=1)}
    admissible = facts(public_by=analysis.as_of).write_csv()
    manifest: dict[str, Any] = {
        "as_of": analysis.as_of.isoformat(),
        "budget": analysis.plan.budget,
        "draws": analysis.plan.draws,
        "expected": dict(analysis.tables["totals"].select("valuation", "expected").iter_rows()),
        "facts_sha256": hashlib.sha256(admissible.encode()).hexdigest(),
        "hindsight": analysis.plan.hindsight,
        "inputs": _inputs(analysis),
        "language": lang,
        "lines_not_public_yet": list(analysis.dropped_lines),
        "max_rejects": analysis.plan.max_rejects,
        "outputs": outputs,
        "pages": {
            name: {"id": page.id, "content_sha256": content_digest(page)}
            for name, page in pages.items()
            if page
        },
        "seed": analysis.plan.seed,
        "synthetic_claims": analysis.synthetic,
        "versions": {"outage-analysis": version("outage-analysis"), **{n: version(n) for n in LIBRARIES}},
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, "utf-8")
    sums = {
        **{name: o["sha256"] for name, o in outputs.items()},
        "manifest.json": _digest(folder / "manifest.json"),
    }
    lines = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    (folder / "SHA256SUMS").write_text(lines, "utf-8")


def content_digest(page: Noun) -> str:
    """A checksum of what a page says, whatever its layout."""
    return hashlib.sha256(page.model_dump_json(by_alias=True).encode()).hexdigest()


def _inputs(analysis: Analysis) -> list[dict[str, Any]]:
    """Each file read, with what became of its rows."""
    if analysis.claims is None:
        return [{"name": cube.source, "claims": cube.claims} for cube in analysis.cubes.values()]
    counts = analysis.claims.files.iter_rows(named=True)
    return [
        {
            "name": f.name,
            "sha256": f.sha256,
            "bytes": f.bytes,
            "encoding": f.encoding,
            "dialect": f.dialect,
            **{k: row[k] for k in ("rows", "claims", "rejects")},
        }
        for f, row in zip(analysis.claims.inputs, counts, strict=True)
    ]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
