"""Selection of entries in linked charts by mouse, touch or a drop-down list.

Every entry has a key: 1000 times the number of its view, plus its position in the view. A selection belongs
to one view. In an ordered view it is one key or all keys between two; in the others it is any set of keys.
Vega-Lite selections store the two end keys.
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
    """Return the key of an entry by the number of its view and its position in the view."""
    return view * KEYS_PER_VIEW + place


def chosen_expression(expression: str) -> str:
    """Return a Vega expression that tests whether a key is selected, if its view has a selection."""
    return CHOSEN.format(key=expression)


def selection_parameters(
    views: Sequence[str], ordered: Sequence[bool], listed: Mapping[int, str], title: str, everything: str
) -> list[alt.TopLevelParameter]:
    """Return the Vega parameters of a selection: `keys`, `until` and `chosen_view` (-1 if none).

    A click selects an entry. A shift-click adds or removes one. In an ordered view, dragging selects a range.
    A double click clears the selection. The drop-down list serves keyboard users.

    Args:
        views: the names of the views; the data of each have a field `key`.
        ordered: for each view, whether its entries have an order.
        listed: key -> label in the drop-down list.
        title: label of the list.
        everything: label of the list's item that clears the selection.
    """
    from_list = {"source": "window", "type": "change", "filter": f"event.target.name == '{_LISTED}_key'"}
    ends = {"type": "point", "fields": ["key"], "clear": {"merge": [{"type": "dblclick"}, from_list]}}
    # Consume the press, or else dragging would select the text under the pointer.
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
