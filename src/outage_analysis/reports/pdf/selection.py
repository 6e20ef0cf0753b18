"""Choose what the PDF report prints: the sections for every reader, some appendices, and short tables.

The page and the workbook have every section, table and column. A printed report that repeated them would have
thirty pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from outage_analysis.reports.blocks import Block, ChartBlock, Heading, Section, TableBlock, Text
from outage_analysis.reports.grids import Grid, GridColumn
from outage_analysis.reports.report import Report
from outage_analysis.reports.sources import facts_by_host
from outage_analysis.reports.table_views import build_views

APPENDICES = ("cost", "decisions", "accounting", "assumptions", "hindsight")
"""The appendices of the page that the PDF prints."""
CHARTS_OF_FIRST_PAGES = ("total_distribution", "separate_sums")
"""Charts that the first two pages show, so that no section repeats them."""
SOURCES = "sources"
"""The table of the facts by the website that published them, which only the PDF has."""
PRINTED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "services": ("service", "published_count"),
    "controller": ("obligation", "presentation", "line", "best_estimate"),
}
"""Table -> the columns that the PDF prints, in order. Other tables are printed without `OMITTED_COLUMNS`."""
OMITTED_COLUMNS = ("rule", "status", "facts", "assumptions", "approved_by")
KEPT_COLUMNS: Mapping[str, tuple[str, ...]] = {"scenarios": ("status",)}
"""Table -> columns that other formats omit but the PDF prints, such as why a scenario lacks figures."""
OMITTED_TABLES = ("hindsight_tie_outs", "hindsight_outcomes")
MERGED_COLUMNS = {"services": 0, "controller": 2}
"""Table -> the column whose cells are joined if rows are otherwise equal, as for services without a count."""
LEADING_COLUMNS = {"controller": 2}
"""Table -> how many of its first columns leave out a cell that repeats the cell above."""


@dataclass(frozen=True)
class PrintedReport:
    """The sections and tables of a report that the PDF prints."""

    report: Report

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The printed sections, with their printed blocks."""
        made = not self.report.analysis.headline_is_synthetic  # then print nothing of synthetic rows
        chosen = (
            s
            for s in self.report.sections
            if s.id in APPENDICES or not (s.appendix or (s.synthetic and made))
        )
        return tuple(replace(section, blocks=tuple(self._blocks(section))) for section in chosen)

    @cached_property
    def left_to_the_page(self) -> tuple[str, ...]:
        """The titles of the appendices that only the page and the workbook have."""
        return tuple(s.title for s in self.report.sections if s.appendix and s.id not in APPENDICES)

    @cached_property
    def grids(self) -> dict[str, Grid]:
        """The printed tables by name: fewer columns than on the page, and rows that are alike merged."""
        report, printed = self.report, {}
        for name, (frame, columns) in build_views(report.analysis, report.formatter).items():
            kept = KEPT_COLUMNS.get(name, ())
            chosen = [c for c in columns if c.name not in OMITTED_COLUMNS or c.name in kept]
            if name in PRINTED_COLUMNS:
                by_name = {column.name: column for column in columns}
                chosen = [by_name[c] for c in PRINTED_COLUMNS[name] if c in by_name]
            grid = report.formatter.grid(frame, chosen)
            grid = merge_rows(grid, MERGED_COLUMNS[name]) if name in MERGED_COLUMNS else grid
            printed[name] = without_repeats(without_empty_columns(grid), LEADING_COLUMNS.get(name, 0))
        return report.grids | printed | {SOURCES: self._sources()}

    def _sources(self) -> Grid:
        locale = self.report.locale
        ids_by_host: dict[str, dict[str, None]] = {}
        for hosts, ids in facts_by_host(self.report, self.report.analysis.tables["facts"]["id"]).items():
            listed = ids_by_host.setdefault(hosts.split(", ")[0], {})
            listed.update(dict.fromkeys(id_.partition(".")[0] for id_ in ids))
        ordered = sorted(ids_by_host.items(), key=lambda item: (-len(item[1]), item[0]))
        heads = (GridColumn(locale("column.source"), ""), GridColumn(locale("column.facts"), ""))
        return Grid(heads, tuple((host, ", ".join(ids)) for host, ids in ordered))

    def _blocks(self, section: Section) -> Iterator[Block]:
        heading: Block | None = None
        for block in (*section.blocks, *self._added_blocks(section)):
            if isinstance(block, Heading):
                heading = block
                continue
            if isinstance(block, ChartBlock):
                if block.chart in CHARTS_OF_FIRST_PAGES:
                    continue
                printed: Block = replace(block, table=None)
            elif isinstance(block, TableBlock) and (block.folded or block.grid in OMITTED_TABLES):
                continue
            else:
                printed = block
            if heading is not None:
                yield heading
                heading = None
            yield printed

    def _added_blocks(self, section: Section) -> Iterator[Block]:
        locale = self.report.locale
        if section.id == "method" and self.grids[SOURCES].rows:
            yield Heading(locale("report.facts_title"))
            yield Text(locale("report.printed_sources"))
            yield TableBlock(SOURCES, locale("report.facts_title"))


def merge_rows(grid: Grid, at: int) -> Grid:
    """Return a table in which rows that differ only in one column are one row with all their names.

    Rows with the same cells before that column are put beside each other. A merged cell ends with the number
    of its names.

    Args:
        grid: the table.
        at: the index of the column whose cells are joined.

    Example:
        >>> columns = (GridColumn("Service", ""), GridColumn("Complaints", "n"))
        >>> merge_rows(Grid(columns, (("Mail", "–"), ("Maps", "7"), ("Games", "–"))), 0).rows
        (('Mail; Games (2)', '–'), ('Maps', '7'))
    """
    names: dict[tuple[str, ...], list[str]] = {}
    for row in grid.rows:
        names.setdefault((*row[:at], *row[at + 1 :]), []).append(row[at])
    places: dict[tuple[str, ...], int] = {}
    for key in names:
        for n in range(1, at + 1):
            places.setdefault(key[:n], len(places))
    rows = []
    for key in sorted(names, key=lambda key: [places[key[:n]] for n in range(1, at + 1)]):
        joined = "; ".join(names[key])
        count = len(names[key])
        rows.append((*key[:at], f"{joined} ({count})" if count > 1 else joined, *key[at:]))
    return Grid(grid.columns, tuple(rows))


def without_empty_columns(grid: Grid) -> Grid:
    """Return a table without the columns in which every cell is empty.

    Example:
        >>> columns = (GridColumn("Measure", ""), GridColumn("Handling", "n"))
        >>> without_empty_columns(Grid(columns, (("P50", ""), ("P90", "")))).rows
        (('P50',), ('P90',))
    """
    kept = [n for n in range(len(grid.columns)) if any(row[n] for row in grid.rows)]
    columns = tuple(grid.columns[n] for n in kept)
    return Grid(columns, tuple(tuple(row[n] for n in kept) for row in grid.rows))


def without_repeats(grid: Grid, leading: int) -> Grid:
    """Return a table whose first columns leave out a cell that repeats the cell above.

    Example:
        >>> columns = (GridColumn("Obligation", ""), GridColumn("Line", ""))
        >>> without_repeats(Grid(columns, (("legal", "Fees"), ("legal", "Cash"))), 1).rows
        (('legal', 'Fees'), ('', 'Cash'))
    """
    rows = []
    for n, row in enumerate(grid.rows):
        above = grid.rows[n - 1][:leading] if n else ()
        same = 0
        while same < len(above) and row[same] == above[same]:
            same += 1
        rows.append((*[""] * same, *row[same:]))
    return Grid(grid.columns, tuple(rows))
