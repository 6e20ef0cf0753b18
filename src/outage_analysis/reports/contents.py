"""What a report says: the sentences and options of its first screen, and the sections that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from outage_analysis.analysis import (
    MAX_NAMED_LINES,
    Analysis,
    budget_scope,
    driver_sentences,
    headline_sentences,
    input_notes,
    narrowing_sentence,
    parts_left_out,
    promised_range,
    recommendation,
    reserve_column,
    reserve_scope,
    unstated_notes,
)
from outage_analysis.costs import HAS_AMOUNT, UNSTATED, scenarios
from outage_analysis.incidents import get_fact
from outage_analysis.reports.blocks import (
    Answers,
    Block,
    BulletList,
    ChartBlock,
    Grid,
    GridColumn,
    Heading,
    Option,
    Section,
    TableBlock,
    Text,
    Tile,
)
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES, presentation_totals
from outage_analysis.text import Column, Locale, short_names

MATTERS = 0.1
"""An option is named among the decisions if it changes the expected cost by at least this share."""


def tiles(analysis: Analysis, locale: Locale) -> list[Tile]:
    """Return the key figures (tiles) of the first screen of a report, in reading order."""
    published = [_expected_tile, _budget_tile, _promised_tile, _free_goods_tile]
    # The figure from claims comes first if published counts give no expected cash cost and no cost line
    # refers to a published count.
    cited = any(line.published_count for line in analysis.policy.schedules)
    counted = cited or analysis.expected_cash() is not None
    order = [*published, _claims_tile] if counted else [_claims_tile, *published[1:]]
    return [tile for make in order if (tile := make(analysis, locale)) is not None]


def _expected_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    total, expected = analysis.totals_row("published"), analysis.expected_cash()
    title = locale("report.tile_expected")
    if total is None or expected is None:
        return Tile(title, "–", locale("report.no_headline"))
    # If inputs depend on each other, the mean can lie outside the bounds, which are computed for independent
    # inputs. The bounds are then widened to include the mean.
    low, high = min(total["low"] or 0.0, expected), total["high"] and max(total["high"], expected)
    key = "tile_expected_unbounded" if high is None else "tile_expected_note"
    ends = {"low": locale.money(low), "high": "" if high is None else locale.money(high)}
    bounds = locale(f"report.{key}", total=_upper_bound_text(total["most"], locale), **ends)
    rows = analysis.exact_tables["costs"].filter(basis="published", level="line", valuation="cash")
    counted, names = rows.filter(pl.col("expected").is_not_null())["line"], analysis.names(locale.lang)
    scope = ", ".join(names.get(x, x) for x in counted)
    scope = f"{locale('report.tile_scope', lines=scope)} " if 0 < len(counted) <= MAX_NAMED_LINES else ""
    likely = _likely_range(analysis, locale, "published")
    return Tile(title, locale.money(expected), f"{likely}{scope}{bounds}", likely=likely)


def _upper_bound_text(most: float | None, locale: Locale) -> str:
    """Return a text that states the largest possible total, or that the total has no upper limit."""
    open_end = locale("report.total_open")
    return open_end if most is None else locale("report.total_most", most=locale.money(most))


def _likely_range(analysis: Analysis, locale: Locale, basis: str) -> str:
    """Return the likely range of the cash cost as text; empty if the cost was not simulated."""
    likely = analysis.likely_cash(basis)
    if likely is None:
        return ""
    low, high = map(locale.money, likely)
    return locale("report.tile_likely_one" if low == high else "report.tile_likely", low=low, high=high) + " "


def _budget_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    basis = next((b for b in analysis.runs if analysis.uncertainty_table(b, "budget") is not None), "")
    table = analysis.uncertainty_table(basis, "budget")
    if table is None:
        return None
    row = table.row(0, named=True)
    title = locale("report.tile_budget", budget=locale.money_in_full(row["budget"]))
    error = locale("report.tile_budget_error", error=locale.number(locale.rounded(100 * row["error"], 1)))
    note = f"{budget_scope(analysis, basis, locale)} {error}"
    return Tile(title, locale.share(row["exceeded"]), note, synthetic=basis == "synthetic")


def _promised_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    promised = promised_range(analysis)
    if promised is None:
        return None
    line, count, low, high = promised
    several = "report.tile_promised_note" if low < high else "report.tile_promised_one"
    note, title = locale(several, count=locale.number(count)), "report.tile_promised"
    if any(rule.review for _, rule in line.positive_bands):
        note, title = f"{note} {locale('report.tile_promised_review')}", "report.tile_promised_tiers"
    return Tile(locale(title), locale.money_range(low, high), note)


def _free_goods_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    total = analysis.totals_row("published", "face_value")
    if total is None or total["expected"] is None:
        return None
    return Tile(locale("report.tile_free"), locale.money(total["expected"]), free_note(analysis, locale))


def free_note(analysis: Analysis, locale: Locale) -> str:
    """Return the note on goods that are given away, which states the total promised at list price.

    If the promised amount of some goods is unknown, the note states for how many.
    """
    goods = analysis.exact_tables["costs"].filter(
        pl.col("expected").is_not_null(), level="line", valuation="face_value"
    )
    if goods["promised"].null_count():  # some promised amounts are unknown, so there is no total
        return locale("report.tile_free_known", count=locale.number(goods["promised"].null_count()))
    return locale("report.tile_free_note", promised=locale.money(float(goods["promised"].sum())))


def _claims_tile(analysis: Analysis, locale: Locale) -> Tile | None:
    total = analysis.totals_row("claims") or analysis.totals_row("synthetic")
    if total is None:
        return None
    lines, high = analysis.exact_tables["claims_costs"].filter(level="line"), total["high"]
    basis = str(lines["basis"][0])
    likely, key = _likely_range(analysis, locale, basis), "made" if analysis.synthetic else "note"
    missing = dict.fromkeys(" ".join(lines["missing"].fill_null("")).split())
    if total["expected"] is None:
        unstated = UNSTATED in lines["status"]
        likely, key = "", "unstated" if unstated else "none" if missing else "bands"
    elif high is None:
        likely, key = "", "open"
    note = locale(
        f"report.tile_claims_{key}",
        count=locale.number(sum(c.claims for n, c in analysis.cubes.items() if n == "cost")),
        low=locale.money(total["low"] or 0.0),
        high="–" if high is None else locale.money(high),
        total=_upper_bound_text(total["most"], locale),
        missing=", ".join(locale(f"word.{name}") for name in missing),
    )
    expected = analysis.expected_cash(basis)
    amount = "–" if expected is None else locale.money(expected)
    title = locale("report.tile_claims")
    return Tile(title, amount, likely + note, synthetic=analysis.synthetic, likely=likely)


def sentences(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> Answers:
    """Return the first screen's sentences on cost drivers, decisions and what the cost leaves out."""
    headline, options = headline_sentences(analysis, locale), decision_options(analysis, locale)
    rates = tuple(input_notes(analysis, locale))
    recommended = (*recommendation(analysis, locale), *_largest_change(options, locale))
    levers = analysis.exact_tables["levers"]
    several = levers["line"].n_unique() > 1
    changes = (
        locale(
            f"report.decide_{row['lever']}",
            line=locale("report.of_line", line=names.get(row["line"], row["line"])) if several else "",
            step=locale.money(row["step"]) if row["lever"] == "award" else "",
            adds=locale.money(row["adds"]),
        )
        for row in levers.iter_rows(named=True)
    )
    bounded = "not_counted_claims" if analysis.headline_from_claims else "not_counted"
    left_out = _without(bounded, analysis.bounded_lines, locale, names)
    left_out += _without("lines_apart", analysis.published_lines_left_out, locale, names)
    left_out += unstated_notes(analysis, locale, first_screen=True)
    left_out += [] if headline else [*rates, *parts_left_out(analysis, locale)]
    if analysis.claims is not None and "cost" in analysis.cubes:
        # Synthetic claims with a later date were generated from a count that was published later. They
        # therefore have a sentence of their own.
        key = "report.later_rows" if analysis.synthetic else "report.later_claims"
        if later := len(analysis.claims) - analysis.cubes["cost"].claims:
            left_out.append(locale(key, count=locale.number(later), day=locale.day(analysis.as_of)))
    if any(run.portfolio.has_correlated_inputs("cash") for run in analysis.runs.values()):
        left_out.append(locale("report.tied"))
    if unpriced := analysis.unpriced_lines:
        left_out.append(locale("report.no_figure", count=len(unpriced)))
    left_out += _without("dropped", analysis.dropped_lines, locale, names)
    left_out += _without("budget_left_out", analysis.lines_outside_budget, locale, names)
    return Answers(
        headline=headline and headline + rates,
        narrows=narrowing_sentence(analysis, locale),
        reserve=_reserve_lines(analysis, locale),
        recommended=recommended,
        options=options,
        drives=tuple(driver_sentences(analysis, locale)),
        decide=recommended if options else tuple(changes),
        left_out=tuple(left_out),
    )


