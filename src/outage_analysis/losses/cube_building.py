"""Build cubes (claims and sums of losses by dimension and loss band) from claims with SQL, and save them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from io import BytesIO
from pathlib import Path

import polars as pl

from outage_analysis.claims import (
    PARQUET_SUFFIX,
    Claims,
    check_synthetic_name,
    parquet_metadata,
    queries,
    quote_identifier,
    quote_literal,
)
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import atomic_file
from outage_analysis.incidents import UNKNOWN, Bands, Dimension, Incident, log_grid
from outage_analysis.losses.cube import (
    EDGES,
    MAX_INT64,
    MIN_CLAIMS_PER_CATEGORY,
    Cube,
    Schema,
    check_dimensions,
    check_total_fits,
)
from outage_analysis.policies import Policy, Schedule
from outage_analysis.text import CLAIMS, FILED_HOUR, FILED_ON, OVER, SERVICE, UP_TO, Column, TableSchema

MAX_CATEGORIES = 20
"""`count_combinations` lists at most this many values of a text dimension by name."""
MAX_EXACT_LOSSES = 200
"""If claims state at most this many different losses, `cost_bands` may give each loss its own band."""
_MIN_INT64 = -(2**63)
OWN_DIMENSIONS = ("service", "claimant_type", "filed_on", "filed_hour")
"""The dimensions that are available in every incident."""


def build_cube(
    claims: Claims,
    *,
    dimensions: Sequence[str] = ("service", "claimant_type"),
    bands: Bands | None = None,
    policy: Policy | None = None,
    line: Schedule | None = None,
    until: date | None = None,
) -> Cube:
    """Build a cube: count the claims and sum their losses by dimension and loss band.

    Args:
        claims: the result of `read_claims`.
        dimensions: any of service, claimant_type, filed_on, filed_hour (start of the hour in local time; null
            if only the date is known) and the dimensions of the incident.
        bands: the loss bands; by default a logarithmic grid with 24 bands per decade. If the incident allows
            negative losses, the bands are mirrored below 0.
        policy: a policy whose breakpoints (the losses at which a payment formula changes) are added to the
            default grid, so that payments computed from the cube are exact.
        line: a cost line that pays per claimant. The cube then counts entitled claimants, each with the sum
            of their stated losses, and has no dimensions, because one claimant may name several services.
        until: leave out claims filed after this day.

    Raises:
        UsageError: a dimension does not exist or is named twice.
        InputRefused: all rows were rejected, a sum exceeds a 64-bit integer, or `line` is set and
            a claim has no claimant_id.
        DisclosureBlocked: the values of a dimension contain personal data.
    """
    claims.check_any_claim()
    dimensions = () if line is not None else dimensions
    incident = claims.incident
    by_id = {d.id: d for d in incident.dimensions if d.kind != "paid"}
    available = [*OWN_DIMENSIONS, *by_id]
    check_dimensions(dimensions, available, "no such dimension")
    # Cubes are printed and saved, so their dimension values must not contain personal data.
    claims.check_no_personal_data(
        [name for name in dimensions if name in by_id and by_id[name].kind == "text"]
    )
    if bands is None:
        bands = Bands.from_cuts(log_grid(), policy.breakpoints if policy else ())
    if incident.loss.negative == "band":
        bands = bands.with_mirrored_negatives()
    _load_bands(claims, bands)
    groups = {name: _dimension_expression(name, incident, by_id) for name in dimensions}
    if line is None:
        source = _filed_claims_query(until)
    else:
        check_dimensions(tuple(line.eligibility), available, "no such dimension")
        if nameless := claims.warehouse.frame(queries.load("nameless_claims")).item():
            raise InputRefused(
                f"{nameless:,} claims name no claimant, and the line {line.id} pays by claimant",
                column="claimant_id",
                remedy='Give every claim its claimant_id, or set grain = "claim".',
            )
        entitled = [_filed_condition(until)]
        for name, values in line.eligibility.items():
            known = ", ".join(map(quote_literal, values))
            entitled.append(f"cast({_dimension_expression(name, incident, by_id)} as varchar) in ({known})")
        source = queries.load("claimants", entitled=" and ".join(entitled))
    decision = incident.decision if incident.decision in dimensions else ""
    paid = quote_identifier(incident.paid) if decision and incident.paid else ""
    query = queries.load(
        "cube",
        source=source,
        paid_by_loss=f", sum(coalesce({paid}, 0)) as paid" if paid else "",
        paid=", cast(sum(by_loss.paid) as bigint) as paid" if paid else "",
        columns="".join(f"{e} as {quote_identifier(name)}, " for name, e in groups.items()),
        groups="".join(f"{e}, " for e in groups.values()),
        names="".join(f"{quote_identifier(name)}, " for name in groups),
    )
    files = ", ".join(f.name for f in claims.inputs)
    return Cube(
        claims.warehouse.frame(query),
        tuple(dimensions),
        claims.synthetic,
        f"{files} ({claims.selection})" if claims.is_derived else files,
        line.id if line else None,
        incident.rows or Cube.rows,
        decision,
    )


def cost_bands(claims: Claims, policies: Sequence[Policy]) -> Bands:
    """The loss bands that a cube (claim counts by band) needs to compute the payments of the policies.

    The band edges are those of the default grid and all breakpoints of the policies (losses at which a
    payment formula changes). If a payment depends on the loss within a band, and claims state at most
    `MAX_EXACT_LOSSES` different losses, each of these losses also gets its own band: with few claims, the
    distribution of the total payment depends on each exact loss.
    """
    edges = Bands.from_cuts(log_grid(), *(policy.breakpoints for policy in policies))
    rules = (rule for p in policies for line in p.schedules for _, t in line.tariffs for _, rule in t.rules())
    if not any(rule.depends_on_loss for rule in rules):
        return edges
    query = queries.load("few_losses", most=str(MAX_EXACT_LOSSES + 1))
    losses = tuple(claims.warehouse.frame(query)["loss"].to_list())
    if len(losses) > MAX_EXACT_LOSSES:
        return edges
    return Bands.from_cuts(edges.cuts, losses, tuple(loss - 1 for loss in losses))


CLAIM_COMBINATIONS = TableSchema(
    "One row per combination of service, loss band, filing day and category that claims have.",
    (
        SERVICE,
        OVER,
        UP_TO,
        FILED_ON,
        Column("category", "data", "Value of the dimension; an empty text stands for all values not listed."),
        CLAIMS,
        Column("dimension", "text", "Id of the dimension; empty if it is left out."),
    ),
)


def count_combinations(
    claims: Claims, *, bands: Bands, dimension: str | None = None, until: date | None = None
) -> pl.DataFrame:
    """Count claims by combinations of service, loss band, filing day and the value of a text dimension.

    The size of the table is limited by the number of combinations, not by the number of claims. A value of
    the text dimension is listed by name only if at least `MIN_CLAIMS_PER_CATEGORY` claims have it, and at
    most `MAX_CATEGORIES` values are listed; claims with other values are counted together. If these are most
    claims, as with addresses, the dimension is left out.

    Args:
        claims: the result of `read_claims`.
        bands: the loss bands.
        dimension: the id of a text dimension of the incident; None counts only by service, loss band and
            filing day.
        until: leave out claims filed after this day.

    Returns:
        One row per combination that claims have, with the columns `service`, `over`, `up_to`, `filed_on`,
        `category` (the value of the dimension; an empty text stands for all values that are not listed, null
        for claims that state none), `claims`, and `dimension` (the id, on every row; null if the dimension is
        left out).

    Raises:
        DisclosureBlocked: values of the dimension contain personal data.
    """
    if dimension:
        claims.check_no_personal_data([dimension])
    _load_bands(claims, bands)
    query = queries.load(
        "combinations",
        source=_filed_claims_query(until),
        category=quote_identifier(dimension) if dimension else "cast(null as varchar)",
        most=str(MAX_CATEGORIES),
        least=str(MIN_CLAIMS_PER_CATEGORY),
    )
    table = claims.warehouse.frame(query)
    if dimension:
        stated = table.filter(pl.col("category").is_not_null())
        if 2 * stated.filter(category="")["claims"].sum() <= stated["claims"].sum():
            return table.with_columns(dimension=pl.lit(dimension))
    keys, none = ["service", "over", "up_to", "filed_on"], pl.lit(None, pl.String)
    summed = table.group_by(keys, maintain_order=True).agg(pl.col("claims").sum())
    return summed.select(*keys, none.alias("category"), "claims", none.alias("dimension"))


def _load_bands(claims: Claims, bands: Bands) -> None:
    """Load the loss bands into the database table `bands`; an open end becomes the 64-bit limit."""
    total = claims.warehouse.relation(queries.load("loss_total")).fetchall()
    check_total_fits(total[0][0])
    rows = [
        (o, u, _MIN_INT64 if o is None else o, MAX_INT64 if u is None else u)
        for o, u in bands.rows()
        if (o, u) != UNKNOWN
    ]
    schema: Schema = {**EDGES, "above": pl.Int64, "below": pl.Int64}
    claims.warehouse.load("bands", pl.DataFrame(rows, schema=schema, orient="row"))


def _filed_condition(until: date | None) -> str:
    """The SQL condition for claims filed on or before the day `until`; if it is None, for all claims."""
    return "true" if until is None else f"filed_on <= date {quote_literal(until.isoformat())}"


def _filed_claims_query(until: date | None) -> str:
    """The SQL query for the claims filed on or before the day `until`; if it is None, for all claims."""
    return queries.load("filed", filed=_filed_condition(until))


def _dimension_expression(name: str, incident: Incident, by_id: Mapping[str, Dimension]) -> str:
    """The SQL expression for a claim's value of a dimension; a number becomes the label of its band."""
    if name == FILED_HOUR.name:
        return f"date_trunc('hour', timezone({quote_literal(incident.time_zone)}, filed_at))"
    column, dimension = quote_identifier(name), by_id.get(name)
    if dimension is None or dimension.kind != "number":
        return column
    *labels, last = map(quote_literal, dimension_labels(dimension))
    cases = [
        f"when {column} <= {cut} then {label}" for cut, label in zip(dimension.cuts, labels, strict=True)
    ]
    return f"case when {column} is null then null {' '.join(cases)} else {last} end"


