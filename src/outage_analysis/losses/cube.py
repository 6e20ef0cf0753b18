"""The cube: claims aggregated by dimension and loss band (count, sum of losses, sum of squared losses).

Loss summaries, severity fits and cost calculations use a cube instead of single claims, so their run time
does not grow with the number of claims. If there are only claim totals and no single claims, `read_counts`
reads a cube from a CSV file of totals.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from outage_analysis.errors import InputRefused, OutageAnalysisError, UsageError
from outage_analysis.files import is_file, likely_typo_of, spelling_hint
from outage_analysis.incidents import (
    UNKNOWN,
    Incident,
    NamedItem,
    lower_closed_cuts,
    normalized_name,
    parse_band,
)
from outage_analysis.text import CLAIMS, LOSS, LOSS_SQUARED, OVER, UP_TO, TableSchema

Schema = dict[str, pl.DataType | type[pl.DataType]]
MEASURES: Schema = {"claims": pl.Int64, "loss": pl.Int64, "loss_squared": pl.Decimal(38, 0)}
EDGES: Schema = {"over": pl.Int64, "up_to": pl.Int64}
CUBE_MEASURES = TableSchema(
    "One row per combination of dimensions and loss band.", (OVER, UP_TO, CLAIMS, LOSS, LOSS_SQUARED)
)
"""The columns of a cube after its dimensions."""
MAX_INT64 = 2**63 - 1
MIN_CLAIMS_PER_CATEGORY = 10
"""`count_combinations` lists a value by name only if at least this many claims have it. A rarer value, such
as a full address, may identify a claimant, and the row would then disclose the loss. Publishers of official
counts usually require 3 to 11."""
MAX_DIGITS = 15
"""The longest count or loss, in digits, that a file of totals may contain."""
COUNT_DIMENSIONS = ("service", "claimant_type")
"""The dimensions of a cube read from a file of totals."""
COUNT_COLUMNS = (*COUNT_DIMENSIONS, "band", "claims")
CountRow = tuple[str, str, int | None, int | None, int, int | None, None]


@dataclass(frozen=True, repr=False)
class Cube:
    """Claims aggregated by dimension (such as service or claimant type) and loss band.

    `frame` has one row per combination of dimension values and loss band. Its columns are the dimensions,
    `over` and `up_to` (the band: over < loss <= up_to; both are null if the loss is unknown), `claims`, and
    the sums `loss` and `loss_squared`. Both sums are null if only the number of claims is known. If the
    claims state decisions and amounts paid, `paid` is the sum that was paid.
    """

    frame: pl.DataFrame
    dimensions: tuple[str, ...]
    synthetic: bool
    """Whether the claims are synthetic. Results from synthetic claims are never attributed to the
    incident."""
    source: str
    """The names of the files that the claims were read from."""
    line: str | None = None
    """If the rows count the claimants that a cost line entitles: the id of the line. None: they count
    claims."""
    rows: str = "complaints"
    """What the rows are that state no decision: complaints, filed or accepted claims."""
    decision: str = ""
    """The dimension that says how far the claims have come; empty if there is none."""
    starts: frozenset[int] = frozenset()
    """The largest losses of the bands that a file of totals writes with an excluded upper edge: 299,999 for
    [0, 300000)."""

    def __repr__(self) -> str:
        by = f" by {', '.join(self.dimensions)} and band" if self.dimensions else " by band"
        synthetic = ", synthetic" if self.synthetic else ""
        return f"<Cube of {self.claims:,} claims{by}: {len(self.frame):,} rows{synthetic}>"

    @property
    def first_decision(self) -> str:
        """How far the claims have come that state no decision."""
        return self.rows.removesuffix("s")

    @property
    def display_rows(self) -> pl.DataFrame:
        """The rows of the cube for display: if the loss of claims is unknown, the sums of losses are null."""
        return null_unstated_sums(self.frame)

    @property
    def claims(self) -> int:
        """The number of claims in the cube."""
        return int(self.frame["claims"].sum())


def sum_or_null(column: str) -> pl.Expr:
    """A polars expression for the sum of a column. Unlike `pl.sum`, it is null if any value is null."""
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum())


def null_unstated_sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace the sums of losses by null in the rows of claims whose loss is unknown.

    A cube stores 0 in these rows, so that sums over bands work. In a table for readers, this 0 could be
    mistaken for a known loss.
    """
    stated = pl.any_horizontal(pl.col(*EDGES).is_not_null())
    sums = [name for name in ("loss", "loss_squared") if name in frame.columns]
    return frame.with_columns(pl.when(stated).then(pl.col(sums)))


