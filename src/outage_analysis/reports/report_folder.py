"""Write a report folder with its manifest, read what a bridge needs of one, and verify one."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from outage_analysis.analysis import Analysis, Plan, load_documents, run
from outage_analysis.assumptions import ledger_table, load_ledger
from outage_analysis.claims import DATA_FRAME, STORE_SUFFIX, expand_paths
from outage_analysis.costs import sensitivity
from outage_analysis.errors import InputRefused, UsageError, VerificationFailed, either
from outage_analysis.files import (
    Document,
    atomic_folder,
    data_root,
    document_text,
    package_root,
    recover_interrupted,
    refuse_if,
    spelling_hint,
    temporary_folder,
)
from outage_analysis.incidents import facts, load_incident, load_layout, outcomes
from outage_analysis.losses import Cube, cube_bytes
from outage_analysis.policies import load_policy
from outage_analysis.reports.deck import write_pptx
from outage_analysis.reports.html import write_html
from outage_analysis.reports.own_sections import (
    FOLDER,
    MAX_SECTIONS,
    OwnSection,
    own_section,
    read_section,
    write_sections,
)
from outage_analysis.reports.pdf import write_pdf
from outage_analysis.reports.report import Report, write_charts, write_markdown, write_tables
from outage_analysis.reports.workbook import write_xlsx
from outage_analysis.text import (
    DEFAULT_LEVEL,
    LEAST_LEVEL,
    MOST_LEVEL,
    Card,
    Displayable,
    Locale,
    Note,
    fonts,
)

MANIFEST_NAME, CHECKSUMS_NAME = "manifest.json", "SHA256SUMS"
MAX_BYTES = 1_000_000
"""The largest manifest or checksum file, in bytes, that is read."""
MAX_DRAWS, MAX_BUDGET = 2**22, 10**18
"""More draws would exhaust the memory; a larger budget would exceed the precision of a float."""
REWRITE_REMEDY = "Write the report again."
LIBRARIES = (
    *("altair", "duckdb", "fastexcel", "fonttools", "jinja2", "lxml", "numpy", "polars"),
    *("pydantic", "python-pptx", "scipy", "typst", "vl-convert-python", "xlsxwriter"),
)
"""Libraries whose version can change a byte of a report."""
ASSUMPTION_COLUMNS = (
    *("id", "kind", "distribution", "expected", "low", "high", "public_on", "outcome_known"),
    *("owner", "approved_by"),
)
PLAN_KEYS = ("budget", "changes", "draws", "hindsight", "level", "max_rejects", "seed")
"""The settings of a run that the manifest records, and from which `verify` runs the plan again."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]


