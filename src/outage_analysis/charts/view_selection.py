"""Select bars in linked charts by mouse, touch or drop-down lists.

Every linked chart has a selection of its own. In a chart with an order, such as days, the selection is one
bar or all bars between two bars. In other charts, the selection is any set of bars. Bars are identified by
their position in the chart. Selections of several charts hold together: every chart shows the claims that the
selections of all other charts leave, as in a cross-filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

_PRESS: dict[str, Any] = {"source": "scope", "type": "mousedown"}
_RESET: dict[str, Any] = {"source": "view", "type": "dblclick"}


def chosen(at: int) -> str:
    """Return a Vega expression for whether chart number `at` has a selection."""
    return f"length(keys_{at}) > 0"


def selected(at: int, position: str, *, ordered: bool) -> str:
    """Return a Vega expression for whether the bar at a position of chart number `at` is selected.

    If the chart has no selection, all its bars are.

    Args:
        at: the number of the linked chart.
        position: a Vega expression for the position of the bar.
        ordered: whether the bars have an order.
    """
    held = (
        f"inrange({position}, [low_{at}, high_{at}])" if ordered else f"indexof(keys_{at}, {position}) >= 0"
    )
    return f"(!length(keys_{at}) || {held})"


def selection_parameters(
    at: int, view: str, names: Sequence[str], title: str, everything: str, *, ordered: bool
) -> list[alt.TopLevelParameter]:
    """Return the Vega parameters for selecting bars in one linked chart.

    `keys_0` contains the selected positions of chart number 0, or the first position of a range; it is empty
    if nothing is selected. `until_0` is the other end of the range, and `low_0` and `high_0` are its first
    and last position; if nothing is selected, those of all bars.

    A click selects a bar. A shift-click adds or removes a bar in a chart without an order. Dragging selects a
    range in a chart with an order. A double click anywhere clears all selections. Keyboard users select with
    the drop-down list of the chart; its first item clears the selection of the chart.

    Args:
        at: the number of the linked chart.
        view: the name of the chart in the specification. Its data have the fields `key` and `place_<at>`,
            both with the position of the bar.
        names: the labels of the bars, by position.
        title: label of the drop-down list.
        everything: label of the item in the drop-down list that clears the selection.
        ordered: whether the bars have an order.
    """
    listed = f"listed_{at}"
    from_list = {"source": "window", "type": "change", "filter": f"event.target.name == '{listed}_key'"}
    ends = {"type": "point", "fields": ["key"], "clear": {"merge": [_RESET, from_list]}}
    # Consume the mouse press, because dragging would otherwise select text under the pointer.
    begins = {**_PRESS, "consume": True}
    on_entry = "event.item && event.item.datum && isNumber(event.item.datum.key)"
    until_released = [_PRESS, {"source": "window", "type": "mouseup"}]
    drag = {"source": "scope", "type": "mouseover", "filter": on_entry, "between": until_released}
    # Vega-Lite gives a list the scope of the whole page of charts, so a filter finds the bars of this chart.
    on_own_entry = f"event.item && event.item.datum && isNumber(event.item.datum.place_{at})"
    pressed = {"source": "view", "type": "mousedown", "filter": on_own_entry}
    labels = [everything, *names]
    bound = alt.binding_select(options=[None, *range(len(names))], labels=labels, name=f"{title}: ")
    select, variable = alt.TopLevelSelectionParameter, alt.VariableParameter
    parameters: list[alt.TopLevelParameter] = [
        select(
            f"first_{at}",
            {**ends, "on": begins, "toggle": False if ordered else "event.shiftKey"},
            views=[view],
        ),
        select(
            listed,
            {"type": "point", "fields": ["key"], "clear": {"merge": [_RESET, pressed]}},
            bind={"key": bound},
            views=[view],
        ),
        variable(f"keys_{at}", expr=f"first_{at}.key || {listed}.key || []"),
    ]
    if ordered:
        last = {**ends, "on": {"merge": [_PRESS, drag]}, "toggle": False}
        parameters += [
            select(f"last_{at}", last, views=[view]),
            variable(f"until_{at}", expr=f"last_{at}.key ? last_{at}.key[0] : keys_{at}[0]"),
            variable(f"low_{at}", expr=f"{chosen(at)} ? min(keys_{at}[0], until_{at}) : 0"),
            variable(f"high_{at}", expr=f"{chosen(at)} ? max(keys_{at}[0], until_{at}) : {len(names) - 1}"),
        ]
    return parameters
