"""What a report says: the sentences and options of its first screen, and the sections that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from outage_analysis import text
from outage_analysis.analysis import (
    Analysis,
    cost_sentences,
    driver_sentences,
    headline_sentences,
    input_notes,
    parts_left_out,
    recommendation,
    reserve_column,
    reserve_scope,
    unstated_notes,
)
from outage_analysis.costs import HAS_AMOUNT, sensitivity
from outage_analysis.incidents import get_fact
from outage_analysis.reports.blocks import (
    Answers,
    Block,
    BulletList,
    ChartBlock,
    Grid,
    GridColumn,
    Heading,
    KeyFigures,
    Section,
    TableBlock,
    Text,
)
from outage_analysis.reports.table_views import SERVICE_BAND_MEASURES, presentation_totals
from outage_analysis.text import Locale

MATTERS = 0.1
"""An option is named among the decisions if it changes the expected cost by at least this share."""


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


def sentences(analysis: Analysis, locale: Locale, names: Mapping[str, str]) -> Answers:
    """Return the first screen's sentences: the cost, what drives it, what to decide, what is left out."""
    options = decision_options(analysis, locale)
    bounded = "not_counted_claims" if analysis.headline_from_claims else "not_counted"
    # Synthetic claims with a later date were generated from a count that was published later. They therefore
    # have a sentence of their own.
    later = "report.later_rows" if analysis.synthetic else "report.later_claims"
    cube, unpriced = analysis.cubes.get("cost"), analysis.unpriced_lines
    late = len(analysis.claims) - cube.claims if analysis.claims is not None and cube is not None else 0
    left_out = (
        *_without(bounded, analysis.bounded_lines, locale, names),
        *_without("lines_apart", analysis.published_lines_left_out, locale, names),
        *unstated_notes(analysis, locale, first_screen=True),
        *([locale(later, count=locale.number(late), day=locale.day(analysis.as_of))] if late else []),
        *([locale("report.tied")] if has_tied_inputs(analysis) else []),
        *([locale("report.no_figure", count=len(unpriced))] if unpriced else []),
        *_without("dropped", analysis.dropped_lines, locale, names),
        *_without("budget_left_out", analysis.lines_outside_budget, locale, names),
    )
    headline = headline_sentences(analysis, locale) or _sentences_without_range(analysis, locale)
    return Answers(
        headline=(*headline, *input_notes(analysis, locale)),
        reserve=_reserve_lines(analysis, locale),
        recommended=(*recommendation(analysis, locale), *_largest_change(options, locale)),
        options=options,
        drives=tuple(driver_sentences(analysis, locale)),
        left_out=left_out,
    )


def _sentences_without_range(analysis: Analysis, locale: Locale) -> list[str]:
    """Return what is known of a cash cost without a likely range: its mean, if it has one, and its bounds."""
    basis = "synthetic" if analysis.synthetic else "claims"
    total = analysis.totals_row(basis if analysis.headline_from_claims else "published")
    told = cost_sentences(analysis, locale)
    if total is not None:
        low, high = total["low"] or 0.0, total["high"]
        ends = {"low": locale.money(low), "high": "" if high is None else locale.money(high)}
        told.append(locale(f"report.{'bounds_open' if high is None else 'bounds'}", **ends))
    return [*told, *parts_left_out(analysis, locale)]


def has_tied_inputs(analysis: Analysis) -> bool:
    """Return whether inputs of the cash cost depend on each other."""
    return any(run.portfolio.has_correlated_inputs("cash") for run in analysis.runs.values())


def _without(key: str, lines: Iterable[str], locale: Locale, names: Mapping[str, str]) -> list[str]:
    """Return a sentence that names cost lines; none if there are no lines."""
    named = ", ".join(names.get(line, line) for line in lines)
    return [locale(f"report.{key}", lines=named)] if named else []


def _reserve_lines(analysis: Analysis, locale: Locale) -> tuple[tuple[str, str], ...]:
    """Return the amounts to set aside by measure: label, and amount of the cash with the handling."""
    table = analysis.exact_tables.get("reserve")
    if table is None:
        return ()
    labels = {"mean": locale("word.mean"), "p50": locale("word.median")} | {
        f"p{percent}": locale("report.reserve_above", percent=percent, above=100 - percent)
        for percent in (75, 90)
    }
    rows = table.select("measure", reserve_column(analysis)).iter_rows()
    return tuple((labels[name], locale.money(amount)) for name, amount in rows if amount is not None)


