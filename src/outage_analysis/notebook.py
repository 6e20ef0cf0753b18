"""Charts, tables and parts of the report in a notebook, in JupyterLab and in the page exported from it.

`use_offline_charts()` in the first cell puts Vega into its output, once; every chart then draws offline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import altair as alt
import polars as pl
from markupsafe import Markup

from outage_analysis.assumptions import Ledger
from outage_analysis.charts import CHARTS, Drawn, Frame, draw
from outage_analysis.charts.offline import RENDERER, STYLE, bundle, renderer_with
from outage_analysis.charts.specs import frame_of, names_of
from outage_analysis.charts.theme import wrapped
from outage_analysis.claims import Claims
from outage_analysis.cube import Cube
from outage_analysis.datasets import bundled_claims, nearest
from outage_analysis.errors import EnvironmentFailed, OutageAnalysisError, UsageError
from outage_analysis.intakes import IntakeSeries
from outage_analysis.labels import Words
from outage_analysis.pipeline import Analysis
from outage_analysis.policies import Policy
from outage_analysis.reports.blocks import Heading, Items, Text
from outage_analysis.reports.report import Report
from outage_analysis.severity.page import GroupedPage

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

WIDEST_FOOTER = 90
"""Columns of a chart's last line: in a report it stands in the page, here inside the drawing."""
LONGEST_UNBROKEN = 24
"""Up to here a cell keeps its text on one line: ids, days."""


@dataclass(frozen=True)
class Html:
    """Markup for a notebook, with the same in plain text for a terminal."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


def use_offline_charts(*, lang: str = "en") -> None:
    """Make every Altair chart of this notebook draw without a network; call it in the first cell.

    An error of this package then shows as one line in place of a traceback.

    Args:
        lang: the language of what stands where a chart cannot be drawn.

    Raises:
        EnvironmentFailed: IPython is not installed.
    """
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError as error:
        remedy = 'Run: pip install "outage-analysis[notebooks]"'
        raise EnvironmentFailed("notebooks need IPython", remedy=remedy) from error
    waiting = Words(lang)("notebook.waiting")
    alt.renderers.register(RENDERER, renderer_with(waiting))
    alt.renderers.enable(RENDERER)
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((OutageAnalysisError,), _on_one_line)  # type: ignore[no-untyped-call]
    display(Html(f"<style>{STYLE}</style>{bundle()}", ""))  # type: ignore[no-untyped-call]


def claim_files(given: str | Path | Sequence[str | Path] | None, incident: str) -> list[str | Path]:
    """The complaint files of a notebook: those given, else the bundled synthetic file of the incident.

    Raises:
        UsageError: none was given and none is bundled.
    """
    if given:
        return [given] if isinstance(given, str | Path) else list(given)
    bundled = bundled_claims(incident)
    if bundled is None:
        raise UsageError(f"no claims are bundled for {incident}", remedy="Name your files in `claims`.")
    return [bundled]


def show(
    name: str,
    source: Analysis | Claims | GroupedPage | IntakeSeries,
    table: pl.DataFrame | None = None,
    *,
    as_of: date | None = None,
    lang: str = "en",
) -> Drawn | Html:
    """A chart of the package by name, as the last expression of a cell.

    Args:
        name: a key of `CHARTS`.
        source: what it is drawn from. An analysis has the table of every chart on the report's page.
        table: a table in place of the analysis's own; needed for claims and pages, which have none.
        as_of: the day in the chart's footer; by default the analysis's or the intake's, of claims the
            last day of their window. A table of grouped losses has its source there, and no day.
        lang: en or ko.

    Returns:
        The chart, to be changed as any Altair chart can be; or a line that says there is nothing
        to draw as of that day.

    Raises:
        UsageError: no such chart, or claims without a table.
    """
    if name not in CHARTS:
        raise UsageError("no such chart", value=name, remedy=nearest(name, list(CHARTS)))
    if isinstance(source, Analysis):
        drawn = source.tables.get(CHARTS[name].table, pl.DataFrame()) if table is None else table
    elif table is None:
        remedy = "Build one from a cube, or give an analysis."
        raise UsageError(f"the chart {name} needs a table", remedy=remedy)
    else:
        drawn = table
    entry = CHARTS[name]
    from_claims = entry.claims or (isinstance(source, Analysis) and source.marked(entry.table))
    frame = _frame(source, as_of, lang, claims=from_claims)
    words, day = frame.words, frame.as_of
    chart = draw(name, drawn, frame)
    if chart is None:
        dated = not isinstance(source, GroupedPage)
        return note(words("notebook.nothing", day=words.day(day)) if dated else words("notebook.no_rows"))
    *head, footer = chart.title.subtitle
    chart.title.subtitle = [*head, *wrapped(footer, WIDEST_FOOTER)]
    chart.usermeta = {"footer": len(head)}  # the line it starts on, for who sets the title otherwise
    return chart


def _frame(
    source: Analysis | Claims | GroupedPage | IntakeSeries, as_of: date | None, lang: str, *, claims: bool
) -> Frame:
    """What a chart of a source says beside its table."""
    if isinstance(source, GroupedPage):
        loss = f"{source.name[lang]}, {source.unit[lang]}"
        printed = source.note[lang] if source.note else source.sources[0]
        return Frame(Words(lang), {}, as_of or date.min, loss, source=printed)
    if isinstance(source, IntakeSeries):
        names = {branch.id: branch.name[lang] for branch in source.branches}
        return Frame(Words(lang), names, as_of or source.as_of)
    incident = source.incident
    words = Words(lang, incident.currency, incident.minor_units, incident.loss_digits)
    if isinstance(source, Analysis):
        return frame_of(
            incident, words, source.names(lang), source.as_of, synthetic=claims and source.synthetic
        )
    names, day = names_of(incident, lang=lang), as_of or incident.claims_to
    return frame_of(incident, words, names, day, synthetic=source.synthetic)


def show_table(
    table: pl.DataFrame,
    source: Analysis | Claims | Cube | Policy | Ledger | GroupedPage | IntakeSeries,
    *,
    lang: str = "en",
) -> Html:
    """A table under a line that says what it was made from.

    Args:
        table: any frame; its columns keep their names.
        source: an analysis stands for published figures; claims or a cube for their rows, which are
            marked when they are synthetic; any page for what it says itself.
        lang: en or ko.
    """
    words = Words(lang)
    if isinstance(source, Analysis):
        mark = words("notebook.published", day=words.day(source.as_of))
    elif isinstance(source, Policy | Ledger | GroupedPage | IntakeSeries):
        mark = f"{source.name[lang]}."
    else:
        mark = words("notebook.synthetic" if source.synthetic else "notebook.claims")
    if table.is_empty():
        return note(f"{mark} {words('notebook.no_rows')}")
    heads = "".join(f"<th{_class(kind, c)}>{escape(c)}</th>" for c, kind in table.schema.items())
    rows = "".join(f"<tr>{_cells(row, table, words)}</tr>\n" for row in table.iter_rows())
    return Html(f"<p><em>{escape(mark)}</em></p>\n{_scrolling(heads, rows)}", f"{mark}\n{table}")


def _scrolling(heads: str, rows: str) -> str:
    """A table that may be wider than its place; the keyboard reaches it."""
    table = f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>"
    return f'<div class="outage-grid" tabindex="0">{table}</div>'


def _cells(row: tuple[object, ...], table: pl.DataFrame, words: Words) -> str:
    cells = zip((_shown(value, words) for value in row), table.dtypes, strict=True)
    return "".join(f"<td{_class(kind, text)}>{escape(text)}</td>" for text, kind in cells)


def _class(kind: pl.DataType, text: str) -> str:
    short = ' class="d"' if len(text) <= LONGEST_UNBROKEN else ""
    return ' class="n"' if kind.is_numeric() else short


def _shown(value: object, words: Words) -> str:
    """A value as tables of the report show it: every digit of a whole number, two decimals of another."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return words.day(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return words.exact(float(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_tiles(report: Report) -> Html:
    """The first screen of a report: what it is of, and its figures, each with what it means."""
    head = [report.kicker, report.title, report.policy, *([report.banner] if report.banner else [])]
    markup, lines = [], []
    for number, tile in enumerate(report.tiles):
        kind = f"outage-tile{'' if number else ' first'}{' made-up' if tile.synthetic else ''}"
        made_up = f" ({report.words('report.synthetic_badge')})" if tile.synthetic else ""
        name, figure, meaning = tile.title + made_up, tile.figure, tile.note
        inside = f"<span>{escape(name)}</span><strong>{escape(figure)}</strong><span>{escape(meaning)}</span>"
        markup.append(f'<div class="{kind}">{inside}</div>\n')
        lines.append(f"{name}: {figure}. {meaning}")
    kicker, title, *rest = map(escape, head)
    opening = f"<p>{'<br>'.join((kicker, f'<b>{title}</b>', *rest))}</p>"
    grid = f'<div class="outage-tiles">{"".join(markup)}</div>'
    return Html(f"{opening}\n{grid}", "\n".join((*head, *lines)))


