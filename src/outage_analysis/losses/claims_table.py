"""Claims by dimension and loss band, as a Polars frame that shows itself as a heat table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, sqrt

import polars as pl

from outage_analysis.claims import Claims
from outage_analysis.errors import UsageError, one_line
from outage_analysis.incidents import Band, Bands, Incident
from outage_analysis.losses.cube_building import build_cube, dimension_labels
from outage_analysis.text import Locale, TextTable, capitalized, in_smallest_units

WIDTH = 80
"""Most characters per line of the table in a terminal."""
MOST_ROWS = 30
"""Most rows of the table on a screen. Further rows are only counted, in the total."""
SHADES = 5
"""Number of shades of a cell."""
LARGEST_OPACITY = 0.45
"""Opacity of the darkest shade: text in the colour of the page is readable on it, on white and on black."""
MAX_NAME = 60


@dataclass(frozen=True)
class Heading:
    """What the display of claims by band needs besides the frame."""

    columns: tuple[str, ...]
    """The columns of the frame. A frame with other columns is displayed as Polars displays it."""
    dimensions: Mapping[str, str]
    """Dimension -> its name for readers."""
    names: Mapping[str | None, str]
    """Value of the first dimension -> its name for readers; values without a name are shown as they are."""
    bands: tuple[tuple[str, str, str], ...]
    """For each band: its value in the column `band`, its label, and its short label; empty without bands."""
    locale: Locale
    unit: str
    """Unit of the losses, such as won or minutes."""
    notes: tuple[str, ...]
    """Sentences below the title, such as the mark of synthetic claims."""


class ClaimsByBand(pl.DataFrame):
    """Claims by dimension and loss band: a Polars frame that `Claims.by` returns.

    In a notebook it shows itself as a heat table, in a terminal as the same table in text. Frames that are
    derived from it, such as `frame.filter(...)`, are displayed as Polars displays frames.
    """

    _heading: Heading | None = None

    def __init__(self, frame: pl.DataFrame, heading: Heading) -> None:
        super().__init__(frame)
        self._heading = heading

    def _repr_html_(self, **options: bool) -> str:
        heading = self._heading
        if heading is None or self.is_empty() or tuple(self.columns) != heading.columns:
            return super()._repr_html_(**options)
        table = _pivot(self, heading, short=False)
        title = "<br>".join([f"<strong>{escape(_title(heading))}</strong>", *map(escape, heading.notes)])
        head = "".join(
            f"<th{_class('n' if n else '')}>{escape(one_line(text, MAX_NAME))}</th>"
            for n, text in enumerate(table.heads)
        )
        body = "\n".join(
            f"<tr>{''.join(map(_html_cell, cells, levels))}</tr>"
            for cells, levels in zip(table.rows, table.levels, strict=True)
        )
        more = f"<p><em>{escape(table.more)}</em></p>" if table.more else ""
        return (
            f'<div class="outage-card"><p>{title}</p>\n<div class="outage-grid outage-heat" tabindex="0">'
            f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>{more}</div>"
        )

    def __str__(self) -> str:  # `repr` calls it, too.
        heading = self._heading
        if heading is None or self.is_empty() or tuple(self.columns) != heading.columns:
            return super().__str__()
        table = _pivot(self, heading, short=True)
        heads = tuple(one_line(head, MAX_NAME) for head in table.heads)
        rows = tuple(tuple(one_line(cell, MAX_NAME) for cell in row) for row in table.rows)
        texts = TextTable(heads, rows, frozenset(range(1, len(heads))), wrap_heads=True)
        lines = texts.grid(WIDTH) if texts.fits(WIDTH) else texts.blocks(WIDTH)
        return "\n".join([_title(heading), *heading.notes, *lines, *([table.more] if table.more else [])])


def claims_by_band(
    claims: Claims,
    dimensions: Sequence[str],
    bands: float | Sequence[float] | None = None,
    lang: str = "en",
) -> ClaimsByBand:
    """Count claims and add up their stated losses by dimensions and bands; `Claims.by` describes the result.

    Every combination of dimension values has a row for every band, with 0 claims if there are none. Bands of
    zero, negative and unknown losses have rows only if there are such claims.

    Raises:
        UsageError: a dimension does not exist or is named twice, or the edges of the bands do not increase.
        DisclosureBlocked: the values of a dimension contain personal data.
    """
    incident = claims.incident
    _check_are_texts(dimensions)
    bands = [bands] if isinstance(bands, int | float) else bands
    edges = Bands(() if bands is None else _cuts(bands, incident))
    cells = _cells(claims, dimensions, edges)
    keys = [*dimensions, *(["over", "up_to"] if bands is not None else [])]
    sums = pl.col("claims", "loss", "stated").sum()
    rows = cells.group_by(keys).agg(sums) if keys else cells.select(sums).filter(len(cells) > 0)
    shown: list[Band] = []
    if bands is not None:
        present = set(rows.select("over", "up_to").unique().rows())
        listed = [(None, -1), *edges.rows()] if (None, -1) in present else edges.rows()
        shown = [band for band in listed if band in present or (band[0] is not None and band[0] >= 0)]
        rows = _with_empty_bands(rows, dimensions, shown)
    # The band of unknown losses states none.
    unknown = (
        (pl.col("over").is_null() & pl.col("up_to").is_null()) if bands is not None else pl.lit(value=False)
    )
    none_stated = unknown | ((pl.col("stated") == 0) & (pl.col("claims") > 0))
    unit = 10**incident.loss_digits
    order = [*(_order(name, incident) for name in dimensions), *(["place"] if bands is not None else [])]
    rows = rows.sort(order, nulls_last=True) if order else rows
    locale = incident.locale(lang)
    band_names = [locale.band(*band) for band in shown]
    band_columns: list[pl.Series | pl.Expr] = (
        []
        if bands is None
        else [
            pl.Series("band", [band_names[place] for place in rows["place"]], dtype=pl.String),
            *(_in_main_unit(pl.col(name), unit) for name in ("over", "up_to")),
        ]
    )
    frame = rows.select(
        *dimensions,
        *band_columns,
        "claims",
        _in_main_unit(pl.when(~none_stated).then("loss"), unit).alias("loss"),
        share=pl.col("claims") / pl.col("claims").sum(),
    )
    return ClaimsByBand(frame, _heading(claims, frame, dimensions, shown, locale))


def _cells(claims: Claims, dimensions: Sequence[str], edges: Bands) -> pl.DataFrame:
    negative = pl.col("up_to") < 0
    # A cube divides negative losses by the mirrored edges; here they are one band.
    return build_cube(claims, dimensions=dimensions, bands=edges).frame.with_columns(
        over=pl.when(negative).then(None).otherwise("over"),
        up_to=pl.when(negative).then(-1).otherwise("up_to"),
        stated=pl.when(pl.any_horizontal(pl.col("over", "up_to").is_not_null())).then("claims").otherwise(0),
    )


def _check_are_texts(dimensions: Sequence[object]) -> None:
    for dimension in dimensions:
        if not isinstance(dimension, str):
            remedy = 'Name columns of the claims, such as "service".'
            raise UsageError("a dimension is no text", value=str(dimension), remedy=remedy)


def _cuts(bands: Sequence[float], incident: Incident) -> tuple[int, ...]:
    # The edge 0 is left out, because zero losses always have a band of their own.
    cuts = []
    for edge in bands:
        cut = in_smallest_units(edge, incident.loss_digits)
        if cut is None:
            unit = incident.loss_currency or incident.loss.unit
            remedy = f"Write numbers of {unit}, such as bands=[300, 500]."
            raise UsageError("an edge of the loss bands is not an amount", value=edge, remedy=remedy)
        cuts.append(cut)
    return tuple(cuts[1:] if cuts[:1] == [0] else cuts)


def _with_empty_bands(rows: pl.DataFrame, dimensions: Sequence[str], shown: Sequence[Band]) -> pl.DataFrame:
    schema = {"over": pl.Int64, "up_to": pl.Int64}
    bands = pl.DataFrame(shown, schema=schema, orient="row").with_row_index("place")
    if not dimensions:
        every = bands if len(rows) else bands.clear()
    else:
        every = rows.select(dimensions).unique().join(bands, how="cross")
    keys = [*dimensions, "over", "up_to"]
    filled = every.join(rows, on=keys, how="left", nulls_equal=True)
    return filled.with_columns(pl.col("claims", "loss", "stated").fill_null(0))


def _order(name: str, incident: Incident) -> pl.Expr:
    ids = {
        "service": [item.id for item in incident.services],
        "claimant_type": [item.id for item in incident.claimant_types],
        **{d.id: dimension_labels(d) for d in incident.dimensions if d.kind == "number"},
    }
    if name not in ids:
        return pl.col(name)
    places = {value: place for place, value in enumerate(ids[name])}
    return pl.col(name).replace_strict(places, default=None, return_dtype=pl.Int64)


def _in_main_unit(amounts: pl.Expr, unit: int) -> pl.Expr:
    """Return amounts in the main unit: whole numbers if the smallest unit is the main unit, else decimals."""
    return amounts.cast(pl.Int64) if unit == 1 else amounts / unit


def _heading(
    claims: Claims, frame: pl.DataFrame, dimensions: Sequence[str], shown: Sequence[Band], locale: Locale
) -> Heading:
    """Return what the display needs: names, labels of the bands, and the mark of synthetic claims."""
    incident = claims.incident
    names: dict[str | None, str] = {}
    for dimension, items in (("service", incident.services), ("claimant_type", incident.claimant_types)):
        if dimensions[:1] == (dimension,):
            names |= {item.id: item.name[locale.lang] for item in items}
    titles = {d: locale(f"column.{d}") if locale.has_label(f"column.{d}") else d for d in dimensions}
    titles |= {d.id: d.name[locale.lang] for d in incident.dimensions if d.id in titles}
    summed = [_lower_first(titles[d]) for d in dimensions[1:]]
    notes = [locale("card.synthetic")] if claims.synthetic else []
    notes += [locale("card.selection", selection=claims.selection)] if claims.is_derived else []
    notes += [locale("by.summed", dimensions=", ".join(summed))] if summed else []
    notes += [locale("by.edges")] if shown else []
    return Heading(
        tuple(frame.columns),
        titles,
        names,
        tuple((locale.band(*band), locale.band(*band), locale.band_short(*band)) for band in shown),
        locale,
        locale.unit if incident.loss_currency else locale.unit_name(incident.loss.unit),
        tuple(notes),
    )


def _title(heading: Heading) -> str:
    """Return the title: "Claims by service and stated loss in won"."""
    locale, first = heading.locale, next(iter(heading.dimensions.values()), "")
    if heading.bands:
        loss = locale("by.loss_in", unit=heading.unit)
        name = locale("by.and", first=_lower_first(first), last=loss) if first else loss
        return locale("by.title", dimensions=name)
    return locale("by.title", dimensions=_lower_first(first)) if first else locale("by.in_all")


@dataclass(frozen=True)
class _Pivot:
    """The table as it is displayed: one row per value of the first dimension, and one of totals."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    levels: tuple[tuple[int, ...], ...]
    """For each row, the shade of each cell; -1 for text."""
    more: str