def _largest_change(options: pl.DataFrame, locale: Locale) -> list[str]:
    """Return the sentence on the option that changes the expected cost most; [] if none does so clearly."""
    known = options.filter(pl.col("expected").is_not_null())
    if len(known) < 2:  # noqa: PLR2004 - the announced policy and another
        return []
    base = known["expected"][0]
    name, expected = max(known["name", "expected"].rows(), key=lambda option: abs(option[1] - base))
    if abs(expected - base) < MATTERS * base:
        return []
    return [
        locale("report.options_largest", name=name, expected=locale.money(expected), base=locale.money(base))
    ]


NO_FIGURE = "–"
"""Placeholder in a cell without a figure."""
DECISIONS = {"effort", "extra_days", "award_factor", "acceptance_odds_ratio"}
"""What a scenario may change to be a decision of the company."""
FIGURES = ("expected", "range_low", "range_high", "over_budget", "recipients", "per_recipient")
"""The columns of the tables of scenarios and of compared policies that an option shows."""


def decision_options(analysis: Analysis, locale: Locale) -> pl.DataFrame:
    """Return the options of the first screen, starting with the announced policy; no rows without options.

    If the analysis compares policies, return the policies; otherwise the scenarios that are decisions of the
    company. The columns are `name` and FIGURES; the figures of the first row are those of the headline.
    """
    tables, compared = analysis.exact_tables, analysis.compared
    if compared is None:
        stresses = [x for x in sensitivity.load_scenarios().scenarios if {*x.changes} <= DECISIONS]
        names = {"base": locale("report.scenario_base")} | {x.id: x.name[locale.lang] for x in stresses}
        table = tables.get("scenarios", text.schema_of("scenarios").frame())
        table = table.filter(pl.col("scenario").is_in([*names]), status="ok")
        rows = table.with_columns(name=pl.col("scenario").replace(names)).to_dicts() if len(table) > 1 else []
    else:
        rows, display = tables["comparison"].to_dicts(), analysis.names(locale.lang)
        shown = text.short_names([display.get(row["policy"], row["policy"]) for row in rows])
        chances = compared.simulations.chances_over(analysis.budget) if analysis.budget else {}
        rows = [
            row | {"name": name, "over_budget": chances.get(row["policy"])}
            for row, name in zip(rows, shown, strict=True)
        ]
        # The comparison simulates all policies together, so its range differs slightly from that of the
        # headline because of simulation error.
        basis = analysis.headline_basis
        if likely := analysis.likely_cash:
            budget = analysis.uncertainty_table(basis, "budget")
            chance = None if budget is None else budget["exceeded"][0]
            rows[0] |= zip(FIGURES, (analysis.expected_cash(basis), *likely, chance), strict=False)
    return pl.DataFrame(rows, {"name": pl.String, **dict.fromkeys(FIGURES, pl.Float64)})


def option_titles(analysis: Analysis, locale: Locale) -> dict[str, str]:
    """Return the titles of the columns of the table of options."""
    budget = locale.money_in_full(analysis.budget or 0)
    return {
        key: locale(f"report.option_{key}", budget=budget)
        for key in ("name", "expected", "range", "over", "gains")
    }


def option_grid(options: pl.DataFrame, analysis: Analysis, locale: Locale) -> Grid:
    """Return the table of options as strings, rounded as on the first screen, without empty columns."""
    cells = [_option_cells(option, locale) for option in options.iter_rows(named=True)]
    heads = list(zip(option_titles(analysis, locale).values(), ("", "n", "n", "n", ""), strict=True))
    shown = [n for n in range(len(heads)) if any(texts[n] != NO_FIGURE for texts in cells)]
    rows = tuple(tuple(texts[n] for n in shown) for texts in cells)
    return Grid(tuple(GridColumn(*heads[n]) for n in shown), rows)


