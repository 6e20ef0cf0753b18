"""Define the order and content of the report sections that follow the first screen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from outage_analysis.analysis import Analysis, reserve_scope, unstated_notes
from outage_analysis.costs import HAS_AMOUNT
from outage_analysis.incidents import get_fact
from outage_analysis.reports.accounting import presentation_totals
from outage_analysis.reports.blocks import Block, BulletList, ChartBlock, Heading, Section, TableBlock, Text
from outage_analysis.reports.first_screen import free_note
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES
from outage_analysis.text import Locale

QUALITY = {
    "claims_quality": "quality_files",
    "claims_amounts": "quality_amounts",
    "claims_rules": "quality_rules",
    "claims_claimants": "quality_claimants",
    "claims_heaping": "quality_heaping",
    "claims_bunching": "quality_bunching",
}
PRINTED_APPENDICES = ("cost", "decisions", "accounting", "assumptions", "hindsight")


def sections(
    analysis: Analysis,
    locale: Locale,
    grids: Collection[str],
    charts: Collection[str],
    left_out: Sequence[str],
) -> tuple[Section, ...]:
    """Return the report sections that have content, in order: first those for every reader, then appendices.

    Args:
        analysis: the analysis to report.
        locale: the labels and number formats of the language.
        grids: names of the tables that have rows.
        charts: names of the charts that have data.
        left_out: sentences on what the cost leaves out.
    """
    builder = _SectionBuilder(analysis, locale, grids, charts, left_out)
    return tuple(section for section in builder.all() if section.blocks)


@dataclass(frozen=True)
class _SectionBuilder:
    """Builds the report sections from the tables and charts that have data."""

    analysis: Analysis
    locale: Locale
    grids: Collection[str]
    charts: Collection[str]
    left_out: Sequence[str]

    def all(self) -> Iterator[Section]:
        """Yield all report sections in order, including sections without content."""
        yield from self._screens()
        yield from self._appendices()

    def _screens(self) -> Iterator[Section]:
        is_synthetic = self.analysis.headline_is_synthetic
        bands = self._service_bands()
        made = self.analysis.synthetic
        cash = cash_facts(self.analysis)
        yield self._section("service-bands", "service_bands_title", bands, synthetic=made, facts=cash)
        if "service_bands_claims" not in self.grids:
            cited = tuple(" ".join(self.analysis.tables["services"]["facts"]).split())
            yield self._section("services", "services_title", self._published_services(), facts=cited)
        published = self._table("published_counts", "published_counts_title")
        yield self._section("published", "published_counts_title", published)
        why = "why_title_claims" if self.analysis.headline_from_claims else "why_title"
        yield self._section("why", why, self._why(), synthetic=is_synthetic, facts=cash)
        beside = (*cash, *self.analysis.tables["headlines"]["fact"])
        title, blocks = self._compared_title(), self._compared()
        yield self._section("compared", title, blocks, synthetic=is_synthetic, facts=beside)
        every = tuple(self.analysis.tables["facts"]["id"])
        yield self._section("method", "method_with", self._method_blocks(), facts=every)

    def _appendices(self) -> Iterator[Section]:
        for section in self._appendix_sections():
            yield replace(section, appendix=True, printed=section.id in PRINTED_APPENDICES)

    def _appendix_sections(self) -> Iterator[Section]:
        locale, is_synthetic = self.locale, self.analysis.headline_is_synthetic
        yield self._section("claims", "claims_title", self._claims(), synthetic=self.analysis.synthetic)
        yield self._section("cost", "cost_title", self._cost(), synthetic=is_synthetic)
        yield self._section("decisions", "decisions_title", self._decisions(), synthetic=is_synthetic)
        yield self._section("accounting", "controller_title", self._accounting(), synthetic=is_synthetic)
        yield self._section("doubt", "doubt_title", self._uncertainty(), synthetic=is_synthetic)
        yield self._section("policy", "policy_title", self._table("policy", "policy_title"))
        if "free" in self.grids:
            free = [
                Text(free_note(self.analysis, locale)),
                *self._picture("free_goods", "free", "free_title"),
            ]
            yield self._section("free", "free_title", free)
        yield self._section("assumptions", "assumptions_title", self._assumptions())
        yield self._section("quality", "quality_title", self._quality(), synthetic=self.analysis.synthetic)
        ties = self._table("tie_outs", "tie_title")
        yield self._section("tie-outs", "tie_title", self._with_intro("tie_intro", ties))
        yield self._section("hindsight", "hindsight_title", self._hindsight(), hindsight=True)
        cited = self._table("facts", "facts_title")
        yield self._section("facts", "facts_title", self._with_intro("facts_intro", cited))

    def _why(self) -> Iterator[Block]:
        if "funnel" in self.grids:
            for sentence in _funnel_sentences(self.analysis, self.locale):
                yield Text(sentence, slide=True)
            # A slide has room for two charts, and the sentence says what the funnel shows.
            alone = not {"waterfall", "tornado"} <= set(self.charts)
            yield from self._picture("funnel", "funnel", funnel_title(self.analysis), slide=alone)
        yield from self._picture("waterfall", "steps", "steps_title", slide=True)
        tornado = self._picture("tornado", "tornado", "drivers_title", slide=True)
        yield from self._with_intro("drivers_intro", tornado)
        yield from self._table("information_value", "information_title", folded=True)

    def _compared_title(self) -> str:
        if self.analysis.compared is None:
            return "compared_headlines"
        return "compared_with" if "headlines" in self.grids else "compared_options"

    def _method_blocks(self) -> Iterator[Block]:
        locale = self.locale
        if self.left_out:
            yield Heading(locale("report.left_out_title"), slide=True)
            yield BulletList(tuple(self.left_out), slide=True)
        yield Heading(locale("report.method_heading"), slide=True)
        yield Text(self._method(), slide=True)
        limits = (*(text[locale.lang] for text in self.analysis.limits), locale("report.limits"))
        yield BulletList(limits, slide=True)

    def _method(self) -> str:
        keys = ["method", "method_claims" if self.analysis.headline_from_claims else "method_counts"]
        if self.analysis.headline_from_claims and not needs_application(self.analysis):
            keys = ["method", "method_automatic"]
        keys += ["method_rule"] if self.analysis.has_rule_based_rates else []
        return " ".join(self.locale(f"report.{key}") for key in keys)

    def _section(
        self,
        id_: str,
        key: str,
        blocks: Iterable[Block],
        *,
        synthetic: bool = False,
        hindsight: bool = False,
        facts: tuple[str, ...] = (),
    ) -> Section:
        title = self.locale(f"report.{key}")
        return Section(id_, title, tuple(blocks), synthetic=synthetic, hindsight=hindsight, facts=facts)

    def _cost(self) -> Iterator[Block]:
        locale = self.locale
        of_claims = self.analysis.headline_from_claims
        if self.analysis.headline_is_synthetic:
            yield Text(locale("report.claims_intro_synthetic"))
        yield Text(locale("report.cost_intro_claims" if of_claims else "report.cost_intro"))
        yield from self._table("cost", "cost_title")
        if "service_bands_claims" in self.grids and "services" in self.grids:
            yield Heading(locale("report.services_title"))
            yield from self._published_services()
        if "beside" in self.grids:
            yield Heading(locale("report.beside_title"))
            yield Text(locale("report.beside_intro"))
            yield from self._table("beside", "beside_title")

    def _published_services(self) -> Iterator[Block]:
        locale, services = self.locale, self.analysis.tables["services"]
        if "services" in self.grids:
            key = "services_intro" if (services["published_count"] != "").any() else "services_no_counts"
            key = "services_intro_claims" if self.analysis.headline_from_claims else key
            has_cost = services["expected"].count() > 0
            slide = has_cost and "service_bands_claims" not in self.grids
            cost = locale("report.services_cost", unit=locale.unit) if has_cost else ""
            yield Text(" ".join(filter(None, (locale(f"report.{key}"), cost))), slide=slide)
            yield from self._table("services", "services_title", folded=not has_cost, slide=slide)

    def _service_bands(self) -> Iterator[Block]:
        locale, analysis = self.locale, self.analysis
        if "service_bands_claims" not in self.grids:
            return
        slide = analysis.headline_from_claims
        if analysis.synthetic:
            yield Text(locale("report.claims_intro_synthetic"), slide=slide)
        yield Text(locale("report.service_bands_intro"), slide=slide)
        entitled = pl.col("rule") != "not_entitled"
        costs = analysis.tables["claims_costs"].filter(level="band").group_by("service").agg(entitled.any())
        if not costs["rule"].all():
            yield Text(locale("report.service_bands_scope", policy=locale("report.policy_title")))
        names = analysis.names(locale.lang)
        per_claimant = [names.get(x.id, x.id) for x in analysis.policy.schedules if x.grain == "claimant"]
        if per_claimant:
            yield Text(locale("report.service_bands_claimants", lines=", ".join(per_claimant)))
        yield from self._picture("services_by_band", "", "")
        unit = analysis.incident.loss.unit
        loss = locale.unit if unit == analysis.incident.currency else locale.unit_name(unit)
        for measure in SERVICE_BAND_MEASURES:
            grid = f"service_bands_{measure}"
            if grid in self.grids:
                caption = locale(f"report.{grid}", loss=loss, unit=locale.unit)
                if analysis.synthetic:  # a page break may part the table from the mark of its section
                    caption = locale("chart.synthetic_prefix", title=caption)
                yield Heading(caption)
                yield TableBlock(grid, caption, slide=slide and measure != "loss")

    def _uncertainty(self) -> Iterator[Block]:
        if "quantiles" in self.grids:
            yield Text(self.locale("report.doubt_intro"))
            yield from self._table("exceedance", "exceedance_title", folded=True)
            if "split" in self.grids:
                yield Heading(self.locale("report.split_title"))
                yield from self._table("split", "split_title", folded=True)

    def _compared(self) -> Iterator[Block]:
        if "headlines" in self.grids:
            slide = self.analysis.compared is None  # otherwise the slide compares the policies
            yield Text(self.locale("report.differs_text"), slide=slide)
            yield from self._picture("headlines", "headlines", "differs", slide=slide)
            if "headlines" not in self.charts:
                yield from self._table("headlines", "differs", slide=slide)
        if self.analysis.compared is not None:
            yield Text(self.analysis.compared.sentence(self.locale), slide=True)
            yield Text(self.locale("report.compared_caveat"), slide=True)
            yield from self._picture("comparison", "comparison", "compared_title", slide=True)
            yield from self._table("pairs", "pairs_title")
            yield from self._table("flips", "flips_title")
            yield from self._table("policy_information_value", "policy_information_title")

    def _claims(self) -> Iterator[Block]:
        locale = self.locale
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
        yield from self._picture(
            "intake_hours", "claims_intake_hours", "", caption=locale("chart.hours_measure")
        )
        if "claims_costs" in self.grids:
            yield Heading(locale("report.claims_cost_title"))
            yield from map(Text, unstated_notes(self.analysis, locale))
            yield from self._table("claims_costs", "claims_cost_title", folded=True)

    def _quality(self) -> Iterator[Block]:
        locale = self.locale
        if "claims_quality" not in self.grids:
            return
        files = self.analysis.tables["claims_quality"]
        totals = {c: locale.exact(int(files[c].sum())) for c in ("rows", "claims", "rejects")}
        yield Text(locale("report.quality_line", **totals))
        for name, title in QUALITY.items():
            if name in self.grids:
                yield Heading(locale(f"report.{title}"))
                yield from self._table(name, title)
            elif name == "claims_rules":
                yield Text(locale("report.quality_clean"))

    def _decisions(self) -> Iterator[Block]:
        lines = ", ".join(
            self.analysis.names(self.locale.lang).get(x, x) for x in reserve_scope(self.analysis).counted
        )
        for name in ("scenarios", "reserve"):
            if name in self.grids:
                yield Heading(self.locale(f"report.{name}_title"))
                yield Text(self.locale(f"report.{name}_intro", lines=lines))
                yield from self._table(name, f"{name}_title")

    def _accounting(self) -> Iterator[Block]:
        locale = self.locale
        if "controller" in self.grids:
            yield Text(locale("report.controller_intro"))
            yield from self._table("controller", "controller_title")
            if any(run.portfolio.has_correlated_inputs("cash") for run in self.analysis.runs.values()):
                yield Text(locale("report.tied"))
            if summed := presentation_totals(self.analysis, locale):
                yield BulletList(summed)
            yield Text(locale("report.controller_no_recourse"))

    def _assumptions(self) -> Iterator[Block]:
        inputs, unused = self.analysis.used_ledger, self.analysis.unused_entries
        if "assumptions" in self.grids and inputs is not None:
            yield Text(self.locale("report.assumptions_intro"))
            if unused:
                names = self.analysis.names(self.locale.lang)
                yield Text(
                    self.locale("report.assumptions_unused", names=", ".join(names[x] for x in unused))
                )
            if any(a.outcome_known for a in inputs.assumptions):
                yield Text(self.locale("report.assumptions_outcome"), "strong")
            yield from self._table("assumptions", "assumptions_title")
            yield Heading(self.locale("report.assumptions_behind"))
            yield from self._table("assumptions_behind", "assumptions_behind")

    def _hindsight(self) -> Iterator[Block]:
        locale, backtest = self.locale, self.analysis.backtest
        if "hindsight_outcomes" not in self.grids:
            return
        yield Text(locale("report.hindsight_intro", day=locale.day(self.analysis.as_of)))
        yield from (Text(texts, "strong") for texts in hindsight_lesson(self.analysis, locale))
        if backtest is not None:
            yield Heading(locale("report.backtest_title"))
            yield from self._picture("backtest", "backtest", "backtest_title")
            yield BulletList(tuple(backtest.sentences(locale)))
        yield from self._table("hindsight_headlines", "differs")
        yield from self._table("hindsight_tie_outs", "tie_title")
        yield from self._table("hindsight_outcomes", "hindsight_title")

    def _with_intro(self, key: str, blocks: Sequence[Block]) -> list[Block]:
        """Return an opening sentence and then `blocks`; empty if there are no blocks."""
        return [Text(self.locale(f"report.{key}")), *blocks] if blocks else []

    def _table(self, grid: str, title: str, *, folded: bool = False, slide: bool = False) -> list[Block]:
        if grid not in self.grids:
            return []
        return [TableBlock(grid, self.locale(f"report.{title}"), folded, slide=slide)]

    def _picture(
        self, chart: str, grid: str, title: str, *, caption: str = "", slide: bool = False
    ) -> list[Block]:
        """Return a chart with its table collapsed below the chart; empty if the chart has no data."""
        if chart not in self.charts:
            return []
        caption = caption or (self.locale(f"report.{title}") if title else "")
        table = TableBlock(grid, caption, folded=True) if grid in self.grids else None
        return [ChartBlock(chart, table, slide=slide)]


def cash_facts(analysis: Analysis) -> tuple[str, ...]:
    """Return the ids of the facts behind the expected cash cost; without one, the ids behind its bounds."""
    costs = [analysis.tables[name] for name in ("costs", "claims_costs") if name in analysis.tables]
    rows = pl.concat([table.filter(HAS_AMOUNT, valuation="cash", level="line") for table in costs])
    expected = rows.filter(pl.col("expected").is_not_null())
    ids = (rows if expected.is_empty() else expected)["facts"]
    return tuple(dict.fromkeys(" ".join(ids.drop_nulls()).split()))


def funnel_title(analysis: Analysis) -> str:
    """Return the key of the title of the funnel, whose first stage is claims or published reports."""
    return "funnel_title_claims" if analysis.headline_from_claims else "funnel_title"


def needs_application(analysis: Analysis) -> bool:
    """Return whether a claimant has to do something to be paid by some public cost line."""
    known, _ = analysis.policy.public_by(analysis.as_of)
    return any(line.effort_on(analysis.as_of) != "automatic" for line in known)


def _funnel_sentences(analysis: Analysis, locale: Locale) -> Iterator[str]:
    table, names = analysis.tables[analysis.headline_table_name("funnel")], analysis.names(locale.lang)
    from_claims = analysis.headline_from_claims
    several = table["line"].n_unique() > 1
    for (line,), rows in table.group_by("line", maintain_order=True):
        expected_by_stage = dict(rows.select("stage", "expected").iter_rows())
        first = next(iter(expected_by_stage.values()))
        if None in expected_by_stage.values() or not first:
            continue
        key = "report.funnel_intro_claims" if from_claims else "report.funnel_intro"
        if "filed" not in expected_by_stage:
            key = "report.funnel_intro_automatic"
        filed, paid = (
            locale.number(locale.rounded(100 * expected_by_stage.get(s, 0.0) / first))
            for s in ("filed", "paid")
        )
        line_note = locale("report.of_line", line=names.get(str(line), str(line))) if several else ""
        yield locale(key, filed=filed, paid=paid, line=line_note)


def hindsight_lesson(analysis: Analysis, locale: Locale) -> list[str]:
    """Return sentences for the hindsight section that compare the actual outcome with the forecast."""
    outcome, expected = analysis.incident.outcome, analysis.expected_cash()
    later = analysis.tables.get("hindsight_outcomes", pl.DataFrame())
    if outcome is None or later.is_empty() or expected is None:
        return []
    values = dict(later.select("id", "value").iter_rows())
    line = next((x for x in analysis.policy.schedules if x.id == outcome.line), None)
    if line is None or not {outcome.filed, outcome.accepted, outcome.paid} <= set(values):
        return []
    filed, accepted, paid = (values[f] for f in (outcome.filed, outcome.accepted, outcome.paid))
    texts = [
        locale(
            "report.hindsight_figures",
            day=locale.day(analysis.as_of),
            expected=locale.money(expected),
            paid=locale.money(paid),
            fact=outcome.paid,
        )
    ]
    count = get_fact(line.published_count).whole if line.published_count else 0
    tiers = [rule.fixed for _, rule in line.tariff.rules() if rule.fixed]
    if count and tiers:
        mean = paid / accepted
        texts.append(
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
    return texts
