"""Run a notebook with parameters and export it as one offline page with a strict Content-Security-Policy.

The page runs only this package's own scripts: Vega, the sliders, and the scripts with their data. It
drops other scripts and all HTML that could load something, send something or hide parts of the page. Code
is folded or left out. Execution counts, times and cell ids are left out, and so is stderr, which can name
files of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from outage_analysis.charts import STYLE, is_package_script
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file, notebooks_root
from outage_analysis.jupyter.notebook import (
    REMOVE_TAG,
    Notebook,
    execute,
    fill_parameters,
    find_notebook,
    notebook_language,
    read_notebook,
    shown_values,
)
from outage_analysis.reports import csp_hash, template_text
from outage_analysis.text import LANGUAGES, Locale, Note, fonts


def run_notebook(
    name_or_path: str | Path,
    out: str | Path | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    lang: str | None = None,
    code: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Run a notebook and write it as an HTML page. The same notebook and parameters give the same bytes.

    A notebook that is given by path runs in its own folder, as in JupyterLab, so relative paths in the
    notebook start in that folder. Relative paths in `parameters` start in the working folder.

    Args:
        name_or_path: the name of a bundled notebook, or a path. A bundled notebook is taken in the language
            of the page, if it is translated.
        out: the page to write; by default the notebook's name with .html, in the working folder. The file
            appears only when it is complete.
        parameters: values as text, by parameter name; they replace the values in the cell tagged
            `parameters`.
        lang: en or ko. It also sets the parameter `lang`, if the notebook has one.
        code: whether the page contains the code of the cells, folded.
        force: overwrite an existing page.
        progress: called with a short message when a step starts.

    Returns:
        The path of the page.

    Raises:
        UsageError: unknown notebook, parameter or language, or the page exists and `force` is not set.
        OutageAnalysisError: a cell failed. If this package raised the error, the exception keeps its class.
        EnvironmentFailed: the kernel could not run, or the page could not be written.
    """
    if lang is not None and lang not in LANGUAGES:
        raise UsageError("no such language", value=lang, remedy="Known: " + ", ".join(LANGUAGES))
    prose = lang or (parameters or {}).get("lang", "").strip("\"'")
    file = find_notebook(name_or_path, prose)
    bundled = file.parent == notebooks_root() and file != Path(name_or_path)
    notebook = read_notebook(file)
    if bundled:
        notebook = replace(notebook, name=str(name_or_path))
    values = fill_parameters(notebook, parameters or {}, lang)
    page = Path(out) if out is not None else Path(f"{notebook.name}.html")
    if page.suffix not in (".html", ".htm"):
        raise UsageError("is not named .html", file=page, remedy="Choose another --out.")
    if page.is_dir():
        raise UsageError("is a folder", file=page, remedy="Choose another --out.")
    if page.exists() and not force:
        raise UsageError("exists already", file=page, remedy="Add --force to replace it.")
    executed = execute(notebook, values, progress, folder=None if bundled else file.parent.absolute())
    progress(Note("step_writing_the_page"))
    lang = lang or notebook_language(notebook, values)
    given = shown_values({name: values[name] for name in parameters or {}})
    text = notebook_page(executed, lang, given, code=code)
    with atomic_file(page, parents=True) as part:
        part.write_text(text, "utf-8", newline="\n")
    return page


DISPLAY_TYPES = (
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/markdown",
    "text/latex",
    "text/plain",
)
"""MIME types of outputs that a page shows, in order of preference."""
KOREAN_SHARE = 0.3
"""If more than this share of the letters is Hangul, the prose counts as Korean."""


