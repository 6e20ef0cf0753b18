"""Explore losses: bands, quantiles, comparisons and fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from outage_analysis import losses, text
from outage_analysis.analysis.plan import DEFAULT_INCIDENT
from outage_analysis.analysis.results import input_warnings
from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import UsageError, check_level, either
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import Bands, Incident, load_incident
from outage_analysis.losses import FAMILIES, Cube, DimensionFilter, Fits
from outage_analysis.policies import Policy, check_same_units, load_policy

TIMES: dict[str, Callable[[str], date]] = {
    "filed_on": date.fromisoformat,
    "filed_hour": datetime.fromisoformat,
}
"""Dimension of times -> how its values are parsed."""


@dataclass(frozen=True)
class Question:
    """What `explore` computes from losses: groups, filters and fitted distributions.

    Args:
        by: the dimensions to group by.
        where: dimension -> value or list of values; use only the claims with these values.
        fit: whether to fit severity distributions to the losses above 0.
        families: the families to fit; empty for all.
        top: what is known above the last edge (`open`, `closed` or `truncated`); by default what the table
            states.
        level: the confidence level of the intervals.
        recovery: allow a fit of synthetic claims, to test whether it recovers the generator's parameters.
    """

    by: tuple[str, ...] = ("service",)
    where: DimensionFilter = field(default_factory=dict)
    fit: bool = False
    families: tuple[str, ...] = ()
    top: str | None = None
    level: float = 0.95
    recovery: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError if the level is outside 0 to 1, even if no interval is requested."""
        check_level(self.level)


@dataclass(frozen=True)
class Exploration(text.Result):
    """The tables that answer a question, with their source and notes for the reader."""

    tables: dict[str, pl.DataFrame]
    source: str
    synthetic: bool
    by: tuple[str, ...] = ()
    """The dimensions that the tables are grouped by."""
    incident: Incident | None = None
    """The incident that the losses are of; None for a printed table of losses."""
    claims: Claims | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why families were not fitted, by family."""
    starts: frozenset[int] = frozenset()
    """Band edges that belong to the upper band, such as 300000 in [0, 300000), stored as 299999."""
    notes: tuple[str, ...] = ()

    def warnings(self, lang: str) -> list[str]:
        """Return a sentence on rejected rows, if there are any."""
        return input_warnings(self.claims, None, lang)

    def to_dict(self) -> dict[str, Any]:
        """Return all tables as plain values."""
        places = self.incident.locale("en").places if self.incident else {}
        schemas = text.schemas_of("distribution")
        rows = {name: schemas[name].whole(table, places).to_dicts() for name, table in self.tables.items()}
        return {"source": self.source, "synthetic": self.synthetic, "notes": self.notes, **rows}

    def answer(self, lang: str = "en") -> text.Answer:
        """Return how many losses are small and large, all tables in the incident's units, then the notes."""
        locale, sentences = text.Locale(lang), list[str]()
        words = {dimension: {"": locale("terminal.merged_groups")} for dimension in self.by}
        mark = text.synthetic_mark(locale, synthetic=self.synthetic)
        if self.incident is not None:
            locale = replace(self.incident.locale(lang), starts=self.starts)
            sentences = [mark + sentence for sentence in _band_sentences(self.tables["bands"], locale)]
            named = {"service": self.incident.services, "claimant_type": self.incident.claimant_types}
            for dimension in set(self.by) & set(named):
                words[dimension] |= {item.id: item.name[lang] for item in named[dimension]}
        reasons = [(family, locale.note(reason)) for family, reason in self.refused.items()]
        told = {"refused": text.schema_of("distribution.refused").frame(reasons)} if reasons else {}
        tables = {
            name: table.with_columns(
                pl.col(n).replace(words[n]) for n in words if table.schema.get(n) == pl.String
            )
            for name, table in (self.tables | told).items()
        }
        shown = text.shown_tables(tables, "distribution", locale, mark)
        return text.Answer(locale, sentences, [*shown, *map(locale.note, self.notes)])