def _without(key: str, lines: Iterable[str], locale: Locale, names: Mapping[str, str]) -> list[str]:
    """Return a sentence that names cost lines; none if there are no lines."""
    named = ", ".join(names.get(line, line) for line in lines)
    return [locale(f"report.{key}", lines=named)] if named else []


def _reserve_lines(analysis: Analysis, locale: Locale) -> tuple[tuple[str, str], ...]:
    """Return the amounts to set aside by measure: label, and amount of the cash with the handling."""
    table = analysis.exact_tables.get("reserve")
    if table is None:
        return ()
    rows = table.select("measure", reserve_column(analysis)).iter_rows()
    labels = {"mean": locale("report.live_mean"), "p50": locale("report.live_median")}
    for percent in (75, 90):
        labels[f"p{percent}"] = locale("report.reserve_above", percent=percent, above=100 - percent)
    return tuple((labels[name], locale.money(amount)) for name, amount in rows if amount is not None)


def _largest_change(options: Sequence[Option], locale: Locale) -> list[str]:
    """Return the sentence on the option that changes the expected cost most; [] if none does so clearly."""
    costs = {option.name: option.expected for option in options if option.expected is not None}
    if len(costs) < 2:  # noqa: PLR2004 - the announced policy and another
        return []
    base = next(iter(costs.values()))
    name = max(costs, key=lambda name: abs(costs[name] - base))
    if abs(costs[name] - base) < MATTERS * base:
        return []
    amounts = {"expected": locale.money(costs[name]), "base": locale.money(base)}
    return [locale("report.options_largest", name=name, **amounts)]


