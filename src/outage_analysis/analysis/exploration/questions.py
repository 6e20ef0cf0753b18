"""What is asked of a distribution, and the tables that answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars as pl

from outage_analysis.analysis.exploration.loss_tables import fit_cube, fit_tables, heap_tables, loss_tables
from outage_analysis.claims import MAX_REJECTS, Claims, read_claims
from outage_analysis.errors import UsageError, refuse_no_level
from outage_analysis.files import bundled_claims, ids
from outage_analysis.incidents import Bands, load_incident, load_layout
from outage_analysis.losses import (
    FAMILIES,
    Cube,
    DimensionFilter,
    build_cube,
    compare_groups,
    display_bands,
    filter_cube,
    fit_all,
    load_grouped,
    read_counts,
    with_shares,
)
from outage_analysis.policies import load_policy, refuse_misfit

TWO_GROUPS = 2


@dataclass(frozen=True)
class Question:
    """What is asked of a distribution.

    Args:
        by: the dimensions to keep.
        where: dimension -> the values whose claims are taken.
        compared: two values of the first dimension, or none.
        fit: whether to fit laws to the losses above zero.
        families: the families to fit; none stands for all.
        top: what lies above the last edge of a printed table; by default what the table says.
        level: of the intervals.
        recovery: take a synthetic cube for a fit or a comparison, as a test of recovery.
    """

    by: tuple[str, ...] = ("service",)
    where: DimensionFilter = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    fit: bool = False
    families: tuple[str, ...] = ()
    top: str | None = None
    level: float = 0.95
    recovery: bool = False

    def __post_init__(self) -> None:
        """Refuse a level that is none, also where nothing asked for has an interval."""
        refuse_no_level(self.level)


@dataclass(frozen=True)
class Exploration:
    """The tables that answer, what they were made from, and what a reader must know of them."""

    tables: dict[str, pl.DataFrame]
    source: str
    synthetic: bool
    claims: Claims | None = None
    starts: frozenset[int] = frozenset()
    """Cuts whose edge belongs to the band above, under the policy or in the file of totals."""
    notes: tuple[str, ...] = ()


def explore(
    files: Sequence[str | Path] | None,
    incident: str | Path,
    policy: str | Path | None,
    columns: Sequence[str | Path],
    counts: str | Path | None,
    question: Question,
    max_rejects: float = MAX_REJECTS,
) -> Exploration:
    """The distribution of claims, or of totals.

    Args:
        files: complaint files; by default the bundled synthetic file of the incident.
        incident: id or path of its page.
        policy: id or path of the page whose edges the bands have; by default the incident's, if it has one.
        columns: layouts of the files.
        counts: a file of totals instead of claims.
        question: what is asked.
        max_rejects: the largest share of rejected rows to go on with.

    Raises:
        UsageError: pages, dimensions or values that do not exist; files and totals both given, or neither.
        InputRefused: data that cannot be used.
        ModelRefused: a fit or a comparison of synthetic claims; a fit that cannot be made.
    """
    page = load_incident(incident)
    edges = load_policy(policy or page.id) if policy or page.id in ids("policies") else None
    if edges:
        refuse_misfit(edges, page)
    if counts is not None:
        if files:
            raise UsageError("give claim files or counts, not both")
        cube = read_counts(counts, page)
        return replace(_explore_cube(cube, None, question, {}), starts=cube.starts)
    if not files:
        bundled = bundled_claims(page.id)
        if bundled is None:
            raise UsageError(f"no claims are bundled for {page.id}", remedy="Name your files.")
        files = [bundled]
    layouts = [load_layout(layout) for layout in columns]
    claims = read_claims(list(files), page, layouts=layouts, max_rejects=max_rejects)
    dimensions = tuple(dict.fromkeys([*question.by, *question.where]))
    cube = build_cube(claims, dimensions=dimensions, policy=edges)
    starts = edges.starts if edges else frozenset[int]()
    bands = display_bands(edges.cuts if edges else (), negative=page.loss.negative == "band")
    return replace(
        _explore_cube(cube, bands, question, heap_tables(claims, edges)), claims=claims, starts=starts
    )


def explore_grouped(id_or_path: str | Path, question: Question) -> Exploration:
    """The laws fitted to a printed table of losses.

    Raises:
        UsageError: no such table, family or convention.
        ModelRefused: a fit that cannot be made.
    """
    page = load_grouped(id_or_path)
    shares = pl.DataFrame({"over": page.edges[:-1], "up_to": page.edges[1:], "claims": page.counts})
    fits = fit_all(
        page.edges,
        page.counts,
        top=question.top or page.top,
        left=page.left,
        families=question.families or tuple(FAMILIES),
    )
    said = f"{page.name.en}, {page.unit.en}; top {question.top or page.top}, left {page.left}"
    notes = (said, *([page.note.en] if page.note else []), *(f"source: {source}" for source in page.sources))
    tables = {"bands": with_shares(shares), **fit_tables(fits, question.level)}
    return Exploration(tables, page.id, synthetic=False, notes=notes)


def _explore_cube(
    cube: Cube, bands: Bands | None, question: Question, heaps: Mapping[str, pl.DataFrame]
) -> Exploration:
    where = _typed_filter(question.where)
    tables = {**loss_tables(cube, bands, question.by, where), **heaps}
    notes: list[str] = []
    if question.compared:
        if len(question.compared) != TWO_GROUPS or not question.by:
            raise UsageError("two values are compared", value=", ".join(question.compared))
        first, second = _typed_values(question.by[0], question.compared)
        wide = bands or _bands_of_counts(cube)
        found = compare_groups(
            filter_cube(cube, where),
            question.by[0],
            first,
            second,
            wide,
            level=question.level,
            recovery=question.recovery,
        )
        tables |= {"shares": found.shares, "differences": found.differences}
    if question.fit:
        fits, said = fit_cube(
            cube,
            totals=bands is None,
            where=where,
            top=question.top,
            families=question.families or tuple(FAMILIES),
            recovery=question.recovery,
        )
        tables |= fit_tables(fits, question.level)
        notes.append(said)
    if heaps and (where or question.by):
        notes.append("losses told most often and those at edges are of all claims")
    if cube.synthetic:
        notes.append("synthetic rows: a fit or a comparison only tests whether it finds what was put in")
    return Exploration(tables, cube.source, cube.synthetic, notes=tuple(notes))


def _bands_of_counts(cube: Cube) -> Bands:
    """Bands that end where the bands of totals end."""
    ends = tuple(cube.frame["up_to"].drop_nulls().to_list())
    return Bands.of(ends, negative=any(end < 0 for end in ends))


def _typed_filter(where: DimensionFilter) -> dict[str, object]:
    """Values as the cube has them."""
    return {
        dimension: _typed_values(dimension, values) if isinstance(values, list | tuple) else values
        for dimension, values in where.items()
    }


def _typed_values(dimension: str, values: Sequence[object]) -> list[object]:
    """Days as days, nothing as unknown: the command line writes both as text."""
    return [None if v == "" else _parse_day(str(v)) if dimension == "filed_on" else v for v in values]


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        remedy = "Write it as 2022-10-31."
        raise UsageError("is not a day", column="filed_on", value=text, remedy=remedy) from error