def _band_sentences(bands: pl.DataFrame, locale: text.Locale) -> list[str]:
    """Return how many claims state no loss, a loss of zero, one in the lowest and one in the highest band.

    Nothing is said of totals whose bands do not separate zero, or overlap between groups.
    """
    total = bands.group_by("over", "up_to").agg(pl.col("claims").sum()).sort("over", "up_to", nulls_last=True)
    counts = {(over, up_to): locale.number(n) for over, up_to, n in total.iter_rows()}
    unstated, zero = (counts.pop(band, "0") for band in ((None, None), (-1, 0)))
    edges = [*counts]
    meet = all(up_to is not None and up_to <= over for (_, up_to), (over, _) in pairwise(edges))
    if not meet or any(over is None or over < 0 for over, _ in edges):
        return []
    every = locale.number(total["claims"].sum())
    told = [locale("terminal.distribution_answer", count=every, unstated=unstated, zero=zero)]
    if len(edges) > 1 and edges[0][0] == 0 and edges[-1][1] is None:
        count = locale.number(total.filter(pl.col("over") >= 0)["claims"].sum())
        ends = {"first": counts[edges[0]], "last": counts[edges[-1]]}
        amounts = {"edge": locale.loss(edges[0][1]), "top": locale.loss(edges[-1][0])}
        told.append(locale("terminal.distribution_ends", count=count, **ends, **amounts))
    return told


def explore(
    claims: Claims | None,
    incident: str | Path | None,
    policy: str | Path | None,
    counts: str | Path | None,
    question: Question,
) -> Exploration:
    """Describe the losses of claims or of totals.

    Args:
        claims: the claims; by default the bundled synthetic claims of the incident.
        incident: without claims, the id or path of the incident; by default the Kakao outage.
        policy: the id or path of a policy whose edges become band edges; by default the bundled policy with
            the incident's id, if there is one.
        counts: a file of totals, to use instead of claims.
        question: what to compute.

    Raises:
        UsageError: a document, dimension or value does not exist, or there are neither claims nor totals.
        InputRefused: the data cannot be used.
        ModelRefused: claims are synthetic and a fit is requested without `recovery`, or no family can be
            fitted.
    """
    loaded = load_incident(incident or DEFAULT_INCIDENT) if claims is None else claims.incident
    edges = load_policy(policy or loaded.id) if policy or loaded.id in bundled_ids("policies") else None
    if edges:
        check_same_units(edges, loaded)
    bands, heaps, notes = None, dict[str, pl.DataFrame](), list[str]()
    if counts is not None:
        if claims is not None:
            raise UsageError("give claim files or counts, not both")
        cube = losses.cube_of(counts, loaded)
        starts = cube.starts
    else:
        claims = read_claims(None, loaded) if claims is None else claims
        dimensions = tuple(dict.fromkeys([*question.by, *question.where]))
        every = losses.build_cube(claims, dimensions=dimensions, policy=edges)
        texts = [d.id for d in loaded.dimensions if d.kind == "text" and d.id in dimensions]
        cube = losses.merge_rare_groups(every, texts)
        bands = losses.display_bands(edges.cuts if edges else (), negative=loaded.loss.negative == "band")
        starts, ends = (edges.starts, edges.edges[: losses.MAX_DISPLAY_CUTS]) if edges else (frozenset(), ())
        heaps = {
            "bunching": losses.bunching_table(claims, ends),
            "heaps": claims.exact_rows("frequent-losses"),
        }
        if cube is not every:
            notes.append(text.Note("merged_groups", least=str(losses.MIN_CLAIMS_PER_CATEGORY)))
    by, families, refused = question.by, question.families or tuple(FAMILIES), dict[str, str]()
    where = {
        name: [_typed(name, value) for value in values] if isinstance(values, list | tuple) else values
        for name, values in question.where.items()
    }
    chosen = losses.filter_cube(cube, where)
    summed = {"summary": losses.summary(chosen, by), "quantiles": losses.quantiles(chosen, by)}
    tables = {"bands": band_counts(chosen, by, bands), **summed, **heaps}
    if question.fit:
        options = {"totals": bands is None, "recovery": question.recovery}
        fits, note = fit_cube(cube, where=where, top=question.top, families=families, **options)
        tables, refused = tables | fit_tables(fits, question.level), dict(fits.refused)
        notes.append(note)
    if heaps and (where or by):
        notes.append(text.Note("heaps_of_all"))
    if cube.synthetic:
        notes.append(text.Note("synthetic_fit"))
    about = (tables, cube.source, cube.synthetic, by, loaded, claims)
    return Exploration(*about, refused=refused, starts=starts, notes=tuple(notes))


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
    table, locale = losses.load_grouped(id_or_path), text.Locale(lang)
    top, families = question.top or table.top, question.families or tuple(FAMILIES)
    fits = losses.fit_all(table.edges, table.counts, top=top, left=table.left, families=families)
    shares = pl.DataFrame({"over": table.edges[:-1], "up_to": table.edges[1:], "claims": table.counts})
    about = {"top": locale(f"word.{top}"), "left": locale(f"word.{table.left}")}
    notes = [
        locale("terminal.distribution_grouped", name=table.name[lang], unit=table.unit[lang], **about),
        *([table.note[lang]] if table.note else []),
        *(text.Note("source", address=source) for source in table.sources),
    ]
    tables = {"bands": losses.with_shares(shares), **fit_tables(fits, question.level)}
    return Exploration(tables, table.id, synthetic=False, refused=fits.refused, notes=tuple(notes))