def _pivot(frame: pl.DataFrame, heading: Heading, *, short: bool) -> _Pivot:
    """Return the frame as a table with one row per value of the first dimension, and a row of totals.

    `short` writes the bands in short form, such as 300k–500k.
    """
    locale, first = heading.locale, next(iter(heading.dimensions), None)
    rows = frame.with_columns(_row=pl.lit("") if first is None else pl.col(first))
    heads, figures, shaded = (
        _bands_pivot(rows, heading, short=short) if heading.bands else _sums_pivot(rows, heading)
    )
    largest = max((n for values in figures.values() for n in values[:shaded] if n), default=0)
    bodies = [
        (
            (_name(row, heading), *(_figure(locale, value) for value in values)),
            (
                -1,
                *(ceil(SHADES * sqrt((n or 0) / largest)) if largest else 0 for n in values[:shaded]),
                *[0] * (len(values) - shaded),
            ),
        )
        for row, values in figures.items()
    ]
    rest = len(bodies) - MOST_ROWS
    bodies = bodies[:MOST_ROWS]
    if len(figures) > 1:
        totals = [_total(column) for column in zip(*figures.values(), strict=True)]
        cells = (locale("by.total"), *(_figure(locale, value) for value in totals))
        bodies.append((cells, (-1, *[0] * len(totals))))
    name = capitalized(heading.dimensions[first]) if first is not None else ""
    more = locale("by.more", count=locale.number(rest)) if rest > 0 else ""
    return _Pivot((name, *heads), tuple(b[0] for b in bodies), tuple(b[1] for b in bodies), more)


