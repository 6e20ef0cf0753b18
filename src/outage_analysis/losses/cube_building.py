"""Build cubes (claims and sums of losses by dimension and loss band) from claims with SQL, and show them.

`Claims.by` returns a Polars frame that shows itself as a heat table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from math import sqrt
from pathlib import Path
from weakref import WeakKeyDictionary

import polars as pl

from outage_analysis.claims import (
    PARQUET_SUFFIX,
    Claims,
    Warehouse,
    check_synthetic_name,
    parquet_metadata,
    queries,
    quote_identifier,
    quote_literal,
)
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import atomic_file
from outage_analysis.incidents import UNKNOWN, Band, Bands, Dimension, Incident, log_grid
from outage_analysis.losses.cube import (
    EDGES,
    MAX_INT64,
    MIN_CLAIMS_PER_CATEGORY,
    Cube,
    Schema,
    check_dimensions,
    check_total_fits,
    cube_bytes,
    null_unstated_sums,
)
from outage_analysis.policies import Policy, Schedule
from outage_analysis.text import Card, Locale, Table, capitalized, column_of, smallest_units

MAX_CATEGORIES = 20
"""`count_combinations` lists at most this many values of a text dimension by name."""
MAX_EXACT_LOSSES = 200
"""If claims state at most this many different losses, `cost_bands` may give each loss its own band."""


MAX_CUBES = 16
"""Most cubes that are kept for the claims of a warehouse, which never change once they are read."""
_CUBES: WeakKeyDictionary[Warehouse, dict[tuple[str, Bands], pl.DataFrame]] = WeakKeyDictionary()
"""Warehouse -> query and bands of a cube -> its rows, so that a second run need not count claims again."""


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
    available = ["service", "claimant_type", "filed_on", "filed_hour", *by_id]
    check_dimensions(dimensions, available, "no such dimension")
    # Cubes are printed and saved, so their dimension values must not contain personal data.
    claims.check_no_personal_data(
        [name for name in dimensions if name in by_id and by_id[name].kind == "text"]
    )
    bands = loss_bands(bands, policy, incident)
    groups = {name: _dimension_expression(name, incident, by_id) for name in dimensions}
    if line is None:
        source = f"from exact_claims where {_filed_condition(until)}"
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
        names="".join(f"{quote_identifier(name)}, " for name in groups),
    )
    cubes = _CUBES.setdefault(claims.warehouse, {})
    if (frame := cubes.get((query, bands))) is None:
        frame = claims.warehouse.frame(query, inputs={"bands": _band_rows(claims, bands)})
        if len(cubes) >= MAX_CUBES:
            cubes.clear()
        cubes[query, bands] = frame
    files = ", ".join(f.name for f in claims.inputs)
    return Cube(
        frame,
        tuple(dimensions),
        claims.synthetic,
        f"{files} ({claims.selection})" if claims.is_derived else files,
        line.id if line else None,
        incident.rows or Cube.rows,
        decision,
        incident=incident,
    )


def loss_bands(bands: Bands | None, policy: Policy | None, incident: Incident) -> Bands:
    """The bands of a cube: by default the logarithmic grid, with the breakpoints of a policy if one is given.

    If the incident allows negative losses, the bands are mirrored below 0.
    """
    if bands is None:
        bands = Bands.from_cuts(log_grid(), policy.breakpoints if policy else ())
    return bands.with_mirrored_negatives() if incident.loss.negative == "band" else bands


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
    query = queries.load(
        "combinations",
        source=f"from exact_claims where {_filed_condition(until)}",
        category=quote_identifier(dimension) if dimension else "cast(null as varchar)",
        most=str(MAX_CATEGORIES),
        least=str(MIN_CLAIMS_PER_CATEGORY),
    )
    table = claims.warehouse.frame(query, inputs={"bands": _band_rows(claims, bands)})
    if dimension:
        stated = table.filter(pl.col("category").is_not_null())
        if 2 * stated.filter(category="")["claims"].sum() <= stated["claims"].sum():
            return table.with_columns(dimension=pl.lit(dimension))
    keys, none = ["service", "over", "up_to", "filed_on"], pl.lit(None, pl.String)
    summed = table.group_by(keys, maintain_order=True).agg(pl.col("claims").sum())
    return summed.select(*keys, none.alias("category"), "claims", none.alias("dimension"))


def _band_rows(claims: Claims, bands: Bands) -> pl.DataFrame:
    """Return the loss bands as a table for queries; an open end becomes the 64-bit limit."""
    check_total_fits(claims.warehouse.frame(queries.load("loss_total")).item())
    rows = [
        (o, u, -MAX_INT64 - 1 if o is None else o, MAX_INT64 if u is None else u)
        for o, u in bands.rows()
        if (o, u) != UNKNOWN
    ]
    schema: Schema = {**EDGES, "above": pl.Int64, "below": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _filed_condition(until: date | None) -> str:
    """The SQL condition for claims filed on or before the day `until`; if it is None, for all claims."""
    return "true" if until is None else f"filed_on <= date {quote_literal(until.isoformat())}"


def _dimension_expression(name: str, incident: Incident, by_id: Mapping[str, Dimension]) -> str:
    """The SQL expression for a claim's value of a dimension; a number becomes the label of its band."""
    if name == column_of("filed_hour").name:
        return f"date_trunc('hour', timezone({quote_literal(incident.time_zone)}, filed_at))"
    column, dimension = quote_identifier(name), by_id.get(name)
    if dimension is None or dimension.kind != "number":
        return column
    *labels, last = map(quote_literal, dimension_labels(dimension))
    bands = zip(dimension.cuts, labels, strict=True)
    cases = (f"when {column} <= {cut} then {label}" for cut, label in bands)
    return f"case when {column} is null then null {' '.join(cases)} else {last} end"


