"""The content of a report in one language, which all formats share, and its tables, charts and Markdown."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.assumptions import example_warning
from outage_analysis.charts import (
    CHARTS,
    add_captions,
    draw,
    png,
    report_drawing,
    stable_spec,
    svg,
    title_parts,
)
from outage_analysis.costs import LiveCost, page_model
from outage_analysis.errors import UsageError
from outage_analysis.files import atomic_file
from outage_analysis.incidents import source_sites
from outage_analysis.reports.blocks import (
    Answers,
    Block,
    BulletList,
    ChartBlock,
    Grid,
    Heading,
    KeyFigures,
    PageChart,
    Section,
    TableBlock,
    TableFormatter,
    Text,
    plain_text,
)
from outage_analysis.reports.contents import SectionBuilder, option_columns, option_grid, sentences
from outage_analysis.reports.own_sections import OwnBlock, OwnChart, OwnSection, OwnTable, OwnText
from outage_analysis.reports.table_views import SOURCE_TABLES, View, build_views
from outage_analysis.text import Locale, TableSchema, escape_formulas, fonts


@dataclass(frozen=True)
class Report:
    """The texts, tables and charts of a report in one language; each is computed when first used.

    Args:
        analysis: the analysis whose figures the report shows.
        lang: the language, en or ko.
        own_sections: sections that the user has added.

    Example:
        >>> from outage_analysis.analysis import Plan, run
        >>> report = Report(run(Plan()), "en")
        >>> [column.title for column in report.grids["funnel"].columns][:2]
        ['Stage', 'From']
    """

    analysis: Analysis
    lang: str = "en"
    own_sections: tuple[OwnSection, ...] = ()

    @cached_property
    def locale(self) -> Locale:
        """The labels and number formats of the report's language, for the incident's currency and losses."""
        return self.analysis.locale(self.lang)

    @cached_property
    def names(self) -> dict[str, str]:
        """Display names by id: cost lines, services, claimant types, assumptions, facts and policies."""
        return {id_: fonts.printable(name) for id_, name in self.analysis.names(self.lang).items()}

    @property
    def title(self) -> str:
        """The title of the report, which includes the name of the incident."""
        return self.locale("report.title", incident=fonts.printable(self.analysis.incident.name[self.lang]))

    @property
    def kicker(self) -> str:
        """The line above the report's title: the kind of document and the as-of day."""
        return self.locale("report.kicker", day=self.locale.day(self.analysis.as_of))

    @property
    def policy(self) -> str:
        """The line below the report's title: the name of the policy."""
        return self.locale("report.policy", policy=fonts.printable(self.analysis.policy.name[self.lang]))

    @property
    def banner(self) -> str:
        """The notice that the claims are synthetic; empty if the claims are real or there are none."""
        if not self.analysis.synthetic:
            return ""
        key = "synthetic_headline" if self.analysis.headline_is_synthetic else "synthetic_banner"
        return self.locale(f"report.{key}")

    @property
    def warning(self) -> str:
        """The warning that figures use example assumptions and must not be relied on; empty otherwise."""
        return example_warning(self.analysis.used_ledger, self.locale)

    @property
    def footer(self) -> str:
        """The report's last line: package version, as-of day, and ids of the incident, policy and ledger."""
        analysis, locale = self.analysis, self.locale
        return locale(
            "report.footer",
            version=version("outage-analysis"),
            day=locale.day(analysis.as_of),
            incident=analysis.incident.id,
            policy=analysis.policy.id,
            ledger=analysis.ledger.id if analysis.ledger else locale("report.none"),
        )

    @cached_property
    def formatter(self) -> TableFormatter:
        """The formatter that turns the data frames of the report into tables of texts.

        In these tables, the ids of facts that the report lists are links.
        """
        tables = self.analysis.exact_tables
        listed = [tables[name]["id"] for name in ("facts", "hindsight_outcomes") if name in tables]
        return TableFormatter(self.locale, self.names, {id_ for ids in listed for id_ in ids})

    @cached_property
    def answers(self) -> Answers:
        """The sentences of the first screen: cost drivers, decisions and what is left out."""
        return sentences(self.analysis, self.locale, self.names)

    @cached_property
    def views(self) -> dict[str, View]:
        """All report tables that have rows, each with the columns that it shows, by name."""
        views = build_views(self.analysis, self.formatter)
        if not self.answers.options.is_empty():
            options = self.answers.options
            views["options"] = (options, option_columns(options, self.analysis, self.locale))
        return views | self.own_tables

    @cached_property
    def grids(self) -> dict[str, Grid]:
        """All report tables that have rows, formatted as text, by name."""
        grids = {name: self.formatter.grid(*view) for name, view in self.views.items()}
        if "options" in self.views:  # here they are rounded as on the first screen
            grids["options"] = option_grid(self.answers.options, self.analysis, self.locale)
        return grids

    @cached_property
    def own_blocks(self) -> dict[str, OwnBlock]:
        """The blocks of the sections that the user has added, such as `own-1-2`: section 1, block 2."""
        return {
            f"own-{number}-{place}": block
            for number, section in enumerate(self.own_sections, start=1)
            for place, block in enumerate(section.blocks, start=1)
        }

    @property
    def own_tables(self) -> dict[str, View]:
        """The tables that the user has added, by the name of their block."""
        return {name: block.view for name, block in self.own_blocks.items() if isinstance(block, OwnTable)}

    @property
    def _builder(self) -> SectionBuilder:
        return SectionBuilder(self.analysis, self.locale, self.grids, self.charts, self.answers)

    @cached_property
    def front(self) -> tuple[Section, ...]:
        """The first screen as sections, in reading order: the answer, and what to decide."""
        return self._builder.front()

    @cached_property
    def possible_sections(self) -> tuple[Section, ...]:
        """The sections that a report may have; those of which this one says nothing are empty."""
        return tuple(self._builder.all())

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections of the report after the first screen, in order; added ones precede the appendices."""
        built = [section for section in self.possible_sections if section.blocks]
        first = next((n for n, section in enumerate(built) if section.appendix), len(built))
        return (*built[:first], *self._added_sections(), *built[first:])

    def _added_sections(self) -> Iterator[Section]:
        note = self.locale("report.own_note")
        note += f" {self.locale('report.own_synthetic')}" if self.analysis.synthetic else ""
        for number, section in enumerate(self.own_sections, start=1):
            blocks: list[Block] = [Text(note, "strong", slide=True)]
            title = fonts.printable(section.title[self.lang])
            for place, block in enumerate(section.blocks, start=1):
                name = f"own-{number}-{place}"
                if isinstance(block, OwnText):
                    texts = block.paragraphs(self.lang)
                    blocks += [Text(fonts.printable(text), slide=True) for text in texts]
                elif isinstance(block, OwnChart):
                    blocks.append(ChartBlock(name, slide=True))
                else:
                    blocks.append(TableBlock(name, title, slide=True))
            yield Section(f"own-{number}", title, tuple(blocks))

    @property
    def slides(self) -> list[Section]:
        """The sections that have a slide, in the order of the slides: the decision follows its reasons.

        The slides are five, without those that the user adds: services have one if nothing is compared.
        """
        places = {"answer": 0, "service-bands": 1, "services": 1, "why": 2, "decide": 3}
        shown = [s for s in (*self.front, *self.sections) if any(block.slide for block in s.blocks)]
        if any(section.id == "compared" for section in shown):
            shown = [section for section in shown if places.get(section.id) != 1]
        return sorted(shown, key=lambda section: places.get(section.id, len(places)))

    @cached_property
    def products(self) -> LiveCost | None:
        """The headline cost as a sum of products of inputs, for the sliders and the Excel formulas.

        None if the cost was not simulated. Also None if inputs depend on each other, because the mean of a
        product is then not the product of the means.
        """
        run = self.analysis.runs.get(self.analysis.headline_basis)
        return None if run is None else page_model.live_cost(run.portfolio)

    def table_is_synthetic(self, grid: str) -> bool:
        """Return whether a table is based on synthetic claims and must be labelled as synthetic."""
        return self.analysis.needs_synthetic_mark(
            self.analysis.headline_table_name(SOURCE_TABLES.get(grid, grid))
        )

    @cached_property
    def charts(self) -> dict[str, PageChart]:
        """All charts of the report that have data, by name; their titles are separate from the drawing."""
        on_page = (name for name, entry in CHARTS.items() if entry.page)
        charts = {name: chart for name in on_page if (chart := self.page_chart(name))}
        for name, block in self.own_blocks.items():
            if isinstance(block, OwnChart):
                title, subtitle, footer = map(fonts.printable, title_parts(block.spec))
                section = fonts.printable(self.own_sections[int(name.split("-")[1]) - 1].title[self.lang])
                described = fonts.printable(str(block.spec.get("description") or title or section))
                spec = block.drawing | {"description": described}
                charts[name] = PageChart(spec, title or section, subtitle, footer)
        return charts

    def page_chart(self, name: str) -> PageChart | None:
        """Draw one of the package's charts; return None if it has no data."""
        table, context = self.analysis.chart_data(name, lang=self.lang)
        with report_drawing():
            chart = draw(name, fonts.printable_table(table), replace(context, names=self.names))
            if chart is None:
                return None
            spec = stable_spec(chart.to_dict(validate=False))
        title = spec.pop("title")
        *subtitle, footer = title["subtitle"]
        marks = {"hindsight": CHARTS[name].table.startswith("hindsight_"), "synthetic": context.synthetic}
        return PageChart(spec, " ".join(title["text"]), " ".join(subtitle), footer, **marks)

    @cached_property
    def chart_svgs(self) -> dict[str, str]:
        """The charts of the report as SVG drawings without titles, by name."""
        return {name: svg(chart.spec) for name, chart in self.charts.items()}

    @cached_property
    def titled_svgs(self) -> dict[str, str]:
        """The charts of the report as SVG drawings with title, subtitle and sources, by name."""
        return {
            name: add_captions(drawing, chart.title, chart.subtitle, chart.footer, chart.description)
            for (name, chart), drawing in zip(self.charts.items(), self.chart_svgs.values(), strict=True)
        }

    @cached_property
    def pictures(self) -> dict[str, bytes]:
        """The charts of the report as PNG with title, subtitle and sources, by name."""
        return {name: png(drawing) for name, drawing in self.titled_svgs.items()}