class ManifestPart(BaseModel):
    """Base class of the manifest and its parts: immutable, with only the declared keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InputRecord(ManifestPart):
    """An input file of the report (claims, or totals per loss band): checksum, rows read and rejected."""

    kind: Literal["claims", "counts"]
    name: str
    sha256: Digest
    bytes: Count
    claims: Count
    encoding: str | None = None
    dialect: str | None = None
    rows: Count | None = None
    rejects: Count | None = None


class Manifest(ManifestPart):
    """The content of manifest.json in a report folder."""

    as_of: date
    assumptions: tuple[dict[str, Any], ...]
    """The assumptions known on the as-of day: the columns of `ASSUMPTION_COLUMNS`."""
    budget: Annotated[int, Field(ge=0, le=MAX_BUDGET)] | None
    changes: dict[str, float]
    """Payments by name and assumptions by id that the user has set; the documents contain the values."""
    code_sha256: Digest
    documents: dict[
        Annotated[str, Field(pattern=r"^(incident|policy|ledger|(compared|layout)-\d{1,4})$")], Digest
    ]
    """The TOML documents in documents/<name>.toml: checksums of their content, whatever its layout."""
    draws: Annotated[int, Field(gt=0, le=MAX_DRAWS)]
    environment: dict[str, str]
    epoch: date
    """The creation date in the files of the report. A rebuild compares it, also if no file shows the day."""
    examples: tuple[str, ...] = ()
    """Ids of assumptions that are examples, not evidence. If there are any, no figure may be used."""
    expected: dict[str, float | None]
    """Expected total per valuation (such as cash), computed from published counts."""
    facts: dict[str, Digest]
    """One checksum per file of published facts and outcomes, over what the run was allowed to use."""
    figures: dict[str, float | None]
    """The headline cost in cash: expected, p50 and the ends of the likely range, such as p10 and p90.

    Amounts are in the smallest unit of the currency.
    """
    formats: Annotated[tuple[str, ...], Field(min_length=1)]
    hindsight: bool
    inputs: tuple[InputRecord, ...]
    language: str
    level: Annotated[int, Field(ge=LEAST_LEVEL, le=MOST_LEVEL)] = DEFAULT_LEVEL
    """The probability of the likely range in percent."""
    max_rejects: float
    outputs: dict[str, Digest]
    """The checksum of each other file of the report."""
    sections: Annotated[int, Field(ge=0, le=MAX_SECTIONS)] = 0
    """The number of sections that the user has added; their content is in sections/<number>.json."""
    seed: Count
    synthetic_claims: bool
    versions: dict[str, str]
    warehouse: str | None
    """The DuckDB file that the claims were read from; `inputs` then names the files it was built from."""

    def to_json(self) -> str:
        """Return the manifest as JSON, with sorted keys and without values that equal their defaults."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def create_manifest(report: Report, folder: Path, formats: tuple[str, ...]) -> Manifest:
    """Return the manifest of a report whose output files are already in the folder."""
    analysis = report.analysis
    store, ledger = analysis.claims.store if analysis.claims else None, analysis.known_ledger
    entries = pl.DataFrame()
    if ledger is not None:
        entries = ledger_table(ledger).rename({"assumption": "id"}).select(ASSUMPTION_COLUMNS)
    figures: dict[str, float | None] = {"expected": analysis.expected_cash(analysis.cash_basis)}
    figures |= {
        name: value for name, value in analysis.points("cash").items() if name in analysis.likely_range.points
    }
    return Manifest(
        as_of=analysis.as_of,
        assumptions=tuple(fonts.printable_table(entries).to_dicts()),
        code_sha256=code_digest(),
        documents={name: content_digest(document) for name, document in analysis.documents.items()},
        environment=environment(),
        epoch=analysis.as_of,
        examples=analysis.used_ledger.examples if analysis.used_ledger else (),
        expected=dict(analysis.exact_tables["totals"].select("valuation", "expected").iter_rows()),
        facts=_facts_digests(analysis),
        figures=figures,
        formats=tuple(sorted(formats)),
        inputs=tuple(_input_records(analysis)),
        language=report.lang,
        outputs={name: file_digest(path) for name, path in report_files(folder).items()},
        sections=len(report.own_sections),
        synthetic_claims=analysis.synthetic,
        versions={name: version(name) for name in ("outage-analysis", *LIBRARIES)},
        warehouse=None if store is None else fonts.printable(store.name),
        **{key: getattr(analysis.plan, key) for key in PLAN_KEYS},
    )


def environment() -> dict[str, str]:
    """Return the processor architecture and the Python version, such as 3.11."""
    machine = platform.machine().lower()
    return {
        "machine": {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine),
        "python": ".".join(map(str, sys.version_info[:2])),
    }


@cache
def code_digest() -> str:
    """Return one checksum of all files of this package, except its data and notebooks.

    Data is excluded because the manifest records it separately. Notebooks do not affect a report.
    """
    root = package_root()
    checksum = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda p: p.relative_to(root).as_posix()):
        name = path.relative_to(root)
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and name.parts[0] not in ("data", "notebooks") and not hidden:
            content = path.read_bytes()
            checksum.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
    return checksum.hexdigest()


def _facts_digests(analysis: Analysis) -> dict[str, str]:
    hindsight = analysis.plan.hindsight
    tables = {"published": facts(public_by=None if hindsight else analysis.as_of)}
    tables |= {"outcomes": outcomes()} if hindsight else {}
    digests = {
        f"{directory}/{file}.csv": hashlib.sha256(rows.write_csv().encode()).hexdigest()
        for directory, frame in tables.items()
        for (file,), rows in frame.group_by("collection", maintain_order=True)
    }
    if analysis.backtest:
        spec = analysis.backtest.spec
        digests[f"outcomes/{spec.id}.toml"] = content_digest(spec)
    return digests