def dimension_labels(dimension: Dimension) -> list[str]:
    """The labels of all bands of a numeric dimension, from low to high."""
    between = [f"over {low} up to {high}" for low, high in pairwise(dimension.cuts)]
    return [f"up to {dimension.cuts[0]}", *between, f"over {dimension.cuts[-1]}"]


def save_cube(cube: Cube, path: str | Path, *, claims: Claims | None = None) -> None:
    """Save a cube as a Parquet file in one atomic step; equal cubes give equal bytes.

    `run(counts=path)` reads it. A row may count only one claim, so the file must not be published.

    Args:
        cube: the cube.
        path: the file to write; an existing file is replaced.
        claims: the claims from which the cube was built; the metadata of the file then name their files.

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
        part.write_bytes(cube_bytes(cube, parquet_metadata(claims) if claims else None))


MOST_ROWS = 30
"""Most rows of the table on a screen. Further rows are only counted, in the total."""
ALL = object()
"""The key of the row of all claims, which no value of a dimension equals."""
SUMS = (pl.col("claims").sum(), pl.when(pl.col("loss").count() > 0).then(pl.col("loss").sum()))
"""Claims and stated losses; null if none is stated."""


class ClaimsByBand(pl.DataFrame):
    """Claims by dimension and loss band: a Polars frame that `Claims.by` returns.

    In a notebook it shows itself as a heat table, in a terminal as the same table in text. Frames that are
    derived from it, such as `frame.filter(...)`, are displayed as Polars displays frames.
    """

    _shown: tuple[list[str], Card | None] = ([], None)
    """The columns and their card. With other columns, Polars displays the frame."""

    def __init__(self, frame: pl.DataFrame, card: Card) -> None:
        super().__init__(frame)
        self._shown = (frame.columns, None if frame.is_empty() else card)

    def _repr_html_(self, **options: bool) -> str:
        columns, card = self._shown
        return card._repr_html_() if card and columns == self.columns else super()._repr_html_(**options)

    def __str__(self) -> str:  # `repr` calls it, too.
        columns, card = self._shown
        return repr(card) if card and columns == self.columns else super().__str__()


def claims_by_band(
    claims: Claims, dimensions: Sequence[str], bands: float | Sequence[float] | None = None, lang: str = "en"
) -> ClaimsByBand:
    """Count claims and add up their stated losses by dimensions and bands; `Claims.by` describes the result.

    Every combination of dimension values has a row for every band, with 0 claims if there are none. Bands of
    zero, negative and unknown losses have rows only if there are such claims.

    Raises:
        UsageError: a dimension does not exist or is named twice, or the edges of the bands do not increase.
        DisclosureBlocked: the values of a dimension contain personal data.
    """
    incident = claims.incident
    stated = [bands] if isinstance(bands, int | float) else bands or ()
    digits = incident.loss_digits
    cuts = [smallest_units(edge, digits, "an edge of the loss bands") for edge in stated]
    # The edge 0 is left out, because zero losses always have a band of their own.
    edges = Bands(tuple(cuts[1:] if cuts[:1] == [0] else cuts))
    negative = pl.col("up_to") < 0
    # A cube divides negative losses by the mirrored edges; here they are one band.
    cells = null_unstated_sums(build_cube(claims, dimensions=dimensions, bands=edges).frame).with_columns(
        over=pl.when(~negative | negative.is_null()).then("over"),
        up_to=pl.when(negative).then(-1).otherwise("up_to"),
    )
    keys = [*dimensions, *(EDGES if bands is not None else ())]
    rows = cells.group_by(keys).agg(SUMS) if keys else cells.select(SUMS).filter(len(cells) > 0)
    locale, unit = incident.locale(lang), 10**digits
    listed = {column: [item.id for item in items] for column, items in incident.named_items.items()}
    listed |= {d.id: dimension_labels(d) for d in incident.dimensions if d.kind == "number"}
    ordered = {name: pl.col(name).cast(pl.Enum(ids), strict=False) for name, ids in listed.items()}
    order = [ordered.get(name, pl.col(name)) for name in dimensions]
    shown: list[Band] = []
    band_columns: list[str | pl.Expr] = []
    if bands is not None:
        present = set(rows.select(*EDGES).unique().rows())
        possible = [(None, -1), *edges.rows()] if (None, -1) in present else edges.rows()
        shown = [band for band in possible if band in present or (band[0] is not None and band[0] >= 0)]
        places = [(place, locale.band(*band), *band) for place, band in enumerate(shown)]
        schema: Schema = {"place": pl.Int64, "band": pl.String, **EDGES}
        rows = _with_empty_bands(rows, dimensions, pl.DataFrame(places, schema=schema, orient="row"))
        order.append(pl.col("place"))
        band_columns = ["band", *(_in_main_unit(pl.col(name), unit) for name in EDGES)]
    frame = (rows.sort(order, nulls_last=True) if order else rows).select(
        *dimensions,
        *band_columns,
        "claims",
        _in_main_unit(pl.col("loss"), unit),
        share=pl.col("claims") / pl.col("claims").sum(),
    )
    return ClaimsByBand(frame, _card(claims, frame, dimensions, shown, locale))


def _with_empty_bands(rows: pl.DataFrame, dimensions: Sequence[str], bands: pl.DataFrame) -> pl.DataFrame:
    if dimensions:
        every = rows.select(dimensions).unique().join(bands, how="cross")
    else:
        every = bands if len(rows) else bands.clear()
    filled = every.join(rows, on=[*dimensions, *EDGES], how="left", nulls_equal=True)
    stated = pl.any_horizontal(pl.col(*EDGES).is_not_null())
    loss = pl.when(pl.col("claims").is_null() & stated).then(0).otherwise("loss")
    return filled.with_columns(pl.col("claims").fill_null(0), loss=loss)


def _in_main_unit(amounts: pl.Expr, unit: int) -> pl.Expr:
    """Return amounts in the main unit: whole numbers if the smallest unit is the main unit, else decimals."""
    return amounts.cast(pl.Int64) if unit == 1 else amounts / unit


def _card(
    claims: Claims, frame: pl.DataFrame, dimensions: Sequence[str], shown: Sequence[Band], locale: Locale
) -> Card:
    """Return claims by band as a card: one row per value of the first dimension, and their totals."""
    incident, first = claims.incident, next(iter(dimensions), None)
    titles = {d: locale.label_or(f"column.{d}", d) for d in dimensions}
    titles |= {d.id: d.name[locale.lang] for d in incident.dimensions if d.id in titles}
    lower = [title[:1].lower() + title[1:] for title in titles.values()]
    unit = locale.loss_unit_name
    what = [*lower[:1], *([locale("by.loss_in", unit=unit)] if shown else [])]
    about = locale("by.and", first=what[0], last=what[1]) if len(what) > 1 else "".join(what)
    title = locale("by.title", dimensions=about) if about else locale("by.in_all")
    lines = (
        *([locale("card.synthetic")] if claims.synthetic else []),
        *([locale("card.selection", selection=claims.selection)] if claims.is_derived else []),
        *([locale("by.summed", dimensions=", ".join(lower[1:]))] if lower[1:] else []),
        *([locale("by.edges")] if shown else []),
    )
    label = capitalized(titles[first]) if first else ""
    if shown:
        heads = [label, *(locale.band_short(*band) for band in shown), locale("column.total")]
        in_bands = [pl.col("claims").filter(band=locale.band(*band)).sum() for band in shown]
        sums = [*(count.alias(str(n)) for n, count in enumerate(in_bands)), SUMS[0]]
    else:
        heads, sums = [label, locale("by.in_all"), locale("by.loss", unit=unit)], [*SUMS]
    rows = frame.group_by(first, maintain_order=True).agg(sums).rows() if first else []
    kept = rows[:MOST_ROWS] + ([] if len(rows) == 1 else [(ALL, *frame.select(sums).row(0))])
    named = {"service": incident.services, "claimant_type": incident.claimant_types}.get(first or "", ())
    names: dict[object, str] = {item.id: item.name[locale.lang] for item in named}
    names |= {None: locale("band.unknown"), ALL: locale("by.total")}
    cells = tuple(
        (names.get(key, str(key)), *("–" if n is None else locale.exact(n) for n in numbers))
        for key, *numbers in kept
    )
    most = max((n or 0 for _, *counts, _ in rows for n in counts), default=0) or 1
    shades = tuple((0.0, *(sqrt((n or 0) / most) for n in counts), 0.0) for _, *counts, _ in rows)
    more = locale("by.more", count=locale.number(len(rows) - MOST_ROWS)) if len(rows) > MOST_ROWS else ""
    numbers = frozenset(range(1, len(heads)))
    return Card(title, lines, (Table(tuple(heads), cells, numbers, more=more, shades=shades[:MOST_ROWS]),))
