"""The cube: claims aggregated by dimension and loss band (count, sum of losses, sum of squared losses).

Loss summaries, severity fits and cost calculations use a cube instead of single claims, so their run time
does not grow with the number of claims. A cube is split into groups of claims by dimension, or summed over
dimensions and into wider loss bands. If there are only claim totals and no single claims, `read_counts` reads
a cube from a CSV file of totals.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from outage_analysis import incidents
from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.files import is_file, spelling_hint
from outage_analysis.text import TABLE_DIGITS, in_smallest_units, schema_of

Schema = dict[str, pl.DataType | type[pl.DataType]]
CUBE_KEY = "outage_analysis.cube"
"""The metadata key under which a Parquet file of a cube states everything but the rows."""
MEASURES: Schema = {"claims": pl.Int64, "loss": pl.Int64, "loss_squared": pl.Decimal(38, 0)}
EDGES: Schema = {"over": pl.Int64, "up_to": pl.Int64}
MAX_INT64 = 2**63 - 1
MIN_CLAIMS_PER_CATEGORY = 10
"""`count_combinations` lists a value by name only if at least this many claims have it. A rarer value, such
as a full address, may identify a claimant, and the row would then disclose the loss. Publishers of official
counts usually require 3 to 11."""
MAX_DIGITS = 15
"""The longest count or loss, in digits, that a file of totals may contain."""
COUNT_DIMENSIONS = ("service", "claimant_type")
"""The dimensions of a cube read from a file of totals."""
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
    incident: incidents.Incident | None = None
    """The outage of the claims."""
    rejects: Mapping[str, int] | None = None
    """Of a cube that `read_cube` built: rule -> the number of rows that were rejected because they break it
    first."""

    def __repr__(self) -> str:
        by = f"{', '.join(self.dimensions)} and band" if self.dimensions else "band"
        synthetic = ", synthetic" if self.synthetic else ""
        return f"<Cube of {self.claims:,} claims by {by}: {len(self.frame):,} rows{synthetic}>"

    @property
    def first_decision(self) -> str:
        """How far the claims have come that state no decision."""
        return self.rows.removesuffix("s")

    @property
    def claims(self) -> int:
        """The number of claims in the cube."""
        return int(self.frame["claims"].sum())


def cube_bytes(cube: Cube, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a cube as a Parquet file with metadata; equal cubes give equal bytes."""
    stated = ("dimensions", "synthetic", "source", "line", "rows", "decision", "rejects")
    about = {name: getattr(cube, name) for name in stated}
    about["incident_sha256"] = _incident_sha256(cube.incident) if cube.incident else None
    texts = {**(metadata or {}), CUBE_KEY: json.dumps(about, ensure_ascii=False)}
    # Polars writes to memory, not to disk: on a full disk, it would report a wrong file format.
    buffer = io.BytesIO()
    cube.frame.write_parquet(buffer, compression="zstd", metadata=texts)
    return buffer.getvalue()


def _read_saved(path: Path, incident: incidents.Incident) -> Cube:
    try:
        data = path.read_bytes()
        about = json.loads(pl.read_parquet_metadata(io.BytesIO(data))[CUBE_KEY])
        frame, sha256 = pl.read_parquet(io.BytesIO(data)), about.pop("incident_sha256")
        cube = Cube(frame, **{**about, "dimensions": tuple(about["dimensions"])})
        kinds = {name: kind for name, kind in frame.schema.items() if name != "paid"}
        has_columns = [*kinds] == [*cube.dimensions, *EDGES, *MEASURES]
        fits = has_columns and kinds == {**kinds, **EDGES, **MEASURES}
    except (OSError, pl.exceptions.PolarsError, ValueError, KeyError, TypeError) as error:
        raise InputRefused("is no cube that save_cube wrote", file=path.name) from error
    if not fits or len(frame.filter(pl.col("claims") >= 0)) < len(frame):
        raise InputRefused("is no cube that save_cube wrote", file=path.name)
    if sha256 != _incident_sha256(incident):
        raise InputRefused(OTHER_INCIDENT.format(incident.id), file=path.name)
    return replace(cube, incident=incident)


