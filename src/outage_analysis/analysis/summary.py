"""An analysis in words: its answer, what the figures leave out, and what supports a decision about it.

The mean comes first, because means of costs add up and a few large awards make up most of it; the amount that
one outcome in ten exceeds and the median follow, because half of the outcomes are far below the mean.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import polars as pl

from outage_analysis import costs, losses, text
from outage_analysis.analysis.open_intake import counts_by, late_claims_notes, open_lines
from outage_analysis.assumptions import REFERENCE_LEDGER, Assumption, LateClaims, value_and_range
from outage_analysis.claims import DECISIONS
from outage_analysis.errors import InputRefused, ModelRefused, UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.incidents import Incident

if TYPE_CHECKING:
    from outage_analysis.analysis.analysis import Analysis

DECISIVE = 0.5
"""A rule is named as what to decide first if at least this share of the expected cash follows from it."""
MAX_DRIVERS = 3
"""Most inputs that the answer names as those that the cost depends on."""


def headline_sentences(analysis: Analysis, locale: text.Locale) -> tuple[str, ...]:
    """Return the cash with its scope, mean, range and median, and what the figure does not include.

    It is empty without an expected cash or without a simulation.
    """
    points, likely = analysis.points("cash"), analysis.likely_range
    if not {"expected", "p50", likely.low, likely.high} <= set(points):
        return ()
    certain = points[likely.low] == points[likely.high] == points["expected"]
    names, often = analysis.names(locale.lang), locale.one_in(1 - likely.upper)
    counted = analysis.runs[analysis.headline_basis].portfolio.counted("cash")
    lines = [names.get(line, line) for line in counted]
    scope = locale("report.answer_lines", count=len(lines))
    if len(lines) <= MAX_NAMED_LINES:
        scope = ", ".join(text.short_names(lines))
    measures = {"mean": "expected", "high": likely.high, "median": "p50", "low": likely.low}
    money = {name: locale.money(points[measure]) for name, measure in measures.items()}
    key = "report.answer_certain" if certain else "report.answer_cash"
    first = [*counted_notes(analysis, locale), locale(key, scope=scope, often=often, **money)]
    if MAX_NAMED_LINES < len(lines) <= MAX_LISTED_LINES:
        first.append(locale("report.tile_scope", lines="; ".join(lines)))
    if analysis.compared is not None:
        first.append(locale("report.answer_options", count=len(analysis.exact_tables["comparison"])))
    told = [" ".join(first)]
    if (table := analysis.uncertainty_table(analysis.headline_basis, "budget")) is not None:
        budget, chance, together = table.select("budget", "exceeded", "stressed").row(0)
        shares = {"chance": locale.share(chance), "together": locale.share(together)}
        told.append(locale("report.answer_budget", budget=locale.money_in_full(budget), **shares))
    told += [*parts_left_out(analysis, locale), *_if_all_are_paid(analysis, locale)]
    if not certain:
        told.append(locale("report.answer_together", often=often, high=locale.money(points["stressed"])))
    return tuple(told)


def _if_all_are_paid(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return what it would cost if every report or claim were paid, where the policy says how much."""
    lines = analysis.exact_tables["costs"].filter(level="line", rule="schedule", status="ok")
    counts = dict(lines.select("line", "count").iter_rows())
    counted = analysis.runs[analysis.headline_basis].portfolio.counted("cash")
    # The reports are those of one cost item, so they bound the cash only if it counts nothing else.
    line = next((x for x in analysis.policy.schedules if x.id in counts and counted == (x.id,)), None)
    ends = [line.tariff.payment_range(x) for x, rule in line.positive_bands if rule.pays] if line else []
    highest = [float(most) for _, most in ends if most is not None]
    if line and ends and len(highest) == len(ends):
        count = float(counts[line.id])
        low, high = count * float(min(least for least, _ in ends)), count * max(highest)
        key = "tiers" if any(rule.review for _, rule in line.positive_bands) else "reports"
        amounts = {"count": locale.number(count), "range": locale.money_range(low, high, 3)}
        return [locale(f"report.answer_all_{key}", **amounts)]
    most = (analysis.totals_row(analysis.headline_basis) or {}).get("most")
    return [locale("report.answer_all_claims", most=locale.money(most))] if most else []


