"""Set up a notebook session, and show tables, charts, sliders and parts of the report in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from html import escape
from itertools import takewhile
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis import charts
from outage_analysis.analysis import Analysis, IntakeForecast, ledger_locale, schema_named
from outage_analysis.assumptions import Ledger
from outage_analysis.claims import Claims
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError, one_line
from outage_analysis.files import spelling_hint
from outage_analysis.incidents import IntakeSeries
from outage_analysis.losses import Cube, Fits, GroupedLossesDocument, curve_table
from outage_analysis.policies import Policy
from outage_analysis.reports import BulletList, Heading, Report, Text, sliders
from outage_analysis.text import (
    Column,
    Locale,
    TableSchema,
    Unit,
    all_schemas,
    currency_if_converted,
    format_amounts,
    html_table,
    matching_schema,
    whole_counts,
)

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

Source = Analysis | Claims | Cube | Policy | Ledger | GroupedLossesDocument | IntakeSeries | IntakeForecast
"""What a table can be computed from."""
LONGEST = 10_000
"""Most characters per line of plain text."""


@dataclass(frozen=True)
class Html:
    """An output of a notebook cell: HTML in a notebook, plain text in a terminal."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return "\n".join(one_line(line, LONGEST) for line in self.text.split("\n"))


def note(text: object) -> Html:
    """Return one line of text in italics as the output of a cell."""
    line = one_line(text, LONGEST)
    return Html(f"<p><em>{escape(line)}</em></p>", line)


@contextmanager
def refusals_as_notes() -> Iterator[None]:
    """In the `with` block, show why the model refuses a calculation, so that later cells still run."""
    from IPython.display import display

    try:
        yield
    except ModelRefused as refusal:
        display(note(refusal))  # type: ignore[no-untyped-call]


def show_table(
    table: pl.DataFrame,
    source: Source | None = None,
    *,
    units: Mapping[str, Unit] | None = None,
    lang: str = "en",
) -> Html:
    """Show a table under a line that names its source and marks synthetic data.

    If the source has a currency, as analyses, claims, policies and ledgers do, amounts are shown in the
    main currency unit (euros, not cents).

    Args:
        table: any data frame; its columns keep their names. The units of its columns are known if it was
            selected or filtered from a table of this package. Numbers are shown as they are if no table or
            several tables with different units have these columns.
        source: what the table was computed from; without it, no line stands above the table. For an
            analysis the line names its published figures, or its claims if the cost is computed from claims.
            For claims or a cube, the line states whether they are synthetic. For a TOML document, the line
            states the name of the document.
        units: name of a column -> its unit, for columns that no table of this package has: money, loss or
            count.
        lang: en or ko.
    """
    locale, units = Locale(lang), units or {}
    source = source.origin if isinstance(source, IntakeForecast) else source
    schema = matching_schema(table.drop(list(units), strict=False), all_schemas())
    formats = ledger_locale(source) if isinstance(source, Ledger) else None
    if isinstance(source, Analysis | Claims | Policy):  # other sources have no currency
        formats = source.locale("en") if isinstance(source, Policy) else source.incident.locale("en")
    if formats and schema:
        # Losses that are whole numbers come from a cube, which counts in the smallest unit.
        exact = table.select(n for n, kind in table.schema.items() if kind.is_integer() and n not in units)
        table = table.with_columns(schema.whole(exact, formats.places))
    if units:
        stated = (Column(name, unit, "", table.schema[name]) for name, unit in units.items())
        plain = (Column(n, "decimal", "", dtype) for n, dtype in table.schema.items() if n not in units)
        schema = TableSchema("One row of a table.", (*stated, *(schema.columns if schema else plain)))
    if isinstance(source, Analysis) and not source.headline_from_claims:
        mark = locale("notebook.published", day=locale.day(source.as_of))
    elif isinstance(source, Policy | Ledger | GroupedLossesDocument | IntakeSeries):
        mark = f"{source.name[lang]}."
    elif source is None:
        mark = ""
    else:
        mark = locale("notebook.synthetic" if source.synthetic else "notebook.claims")
    if formats and (currency := currency_if_converted(table, schema, formats)):
        mark += f" {locale('notebook.sums', currency=currency)}"
    if table.is_empty():
        return note(f"{mark} {locale('notebook.no_rows')}")
    numbers = [n for n, kind in enumerate(table.dtypes) if kind.is_numeric()]
    counted = whole_counts(table, schema)
    write = partial(_format_value, locale)
    formatted = format_amounts(counted, schema, formats, write, whole=True) if formats else counted
    rows = ([_format_value(locale, value) for value in row] for row in formatted.iter_rows())
    html = html_table(table.columns, rows, numbers)
    head = note(mark) if mark else Html("", "")
    return Html(f"{head.markup}\n{html}", f"{head.text}\n{formatted}")


