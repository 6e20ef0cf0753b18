"""An executed notebook as one offline page under a strict Content-Security-Policy.

Of the scripts in its outputs only those run that this package wrote: Vega, and the charts handed to it. Other
scripts are left out, as is markup that could lead away from the page or hide the rest of it. Code
is folded or left out; execution counts, times and ids of cells are in no page, nor is what a cell wrote to
stderr, which names files of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from outage_analysis.charts import STYLE, is_ours
from outage_analysis.jupyter.export.notebook_files import LEFT_OUT, Notebook
from outage_analysis.reports import csp_hash, font_face_rules, template_text
from outage_analysis.text import Locale, fonts

SHOWN = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/latex", "text/plain")
"""What an output may be shown as, the best first."""
MOST_HANGUL = 0.3
"""The share of Hangul among its letters from which on prose is Korean."""


@dataclass(frozen=True)
class Told:
    """What a page says beside the notebook.

    Args:
        name: what the notebook is called.
        lang: of the outputs and of the page's own words, en or ko.
        given: the parameters that were given, as text.
        code: whether the code of the cells is there, folded.
    """

    name: str
    lang: str
    given: Mapping[str, str]
    code: bool = False


def page(notebook: Notebook, told: Told) -> str:
    """The page of an executed notebook; the same notebook gives the same text."""
    import nbformat
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    kept = [cell for cell in notebook.cells if LEFT_OUT not in cell.metadata.get("tags", ())]
    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": kept, "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="template",
        template_file="index.html.j2",
        extra_template_basedirs=[str(Path(str(files(__package__))))],
        exclude_input=not told.code,
        exclude_raw=True,
        config=Config({"NbConvertBase": {"display_data_priority": list(SHOWN)}}),
        filters={"prose": _prose, "cleaned": cleaned},
    )
    prose = "\n".join(cell.source for cell in kept if cell.cell_type == "markdown")
    words = Locale(told.lang)
    resources: dict[str, Any] = {
        "w": words,
        "title": _title(prose) or told.name,
        "prose": "ko" if _is_korean(prose) else "en",
        "lang": told.lang,
        "colophon": _colophon(told, words),
        "style": "",
        "csp": "",
    }

    def rendered() -> str:
        text, _ = exporter.from_notebook_node(node, resources={"outage": resources})
        return str(text).rstrip() + "\n"

    # Set once without the fonts, to learn which letters and which scripts the page has.
    text = rendered()
    own = (files(__package__) / "template" / "page.css").read_text("utf-8")
    style = font_face_rules(text) + template_text("report.css") + own
    scripts = [s for s in re.findall(r"<script>(.*?)</script>", text, re.DOTALL) if is_ours(s)]
    run = " ".join(dict.fromkeys(map(csp_hash, scripts))) or "'none'"
    resources["style"] = style
    resources["csp"] = (
        f"default-src 'none'; style-src {csp_hash(style)} {csp_hash(STYLE)}; script-src {run}; "
        "font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return rendered()


def _prose(source: str) -> str:
    """Markdown as HTML, without marks that link to headings."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return cleaned(str(MarkdownWithMath(renderer=renderer).render(source)))


def _title(prose: str) -> str:
    """The first heading of a notebook, without marks."""
    found = re.search(r"^#+\s+(.+)$", prose, re.MULTILINE)
    return re.sub(r"[*_`]", "", found[1]).strip() if found else ""


def _is_korean(prose: str) -> bool:
    letters = [c for c in prose if c.isalpha()]
    return sum("가" <= c <= "힣" for c in letters) > MOST_HANGUL * max(len(letters), 1)


def _colophon(told: Told, words: Locale) -> str:
    """Which notebook it was, what made it run, and what it was given."""
    name = fonts.shown(told.name)
    said = words("notebook.colophon", name=name, version=version("outage-analysis"))
    if not told.given:
        return said
    given = ", ".join(f"{key} = {fonts.shown(value)}" for key, value in told.given.items())
    return f"{said} {words('notebook.given', parameters=given)}"


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
