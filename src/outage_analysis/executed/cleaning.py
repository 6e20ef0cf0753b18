"""The markup of outputs and of prose, made fit to stand in a page: nothing reaches beyond its place.

A page's Content-Security-Policy keeps scripts and loads out, yet not `<meta http-equiv=refresh>`, nor what
ends the page or hides the rest of it. What is left out leaves its text behind, a script nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from outage_analysis.charts.offline import STYLE, is_ours

TEXT = """a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure
h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup
table tbody td tfoot th thead time tr u ul var wbr"""
SLIDERS = "button fieldset input label legend output"
DRAWN = """svg g circle clipPath defs ellipse line linearGradient marker path pattern polygon polyline
radialGradient rect stop text tspan"""
TAGS = frozenset(f"{TEXT} {SLIDERS} {DRAWN}".split())
"""What may stand in a page; no form, frame or object, and nothing that belongs to the page's head."""
KEPT = {
    "href": re.compile(r"https?://|mailto:|[^:&]*$"),
    "src": re.compile("data:image/(png|jpeg|gif|webp|svg[+]xml);base64,"),
}
"""What an address may be: a page to go to, or an image that is in the page."""
NOT_KEPT = re.compile("on|style$|form|srcset$", re.IGNORECASE)
"""Attributes that would run or send, or that the policy blocks."""
WAYS = frozenset(("http", "https", "mailto", "data"))
OPENING = re.compile(r"<(script|style)\b[^<>]*>", re.IGNORECASE)


@lru_cache(maxsize=256)  # a page is set twice
def cleaned(markup: str) -> str:
    """Markup without what could lead away from a page, end it or hide it; scripts and styles of ours stay."""
    kept, around = [], []
    for text, element, inside in _parts(markup):
        around.append(text)
        if is_own(element, inside):
            kept += [_harmless("".join(around)), element]
            around = []
    return "".join([*kept, _harmless("".join(around))])


def is_own(element: str, inside: str) -> bool:
    """Whether an element is a script or a style of this package, to the letter."""
    if element == f"<style>{inside}</style>":
        return inside == STYLE
    return element == f"<script>{inside}</script>" and is_ours(inside)


def _parts(markup: str) -> Iterator[tuple[str, str, str]]:
    """What stands before each script or style, its whole element, and its inside; at the end the rest."""
    at = 0
    while opening := OPENING.search(markup, at):
        closing = re.compile(rf"</{opening[1]}\s*>", re.IGNORECASE).search(markup, opening.end())
        if not closing:
            break
        element = markup[opening.start() : closing.end()]
        yield markup[at : opening.start()], element, markup[opening.end() : closing.start()]
        at = closing.end()
    yield markup[at:], "", ""


def _harmless(markup: str) -> str:
    from bleach import clean  # type: ignore[import-untyped]

    if not markup.strip():
        return markup
    return str(clean(markup, tags=TAGS, attributes=_keeps, protocols=WAYS, strip=True))


def _keeps(_tag: str, name: str, value: str) -> bool:
    return bool(KEPT[name].match(value)) if name in KEPT else not NOT_KEPT.match(name)