def _format_value(locale: Locale, value: object) -> str:
    """Format a value as in the report's tables: whole numbers in full, others with two decimals."""
    if value is None:
        return "–"
    if isinstance(value, date):
        return locale.day(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return locale.exact(int(value) if float(value).is_integer() else float(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show(
    name: str,
    source: Analysis | Claims | GroupedLossesDocument | IntakeSeries | IntakeForecast,
    table: pl.DataFrame | Fits | None = None,
    *,
    lang: str = "en",
) -> charts.AltairChart | Html:
    """Return a chart of the package by name. As the last expression of a cell, the chart is displayed.

    Args:
        name: a key of `CHARTS`.
        source: where the data come from. An analysis contains the table of every chart of the report, and a
            forecast of `forecast_by_day` that of `intake_days`.
        table: the data to show instead of the analysis's table; for `ogive` and `tail` the fits to draw.
            Required for any other source.
        lang: en or ko.

    Returns:
        An Altair chart, which you can change further; or a note that there is nothing to show. Its footer has
        the as-of day of the analysis or intake, or the last day to claim; grouped losses have their source.

    Raises:
        UsageError: there is no such chart, or `table` is missing.
        ModelRefused: the counts determine no forecast.
    """
    as_of: date | None = None
    if isinstance(table, Fits):
        table = curve_table(table)
    if isinstance(source, IntakeForecast):
        table = source.tables.get("days") if table is None else table
        as_of, source = source.as_of, source.origin
    if isinstance(source, Analysis):
        chart = charts.standalone_chart(name, *source.chart_data(name, table, lang=lang))
        return chart or note(Locale(lang)("notebook.nothing", day=Locale(lang).day(source.as_of)))
    charts.check_chart_name(name)
    if table is None:
        raise UsageError(
            f"the chart {name} needs a table", remedy="Build one from a cube, or give an analysis."
        )
    if isinstance(source, GroupedLossesDocument):
        loss = f"{source.name[lang]}, {source.unit[lang]}"
        printed = source.note[lang] if source.note else source.sources[0]
        context = charts.ChartContext(Locale(lang), {}, date.min, loss, source=printed)
    elif isinstance(source, IntakeSeries):
        names = {branch.id: branch.name[lang] for branch in source.branches}
        context = charts.ChartContext(Locale(lang), names, as_of or source.as_of)
    else:
        context = charts.chart_context(
            source.incident,
            source.incident.locale(lang),
            source.incident.display_names(lang),
            as_of or source.incident.claims_to,
            synthetic=source.synthetic,
        )
        table = schema_named(charts.CHARTS[name].table).smallest(table, context.locale.places)
    chart, locale = charts.standalone_chart(name, table, context), context.locale
    if chart is None and isinstance(source, GroupedLossesDocument):
        return note(locale("notebook.no_rows"))
    return chart or note(locale("notebook.nothing", day=locale.day(context.as_of)))


def show_what_if(analysis: Analysis, *, lang: str = "en") -> Html:
    """Show sliders that recompute the expected cost of an analysis, to the smallest currency unit.

    The inputs with the largest effect on the cash cost come first, then those that the policy sets. The
    sliders work in JupyterLab and in a page exported from the notebook, which has no kernel.

    Args:
        analysis: the analysis that `run` returned.
        lang: en or ko.

    Returns:
        The sliders, with a note if the headline cost is based on synthetic rows; or a note with the reason
        why there are no sliders.
    """
    report = Report(analysis, lang)
    moved, markup = sliders(report, title="p")
    if moved is None:
        return note(markup)
    locale, made_up = report.locale, analysis.headline_is_synthetic
    mark = note(locale("notebook.synthetic")) if made_up else Html("", "")
    kind = f"what-if outage-what-if{' made-up' if made_up else ''}"
    key, script = charts.data_script(charts.SLIDER_QUEUE, moved.data)
    name = escape(locale("report.what_if"))
    place = (
        f'<div class="{kind}" data-outage-what-if="{key}" role="group" aria-label="{name}" '
        f"{charts.OWN_KEYS}>\n"
        f'{mark.markup}<p class="title" tabindex="-1">{name}</p>\n'
        f'<p class="waiting"><em>{escape(locale("notebook.what_if_waiting"))}</em></p>\n{markup}</div>'
    )
    totals = [f"{result['title']}: {result['rounded']} ({result['exact']})" for result in moved.results]
    inputs = [
        f"{s['label']}: {Decimal(s['value']):,f} {s['unit']}"
        for group in moved.groups.values()
        for s in group
    ]
    text = "\n".join(filter(None, (mark.text, locale("report.what_if"), *totals, *inputs)))
    return Html(f"{place}\n<script>{script}</script>", text)


def show_part(analysis: Analysis, part: str, *, lang: str = "en") -> Html:
    """Show a part of the report of an analysis.

    Args:
        analysis: the analysis that `run` returned.
        part: `answer` for the title, the policy, the warnings and the headline; `drives`, `decide` or
            `left_out` for what drives the cost, what to decide and what is left out; or the id of a section,
            such as method or hindsight, for the sentences before its first subheading, table or chart.
        lang: en or ko.
    """
    report = Report(analysis, lang)
    if part == "answer":
        head = [report.kicker, report.title, report.policy, *filter(None, [report.warning, report.banner])]
        kicker, title, *rest = map(escape, head)
        lead, *others = map(escape, report.answers.headline)
        opening = f"<p>{'<br>'.join((kicker, f'<b>{title}</b>', *rest))}</p>"
        markup = (opening, f"<p><strong>{lead}</strong></p>", *(f"<p>{text}</p>" for text in others))
        return Html("\n".join(markup), "\n".join((*head, *report.answers.headline)))
    told = report.answers
    answers = {"drives": told.drives, "decide": told.recommended, "left_out": told.left_out}
    if part in answers:
        synthetic = analysis.headline_is_synthetic and part != "left_out"
        return _bullet_list(list(answers[part]), report, made_up=synthetic)
    sections = [section for section in report.possible_sections if section.id == part]
    if not sections:
        known = ["answer", *answers, *(x.id for x in report.possible_sections)]
        raise UsageError("the report has no such part", value=part, remedy=spelling_hint(part, known))
    sentences: list[str] = []
    for block in takewhile(lambda b: not isinstance(b, Heading), (b for x in sections for b in x.blocks)):
        if isinstance(block, Text | BulletList):
            sentences += (block.text,) if isinstance(block, Text) else block.items
    return _bullet_list(sentences, report, made_up=any(section.synthetic for section in sections))


def _bullet_list(sentences: list[str], report: Report, *, made_up: bool) -> Html:
    """Return sentences as a bullet list, below a note if they are based on synthetic rows."""
    if not sentences:
        return note(report.locale("notebook.nothing_said"))
    mark = note(report.locale("notebook.synthetic")) if made_up else Html("", "")
    items = f"<ul>{''.join(f'<li>{escape(s)}</li>' for s in sentences)}</ul>"
    return Html(mark.markup + items, "\n".join(filter(None, (mark.text, *sentences))))


_EXTENSION = "outage_analysis"
_LOAD = re.compile(rf"^\s*%load_ext\s+{_EXTENSION}\s*$", re.MULTILINE)
_CHANGES = ExitStack()
"""Undoes this module's changes to the session when closed."""


def enable_offline_charts(shell: InteractiveShell | None) -> None:
    """Register the offline chart renderer and one-line error messages, and output Vega.

    A second call changes nothing more, but outputs Vega again.
    """
    import altair as alt  # the package charts has loaded it already, so this is fast.
    from IPython.display import display

    disable_offline_charts()
    alt.renderers.register(charts.RENDERER, charts.render_offline)
    _CHANGES.enter_context(alt.renderers.enable(charts.RENDERER))  # type: ignore[arg-type] # its types are narrower
    if shell is not None:
        _CHANGES.callback(
            vars(shell).update, custom_exceptions=shell.custom_exceptions, CustomTB=shell.CustomTB
        )
        shell.set_custom_exc((OutageAnalysisError,), _on_one_line)  # type: ignore[no-untyped-call]

        def forget(info: ExecutionInfo) -> None:  # IPython then loads the extension again and outputs Vega
            manager = shell.extension_manager
            if manager is not None and _LOAD.search(info.raw_cell or ""):
                manager.loaded.discard(_EXTENSION)

        shell.events.register("pre_run_cell", forget)
        _CHANGES.callback(shell.events.unregister, "pre_run_cell", forget)
    display(Html(f"<style>{charts.STYLE}</style>{charts.script_bundle()}", ""))  # type: ignore[no-untyped-call]


def disable_offline_charts() -> None:
    """Restore the chart renderer and the tracebacks that were active before."""
    _CHANGES.close()


def _on_one_line(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    _traceback: object,
    tb_offset: int | None = None,  # noqa: ARG001 - the name is IPython's
) -> list[str]:
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - IPython has no public way to print custom lines
    return lines