def _option_cells(option: Mapping[str, Any], locale: Locale) -> tuple[str, ...]:
    low, high, chance, gains = option["range_low"], option["range_high"], option["over_budget"], NO_FIGURE
    if option["recipients"] is not None:
        count = locale.exact(float(f"{option['recipients']:.2g}"))
        gains = locale("report.option_recipients", count=count)
        if option["per_recipient"] is not None:
            gains = locale("report.option_paid", count=count, amount=locale.money(option["per_recipient"]))
    return (
        option["name"],
        NO_FIGURE if option["expected"] is None else locale.money(option["expected"]),
        NO_FIGURE if low is None or high is None else locale.money_range(low, high),
        NO_FIGURE if chance is None else locale.share(chance),
        gains,
    )


def option_columns(options: pl.DataFrame, analysis: Analysis, locale: Locale) -> tuple[text.Column, ...]:
    """Return the columns of the table of options that have any value."""
    titles, likely = option_titles(analysis, locale), analysis.likely_range
    columns = (
        text.Column("name", "text", "The option.", title=titles["name"]),
        text.Column("expected", "money", "The expected cash.", title=titles["expected"]),
        text.Column("range_low", "money", "The low end of the likely range.", title=likely.low.upper()),
        text.Column("range_high", "money", "The high end of the likely range.", title=likely.high.upper()),
        text.Column("over_budget", "share", "The chance of exceeding the budget.", title=titles["over"]),
        text.Column("recipients", "count", "The expected recipients.", title=titles["gains"]),
        text.Column("per_recipient", "money", "The mean payment."),
    )
    return tuple(column for column in columns if options[column.name].count())


QUALITY = {"quality": "files"} | {x: x for x in ("amounts", "rules", "claimants", "heaping", "bunching")}
"""The end of the name of each table on the quality of the claims -> the end of the key of its title."""
PRINTED_APPENDICES = ("cost", "decisions", "accounting", "assumptions", "hindsight")