def band_counts(cube: Cube, by: Sequence[str], bands: Bands | None) -> pl.DataFrame:
    """Count the claims of a cube by group and loss band; without `bands` in the cube's own, as of totals."""
    own = [*by, "over", "up_to"]
    counted = losses.regroup(cube, by, bands) if bands else losses.sorted_cube(losses.regroup(cube, own), by)
    return losses.with_shares(counted, by)


def _typed(dimension: str, value: object) -> object:
    parse = TIMES.get(dimension)
    try:
        return None if value == "" else parse(str(value)) if parse else value
    except ValueError as error:
        remedy = "Write a day as 2022-10-31, and an hour as 2022-10-31T15:00."
        raise UsageError("is not a day or an hour", column=dimension, value=value, remedy=remedy) from error


def combination_counts(
    claims: Claims, policy: Policy | None = None, *, until: date | None = None
) -> pl.DataFrame:
    """Count claims by combinations of service, loss band, day and region, for linked charts.

    The region is the first text dimension of the incident. If there is none, the counts are by service, loss
    band and day.

    Args:
        claims: the result of `read_claims`.
        policy: a policy whose cuts become edges of the bands.
        until: leave out claims filed after this day.

    Returns:
        The table of `count_combinations`.

    Raises:
        DisclosureBlocked: values of the region contain personal data.
    """
    incident = claims.incident
    bands = losses.display_bands(policy.cuts if policy else (), negative=incident.loss.negative == "band")
    dimension = next((d.id for d in incident.dimensions if d.kind == "text"), None)
    return losses.count_combinations(claims, bands=bands, dimension=dimension, until=until)


def fit_cube(
    cube: Cube,
    *,
    totals: bool,
    where: DimensionFilter | None = None,
    top: str | None = None,
    families: Sequence[str] = tuple(FAMILIES),
    recovery: bool = False,
    unit: int = 1,
) -> tuple[Fits, str]:
    """Fit severity distributions to the losses above 0 of a cube.

    Args:
        cube: a cube from claims or from totals.
        totals: whether the cube is from totals. Its bands are then used as stated, and `top` is required if
            the last band is not open.
        where: dimension -> value or list of values; use only the claims with these values.
        top: what is known above the last band: `open`, `closed` or `truncated`; see `GroupedLosses`.
        families: the families to fit.
        recovery: allow a synthetic cube, to test whether the fit recovers the generator's parameters.
        unit: the losses are divided by it before they are fitted, such as 100 for euros instead of cents.

    Returns:
        The fits, and a sentence that states the number of losses and bands.

    Raises:
        UsageError: the last band of totals is not open and there is no `top`, or a value or family does not
            exist.
        ModelRefused: the cube is synthetic and `recovery` is not set, or no family can be fitted.
    """
    stated = losses.stated_edges(cube) if totals else None
    ends, counts = losses.loss_counts(cube, edges=stated, where=where, recovery=recovery)
    edges = [edge / unit for edge in ends]
    if edges[-1] != float("inf") and top is None:
        raise UsageError(
            f"the last band ends at {edges[-1]:,.10g}: what lies above it is not said",
            remedy=f"Say {either('top', '--top')} closed (there was nothing), truncated (it could not be "
            "seen) or open.",
        )
    top, left = top or "open", "truncated" if edges[0] > 0 else "ground_up"
    fits = losses.fit_all(edges, counts, top=top, left=left, synthetic=cube.synthetic, families=families)
    return fits, text.Note("fitted", losses=f"{sum(counts):,}", bands=str(len(counts)), top=top, left=left)


def fit_tables(fits: Fits, level: float = 0.95) -> dict[str, pl.DataFrame]:
    """Return tables of fitted distributions, of their means and quantiles, and of families not fitted.

    Args:
        fits: the result of `fit_all`.
        level: the confidence level of the profile intervals, between 0 and 1.

    Returns:
        `fits` (see `Fits.table`), `quantities` (see `Fits.quantities`) and `refused` (family, reason).

    Raises:
        UsageError: the level is outside 0 to 1.
    """
    return {
        "fits": fits.table(),
        "quantities": fits.quantities(level),
        "refused": text.schema_of("distribution.refused").frame([*fits.refused.items()]),
    }