def show_answers(report: Report, question: Literal["drives", "decide", "left_out"]) -> Html:
    """What the first screen of a report answers to a question, in sentences."""
    return _listed(list(getattr(report.answers, question)), report)


def show_words(report: Report, section: str) -> Html:
    """What a section of a report says, up to its first heading, beside its tables and charts.

    Args:
        report: the report.
        section: its id, such as method or hindsight.
    """
    blocks = [block for part in report.sections if part.id == section for block in part.blocks]
    found = takewhile(lambda block: not isinstance(block, Heading), blocks)
    said = [(b.text,) if isinstance(b, Text) else b.items for b in found if isinstance(b, Text | Items)]
    return _listed([sentence for group in said for sentence in group], report)


def _listed(said: list[str], report: Report) -> Html:
    if not said:
        return note(report.words("notebook.nothing_said"))
    return Html(f"<ul>{''.join(f'<li>{escape(s)}</li>' for s in said)}</ul>", "\n".join(said))


def show_grid(report: Report, name: str) -> Html:
    """A table as a report shows it: titles and names in the report's language, every figure in full."""
    if name not in report.grids:
        return note(report.words("notebook.no_rows"))
    grid, mark = report.grids[name], report.analysis.marked(name)
    told = [[c.striptags() if isinstance(c, Markup) else c for c in row] for row in grid.rows]
    styles = [f' class="{c.style}"' if c.style else "" for c in grid.columns]

    def cells(tag: str, texts: Iterable[str]) -> str:
        pairs = zip(styles, texts, strict=True)
        return "".join(f"<{tag}{style}>{escape(text)}</{tag}>" for style, text in pairs)

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in told)
    opening = note(report.words("notebook.synthetic")).markup if mark else ""
    markup = opening + _scrolling(cells("th", (c.title for c in grid.columns)), body)
    return Html(markup, "\n".join("; ".join(row) for row in told))


def note(text: object) -> Html:
    """A line of text among the outputs: a refusal, a reject explained."""
    return Html(f"<p><em>{escape(str(text))}</em></p>", str(text))


def _on_one_line(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    _traceback: object,
    tb_offset: int | None = None,  # noqa: ARG001 - the name is IPython's
) -> list[str]:
    """An error of ours as the command line would print it; the cell still counts as failed."""
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - no public way to send lines of one's own
    return lines
