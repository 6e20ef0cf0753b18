"""Define the order and content of the report sections that follow the first screen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from outage_analysis.analysis import Analysis, reserve_scope, unstated_notes
from outage_analysis.costs import HAS_AMOUNT
from outage_analysis.incidents import get_fact
from outage_analysis.reports.blocks import (
    Block,
    BulletList,
    ChartBlock,
    Grid,
    Heading,
    Section,
    TableBlock,
    Text,
)
from outage_analysis.reports.first_screen import free_note
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES, presentation_totals
from outage_analysis.text import Locale

QUALITY = {"quality": "files"} | {x: x for x in ("amounts", "rules", "claimants", "heaping", "bunching")}
"""The end of the name of each table on the quality of the claims -> the end of the key of its title."""
PRINTED_APPENDICES = ("cost", "decisions", "accounting", "assumptions", "hindsight")


@dataclass(frozen=True)
class SectionBuilder:
    """Builds the report sections after the first screen from the tables and charts that have data."""

    analysis: Analysis
    locale: Locale
    grids: Mapping[str, Grid]
    charts: Collection[str]
    left_out: Sequence[str]
    """Sentences on what the cost leaves out."""

    def all(self) -> Iterator[Section]:
        """Yield the sections in order, also empty ones: first those for every reader, then appendices."""
        analysis, headline = self.analysis, self.analysis.headline_is_synthetic
        tables, cash = analysis.exact_tables, cash_facts(analysis)
        beside, every = (*cash, *tables["headlines"]["fact"]), tuple(tables["facts"]["id"])
        bands, made = self._service_bands(), analysis.synthetic
        yield self._section("service-bands", "service_bands_title", bands, synthetic=made, facts=cash)
        if "service_bands_claims" not in self.grids:
            cited = tuple(" ".join(tables["services"]["facts"]).split())
            yield self._section("services", "services_title", self._published_services(), facts=cited)
        published = self._table("published_counts", "published_counts_title")
        yield self._section("published", "published_counts_title", published)
        why = "why_title_claims" if analysis.headline_from_claims else "why_title"
        yield self._section("why", why, self._why(), synthetic=headline, facts=cash)
        policies = "compared_with" if "headlines" in self.grids else "compared_options"
        compared = "compared_headlines" if analysis.compared is None else policies
        yield self._section("compared", compared, self._compared(), synthetic=headline, facts=beside)
        yield self._section("method", "method_with", self._method_blocks(), facts=every)
        for section in self._appendices():
            yield replace(section, appendix=True, printed=section.id in PRINTED_APPENDICES)

    def _appendices(self) -> Iterator[Section]:
        section, table, headline = self._section, self._table, self.analysis.headline_is_synthetic
        yield section("claims", "claims_title", self._claims(), synthetic=self.analysis.synthetic)
        yield section("cost", "cost_title", self._cost(), synthetic=headline)
        yield section("decisions", "decisions_title", self._decisions(), synthetic=headline)
        yield section("accounting", "controller_title", self._accounting(), synthetic=headline)
        yield section("doubt", "doubt_title", self._uncertainty(), synthetic=headline)
        yield section("policy", "policy_title", table("policy", "policy_title"))
        if "free" in self.grids:
            free = Text(free_note(self.analysis, self.locale))
            yield section("free", "free_title", [free, *self._picture("free_goods", "free", "free_title")])
        yield section("assumptions", "assumptions_title", self._assumptions())
        yield section("quality", "quality_title", self._quality(), synthetic=self.analysis.synthetic)
        ties = self._with_intro("tie_intro", table("tie_outs", "tie_title"))
        yield section("tie-outs", "tie_title", ties)
        yield replace(section("hindsight", "hindsight_title", self._hindsight()), hindsight=True)
        yield section("facts", "facts_title", self._with_intro("facts_intro", table("facts", "facts_title")))

    def _section(
        self,
        id_: str,
        key: str,
        blocks: Iterable[Block],
        *,
        synthetic: bool = False,
        facts: Sequence[str] = (),
    ) -> Section:
        return Section(id_, self.locale(f"report.{key}"), tuple(blocks), synthetic, facts=tuple(facts))

    def _why(self) -> Iterator[Block]:
        if "funnel" in self.grids:
            for sentence in _funnel_sentences(self.analysis, self.locale):
                yield Text(sentence, slide=True)
            # A slide has room for two charts, and the sentence says what the funnel shows.
            alone = not {"waterfall", "tornado"} <= set(self.charts)
            title = "funnel_title_claims" if self.analysis.headline_from_claims else "funnel_title"
            yield from self._picture("funnel", "funnel", title, slide=alone)
        yield from self._picture("waterfall", "steps", "steps_title", slide=True)
        tornado = self._picture("tornado", "tornado", "drivers_title", slide=True)
        yield from self._with_intro("drivers_intro", tornado)
        yield from self._table("information_value", "information_title", folded=True)

    def _method_blocks(self) -> Iterator[Block]:
        locale, analysis = self.locale, self.analysis
        if self.left_out:
            yield Heading(locale("report.left_out_title"), slide=True)
            yield BulletList(tuple(self.left_out), slide=True)
        yield Heading(locale("report.method_heading"), slide=True)
        applied = any(
            x.effort_on(analysis.as_of) != "automatic" for x in analysis.policy.public_by(analysis.as_of)[0]
        )
        from_claims = "method_claims" if applied else "method_automatic"
        keys = ["method", from_claims if analysis.headline_from_claims else "method_counts"]
        keys += ["method_rule"] if analysis.has_rule_based_rates else []
        yield Text(" ".join(locale(f"report.{key}") for key in keys), slide=True)
        limits = (*(text[locale.lang] for text in analysis.limits), locale("report.limits"))
        yield BulletList(limits, slide=True)

    def _cost(self) -> Iterator[Block]:
        locale = self.locale
        if self.analysis.headline_is_synthetic:
            yield Text(locale("report.claims_intro_synthetic"))
        intro = "cost_intro_claims" if self.analysis.headline_from_claims else "cost_intro"
        yield Text(locale(f"report.{intro}"))
        yield from self._table("cost", "cost_title")
        if "service_bands_claims" in self.grids and "services" in self.grids:
            yield Heading(locale("report.services_title"))
            yield from self._published_services()
        yield from self._part("beside", "beside")

    def _published_services(self) -> Iterator[Block]:
        locale, services = self.locale, self.analysis.exact_tables["services"]
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
        costs = (
            analysis.exact_tables["claims_costs"].filter(level="band").group_by("service").agg(entitled.any())
        )
        if not costs["rule"].all():
            yield Text(locale("report.service_bands_scope", policy=locale("report.policy_title")))
        names = analysis.names(locale.lang)
        per_claimant = [names.get(x.id, x.id) for x in analysis.policy.schedules if x.grain == "claimant"]
        if per_claimant:
            yield Text(locale("report.service_bands_claimants", lines=", ".join(per_claimant)))
        yield from self._picture("services_by_band", "")
        unit = analysis.incident.loss.unit
        loss = locale.unit if unit == analysis.incident.currency else locale.unit_name(unit)
        for measure in SERVICE_BAND_MEASURES:
            grid = f"service_bands_{measure}"
            if grid in self.grids:
                caption = locale(f"report.{grid}", loss=loss, unit=locale.unit)
                if analysis.synthetic:  # a page break may part the table from the mark of its section
                    caption = locale("chart.synthetic_prefix", title=caption)
                yield Heading(caption)
                yield TableBlock(grid, caption, slide=slide and measure == "claims")

    def _uncertainty(self) -> Iterator[Block]:
        if "quantiles" in self.grids:
            yield Text(self.locale("report.doubt_intro"))
            yield from self._table("exceedance", "exceedance_title", folded=True)
            yield from self._part("split", "split", intro=False, folded=True)

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
        locale, picture = self.locale, self._picture
        if not self.analysis.cubes:
            return
        intro = "claims_intro_synthetic" if self.analysis.synthetic else "claims_intro"
        yield Text(locale(f"report.{intro}"))
        yield from picture("band_distribution", "claims_bands", caption=locale("chart.bands_measure"))
        yield from self._part("claims_summary", "summary", folded=True)
        if "claims_fits" in self.grids:
            yield Heading(locale("report.fits_title"))
            yield Text(locale("report.fits_intro"))
            yield from picture("ogive", "claims_points", "points_title")
            yield from self._table("claims_fits", "fits_title", folded=True)
            yield from picture("tail", "claims_fitted", "fitted_title")
        yield from picture("intake", "claims_intake", caption=locale("chart.intake_title"))
        if "claims_costs" in self.grids:
            yield Heading(locale("report.claims_cost_title"))
            yield from map(Text, unstated_notes(self.analysis, locale))
            yield from self._table("claims_costs", "claims_cost_title", folded=True)

    def _quality(self) -> Iterator[Block]:
        if "claims_quality" not in self.grids:
            return
        files, locale = self.analysis.exact_tables["claims_quality"], self.locale
        totals = {c: locale.exact(int(files[c].sum())) for c in ("rows", "claims", "rejects")}
        yield Text(locale("report.quality_line", **totals))
        for name, title in QUALITY.items():
            if f"claims_{name}" in self.grids:
                yield Heading(locale(f"report.quality_{title}"))
                yield from self._table(f"claims_{name}", f"quality_{title}")
            elif name == "rules":
                yield Text(locale("report.quality_clean"))

    def _decisions(self) -> Iterator[Block]:
        names, scope = self.analysis.names(self.locale.lang), reserve_scope(self.analysis).counted
        lines = ", ".join(names.get(x, x) for x in scope)
        for name in ("scenarios", "reserve"):
            yield from self._part(name, name, lines=lines)

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
        locale, inputs, unused = self.locale, self.analysis.used_ledger, self.analysis.unused_entries
        if "assumptions" in self.grids and inputs is not None:
            yield Text(locale("report.assumptions_intro"))
            if unused:
                names = self.analysis.names(locale.lang)
                yield Text(locale("report.assumptions_unused", names=", ".join(names[x] for x in unused)))
            if any(a.outcome_known for a in inputs.assumptions):
                yield Text(locale("report.assumptions_outcome"), "strong")
            yield from self._table("assumptions", "assumptions_title")
            yield Heading(locale("report.assumptions_behind"))
            yield from self._table("assumptions_behind", "assumptions_behind")

    def _hindsight(self) -> Iterator[Block]:
        locale, backtest = self.locale, self.analysis.backtest
        if "hindsight_outcomes" not in self.grids:
            return
        yield Text(locale("report.hindsight_intro", day=locale.day(self.analysis.as_of)))
        yield from (Text(text, "strong") for text in _hindsight_lesson(self.analysis, locale))
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

    def _part(
        self, grid: str, key: str, *, intro: bool = True, folded: bool = False, **values: str
    ) -> Iterator[Block]:
        """Yield a heading, a sentence and a table; nothing if the table has no rows."""
        if grid in self.grids:
            yield Heading(self.locale(f"report.{key}_title"))
            if intro:
                yield Text(self.locale(f"report.{key}_intro", **values))
            yield from self._table(grid, f"{key}_title", folded=folded)

    def _table(self, grid: str, title: str, *, folded: bool = False, slide: bool = False) -> list[Block]:
        if grid not in self.grids:
            return []
        return [TableBlock(grid, self.locale(f"report.{title}"), folded, slide=slide)]

    def _picture(
        self, chart: str, grid: str, title: str = "", *, caption: str = "", slide: bool = False
    ) -> list[Block]:
        """Return a chart with its table collapsed below the chart; empty if the chart has no data."""
        if chart not in self.charts:
            return []
        caption = caption or (self.locale(f"report.{title}") if title else "")
        table = TableBlock(grid, caption, folded=True) if grid in self.grids else None
        return [ChartBlock(chart, table, slide=slide)]


def cash_facts(analysis: Analysis) -> tuple[str, ...]:
    """Return the ids of the facts behind the expected cash cost; without one, the ids behind its bounds."""
    costs = [
        analysis.exact_tables[name] for name in ("costs", "claims_costs") if name in analysis.exact_tables
    ]
    rows = pl.concat([table.filter(HAS_AMOUNT, valuation="cash", level="line") for table in costs])
    expected = rows.filter(pl.col("expected").is_not_null())
    ids = (rows if expected.is_empty() else expected)["facts"]
    return tuple(dict.fromkeys(" ".join(ids.drop_nulls()).split()))


def _funnel_sentences(analysis: Analysis, locale: Locale) -> Iterator[str]:
    table, names = analysis.exact_tables[analysis.headline_table_name("funnel")], analysis.names(locale.lang)
    several = table["line"].n_unique() > 1
    for (line,), rows in table.group_by("line", maintain_order=True):
        expected = dict(rows.select("stage", "expected").iter_rows())
        first = next(iter(expected.values()))
        if None in expected.values() or not first:
            continue
        key = "funnel_intro_claims" if analysis.headline_from_claims else "funnel_intro"
        key = key if "filed" in expected else "funnel_intro_automatic"
        filed, paid = (
            locale.number(locale.rounded(100 * expected.get(s, 0.0) / first)) for s in ("filed", "paid")
        )
        of_line = locale("report.of_line", line=names.get(str(line), str(line))) if several else ""
        yield locale(f"report.{key}", filed=filed, paid=paid, line=of_line)


def _hindsight_lesson(analysis: Analysis, locale: Locale) -> Iterator[str]:
    """Yield the sentences that compare the outcome with the forecast, and say why they differ."""
    outcome, expected = analysis.incident.outcome, analysis.expected_cash()
    if outcome is None or expected is None:
        return
    values = dict(analysis.exact_tables["hindsight_outcomes"].select("id", "value").iter_rows())
    line, facts = analysis.policy.schedule(outcome.line), (outcome.filed, outcome.accepted, outcome.paid)
    if line is None or not {*facts} <= set(values):
        return
    filed, accepted, paid = (values[fact] for fact in facts)
    amounts = {"expected": locale.money(expected), "paid": locale.money(paid)}
    yield locale("report.hindsight_figures", day=locale.day(analysis.as_of), fact=outcome.paid, **amounts)
    count = get_fact(line.published_count).whole if line.published_count else 0
    tiers = [rule.fixed for _, rule in line.tariff.rules() if rule.fixed]
    if count and tiers:
        mean = paid / accepted
        yield locale(
            "report.hindsight_lesson",
            count=locale.number(count),
            filed=locale.number(filed),
            accepted=locale.number(accepted),
            cut=locale.number(locale.rounded(count / accepted)),
            mean=locale.money(mean),
            least=locale.number(round(mean / max(tiers))),
            most=locale.number(round(mean / min(tiers))),
        )