def notebook_page(
    notebook: Notebook, lang: str, parameters: Mapping[str, object] | None = None, *, code: bool = False
) -> str:
    """Return the HTML page of an executed notebook. The same notebook always gives the same text.

    Args:
        notebook: the executed notebook.
        lang: language of the outputs and of the page's own text, en or ko.
        parameters: the parameters that the user set, as text.
        code: whether the page contains the code of the cells, folded.
    """
    import nbformat
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    exported = [cell for cell in notebook.cells if REMOVE_TAG not in cell.metadata.get("tags", ())]
    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": exported, "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="page_template",
        template_file="index.html.j2",
        extra_template_basedirs=[str(files(__package__))],
        exclude_input=not code,
        exclude_raw=True,
        config=Config({"NbConvertBase": {"display_data_priority": list(DISPLAY_TYPES)}}),
        filters={"prose": _prose, "cleaned": sanitized_html},
    )
    prose = "\n".join(cell.source for cell in exported if cell.cell_type == "markdown")
    heading = re.search(r"^#+\s+(.+)$", prose, re.MULTILINE)
    letters = [c for c in prose if c.isalpha()]
    korean = sum("가" <= c <= "힣" for c in letters) > KOREAN_SHARE * len(letters)
    locale, name = Locale(lang), fonts.printable(notebook.name)
    colophon = locale("notebook.colophon", name=name, version=version("outage-analysis"))
    if parameters:
        given = ", ".join(f"{key} = {fonts.printable(str(value))}" for key, value in parameters.items())
        colophon += f" {locale('notebook.given', parameters=given)}"
    resources: dict[str, Any] = {
        "locale": locale,
        "title": (heading and re.sub(r"[*_`]", "", heading[1]).strip()) or notebook.name,
        "prose": "ko" if korean else "en",
        "lang": lang,
        "colophon": colophon,
    }
    text, _ = exporter.from_notebook_node(node, resources={"outage": resources})
    page_style = (files(__package__) / "page_template" / "page.css").read_text("utf-8")
    style = fonts.font_face_rules(text) + template_text("report.css") + page_style
    scripts = [s for s in re.findall(r"<script>(.*?)</script>", text, re.DOTALL) if is_package_script(s)]
    script_sources = " ".join(dict.fromkeys(map(csp_hash, scripts))) or "'none'"
    csp = (
        f"default-src 'none'; style-src {csp_hash(style)} {csp_hash(STYLE)}; script-src {script_sources}; "
        "font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    # The template leaves both empty at the top of the page, where the only other text is the escaped title.
    text = text.replace('content=""', f'content="{csp}"', 1)
    return text.replace("<style></style>", f"<style>{style}</style>", 1).rstrip() + "\n"


def _prose(source: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return sanitized_html(str(MarkdownWithMath(renderer=renderer).render(source)))


TEXT = """a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure
h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup
table tbody td tfoot th thead time tr u ul var wbr"""
SLIDERS = "button fieldset input label legend output"
SVG = """svg g circle clipPath defs ellipse line linearGradient marker path pattern polygon polyline
radialGradient rect stop text tspan"""
TAGS = frozenset(f"{TEXT} {SLIDERS} {SVG}".split())
"""Elements that outputs may contain: no form, frame, object or element of the page's head."""
ALLOWED_URLS = {
    "href": re.compile(r"https?://|mailto:|[^:&]*$"),
    "src": re.compile("data:image/(png|jpeg|gif|webp|svg[+]xml);base64,"),
}
"""Allowed values of link attributes: an ordinary link, or an image embedded in the page."""
FORBIDDEN_ATTRIBUTES = re.compile("on|style$|form|srcset$", re.IGNORECASE)
"""Attributes that could run code or send data, or that the Content-Security-Policy blocks."""
PROTOCOLS = frozenset(("http", "https", "mailto", "data"))
SCRIPT_OR_STYLE = re.compile(r"<(script|style)\b[^<>]*>(.*?)(</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
"""A script or style sheet. Without an end tag, it extends to the end of the text, as in a browser."""


def sanitized_html(markup: str) -> str:
    """Remove unsafe elements and attributes from HTML, but keep the scripts and styles of this package."""
    safe, start = [], 0
    for element in SCRIPT_OR_STYLE.finditer(markup):
        inside = element[2]
        own_style = element[0] == f"<style>{inside}</style>" and inside == STYLE
        own_script = element[0] == f"<script>{inside}</script>" and is_package_script(inside)
        if own_style or own_script:
            safe += [_clean_markup(markup[start : element.start()]), element[0]]
            start = element.end()
    return "".join([*safe, _clean_markup(markup[start:])])


def _clean_markup(markup: str) -> str:
    from bleach import clean  # type: ignore[import-untyped]

    text = SCRIPT_OR_STYLE.sub("", markup)
    return str(clean(text, tags=TAGS, attributes=_is_allowed_attribute, protocols=PROTOCOLS, strip=True))


def _is_allowed_attribute(_tag: str, name: str, value: str) -> bool:
    if name in ALLOWED_URLS:
        return bool(ALLOWED_URLS[name].match(value))
    return not FORBIDDEN_ATTRIBUTES.match(name)