NO_FIGURE = "–"
"""Placeholder in a cell without a figure."""
FIGURES = ("expected", "range_low", "range_high", "over_budget", "recipients", "per_recipient")
"""The columns of the tables of scenarios and of compared policies that an option shows."""


def decision_options(analysis: Analysis, locale: Locale) -> tuple[Option, ...]:
    """Return the options of the first screen, starting with the announced policy; empty without options.

    If the analysis compares policies, return the policies; otherwise the scenarios that are decisions of the
    company. The figures of the first option are those of the headline.
    """
    if analysis.compared is None:
        table = analysis.exact_tables.get("scenarios", pl.DataFrame({"scenario": [], "status": []}))
        found = {row["scenario"]: row for row in table.filter(status="ok").iter_rows(named=True)}
        decisions = [
            scenario
            for scenario in scenarios.load_scenarios().scenarios
            if scenario.id in found
            and {*scenario.changes} <= {"effort", "extra_days", "award_factor", "acceptance_odds_ratio"}
        ]
        names = [locale("report.scenario_base"), *(scenario.name[locale.lang] for scenario in decisions)]
        base = table.filter(scenario="base").to_dicts() if decisions else []
        rows = [*base, *(found[scenario.id] for scenario in decisions)]
    else:
        table, display = analysis.exact_tables["comparison"], analysis.names(locale.lang)
        names = short_names([display.get(id_, id_) for id_ in table["policy"]])
        budget = analysis.plan.budget or 0
        chances = analysis.compared.simulations.chances_over(budget * 10.0**analysis.incident.minor_units)
        chances = chances if budget else {}
        rows = [row | {"over_budget": chances.get(row["policy"])} for row in table.to_dicts()]
        rows[0] |= _headline_figures(analysis)
    return tuple(Option(name, *(row[x] for x in FIGURES)) for name, row in zip(names, rows, strict=False))