Figures = dict[object, list[float | None]]
"""Value of the first dimension -> the figures of its row."""


def _bands_pivot(
    frame: pl.DataFrame, heading: Heading, *, short: bool
) -> tuple[tuple[str, ...], Figures, int]:
    columns = {band[0]: place for place, band in enumerate(heading.bands)}
    figures: Figures = {}
    counts = frame.group_by("_row", "band", maintain_order=True).agg(pl.col("claims").sum())
    for row, band, count in counts.rows():
        figures.setdefault(row, [0] * len(columns))[columns[band]] = count
    labels = (band[2 if short else 1] for band in heading.bands)
    with_sums = {row: [*values, _total(values)] for row, values in figures.items()}
    return (*labels, heading.locale("by.row_total")), with_sums, len(columns)


def _sums_pivot(frame: pl.DataFrame, heading: Heading) -> tuple[tuple[str, ...], Figures, int]:
    loss = pl.when(pl.col("loss").count() > 0).then(pl.col("loss").sum())
    sums = frame.group_by("_row", maintain_order=True).agg(pl.col("claims").sum(), loss.alias("loss"))
    locale = heading.locale
    heads = (locale("by.in_all"), locale("by.loss", unit=heading.unit))
    return heads, {row: [claims, loss] for row, claims, loss in sums.rows()}, 1


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _figure(locale: Locale, value: float | None) -> str:
    return "–" if value is None else locale.exact(value)


def _name(value: object, heading: Heading) -> str:
    if not heading.dimensions:
        return heading.locale("by.total")
    if value is None:
        return heading.locale("band.unknown")
    return heading.names.get(str(value), str(value))


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _html_cell(text: str, level: int) -> str:
    text = escape(one_line(text, MAX_NAME))
    if level <= 0:
        return f"<td{_class('' if level < 0 else 'n')}>{text}</td>"
    opacity = LARGEST_OPACITY * level / SHADES
    # A page exported from a notebook allows no style attributes and uses the class; elsewhere, the style
    # works without a style sheet.
    return f'<td class="n h{level}" style="background: rgba(0, 114, 178, {opacity:.2f})">{text}</td>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