def _input_records(analysis: Analysis) -> Iterator[InputRecord]:
    plan = analysis.plan
    if plan.counts is not None:
        cube = analysis.cubes["cost"]
        data = cube_bytes(cube) if isinstance(plan.counts, Cube) else Path(plan.counts).read_bytes()
        rejects = None if cube.rejects is None else sum(cube.rejects.values())
        yield InputRecord(
            kind="counts",
            name=cube.source,
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            claims=cube.claims,
            rows=None if rejects is None else cube.claims + rejects,
            rejects=rejects,
        )
    if analysis.claims is not None:
        counts = analysis.claims.files.select("rows", "claims", "rejects").iter_rows(named=True)
        for file, row in zip(analysis.claims.inputs, counts, strict=True):
            of_file = {key: getattr(file, key) for key in ("name", "sha256", "bytes", "encoding", "dialect")}
            yield InputRecord(kind="claims", **of_file, **row)


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a report folder, without checking its checksum.

    Raises:
        UsageError: the folder has no manifest.
        InputRefused: the manifest is too large, or this version of the package cannot read it.
    """
    data = read_limited(folder, MANIFEST_NAME)
    try:
        manifest = Manifest.model_validate_json(data)
        refuse_if(not {"incident", "policy"} <= manifest.documents.keys(), "lacks a document")
    except (ValueError, RecursionError) as error:
        raise InputRefused(
            "is no manifest of a report of this version", file=folder / MANIFEST_NAME, remedy=REWRITE_REMEDY
        ) from error
    return manifest


def read_limited(folder: Path, name: str) -> bytes:
    """Read the manifest or the checksum file of a report folder, if it has at most `MAX_BYTES`.

    Raises:
        UsageError: the folder has no such file.
        InputRefused: the file is a link or too large.
    """
    path = folder / name
    if path.is_symlink():
        raise InputRefused("is a link, and not followed", file=path)
    if not path.is_file():
        raise UsageError("no report", file=folder, remedy="Name a folder that `report` wrote.")
    if path.stat().st_size > MAX_BYTES:
        raise InputRefused("is too large for a manifest", file=path, remedy=REWRITE_REMEDY)
    return path.read_bytes()


def content_digest(document: Document) -> str:
    """Return the SHA-256 of the parsed content of a TOML document, which does not depend on formatting."""
    return hashlib.sha256(document.model_dump_json(by_alias=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksum_lines(checksums: Mapping[str, str]) -> list[str]:
    """Return the lines of SHA256SUMS for the checksums of files by name."""
    return [f"{checksums[name]}  {name}" for name in sorted(checksums)]


def parse_checksums(text: str) -> dict[str, str]:
    """Return the checksums that the text of SHA256SUMS states, by file name."""
    return {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the checksums in SHA256SUMS by file name; empty if SHA256SUMS is missing or unreadable."""
    try:
        return parse_checksums(read_limited(folder, CHECKSUMS_NAME).decode())
    except (OSError, UnicodeDecodeError, UsageError, InputRefused):
        return {}


FORMATS: dict[str, Callable[[Report, Path], None]] = {
    "html": write_html,
    "pptx": write_pptx,
    "csv": partial(write_tables, suffix="csv"),
    "parquet": partial(write_tables, suffix="parquet"),
    "pdf": write_pdf,
    "xlsx": write_xlsx,
    "svg": partial(write_charts, suffix="svg"),
    "png": partial(write_charts, suffix="png"),
    "md": write_markdown,
}
"""Format name -> the function that writes its files into a folder."""


MAX_FILES, MAX_FILE_BYTES = 5_000, 200_000_000
"""Limits for a report folder: its number of files, and the bytes of one file."""


