"""A report that is built step by step: sections of one's own, then written into a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from outage_analysis.analysis import Analysis
from outage_analysis.errors import UsageError
from outage_analysis.reports.formats import FORMATS
from outage_analysis.reports.own_sections import MAX_SECTIONS, OwnSection, own_section
from outage_analysis.reports.report_folder import write_report
from outage_analysis.text import Card, Displayable, Locale


@dataclass(repr=False)
class ReportBuilder(Displayable):
    """A report before it is written; `analysis.report()` returns it.

    Example:
        >>> from outage_analysis.analysis import Plan, run
        >>> report = run(Plan(claims=())).report().add_section("Ours", "A paragraph.")
        >>> [section.title.en for section in report.sections]
        ['Ours']
    """

    analysis: Analysis
    lang: str = "en"
    formats: Sequence[str] = tuple(FORMATS)
    force: bool = False
    bom: bool = False
    sections: list[OwnSection] = field(default_factory=list)
    """The sections that were added, in order."""

    def add_section(self, title: str | Mapping[str, str], *blocks: object) -> Self:
        """Add a section, which every format shows before the list of sources.

        Args:
            title: the title, or {"en": ..., "ko": ...}.
            *blocks: texts (or {"en": ..., "ko": ...}; empty lines divide paragraphs), Altair charts and
                Polars frames. A chart must contain its data, and a table has at most 1,000 rows and 16
                columns.

        Returns:
            The report itself, so that calls can follow each other.

        Raises:
            UsageError: a block is of another type, empty or too large, or a chart reads from an address.
            DisclosureBlocked: a text or a table seems to contain personal data.
        """
        if len(self.sections) == MAX_SECTIONS:
            raise UsageError(f"a report has at most {MAX_SECTIONS} sections of your own")
        self.sections.append(own_section(title, blocks))
        return self

    def write(
        self,
        out: str | Path,
        *,
        lang: str | None = None,
        formats: Sequence[str] | str | None = None,
        force: bool | None = None,
        bom: bool | None = None,
    ) -> Path:
        """Write the report into a folder, and return the path of report.html (or manifest.json without HTML).

        The other arguments replace those that `analysis.report` was called with; see `write_report`.
        """
        chosen = self.formats if formats is None else formats
        return write_report(
            self.analysis,
            out,
            lang=self.lang if lang is None else lang,
            formats=[chosen] if isinstance(chosen, str) else chosen,
            force=self.force if force is None else force,
            bom=self.bom if bom is None else bom,
            sections=self.sections,
        )

    def card(self, lang: str = "en") -> Card:
        """Return the summary for notebooks: the incident, the formats and the added sections."""
        locale = Locale(lang)
        lines = [self.analysis.incident.name[lang], ", ".join(self.formats)]
        lines += [f"+ {section.title[lang]}" for section in self.sections]
        return Card(locale("card.report"), tuple(lines), (), (locale("card.report_next"),))