def parts_left_out(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return a sentence on the costs beside the cash, which are never added to it; [] if there are none."""
    parts, likely, share = [], analysis.likely_range, ""
    if handling := analysis.points("handling").get("p50"):
        parts.append(locale("report.answer_handling", median=locale.money(handling)))
    points, total = analysis.points("top_down"), analysis.totals_row("published", "top_down")
    if total is not None and total["promised"] and {likely.low, likely.high} <= set(points):
        ends = {"low": locale.money(points[likely.low]), "high": locale.money(points[likely.high])}
        about = {"announced": locale.money(total["promised"]), "range": locale("band.between", **ends)}
        parts.append(locale("report.answer_announced", **about))
        cash = analysis.expected_cash() or 0.0
        package = locale.share(locale.rounded(cash / (cash + points["expected"])))
        share = locale("report.answer_package", share=package) + " "
    if unpriced := len(analysis.unpriced_lines):
        parts.append(locale("report.answer_unpriced", count=unpriced))
    *first, last = parts or [""]
    named = locale("terminal.and").join([", ".join(first), last]) if first else last
    return [share + locale("report.answer_without", parts=named)] if parts else []


def driver_sentences(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return a sentence for each input that moves the expected cash cost most."""
    names = analysis.names(locale.lang)
    moved = analysis.exact_tables["tornado"].filter(valuation="cash")
    entries = analysis.used_ledger.assumptions if analysis.used_ledger else ()
    units = {a.id: a.unit[locale.lang] for a in entries if a.kind == "exposure" and a.unit}
    return [
        locale(
            "report.drives_next" if place else "report.drives_text",
            plain=text.capitalized(locale(f"plain.{row['kind']}", unit=units.get(row["assumption"], ""))),
            name=names.get(row["assumption"], row["assumption"]).split(":")[0],
            low=locale.money(row["cost_low"]),
            high=locale.money(row["cost_high"]),
        )
        for place, row in enumerate(moved.head(MAX_DRIVERS).iter_rows(named=True))
    ]


def reserve_column(analysis: Analysis) -> str:
    """Return the column of the reserve with the amount to set aside: cash and handling are both money."""
    table = analysis.exact_tables.get("reserve")
    return "cash" if table is None or not table["both"].count() else "both"


def recommendation(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Say what to set aside, what to keep available and what to decide first; [] without a reserve."""
    table, column = analysis.exact_tables.get("reserve"), reserve_column(analysis)
    if table is None:
        return []
    mean, high = (table.filter(measure=name)[column].item() for name in ("mean", "p90"))
    amounts = {"mean": mean, "further": max(0.0, high - mean), "high": high}
    money = {name: locale.money(amount) for name, amount in amounts.items()}
    key = f"report.recommend_{column if high > mean else 'mean'}"
    told = [locale(key, often=locale.one_in(0.1), **money)]
    budget, cash = analysis.budget, max(table.filter(pl.col("measure").is_in(["mean", "p90"]))["cash"])
    if budget and cash > budget and locale.money(cash) != locale.money(budget):
        named = {"cash": locale.money(cash), "budget": locale.money_in_full(budget)}
        told.append(locale("report.recommend_above_budget", **named))
    steps = analysis.exact_tables.get("steps", text.schema_of("steps").frame())
    shares = steps.with_columns(share=pl.col("expected") / pl.col("expected").sum())
    for step in shares.filter(pl.col("share") >= DECISIVE, rule="review").to_dicts():
        band, share = locale.band_with_unit(step["over"], step["up_to"]), locale.rounded(step["share"])
        told.append(locale("report.recommend_review", band=band, share=locale.share(share)))
    return told


BOUNDS = ("low", "expected", "high", "most")


def all_bases(analysis: Analysis, name: str) -> pl.DataFrame:
    """Return the costs from published counts and from claims as one table; `basis` names the source."""
    tables = analysis.exact_tables
    return pl.concat([tables[n] for n in (name, f"claims_{name}") if n in tables])


def cost_answer(analysis: Analysis, lang: str) -> text.Answer:
    """Return the answer in sentences, then tables: how sure it is and where it arises, then all others."""
    locale, names = analysis.locale(lang), analysis.names(lang)

    def card_notes() -> Iterator[str]:
        yield from input_notes(analysis, locale)
        yield from unstated_notes(analysis, locale, first_screen=True)
        yield locale("card.tables", names=", ".join(analysis.exact_tables))

    return text.Answer(
        locale,
        cost_sentences(analysis, locale),
        _cost_tables(analysis, locale, names),
        names,
        "" if analysis.budget is not None else locale("terminal.no_budget"),
        card_notes(),
    )


def cost_sentences(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return the answer in sentences; without a simulation, the expected cash or that there is none."""
    told = list(headline_sentences(analysis, locale))
    if not told:
        expected = analysis.expected_cash(analysis.headline_basis)
        known = "no_cash" if expected is None else "cash_no_range"
        money = "" if expected is None else locale.money(expected)
        told = [*counted_notes(analysis, locale), locale(f"terminal.{known}", expected=money)]
    told[0] = text.synthetic_mark(locale, synthetic=analysis.headline_is_synthetic) + told[0]
    return told


def _cost_tables(
    analysis: Analysis, locale: text.Locale, names: Mapping[str, str]
) -> Iterator[text.ShownTable | str]:
    every, first = all_bases(analysis, "costs"), analysis.headline_basis
    bases = sorted(every["basis"].unique(maintain_order=True), key=lambda basis: basis != first)
    tables, likely = analysis.exact_tables, analysis.likely_range
    drawn = {x: tables["quantiles" if x == first else "claims_quantiles"] for x in analysis.runs}
    if first:
        yield _quantile_table(drawn[first], first, locale, (likely.low, "p50", likely.high))
    yield from _band_tables(every.filter(basis=bases[0]), locale, names)
    yield from [*input_notes(analysis, locale), *unstated_notes(analysis, locale)]
    run = analysis.headline_run
    if run and (omitted := ", ".join(names[x] for x in run.portfolio.left_out.get("cash", ()))):
        yield locale("terminal.omits", lines=omitted)
    if later := ", ".join(names[x] for x in analysis.dropped_lines):
        yield locale("terminal.not_public", day=analysis.as_of, lines=later)
    for basis in bases:
        lines = every.filter(basis=basis, level="line")
        title = locale("terminal.by_line", basis=locale(f"word.{basis}"))
        shown = lines.select("line", "valuation", "count", *BOUNDS, "status")
        yield text.ShownTable(title, shown, text.schema_of("costs"))
    title = locale("terminal.totals", day=analysis.as_of, currency=locale.currency)
    yield text.ShownTable(title, all_bases(analysis, "totals"), text.schema_of("totals"))
    for basis, rows in drawn.items():
        if basis != first and analysis.synthetic:  # a range of made-up claims tells nobody anything
            continue
        yield _quantile_table(rows, basis, locale, (*likely.percentiles, "tvar95"))
        for row in rows.filter(measure=likely.high).iter_rows(named=True):
            error, stressed = (locale.exact_money(row[name]) for name in ("error", "stressed"))
            amounts = {"error": error, "stressed": stressed, "unit": locale.unit}
            yield locale("terminal.error", valuation=locale(f"word.{row['valuation']}"), **amounts)
        if analysis.runs[basis].portfolio.has_correlated_inputs("cash"):
            yield locale("report.tied")
    for basis in bases[1:]:
        yield from _band_tables(every.filter(basis=basis), locale, names)


def _quantile_table(
    quantiles: pl.DataFrame, basis: str, locale: text.Locale, measures: Sequence[str]
) -> text.ShownTable:
    value = text.schema_of("quantiles")["value"]
    values = (replace(value, name=name, label=name) for name in ("expected", *measures))
    table = quantiles.pivot("measure", index="valuation", values="value")
    title = locale("terminal.quantiles", basis=locale(f"word.{basis}"), currency=locale.currency)
    schema = text.TableSchema("One row per kind of cost.", (text.column_of("valuation"), *values))
    return text.ShownTable(title, table.select(schema.names), schema)


def _band_tables(
    rows: pl.DataFrame, locale: text.Locale, names: Mapping[str, str]
) -> Iterator[text.ShownTable]:
    across = pl.lit(locale("terminal.across"))
    band = pl.when(rule="straddles").then(across).otherwise(text.band_expression(locale))
    bands = rows.filter(pl.col("level") == "band", pl.col("rule") != "not_entitled").with_columns(band=band)
    for (basis, line), table in bands.group_by("basis", "line", maintain_order=True):
        service = ["service"] if table["service"].null_count() < len(table) else []
        title = locale("terminal.by_band", line=names.get(line, line), basis=locale(f"word.{basis}"))
        shown = table.select(*service, "band", "count", *BOUNDS)
        yield text.ShownTable(title, shown, text.schema_of("costs"))


MAX_NAMED_LINES = 2
"""Summaries name at most this many cost lines; for more lines they state the number."""
MAX_LISTED_LINES = 5
"""The answer also lists the names of so many cost lines, in a sentence of its own."""


def input_notes(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return sentences on inputs that the user did not state but that the cost depends on.

    The first sentence says that rates come from comparable schemes; another, that the claims of one claimant
    are decided one by one; further sentences name cost lines that pay nothing for losses above their last
    band, although there are such claims.
    """
    notes, used, table = list[str](), analysis.used_ledger, analysis.claims_costs
    if used and used.id == REFERENCE_LEDGER:
        entries = [x for x in used.assumptions if not isinstance(x, LateClaims)]
        told = {x.name[locale.lang]: value_and_range(x, locale) for x in entries}
        rates = ", ".join(f"{name} {value} ({value_range})" for name, (value, value_range) in told.items())
        if rates:  # automatic payments use none
            notes.append(locale("report.reference_rates", rates=rates))
    if table is None or not analysis.headline_from_claims:
        return notes
    if analysis.claims is not None:
        again = analysis.exact_tables["claims_claimants"].filter(grain="claimant")["filed_again"].sum()
        notes += [locale("report.claimants_again", count=again)] if again else []
    names, loss = analysis.names(locale.lang), analysis.incident.loss
    unit = locale.unit if analysis.incident.loss_currency else locale.unit_name(loss.unit)
    unpaid = table.filter(
        pl.col("up_to").is_null(), pl.col("over") > 0, pl.col("count") > 0, level="band", rule="nothing"
    )
    above = unpaid.group_by("line", maintain_order=True).agg(pl.col("over").first(), pl.col("count").sum())
    for line, over, count in above.iter_rows():
        figures = {"over": locale.loss(over), "unit": unit, "count": locale.number(count)}
        notes.append(locale("report.unpaid_above", line=names.get(line, line), **figures))
    return notes


def counted_notes(analysis: Analysis, locale: text.Locale) -> list[str]:
    """Return what the first sentence of every output says about the rows: what they are, and what is missing.

    It is empty if the files or the user state what the rows are, and no claims are still to come.
    """
    late = late_claims_notes(analysis.ledger, analysis.claims_costs, analysis.as_of, locale)
    notes, last = [*_rows_note(analysis, locale), *late], open_until(analysis)
    if last is not None:
        days = {"day": locale.day(analysis.as_of), "deadline": locale.day(last)}
        notes.append(locale("report.open_intake", **days))
        if analysis.no_late_claims:
            notes.append(locale("report.late_refused", reason=locale.note(analysis.no_late_claims)))
    return notes


def _rows_note(analysis: Analysis, locale: text.Locale) -> list[str]:
    basis, incident, plan = analysis.headline_basis, analysis.incident, analysis.plan
    if basis in ("", "published"):
        return []
    cubes = list(analysis.cubes.values())
    if incident.decision:
        counts = cubes[0].frame.group_by(pl.col(incident.decision).fill_null(cubes[0].first_decision))
        claims = dict(counts.agg(pl.col("claims").sum()).iter_rows())
        parts = [locale(f"report.rows_{x}", count=locale.number(claims[x])) for x in DECISIONS if x in claims]
        return [locale("report.rows_decided", parts=", ".join(parts))]
    share = share_to_be_filed(incident, analysis.runs[basis].portfolio.entries.values(), locale)
    if not share:
        return []
    others = [replace(cube, rows="filed") for cube in cubes]
    filed = costs.build_portfolio(analysis.policy, analysis.ledger, as_of=analysis.as_of, cubes=others)
    if_filed = costs.simulate(filed, draws=plan.draws, seed=plan.seed)
    expected = locale.money(costs.simulation.expected_estimate(if_filed, "cash").value)
    count = locale.number(analysis.cubes.get("cost", cubes[0]).claims)
    source = locale("report.rows_rates") if analysis.has_rule_based_rates else ""
    return [locale("report.rows_unstated", expected=expected, count=count, share=share, source=source)]


def share_to_be_filed(incident: Incident, entries: Iterable[Assumption], locale: text.Locale) -> str:
    """Return the expected filing share as text, if rows count as complaints only for lack of a statement.

    It is empty if the files or the user state what the rows are, or if nobody has to file.
    """
    if incident.rows or incident.decision:
        return ""
    shares = sorted(x.range.expected or 0.0 for x in entries if x.kind == "filing_share")
    return "–".join(dict.fromkeys(map(locale.share, shares[:1] + shares[-1:])))


def open_until(analysis: Analysis) -> date | None:
    """Return the last day to claim if the cost counts only the claims filed so far; otherwise None.

    It counts only those if a line with an expected cash still takes claims after the day of the analysis, and
    neither a forecast nor the ledger says how many come in the end.
    """
    run, ledger = analysis.headline_run, analysis.known_ledger
    counted = run.portfolio.counted("cash") if run else ()
    still_open = open_lines((analysis.policy,), analysis.incident, ledger, analysis.as_of)
    return max((last for last, ids in still_open.items() if not set(counted).isdisjoint(ids)), default=None)


def unstated_notes(analysis: Analysis, locale: text.Locale, *, first_screen: bool = False) -> list[str]:
    """Return a sentence for each cost line that has claims without a loss and no rule for such claims.

    With `first_screen`, the list is empty if the claims are synthetic and the headline is not computed
    from claims.
    """
    table = analysis.claims_costs
    if table is None or (first_screen and analysis.synthetic and not analysis.headline_from_claims):
        return []
    names = analysis.names(locale.lang)
    return [
        locale(
            f"report.unstated_{'some' if row['priced'] else 'most'}",
            line=names.get(row["line"], row["line"]),
            unstated=locale.number(row["unstated"]),
            entitled=locale.number(row["entitled"]),
            share=locale.share(row["unstated"] / row["entitled"]),
        )
        for row in costs.expected.unstated_losses(table).iter_rows(named=True)
    ]


def refuse_no_cash(question: str) -> NoReturn:
    """Raise ModelRefused for a question about cash, because no line has an expected cash cost.

    An error is better than a result that silently leaves out the answer.
    """
    raise ModelRefused(
        f"no line has an expected cost in cash, so nothing is known of {question}",
        remedy="Give a ledger with the inputs that the policy needs, or leave that question out.",
    )


@dataclass(frozen=True, repr=False)
class AnalysisResult(text.Displayable, text.Result):
    """Tables that are computed from an analysis, such as its scenarios. Notebooks show them as a card."""

    analysis: Analysis
    exact_tables: dict[str, pl.DataFrame]
    """Name of a table -> the table, with amounts in the smallest unit of the currency."""

    @abstractmethod
    def sentences(self, locale: text.Locale) -> Iterable[str]:
        """Return the answer in words."""

    @abstractmethod
    def tables_and_notes(self, locale: text.Locale, mark: str) -> Iterable[text.ShownTable | str]:
        """Return the tables and notes to show, under titles with the mark of synthetic claims."""

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tables by name, with amounts in whole currency."""
        schemas = text.schemas_of("analysis") | text.schemas_of("sensitivity")
        places = self.analysis.incident.locale("en").places
        return {name: schemas[name].whole(table, places) for name, table in self.exact_tables.items()}

    @property
    def facts(self) -> dict[str, Any]:
        """What the result states beside its tables, as plain values."""
        return {}

    def warnings(self, lang: str) -> list[str]:
        """Return what a reader must know about the inputs, such as rejected rows."""
        return self.analysis.warnings(lang)

    def card(self, lang: str = "en") -> text.Card:
        """Return the answer in sentences, with its first tables."""
        return text.answer_card(self.analysis.incident.name[lang], (), self.answer(lang))

    def to_dict(self) -> dict[str, Any]:
        """Return the inputs, what the result states, and all its tables as plain values."""
        basis = {"policy": self.analysis.policy.id, "basis": self.analysis.headline_basis}
        rows = {name: table.to_dicts() for name, table in self.tables.items()}
        return {**self.analysis.inputs, **basis, **self.facts, **rows}

    def answer(self, lang: str = "en") -> text.Answer:
        """Return the answer in words, then the tables."""
        locale = self.analysis.locale(lang)
        mark = text.synthetic_mark(locale, synthetic=self.analysis.headline_is_synthetic)
        sentences = [*self.sentences(locale)]
        sentences[:1] = [mark + first for first in sentences[:1]]
        return text.Answer(locale, sentences, self.tables_and_notes(locale, mark), self.analysis.names(lang))


def sensitivity_tables(analysis: Analysis, limit: int | None = None) -> dict[str, pl.DataFrame]:
    """Show which inputs and decisions influence the cost of an analysis.

    The tables describe the headline cost, which is computed from published counts if possible, else from
    claims.

    Args:
        analysis: the result of `run`.
        limit: an amount of cash in whole currency; tables show which inputs would make the cost exceed it.

    Returns:
        The table `tornado`; with a limit also `break_evens`; if the plan has a budget, also
        `information_value`. Amounts are in the smallest unit of the currency.

    Raises:
        ModelRefused: there is no expected cost (or no expected cash, with a limit).
    """
    run = analysis.headline_run
    if run is None:
        raise ModelRefused(
            "no line has an expected cost, so nothing moves it",
            remedy="Give a ledger with the inputs that the policy needs.",
        )
    names = ("tornado", "information_value")
    tables = {name: analysis.exact_tables[name] for name in names if name in analysis.exact_tables}
    if limit is not None:
        if "cash" not in run.totals:
            refuse_no_cash("a sum")
        amount = limit * float(10**analysis.incident.minor_units)
        tables["break_evens"] = costs.sensitivity.break_evens(run.portfolio, amount)
    return tables


@dataclass(frozen=True, repr=False)
class Sensitivity(AnalysisResult):
    """Which inputs and decisions the cost of an analysis depends on: the result of `sensitivity_tables`."""

    def sentences(self, locale: text.Locale) -> Iterator[str]:
        """Return the inputs that the cost depends on most, and what it is worth to know one."""
        analysis, table = self.analysis, self.exact_tables.get("information_value")
        yield from driver_sentences(analysis, locale)
        if table is not None and analysis.budget is not None:
            portfolio = analysis.runs[analysis.headline_basis].portfolio
            worth = costs.sensitivity.information_sentence(table, portfolio, locale)
            budget = locale.money_in_full(analysis.budget)
            yield f"{worth} {locale('information.budget_decision', budget=budget)}"

    def tables_and_notes(self, locale: text.Locale, mark: str) -> Iterator[text.ShownTable | str]:
        """Return all tables, and a note on correlated inputs."""
        analysis, tables = self.analysis, self.exact_tables
        yield from text.shown_tables(tables, "sensitivity", locale, mark)
        if analysis.runs[analysis.headline_basis].portfolio.has_correlated_inputs("cash"):
            yield locale("report.tied")
        if not any(len(table) for name, table in tables.items() if name != "information_value"):
            yield locale("terminal.nothing_uncertain")
        yield locale("terminal.result_units", day=analysis.as_of, currency=locale.currency)


@dataclass(frozen=True, repr=False)
class Scenarios(AnalysisResult):
    """The headline cash of an analysis under each scenario of a document: its table `scenarios`."""

    stresses: costs.sensitivity.ScenarioSet

    @property
    def facts(self) -> dict[str, Any]:
        """The document and the budget."""
        return {"document": self.stresses.id, "budget": self.analysis.plan.budget}

    def sentences(self, locale: text.Locale) -> Iterator[str]:
        """Return the expected cash without a change and in the worst scenario."""
        analysis, table = self.analysis, self.exact_tables["scenarios"]
        yield from counted_notes(analysis, locale)
        base, raised = table.row(0, named=True), table.filter(table["change"] > 0)
        yield locale("terminal.scenarios_base", **self._amounts(base, locale))
        if raised.is_empty():
            yield locale("terminal.scenarios_no_increase")
        else:
            worst = raised.sort("expected", descending=True, maintain_order=True).row(0, named=True)
            scenarios = {scenario.id: scenario.name[locale.lang] for scenario in self.stresses.scenarios}
            name = scenarios.get(worst["scenario"], worst["scenario"])
            yield locale("terminal.scenarios_worst", name=name, **self._amounts(worst, locale))
        names, run = analysis.names(locale.lang), analysis.runs[analysis.headline_basis]
        yield locale(
            "terminal.scenarios_scope", lines=", ".join(names[x] for x in run.portfolio.counted("cash"))
        )

    def _amounts(self, row: dict[str, Any], locale: text.Locale) -> dict[str, str]:
        chance = ""
        if self.analysis.budget is not None:
            budget, share = locale.money_in_full(self.analysis.budget), locale.share(row["over_budget"])
            chance = locale("terminal.scenarios_chance", budget=budget, share=share)
        expected, high = locale.money(row["expected"]), locale.money(row["range_high"])
        return {"expected": expected, "high": high, "chance": chance}

    def tables_and_notes(self, locale: text.Locale, mark: str) -> Iterator[text.ShownTable | str]:
        """Return the table with the names of the scenarios, and a note on each."""
        analysis, table = self.analysis, self.exact_tables["scenarios"]
        names = {scenario.id: scenario.name[locale.lang] for scenario in self.stresses.scenarios}
        labels = {"base": locale("report.scenario_base"), **names}
        measures = analysis.likely_range.column_measures
        hidden = ["status", "reason", *([] if analysis.budget is not None else ["over_budget"])]
        if "p75" in measures.values():  # at a level of 50, an end of the likely range is P75
            hidden.append("p75")
        title = mark + locale("terminal.scenarios") + locale("terminal.sums", currency=locale.currency)
        shown = table.with_columns(pl.col("scenario").replace(labels)).drop(hidden).rename(measures)
        yield text.ShownTable(title, shown, text.schema_of("scenarios").without(*hidden).renamed(measures))
        for scenario, row in zip(self.stresses.scenarios, table[1:].iter_rows(named=True), strict=True):
            note = scenario.note[locale.lang]
            if row["expected"] is None:
                told = (locale(f"word.{row['status']}"), row["reason"])
                note += " " + locale("terminal.scenario_out", reason=": ".join(filter(None, told)))
            yield locale("terminal.scenario_note", name=labels[scenario.id], note=note)


def scenarios(analysis: Analysis, stresses: costs.sensitivity.ScenarioSet) -> Scenarios:
    """Return the headline cash of an analysis under each scenario of a document.

    Raises:
        ModelRefused: the analysis has no expected cash.
        UsageError: a scenario names an intake of another incident.
    """
    table = scenarios_of(analysis, stresses)
    return Scenarios(
        analysis, {"scenarios": refuse_no_cash("scenarios") if table is None else table}, stresses
    )


def scenarios_of(analysis: Analysis, stresses: costs.sensitivity.ScenarioSet) -> pl.DataFrame | None:
    """Return the headline cash of an analysis under each scenario; None if it has no expected cash.

    Returns:
        The table `scenarios`, in the smallest unit of the currency. The row `base` has the
        figures of the table of quantiles.

    Raises:
        UsageError: a scenario names an intake of another incident.
    """
    run = analysis.headline_run
    if run is None or "cash" not in run.totals:
        return None
    about = (analysis.policy, analysis.as_of, analysis.incident.id, partial(_growth, analysis))
    stressed = costs.sensitivity.StressedRun(run.with_terms(lambda term: term.valuation == "cash"), *about)
    budget, level = analysis.budget, analysis.plan.level
    return costs.sensitivity.scenario_table(run, stressed, stresses.scenarios, budget=budget, level=level)


def _growth(analysis: Analysis, scenario: costs.sensitivity.Scenario) -> float:
    claims, day = analysis.claims, analysis.as_of
    if scenario.spike is None:
        raise costs.sensitivity.DoesNotApply("no_spike")
    if claims is None or not analysis.headline_from_claims:
        raise costs.sensitivity.DoesNotApply("no_dates")
    if claims.synthetic:
        raise costs.sensitivity.DoesNotApply("synthetic_claims")
    closed = analysis.incident.closes_on(day)
    lines = [x for x in analysis.policy.as_known_on(day).schedules if x.effort_on(day) != "automatic"]
    deadline, *others = sorted({line.closes_on(day) or closed for line in lines} or {closed})
    if others:
        raise costs.sensitivity.DoesNotApply("several_deadlines", ", ".join(map(str, (deadline, *others))))
    if deadline <= day:
        raise costs.sensitivity.DoesNotApply("deadline_passed", str(deadline))
    later = deadline + timedelta(days=scenario.extra_days or 0)
    try:
        forecast = counts_by(claims)(day).with_deadlines(deadline, later, scenario.spike).forecast()
    except (InputRefused, ModelRefused) as refusal:
        raise costs.sensitivity.DoesNotApply("no_forecast", str(refusal)) from refusal
    for reason in forecast.refused.values():
        raise costs.sensitivity.DoesNotApply("no_forecast", reason)
    if (last := open_until(analysis)) is not None:  # the growth is from the count at the deadline
        raise costs.sensitivity.DoesNotApply("claims_to_come", str(last))
    ends = [forecast.late[branch].mean for branch in (losses.DEADLINE, losses.EXTENDED)]
    return (forecast.counted + ends[1]) / (forecast.counted + ends[0])


MEASURES: Mapping[str, float | None] = {"mean": None, "p50": 0.5, "p75": 0.75, "p90": 0.9}
"""Measure of a reserve -> its probability; None for the mean."""
HANDLING = {"outside": "cash", "inside": "both"}
"""Where the cost of working through the claims is -> the column of the table `reserve`."""


def reserve_scope(analysis: Analysis) -> dict[str, tuple[str, ...]]:
    """Return the cost lines that were public on the day of an analysis, by their place in the reserve.

    They are `lines` (with an expected cost in money), `without_price` (they pay money and have no expected
    cost, so that the reserve does not include them) and `without_obligation`.
    """
    known, run = analysis.policy.public_by(analysis.as_of)[0], analysis.headline_run
    not_due = {x.id for x in known if x.accounting and x.accounting.obligation == "none"}
    counted = {*run.portfolio.counted("cash")} - not_due if run else set()
    missing = {*run.portfolio.left_out.get("cash", ())} - not_due - counted if run else set()
    places = {"lines": counted, "without_price": missing, "without_obligation": not_due}
    return {place: tuple(x.id for x in known if x.id in ids) for place, ids in places.items()}


def reserve_mean(analysis: Analysis, lines: Collection[str]) -> float | None:
    """Return the mean cash of some cost lines, in the smallest unit of the currency; None if none has one."""
    part = _of_lines(analysis.headline_run, "cash", lines)
    return None if part is None else costs.simulation.expected_estimate(part, "cash").value


def reserve_table(analysis: Analysis) -> pl.DataFrame | None:
    """Return the reserve by measure; None if no line with an obligation has an expected cost in money.

    Returns:
        The table `reserve`, in the smallest unit of the currency. The means are those of the
        table of quantiles and add up exactly; `both` is added draw by draw on the same random points.
    """
    scope, run = reserve_scope(analysis), analysis.headline_run
    due = {x.id for x in analysis.policy.lines} - {*scope["without_obligation"]}
    parts = {"cash": _of_lines(run, "cash", scope["lines"]), "handling": _of_lines(run, "handling", due)}
    if parts["cash"] is None:
        return None
    known = {name: part for name, part in parts.items() if part}
    means = [costs.simulation.expected_estimate(part, name).value for name, part in known.items()]
    draws = [part.totals[name].values for name, part in known.items()]
    if len(known) > 1:
        means.append(sum(means))
        draws.append(draws[0] + draws[1])
    samples, unknown = [costs.simulation.Sample(values) for values in draws], [None] * (3 - len(draws))
    rows = [
        (
            name,
            *(means if p is None else (costs.rounded_estimate(x.quantile(p)).value for x in samples)),
            *unknown,
        )
        for name, p in MEASURES.items()
    ]
    return text.schema_of("reserve").frame(rows)


def parse_measure(measure: object) -> str:
    """Return the measure of a reserve as the table names it.

    Raises:
        UsageError: there is no such measure.

    Example:
        >>> parse_measure("P75"), parse_measure("median")
        ('p75', 'p50')
    """
    name = "p50" if measure == "median" else str(measure).lower()
    if name not in MEASURES:
        hint = spelling_hint(str(measure), ["mean", "median", "P75", "P90"])
        raise UsageError("no such measure of a reserve", value=measure, remedy=hint)
    return name


@dataclass(frozen=True, repr=False)
class Reserve(AnalysisResult):
    """One amount to set aside, with its measure and scope, and the table `reserve` of all measures."""

    amount: float
    """In the smallest unit of the currency."""
    measure: str
    """The measure as the table names it."""
    handling: str
    """Whether the cost of working through the claims is inside or outside the reserve."""

    @property
    def facts(self) -> dict[str, Any]:
        """The amount, and the lines by their place in the reserve."""
        amount = self.amount / 10**self.analysis.incident.minor_units
        scope = reserve_scope(self.analysis)
        return {"amount": amount, "measure": self.measure, "handling": self.handling, **scope}

    def sentences(self, locale: text.Locale) -> Iterator[str]:
        """Return the amount, and what it includes and leaves out."""
        scope, names = reserve_scope(self.analysis), self.analysis.names(locale.lang)
        yield from counted_notes(self.analysis, locale)
        yield locale(
            f"terminal.reserve_{self.handling}",
            day=locale.day(self.analysis.as_of),
            amount=locale("report.exact", amount=locale.exact_money(self.amount), unit=locale.unit),
            measure=locale("word.median" if self.measure == "p50" else f"word.{self.measure}"),
        )
        keys = ("counts", "reserve_unpriced", "reserve_not_due")
        for key, lines in zip(keys, scope.values(), strict=True):
            if lines or key == "counts":
                yield locale(f"terminal.{key}", lines=", ".join(names[x] for x in lines))

    def tables_and_notes(self, locale: text.Locale, mark: str) -> list[text.ShownTable | str]:
        """Return the reserve by measure."""
        title = mark + locale("terminal.reserve") + locale("terminal.sums", currency=locale.currency)
        return [text.ShownTable(title, self.exact_tables["reserve"], text.schema_of("reserve"))]


def reserve(analysis: Analysis, measure: str = "mean", handling: str = "outside") -> Reserve:
    """Return one amount to set aside.

    Args:
        analysis: the result of `run`.
        measure: mean, median, P75 or P90.
        handling: whether the cost of working through the claims is inside or outside the reserve.

    Raises:
        UsageError: there is no such measure, or `handling` is neither inside nor outside.
        ModelRefused: no line has an expected cost in cash, or handling is inside, and the ledger states none.
    """
    name, table = parse_measure(measure), analysis.exact_tables.get("reserve")
    if handling not in HANDLING:
        raise UsageError(
            "handling is neither inside nor outside", value=handling, remedy="Write one of them."
        )
    if table is None:
        refuse_no_cash("a reserve")
    amount = table.filter(measure=name)[HANDLING[handling]].item()
    if amount is None:
        raise ModelRefused(
            "the cost from this basis has no handling, so that it cannot be inside the reserve",
            remedy="State an assumption of the kind handling in the ledger, or leave handling outside.",
        )
    return Reserve(analysis, {"reserve": table}, amount, name, handling)


def _of_lines(
    run: costs.Simulation | None, valuation: str, lines: Collection[str]
) -> costs.Simulation | None:
    """Return the part of a simulation that is of a valuation and some lines; None if there is none."""
    part = run and run.with_terms(lambda term: term.valuation == valuation and term.line in lines)
    return part if part and part.portfolio.terms else None