def facts_by_site(report: Report, wanted: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids of the published facts in `wanted`, grouped by the first website that published them."""
    known, by_site = set(report.analysis.exact_tables["facts"]["id"]), dict[str, list[str]]()
    for fact in dict.fromkeys(wanted):
        if fact in known:
            site = next(iter(source_sites([fact])), report.locale("deck.notes_derived"))
            by_site.setdefault(site, []).append(fact)
    return by_site


def write_table(
    frame: pl.DataFrame, path: Path, *, schema: TableSchema | None = None, bom: bool = False
) -> None:
    """Write a data frame as a .csv or .parquet file, atomically: to a temporary file that is then renamed.

    In a CSV file, a text that a spreadsheet would run as a formula gets a leading apostrophe. `bom` adds a
    byte order mark, which Korean Excel needs to read UTF-8. With a schema, a Parquet file has the metadata
    `row` (what one row is) and `columns` (unit and description of each column, as JSON).

    Raises:
        UsageError: the suffix of the path is neither .csv nor .parquet.
        EnvironmentFailed: the file cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError("is neither .csv nor .parquet", file=path.name)
    with atomic_file(path) as part:
        if path.suffix == ".csv":
            escape_formulas(frame).write_csv(part, include_bom=bom)
        else:
            # If Polars wrote to the disk itself, it would report a full disk as a format error.
            buffer = BytesIO()
            metadata = schema.metadata() if schema else None
            frame.write_parquet(buffer, compression="zstd", metadata=metadata)
            part.write_bytes(buffer.getvalue())


def write_tables(report: Report, folder: Path, *, suffix: str) -> None:
    """Write every table as tables/<name>.csv or .parquet.

    The tables are the same in every language. The CSV files of a Korean report start with the byte order mark
    without which Excel in Korea misreads UTF-8.
    """
    target, bom = folder / "tables", report.lang == "ko"
    target.mkdir(exist_ok=True)
    tables = report.analysis.tables
    for name, (frame, _) in report.own_tables.items():
        write_table(frame, target / f"{name}.{suffix}", bom=bom)
    for name, frame in tables.items():
        stem = f"{name}-synthetic" if report.analysis.needs_synthetic_mark(name) else name
        write_table(frame, target / f"{stem}.{suffix}", schema=tables.schema(name), bom=bom)


def write_charts(report: Report, folder: Path, *, suffix: str) -> None:
    """Write every chart as charts/<name>.svg or .png, with its title and sources."""
    svgs = {name: drawing.encode() for name, drawing in report.titled_svgs.items()}
    for name, data in (svgs if suffix == "svg" else report.pictures).items():
        (folder / "charts").mkdir(exist_ok=True)
        mark = "-synthetic" if report.charts[name].synthetic else ""
        (folder / "charts" / f"{name}{mark}.{suffix}").write_bytes(data)


def write_markdown(report: Report, folder: Path) -> None:
    """Write report.md; it shows the charts if the report has their SVG files."""
    sections = [*report.front, *(section for section in report.sections if not section.appendix)]
    parts = [f"# {_text(report.title)}", *map(_text, (report.kicker, report.policy, report.warning))]
    parts += [_text(report.banner)] if report.analysis.headline_is_synthetic else []
    for section in sections:
        badge = f" ({report.locale('report.synthetic_badge')})" if section.synthetic else ""
        parts.append(f"## {_text(section.title)}{badge}")
        parts += (text for block in section.blocks for text in _block(block, report, folder))
    parts += [_text(report.locale("report.markdown_rest")), "---", _text(report.footer)]
    (folder / "report.md").write_text("\n\n".join(filter(None, parts)) + "\n", "utf-8")


def _block(block: Block, report: Report, folder: Path) -> Iterator[str]:
    if isinstance(block, Text):
        yield _text(block.text) if block.role == "plain" else f"**{_text(block.text)}**"
    elif isinstance(block, Heading):
        yield f"### {_text(block.text)}"
    elif isinstance(block, BulletList | KeyFigures):
        yield "\n".join(f"- {_text(item)}" for item in block.items)
    elif isinstance(block, TableBlock):
        yield _table(report.grids[block.grid])
    else:
        chart = report.charts[block.chart]
        yield f"**{_text(chart.title)}** {_text(chart.subtitle)}"
        drawn = sorted((folder / "charts").glob(f"{block.chart}*.svg"))
        names = {block.chart, f"{block.chart}-synthetic"}
        yield from (f"![{_text(chart.description)}](charts/{p.name})" for p in drawn if p.stem in names)
        if block.table:
            yield _table(report.grids[block.table.grid])


def _table(grid: Grid) -> str:
    heads = " | ".join(_text(column.title) for column in grid.columns)
    rule = " | ".join("--:" if column.style == "n" else "---" for column in grid.columns)
    rows = (" | ".join(map(_text, row)) for row in grid.rows)
    return "\n".join(f"| {line} |" for line in (heads, rule, *rows))


def _text(text: str) -> str:
    """Return a text on one line, in which nothing is markup."""
    escaped = re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(plain_text(text).split()))
    return re.sub(r"^[-+=](?= |$)", r"\\\g<0>", escaped)  # a mark of a list or of a heading


def repack(data: bytes) -> bytes:
    """Return a zip archive with the same files, sorted by name, without compression and with a fixed date.

    The bytes do not depend on the time, the operating system or the version of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # the earliest date that zip can store
            # Files are marked as created on Unix (3). Otherwise, archives from Windows would differ.
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            new.writestr(entry, old.read(name))
    return buffer.getvalue()
