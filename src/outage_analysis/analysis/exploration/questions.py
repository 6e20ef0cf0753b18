"""Explore the losses of claims, totals or a printed table: bands, quantiles, comparisons and fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from outage_analysis.analysis.exploration.loss_tables import fit_cube, fit_tables, heap_tables, loss_tables
from outage_analysis.claims import MAX_REJECTS, Claims, read_claims
from outage_analysis.errors import UsageError, check_level
from outage_analysis.files import bundled_claims, bundled_ids
from outage_analysis.incidents import Bands, Layout, load_incident, load_layout
from outage_analysis.losses import (
    FAMILIES,
    MIN_CLAIMS_PER_CATEGORY,
    Cube,
    DimensionFilter,
    build_cube,
    compare_groups,
    display_bands,
    filter_cube,
    fit_all,
    load_grouped,
    merge_rare_groups,
    read_counts,
    with_shares,
)
from outage_analysis.policies import check_same_units, load_policy
from outage_analysis.text import Locale

TWO_GROUPS = 2


@dataclass(frozen=True)
class Question:
    """What `explore` computes from losses: groups, filters, a comparison and fitted distributions.

    Args:
        by: the dimensions to group by.
        where: dimension -> value or list of values; use only the claims with these values.
        compared: two values of the first dimension to compare; empty for no comparison.
        fit: whether to fit severity distributions to the losses above 0.
        families: the families to fit; empty for all.
        top: what is known above the last edge (`open`, `closed` or `truncated`); by default what the table
            states.
        level: the confidence level of the intervals.
        recovery: allow a fit or a comparison of synthetic claims, to test whether it recovers the generator's
            parameters.
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
        """Raise UsageError if the level is outside 0 to 1, even if no interval is requested."""
        check_level(self.level)


@dataclass(frozen=True)
class Exploration:
    """The tables that answer a question, with their source and notes for the reader."""

    tables: dict[str, pl.DataFrame]
    source: str
    synthetic: bool
    claims: Claims | None = None
    starts: frozenset[int] = frozenset()
    """Band edges that belong to the upper band, such as 300000 in [0, 300000), stored as 299999."""
    notes: tuple[str, ...] = ()


def explore(
    files: Sequence[str | Path] | None,
    incident: str | Path,
    policy: str | Path | None,
    columns: Sequence[str | Path | Layout],
    counts: str | Path | None,
    question: Question,
    max_rejects: float = MAX_REJECTS,
) -> Exploration:
    """Describe the losses of claims or of totals.

    Args:
        files: complaint files; by default the bundled synthetic file of the incident.
        incident: the id or path of the incident.
        policy: the id or path of a policy whose edges become band edges; by default the bundled policy with
            the incident's id, if there is one.
        columns: layouts of the files.
        counts: a file of totals, to use instead of claims.
        question: what to compute.
        max_rejects: the largest acceptable share of rejected rows.

    Raises:
        UsageError: a document, dimension or value does not exist; or there are both files and totals, or
            neither.
        InputRefused: the data cannot be used.
        ModelRefused: claims are synthetic and a fit or comparison is requested without `recovery`, or no
            family can be fitted.
    """
    loaded = load_incident(incident)
    edges = load_policy(policy or loaded.id) if policy or loaded.id in bundled_ids("policies") else None
    if edges:
        check_same_units(edges, loaded)
    if counts is not None:
        if files:
            raise UsageError("give claim files or counts, not both")
        cube = read_counts(counts, loaded)
        return replace(_explore_cube(cube, None, question, {}), starts=cube.starts)
    if not files:
        bundled = bundled_claims(loaded.id)
        if bundled is None:
            raise UsageError(f"no claims are bundled for {loaded.id}", remedy="Name your files.")
        files = [bundled]
    layouts = [load_layout(layout) for layout in columns]
    claims = read_claims(list(files), loaded, layouts=layouts, max_rejects=max_rejects)
    dimensions = tuple(dict.fromkeys([*question.by, *question.where]))
    every = build_cube(claims, dimensions=dimensions, policy=edges)
    cube = merge_rare_groups(
        every, [d.id for d in loaded.dimensions if d.kind == "text" and d.id in dimensions]
    )
    starts = edges.starts if edges else frozenset[int]()
    bands = display_bands(edges.cuts if edges else (), negative=loaded.loss.negative == "band")
    found = _explore_cube(cube, bands, question, heap_tables(claims, edges))
    note = f"small groups are counted together, so that each has at least {MIN_CLAIMS_PER_CATEGORY} claims"
    notes = found.notes if cube is every else (note, *found.notes)
    return replace(found, claims=claims, starts=starts, notes=notes)