def dimension_labels(dimension: Dimension) -> list[str]:
    """The labels of all bands of a numeric dimension, from low to high."""
    lows, highs = [None, *dimension.cuts], [*dimension.cuts, None]
    return [dimension_label(low, high) for low, high in zip(lows, highs, strict=True)]


def dimension_label(over: int | None, up_to: int | None) -> str:
    """The label of one band of a numeric dimension, as used in cubes and eligibility rules."""
    if over is None:
        return f"up to {up_to}"
    return f"over {over}" if up_to is None else f"over {over} up to {up_to}"


def save_cube(cube: Cube, claims: Claims, path: str | Path) -> None:
    """Save a cube as a Parquet file in one atomic step; equal cubes give equal bytes.

    A row may count only one claim, so the file must not be published.

    Args:
        cube: the cube.
        claims: the claims from which the cube was built.
        path: the file to write; an existing file is replaced.

    Raises:
        UsageError: the suffix is not .parquet, or the cube is synthetic and its file name does not contain
            "synthetic".
        EnvironmentFailed: the file cannot be written.
    """
    path = Path(path)
    if path.suffix != PARQUET_SUFFIX:
        raise UsageError(f"is not {PARQUET_SUFFIX}", file=path.name)
    check_synthetic_name(path, synthetic=cube.synthetic)
    with atomic_file(path) as part:
        # Let polars write to memory, not to disk: on a full disk, polars would report a wrong file format.
        buffer = BytesIO()
        cube.frame.write_parquet(buffer, compression="zstd", metadata=parquet_metadata(claims))
        part.write_bytes(buffer.getvalue())
