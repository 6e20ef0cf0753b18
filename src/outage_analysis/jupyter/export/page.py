"""Run a notebook with parameters and export it as one offline page with a strict Content-Security-Policy.

The page runs only this package's own scripts: Vega, the sliders, and the scripts with their data. It
drops other scripts and all HTML that could load something, send something or hide parts of the page. Code
is folded or left out. Execution counts, times and cell ids are left out, and so is stderr, which can name
files of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from outage_analysis.charts import STYLE, is_package_script
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file, notebooks_root
from outage_analysis.jupyter.export.notebook_files import (
    REMOVE_TAG,
    Notebook,
    find_notebook,
    read_notebook,
)
from outage_analysis.jupyter.export.parameters import FilledParameters, fill_parameters, notebook_language
from outage_analysis.reports import csp_hash, template_text
from outage_analysis.text import LANGUAGES, Locale, fonts


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
    notebook = replace(read_notebook(file), name=str(name_or_path)) if bundled else read_notebook(file)
    folder = None if bundled else file.parent.absolute()
    filled = fill_parameters(notebook, dict(parameters or {}), lang)
    page = Path(out) if out is not None else Path(f"{notebook.name}.html")
    _check_target(page, force=force)
    lang = lang or notebook_language(notebook, filled)
    text = _run_and_export(notebook, filled, lang, progress, code=code, folder=folder)
    with atomic_file(page, parents=True) as part:
        part.write_text(text, "utf-8", newline="\n")
    return page


def _run_and_export(
    notebook: Notebook,
    filled: FilledParameters,
    lang: str,
    progress: Callable[[str], None],
    *,
    code: bool,
    folder: Path | None,
) -> str:
    from outage_analysis.jupyter.export.execution import execute

    executed = execute(notebook, filled, progress, folder=folder)
    progress("writing the page")
    return notebook_page(executed, PageOptions(notebook.name, lang, filled.values, code=code))


def _check_target(page: Path, *, force: bool) -> None:
    if page.suffix not in (".html", ".htm"):
        raise UsageError("is not named .html", file=page, remedy="Choose another --out.")
    if page.is_dir():
        raise UsageError("is a folder", file=page, remedy="Choose another --out.")
    if page.exists() and not force:
        raise UsageError("exists already", file=page, remedy="Add --force to replace it.")


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


@dataclass(frozen=True)
class PageOptions:
    """The settings of an exported page: name, language, parameters and whether to show code.

    Args:
        name: name of the notebook.
        lang: language of the outputs and of the page's own text, en or ko.
        parameters: the parameters that the user set, as text.
        code: whether the page contains the code of the cells, folded.
    """

    name: str
    lang: str
    parameters: Mapping[str, str]
    code: bool = False


def notebook_page(notebook: Notebook, options: PageOptions) -> str:
    """Return the HTML page of an executed notebook. The same notebook always gives the same text."""
    import nbformat
    from nbconvert.exporters.templateexporter import TemplateExporter
    from traitlets.config import Config

    exported = [cell for cell in notebook.cells if REMOVE_TAG not in cell.metadata.get("tags", ())]
    node = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": exported, "metadata": notebook.metadata, "nbformat": 4, "nbformat_minor": 5}
    )
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="template",
        template_file="index.html.j2",
        extra_template_basedirs=[str(Path(str(files(__package__))))],
        exclude_input=not options.code,
        exclude_raw=True,
        config=Config({"NbConvertBase": {"display_data_priority": list(DISPLAY_TYPES)}}),
        filters={"prose": _prose, "cleaned": sanitized_html},
    )
    prose = "\n".join(cell.source for cell in exported if cell.cell_type == "markdown")
    locale = Locale(options.lang)
    resources: dict[str, Any] = {
        "locale": locale,
        "title": _title(prose) or options.name,
        "prose": "ko" if _is_korean(prose) else "en",
        "lang": options.lang,
        "colophon": _colophon(options, locale),
        "style": "",
        "csp": "",
    }

    def render() -> str:
        text, _ = exporter.from_notebook_node(node, resources={"outage": resources})
        return str(text).rstrip() + "\n"

    # The first rendering shows which letters the fonts and which scripts the security policy must cover.
    text = render()
    page_style = (files(__package__) / "template" / "page.css").read_text("utf-8")
    style = fonts.font_face_rules(text) + template_text("report.css") + page_style
    scripts = [s for s in re.findall(r"<script>(.*?)</script>", text, re.DOTALL) if is_package_script(s)]
    script_sources = " ".join(dict.fromkeys(map(csp_hash, scripts))) or "'none'"
    resources["style"] = style
    resources["csp"] = (
        f"default-src 'none'; style-src {csp_hash(style)} {csp_hash(STYLE)}; script-src {script_sources}; "
        "font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return render()


def _prose(source: str) -> str:
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return sanitized_html(str(MarkdownWithMath(renderer=renderer).render(source)))


def _title(prose: str) -> str:
    heading = re.search(r"^#+\s+(.+)$", prose, re.MULTILINE)
    return re.sub(r"[*_`]", "", heading[1]).strip() if heading else ""


def _is_korean(prose: str) -> bool:
    letters = [c for c in prose if c.isalpha()]
    return sum("가" <= c <= "힣" for c in letters) > KOREAN_SHARE * max(len(letters), 1)


def _colophon(options: PageOptions, locale: Locale) -> str:
    name = fonts.printable(options.name)
    sentence = locale("notebook.colophon", name=name, version=version("outage-analysis"))
    if not options.parameters:
        return sentence
    parameters = ", ".join(f"{key} = {fonts.printable(value)}" for key, value in options.parameters.items())
    return f"{sentence} {locale('notebook.given', parameters=parameters)}"


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
OPENING = re.compile(r"<(script|style)\b[^<>]*>", re.IGNORECASE)


@lru_cache(maxsize=256)  # each page is rendered twice with the same outputs
def sanitized_html(markup: str) -> str:
    """Remove unsafe elements and attributes from HTML, but keep the scripts and styles of this package."""
    safe, pending = [], []
    for text, element, inside in _parts(markup):
        pending.append(text)
        if is_package_element(element, inside):
            safe += [_clean_markup("".join(pending)), element]
            pending = []
    return "".join([*safe, _clean_markup("".join(pending))])


def is_package_element(element: str, inside: str) -> bool:
    """Whether an HTML element is exactly a script or style sheet of this package."""
    if element == f"<style>{inside}</style>":
        return inside == STYLE
    return element == f"<script>{inside}</script>" and is_package_script(inside)


def _parts(markup: str) -> Iterator[tuple[str, str, str]]:
    at = 0
    while opening := OPENING.search(markup, at):
        closing = re.compile(rf"</{opening[1]}\s*>", re.IGNORECASE).search(markup, opening.end())
        if not closing:
            break
        element = markup[opening.start() : closing.end()]
        yield markup[at : opening.start()], element, markup[opening.end() : closing.start()]
        at = closing.end()
    yield markup[at:], "", ""


def _clean_markup(markup: str) -> str:
    from bleach import clean  # type: ignore[import-untyped]

    if not markup.strip():
        return markup
    return str(clean(markup, tags=TAGS, attributes=_is_allowed_attribute, protocols=PROTOCOLS, strip=True))


def _is_allowed_attribute(_tag: str, name: str, value: str) -> bool:
    return (
        bool(ALLOWED_URLS[name].match(value))
        if name in ALLOWED_URLS
        else not FORBIDDEN_ATTRIBUTES.match(name)
    )