def write_report(
    analysis: Analysis,
    out: str | Path,
    *,
    lang: str = "en",
    force: bool = False,
    formats: Sequence[str] = tuple(FORMATS),
    sections: Sequence[OwnSection] = (),
) -> Path:
    """Write a report into a folder: the files of each format, manifest.json and SHA256SUMS.

    Args:
        analysis: the result of `run`.
        out: the folder to create. It appears only after all files are written.
        lang: the language, en or ko.
        force: whether to overwrite an existing report. A folder that is not a report is never overwritten.
        formats: names of output formats in `FORMATS`; all formats by default.
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
    fonts.folder()  # fails if a font file is missing
    if analysis.claims is not None and analysis.claims.is_derived:
        raise UsageError(
            "a report needs claims of files, and these are a selection",
            value=analysis.claims.selection,
            remedy='Save them, save_claims(claims, "part.parquet"), and read this file: '
            'read_claims("part.parquet", claims.incident).',
        )
    report = Report(analysis, lang, own_sections=tuple(sections))
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
    Locale(lang)  # This refuses an unknown language.
    unknown = next((name for name in formats if name not in FORMATS), None)
    if unknown is not None or not formats:
        raise UsageError(
            "no such format", value=unknown or "", remedy=spelling_hint(unknown or "", [*FORMATS])
        )
    recover_interrupted(out.resolve(), partial(_check_target, force=True))
    _check_target(out.resolve(), force=force)


def _check_target(out: Path, *, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    listed = {CHECKSUMS_NAME, *read_checksums(out)}
    files = {p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir()}
    if not out.is_dir() or not files <= listed:
        raise UsageError(
            "exists and is not a report, or holds files that are none of a report's",
            file=out,
            remedy=either("Choose another folder.", "Choose another --out."),
        )
    if not force:
        raise UsageError(
            "already holds a report",
            file=out,
            remedy=either("force=True replaces it.", "Add --force to replace it."),
        )


def bridge_side(run: str, incident: str, policy: str | None) -> tuple[sensitivity.BridgeRun, float | None]:
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
        return sensitivity.BridgeRun(policy_document, ledger, ledger.as_of), None
    files, manifest, checksums = report_files(folder), read_manifest(folder), read_checksums(folder)
    for name in (MANIFEST_NAME, *(f"documents/{name}.toml" for name in manifest.documents)):
        if name not in files or file_digest(files[name]) != checksums.get(name):
            raise InputRefused("is not as the report wrote it", file=folder / name, remedy=REWRITE_REMEDY)
    used = bundled_document(folder, "ledger") if "ledger" in manifest.documents else None
    side = sensitivity.BridgeRun(bundled_document(folder, "policy"), used, manifest.as_of)
    return side, manifest.expected.get("cash")


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


@dataclass(repr=False)
class ReportBuilder(Displayable):
    """A report before it is written; `analysis.report()` returns it.

    Example:
        >>> from outage_analysis.analysis import Plan, run
        >>> report = run(Plan(claims=())).report().add_section("Ours", "A paragraph.")
        >>> [section.title.en for section in report.sections]
        ['Ours']
    """

    analysis: Analysis
    lang: str = "en"
    formats: Sequence[str] = tuple(FORMATS)
    force: bool = False
    sections: list[OwnSection] = field(default_factory=list)
    """The sections that were added, in order."""

    def add_section(self, title: str | dict[str, str], *blocks: object) -> Self:
        """Add a section, which every format shows before the list of sources.

        Args:
            title: the title, or {"en": ..., "ko": ...}.
            *blocks: texts (or {"en": ..., "ko": ...}; empty lines divide paragraphs), Altair charts and
                Polars frames. A chart must contain its data, and a table has at most 1,000 rows and 16
                columns.

        Returns:
            The report itself, so that calls can follow each other.

        Raises:
            UsageError: a block is of another type, empty or too large, or a chart reads from an address.
            DisclosureBlocked: a text or a table seems to contain personal data.
        """
        if len(self.sections) == MAX_SECTIONS:
            raise UsageError(f"a report has at most {MAX_SECTIONS} sections of your own")
        self.sections.append(own_section(title, blocks))
        return self

    def write(
        self,
        out: str | Path,
        *,
        lang: str | None = None,
        formats: Sequence[str] | str | None = None,
        force: bool | None = None,
    ) -> Path:
        """Write the report into a folder, and return the path of report.html (or manifest.json without HTML).

        The other arguments replace those that `analysis.report` was called with; see `write_report`.
        """
        chosen = self.formats if formats is None else formats
        return write_report(
            self.analysis,
            out,
            lang=self.lang if lang is None else lang,
            formats=[chosen] if isinstance(chosen, str) else chosen,
            force=self.force if force is None else force,
            sections=self.sections,
        )

    def card(self, lang: str = "en") -> Card:
        """Return the summary for notebooks: the incident, the formats and the added sections."""
        locale = Locale(lang)
        lines = [self.analysis.incident.name[lang], ", ".join(self.formats)]
        lines += [f"+ {section.title[lang]}" for section in self.sections]
        return Card(locale("card.report"), tuple(lines), (), (locale("card.report_next"),))


CHANGED = "is not as the report wrote it"
NO_KNOWN_CAUSE = "no recorded cause: somebody edited the manifest, or runs are not reproducible"
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
    # Compare the files with SHA256SUMS, and SHA256SUMS and the documents with the manifest.
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
    recorded = manifest.outputs | {MANIFEST_NAME: checksums[MANIFEST_NAME]}
    if others := _changed(recorded, checksums):
        raise VerificationFailed(
            "does not agree with SHA256SUMS", file=MANIFEST_NAME, column=f"outputs > {others[0]}"
        )
    if manifest.code_sha256 == code_digest():  # another version may parse the documents differently
        for name, digest in sorted(manifest.documents.items()):
            if content_digest(bundled_document(folder, name)) != digest:
                raise VerificationFailed(CHANGED, file=f"documents/{name}.toml")
    if not rebuild:
        return VerificationResult(len(files), rebuilt=False)
    notes = _check_rebuild(folder, files, manifest, claims, progress)
    return VerificationResult(len(files), rebuilt=True, notes=notes, max_rejects=manifest.max_rejects)


def bundled_document(folder: Path, name: str) -> Any:  # noqa: ANN401 - the kind of the document decides
    """Load a TOML document of a report folder by its name, without checking its checksum.

    Raises:
        InputRefused: the document is missing, or this version of the package cannot read it.
    """
    path = folder / "documents" / f"{name}.toml"
    try:
        return DOCUMENT_LOADERS[name.partition("-")[0]](path)
    except UsageError as error:
        raise InputRefused(
            f"cannot be read by this version: {error.problem}", file=path, remedy=REWRITE_REMEDY
        ) from error


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
        write_report(analysis, out, lang=was.language, formats=was.formats, sections=sections)
        progress(Note("step_comparing"))
        rebuilt, now = report_files(out), read_manifest(out)
        notes = tuple(causes(was, now))
        for name in sorted((files.keys() | rebuilt.keys()) - {MANIFEST_NAME, CHECKSUMS_NAME}):
            _compare(name, files, rebuilt, notes)
        stated, again = (
            m.model_dump(mode="json", exclude={"code_sha256", "environment", "facts", "versions"})
            for m in (was, now)
        )
        if keys := _changed(stated, again):
            raise VerificationFailed("differs in the rebuilt report", file=MANIFEST_NAME, column=keys[0])
        if not notes:
            _compare(MANIFEST_NAME, files, rebuilt, ())
    return notes


def _compare(name: str, files: dict[str, Path], rebuilt: dict[str, Path], notes: Sequence[str]) -> None:
    """Raise an error if a file of the report differs from the file that the rebuild wrote."""
    why = "; ".join(notes)
    if name not in files or name not in rebuilt:
        problem = "is missing" if name not in files else "is not written again"
        raise VerificationFailed(f"{problem}: {why}" if why else problem, file=name)
    theirs, ours = files[name].read_bytes(), rebuilt[name].read_bytes()
    if theirs != ours:
        is_text = name.endswith((".csv", ".html", ".json", ".md", ".svg", ".toml"))
        parts = (theirs.split(b"\n"), ours.split(b"\n")) if is_text else (theirs, ours)
        number = next(n for n, (a, b) in enumerate(zip_longest(*parts), start=1) if a != b)
        place: dict[str, Any] = {"line": number} if is_text else {"column": f"byte {number:,}"}
        problem = f"differs from what a rebuild writes: {why or NO_KNOWN_CAUSE}"
        raise VerificationFailed(problem, file=name, **place)


def _plan_of_report(folder: Path, manifest: Manifest, claims: Sequence[Path]) -> Plan:
    """Return the plan of a report: its documents and settings, and the claims files with its checksums."""
    unknown = next((name for name in manifest.formats if name not in FORMATS), None)
    if unknown is not None:
        raise InputRefused(
            "names a format that this version does not write", file=folder / MANIFEST_NAME, value=unknown
        )
    documents: dict[str, list[Path]] = {kind: [] for kind in DOCUMENT_LOADERS}
    for name in sorted(manifest.documents, key=lambda n: (len(n), n)):  # so that layout-10 follows layout-9
        bundled_document(folder, name)  # a link, or a document that is damaged, is refused here
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
        raise VerificationFailed(
            f"cannot be rebuilt: data: {whose} is {missing[min(missing)]} as it was read",
            remedy=f"Give the file whose SHA-256 is {min(missing)} with {claims}.",
        )
    return [known[checksum] for checksum in wanted]


def causes(was: Manifest, now: Manifest) -> Iterator[str]:
    """Yield the differences between the manifests of two runs: environment, code, documents and data."""
    old, new = was.environment | was.versions, now.environment | now.versions
    for key in _changed(old, new):
        yield Note("environment_changed", name=key, before=old.get(key, "none"), after=new.get(key, "none"))
    if was.code_sha256 != now.code_sha256:
        yield Note("code_changed")
    yield from (Note("document_changed", name=name) for name in _changed(was.documents, now.documents))
    yield from (Note("facts_changed", name=name) for name in _changed(was.facts, now.facts))
    inputs, again = ({record.name: record for record in manifest.inputs} for manifest in (was, now))
    yield from (Note("other_file", name=name) for name in _changed(inputs, again))


def _changed(was: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [key for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key)]
