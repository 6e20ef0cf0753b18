"""Select bars in linked charts by mouse, touch or a drop-down list.

Every bar has a key: 1000 times the number of its chart, plus its position in the chart. A selection belongs
to one chart. In a chart with an order, such as days, the selection is one key or all keys between two keys.
In other charts, the selection is any set of keys. Two Vega-Lite selections store the keys at both ends of a
range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

KEYS_PER_VIEW = 1000
"""Keys reserved per view; a view has far fewer entries."""
CHOSEN = "(ordered[chosen_view] ? inrange({key}, [keys[0], until]) : indexof(keys, {key}) >= 0)"
_PRESS: dict[str, Any] = {"source": "scope", "type": "mousedown"}
_LISTED = "listed"


def entry_key(view: int, place: int) -> int:
    """Return the key of a bar, given the number of its linked chart and its position in the chart."""
    return view * KEYS_PER_VIEW + place


def chosen_expression(expression: str) -> str:
    """Return a Vega expression for whether the bar with the key in `expression` is selected."""
    return CHOSEN.format(key=expression)


def selection_parameters(
    views: Sequence[str], ordered: Sequence[bool], listed: Mapping[int, str], title: str, everything: str
) -> list[alt.TopLevelParameter]:
    """Return the Vega parameters for selecting bars in linked charts.

    `keys` contains the selected keys, or the first key of a range. `until` is the last key of a range.
    `chosen_view` is the number of the chart with the selection, or -1 if nothing is selected.

    A click selects a bar. A shift-click adds or removes a bar in a chart without an order. Dragging selects a
    range in a chart with an order. A double click clears the selection. Keyboard users select with the
    drop-down list.

    Args:
        views: the names of the linked charts in the specification; the data of each chart have a field `key`.
        ordered: for each linked chart, whether its bars have an order.
        listed: key of a bar -> label of the bar in the drop-down list.
        title: label of the drop-down list.
        everything: label of the item in the drop-down list that clears the selection.
    """
    from_list = {"source": "window", "type": "change", "filter": f"event.target.name == '{_LISTED}_key'"}
    ends = {"type": "point", "fields": ["key"], "clear": {"merge": [{"type": "dblclick"}, from_list]}}
    # Consume the mouse press, because dragging would otherwise select text under the pointer.
    begins = {**_PRESS, "consume": True}
    same_view = f"floor(datum.key / {KEYS_PER_VIEW}) == chosen_view"
    adds = f"event.shiftKey && !ordered[chosen_view] && datum && {same_view}"
    on_entry = "event.item && event.item.datum && isNumber(event.item.datum.key)"
    until_released = [_PRESS, {"source": "window", "type": "mouseup"}]
    drag = {"source": "scope", "type": "mouseover", "filter": on_entry, "between": until_released}
    labels = [everything, *listed.values()]
    bound = alt.binding_select(options=[None, *listed], labels=labels, name=f"{title}: ")
    pressed = {"type": "mousedown", "source": "view"}
    select, variable = alt.TopLevelSelectionParameter, alt.VariableParameter
    return [
        select("first", {**ends, "on": begins, "toggle": adds}, views=views),
        select("last", {**ends, "on": {"merge": [_PRESS, drag]}, "toggle": False}, views=views),
        select(
            _LISTED,
            {"type": "point", "fields": ["key"], "clear": pressed},
            bind={"key": bound},
            views=views[:1],
        ),
        variable("ordered", value=list(ordered)),
        variable("keys", expr=f"first.key || {_LISTED}.key || []"),
        variable("chosen_view", expr=f"length(keys) ? floor(keys[0] / {KEYS_PER_VIEW}) : -1"),
        variable(
            "until",
            expr=f"last.key && floor(last.key[0] / {KEYS_PER_VIEW}) == chosen_view ? last.key[0] : keys[0]",
        ),
    ]
