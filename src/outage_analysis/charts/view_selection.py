"""One choice in one of several views, by mouse, by touch or from a list: what linked views share.

An entry has a key: the place of its view times a thousand, and its own place in it. A choice is one key, the
keys between two in a view that has an order, or any of one view. Vega-Lite's own selections hold the ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

KEYS_PER_VIEW = 1000
"""Keys of a view; views have far fewer entries."""
CHOSEN = "(ordered[chosen_view] ? inrange({key}, [keys[0], until]) : indexof(keys, {key}) >= 0)"
_PRESS: dict[str, Any] = {"source": "scope", "type": "mousedown"}
_LISTED = "listed"


def entry_key(view: int, place: int) -> int:
    """The key of an entry."""
    return view * KEYS_PER_VIEW + place


def chosen_expression(expression: str) -> str:
    """Whether the key that an expression gives is chosen, given that something of its view is."""
    return CHOSEN.format(key=expression)


def selection_parameters(
    views: Sequence[str], ordered: Sequence[bool], listed: Mapping[int, str], title: str, everything: str
) -> list[alt.TopLevelParameter]:
    """What views listen for, and what is chosen: `keys`, `until` and `chosen_view` (-1 when nothing is).

    A click begins a choice; a shift-click adds to it or takes away; in a view with an order, a drag goes on
    to another entry instead. A double click goes back to everything. The list is for keyboards.

    Args:
        views: the names of the drawings, of which each has a field `entry_key`.
        ordered: for each, whether its entries have an order.
        listed: key -> what the list says of it.
        title: what stands beside the list.
        everything: what it says of no choice.
    """
    from_list = {"source": "window", "type": "change", "filter": f"event.target.name == '{_LISTED}_key'"}
    ends = {"type": "point", "fields": ["key"], "clear": {"merge": [{"type": "dblclick"}, from_list]}}
    # The press is consumed, or a drag would mark the text that it goes over.
    begins = {**_PRESS, "consume": True}
    adds = f"event.shiftKey && !ordered[chosen_view] && datum && floor(datum.key / {KEYS_PER_VIEW}) == chosen_view"
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
