"""Synthetic complaints in chunks of bounded size, so that a file of any length needs little memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import polars as pl

from outage_analysis.claims.synthetic.counts import FileCounts, RemainingCounts, apportion
from outage_analysis.claims.synthetic.dirt import (
    UNEVEN_RECORD,
    has_uneven_marks,
    id_from_number,
    replace_uneven_marks,
    with_broken_rows,
)
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
from outage_analysis.claims.synthetic.synthetic_assumptions import PLACEHOLDERS, SyntheticAssumptions
from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import file_in_place
from outage_analysis.incidents import LARGEST_LOSS

if TYPE_CHECKING:
    from outage_analysis.incidents import Incident


CHUNK_ROWS = 500_000
"""The most rows drawn at once, broken ones aside."""


def synthesise(
    assumptions: SyntheticAssumptions,
    incident: Incident,
    *,
    seed: int,
    rows: int | None = None,
    text: bool = False,
    dirt: Mapping[str, int] | None = None,
) -> pl.DataFrame:
    """One row a complaint in the order of filing; equal arguments give equal rows.

    Args:
        assumptions: what is assumed, and the published counts to match.
        incident: says how services and claimant types are written.
        seed: another seed, other rows; the margins stay.
        rows: how many, in the published proportions; by default as many as were published.
        text: whether to add `content`, what a complaint says in words.
        dirt: rule -> how many further rows break it, and only it; every column is then text.

    Raises:
        UsageError: assumptions that do not fit the incident or the published counts, or dirt that no
            frame can hold.
    """
    if dirt and UNEVEN_RECORD in dirt:
        raise UsageError("only a CSV file can break this rule", value=UNEVEN_RECORD)
    return pl.concat(
        synthetic_chunks(assumptions, incident, seed=seed, rows=rows, text=text, dirt=dirt), rechunk=True
    )


def synthetic_chunks(
    assumptions: SyntheticAssumptions,
    incident: Incident,
    *,
    seed: int,
    rows: int | None = None,
    text: bool = False,
    dirt: Mapping[str, int] | None = None,
) -> Iterator[pl.DataFrame]:
    """The rows of `synthesise`, at most `CHUNK_ROWS` at once and the broken among them, to be written.

    The published counts are exact over all chunks; an assumed share is exact within each.
    """
    if seed < 0:
        raise UsageError("the seed is negative", value=seed)
    if assumptions.incident != incident.id:
        raise UsageError("is about another incident", file=assumptions.id, value=incident.id)
    margins = FileCounts.of(assumptions, rows)
    calendar, broken = _filing_calendar(assumptions, incident, margins), dict(dirt or {})
    if sum(broken.values()) > margins.rows:
        raise UsageError("more rows are to be broken than there are", value=sum(broken.values()))
    claimants, soil, left = 0, 0, RemainingCounts(broken.values())
    for start, stop, rng in _chunk_ranges(margins.rows, seed):
        drawn = draw_reports(rng, assumptions, margins, stop - start)
        # Days were once drawn before they were sorted: the draws stay, so that a seed keeps its rows.
        early = min(max(margins.early - start, 0), stop - start)
        _ = rng.permutation(early), rng.permutation(stop - start - early)
        frame, people = _chunk_frame(drawn, incident, calendar.filed(start, stop), start, claimants)
        claimants += people
        if text:
            frame.insert_column(-1, _complaint_texts(drawn, frame))
        if broken:
            upto = sum(broken.values()) * stop // margins.rows
            counts = dict(zip(broken, left.take(upto - soil).tolist(), strict=True))
            frame = with_broken_rows(rng, frame, counts, incident, first_number=margins.rows + soil + 1)
            soil = upto
        yield frame


def _chunk_ranges(rows: int, seed: int) -> Iterator[tuple[int, int, np.random.Generator]]:
    """Start and end of each chunk, all of about one size, with random numbers of its own."""
    chunks = -(-rows // CHUNK_ROWS)
    root = np.random.SeedSequence(seed)
    ends = [rows * part // chunks for part in range(chunks + 1)]
    for (start, stop), own in zip(pairwise(ends), [root, *root.spawn(chunks - 1)], strict=True):
        yield start, stop, np.random.Generator(np.random.PCG64(own))


@dataclass(frozen=True)
class _FilingCalendar:
    """The days of filing in order, and the number of rows filed until the end of each."""

    days: pl.Series
    until: np.ndarray

    def filed(self, start: int, stop: int) -> pl.Series:
        """The day of each of these rows."""
        counts = np.diff(np.clip(self.until, start, stop), prepend=start)
        return self.days.gather(np.repeat(np.arange(len(counts)), counts))


def _filing_calendar(page: SyntheticAssumptions, incident: Incident, margins: FileCounts) -> _FilingCalendar:
    (early,), (late,) = page.of("early_day"), page.of("late_day")
    counts = [apportion(early.numbers, margins.early), apportion(late.numbers, margins.rows - margins.early)]
    days = pl.Series([*early.weights, *late.weights], dtype=pl.String).str.to_date(strict=False)
    if not days.is_between(incident.claims_from, incident.claims_to).fill_null(value=False).all():
        raise UsageError("has days outside the incident's claims window", file=page.id)
    order = days.arg_sort()
    return _FilingCalendar(days.gather(order), np.cumsum(np.concatenate(counts)[order]))


def _chunk_frame(
    rows: DrawnRows, incident: Incident, filed: pl.Series, before: int, claimants: int
) -> tuple[pl.DataFrame, int]:
    """The columns of these rows, after so many rows and claimants, and how many claimants they have."""
    owner, first = draw_claimants(rows)
    types = CodedTexts((*rows.page.claimant_types, None), rows.types)
    frame = (
        pl.DataFrame(
            {
                "claim_id": np.arange(before + 1, before + 1 + len(rows)),
                "claimant_id": owner + claimants + 1,
                "service": draw_spellings(rows, rows.mixed("service"), incident.services).series(),
                "claimant_type": draw_spellings(rows, types, incident.claimant_types).series(),
                "filed_on": filed,
                "loss": draw_losses(rows, incident.loss.plausible_to or LARGEST_LOSS - 1),
                "known": np.isin(rows.known, (SOME_LOSS, ZERO_LOSS)),
                "region": rows.mixed("region", first)[owner].series(),
                "industry": rows.mixed("industry", first)[owner].series(),
                "category": CodedTexts((*rows.page.categories, None), rows.categories).series(),
            }
        )
        .with_columns(
            id_from_number("SYN-", "claim_id"),
            id_from_number("SYN-C", "claimant_id"),
            pl.when("known").then("loss").alias("loss"),
            synthetic=pl.lit(value=True),
        )
        .drop("known")
    )
    return frame, len(first)


def _complaint_texts(rows: DrawnRows, frame: pl.DataFrame) -> pl.Series:
    """What each row says in words, with what it has itself in the columns that its text quotes."""
    if not rows.page.of("content"):
        raise UsageError("has no mix of content", file=rows.page.id)
    said = rows.mixed("content")
    texts = replace(said, words=tuple(word and rows.page.texts[word] for word in said.words)).series()
    content = pl.lit(texts)
    for slot, column in PLACEHOLDERS.items():
        cell = pl.col(column).cast(pl.String).fill_null("?")
        content = content.str.replace_all(slot, cell, literal=True)
    return frame.select(content=content).to_series()


SLICE_ROWS = 20_000
"""Broken rows and those about them that are held as text at once."""


def write_synthetic(rows: pl.DataFrame | Iterable[pl.DataFrame], path: str | Path, *, seed: int) -> None:
    """Write the rows as CSV or Parquet, whole or not at all; equal rows give equal bytes.

    Args:
        rows: one frame, or frames of the same columns in their order.
        path: the file, replaced if it is there.
        seed: what the metadata of a Parquet file says it was made from.

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
    frames = iter([rows] if isinstance(rows, pl.DataFrame) else rows)
    try:
        with file_in_place(path) as part, part.open("wb") as file:
            if path.suffix == ".csv":
                _write_csv(frames, file)
            else:
                _write_parquet(frames, file, {"synthetic": "true", "seed": str(seed)})
    except pl.exceptions.ComputeError as error:  # a full disk is this or an OSError, by the format
        raise EnvironmentFailed(f"cannot be written: {error}", file=path) from error


def _write_csv(frames: Iterator[pl.DataFrame], file: IO[bytes]) -> None:
    for number, frame in enumerate(frames):
        if has_uneven_marks(frame):
            for part, piece in enumerate(frame.iter_slices(SLICE_ROWS)):
                text = io.BytesIO()
                piece.write_csv(text, include_header=number + part == 0)
                file.write(replace_uneven_marks(text.getvalue()))
        else:
            frame.write_csv(file, include_header=number == 0)


def _write_parquet(frames: Iterator[pl.DataFrame], file: IO[bytes], marks: dict[str, str]) -> None:
    from polars.io.plugins import register_io_source

    first = next(frames)
    source = register_io_source(lambda *_: chain([first], frames), schema=first.schema)
    source.sink_parquet(file, row_group_size=CHUNK_ROWS, metadata=marks)