OTHER_INCIDENT = "was built for another definition of the incident {}"


def _incident_sha256(incident: incidents.Incident) -> str:
    # What the rows mean, and the title of a report, change no cube.
    content = incident.model_dump_json(by_alias=True, exclude={"rows", "name"})
    return hashlib.sha256(content.encode()).hexdigest()


def cube_of(counts: str | Path | Cube, incident: incidents.Incident) -> Cube:
    """Return a cube, or read it: from a Parquet file that `save_cube` wrote, or from a CSV of totals.

    Raises:
        InputRefused: the file cannot be used, or the cube is of another incident.
    """
    if isinstance(counts, Cube):
        own = counts.incident
        if own is not None and _incident_sha256(own) != _incident_sha256(incident):
            raise InputRefused(OTHER_INCIDENT.format(incident.id), file=counts.source)
        return replace(counts, rows=incident.rows or counts.rows)
    saved = Path(counts).suffix.lower() == ".parquet" and is_file(Path(counts))
    return cube_of(_read_saved(Path(counts), incident), incident) if saved else read_counts(counts, incident)


def sum_or_null(column: str) -> pl.Expr:
    """A polars expression for the sum of a column. Unlike `pl.sum`, it is null if any value is null."""
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum())


def null_unstated_sums(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace the sums of losses by null in the rows of claims whose loss is unknown.

    A cube stores 0 in these rows, so that sums over bands work. In a table for readers, this 0 could be
    mistaken for a known loss.
    """
    stated = pl.any_horizontal(pl.col(*EDGES).is_not_null())
    return frame.with_columns(pl.when(stated).then(pl.col("^loss(_squared)?$")))


def sorted_cube(frame: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    """Sort the rows of a cube by dimensions, then by loss band from low to high, with unknown losses last.

    No two rows have the same dimension values and band, so equal cubes get the same row order.
    """
    unknown = pl.all_horizontal(pl.col(*EDGES).is_null())
    return frame.sort(*dimensions, unknown, "over", pl.col("up_to").is_null(), "up_to", nulls_last=False)


def _summed(frame: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    sums = (pl.col("claims").sum(), sum_or_null("loss"), sum_or_null("loss_squared"))
    return sorted_cube(frame.group_by(*dimensions, *EDGES).agg(*sums), dimensions)


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


def read_counts(path: str | Path, incident: incidents.Incident) -> Cube:
    """Read a cube from a CSV of claim totals with the columns `service,claimant_type,band,claims[,loss]`.

    Loss bands are written `(0, 300000]`, `[300000, 500000)`, `>12.50`, `0`, `negative` or `unknown`. Edges
    and losses are in whole currency. Rows with the same service, claimant type and band are added up.

    Raises:
        InputRefused: a column is missing, a service or claimant type is unknown, a band or a number cannot be
            parsed, or two bands of one service and claimant type overlap.
    """
    path = Path(path)
    if not is_file(path):
        raise InputRefused("there is no such file", file=path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            numbered = [x for x in enumerate(csv.reader(stream, strict=True), start=1) if x[1]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"cannot be read as UTF-8 CSV: {error}", file=path.name) from error
    if len(numbered) <= 1:
        raise InputRefused("the file has no rows", file=path.name)
    header = [name.strip().casefold() for name in numbered[0][1]]
    for column in (*COUNT_DIMENSIONS, "band", "claims", *(["loss"] if "loss" in header else [])):
        if header.count(column) != 1:
            raise InputRefused(
                f"needs exactly one column {column}",
                file=path.name,
                row=1,
                remedy="The columns are service,claimant_type,band,claims and, if known, loss.",
            )
    rows: list[CountRow] = []
    stated: list[tuple[tuple[str, str], float, float, int, str]] = []
    for number, fields in numbered[1:]:
        if len(fields) != len(header):
            raise InputRefused("has not the fields of its header", file=path.name, row=number)
        record = dict(zip(header, fields, strict=True))
        try:
            rows.append(row := _count_row(record, incident))
        except UsageError as error:
            about = {**vars(error), "file": path.name, "row": number, "column": error.column or "band"}
            raise InputRefused(**about) from error
        if row[2:4] != incidents.UNKNOWN:
            stated.append((row[:2], *Cell(*row[2:]).ends, number, record["band"]))
    check_total_fits(max(sum(row[4] for row in rows), sum(row[5] or 0 for row in rows)), path.name)
    for one, other in itertools.pairwise(sorted(stated)):
        if one[0] == other[0] and one[1:3] != other[1:3] and other[1] < one[2]:
            (first, text), (second, value) = sorted((one[3:], other[3:]))
            raise InputRefused(
                f"overlaps the band of row {first:,}, {text.strip()}, of the same service and claimant type: "
                "a claim could be counted twice",
                file=path.name,
                row=second,
                column="band",
                value=value,
                remedy="Let each band begin where the one before ends, as (0, 300000] and (300000, 500000].",
            )
    schema: Schema = {**dict.fromkeys(COUNT_DIMENSIONS, pl.String), **EDGES, **MEASURES}
    return Cube(
        _summed(pl.DataFrame(rows, schema=schema, orient="row"), COUNT_DIMENSIONS),
        COUNT_DIMENSIONS,
        "synthetic" in path.name.lower(),
        path.name,
        rows=incident.rows or Cube.rows,
    )


def _count_row(record: Mapping[str, str], incident: incidents.Incident) -> CountRow:
    """Return a row of a file of totals; only the errors of a band do not name their column."""
    service, claimant_type = (incident.known_id(column, record[column]) for column in COUNT_DIMENSIONS)
    band = incidents.parse_band(record["band"], incident.loss_digits)
    claims, loss = _parse_number(record["claims"], "claims"), None
    if stated := record.get("loss", "").strip():
        loss = _parse_number(stated, "loss", incident.loss_digits)
        over, up_to = (-1, 0) if band == incidents.UNKNOWN else band
        if (over is not None and claims * (over + 1) > loss) or (up_to is not None and loss > claims * up_to):
            raise UsageError("the losses do not fit that many claims in the band", column="loss", value=loss)
    return (service, claimant_type, *band, claims, loss, None)


def _parse_number(raw: str, column: str, digits: int = 0) -> int:
    text, written = raw.strip(), r"\d+(\.\d+)?" if digits else r"\d+"
    number = in_smallest_units(text, digits) if re.fullmatch(written, text, re.ASCII) else None
    if number is None or len(text) > MAX_DIGITS:
        kind = f"an amount with up to {digits} decimals" if digits else "a whole number"
        raise UsageError(f"{column} is not {kind}", column=column, value=raw)
    return number


MISSING = "the cube has no such dimension"


class Cell(NamedTuple):
    """The claims of one loss band, over < loss <= up_to. The sums are None if only the count is known."""

    over: int | None
    up_to: int | None
    claims: int
    loss: int | None
    loss_squared: int | None

    @property
    def ends(self) -> tuple[float, float]:
        """The band with infinity for an open end."""
        return (-math.inf if self.over is None else self.over, math.inf if self.up_to is None else self.up_to)

    @property
    def least(self) -> int | None:
        """The smallest possible loss in the band; None if the band is open below."""
        return None if self.over is None else self.over + 1

    def __str__(self) -> str:
        """The loss band as text, for error messages."""
        low = "any loss" if self.over is None else f"over {self.over:,}"
        return low if self.up_to is None else f"{low} up to {self.up_to:,}"


class Group(NamedTuple):
    """The claims of a cube that have the same dimension values, by loss band.

    Args:
        key: the dimension values that define the group.
        cells: the bands that contain claims, from low to high.
        unknown: the number of claims whose loss is unknown.
    """

    key: tuple[object, ...]
    cells: tuple[Cell, ...]
    unknown: int

    @property
    def stated(self) -> int:
        """The number of claims whose loss is known, including zero and negative losses."""
        return sum(cell.claims for cell in self.cells)

    @property
    def loss(self) -> int | None:
        """The sum of the stated losses; None if it is unknown for one of the loss bands."""
        return sum_or_none(cell.loss for cell in self.cells)

    def claims_in_band(self, low: float, high: float) -> int | None:
        """The number of claims over `low` up to `high`; None if a loss band is only partly inside."""
        near = [cell for cell in self.cells if cell.ends[0] < high and low < cell.ends[1]]
        inside = (low <= cell.ends[0] and cell.ends[1] <= high for cell in near)
        return sum(cell.claims for cell in near) if all(inside) else None

    def cells_above(self, threshold: int) -> tuple[Cell, ...]:
        """The loss bands above a threshold: -1 selects losses from 0 on, 0 selects losses above 0.

        Raises:
            ModelRefused: a band contains losses on both sides of the threshold.
        """
        for cell in self.cells:
            if cell.ends[0] < threshold < cell.ends[1]:
                raise ModelRefused(
                    f"the band {cell} mixes losses up to {threshold} with larger ones",
                    remedy="Give zero, positive and negative losses bands of their own.",
                )
        return tuple(cell for cell in self.cells if cell.ends[0] >= threshold)


def sum_or_none(parts: Iterable[int | None]) -> int | None:
    """The sum of the numbers; None if one of them is None, that is, unknown."""
    every = list(parts)
    return None if None in every else sum(part or 0 for part in every)


def groups(cube: Cube, by: Sequence[str] = ()) -> Iterator[Group]:
    """Yield the groups of a cube, sorted by dimension values; without `by`, one group of all claims.

    Raises:
        UsageError: a dimension does not exist.
        ModelRefused: two loss bands of a group overlap, so the bands have no order.
    """
    check_dimensions(by, cube.dimensions, MISSING)
    width = len(by)
    for key, rows in itertools.groupby(_summed(cube.frame, by).iter_rows(), lambda row: row[:width]):
        cells, unknown = [], 0
        for over, up_to, claims, loss, squares in (row[width:] for row in rows):
            if (over, up_to) == incidents.UNKNOWN:
                unknown += claims
            elif over is not None and up_to == over + 1:  # one loss is possible: compute the sums from it
                cells.append(Cell(over, up_to, claims, claims * up_to, claims * up_to**2))
            else:
                cells.append(Cell(over, up_to, claims, loss, None if squares is None else int(squares)))
        cells = [cell for cell in cells if cell.claims]
        for one, other in itertools.pairwise(cells):
            if one.ends[1] > other.ends[0]:
                raise ModelRefused(
                    f"the bands {one} and {other} overlap",
                    remedy="Count every group in the same bands, or ask for one group at a time.",
                )
        yield Group(key, tuple(cells), unknown)


DimensionFilter = Mapping[str, object]
"""Dimension -> the value, or list of values, to keep. None stands for an unknown value."""


def filter_cube(cube: Cube, where: DimensionFilter | None) -> Cube:
    """Keep only the rows of a cube with the dimension values in `where`; if it is None, keep all rows.

    Raises:
        UsageError: a dimension does not exist, or no claim has one of the values.
    """
    for dimension, value in (where or {}).items():
        check_dimensions([dimension], cube.dimensions, MISSING)
        values, column = list(value) if isinstance(value, list | tuple) else [value], cube.frame[dimension]
        known = column.unique(maintain_order=True).to_list()
        for stranger in (x for x in values if x not in known):
            merged = ", or it is counted together with other small groups" if MERGED in known else ""
            raise UsageError(
                f"no claim of the cube has it{merged}",
                column=dimension,
                value=stranger,
                remedy=spelling_hint(str(stranger), [str(k) for k in known if k not in (None, MERGED)]),
            )
        wanted = pl.col(dimension).is_in(pl.Series(values, dtype=column.dtype).implode(), nulls_equal=True)
        cube = replace(cube, frame=cube.frame.filter(wanted))
    return cube


MERGED = ""
"""The value of a text dimension that stands for all with too few claims, as in `count_combinations`."""


def merge_rare_groups(cube: Cube, texts: Sequence[str]) -> Cube:
    """Count groups of claims together if they are so small that their losses could be those of one claimant.

    Groups are the combinations of all dimensions. Those with fewer than `MIN_CLAIMS_PER_CATEGORY` claims get
    the value `MERGED` in each text dimension, and so does the next larger one if they have fewer in all.

    Args:
        cube: any cube.
        texts: its text dimensions, whose values may identify a claimant.
    """
    keys = list(cube.dimensions)
    before = pl.col("claims").cum_sum().over([pl.lit(0), *(k for k in keys if k not in texts)])
    rare = pl.col("claims") < MIN_CLAIMS_PER_CATEGORY
    rare |= (before - pl.col("claims")).is_between(1, MIN_CLAIMS_PER_CATEGORY - 1)
    named = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).is_not_null() for name in texts))
    sizes = cube.frame.filter(named).group_by(keys).agg(pl.col("claims").sum()).sort("claims", *keys)
    rare_groups = sizes.filter(rare).select(*keys, rare=True)
    if rare_groups.is_empty():
        return cube
    frame = cube.frame.join(rare_groups, on=keys, how="left", nulls_equal=True)
    frame = frame.with_columns(pl.when("rare").then(pl.lit(MERGED)).otherwise(pl.col(*texts)).name.keep())
    summed = frame.group_by(*keys, *EDGES).agg(pl.col(*MEASURES).sum())
    return replace(cube, frame=sorted_cube(summed.select(cube.frame.columns), keys))


MAX_DISPLAY_CUTS = 24
"""The largest number of policy cuts that tables and charts of claims use as band edges."""


def display_bands(cuts: Sequence[int], *, negative: bool = False) -> incidents.Bands:
    """Loss bands for tables and charts, with edges at the edges of a policy and at powers of ten.

    If a policy has no edges, or more than `MAX_DISPLAY_CUTS` edges, the edges are powers of ten only.

    Args:
        cuts: the increasing loss edges of a policy.
        negative: whether losses may be negative; the bands are then mirrored below 0.

    Example:
        >>> from outage_analysis.losses import display_bands
        >>> display_bands((300_000, 500_000)).cuts
        (100000, 300000, 500000, 1000000)
    """
    if not 0 < len(cuts) <= MAX_DISPLAY_CUTS:
        return incidents.Bands.from_cuts(tuple(10**k for k in range(3, 8)), negative=negative)
    tens = tuple(10**k for k in range(16) if cuts[0] <= 10 ** (k + 1) and 10**k <= cuts[-1] * 10)
    return incidents.Bands.from_cuts(tuple(cuts), tens, negative=negative)


def regroup(cube: Cube, by: Sequence[str], bands: incidents.Bands | None = None) -> pl.DataFrame:
    """Sum a cube over dimensions and, if `bands` is given, into wider loss bands.

    Args:
        cube: any cube.
        by: the dimensions to keep; `over` and `up_to` in this list keep the cube's own bands.
        bands: wider bands, each a union of the cube's bands; if None, the cube is summed over all bands.

    Returns:
        One row per group: the dimensions in `by`, `over` and `up_to` (if `bands` is given), `claims` and
        `loss` (null for claims of unknown loss).

    Raises:
        UsageError: a dimension does not exist, or a band of the cube lies in none of the wider bands.
    """
    frame, keys = cube.frame, list(by)
    check_dimensions([name for name in by if name not in EDGES], cube.dimensions, MISSING)
    if bands is not None:
        rows = []
        for band in frame.select("over", "up_to").unique(maintain_order=True).rows():
            wider = next((wide for wide in bands.rows() if incidents.band_within(band, wide)), None)
            if wider is None:
                raise UsageError(
                    f"the band over {band[0]} up to {band[1]} lies in no display band",
                    remedy="Display bands are unions of the cube's bands.",
                )
            rows.append((*band, *wider))
        schema = dict.fromkeys((*EDGES, "to_over", "to_up_to"), pl.Int64)
        wider_bands = pl.DataFrame(rows, schema, orient="row")
        frame = frame.join(wider_bands, on=[*EDGES], nulls_equal=True)
        frame = frame.with_columns(over="to_over", up_to="to_up_to")
        keys += EDGES
    sums = (pl.col("claims").sum(), sum_or_null("loss"))
    if not keys:
        return frame.select(*sums)
    summed = frame.group_by(keys).agg(*sums)
    summed = null_unstated_sums(summed) if EDGES.keys() <= set(keys) else summed
    return sorted_cube(summed, by) if bands is not None else summed.sort(by)


def with_shares(frame: pl.DataFrame, group_by: Sequence[str] = ()) -> pl.DataFrame:
    """Add the column `share`: the claims of a row divided by the claims of its group.

    Args:
        frame: a table with a column `claims`.
        group_by: the columns that define the groups; without them, all rows are one group.

    Returns:
        The table with `share`, which is null in a group without claims.
    """
    total = pl.col("claims").sum().over(list(group_by)) if group_by else pl.col("claims").sum()
    return frame.with_columns(share=pl.when(total > 0).then(pl.col("claims") / total))


def cumulative_intake(cube: Cube, *, per: Literal["day", "hour"] = "day") -> pl.DataFrame:
    """Count claims per day or hour, and cumulatively up to its end: one row per day or hour.

    Args:
        cube: a cube with the dimension `filed_on`, or `filed_hour` for hours.
        per: whether to count per day or per hour. Hours are in local time; when the clocks are set back, the
            claims of both hours with the same name are added up.

    Returns:
        `filed_on` or `filed_hour`, `claims` (in this day or hour) and `cumulative` (up to its end). Days and
        hours without claims between the first and the last have a row too. If claims are counted per hour,
        those with only a filing date are in the last row, in which `filed_hour` and `cumulative` are null.
    """
    column, interval = {"day": ("filed_on", "1d"), "hour": ("filed_hour", "1h")}[per]
    counted = regroup(cube, [column]).select(column, "claims")
    timed = counted.drop_nulls(column)
    every = timed.upsample(column, every=interval) if len(timed) else timed
    claims = pl.col("claims").fill_null(0)
    table = every.with_columns(claims, cumulative=claims.cum_sum())
    return pl.concat([table, counted.filter(pl.col(column).is_null())], how="diagonal")


PROBABILITIES = (0.25, 0.5, 0.75, 0.9, 0.95)


def summary(cube: Cube, by: Sequence[str] = ()) -> pl.DataFrame:
    """The number, sum, mean and median of the losses of each group.

    Args:
        cube: any cube.
        by: the dimensions to group by.

    Returns:
        One row per group: the dimensions in `by`, `claims`, `negative` and `zero` (null if a band also
        contains other losses), `unknown`, `stated` (claims whose loss is known, including zero and negative
        losses), `loss` (their sum), `mean` (exact to ten digits), `median`, `median_low`, `median_high` (see
        `quantiles`). The sum and the mean are null if the cube has only counts.

    Raises:
        UsageError: a dimension does not exist.
        ModelRefused: two bands of a group overlap.
    """
    rows = []
    for group in groups(cube, by):
        stated, loss = group.stated, group.loss
        kinds = group.claims_in_band(-math.inf, -1), group.claims_in_band(-1, 0), group.unknown, stated
        mean = None if loss is None or not stated else loss / stated
        rows.append((*group.key, stated + group.unknown, *kinds, loss, mean, *quantile(group.cells, 0.5)))
    schema = schema_of("distribution.summary").grouped_by({name: cube.frame.schema[name] for name in by})
    return schema.frame(rows).with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def quantiles(
    cube: Cube, by: Sequence[str] = (), probabilities: Sequence[float] = PROBABILITIES
) -> pl.DataFrame:
    """Quantiles of the stated losses of each group, with the bounds that follow from the loss bands.

    The quantile at p is the smallest loss that is at least as large as a share p of the stated losses. Zero
    and negative losses are included; unknown losses are not. The cube determines the band of the quantile;
    the count and the sum of the losses in that band give the sharpest possible bounds.

    Args:
        cube: any cube.
        by: the dimensions to group by.
        probabilities: each from 0 (the smallest loss) to 1 (the largest loss).

    Returns:
        One row per group and probability: the dimensions in `by`, `probability`, `value` (an estimate within
        the bounds: the losses of the band are assumed to be spread evenly about their mean, and in an open
        band it is halfway between the bounds), `low` and `high` (certain bounds, not a confidence interval),
        `error` (the largest possible error of `value`). These four columns are in the unit of loss. They are
        null if no loss is stated, or if the band is open and only counts are known.

    Raises:
        UsageError: a dimension does not exist, or a probability is outside 0 to 1.
        ModelRefused: two bands of a group overlap.
    """
    for p in probabilities:
        if not 0 <= p <= 1:
            raise UsageError("a probability is from 0 to 1", value=p)
    rows = []
    for group in groups(cube, by):
        for p in probabilities:
            value, low, high = quantile(group.cells, p)
            error = None if value is None or low is None or high is None else max(value - low, high - value)
            rows.append((*group.key, p, value, low, high, error))
    schema = schema_of("distribution.quantiles").grouped_by({name: cube.frame.schema[name] for name in by})
    return schema.frame(rows)


def quantile(cells: Sequence[Cell], p: float) -> tuple[int | None, int | None, int | None]:
    """The p-quantile of losses in ordered bands, as (estimate, lower bound, upper bound).

    A number is None if the bands do not determine it.
    """
    # Compute with an exact fraction: the float 0.07 * 100 is above 7 and would give rank 8.
    rank = max(1, math.ceil(Fraction(str(p)) * sum(cell.claims for cell in cells)))
    for cell in cells:
        if rank <= cell.claims:
            low, high = loss_bounds(cell, rank)
            return _interpolate_loss(cell, rank, low, high), low, high
        rank -= cell.claims
    return None, None, None


def loss_bounds(cell: Cell, j: int) -> tuple[int | None, int | None]:
    """The smallest and the largest possible value of the j-th smallest loss of a band.

    This loss is smallest if all larger losses are at the top of the band. The loss is largest if all smaller
    losses are at the bottom of the band.
    """
    k, s, low, high = cell.claims, cell.loss, cell.least, cell.up_to
    lows, highs = [low], [high]
    if s is not None and (j == k or high is not None):
        lows.append(-(-(s - (k - j) * (high or 0)) // j))
    if s is not None and (j == 1 or low is not None):
        highs.append((s - (j - 1) * (low or 0)) // (k - j + 1))
    return (
        max((x for x in lows if x is not None), default=None),
        min((x for x in highs if x is not None), default=None),
    )


def _interpolate_loss(cell: Cell, j: int, low: int | None, high: int | None) -> int | None:
    if low is None or high is None:
        return None
    if cell.least is None or cell.up_to is None:
        return (low + high) // 2
    middle = (cell.least + cell.up_to) / 2 if cell.loss is None else cell.loss / cell.claims
    reach = min(middle - cell.least, cell.up_to - middle)
    return min(max(round(middle + ((2 * j - 1) / cell.claims - 1) * reach), low), high)
