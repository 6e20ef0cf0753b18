"""The columns of synthetic complaints, each drawn as numbers of a few words.

The order of the draws is part of a seed's meaning: another order gives other rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.claims.synthetic.counts import AFFILIATE, FileCounts, apportion
from outage_analysis.claims.synthetic.synthetic_assumptions import (
    LOSS_STATES,
    LossModel,
    RowAssumption,
    SyntheticAssumptions,
)
from outage_analysis.errors import UsageError
from outage_analysis.incidents import LARGEST_LOSS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outage_analysis.incidents import Named

SOME_LOSS, ZERO_LOSS = LOSS_STATES.index("some"), LOSS_STATES.index("zero")


@dataclass(frozen=True)
class CodedTexts:
    """A text for each row, as the number of one of a few words; the last word is None."""

    words: tuple[str | None, ...]
    codes: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> CodedTexts:
        """The texts of these rows."""
        return replace(self, codes=self.codes[rows])

    def are(self, word: str) -> np.ndarray:
        """Which rows have this word."""
        found = self.words.index(word) if word in self.words else len(self.words)
        return np.asarray(self.codes == found)

    def series(self) -> pl.Series:
        """The texts themselves."""
        return pl.Series(self.words, dtype=pl.String).gather(pl.Series(self.codes))


@dataclass
class DrawnRows:
    """Some rows in their order: categories and types by their number on the page, known by `LOSS_STATES`."""

    rng: np.random.Generator
    page: SyntheticAssumptions
    categories: np.ndarray
    types: np.ndarray
    known: np.ndarray

    def __len__(self) -> int:
        return len(self.types)

    def covered(self, by: RowAssumption) -> np.ndarray:
        """Which rows an assumption is about."""
        types = _is_listed(self.page.claimant_types, by.claimant_types)
        return np.asarray(
            types[self.types] & _is_listed(self.page.categories, by.categories)[self.categories]
        )

    def mixed(self, column: str, rows: np.ndarray | None = None) -> CodedTexts:
        """A value for each row, or each of these, by the mix that covers it; None where none does."""
        mixes = self.page.of(column)
        words = (*dict.fromkeys(word for mix in mixes for word in mix.weights), None)
        codes = np.full(len(self) if rows is None else len(rows), len(words) - 1, np.uint16)
        for mix in mixes:
            here = self.covered(mix) if rows is None else self.covered(mix)[rows]
            counts = apportion(mix.numbers, here.sum())
            codes[here] = shuffled(self.rng, map(words.index, mix.weights), counts)
        return CodedTexts(words, codes)


def _is_listed(known: Iterable[str], some: tuple[str, ...]) -> np.ndarray:
    """Which of the known words are listed; none listed stands for all."""
    return np.array([word in some or not some for word in known])


def shuffled(rng: np.random.Generator, codes: Iterable[int], counts: np.ndarray) -> np.ndarray:
    """Each number as often as counted, in random order."""
    return np.asarray(rng.permutation(np.repeat(np.array([*codes], np.uint16), counts)))


def draw_reports(
    rng: np.random.Generator, page: SyntheticAssumptions, margins: FileCounts, rows: int
) -> DrawnRows:
    """Categories, what is known of the loss, and types, by the counts of the file."""
    categories = shuffled(rng, range(len(page.categories)), margins.categories.take(rows))
    known = np.empty(rows, np.uint16)
    for category in dict.fromkeys(c for mix in page.of("loss") for c in mix.categories or page.categories):
        here = categories == [*page.categories].index(category)
        counts = margins.known[category].take(here.sum())
        known[here] = shuffled(rng, range(len(LOSS_STATES)), counts)
    types = np.empty(rows, np.uint16)
    affiliate = CodedTexts((*page.categories, None), categories).are(AFFILIATE)
    some = ~affiliate & (known == SOME_LOSS)
    for here, pot in (
        (some, margins.with_loss),
        (~affiliate & ~some, margins.without),
        (affiliate, margins.affiliates),
    ):
        types[here] = shuffled(rng, range(len(page.claimant_types)), pot.take(here.sum()))
    return DrawnRows(rng, page, categories, types, known)


def draw_claimants(rows: DrawnRows) -> tuple[np.ndarray, np.ndarray]:
    """The claimant of each row, and the first row of each; nobody files more than two reports."""
    lead, again = np.arange(len(rows)), rows.mixed("report").are("second")
    mine = [rows.types == type_ for type_ in range(len(rows.page.claimant_types))]
    for here in sorted(mine, key=np.argmax):  # in the order of first appearance
        firsts = rows.rng.permutation(np.flatnonzero(here & ~again))
        seconds = np.flatnonzero(here & again)[: len(firsts)]
        firsts = firsts[: len(seconds)]
        lead[firsts] = lead[seconds] = np.minimum(firsts, seconds)
    first = np.flatnonzero(lead == np.arange(len(rows)))
    number = np.empty(len(rows), int)
    number[first] = np.arange(len(first))
    return number[lead], first


def draw_spellings(rows: DrawnRows, ids: CodedTexts, named: tuple[Named, ...]) -> CodedTexts:
    """Each id as somebody writes it: plainly in Korean, or in any way the incident knows."""
    free = ~rows.mixed("spelling").are("plain")
    words: list[str | None] = []
    codes = np.zeros(len(rows), np.uint16)
    for item in named:
        ways = item.written
        here = ids.are(item.id)
        chosen = rows.rng.integers(0, len(ways), here.sum())
        codes[here] = len(words) + chosen * free[here]
        words += ways
    if lost := {*ids.words} - {None} - {item.id for item in named}:
        raise UsageError("the incident has no such service or claimant type", value=min(map(str, lost)))
    return CodedTexts((*words, None), codes)


def draw_losses(rows: DrawnRows, most: int) -> np.ndarray:
    """A positive loss, at most this, where one is known, told in round sums within its band; else 0."""
    found = np.zeros(len(rows), dtype=np.int64)
    for law in rows.page.losses:
        here = rows.covered(law) & (rows.known == SOME_LOSS)
        found[here] = _draw_from_model(rows, law, here, most)
    if (found[rows.known == SOME_LOSS] == 0).any():
        raise UsageError("a claimant type has no law for its losses", file=rows.page.id)
    return found


def _draw_from_model(rows: DrawnRows, law: LossModel, here: np.ndarray, most: int) -> np.ndarray:
    """Losses of one law for these rows: each drawn within its band, then rounded if it stays there."""
    from scipy import special

    counts = apportion((b.share for b in law.bands), here.sum())
    band = shuffled(rows.rng, range(len(counts)), counts)
    over, up_to = np.array([(b.over, b.up_to or LARGEST_LOSS - 1) for b in law.bands]).T
    low, high = (special.ndtr(np.log(np.maximum(e, 1e-9) / law.median) / law.sigma) for e in (over, up_to))
    drawn = law.median * np.exp(law.sigma * special.ndtri(rows.rng.uniform(low[band], high[band])))
    if over.max() >= most:
        raise UsageError("has a band of losses that the incident does not believe", file=rows.page.id)
    over, up_to = over[band], np.minimum(up_to, most)[band]
    exact = np.clip(np.ceil(drawn), over + 1, up_to)
    units = rows.mixed("unit", np.flatnonzero(here))
    step = np.array([1 if unit in (None, "edge") else int(unit) for unit in units.words])[units.codes]
    told = np.where(units.are("edge"), up_to, np.rint(exact / step) * step)
    fits = (told > over) & (told <= up_to) & (told < most)
    return np.asarray(np.where(fits, told, exact))