def explore_grouped(id_or_path: str | Path, question: Question, lang: str = "en") -> Exploration:
    """Fit severity distributions to a printed table of grouped losses.

    Args:
        id_or_path: the bundled id or the path of the table.
        question: what to compute.
        lang: the language of the texts of the table.

    Raises:
        UsageError: the table or a family does not exist, or `top` is unknown.
        ModelRefused: no family can be fitted.
    """
    table = load_grouped(id_or_path)
    shares = pl.DataFrame({"over": table.edges[:-1], "up_to": table.edges[1:], "claims": table.counts})
    fits = fit_all(
        table.edges,
        table.counts,
        top=question.top or table.top,
        left=table.left,
        families=question.families or tuple(FAMILIES),
    )
    locale = Locale(lang)
    top, left = (locale(f"word.{word}") for word in (question.top or table.top, table.left))
    about = {"name": table.name[lang], "unit": table.unit[lang], "top": top, "left": left}
    description = locale("terminal.distribution_grouped", **about)
    notes = (
        description,
        *([table.note[lang]] if table.note else []),
        *(f"source: {source}" for source in table.sources),
    )
    tables = {"bands": with_shares(shares), **fit_tables(fits, question.level)}
    return Exploration(tables, table.id, synthetic=False, notes=notes)


def _explore_cube(
    cube: Cube, bands: Bands | None, question: Question, heaps: Mapping[str, pl.DataFrame]
) -> Exploration:
    """Compute the tables that a `Question` requests from a cube."""
    where = _typed_filter(question.where)
    tables = {**loss_tables(cube, bands, question.by, where), **heaps}
    notes: list[str] = []
    if question.compared:
        if len(question.compared) != TWO_GROUPS or not question.by:
            raise UsageError("two values are compared", value=", ".join(question.compared))
        first, second = _typed_values(question.by[0], question.compared)
        display = bands or _bands_of_counts(cube)
        tables |= compare_groups(
            filter_cube(cube, where),
            question.by[0],
            first,
            second,
            display,
            level=question.level,
            recovery=question.recovery,
        )
    if question.fit:
        fits, note = fit_cube(
            cube,
            totals=bands is None,
            where=where,
            top=question.top,
            families=question.families or tuple(FAMILIES),
            recovery=question.recovery,
        )
        tables |= fit_tables(fits, question.level)
        notes.append(note)
    if heaps and (where or question.by):
        notes.append("losses told most often and those at edges are of all claims")
    if cube.synthetic:
        notes.append("synthetic rows: a fit or a comparison only tests whether it finds what was put in")
    return Exploration(tables, cube.source, cube.synthetic, notes=tuple(notes))


def _bands_of_counts(cube: Cube) -> Bands:
    ends = tuple(cube.frame["up_to"].drop_nulls().to_list())
    return Bands.from_cuts(ends, negative=any(end < 0 for end in ends))


def _typed_filter(where: DimensionFilter) -> dict[str, object]:
    return {
        dimension: _typed_values(dimension, values) if isinstance(values, list | tuple) else values
        for dimension, values in where.items()
    }


def _typed_values(dimension: str, values: Sequence[object]) -> list[object]:
    """Convert command-line strings: dates and hours to date and time values, an empty string to None."""
    parse = {"filed_on": _parse_day, "filed_hour": _parse_hour}.get(dimension)
    return [None if v == "" else v if parse is None else parse(str(v)) for v in values]


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        remedy = "Write it as 2022-10-31."
        raise UsageError("is not a day", column="filed_on", value=text, remedy=remedy) from error


def _parse_hour(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        remedy = "Write it as 2022-10-31T15:00."
        raise UsageError("is not an hour", column="filed_hour", value=text, remedy=remedy) from error
