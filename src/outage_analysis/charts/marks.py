"""Marks and axes that several charts share: names of rows, labels, and marks of ranges and medians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import altair as alt

from outage_analysis.charts.theme import ACCENT, GREY, INK, SURFACE, ChartContext, wrap_columns
from outage_analysis.text import short_names

Axis = TypeVar("Axis", alt.X, alt.Y)
LABEL_LINE, LETTER = 13, 7
"""Pixels: height of a line in the label of a row, and width of a letter."""


def axis_for_field(axis: Axis, field: str) -> Axis:
    """Return a copy of an axis for another field of the data, of the same type."""
    other = axis.copy()
    other.shorthand = f"{field}:{str(axis.shorthand).rpartition(':')[2]}"
    return other


def name_axis(names: Sequence[str], field: str = "name", *, limit: int = 180) -> alt.Y:
    """Return a vertical axis of names; its labels keep the line breaks that `wrap_name` inserts.

    Args:
        names: the names, from top to bottom.
        field: the column of the data with the names.
        limit: greatest width of a label, in pixels.
    """
    lines = "split(datum.label, '\\n')"
    middle = alt.ExprRef(f"{LABEL_LINE / 2} * (1 - length({lines}))")
    axis = {"labelExpr": lines, "labelLimit": limit, "labelLineHeight": LABEL_LINE, "labelOffset": middle}
    return alt.Y(f"{field}:N", sort=list(names), title=None, axis=axis)


def wrap_name(text: str) -> str:
    """Break a name into lines that fit beside a chart on a phone."""
    return "\n".join(wrap_columns(text, 24))


def row_names(ids: Sequence[str], context: ChartContext) -> list[str]:
    """Return the display names of rows, as short as they can be and in lines that fit beside a chart."""
    return [wrap_name(name) for name in short_names([context.name(id_) for id_ in ids])]


def accent_if(test: str, otherwise: str = GREY) -> alt.ColorValue:
    """Return the colour of a mark: the accent colour if the row passes a test, else another."""
    # `alt.condition` would search all classes of Altair for one that fits, which is slow.
    return alt.ColorValue(otherwise, condition={"test": test, "value": ACCENT})


def median_dots(base: alt.Chart, size: int = 110) -> alt.Chart:
    """Return dark dots with a white edge, such as those of medians on ranges."""
    dots: alt.Chart = base.mark_point(filled=True, color=INK, size=size, stroke="white", opacity=1)
    return dots


def diamonds(base: alt.Chart, size: int) -> alt.Chart:
    """Return white diamonds with a dark edge, for amounts that were announced or cannot be exceeded."""
    marks: alt.Chart = base.mark_point(
        shape="diamond", filled=True, fill="white", stroke=INK, size=size, opacity=1
    )
    return marks


def labels_at_bars(base: alt.Chart, y: alt.Y, start: str, dy: int = -14) -> list[alt.Chart]:
    """Return the texts in the column `label` above their bars, each from the start of its bar if it fits.

    Args:
        base: the chart of the rows.
        y: the axis of the rows.
        start: the column with the start of each bar.
        dy: how far below the middle of its row a text stands, in pixels.
    """
    x = alt.ExprRef(f"max(3, min(scale('x', datum.{start}), width - {LETTER} * length(datum.label)))")
    return outlined_text(base, {"align": "left", "dy": dy, "x": x}, y=y, text=alt.Text("label:N"))


def outlined_text(base: alt.Chart, looks: dict[str, Any], **places: Any) -> list[alt.Chart]:  # noqa: ANN401 - channels
    """Draw a text with an outline in the colour of the background, so that it is readable across lines."""
    rim = base.mark_text(**(looks | {"stroke": SURFACE, "strokeWidth": 4, "color": SURFACE}))
    return [text.encode(**places) for text in (rim, base.mark_text(**looks))]
