"""A report in one language: everything that its formats tell, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.charts import CHARTS, draw, frame_of, stable, svg, unchecked
from outage_analysis.costs import Products, products
from outage_analysis.reports.blocks import Answers, PageChart, Section, Tile
from outage_analysis.reports.first_screen import sentences, tiles
from outage_analysis.reports.grids import Grid, Writer
from outage_analysis.reports.sections import sections
from outage_analysis.reports.table_views import RESTS_ON, grids
from outage_analysis.text import Locale, fonts


@dataclass(frozen=True)
class Report:
    """An analysis told in one language.

    Args:
        analysis: every figure.
        lang: en or ko.
        bom: whether CSV files begin with a byte order mark, which Korean Excel needs.
    """

    analysis: Analysis
    lang: str = "en"
    bom: bool = False

    @cached_property
    def words(self) -> Locale:
        """The language and how it writes the incident's money and losses."""
        return self.analysis.words(self.lang)

    @cached_property
    def names(self) -> dict[str, str]:
        """What readers call everything that has an id."""
        return {id_: fonts.shown(name) for id_, name in self.analysis.names(self.lang).items()}

    @property
    def title(self) -> str:
        """The title of the report."""
        return self.words("report.title", incident=fonts.shown(self.analysis.incident.name[self.lang]))

    @property
    def kicker(self) -> str:
        """What it is, and the day whose knowledge it uses."""
        return self.words("report.kicker", day=self.words.day(self.analysis.as_of))

    @property
    def policy(self) -> str:
        """The policy that it costs."""
        return self.words("report.policy", policy=fonts.shown(self.analysis.policy.name[self.lang]))

    @property
    def banner(self) -> str:
        """What must be known of synthetic rows before anything is read; empty where there are none."""
        if not self.analysis.synthetic:
            return ""
        told = (
            "report.synthetic_headline" if self.analysis.headline_is_synthetic else "report.synthetic_banner"
        )
        return self.words(told)

    @property
    def warning(self) -> str:
        """That no figure may be used, as long as assumptions are examples; empty where none is."""
        return self.analysis.warning(self.words)

    @property
    def colophon(self) -> str:
        """What made it, from what."""
        a, locale = self.analysis, self.words
        return locale(
            "report.footer",
            version=version("outage-analysis"),
            day=locale.day(a.as_of),
            incident=a.incident.id,
            policy=a.policy.id,
            ledger=a.ledger.id if a.ledger else locale("report.none"),
        )

    @cached_property
    def writer(self) -> Writer:
        """What turns frames into grids."""
        cited = set(self.analysis.tables["facts"]["id"])
        if "hindsight_outcomes" in self.analysis.tables:
            cited |= set(self.analysis.tables["hindsight_outcomes"]["id"])
        return Writer(self.words, self.names, cited)

    @cached_property
    def tiles(self) -> list[Tile]:
        """The figures of the first screen, in reading order."""
        return tiles(self.analysis, self.words)

    @cached_property
    def answers(self) -> Answers:
        """The sentences of the first screen."""
        return sentences(self.analysis, self.words, self.names)

    @cached_property
    def grids(self) -> dict[str, Grid]:
        """Every table that has rows, by name."""
        return grids(self.analysis, self.writer)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """What follows the first screen, in order."""
        return sections(self.analysis, self.words, self.grids, self.charts)

    @cached_property
    def products(self) -> Products | None:
        """The expected cost of the headline as sums of products; None where means do not multiply."""
        run = self.analysis.runs.get(self.analysis.headline_basis)
        return None if run is None else products(run.portfolio, self.analysis.policy)

    def made_up(self, chart: str) -> bool:
        """Whether a chart is drawn from synthetic rows, and must say so."""
        a, entry = self.analysis, CHARTS[chart]
        return (entry.claims and a.synthetic) or a.needs_synthetic_mark(a.headline_table_name(entry.table))

    def marked(self, grid: str) -> bool:
        """Whether a table of the page is made from synthetic rows, and must say so."""
        return self.analysis.needs_synthetic_mark(self.analysis.headline_table_name(RESTS_ON.get(grid, grid)))

    @cached_property
    def charts(self) -> dict[str, PageChart]:
        """Every chart of the page that has something to show, by name, without its titles."""
        found = {}
        for name, whole in self._specs.items():
            spec = dict(whole)
            title = spec.pop("title")
            *subtitle, footer = title["subtitle"]
            later = CHARTS[name].table.startswith("hindsight_")
            found[name] = PageChart(spec, " ".join(title["text"]), " ".join(subtitle), footer, later)
        return found

    @cached_property
    def drawings(self) -> dict[str, str]:
        """The same charts as SVG, without their titles."""
        return {name: svg(chart.spec) for name, chart in self.charts.items()}

    @cached_property
    def _specs(self) -> dict[str, dict[str, Any]]:
        """The specification of every chart of the page that has something to show."""
        a, found = self.analysis, {}
        with unchecked():
            for name, entry in CHARTS.items():
                frame = frame_of(a.incident, self.words, self.names, a.as_of, synthetic=self.made_up(name))
                table = fonts.shown_in(a.tables.get(a.headline_table_name(entry.table), pl.DataFrame()))
                chart = draw(name, table, frame) if entry.page else None
                if chart is not None:
                    found[name] = stable(chart.to_dict(validate=False))
        return found