@dataclass(frozen=True)
class SectionBuilder:
    """Builds the sections of a report from the tables and charts that have data."""

    analysis: Analysis
    locale: Locale
    grids: Mapping[str, Grid]
    charts: Collection[str]
    answers: Answers

    def front(self) -> tuple[Section, ...]:
        """Return the first screen as sections, in reading order: the answer, and what to decide."""
        answers, recommended = self.answers, _bullets(self.answers.recommended, slide=True)
        answer = [
            *(Text(sentence, slide=True) for sentence in answers.headline),
            *self._picture("total_distribution", "", slide=True),
            *self._part(_bullets(answers.drives), "drives"),
        ]
        amounts: list[Block] = [KeyFigures(answers.reserve, slide=True)] if answers.reserve else []
        if amounts and reserve_column(self.analysis) == "both":
            amounts.insert(0, Text(self.locale("column.both"), "strong"))
        options = self._table("options", "options_title", slide=True)
        options = self._part(options, "options_title") if recommended else options
        synthetic, facts = self.analysis.headline_is_synthetic, cash_facts(self.analysis)
        return tuple(
            Section(id_, self.locale(f"report.{id_}"), tuple(blocks), synthetic, facts=facts)
            for id_, blocks in (("answer", answer), ("decide", [*recommended, *amounts, *options]))
            if blocks
        )

    def all(self) -> Iterator[Section]:
        """Yield the other sections, also empty ones: first those for every reader, then appendices."""
        analysis, grids, tables, table = self.analysis, self.grids, self.analysis.exact_tables, self._table
        headline, made, cash = analysis.headline_is_synthetic, analysis.synthetic, cash_facts(analysis)
        policies = "compared_with" if "headlines" in grids else "compared_options"
        compared = "compared_headlines" if analysis.compared is None else policies
        services = [] if "service_bands_claims" in grids else self._published_services()
        counts = table("published_counts", "published_counts_title")
        sections: tuple[tuple[str, str, Iterable[Block], bool, Iterable[str]], ...] = (
            ("service-bands", "service_bands_title", self._service_bands(), made, cash),
            ("services", "services_title", services, False, " ".join(tables["services"]["facts"]).split()),
            ("published", "published_counts_title", counts, False, ()),
            ("why", self._for_claims("why_title"), self._why(), headline, cash),
            ("compared", compared, self._compared(), headline, (*cash, *tables["headlines"]["fact"])),
            ("method", "method_with", self._method(), False, tables["facts"]["id"]),
        )
        for id_, key, blocks, synthetic, cited in sections:
            yield Section(id_, self.locale(f"report.{key}"), tuple(blocks), synthetic, facts=tuple(cited))
        ties, facts = table("tie_outs", "tie_title"), table("facts", "facts_title")
        doubt = [*self._text("doubt_intro"), *self._table("exceedance", "exceedance_title", folded=True)]
        goods = table("free", "free_title")
        appendices: tuple[tuple[str, str, list[Block], bool], ...] = (
            ("claims", "claims_title", self._claims() if analysis.cubes else [], made),
            ("cost", "cost_title", self._cost(), headline),
            ("decisions", "decisions_title", self._decisions(), headline),
            ("accounting", "controller_title", self._accounting() if "controller" in grids else [], headline),
            ("doubt", "doubt_title", doubt if "quantiles" in grids else [], headline),
            ("policy", "policy_title", table("policy", "policy_title"), False),
            ("free", "free_title", goods and [Text(free_note(self.analysis, self.locale)), *goods], False),
            ("assumptions", "assumptions_title", self._assumptions(), False),
            ("quality", "quality_title", self._quality() if "claims_quality" in grids else [], made),
            ("tie-outs", "tie_title", self._part(ties, "", "tie_intro"), False),
            ("hindsight", "hindsight_title", self._hindsight(), False),
            ("facts", "facts_title", self._part(facts, "", "facts_intro"), False),
        )
        for id_, key, blocks, synthetic in appendices:
            yield Section(
                id_,
                self.locale(f"report.{key}"),
                tuple(blocks),
                synthetic,
                hindsight=id_ == "hindsight",
                appendix=True,
                printed=id_ in PRINTED_APPENDICES,
            )

    def _why(self) -> list[Block]:
        told = _funnel_sentences(self.analysis, self.locale) if "funnel" in self.grids else ()
        # A slide has room for two charts, and the sentence says what the funnel shows.
        alone = not {"waterfall", "tornado"} <= set(self.charts)
        tornado = self._picture("tornado", "tornado", "drivers_title", slide=True)
        return [
            *(Text(sentence, slide=True) for sentence in told),
            *self._picture("funnel", "funnel", self._for_claims("funnel_title"), slide=alone),
            *self._picture("waterfall", "steps", "steps_title", slide=True),
            *self._part(tornado, "", "drivers_intro"),
            *self._table("information_value", "information_title", folded=True),
        ]

    def _method(self) -> list[Block]:
        locale, analysis = self.locale, self.analysis
        lines, _ = analysis.policy.public_by(analysis.as_of)
        applied = any(line.effort_on(analysis.as_of) != "automatic" for line in lines)
        from_claims = "method_claims" if applied else "method_automatic"
        keys = ["method", from_claims if analysis.headline_from_claims else "method_counts"]
        keys += ["method_rule"] if analysis.has_rule_based_rates else []
        limits = (*(limit[locale.lang] for limit in analysis.limits), locale("report.limits"))
        return [
            *self._part(_bullets(self.answers.left_out, slide=True), "left_out_title", slide=True),
            Heading(locale("report.method_heading"), slide=True),
            Text(" ".join(locale(f"report.{key}") for key in keys), slide=True),
            BulletList(limits, slide=True),
        ]

    def _cost(self) -> list[Block]:
        services = self._published_services() if "service_bands_claims" in self.grids else []
        return [
            *self._text("claims_intro_synthetic", shown=self.analysis.headline_is_synthetic),
            *self._text(self._for_claims("cost_intro")),
            *self._table("cost", "cost_title"),
            *self._part(services, "services_title"),
            *self._part(self._table("beside", "beside_title"), "beside_title", "beside_intro"),
        ]

    def _published_services(self) -> list[Block]:
        services = self.analysis.exact_tables["services"]
        key = "services_intro" if (services["published_count"] != "").any() else "services_no_counts"
        key = "services_intro_claims" if self.analysis.headline_from_claims else key
        has_cost = services["expected"].count() > 0
        slide = has_cost and "service_bands_claims" not in self.grids
        cost = f" {self.locale('report.services_cost', unit=self.locale.unit)}" if has_cost else ""
        table = self._table("services", "services_title", folded=not has_cost, slide=slide)
        return [Text(self.locale(f"report.{key}") + cost, slide=slide), *table] if table else []

    def _service_bands(self) -> list[Block]:
        locale, analysis = self.locale, self.analysis
        if "service_bands_claims" not in self.grids:
            return []
        slide, names = analysis.headline_from_claims, analysis.names(locale.lang)
        bands = analysis.exact_tables["claims_costs"].filter(level="band")
        entitled = bands.group_by("service").agg((pl.col("rule") != "not_entitled").any())["rule"]
        lines = ", ".join(names.get(x.id, x.id) for x in analysis.policy.schedules if x.grain == "claimant")
        policy = locale("report.policy_title")
        blocks = [
            *self._text("claims_intro_synthetic", shown=analysis.synthetic, slide=slide),
            *self._text("service_bands_intro", slide=slide),
            *self._text("service_bands_scope", shown=not entitled.all(), policy=policy),
            *self._text("service_bands_claimants", shown=bool(lines), lines=lines),
            *self._picture("services_by_band", ""),
        ]
        for measure in SERVICE_BAND_MEASURES:
            grid = f"service_bands_{measure}"
            if grid in self.grids:
                caption = locale(f"report.{grid}", loss=locale.loss_unit_name, unit=locale.unit)
                if analysis.synthetic:  # a page break may part the table from the mark of its section
                    caption = locale("chart.synthetic_prefix", title=caption)
                blocks += [Heading(caption), TableBlock(grid, caption, slide=slide and measure == "claims")]
        return blocks

    def _compared(self) -> list[Block]:
        compared, blocks = self.analysis.compared, list[Block]()
        if "headlines" in self.grids:
            slide = compared is None  # otherwise the slide compares the policies
            picture = self._picture("headlines", "headlines", "differs", slide=slide)
            blocks += self._text("differs_text", slide=slide)
            blocks += picture or self._table("headlines", "differs", slide=slide)
        if compared is not None:
            blocks += [
                Text(compared.sentence(self.locale), slide=True),
                *self._text("compared_caveat", slide=True),
                *self._picture("comparison", "comparison", "compared_title", slide=True),
                *self._table("pairs", "pairs_title"),
                *self._table("flips", "flips_title"),
                *self._table("policy_information_value", "policy_information_title"),
            ]
        return blocks

    def _claims(self) -> list[Block]:
        picture, table = self._picture, self._table
        fits = [
            *picture("ogive", "claims_points", "points_title"),
            *table("claims_fits", "fits_title", folded=True),
            *picture("tail", "claims_fitted", "fitted_title"),
        ]
        costs = table("claims_costs", "claims_cost_title", folded=True)
        notes = [Text(told) for told in unstated_notes(self.analysis, self.locale)] if costs else []
        return [
            *self._text("claims_intro_synthetic" if self.analysis.synthetic else "claims_intro"),
            *table("claims_bands", "chart.bands_measure", folded=True),
            *self._part(
                table("claims_summary", "summary_title", folded=True), "summary_title", "summary_intro"
            ),
            *self._part(fits, "fits_title", "fits_intro"),
            *picture("intake", "claims_intake", "chart.intake_title"),
            *self._part([*notes, *costs], "claims_cost_title"),
        ]

    def _quality(self) -> list[Block]:
        files, locale = self.analysis.exact_tables["claims_quality"], self.locale
        totals = {c: locale.exact(int(files[c].sum())) for c in ("rows", "claims", "rejects")}
        blocks: list[Block] = [Text(self._label("quality_line", **totals))]
        for name, title in QUALITY.items():
            blocks += self._part(self._table(f"claims_{name}", f"quality_{title}"), f"quality_{title}")
            blocks += self._text("quality_clean", shown=name == "rules" and "claims_rules" not in self.grids)
        return blocks

    def _decisions(self) -> list[Block]:
        names, scope = self.analysis.names(self.locale.lang), reserve_scope(self.analysis)["lines"]
        lines = ", ".join(names.get(x, x) for x in scope)
        return [
            block
            for name in ("scenarios", "reserve")
            for block in self._part(
                self._table(name, f"{name}_title"), f"{name}_title", f"{name}_intro", lines=lines
            )
        ]

    def _accounting(self) -> list[Block]:
        return [
            *self._text("controller_intro"),
            *self._table("controller", "controller_title"),
            *self._text("tied", shown=has_tied_inputs(self.analysis)),
            *_bullets(presentation_totals(self.analysis, self.locale)),
            *self._text("controller_no_recourse"),
        ]

    def _assumptions(self) -> list[Block]:
        inputs, names = self.analysis.used_ledger, self.analysis.names(self.locale.lang)
        if "assumptions" not in self.grids or inputs is None:
            return []
        unused = ", ".join(names[entry] for entry in self.analysis.unused_entries)
        known = any(entry.outcome_known for entry in inputs.assumptions)
        return [
            *self._text("assumptions_intro"),
            *self._text("assumptions_unused", shown=bool(unused), names=unused),
            *self._text("assumptions_outcome", "strong", shown=known),
            *self._table("assumptions", "assumptions_title"),
            *self._part(self._table("assumptions_behind", "assumptions_behind"), "assumptions_behind"),
        ]

    def _hindsight(self) -> list[Block]:
        locale, analysis = self.locale, self.analysis
        if "hindsight_outcomes" not in self.grids:
            return []
        told = _bullets(analysis.backtest.sentences(locale)) if analysis.backtest else []
        return [
            *self._text("hindsight_intro", day=locale.day(analysis.as_of)),
            *(Text(told, "strong") for told in _hindsight_lesson(analysis, locale)),
            *self._part([*self._picture("backtest", "backtest", "backtest_title"), *told], "backtest_title"),
            *self._table("hindsight_headlines", "differs"),
            *self._table("hindsight_tie_outs", "tie_title"),
            *self._table("hindsight_outcomes", "hindsight_title"),
        ]

    def _for_claims(self, key: str) -> str:
        """Return the key of the words for a cost of claims if the headline is one, else `key`."""
        return f"{key}_claims" if self.analysis.headline_from_claims else key

    def _label(self, key: str, **values: str) -> str:
        return self.locale(key if "." in key else f"report.{key}", **values)

    def _text(
        self,
        key: str,
        role: Literal["plain", "strong"] = "plain",
        *,
        shown: bool = True,
        slide: bool = False,
        **values: str,
    ) -> list[Block]:
        return [Text(self._label(key, **values), role, slide=slide)] if shown else []

    def _part(
        self, blocks: Sequence[Block], heading: str, intro: str = "", *, slide: bool = False, **values: str
    ) -> list[Block]:
        """Return a heading and a sentence, if they are named, and then `blocks`; empty without blocks."""
        heads: list[Block] = [Heading(self._label(heading), slide=slide)] if heading else []
        heads += [Text(self._label(intro, **values))] if intro else []
        return [*heads, *blocks] if blocks else []

    def _table(self, grid: str, title: str, *, folded: bool = False, slide: bool = False) -> list[Block]:
        table = TableBlock(grid, self._label(title), folded, slide=slide)
        return [table] if grid in self.grids else []

    def _picture(self, chart: str, grid: str, title: str = "", *, slide: bool = False) -> list[Block]:
        """Return a chart with its table collapsed below the chart; empty if the chart has no data."""
        table = TableBlock(grid, self._label(title), folded=True) if grid in self.grids else None
        return [ChartBlock(chart, table, slide=slide)] if chart in self.charts else []


def _bullets(items: Sequence[str], *, slide: bool = False) -> list[Block]:
    return [BulletList(tuple(items), slide=slide)] if items else []


def cash_facts(analysis: Analysis) -> tuple[str, ...]:
    """Return the ids of the facts behind the expected cash cost; without one, the ids behind its bounds."""
    costs = [
        analysis.exact_tables[name] for name in ("costs", "claims_costs") if name in analysis.exact_tables
    ]
    rows = pl.concat([table.filter(HAS_AMOUNT, valuation="cash", level="line") for table in costs])
    expected = rows.filter(pl.col("expected").is_not_null())
    facts = (rows if expected.is_empty() else expected)["facts"].drop_nulls()
    return tuple(dict.fromkeys(" ".join(facts).split()))


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
    count = get_fact(line.published_count).count if line.published_count else 0
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
