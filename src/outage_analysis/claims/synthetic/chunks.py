"""Make and write synthetic complaints in chunks, so that even a long file needs little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.claims.synthetic.rows import (
    SOME_LOSS,
    ZERO_LOSS,
    CodedTexts,
    DrawnRows,
    draw_claimants,
    draw_losses,
    draw_reports,
    draw_spellings,
)
from outage_analysis.claims.synthetic.synthetic_assumptions import (
    PLACEHOLDERS,
    FileCounts,
    SyntheticAssumptions,
    apportion,
)
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import atomic_file
from outage_analysis.incidents import LARGEST_LOSS

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident


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
    calendar, claimants = _filing_calendar(assumptions, incident, file_counts), 0
    for start, stop, rng in _chunk_ranges(file_counts.rows, seed):
        drawn_rows = draw_reports(rng, assumptions, file_counts, stop - start)
        # These random numbers are not used. Without drawing them, a seed would give other rows than in
        # earlier versions.
        early = min(max(file_counts.early - start, 0), stop - start)
        _ = rng.permutation(early), rng.permutation(stop - start - early)
        frame, people = _chunk_frame(drawn_rows, incident, calendar.filed(start, stop), start, claimants)
        claimants += people
        if text:
            frame.insert_column(-1, _complaint_texts(drawn_rows, frame))
        yield frame


def _chunk_ranges(rows: int, seed: int) -> Iterator[tuple[int, int, np.random.Generator]]:
    chunks = -(-rows // CHUNK_ROWS)
    root = np.random.SeedSequence(seed)
    ends = [rows * part // chunks for part in range(chunks + 1)]
    for (start, stop), own in zip(pairwise(ends), [root, *root.spawn(chunks - 1)], strict=True):
        yield start, stop, np.random.Generator(np.random.PCG64(own))


@dataclass(frozen=True)
class _FilingCalendar:
    """The filing days in increasing order, and for each day the number of rows filed by its end (`until`)."""

    days: pl.Series
    until: np.ndarray

    def filed(self, start: int, stop: int) -> pl.Series:
        """Return the filing days of the rows from `start` up to, but without, `stop`."""
        counts = np.diff(np.clip(self.until, start, stop), prepend=start)
        return self.days.gather(np.repeat(np.arange(len(counts)), counts))


def _filing_calendar(
    assumptions: SyntheticAssumptions, incident: Incident, file_counts: FileCounts
) -> _FilingCalendar:
    (early,), (late,) = assumptions.mixes_for("early_day"), assumptions.mixes_for("late_day")
    counts = [
        apportion(early.numbers, file_counts.early),
        apportion(late.numbers, file_counts.rows - file_counts.early),
    ]
    days = pl.Series([*early.weights, *late.weights], dtype=pl.String).str.to_date(strict=False)
    if not days.is_between(incident.claims_from, incident.claims_to).fill_null(value=False).all():
        raise UsageError("has days outside the incident's claims window", file=assumptions.id)
    order = days.arg_sort()
    return _FilingCalendar(days.gather(order), np.cumsum(np.concatenate(counts)[order]))


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
                    column: rows.draw_mix(column, first_rows)[claimant_numbers].series()
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
                _write_parquet(frames, file, {"synthetic": "true", "seed": str(seed)})
    # If the disk is full, Polars raises ComputeError for one format and OSError for the other. `atomic_file`
    # converts only OSError.
    except pl.exceptions.ComputeError as error:
        raise EnvironmentFailed(f"cannot be written: {error}", file=path) from error


def _write_parquet(frames: Iterator[pl.DataFrame], file: IO[bytes], metadata: dict[str, str]) -> None:
    from polars.io.plugins import register_io_source

    first = next(frames)
    source = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
    source.sink_parquet(file, row_group_size=CHUNK_ROWS, metadata=metadata)
