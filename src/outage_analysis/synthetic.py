"""Synthetic complaints: published counts matched exactly, all the rest assumed on a TOML page.

Nothing made here is a finding about an incident; every row says of itself that it is synthetic.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from outage_analysis.assumptions import MixBand
from outage_analysis.bands import LARGEST_LOSS, check_partition
from outage_analysis.datasets import Identifier, Name, Noun
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.pages import read_noun
from outage_analysis.published import figure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outage_analysis.incidents import Incident, Named


VALUES = {
    "loss": {"some", "zero", "unknown"},
    "report": {"first", "second"},
    "spelling": {"plain", "free"},
    "unit": {"edge", "1", "10", "100", "1000", "5000", "10000", "50000", "100000", "1000000"},
}
"""The values that a mix may weigh, where not any will do."""


class Stated(Noun):
    """What every assumption about synthetic rows carries, and the rows it is about."""

    id: Identifier
    grade: Literal["assumed"]
    facts: tuple[str, ...] = ()
    rationale: str = Field(min_length=1)
    claimant_types: tuple[Identifier, ...] = ()
    """Only these types; none listed stands for all."""
    categories: tuple[Identifier, ...] = ()


class Mix(Stated):
    """How often each value of a column occurs: weights, or facts whose value is the weight."""

    column: Literal[
        "loss",
        "service",
        "region",
        "industry",
        "early_day",
        "late_day",
        "unit",
        "report",
        "spelling",
    ]
    weights: dict[Identifier, Annotated[float, Field(gt=0)] | str] = Field(min_length=1)


class LossLaw(Stated):
    """Positive losses, lognormal; each band, closed above, holds exactly its share of them."""

    median: Annotated[int, Field(gt=0)]
    sigma: Annotated[float, Field(gt=0, le=5)]
    bands: tuple[MixBand, ...] = Field(alias="band", default=(MixBand(over=0, share=1.0),))


class SyntheticAssumptions(Noun):
    """All that a synthetic complaint file assumes, and the facts whose counts it matches."""

    id: Identifier
    name: Name
    incident: Identifier
    categories: dict[Identifier, str]
    claimant_types: dict[Identifier, str]
    """Claimant type -> the fact that counts its own cases: those of no affiliate."""
    with_loss: dict[Identifier, str]
    early: str
    losses: tuple[LossLaw, ...]
    mixes: tuple[Mix, ...] = Field(alias="mix")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for law in self.losses:
            check_partition([(b.over, b.up_to) for b in law.bands])
        for by in (*self.losses, *self.mixes):
            strange = {*by.claimant_types} - self.claimant_types.keys()
            strange |= {*by.categories} - self.categories.keys()
            if isinstance(by, Mix):
                strange |= by.weights.keys() - VALUES.get(by.column, by.weights.keys())
            if strange:
                raise ValueError(f"has in {by.id} the word '{min(strange)}', which it cannot use")
        return self


def load_synthetic(id_or_path: str | Path) -> SyntheticAssumptions:
    """Read what a synthetic file assumes, from its bundled id or from a path to TOML."""
    return read_noun(SyntheticAssumptions, "synthetic", id_or_path)


def synthesise(assumptions: SyntheticAssumptions, incident: Incident, *, seed: int) -> pl.DataFrame:
    """One row a complaint in the order of filing; equal seeds give equal rows.

    Raises:
        UsageError: assumptions that do not fit the incident or the published counts.
    """
    if seed < 0:
        raise UsageError("the seed is negative", value=seed)
    if assumptions.incident != incident.id:
        raise UsageError("is about another incident", file=assumptions.id, value=incident.id)
    rows = _reports(np.random.Generator(np.random.PCG64(seed)), assumptions)
    early, total = figure(assumptions.early).whole, len(rows.types)
    days = [rows.mixed("early_day", slice(early)), rows.mixed("late_day", slice(early, total))]
    filed = pl.Series([*days[0], *days[1]], dtype=pl.String).str.to_date(strict=False).sort()
    if not filed.is_between(incident.claims_from, incident.claims_to).fill_null(value=False).all():
        raise UsageError("has days outside the incident's claims window", file=assumptions.id)
    owners = _owners(rows)
    first = np.unique(owners, return_index=True)[1]
    columns = {
        "claim_id": [f"SYN-{n:06}" for n in range(1, total + 1)],
        "claimant_id": [f"SYN-C{n:06}" for n in owners + 1],
        "service": _written(rows, rows.mixed("service"), incident.services),
        "claimant_type": _written(rows, rows.types, incident.claimant_types),
        "filed_on": filed,
        "loss": pl.Series(_losses(rows)).set(pl.Series(~np.isin(rows.known, ("some", "zero"))), None),
        "region": rows.mixed("region", first)[owners],
        "industry": rows.mixed("industry", first)[owners],
        "category": rows.categories,
    }
    plain = {name: c.tolist() if isinstance(c, np.ndarray) else c for name, c in columns.items()}
    return pl.DataFrame(plain).with_columns(synthetic=pl.lit(value=True))


@dataclass
class _Rows:
    """The reports, one element each, in their final order."""

    rng: np.random.Generator
    page: SyntheticAssumptions
    types: np.ndarray
    categories: np.ndarray
    known: np.ndarray

    def covered(self, by: Stated) -> np.ndarray:
        """Which rows an assumption is about."""
        rows = np.isin(self.types, by.claimant_types) | (not by.claimant_types)
        return np.asarray(rows & (np.isin(self.categories, by.categories) | (not by.categories)))

    def mixed(self, column: str, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """A value for each of these rows by the mix that covers it; None where none does."""
        values = np.full(len(self.types[rows]), None, dtype=object)
        for mix in (m for m in self.page.mixes if m.column == column):
            here = self.covered(mix)[rows]
            weights = (figure(w).number if isinstance(w, str) else w for w in mix.weights.values())
            values[here] = _shuffled(self.rng, mix.weights, _apportion(weights, here.sum()))
        return values


def _apportion(weights: Iterable[float], total: int) -> np.ndarray:
    """Whole numbers in proportion to the weights, with exactly this total."""
    running = np.cumsum([*weights])
    return np.asarray(np.diff(np.rint(running / running[-1:] * total), prepend=0), dtype=int)


def _shuffled(rng: np.random.Generator, values: Iterable[str], counts: Iterable[int]) -> np.ndarray:
    """Each value as often as counted, in random order."""
    return rng.permutation(np.repeat(np.array([*values], object), [*counts]))


def _reports(rng: np.random.Generator, page: SyntheticAssumptions) -> _Rows:
    """Types, categories and what is known of the loss, by the published counts."""
    sizes = {category: figure(id_).whole for category, id_ in page.categories.items()}
    own = {type_: figure(id_).whole for type_, id_ in page.claimant_types.items()}
    categories = _shuffled(rng, sizes, sizes.values())
    types = np.full(len(categories), None, dtype=object)
    rows = _Rows(rng, page, types, categories, types)
    rows.known, affiliate = rows.mixed("loss"), categories == "affiliate"
    some = ~affiliate & (rows.known == "some")
    losses = {type_: figure(id_).whole for type_, id_ in page.with_loss.items()}
    others = [type_ for type_ in own if type_ not in losses]
    left = _apportion([own[type_] for type_ in others], some.sum() - sum(losses.values()))
    losses |= zip(others, left, strict=True)
    counts = np.array([(losses[type_], own[type_] - losses[type_]) for type_ in own]).T
    if counts.min() < 0 or [*counts.sum(axis=1)] != [some.sum(), (~affiliate & ~some).sum()]:
        raise UsageError("the counts by category and by claimant type disagree", file=page.id)
    types[some], types[~affiliate & ~some] = (_shuffled(rng, own, part) for part in counts)
    types[affiliate] = _shuffled(rng, own, _apportion(own.values(), affiliate.sum()))
    return rows


def _owners(rows: _Rows) -> np.ndarray:
    """The claimant of each report, numbered by first report; nobody files more than two."""
    owners, again = np.arange(len(rows.types)), rows.mixed("report") == "second"
    for type_ in dict.fromkeys(rows.types):
        mine = rows.types == type_
        firsts = rows.rng.permutation(np.flatnonzero(mine & ~again))
        seconds = np.flatnonzero(mine & again)[: len(firsts)]
        owners[seconds] = firsts[: len(seconds)]
    _, first, owners = np.unique(owners, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[owners]


def _written(rows: _Rows, ids: np.ndarray, named: tuple[Named, ...]) -> np.ndarray:
    """Each id as somebody writes it: plainly in Korean, or in any way the incident knows."""
    written, plain = np.full(len(ids), None, dtype=object), rows.mixed("spelling") == "plain"
    for item in named:
        ways = np.array([w for w in (item.name.ko, item.name.en, *item.aliases) if w], dtype=object)
        here = ids == item.id
        written[here] = np.where(plain[here], ways[0], rows.rng.choice(ways, here.sum()))
    if lost := [id_ for id_, text in zip(ids, written, strict=True) if text is None]:
        raise UsageError("the incident has no such service or claimant type", value=lost[0])
    return written


def _losses(rows: _Rows) -> np.ndarray:
    """A positive loss where one is known, told in round sums that stay within its band; else 0."""
    from scipy.special import ndtr, ndtri

    losses = np.zeros(len(rows.types), dtype=np.int64)
    for law in rows.page.losses:
        here = rows.covered(law) & (rows.known == "some")
        counts = _apportion((b.share for b in law.bands), here.sum())
        edges = [(b.over, b.up_to or LARGEST_LOSS - 1) for b in law.bands]
        over, up_to = rows.rng.permutation(np.repeat(edges, counts, axis=0)).T
        low, high = (ndtr(np.log(np.maximum(e, 1e-9) / law.median) / law.sigma) for e in (over, up_to))
        drawn = law.median * np.exp(law.sigma * ndtri(rows.rng.uniform(low, high)))
        exact = np.clip(np.ceil(drawn), over + 1, up_to)
        units = rows.mixed("unit", here)
        step = np.array([int(u) if u not in (None, "edge") else 1 for u in units])
        told = np.where(units == "edge", up_to, np.rint(exact / step) * step)
        fits = (told > over) & (told <= up_to) & (told < LARGEST_LOSS - 1)
        losses[here] = np.where(fits, told, exact)
    if (losses[rows.known == "some"] == 0).any():
        raise UsageError("a claimant type has no law for its losses", file=rows.page.id)
    return losses


def write_synthetic(frame: pl.DataFrame, path: str | Path, *, seed: int) -> None:
    """Write the rows as CSV or Parquet, whole or not at all; equal seeds give equal bytes.

    Raises:
        UsageError: a file name that does not say that it is synthetic, or of another suffix.
        EnvironmentFailed: the file cannot be written.
    """
    path = Path(path)
    if "synthetic" not in path.name.lower() or path.suffix not in {".csv", ".parquet"}:
        raise UsageError(
            "is no file name for synthetic complaints",
            file=path.name,
            remedy="Name it as in kakao-2022-synthetic.csv or kakao-2022-synthetic.parquet.",
        )
    part = path.with_name(f"{path.name}.part")
    try:
        if path.suffix == ".csv":
            frame.write_csv(part)
        else:
            marks = {"synthetic": "true", "seed": str(seed)}
            frame.write_parquet(part, row_group_size=len(frame), metadata=marks)
        part.replace(path)
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error}", file=path.name) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
