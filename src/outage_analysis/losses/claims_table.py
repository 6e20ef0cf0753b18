"""Claims by dimension and loss band, as a Polars frame that shows itself as a heat table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, sqrt

import polars as pl

from outage_analysis.claims import Claims
from outage_analysis.errors import UsageError, one_line
from outage_analysis.incidents import Band, Bands, Incident
from outage_analysis.losses.cube import null_unstated_sums
from outage_analysis.losses.cube_building import build_cube, dimension_labels
from outage_analysis.text import Locale, Table, capitalized, in_smallest_units

WIDTH = 80
"""Most characters per line of the table in a terminal."""
MOST_ROWS = 30
"""Most rows of the table on a screen. Further rows are only counted, in the total."""
SHADES = 5
"""Number of shades of a cell."""
LARGEST_OPACITY = 0.45
"""Opacity of the darkest shade: text in the colour of the page is readable on it, on white and on black."""
MAX_NAME = 60
NUMBER = ' class="n"'
SUMS = (pl.col("claims").sum(), pl.when(pl.col("loss").count() > 0).then(pl.col("loss").sum()))
"""Claims and stated losses; null if none is stated."""


@dataclass(frozen=True)
class Display:
    """How claims by band are shown: one row per value of the first dimension, and one of totals."""

    columns: list[str]
    """The columns of the frame. A frame with other columns is displayed as Polars displays it."""
    lines: list[str]
    """The title, and sentences below it such as the mark of synthetic claims."""
    heads: list[str]
    short_heads: list[str]
    """The heads with the bands in short form, such as 300k–500k."""
    rows: list[list[str]]
    levels: list[tuple[int, ...]]
    """For each row, the shade of each cell; -1 for text."""
    more: str


class ClaimsByBand(pl.DataFrame):
    """Claims by dimension and loss band: a Polars frame that `Claims.by` returns.

    In a notebook it shows itself as a heat table, in a terminal as the same table in text. Frames that are
    derived from it, such as `frame.filter(...)`, are displayed as Polars displays frames.
    """

    _display: Display | None = None

    def __init__(self, frame: pl.DataFrame, display: Display) -> None:
        super().__init__(frame)
        self._display = display

    def _repr_html_(self, **options: bool) -> str:
        shown = self._display
        if shown is None or self.is_empty() or self.columns != shown.columns:
            return super()._repr_html_(**options)
        title = "<br>".join([f"<strong>{escape(shown.lines[0])}</strong>", *map(escape, shown.lines[1:])])
        head = "".join(
            f"<th{NUMBER if n else ''}>{escape(one_line(text, MAX_NAME))}</th>"
            for n, text in enumerate(shown.heads)
        )
        body = "\n".join(
            f"<tr>{''.join(map(_html_cell, cells, levels))}</tr>"
            for cells, levels in zip(shown.rows, shown.levels, strict=True)
        )
        more = f"<p><em>{escape(shown.more)}</em></p>" if shown.more else ""
        return (
            f'<div class="outage-card"><p>{title}</p>\n<div class="outage-grid outage-heat" tabindex="0">'
            f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>{more}</div>"
        )

    def __str__(self) -> str:  # `repr` calls it, too.
        shown = self._display
        if shown is None or self.is_empty() or self.columns != shown.columns:
            return super().__str__()
        heads, *rows = (
            tuple(one_line(cell, MAX_NAME) for cell in row) for row in (shown.short_heads, *shown.rows)
        )
        texts = Table(heads, tuple(rows), frozenset(range(1, len(heads))))
        return "\n".join([*shown.lines, *texts.lines(WIDTH), *filter(None, [shown.more])])


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
    bands = [bands] if isinstance(bands, int | float) else bands
    edges = Bands(() if bands is None else _cuts(bands, incident))
    negative = pl.col("up_to") < 0
    # A cube divides negative losses by the mirrored edges; here they are one band.
    cells = null_unstated_sums(build_cube(claims, dimensions=dimensions, bands=edges).frame).with_columns(
        over=pl.when(~negative | negative.is_null()).then("over"),
        up_to=pl.when(negative).then(-1).otherwise("up_to"),
    )
    keys = [*dimensions, *(["over", "up_to"] if bands is not None else [])]
    rows = cells.group_by(keys).agg(SUMS) if keys else cells.select(SUMS).filter(len(cells) > 0)
    shown: list[Band] = []
    if bands is not None:
        present = set(rows.select("over", "up_to").unique().rows())
        listed = [(None, -1), *edges.rows()] if (None, -1) in present else edges.rows()
        shown = [band for band in listed if band in present or (band[0] is not None and band[0] >= 0)]
        rows = _with_empty_bands(rows, dimensions, shown)
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
        _in_main_unit(pl.col("loss"), unit),
        share=pl.col("claims") / pl.col("claims").sum(),
    )
    return ClaimsByBand(frame, _display(claims, frame, dimensions, shown, locale))


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
    stated = pl.any_horizontal(pl.col("over", "up_to").is_not_null())
    loss = pl.when(pl.col("claims").is_null() & stated).then(0).otherwise("loss")
    return filled.with_columns(pl.col("claims").fill_null(0), loss=loss)


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


def _display(
    claims: Claims, frame: pl.DataFrame, dimensions: Sequence[str], shown: Sequence[Band], locale: Locale
) -> Display:
    incident, first = claims.incident, next(iter(dimensions), None)
    titles = {d: locale.label_or(f"column.{d}", d) for d in dimensions}
    titles |= {d.id: d.name[locale.lang] for d in incident.dimensions if d.id in titles}
    lower = [title[:1].lower() + title[1:] for title in titles.values()]
    unit = locale.unit if incident.loss_currency else locale.unit_name(incident.loss.unit)
    what = [*lower[:1], *([locale("by.loss_in", unit=unit)] if shown else [])]
    title = locale("by.and", first=what[0], last=what[1]) if len(what) > 1 else "".join(what)
    lines = [locale("by.title", dimensions=title) if title else locale("by.in_all")]
    lines += [locale("card.synthetic")] if claims.synthetic else []
    lines += [locale("card.selection", selection=claims.selection)] if claims.is_derived else []
    lines += [locale("by.summed", dimensions=", ".join(lower[1:]))] if lower[1:] else []
    lines += [locale("by.edges")] if shown else []
    label = capitalized(titles[first]) if first else ""
    last = locale("by.row_total") if shown else locale("by.loss", unit=unit)
    bands = [locale.band(*band) for band in shown] or [locale("by.in_all")]
    short = [locale.band_short(*band) for band in shown] or bands

    keys = [pl.col(first) if first else pl.lit(""), *(["band"] if shown else [])]
    figures: dict[object, list[float | None]] = {}  # all but the last of each row are counts of claims
    for row, *_, count, lost in frame.group_by(keys, maintain_order=True).agg(SUMS).rows():
        figures.setdefault(row, []).extend([count] if shown else [count, lost])
    if shown:
        figures = {row: [*counts, _total(counts)] for row, counts in figures.items()}
    names: dict[object, str] = {None: locale("band.unknown")}
    for dimension, items in (("service", incident.services), ("claimant_type", incident.claimant_types)):
        names |= {item.id: item.name[locale.lang] for item in items if dimension == first}
    labels = [names.get(row, str(row)) if first else locale("by.total") for row in figures]
    rows = list(figures.values())
    most = max((count or 0 for row in rows for count in row[:-1]), default=0) or 1
    levels = [(-1, *(ceil(SHADES * sqrt((n or 0) / most)) for n in row[:-1]), 0) for row in rows]
    rest = len(rows) - MOST_ROWS
    totals = [list(map(_total, zip(*rows, strict=True)))] if len(rows) > 1 else []
    labels = [*labels[:MOST_ROWS], *(locale("by.total") for _ in totals)]
    rows = [*rows[:MOST_ROWS], *totals]
    levels = [*levels[:MOST_ROWS], *((-1, *[0] * len(row)) for row in totals)]
    return Display(
        frame.columns,
        lines,
        [label, *bands, last],
        [label, *short, last],
        [
            [name, *("–" if n is None else locale.exact(n) for n in row)]
            for name, row in zip(labels, rows, strict=True)
        ],
        levels,
        locale("by.more", count=locale.number(rest)) if rest > 0 else "",
    )


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _html_cell(text: str, level: int) -> str:
    text = escape(one_line(text, MAX_NAME))
    if level <= 0:
        return f"<td{'' if level < 0 else NUMBER}>{text}</td>"
    opacity = LARGEST_OPACITY * level / SHADES
    # A page exported from a notebook allows no style attributes and uses the class; elsewhere, the style
    # works without a style sheet.
    return f'<td class="n h{level}" style="background: rgba(0, 114, 178, {opacity:.2f})">{text}</td>'
