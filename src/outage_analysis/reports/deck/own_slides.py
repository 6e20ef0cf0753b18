"""Slides of the sections that the user has added: one slide with texts, then one per chart and table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from outage_analysis.charts import png
from outage_analysis.reports.blocks import Block, ChartBlock, Section, TableBlock, Text
from outage_analysis.reports.deck import theme
from outage_analysis.reports.deck.canvas import Canvas
from outage_analysis.reports.deck.theme import Box, Paragraph
from outage_analysis.reports.report import Report

PLACE = Box(theme.LEFT, theme.TOP, theme.FULL_WIDTH, theme.BOTTOM - theme.TOP)
"""The place of texts, charts and tables on the slide."""
NUMBER_WIDTH, TEXT_WIDTH = 1.0, 2.0
"""Relative widths of columns of numbers and of texts."""


@dataclass(frozen=True)
class OwnSlide:
    """One slide of a section that the user has added: its texts, or one chart, or one table."""

    section: Section
    blocks: tuple[Block, ...]

    def write(self, report: Report, canvas: Canvas) -> list[str]:
        """Write the slide, and return its speaker notes."""
        first = self.blocks[0]
        note = next(block.text for block in self.section.blocks if isinstance(block, Text))
        title = report.charts[first.chart].title if isinstance(first, ChartBlock) else self.section.title
        canvas.add_title(title, report.kicker, note)
        if isinstance(first, ChartBlock):
            chart = report.charts[first.chart]
            canvas.add_picture("Chart", PLACE, png(report.chart_svgs[first.chart]), chart.description)
            return [
                self.section.title,
                chart.description,
                *filter(None, (chart.subtitle, chart.footer)),
                note,
            ]
        if isinstance(first, TableBlock):
            grid = report.grids[first.grid]
            canvas.add_table(
                "Table",
                PLACE,
                [column.title for column in grid.columns],
                [[str(cell) for cell in row] for row in grid.rows],
                widths=[NUMBER_WIDTH if column.style else TEXT_WIDTH for column in grid.columns],
                alt_text=self.section.title,
            )
            return [self.section.title, note]
        texts = [block.text for block in self.blocks if isinstance(block, Text)]
        canvas.add_text("Text", PLACE, [Paragraph(text, 16, space_after=8) for text in texts])
        return [self.section.title, *texts, note]


def own_slides(report: Report) -> Iterator[OwnSlide]:
    """Yield the slides of the sections that the user has added, in order."""
    ids = {f"own-{number}" for number in range(1, len(report.own_sections) + 1)}
    for section in report.sections:
        if section.id not in ids:
            continue
        texts = tuple(block for block in section.blocks[1:] if isinstance(block, Text))
        if texts:
            yield OwnSlide(section, texts)
        for block in section.blocks:
            if isinstance(block, ChartBlock | TableBlock):
                yield OwnSlide(section, (block,))