def sorted_cube(frame: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    """Sort the rows of a cube by dimensions, then by loss band from low to high, with unknown losses last.

    No two rows have the same dimension values and band, so equal cubes get the same row order.
    """
    unknown = pl.col("over").is_null() & pl.col("up_to").is_null()
    return frame.sort(*dimensions, unknown, "over", pl.col("up_to").is_null(), "up_to", nulls_last=False)


def check_dimensions(by: Sequence[str], known: Sequence[str], problem: str) -> None:
    """Raise UsageError with a problem if a dimension is not known, or if it is named twice."""
    for name in by:
        if name not in known:
            remedy = spelling_hint(str(name), list(known)) if known else "It has none."
            raise UsageError(problem, value=str(name), remedy=remedy)
        if list(by).count(name) > 1:
            raise UsageError("a dimension is named twice", value=name)


def check_total_fits(total: int, file: str | None = None) -> None:
    """Raise InputRefused if a total does not fit into 64 bits, because it would overflow without an error."""
    if total > MAX_INT64:
        raise InputRefused(
            f"claims or losses add up to more than {MAX_INT64:,}",
            file=file,
            remedy="State losses in a larger unit.",
        )


def read_counts(path: str | Path, incident: Incident) -> Cube:
    """Read a cube from a CSV of claim totals with the columns `service,claimant_type,band,claims[,loss]`.

    Loss bands are written `(0, 300000]`, `[300000, 500000)`, `>500000`, `0` or `unknown`. Rows with the same
    service, claimant type and band are added up.

    Raises:
        InputRefused: a column is missing, a service or claimant type is unknown, a band or a number cannot be
            parsed, or two bands of one service and claimant type overlap.
    """
    path = Path(path)
    (_, first), *body = _csv_rows(path)
    header = _counts_header(first, path.name)
    rows: list[CountRow] = []
    for number, fields in body:
        try:
            rows.append(_count_row(header, fields, incident))
        except OutageAnalysisError as error:
            raise InputRefused(
                error.problem,
                file=path.name,
                row=number,
                column=error.column,
                value=error.value,
                remedy=error.remedy,
            ) from error
    check_total_fits(max(sum(row[4] for row in rows), sum(row[5] or 0 for row in rows)), path.name)
    texts = [fields[header.index("band")] for _, fields in body]
    _check_no_overlap(rows, [number for number, _ in body], texts, path.name)
    schema: Schema = {**dict.fromkeys(COUNT_DIMENSIONS, pl.String), **EDGES, **MEASURES}
    frame = (
        pl.DataFrame(rows, schema=schema, orient="row")
        .group_by(*COUNT_DIMENSIONS, *EDGES)
        .agg(pl.col("claims").sum(), sum_or_null("loss"), sum_or_null("loss_squared"))
    )
    return Cube(
        sorted_cube(frame, COUNT_DIMENSIONS),
        COUNT_DIMENSIONS,
        "synthetic" in path.name.lower(),
        path.name,
        rows=incident.rows or Cube.rows,
        starts=frozenset[int]().union(*map(lower_closed_cuts, texts)),
    )


def _check_no_overlap(
    rows: Sequence[CountRow], numbers: Sequence[int], texts: Sequence[str], file: str
) -> None:
    stated = [
        (row[:2], -math.inf if row[2] is None else row[2], math.inf if row[3] is None else row[3], place)
        for place, row in enumerate(rows)
        if row[2:4] != UNKNOWN
    ]
    for (group, low, high, one), (other_group, *ends, other) in itertools.pairwise(sorted(stated)):
        if group == other_group and [low, high] != ends and ends[0] < high:
            first, second = sorted((one, other))
            raise InputRefused(
                f"overlaps the band of row {numbers[first]:,}, {texts[first].strip()}, of the same service "
                "and claimant type: a claim could be counted twice",
                file=file,
                row=numbers[second],
                column="band",
                value=texts[second],
                remedy="Let each band begin where the one before ends, as (0, 300000] and (300000, 500000].",
            )


def _csv_rows(path: Path) -> list[tuple[int, list[str]]]:
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            numbered = list(enumerate(csv.reader(stream, strict=True), start=1))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"cannot be read as UTF-8 CSV: {error}", file=path.name) from error
    table = [(number, fields) for number, fields in numbered if fields]
    if len(table) <= 1:
        raise InputRefused("the file has no rows", file=path.name)
    return table


def _counts_header(fields: list[str], file: str) -> list[str]:
    header = [name.strip().casefold() for name in fields]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise InputRefused("a column is there twice", file=file, row=1, value=twice)
    missing = next((column for column in COUNT_COLUMNS if column not in header), None)
    if missing is not None:
        remedy = "The columns are service,claimant_type,band,claims and, if known, loss."
        raise InputRefused(f"the column {missing} is missing", file=file, row=1, remedy=remedy)
    return header


def _count_row(header: list[str], fields: list[str], incident: Incident) -> CountRow:
    if len(fields) != len(header):
        raise UsageError("has not the fields of its header")
    record = dict(zip(header, fields, strict=True))
    service = _find_id(record["service"], incident.services, "service")
    claimant = _find_id(record["claimant_type"], incident.claimant_types, "claimant_type")
    try:
        band = parse_band(record["band"])
    except UsageError as error:
        error.column = "band"
        raise
    claims = _parse_whole_number(record["claims"], "claims")
    loss = _parse_whole_number(record["loss"], "loss") if record.get("loss", "").strip() else None
    over, up_to = (-1, 0) if band == UNKNOWN else band
    if loss is not None and (
        (over is not None and claims * (over + 1) > loss) or (up_to is not None and loss > claims * up_to)
    ):
        raise UsageError("the losses do not fit that many claims in the band", column="loss", value=loss)
    return (service, claimant, *band, claims, loss, None)


def _find_id(raw: str, named: Sequence[NamedItem], column: str) -> str:
    """The id of the service or claimant type whose id, name or alias matches `raw`, a text from the CSV."""
    for item in named:
        if normalized_name(raw) in item.spellings():
            return item.id
    aliases = [s for item in named for s in (item.id, item.name.en, item.name.ko, *item.aliases) if s]
    hint = spelling_hint(raw, aliases, likely_typo_of)
    raise UsageError(f"{column} is not known", column=column, value=raw, remedy=hint)


def _parse_whole_number(raw: str, column: str) -> int:
    text = raw.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise UsageError(f"{column} is not a whole number", column=column, value=raw)
    return int(text)