def _headline_figures(analysis: Analysis) -> dict[str, float | None]:
    # The comparison simulates all policies together, so its range differs slightly from that of the headline
    # because of simulation error.
    likely, basis = analysis.likely_cash(analysis.headline_basis), analysis.headline_basis
    if likely is None:
        return {}
    budget = analysis.uncertainty_table(basis, "budget")
    chance = None if budget is None else float(budget["exceeded"][0])
    return dict(zip(FIGURES, (analysis.expected_cash(basis), *likely, chance), strict=False))


def option_titles(analysis: Analysis, locale: Locale) -> dict[str, str]:
    """Return the titles of the columns of the table of options."""
    budget = locale.money_in_full((analysis.plan.budget or 0) * 10**analysis.incident.minor_units)
    keys = ("name", "expected", "range", "over", "gains")
    return {key: locale(f"report.option_{key}", budget=budget) for key in keys}


def option_grid(options: tuple[Option, ...], analysis: Analysis, locale: Locale) -> Grid:
    """Return the table of options as strings, rounded as on the first screen."""
    cells = zip(*(_cells(option, locale) for option in options), strict=True)
    heads = zip(option_titles(analysis, locale).values(), ("", "n", "n", "n", ""), strict=True)
    shown = [(head, texts) for head, texts in zip(heads, cells, strict=True) if {*texts} != {NO_FIGURE}]
    rows = tuple(zip(*(texts for _, texts in shown), strict=True))
    return Grid(tuple(GridColumn(*head) for head, _ in shown), rows)


def _cells(option: Option, locale: Locale) -> tuple[str, ...]:
    low, high, gains = option.range_low, option.range_high, NO_FIGURE
    if option.recipients is not None:
        count = locale.exact(float(f"{option.recipients:.2g}"))
        gains = locale("report.option_recipients", count=count)
        if option.per_recipient is not None:
            gains = locale("report.option_paid", count=count, amount=locale.money(option.per_recipient))
    return (
        option.name,
        NO_FIGURE if option.expected is None else locale.money(option.expected),
        NO_FIGURE if low is None or high is None else locale.money_range(low, high),
        NO_FIGURE if option.over_budget is None else locale.share(option.over_budget),
        gains,
    )


def option_view(
    options: tuple[Option, ...], analysis: Analysis, locale: Locale
) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """Return the table of options as numbers, and those of its columns that have any."""
    titles, likely = option_titles(analysis, locale), analysis.likely_range
    columns = (
        Column("name", "text", "The option.", title=titles["name"]),
        Column("expected", "money", "The expected cash.", title=titles["expected"]),
        Column("range_low", "money", "The low end of the likely range.", title=likely.low.upper()),
        Column("range_high", "money", "The high end of the likely range.", title=likely.high.upper()),
        Column("over_budget", "share", "The chance of exceeding the budget.", title=titles["over"]),
        Column("recipients", "count", "The expected recipients.", title=titles["gains"]),
        Column("per_recipient", "money", "The mean payment."),
    )
    frame = pl.DataFrame(options)
    return frame, tuple(column for column in columns if frame[column.name].count())


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
