"""The order of a report after its first screen: which section says what, and when it is there at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from outage_analysis.analysis import Analysis
from outage_analysis.incidents import figure
from outage_analysis.reports.accounting import totals
from outage_analysis.reports.blocks import Block, Heading, Items, Picture, Section, Table, Text
from outage_analysis.reports.first_screen import free_note
from outage_analysis.text import Locale

QUALITY = {
    "claims_quality": "quality_files",
    "claims_rules": "quality_rules",
    "claims_claimants": "quality_claimants",
    "claims_heaping": "quality_heaping",
    "claims_bunching": "quality_bunching",
}


def sections(
    analysis: Analysis, words: Locale, grids: Collection[str], charts: Collection[str]
) -> tuple[Section, ...]:
    """Every section that has something to say, in order.

    Args:
        analysis: the figures.
        words: the language.
        grids: names of the tables that have rows.
        charts: names of the charts that show something.
    """
    maker = _Maker(analysis, words, grids, charts)
    return tuple(section for section in maker.all() if section.blocks)


@dataclass(frozen=True)
class _Maker:
    """Builds sections from what there is."""

    analysis: Analysis
    words: Locale
    grids: Collection[str]
    charts: Collection[str]

    def all(self) -> Iterator[Section]:
        """The sections, also those without a block."""
        locale = self.words
        made_up = self.analysis.headline_is_synthetic
        yield self._section("cost", "cost_title", self._cost(), synthetic=made_up)
        if "funnel" in self.grids:
            said = [Text(sentence) for sentence in _funnel_words(self.analysis, locale)]
            shown = self._picture("funnel", "funnel", "funnel_title")
            yield self._section("funnel", "funnel_title", [*said, *shown], synthetic=made_up)
        yield self._section("doubt", "doubt_title", self._doubt(), synthetic=made_up)
        drivers = self._picture("tornado", "tornado", "drivers_title")
        yield self._section(
            "tornado", "drivers_title", self._under("drivers_intro", drivers), synthetic=made_up
        )
        yield self._section("compared", "compared_title", self._compared(), synthetic=made_up)
        yield self._section("policy", "policy_title", self._table("policy", "policy_title"))
        if "free" in self.grids:
            shown = [
                Text(free_note(self.analysis, locale)),
                *self._picture("free_goods", "free", "free_title"),
            ]
            yield self._section("free", "free_title", shown)
        yield self._section("claims", "claims_title", self._claims(), synthetic=self.analysis.synthetic)
        yield self._section("quality", "quality_title", self._quality(), synthetic=self.analysis.synthetic)
        ties = self._table("tie_outs", "tie_title")
        yield self._section("tie-outs", "tie_title", self._under("tie_intro", ties))
        yield self._section("accounting", "controller_title", self._accounting(), synthetic=made_up)
        yield self._section("assumptions", "assumptions_title", self._assumptions())
        yield self._section("hindsight", "hindsight_title", self._hindsight(), hindsight=True)
        cited = self._table("facts", "facts_title", folded=True)
        yield self._section("facts", "facts_title", self._under("facts_intro", cited))
        limits = (*(text[locale.lang] for text in self.analysis.limits), locale("report.limits"))
        yield self._section("method", "method_title", [Text(self._method()), Items(limits)])

    def _method(self) -> str:
        """How it was computed; rates follow the written rule where the ledger derives any."""
        keys = ["method", "method_claims" if self.analysis.headline_from_claims else "method_counts"]
        keys += ["method_rule"] if self.analysis.has_rule_based_rates else []
        return " ".join(self.words(f"report.{key}") for key in keys)

    def _section(
        self, id_: str, key: str, blocks: Iterable[Block], *, synthetic: bool = False, hindsight: bool = False
    ) -> Section:
        return Section(id_, self.words(f"report.{key}"), tuple(blocks), synthetic, hindsight)

    def _cost(self) -> Iterator[Block]:
        locale = self.words
        of_claims = self.analysis.headline_from_claims
        if self.analysis.headline_is_synthetic:
            yield Text(locale("report.claims_intro_synthetic"))
        yield Text(locale("report.cost_intro_claims" if of_claims else "report.cost_intro"))
        yield from self._picture("waterfall", "steps", "steps_title")
        yield from self._table("cost", "cost_title")
        if "services" in self.grids:
            yield Heading(locale("report.services_title"))
            yield Text(locale("report.services_intro_claims" if of_claims else "report.services_intro"))
            yield from self._table("services", "services_title")
        if "beside" in self.grids:
            yield Heading(locale("report.beside_title"))
            yield Text(locale("report.beside_intro"))
            yield from self._table("beside", "beside_title")

    def _doubt(self) -> Iterator[Block]:
        if "quantiles" in self.grids:
            yield Text(self.words("report.doubt_intro"))
            yield from self._picture("total_law", "quantiles", "doubt_title")
            yield from self._picture("exceedance", "exceedance", "exceedance_title")
            if "split" in self.grids:
                yield Heading(self.words("report.split_title"))
                yield from self._table("split", "split_title", folded=True)

    def _compared(self) -> Iterator[Block]:
        if self.analysis.compared is not None:
            yield Text(self.analysis.compared.sentence(self.words))
            yield Text(self.words("report.compared_caveat"))
            yield from self._picture("comparison", "comparison", "compared_title")
            yield from self._table("pairs", "pairs_title")
            yield from self._table("flips", "flips_title")

    def _claims(self) -> Iterator[Block]:
        locale = self.words
        if not self.analysis.cubes:
            return
        yield Text(
            locale("report.claims_intro_synthetic" if self.analysis.synthetic else "report.claims_intro")
        )
        yield from self._picture(
            "band_distribution", "claims_bands", "", caption=locale("chart.bands_measure")
        )
        if "claims_summary" in self.grids:
            yield Heading(locale("report.summary_title"))
            yield Text(locale("report.summary_intro"))
            yield from self._table("claims_summary", "summary_title", folded=True)
        if "claims_fits" in self.grids:
            yield Heading(locale("report.fits_title"))
            yield Text(locale("report.fits_intro"))
            yield from self._picture("ogive", "claims_points", "points_title")
            yield from self._table("claims_fits", "fits_title", folded=True)
            yield from self._picture("tail", "claims_fitted", "fitted_title")
        yield from self._picture("intake", "claims_intake", "", caption=locale("chart.intake_title"))
        if "claims_costs" in self.grids:
            yield Heading(locale("report.claims_cost_title"))
            yield from map(Text, self.analysis.unstated_notes(locale))
            yield from self._table("claims_costs", "claims_cost_title", folded=True)

    def _quality(self) -> Iterator[Block]:
        locale = self.words
        if "claims_quality" not in self.grids:
            return
        files = self.analysis.tables["claims_quality"]
        sums = {c: locale.exact(int(files[c].sum())) for c in ("rows", "claims", "rejects")}
        yield Text(locale("report.quality_line", **sums))
        for name, title in QUALITY.items():
            if name in self.grids:
                yield Heading(locale(f"report.{title}"))
                yield from self._table(name, title)
            elif name == "claims_rules":
                yield Text(locale("report.quality_clean"))

    def _accounting(self) -> Iterator[Block]:
        locale = self.words
        if "controller" in self.grids:
            yield Text(locale("report.controller_intro"))
            yield from self._table("controller", "controller_title")
            if any(run.portfolio.tied("cash") for run in self.analysis.runs.values()):
                yield Text(locale("report.tied"))
            if summed := totals(self.analysis, locale):
                yield Items(summed)
            yield Text(locale("report.controller_no_recourse"))

    def _assumptions(self) -> Iterator[Block]:
        inputs, unused = self.analysis.used_ledger, self.analysis.unused_entries
        if "assumptions" in self.grids and inputs is not None:
            yield Text(self.words("report.assumptions_intro"))
            if unused:
                names = self.analysis.names(self.words.lang)
                yield Text(self.words("report.assumptions_unused", names=", ".join(names[x] for x in unused)))
            if any(a.outcome_known for a in inputs.assumptions):
                yield Text(self.words("report.assumptions_outcome"), "strong")
            yield from self._table("assumptions", "assumptions_title")
            yield Heading(self.words("report.assumptions_behind"))
            yield from self._table("assumptions_behind", "assumptions_behind")

    def _hindsight(self) -> Iterator[Block]:
        locale, tried = self.words, self.analysis.backtest
        if "hindsight_outcomes" not in self.grids:
            return
        yield Text(locale("report.hindsight_intro", day=locale.day(self.analysis.as_of)))
        yield from (Text(said, "strong") for said in lesson(self.analysis, locale))
        if tried is not None:
            yield Heading(locale("report.backtest_title"))
            yield from self._picture("backtest", "backtest", "backtest_title")
            yield Items(tuple(tried.sentences(locale)))
        yield from self._table("hindsight_headlines", "differs")
        yield from self._table("hindsight_tie_outs", "tie_title")
        yield from self._table("hindsight_outcomes", "hindsight_title")

    def _under(self, key: str, blocks: Sequence[Block]) -> list[Block]:
        """What there is under an opening sentence; nothing without it."""
        return [Text(self.words(f"report.{key}")), *blocks] if blocks else []

    def _table(self, grid: str, title: str, *, folded: bool = False) -> list[Block]:
        return [Table(grid, self.words(f"report.{title}"), folded)] if grid in self.grids else []

    def _picture(self, chart: str, grid: str, title: str, *, caption: str = "") -> list[Block]:
        """A chart with its table folded under it; nothing where it shows nothing."""
        if chart not in self.charts:
            return []
        caption = caption or (self.words(f"report.{title}") if title else "")
        return [Picture(chart, Table(grid, caption, folded=True) if grid in self.grids else None)]


def _funnel_words(analysis: Analysis, locale: Locale) -> Iterator[str]:
    """What comes of a hundred reports; of which line, where there are several."""
    table, names = analysis.tables[analysis.headline_table_name("funnel")], analysis.names(locale.lang)
    told = "report.funnel_intro_claims" if analysis.headline_from_claims else "report.funnel_intro"
    several = table["line"].n_unique() > 1
    for (line,), rows in table.group_by("line", maintain_order=True):
        found = dict(rows.select("stage", "expected").iter_rows())
        first = next(iter(found.values()))
        if None in found.values() or not first:
            continue
        filed, paid = (locale.number(locale.rounded(100 * found[s] / first)) for s in ("filed", "paid"))
        of = locale("report.of_line", line=names.get(str(line), str(line))) if several else ""
        yield locale(told, filed=filed, paid=paid, line=of)


def lesson(analysis: Analysis, locale: Locale) -> list[str]:
    """How the case ended, beside what was expected: both halves of the lesson, for hindsight only."""
    outcome, expected = analysis.incident.outcome, analysis.expected_cash()
    later = analysis.tables.get("hindsight_outcomes", pl.DataFrame())
    if outcome is None or later.is_empty() or expected is None:
        return []
    values = dict(later.select("id", "value").iter_rows())
    line = next((x for x in analysis.policy.schedules if x.id == outcome.line), None)
    if line is None or not {outcome.filed, outcome.accepted, outcome.paid} <= set(values):
        return []
    filed, accepted, paid = (values[f] for f in (outcome.filed, outcome.accepted, outcome.paid))
    said = [
        locale(
            "report.hindsight_figures",
            day=locale.day(analysis.as_of),
            expected=locale.money(expected),
            paid=locale.money(paid),
            fact=outcome.paid,
        )
    ]
    count = figure(line.published_count).whole if line.published_count else 0
    tiers = [rule.fixed for _, rule in line.rules() if rule.fixed]
    if count and tiers:
        mean = paid / accepted
        said.append(
            locale(
                "report.hindsight_lesson",
                count=locale.number(count),
                filed=locale.number(filed),
                accepted=locale.number(accepted),
                cut=locale.number(locale.rounded(count / accepted)),
                mean=locale.money(mean),
                least=locale.number(round(mean / max(tiers))),
                most=locale.number(round(mean / min(tiers))),
            )
        )
    return said
