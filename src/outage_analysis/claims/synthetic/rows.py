"""Make and write synthetic complaints at random, in chunks, so that even a long file needs little memory.

Do not change the order in which random numbers are drawn: the same seed would then give other rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import polars as pl

from outage_analysis.claims.synthetic.synthetic_assumptions import (
    AFFILIATE,
    LOSS_STATES,
    PLACEHOLDERS,
    FileCounts,
    LossModel,
    RowAssumption,
    SyntheticAssumptions,
    apportion,
)
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import atomic_file
from outage_analysis.incidents import LARGEST_LOSS, Incident, NamedItem

SOME_LOSS, ZERO_LOSS = LOSS_STATES.index("some"), LOSS_STATES.index("zero")


@dataclass(frozen=True)
class CodedTexts:
    """A column of texts with few distinct values, stored as indices into `texts`; the last text is None."""

    texts: tuple[str | None, ...]
    codes: np.ndarray

    def equal(self, text: str) -> np.ndarray:
        """Return an array that states for each row whether it has this text."""
        code = self.texts.index(text) if text in self.texts else len(self.texts)
        return np.asarray(self.codes == code)

    def series(self) -> pl.Series:
        """Return the texts as a Polars series."""
        return pl.Series(self.texts, dtype=pl.String).gather(pl.Series(self.codes))


@dataclass
class DrawnRows:
    """The category, claimant type and loss state (above 0, 0 or unknown) of synthetic rows, in file order.

    `categories` and `types` contain, per row, an index into the categories and claimant types of the
    assumptions. `loss_states` contains an index into `LOSS_STATES`.
    """

    rng: np.random.Generator
    assumptions: SyntheticAssumptions
    categories: np.ndarray
    types: np.ndarray
    loss_states: np.ndarray

    def __len__(self) -> int:
        return len(self.types)

    def applies(self, assumption: RowAssumption) -> np.ndarray:
        """Return an array that states for each row whether an assumption applies to it."""
        types = _is_listed(self.assumptions.claimant_types, assumption.claimant_types)
        return np.asarray(
            types[self.types]
            & _is_listed(self.assumptions.categories, assumption.categories)[self.categories]
        )

    def draw_mix(self, column: str, rows: np.ndarray | None = None) -> CodedTexts:
        """Draw a random value of a column for each row, or only for the rows with the indices `rows`.

        The frequencies of the values follow the weights that the assumptions state for these rows.

        If the assumptions state no weights for a row, its value is None.
        """
        mixes = self.assumptions.mixes_for(column)
        texts = (*dict.fromkeys(text for mix in mixes for text in mix.weights), None)
        codes = np.full(len(self) if rows is None else len(rows), len(texts) - 1, np.uint16)
        for mix in mixes:
            selected = self.applies(mix) if rows is None else self.applies(mix)[rows]
            counts = apportion(mix.numbers, selected.sum())
            codes[selected] = shuffle_codes(self.rng, map(texts.index, mix.weights), counts)
        return CodedTexts(texts, codes)


def _is_listed(known_ids: Iterable[str], listed_ids: tuple[str, ...]) -> np.ndarray:
    """Return an array that states for each known id whether it is listed; an empty list means all."""
    return np.array([id_ in listed_ids or not listed_ids for id_ in known_ids])


def shuffle_codes(rng: np.random.Generator, codes: Iterable[int], counts: np.ndarray) -> np.ndarray:
    """Return codes (indices of values) in random order, each as often as `counts` states."""
    return np.asarray(rng.permutation(np.repeat(np.array([*codes], np.uint16), counts)))


def draw_reports(
    rng: np.random.Generator, assumptions: SyntheticAssumptions, file_counts: FileCounts, rows: int
) -> DrawnRows:
    """Draw category, claimant type and loss state (above 0, 0 or unknown) of `rows` rows of a file.

    How often each value occurs is taken from the remaining counts of the file, `file_counts`.
    """
    categories = shuffle_codes(rng, range(len(assumptions.categories)), file_counts.categories.take(rows))
    loss_states = np.empty(rows, np.uint16)
    for category in dict.fromkeys(
        c for mix in assumptions.mixes_for("loss") for c in mix.categories or assumptions.categories
    ):
        selected = categories == [*assumptions.categories].index(category)
        counts = file_counts.loss_states[category].take(selected.sum())
        loss_states[selected] = shuffle_codes(rng, range(len(LOSS_STATES)), counts)
    types = np.empty(rows, np.uint16)
    affiliate = CodedTexts((*assumptions.categories, None), categories).equal(AFFILIATE)
    has_loss = ~affiliate & (loss_states == SOME_LOSS)
    for selected, remaining in (
        (has_loss, file_counts.with_loss),
        (~affiliate & ~has_loss, file_counts.without_loss),
        (affiliate, file_counts.affiliates),
    ):
        types[selected] = shuffle_codes(
            rng, range(len(assumptions.claimant_types)), remaining.take(selected.sum())
        )
    return DrawnRows(rng, assumptions, categories, types, loss_states)


def draw_claimants(rows: DrawnRows) -> tuple[np.ndarray, np.ndarray]:
    """Draw which rows belong to the same claimant. No claimant files more than two complaints.

    Returns:
        The claimant number of each row, and the first row of each claimant.
    """
    first_rows, is_second = np.arange(len(rows)), rows.draw_mix("report").equal("second")
    rows_by_type = [rows.types == type_ for type_ in range(len(rows.assumptions.claimant_types))]
    # The claimant types are handled in the order in which they first appear. Another order would give other
    # rows for the same seed.
    for selected in sorted(rows_by_type, key=np.argmax):
        firsts = rows.rng.permutation(np.flatnonzero(selected & ~is_second))
        seconds = np.flatnonzero(selected & is_second)[: len(firsts)]
        firsts = firsts[: len(seconds)]
        first_rows[firsts] = first_rows[seconds] = np.minimum(firsts, seconds)
    first = np.flatnonzero(first_rows == np.arange(len(rows)))
    number = np.empty(len(rows), int)
    number[first] = np.arange(len(first))
    return number[first_rows], first


def draw_spellings(rows: DrawnRows, ids: CodedTexts, items: tuple[NamedItem, ...]) -> CodedTexts:
    """Draw how each service or claimant type is written: by its name, or in any known spelling.

    Names are in the language of the assumptions. The spellings of a Korean file include the English names.
    """
    is_free = ~rows.draw_mix("spelling").equal("plain")
    texts: list[str | None] = []
    codes = np.zeros(len(rows), np.uint16)
    for item in items:
        spellings = item.known_names
        if rows.assumptions.language == "en":
            spellings = (item.name.en, *item.aliases)
        selected = ids.equal(item.id)
        spelling_codes = rows.rng.integers(0, len(spellings), selected.sum())
        codes[selected] = len(texts) + spelling_codes * is_free[selected]
        texts += spellings
    if unknown_ids := {*ids.texts} - {None} - {item.id for item in items}:
        raise UsageError(
            "the incident has no such service or claimant type", value=min(map(str, unknown_ids))
        )
    return CodedTexts((*texts, None), codes)


def draw_losses(rows: DrawnRows, most: int) -> np.ndarray:
    """Draw the losses. A loss is between 1 and `most` in rows with a loss, and 0 in other rows."""
    amounts = np.zeros(len(rows), dtype=np.int64)
    for loss_model in rows.assumptions.losses:
        selected = rows.applies(loss_model) & (rows.loss_states == SOME_LOSS)
        amounts[selected] = _draw_from_model(rows, loss_model, selected, most)
    if (amounts[rows.loss_states == SOME_LOSS] == 0).any():
        raise UsageError("a claimant type has no distribution for its losses", file=rows.assumptions.id)
    return amounts


def _draw_from_model(rows: DrawnRows, loss_model: LossModel, selected: np.ndarray, most: int) -> np.ndarray:
    from scipy import special

    counts = apportion((b.share for b in loss_model.bands), selected.sum())
    band = shuffle_codes(rows.rng, range(len(counts)), counts)
    over, up_to = np.array([(b.over, b.up_to or LARGEST_LOSS - 1) for b in loss_model.bands]).T
    low, high = (
        special.ndtr(np.log(np.maximum(e, 1e-9) / loss_model.median) / loss_model.sigma)
        for e in (over, up_to)
    )
    samples = loss_model.median * np.exp(
        loss_model.sigma * special.ndtri(rows.rng.uniform(low[band], high[band]))
    )
    if over.max() >= most:
        raise UsageError("has a band of losses that the incident does not believe", file=rows.assumptions.id)
    over, up_to = over[band], np.minimum(up_to, most)[band]
    exact = np.clip(np.ceil(samples), over + 1, up_to)
    units = rows.draw_mix("unit", np.flatnonzero(selected))
    step = np.array([1 if unit in (None, "edge") else int(unit) for unit in units.texts])[units.codes]
    rounded = np.where(units.equal("edge"), up_to, np.rint(exact / step) * step)
    stays_in_band = (rounded > over) & (rounded <= up_to) & (rounded < most)
    return np.asarray(np.where(stays_in_band, rounded, exact))


CHUNK_ROWS = 500_000
"""Most rows per chunk."""


def synthesise(
    assumptions: SyntheticAssumptions,
    incident: Incident,
    *,
    seed: int,
    rows: int | None = None,
    text: bool = False,
) -> pl.DataFrame:
    """Return synthetic complaints: one row per complaint, in the order of filing.

    The same arguments always give the same rows.

    Args:
        assumptions: the assumptions, and the published counts to match.
        incident: the outage. It defines how services and claimant types are written.
        seed: the seed of the random numbers. The counts do not depend on it.
        rows: the number of rows, divided in the published proportions; None for the published number.
        text: whether to add a column `content` with the text of each complaint.

    Raises:
        UsageError: the assumptions do not fit the incident or the published counts.
    """
    return pl.concat(synthetic_chunks(assumptions, incident, seed=seed, rows=rows, text=text), rechunk=True)


def synthetic_chunks(
    assumptions: SyntheticAssumptions,
    incident: Incident,
    *,
    seed: int,
    rows: int | None = None,
    text: bool = False,
) -> Iterator[pl.DataFrame]:
    """Yield the rows of `synthesise` in chunks of at most `CHUNK_ROWS` rows.

    The published counts are met exactly by all chunks together. An assumed share is met exactly within each
    chunk.
    """
    if seed < 0:
        raise UsageError("the seed is negative", value=seed)
    if assumptions.incident != incident.id:
        raise UsageError("is about another incident", file=assumptions.id, value=incident.id)
    file_counts = FileCounts.from_assumptions(assumptions, rows)
    days, filed_by_end = _filing_days(assumptions, incident, file_counts)
    chunks, claimants, root = -(-file_counts.rows // CHUNK_ROWS), 0, np.random.SeedSequence(seed)
    ends = [file_counts.rows * part // chunks for part in range(chunks + 1)]
    for (start, stop), own in zip(pairwise(ends), [root, *root.spawn(chunks - 1)], strict=True):
        rng = np.random.Generator(np.random.PCG64(own))
        drawn_rows = draw_reports(rng, assumptions, file_counts, stop - start)
        # These random numbers are not used. Without drawing them, a seed would give other rows than in
        # earlier versions.
        early = min(max(file_counts.early - start, 0), stop - start)
        _ = rng.permutation(early), rng.permutation(stop - start - early)
        counts = np.diff(np.clip(filed_by_end, start, stop), prepend=start)
        filed = days.gather(np.repeat(np.arange(len(days)), counts))
        frame, people = _chunk_frame(drawn_rows, incident, filed, start, claimants)
        claimants += people
        if text:
            frame.insert_column(-1, _complaint_texts(drawn_rows, frame))
        yield frame


def _filing_days(
    assumptions: SyntheticAssumptions, incident: Incident, file_counts: FileCounts
) -> tuple[pl.Series, np.ndarray]:
    """Return the filing days in increasing order, and for each day the number of rows filed by its end."""
    (early,), (late,) = assumptions.mixes_for("early_day"), assumptions.mixes_for("late_day")
    counts = [
        apportion(early.numbers, file_counts.early),
        apportion(late.numbers, file_counts.rows - file_counts.early),
    ]
    days = pl.Series([*early.weights, *late.weights], dtype=pl.String).str.to_date(strict=False)
    if not days.is_between(incident.claims_from, incident.claims_to).fill_null(value=False).all():
        raise UsageError("has days outside the incident's claims window", file=assumptions.id)
    order = days.arg_sort()
    return days.gather(order), np.cumsum(np.concatenate(counts)[order])


def _chunk_frame(
    rows: DrawnRows, incident: Incident, filed: pl.Series, before: int, claimants: int
) -> tuple[pl.DataFrame, int]:
    claimant_numbers, first_rows = draw_claimants(rows)
    types = CodedTexts((*rows.assumptions.claimant_types, None), rows.types)
    frame = (
        pl.DataFrame(
            {
                "claim_id": np.arange(before + 1, before + 1 + len(rows)),
                "claimant_id": claimant_numbers + claimants + 1,
                "service": draw_spellings(rows, rows.draw_mix("service"), incident.services).series(),
                "claimant_type": draw_spellings(rows, types, incident.claimant_types).series(),
                "filed_on": filed,
                "loss": draw_losses(rows, incident.loss.plausible_to or LARGEST_LOSS - 1),
                "known": np.isin(rows.loss_states, (SOME_LOSS, ZERO_LOSS)),
                **{
                    column: rows.draw_mix(column, first_rows).series().gather(claimant_numbers)
                    for column in ("region", "industry")
                    if rows.assumptions.mixes_for(column)
                },
                rows.assumptions.category_column: CodedTexts(
                    (*rows.assumptions.categories, None), rows.categories
                ).series(),
            }
        )
        .with_columns(
            _id_from_number("SYN-", "claim_id"),
            _id_from_number("SYN-C", "claimant_id"),
            pl.when("known").then("loss").alias("loss"),
            synthetic=pl.lit(value=True),
        )
        .drop("known")
    )
    return frame, len(first_rows)


def _id_from_number(prefix: str, column: str) -> pl.Expr:
    return (prefix + pl.col(column).cast(pl.String).str.zfill(6)).alias(column)


def _complaint_texts(rows: DrawnRows, frame: pl.DataFrame) -> pl.Series:
    if not rows.assumptions.mixes_for("content"):
        raise UsageError("has no mix of content", file=rows.assumptions.id)
    content_ids = rows.draw_mix("content")
    texts = replace(
        content_ids, texts=tuple(id_ and rows.assumptions.texts[id_] for id_ in content_ids.texts)
    ).series()
    content = pl.lit(texts)
    for slot, column in PLACEHOLDERS.items():
        cell = pl.col(column).cast(pl.String).fill_null("?")
        content = content.str.replace_all(slot, cell, literal=True)
    return frame.select(content=content).to_series()


def write_synthetic(rows: pl.DataFrame | Iterable[pl.DataFrame], path: str | Path, *, seed: int) -> None:
    """Write synthetic complaints to a CSV or Parquet file.

    The file is written completely or not at all. The same rows always give the same bytes.

    Args:
        rows: a frame, or several frames with the same columns, in their order.
        path: the file to write. An existing file is replaced.
        seed: the seed with which the rows were drawn. It is written into the metadata of a Parquet file.

    Raises:
        UsageError: the file name does not contain "synthetic", or its suffix is neither .csv nor .parquet.
        EnvironmentFailed: the file cannot be written.
    """
    from polars.io.plugins import register_io_source

    path = Path(path)
    if "synthetic" not in path.name.lower() or path.suffix not in {".csv", ".parquet"}:
        raise UsageError(
            "is no file name for synthetic complaints",
            file=path.name,
            remedy="Name it as in kakao-2022-synthetic.csv or kakao-2022-synthetic.parquet.",
        )
    frames = iter([rows] if isinstance(rows, pl.DataFrame) else rows)
    try:
        with atomic_file(path) as part, part.open("wb") as file:
            if path.suffix == ".csv":
                for number, frame in enumerate(frames):
                    frame.write_csv(file, include_header=number == 0)
            else:
                first = next(frames)
                source = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
                metadata = {"synthetic": "true", "seed": str(seed)}
                source.sink_parquet(file, row_group_size=CHUNK_ROWS, metadata=metadata)
    # If the disk is full, Polars raises ComputeError for one format and OSError for the other. `atomic_file`
    # converts only OSError.
    except pl.exceptions.ComputeError as error:
        raise EnvironmentFailed(f"cannot be written: {error}", file=path) from error
