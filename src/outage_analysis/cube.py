"""Claims -> cubes: claims, loss and loss squared by chosen dimensions and loss band.

SQL ends here. Everything later reads a cube, so its cost does not grow with the number of claims.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from outage_analysis import queries
from outage_analysis.bands import UNKNOWN, Band, Bands, log_grid, parse_band
from outage_analysis.claims import Claims
from outage_analysis.datasets import is_file, nearest
from outage_analysis.errors import InputRefused, OutageAnalysisError, UsageError
from outage_analysis.incidents import Dimension, Incident, Named, folded
from outage_analysis.policies import Policy
from outage_analysis.queries import literal, quoted

Types = dict[str, pl.DataType | type[pl.DataType]]
MEASURES: Types = {"claims": pl.Int64, "loss": pl.Int64, "loss_squared": pl.Decimal(38, 0)}
EDGES: Types = {"over": pl.Int64, "up_to": pl.Int64}
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


@dataclass(frozen=True)
class Cube:
    """Claims by `dimensions` and loss band.

    `frame` has the dimensions, `over` and `up_to` (the band: over < loss <= up_to; both null means
    unknown), `claims`, `loss` and `loss_squared`; the last two are null when only counts are known.
    """

    frame: pl.DataFrame
    dimensions: tuple[str, ...]
    synthetic: bool
    """Synthetic cubes never feed a figure attributed to the incident."""
    source: str
    """The files behind it."""

    @property
    def claims(self) -> int:
        """How many claims it holds."""
        return int(self.frame["claims"].sum())


def build_cube(
    claims: Claims,
    *,
    dimensions: Sequence[str] = ("service", "claimant_type"),
    bands: Bands | None = None,
    policy: Policy | None = None,
) -> Cube:
    """Aggregate claims by dimensions and loss band.

    Args:
        claims: what `read_claims` returned.
        dimensions: service, claimant_type, filed_on or a dimension of the incident.
        bands: the loss bands; by default a logarithmic grid, 24 a decade.
        policy: its edges join the default grid, so that payments from the cube are exact.
    """
    by_id = {d.id: d for d in claims.incident.dimensions}
    for name in dimensions:
        if name not in by_id and name not in ("service", "claimant_type", "filed_on"):
            known = ["service", "claimant_type", "filed_on", *by_id]
            raise UsageError("no such dimension", value=name, remedy=nearest(name, known))
        if list(dimensions).count(name) > 1:
            raise UsageError("a dimension is named twice", value=name)
    if bands is None:
        bands = Bands.of(log_grid(), policy.cuts if policy else ())
    if claims.incident.loss.negative == "band":
        bands = replace(bands, negative=True)
    total = claims.sql("select coalesce(sum(abs(loss)), 0) from claims").fetchall()
    _refuse_overflow(total[0][0])
    rows = [
        (o, u, _LOWEST if o is None else o, _HIGHEST if u is None else u)
        for o, u in bands.rows()
        if (o, u) != UNKNOWN
    ]
    warehouse = claims.warehouse
    schema: Types = {**EDGES, "above": pl.Int64, "below": pl.Int64}
    warehouse.load("bands", pl.DataFrame(rows, schema=schema, orient="row"))
    groups = {name: _expression(name, by_id.get(name)) for name in dimensions}
    query = queries.bind(
        "cube",
        columns="".join(f"{e} as {quoted(name)}, " for name, e in groups.items()),
        groups="".join(f"{e}, " for e in groups.values()),
        names="".join(f"{quoted(name)}, " for name in groups),
    )
    frame = warehouse.frame(query)
    return Cube(frame, tuple(dimensions), claims.synthetic, ", ".join(f.name for f in claims.inputs))


def _refuse_overflow(total: int, file: str | None = None) -> None:
    """Sums are kept as 64-bit integers; a total beyond them would wrap around unseen."""
    if total > _HIGHEST:
        raise InputRefused(
            f"claims or losses add up to more than {_HIGHEST:,}",
            file=file,
            remedy="State losses in a larger unit.",
        )


def _expression(name: str, dimension: Dimension | None) -> str:
    """A dimension as the cube groups it: a numeric one by the label of its band."""
    if dimension is None or dimension.kind == "text":
        return quoted(name)
    cases = [f"when {quoted(name)} is null then null"]
    low = None
    for cut in dimension.cuts:
        cases.append(f"when {quoted(name)} <= {cut} then {literal(dimension_label(low, cut))}")
        low = cut
    return f"case {' '.join(cases)} else {literal(dimension_label(low, None))} end"


def dimension_label(over: int | None, up_to: int | None) -> str:
    """The band of a numeric dimension, as cubes and eligibility rules write it."""
    if over is None:
        return f"up to {up_to}"
    return f"over {over}" if up_to is None else f"over {over} up to {up_to}"


MOST_DIGITS = 15
COUNT_COLUMNS = ("service", "claimant_type", "band", "claims")
CountRow = tuple[str, str, int | None, int | None, int, int | None, None]


def read_counts(path: str | Path, incident: Incident) -> Cube:
    """A cube from totals alone: a CSV `service,claimant_type,band,claims[,loss]`.

    Bands are written `(0, 300000]`, `[300000, 500000)`, `>500000`, `0` or `unknown`.

    Raises:
        InputRefused: a missing column, an unknown name, a band or a count that cannot be read.
    """
    path = Path(path)
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
    header = [name.strip().casefold() for name in table[0][1]]
    for column in COUNT_COLUMNS:
        if column not in header:
            raise InputRefused(
                f"the column {column} is missing",
                file=path.name,
                row=1,
                remedy="The columns are service,claimant_type,band,claims and, if known, loss.",
            )
    rows: list[CountRow] = []
    for number, fields in table[1:]:
        try:
            if len(fields) != len(header):
                raise UsageError("has not the fields of its header")
            rows.append(_count_row(dict(zip(header, fields, strict=True)), incident))
        except OutageAnalysisError as error:
            raise InputRefused(
                error.problem,
                file=path.name,
                row=number,
                column=error.column,
                value=error.value,
                remedy=error.remedy,
            ) from error
    _refuse_overflow(max(sum(row[4] for row in rows), sum(row[5] or 0 for row in rows)), path.name)
    schema: Types = {"service": pl.String, "claimant_type": pl.String, **EDGES, **MEASURES}
    frame = (
        pl.DataFrame(rows, schema=schema, orient="row")
        .group_by("service", "claimant_type", "over", "up_to")
        .agg(
            pl.col("claims").sum(),
            *(pl.when(pl.col(m).null_count() == 0).then(pl.col(m).sum()) for m in ("loss", "loss_squared")),
        )
    )
    synthetic = "synthetic" in path.name.lower()
    return Cube(
        sorted_cube(frame, ("service", "claimant_type")),
        ("service", "claimant_type"),
        synthetic,
        path.name,
    )


def sorted_cube(frame: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    """Total order: dimensions, then bands with zero first and unknown last."""
    unknown = pl.col("over").is_null() & pl.col("up_to").is_null()
    return frame.sort(*dimensions, unknown, "over", nulls_last=False)


def _count_row(record: dict[str, str], incident: Incident) -> CountRow:
    service = _known(record["service"], incident.services, "service")
    claimant = _known(record["claimant_type"], incident.claimant_types, "claimant_type")
    try:
        band = parse_band(record["band"])
    except UsageError as error:
        error.column = "band"
        raise
    claims = _whole(record["claims"], "claims")
    loss = _whole(record["loss"], "loss") if record.get("loss", "").strip() else None
    if loss is not None and not _fits(loss, claims, band):
        raise UsageError("the losses do not fit that many claims in the band", column="loss", value=loss)
    return (service, claimant, *band, claims, loss, None)


def _fits(loss: int, claims: int, band: Band) -> bool:
    over, up_to = (-1, 0) if band == UNKNOWN else band
    least = over is None or claims * (over + 1) <= loss
    return least and (up_to is None or loss <= claims * up_to)


def _known(raw: str, named: Sequence[Named], column: str) -> str:
    for item in named:
        if folded(raw) in item.spellings():
            return item.id
    aliases = [s for item in named for s in (item.id, item.name.en, item.name.ko, *item.aliases) if s]
    raise UsageError(f"{column} is not known", column=column, value=raw, remedy=nearest(raw, aliases))


def _whole(raw: str, column: str) -> int:
    text = raw.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise UsageError(f"{column} is not a whole number", column=column, value=raw)
    return int(text)
