"""Claims -> cubes. SQL ends here: what follows reads a cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from outage_analysis.claims import Claims, literal, queries, quoted
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import nearest
from outage_analysis.incidents import UNKNOWN, Bands, Dimension, log_grid
from outage_analysis.losses.cube import EDGES, MAX_INT64, Cube, Schema, check_total_fits
from outage_analysis.policies import Policy, Schedule

MAX_CATEGORIES = 20
"""Values of a dimension that stand by themselves in its pairs: a text may take any number of them."""
MIN_CLAIMS_PER_CATEGORY = 10
"""Claims, in all, of a value that does. A text that fewer claims have may tell who filed them, as a full
address does, and the other half of its pair what they lost. Publishers of counts ask for 3 to 11."""
MAX_EXACT_LOSSES = 200
"""Different losses that have a band of their own in a cube that costs are computed from."""
_MIN_INT64 = -(2**63)


def build_cube(
    claims: Claims,
    *,
    dimensions: Sequence[str] = ("service", "claimant_type"),
    bands: Bands | None = None,
    policy: Policy | None = None,
    line: Schedule | None = None,
    until: date | None = None,
) -> Cube:
    """Aggregate claims by dimensions and loss band.

    Args:
        claims: what `read_claims` returned.
        dimensions: service, claimant_type, filed_on or a dimension of the incident.
        bands: the loss bands; by default a logarithmic grid, 24 a decade. Where the incident keeps negative
            losses, they get bands as fine as the positive ones.
        policy: its edges join the default grid, so that payments from the cube are exact.
        line: a schedule that pays by claimant. The rows then are the claimants that it entitles, each
            with the losses that they state added up, and no dimensions: a claimant may name several
            services. One who states no loss at all is unknown.
        until: leave out claims filed after this day.

    Raises:
        UsageError: no such dimension.
        InputRefused: sums too large; or a claim without a claimant, where claimants are counted.
        DisclosureBlocked: a dimension whose texts hold personal data.
    """
    if line is not None:
        dimensions = ()
    by_id = {d.id: d for d in claims.incident.dimensions}
    _check_dimensions(dimensions, by_id)
    # A cube leaves the warehouse: what it groups by may be printed anywhere.
    claims.refuse_personal([name for name in dimensions if name in by_id and by_id[name].kind == "text"])
    if bands is None:
        bands = Bands.of(log_grid(), policy.bends if policy else ())
    if claims.incident.loss.negative == "band":
        bands = bands.mirrored()
    _load_bands(claims, bands)
    groups = {name: _group_expression(name, by_id.get(name)) for name in dimensions}
    if line is None:
        source = _filed_claims_query(until)
    else:
        _check_dimensions(tuple(line.eligibility), by_id)
        _check_claimants_named(claims, line)
        source = queries.load(
            "claimants", entitled=f"{_eligibility_condition(line, by_id)} and {_filed_condition(until)}"
        )
    query = queries.load(
        "cube",
        source=source,
        columns="".join(f"{e} as {quoted(name)}, " for name, e in groups.items()),
        groups="".join(f"{e}, " for e in groups.values()),
        names="".join(f"{quoted(name)}, " for name in groups),
    )
    frame = claims.warehouse.frame(query)
    files = ", ".join(f.name for f in claims.inputs)
    return Cube(frame, tuple(dimensions), claims.synthetic, files, line.id if line else None)


def cost_bands(claims: Claims, policies: Sequence[Policy]) -> Bands:
    """The loss bands of a cube that policies are paid from.

    The default grid and every edge of the policies. Where a policy pays a share of the loss and few different
    losses are stated, each loss has a band of its own: the distribution of a total of few claims depends on
    every single one.
    """
    edges = Bands.of(log_grid(), *(policy.bends for policy in policies))
    rules = (rule for p in policies for line in p.schedules for _, t in line.tariffs for _, rule in t.rules())
    if not any(rule.depends_on_loss for rule in rules):
        return edges
    query = queries.load("few_losses", most=str(MAX_EXACT_LOSSES + 1))
    losses = tuple(claims.warehouse.frame(query)["loss"].to_list())
    if len(losses) > MAX_EXACT_LOSSES:
        return edges
    return Bands.of(edges.cuts, losses, tuple(loss - 1 for loss in losses))


def count_pairs(
    claims: Claims, *, bands: Bands, dimension: str | None = None, until: date | None = None
) -> pl.DataFrame:
    """Claims by every two of service, loss band, day and a dimension: no larger for more claims.

    Texts of the dimension are told as they stand only where at least `MIN_CLAIMS_PER_CATEGORY` claims have the same, and
    at most `MAX_CATEGORIES` of them; the others are counted together. Where most claims that state one are
    among these, as with addresses, the dimension is left out, as if there were none.

    Args:
        claims: what `read_claims` returned.
        bands: the loss bands.
        dimension: one of the incident's whose values are texts; None counts the other pairs alone.
        until: leave out claims filed after this day.

    Returns:
        `one` and `other` (service, band, day or category, in this order), `service`, `over` and `up_to`,
        `filed_on`, `category` (the dimension's value; an empty text is all but its commonest ones), `claims`
        and `dimension` (its id, on every row; null where it is left out). Of each row only the columns of its
        pair are filled, if known.

    Raises:
        DisclosureBlocked: texts of the dimension hold personal data.
    """
    if dimension:
        claims.refuse_personal([dimension])
    _load_bands(claims, bands)
    query = queries.load(
        "pairs",
        source=_filed_claims_query(until),
        category=quoted(dimension) if dimension else "cast(null as varchar)",
        most=str(MAX_CATEGORIES),
        least=str(MIN_CLAIMS_PER_CATEGORY),
    )
    table = claims.warehouse.frame(query)
    if dimension and _mostly_in_common_categories(table):
        return table.with_columns(dimension=pl.lit(dimension))
    return table.filter(pl.col("other") != "category").with_columns(dimension=pl.lit(None, pl.String))


def _mostly_in_common_categories(pairs: pl.DataFrame) -> bool:
    """Whether at least half of the claims that state a category have one that stands by itself."""
    stated = pairs.filter(pl.col("category").is_not_null(), one="service", other="category")
    return bool(2 * stated.filter(category="")["claims"].sum() <= stated["claims"].sum())


def _load_bands(claims: Claims, bands: Bands) -> None:
    """Fill the table `bands`: each band with the losses above which and up to which it reaches."""
    total = claims.sql(queries.load("loss_total")).fetchall()
    check_total_fits(total[0][0])
    rows = [
        (o, u, _MIN_INT64 if o is None else o, MAX_INT64 if u is None else u)
        for o, u in bands.rows()
        if (o, u) != UNKNOWN
    ]
    schema: Schema = {**EDGES, "above": pl.Int64, "below": pl.Int64}
    claims.warehouse.load("bands", pl.DataFrame(rows, schema=schema, orient="row"))


def _check_dimensions(dimensions: Sequence[str], by_id: Mapping[str, Dimension]) -> None:
    for name in dimensions:
        if name not in by_id and name not in ("service", "claimant_type", "filed_on"):
            known = ["service", "claimant_type", "filed_on", *by_id]
            raise UsageError("no such dimension", value=name, remedy=nearest(name, known))
        if list(dimensions).count(name) > 1:
            raise UsageError("a dimension is named twice", value=name)


def _eligibility_condition(line: Schedule, by_id: Mapping[str, Dimension]) -> str:
    """The condition under which a line entitles a claim."""
    conditions = ["true"]
    for name, values in line.eligibility.items():
        known = ", ".join(literal(value) for value in values)
        conditions.append(f"cast({_group_expression(name, by_id.get(name))} as varchar) in ({known})")
    return " and ".join(conditions)


def _filed_condition(until: date | None) -> str:
    """The condition under which a claim had been filed by a day."""
    return "true" if until is None else f"filed_on <= date {literal(until.isoformat())}"


def _filed_claims_query(until: date | None) -> str:
    """The query of the claims that had been filed by a day."""
    return queries.load("filed", filed=_filed_condition(until))


def _check_claimants_named(claims: Claims, line: Schedule) -> None:
    """A claim without a claimant cannot be added to the claimant's others."""
    nameless = claims.warehouse.frame(queries.load("nameless_claims")).item()
    if nameless:
        raise InputRefused(
            f"{nameless:,} claims name no claimant, and the line {line.id} pays by claimant",
            column="claimant_id",
            remedy='Give every claim its claimant_id, or set grain = "claim".',
        )


def _group_expression(name: str, dimension: Dimension | None) -> str:
    """A dimension as the cube groups it: a numeric one by the label of its band."""
    if dimension is None or dimension.kind == "text":
        return quoted(name)
    cases = [f"when {quoted(name)} is null then null"]
    *labels, last = dimension_labels(dimension)
    for cut, label in zip(dimension.cuts, labels, strict=True):
        cases.append(f"when {quoted(name)} <= {cut} then {literal(label)}")
    return f"case {' '.join(cases)} else {literal(last)} end"


def dimension_labels(dimension: Dimension) -> list[str]:
    """The bands of a numeric dimension, as cubes and eligibility rules write them."""
    lows, highs = [None, *dimension.cuts], [*dimension.cuts, None]
    return [dimension_label(low, high) for low, high in zip(lows, highs, strict=True)]


def dimension_label(over: int | None, up_to: int | None) -> str:
    """The band of a numeric dimension, as cubes and eligibility rules write it."""
    if over is None:
        return f"up to {up_to}"
    return f"over {over}" if up_to is None else f"over {over} up to {up_to}"
