"""Run an analysis, and its result: inputs, costs and draws, the figures of the headline, and its tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np
import polars as pl

from outage_analysis import costs, incidents, reports
from outage_analysis.analysis.alternatives import BudgetSolution, PolicyComparison, compare_loaded, solve
from outage_analysis.analysis.open_intake import IntakeForecast, forecast_intake, with_late_claims
from outage_analysis.analysis.plan import (
    IncidentResult,
    InputArguments,
    Plan,
    load_cubes,
    load_inputs,
    make_plan,
)
from outage_analysis.analysis.summary import (
    Sensitivity,
    all_bases,
    cost_answer,
    refuse_no_cash,
    reserve,
    scenarios,
    sensitivity_tables,
)
from outage_analysis.analysis.tables import (
    COST_TABLES,
    UNCERTAINTY_TABLES,
    AnalysisTables,
    cost_by,
    schema_named,
    tables_of,
)
from outage_analysis.arguments import lists_arguments
from outage_analysis.assumptions import LateClaims, Ledger, RateAssumption, load_ledger
from outage_analysis.claims import Claims, Sources
from outage_analysis.costs import (
    HAS_AMOUNT,
    UNSTATED,
    Simulation,
    assumption_ids,
    by_band,
    rounded_estimate,
    rounded_probability,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Document, Text, bundled_ids
from outage_analysis.incidents import cites_fact_after
from outage_analysis.losses import Cube
from outage_analysis.policies import Amount, load_policy
from outage_analysis.text import Answer, LikelyRange, Locale, Note

if TYPE_CHECKING:  # types only; without these imports the command `cost` is faster
    from outage_analysis.charts import AltairChart, ChartContext
    from outage_analysis.costs.backtesting import Backtest
    from outage_analysis.costs.policy_search import Vary
    from outage_analysis.costs.sensitivity import ScenarioSet
    from outage_analysis.costs.simulation import SampledTotal

Formats = Sequence[str] | str | None


MOST_SAMPLED = 2**22
"""The largest sample: more totals would exhaust the memory of a small computer."""


COMPLETED = (
    *("plan", "incident", "policy", "ledger", "as_of", "claims", "expected", "median", "quantile", "sample"),
    *("chance_over", "by", "tables", "chart", "report", "scenarios", "sensitivity", "solve", "reserve"),
    *("forecast_intake", "answer", "card", "warnings", "to_dict"),
)
"""The attributes of an analysis that completion offers."""


@dataclass(frozen=True, repr=False)
class Analysis(IncidentResult):
    """All results of one run, and its inputs."""

    cubes: dict[str, Cube]
    """The cubes by name: `cost`, and for each line that pays per claimant the cube of its claimants."""
    costs: dict[str, pl.DataFrame]
    """The cost tables by data source: `published` and, if there are claims, `claims` or `synthetic`."""
    runs: dict[str, Simulation] = field(default_factory=dict)
    """The draws of the costs by data source; the headline's comes first. A source without an expected cost
    has none."""
    no_late_claims: str = ""
    """Why claims still to come are not forecast; empty if they are, or if none can come."""

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: without the rows of the claims, so with the tables made from them."""
        made = {} if self.claims is None else {"exact_tables": self.exact_tables}
        kept = super().__getstate__().items()
        return {name: value for name, value in kept if name not in ("tables", "exact_tables")} | made

    def __dir__(self) -> list[str]:
        """Return what analysts use, so that completion shows nothing that only reports need."""
        return [*COMPLETED]

    @cached_property
    def exact_tables(self) -> AnalysisTables:
        """All tables as reports and charts read them: with amounts in the smallest unit of the currency."""
        return tables_of(self)

    @cached_property
    def tables(self) -> AnalysisTables:
        """All tables of the report: `tables.costs`, or `tables["costs"]`.

        Amounts are in whole currency, such as euros, not cents.
        """
        return self.exact_tables.whole(self.incident.locale("en").places)

    @cached_property
    def compared(self) -> PolicyComparison | None:
        """The comparison with the other policies that the plan names, if any."""
        if len(self.policies) == 1:
            return None
        about = (self.plan, self.incident, self.policies, self.ledger, self.as_of)
        return compare_loaded(*about, of_claims=bool(self.runs) and "published" not in self.runs)

    @cached_property
    def backtest_spec(self) -> incidents.BacktestSpec | None:
        """The back-test that belongs to the policy and the ledger; None without hindsight or without one."""
        if not self.plan.hindsight or self.ledger is None:
            return None
        for spec in map(incidents.load_backtest_spec, bundled_ids("backtests")):
            # A document of the user may have a bundled id and other contents.
            if (spec.policy, spec.ledger, spec.as_of) == (self.policy.id, self.ledger.id, self.as_of) and (
                load_policy(spec.policy),
                load_ledger(spec.ledger),
            ) == (self.policy, self.ledger):
                return spec
        return None

    @cached_property
    def backtest(self) -> Backtest | None:
        """The back-test of the policy and the ledger; None without one or if an outcome is unknown."""
        spec, plan = self.backtest_spec, self.plan
        with suppress(ModelRefused, UsageError):
            if spec:
                return costs.backtesting.backtest(spec, draws=plan.draws, seed=plan.seed, level=plan.level)
        return None

    @property
    def dropped_lines(self) -> tuple[str, ...]:
        """Ids of the cost lines that were not public by `as_of`."""
        return tuple(line.id for line in self.policy.public_by(self.as_of)[1])

    @property
    def budget(self) -> float | None:
        """The budget of the plan in the smallest unit of the currency."""
        return None if self.plan.budget is None else self.plan.budget * 10.0**self.incident.minor_units

    @property
    def claims_costs(self) -> pl.DataFrame | None:
        """The cost table computed from claims or totals; None without them."""
        return next((table for basis, table in self.costs.items() if basis != "published"), None)

    @property
    def headline_run(self) -> Simulation | None:
        """The draws of the headline cost; None if no line has an expected cost."""
        return next(iter(self.runs.values()), None)

    def answer(self, lang: str = "en") -> Answer:
        """Return the cost in sentences, with tables of totals, quantiles, cost lines and loss bands."""
        return cost_answer(self, lang)

    def to_dict(self) -> dict[str, Any]:
        """Return the cost as plain values, with amounts in whole currency."""
        return {
            **self.inputs,
            "policy": self.policy.id,
            "lines_not_public_yet": self.dropped_lines,
            **{name: self.whole(all_bases(self, name), name).to_dicts() for name in ("totals", "costs")},
            "uncertainty": {
                basis: {
                    name: self.whole(table, name).to_dicts()
                    for name in ("quantiles", "budget")
                    if (table := self.uncertainty_table(basis, name)) is not None
                }
                for basis in self.runs
            },
        }

    def locale(self, lang: str) -> Locale:
        """Return the texts and number formats of a language, with loss bands as the policy writes them."""
        counted = self.incident.counted[lang] if self.incident.counted else ""
        return replace(self.policy.locale(lang), level=self.plan.level, counted=counted)

    @property
    def documents(self) -> dict[str, Document]:
        """The TOML documents from which the analysis can be repeated, by name: incident, policy, ledger.

        The policies to compare with are `compared-1` and so on, the layouts of complaint files `layout-1` and
        so on.
        """
        named: dict[str, Document] = {"incident": self.incident, "policy": self.policy}
        if self.ledger is not None:  # a run from these documents makes its forecast of late claims again
            stated = tuple(a for a in self.ledger.assumptions if not isinstance(a, LateClaims))
            same = stated == self.ledger.assumptions
            named["ledger"] = self.ledger if same else self.ledger.model_copy(update={"assumptions": stated})
        named |= {f"compared-{n}": policy for n, policy in enumerate(self.policies[1:], start=1)}
        layouts = self.claims.given_layouts if self.claims else ()
        return named | {f"layout-{n}": layout for n, layout in enumerate(layouts, start=1)}

    @property
    def likely_range(self) -> LikelyRange:
        """The likely range that the results show: its probabilities, and the names of its ends."""
        return LikelyRange(self.plan.level)

    @lists_arguments()
    def chart(
        self,
        name: str,
        *,
        lang: str = "en",
        width: int | None = None,
        height: int | None = None,
        title: str | None = None,
    ) -> AltairChart:
        """Return a chart of the report by name, such as `tornado`, as an Altair chart.

        `chart.save("x.svg")`, or a file name that ends in .png, .pdf, .html or .json, writes what a notebook
        shows, with the fonts of this package and without a network.

        Args:
            name: the name of the chart; a wrong name suggests the closest one.
            lang: en or ko.
            width: the width in pixels; by default the chart fills its container.
            height: the height in pixels; by default the height that the data need.
            title: a title in place of the finding that the chart states.

        Raises:
            UsageError: there is no such chart, or the size is not possible.
            ModelRefused: the analysis has nothing to show in this chart.

        Example:
            >>> from outage_analysis.analysis import Plan, run
            >>> chart = run(Plan(claims=())).chart("waterfall", width=600, title="Cost by loss")
            >>> chart.title.text
            ['Cost by loss']
        """
        from outage_analysis import charts  # imported here, because importing charts is slow

        data, context = self.chart_data(name, lang=lang)
        chart = charts.standalone_chart(name, data, context, width=width, height=height, title=title)
        if chart is None:
            raise ModelRefused(
                f"the analysis has nothing to show in the chart {name} as of {self.as_of}",
                remedy="Charts of claims need claims, and charts of a comparison other policies.",
            )
        return chart

    def chart_data(
        self, name: str, table: pl.DataFrame | None = None, *, lang: str = "en"
    ) -> tuple[pl.DataFrame, ChartContext]:
        """Return what a chart shows, or another table if one is given, and the texts and marks around it.

        Raises:
            UsageError: there is no such chart.
        """
        from outage_analysis import charts  # imported here, because importing charts is slow

        charts.check_chart_name(name)
        entry = charts.CHARTS[name]
        source, locale = self.headline_table_name(entry.table), self.locale(lang)
        data = self.exact_tables.get(source, pl.DataFrame())
        if table is not None:
            data = schema_named(entry.table).smallest(table, self.incident.locale("en").places)
        mixed = "basis" in data and "synthetic" in data["basis"]
        marked = self.synthetic and (entry.claims or mixed or self.needs_synthetic_mark(source))
        return data, charts.chart_context(
            self.incident, locale, self.names(lang), self.as_of, synthetic=marked
        )

    @lists_arguments()
    def solve(
        self,
        *,
        vary: Vary,
        budget: Amount,
        at: str = "P90",
        step: Amount | None = None,
        objective: str | None = None,
    ) -> BudgetSolution:
        """Find the policy that gives claimants most within a budget; the arguments are those of `solve`."""
        own = self.claims if self.plan.has_own_counts and self.claims else self.plan.claims
        plan = replace(self.plan, claims=own, ledger=self.ledger)
        return solve(plan, vary=vary, budget=budget, at=at, step=step, objective=objective)

    def sensitivity(self, limit: int | None = None) -> Sensitivity:
        """Return what the cost depends on; the arguments are those of `sensitivity_tables`.

        Example:
            >>> run(Plan(claims=())).sensitivity(300_000_000).tables["tornado"]["assumption"][0]
            'as-review-award'
        """
        return Sensitivity(self, sensitivity_tables(self, limit))

    def forecast_intake(
        self, intake: str | Path | None = None, *, spike: float | None = None
    ) -> IntakeForecast:
        """Forecast how many claims are still to come, from what was filed or public by the as-of day.

        Args:
            intake: published counts of reports of this outage, by id or path; by default the claims of the
                analysis are counted by day, up to the last day to claim of the policy or of the incident.
            spike: the extra claims on the last day, as a multiple of the claims expected on it.

        Raises:
            UsageError: the counts are of another outage.
            ModelRefused: there are no claims, the claims are synthetic, or no count was public.
        """
        if intake is None:
            if self.claims is None:
                raise ModelRefused("the analysis has no claims to count", remedy="Name an intake.")
            days = (x.closes_on(self.as_of) for x in self.policy.as_known_on(self.as_of).schedules)
            closes = max((day for day in days if day and day >= self.as_of), default=None)
            return forecast_intake(self.claims, self.as_of, closes=closes, spike=spike)
        series = incidents.load_intake(intake)
        if series.incident != self.incident.id:
            problem = f"the intake is of the incident {series.incident}, not of {self.incident.id}"
            raise UsageError(problem, value=intake, remedy="Name an intake of this outage, or None.")
        return forecast_intake(series, min(self.as_of, series.as_of), spike=spike)

    @overload
    def report(
        self, out: None = None, formats: Formats = ..., *, lang: str = ..., force: bool = ...
    ) -> reports.ReportBuilder: ...

    @overload
    def report(
        self, out: str | Path, formats: Formats = ..., *, lang: str = ..., force: bool = ...
    ) -> Path: ...

    @lists_arguments()
    def report(
        self, out: str | Path | None = None, formats: Formats = None, *, lang: str = "en", force: bool = False
    ) -> reports.ReportBuilder | Path:
        """Write the report into a folder, or return it so that sections can be added first.

        Args:
            out: the folder to create; without a folder, nothing is written yet.
            formats: names of formats, such as ["html", "xlsx"]; all formats by default.
            lang: the language of the report, en or ko.
            force: overwrite an existing report.

        Returns:
            With a folder, the path of report.html (or manifest.json without HTML); otherwise a report with
            the methods `add_section` and `write`.

        Raises:
            UsageError: the language or a format is unknown, or the folder must not be overwritten.
        """
        chosen = [formats] if isinstance(formats, str) else reports.FORMATS if formats is None else formats
        builder = reports.ReportBuilder(self, lang, [*chosen], force)
        return builder if out is None else builder.write(out)

    def expected_cash(self, basis: str = "published") -> float | None:
        """Return the expected cash cost of a data source in the smallest currency unit; None if unknown.

        If inputs are correlated, the result is the mean of the simulated draws.
        """
        total, run = self.totals_row(basis), self.runs.get(basis)
        if total is None or total["expected"] is None or run is None or "cash" not in run.totals:
            return total["expected"] if total else None
        return costs.simulation.expected_estimate(run, "cash").value

    def points(self, valuation: str) -> dict[str, float]:
        """Return the mean (`expected`) and quantiles of the headline by measure; {} if it is not simulated.

        Beside them is the upper end of the likely range if the inputs move together (`stressed`).
        """
        table = self.uncertainty_table(self.headline_basis, "quantiles")
        rows = [] if table is None else table.filter(valuation=valuation).to_dicts()
        ends = [("stressed", row["stressed"]) for row in rows if row["measure"] == self.likely_range.high]
        return dict([*((row["measure"], row["value"]) for row in rows), *ends])

    @property
    def likely_cash(self) -> tuple[float, float] | None:
        """The likely range of the headline's cash; None without a simulation, or with too few draws.

        The range is P10 to P90 unless the plan has another level. If the cash is certain, both ends are it.
        """
        points, likely = self.points("cash"), self.likely_range
        return (points[likely.low], points[likely.high]) if {likely.low, likely.high} <= set(points) else None

    def check_budget_has_cash(self) -> None:
        """Check that a budget can be compared with expected cash.

        Raises:
            ModelRefused: the plan has a budget, and no simulation has an expected cash cost.
        """
        if self.plan.budget is not None and not any("cash" in run.totals for run in self.runs.values()):
            refuse_no_cash("a budget")

    @property
    def expected(self) -> float | None:
        """The expected cash cost of the headline in whole currency; None if no line has an expected cost.

        If inputs are correlated, this is the mean of the simulated draws.
        """
        expected = self.expected_cash(self.cash_basis)
        return None if expected is None else expected / 10**self.incident.minor_units

    @property
    def median(self) -> float:
        """The median of the headline cash total in whole currency.

        Raises:
            ModelRefused: no line has an expected cost in cash.
        """
        return self.quantile(0.5)

    def quantile(self, p: float) -> float:
        """Return a quantile of the headline cash total in whole currency, rounded as in the report's tables.

        The total includes the lines that have an expected cost.

        Args:
            p: a probability between 0 and 1, such as 0.9 for P90.

        Raises:
            UsageError: the probability is not a number between 0 and 1, ends excluded.
            ModelRefused: no line has an expected cost in cash, or the simulation has too few draws.

        Example:
            >>> from outage_analysis.analysis import Plan, run
            >>> analysis = run(Plan(claims=()))
            >>> analysis.quantile(0.1) < analysis.median < analysis.quantile(0.9)
            True
        """
        total = self._cash_total("a quantile")
        chance = _number(p, "a probability is a number between 0 and 1", "Give one, such as 0.9.")
        return rounded_estimate(total.quantile(chance)).value / float(10**self.incident.minor_units)

    def chance_over(self, amount: float) -> float:
        """Return the probability that the headline cash total exceeds an amount of whole currency.

        Args:
            amount: the amount, such as a budget.

        Raises:
            UsageError: the amount is not a number.
            ModelRefused: no line has an expected cost in cash.
        """
        total = self._cash_total("the chance of exceeding an amount")
        whole = _number(amount, "an amount is a number in whole currency", "Write 500_000_000, not text.")
        # The product of a decimal number and 100 can miss a whole cent by a rounding error.
        smallest_units = round(whole * 10**self.incident.minor_units, 6)
        return rounded_probability(total.exceedance(smallest_units)).value

    def sample(self, n: int) -> pl.Series:
        """Return simulated values of the headline cash total in whole currency.

        The same plan and the same n always give the same values. Up to the number of draws, the totals are
        taken from the draws without replacement.

        Args:
            n: the number of values. If the simulation has fewer draws, it runs again with more.

        Returns:
            A series `total` of n amounts in random order.

        Raises:
            UsageError: n is not a whole number from 1 to 4,194,304.
            ModelRefused: no line has an expected cost in cash.
        """
        self._cash_total("a sample")
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_SAMPLED:
            raise UsageError(f"a sample has a whole number of totals from 1 to {MOST_SAMPLED:,}", value=n)
        run = self.runs[self.headline_basis]
        if n > run.draws:
            run = replace(run, draws=2 ** math.ceil(math.log2(n)))
        order = np.random.default_rng(run.seed).permutation(run.draws)[:n]
        return pl.Series("total", run.totals["cash"].values.ravel()[order] / 10**self.incident.minor_units)

    def by(self, *dimensions: str) -> pl.DataFrame:
        """Return the claims and their cash by dimensions, such as service, or a column that was joined.

        If none is empty, the expected amounts add up to that of all claims. The ends of the ranges do not.

        Args:
            dimensions: any of those of `Claims.by`; of totals, service and claimant_type.

        Returns:
            One row per combination of values that claims have: the dimensions, `claims`, `expected`, and the
            likely range with its median (`p10`, `p50` and `p90`, unless the plan has another level). Amounts
            are in whole currency; they are empty where most entitled claims state no loss and the policy does
            not say what these are paid, or the ledger lacks an input.

        Raises:
            UsageError: no dimension is named, a dimension does not exist, or it is named twice.
            ModelRefused: the analysis has no claims, or a line pays per claimant.
            DisclosureBlocked: the values of a dimension contain personal data.

        Example:
            >>> analysis = oa.run(claims.join(customers), tiers={300_000: 30_000})  # doctest: +SKIP
            >>> analysis.by("segment")  # doctest: +SKIP
        """
        return cost_by(self, dimensions)

    def scenarios(self, document: str | Path | ScenarioSet = "stresses") -> pl.DataFrame:
        """Return the headline cash under each scenario of a document, computed on the same random points.

        Args:
            document: a bundled id, the path of a TOML file, or a `ScenarioSet`; by default the bundled
                stresses, which the table `scenarios` of a report has.

        Returns:
            One row per scenario, the first without a change: `expected`, the likely range with median and
            P75, `over_budget` (empty without a budget) and `change` (of the expected cash), in whole
            currency. `status` is `ok`, or the reason why a scenario has no figures.

        Raises:
            UsageError: the document is invalid.
            ModelRefused: no line has an expected cost in cash.

        Example:
            >>> from outage_analysis.analysis import Plan, run
            >>> table = run(Plan(claims=())).scenarios()
            >>> table["scenario"].to_list()[:3]
            ['base', 'one-tap', 'two-more-weeks']
        """
        return scenarios(self, costs.sensitivity.load_scenarios(document)).tables["scenarios"]

    def reserve(self, measure: str = "mean", *, handling: str = "outside") -> float:
        """Return the reserve in whole currency: what the lines with an obligation cost in cash.

        Args:
            measure: mean, median, P75 or P90.
            handling: `inside` adds the cost of working through the claims, draw by draw; else `outside`.

        Raises:
            UsageError: there is no such measure, or `handling` is neither inside nor outside.
            ModelRefused: no line has an expected cost in cash, or handling is inside and has none.

        Example:
            >>> from outage_analysis.analysis import Plan, run
            >>> analysis = run(Plan(claims=()))
            >>> analysis.reserve("mean") == analysis.expected
            True
            >>> analysis.reserve("median") < analysis.reserve("P75") < analysis.reserve("P90")
            True
        """
        return reserve(self, measure, handling).amount / float(10**self.incident.minor_units)

    def _cash_total(self, question: str) -> SampledTotal:
        run = self.headline_run
        if run is None or "cash" not in run.totals:
            refuse_no_cash(question)
        return run.totals["cash"]

    @property
    def tie_outs(self) -> tuple[incidents.TieOut, ...]:
        """Published amounts of the policy and the incident that the reconciliation recomputes."""
        return (*self.policy.tie_outs, *self.incident.tie_outs)

    @property
    def limits(self) -> tuple[Text, ...]:
        """Data limitations that the incident states, except those that cite facts published after `as_of`."""
        return tuple(text for text in self.incident.limits if not cites_fact_after(text.en, self.as_of))

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return any(cube.synthetic for cube in self.cubes.values())

    @property
    def headline_basis(self) -> str:
        """The data source of the headline cost: published counts if they give an expected cost, else claims.

        The value is `published`, `claims` or `synthetic`, or "" if no source gives an expected cost.
        """
        return next(iter(self.runs), "")

    @property
    def cash_basis(self) -> str:
        """The data source of the cash cost on the first screen: that of the headline, else `published`."""
        return self.headline_basis or "published"

    @property
    def headline_from_claims(self) -> bool:
        """Whether the headline cost is computed from claims, because published counts give no cost."""
        if self.headline_basis:
            return self.headline_basis != "published"
        return self.claims_costs is not None and self.costs["published"].filter(HAS_AMOUNT).is_empty()

    @property
    def has_rule_based_rates(self) -> bool:
        """Whether a result uses a rate that the documented rule derives from reference classes."""
        entries = self.used_ledger.assumptions if self.used_ledger else ()
        return any(isinstance(entry, RateAssumption) and entry.classes for entry in entries)

    @property
    def used_assumptions(self) -> frozenset[str]:
        """The ids of the assumptions that a result uses."""
        used = frozenset[str]().union(*map(assumption_ids, self.costs.values()))
        return used | (self.compared.simulations.inputs if self.compared else frozenset())

    @property
    def unused_entries(self) -> tuple[str, ...]:
        """Ids of the assumptions known on the day of the analysis that no result uses."""
        known, used = self.known_ledger, self.used_assumptions
        return tuple(entry.id for entry in (known.assumptions if known else ()) if entry.id not in used)

    @property
    def headline_is_synthetic(self) -> bool:
        """Whether the headline cost is computed from synthetic claims."""
        return self.headline_from_claims and self.synthetic

    def headline_table_name(self, name: str) -> str:
        """Return `claims_<name>` for a cost table if the headline is computed from claims, else the name."""
        return f"claims_{name}" if self.headline_from_claims and name in COST_TABLES else name

    @property
    def headline_costs(self) -> pl.DataFrame:
        """The cash costs behind the headline: cost lines and loss bands, with the columns of `cost_table`.

        If the headline is computed from claims, services and claimant types are added up. Lines that have
        only bounds from published figures are appended with another `basis`. To get a total, add up rows of
        one `basis` and one `level` only.
        """
        published = self.costs["published"].filter(valuation="cash")
        if not self.headline_from_claims or self.claims_costs is None:
            return published
        from_claims = by_band(self.claims_costs).filter(pl.col("rule") != "not_entitled")
        lines = from_claims.filter(HAS_AMOUNT, level="line")["line"].to_list()
        return pl.concat([from_claims, published.filter(HAS_AMOUNT | ~pl.col("line").is_in(lines))])

    def names(self, lang: str) -> dict[str, str]:
        """Display names by id, also for the outcomes of the back-test and the published sums."""
        outcomes = self.backtest_spec.outcomes if self.backtest_spec else ()
        return {x.id: x.name[lang] for x in (*outcomes, *self.policy.tie_outs)} | super().names(lang)

    def needs_synthetic_mark(self, name: str) -> bool:
        """Whether a table is computed from synthetic claims and must be marked as such."""
        return self.synthetic and (
            name.startswith("claims_") or (self.headline_is_synthetic and name in UNCERTAINTY_TABLES)
        )

    def uncertainty_table(self, basis: str, name: str) -> pl.DataFrame | None:
        """Return a simulation table of a data source, such as `quantiles`; None if it is not simulated."""
        if basis not in self.runs:
            return None
        prefix = "" if basis == self.headline_basis else "claims_"
        return self.exact_tables.get(f"{prefix}{name}")

    def totals_row(self, basis: str, valuation: str = "cash") -> dict[str, float | None] | None:
        """Return the totals of a data source, such as `claims`, and a valuation; None if there are none."""
        rows = all_bases(self, "totals").filter(basis=basis, valuation=valuation)
        return next(rows.iter_rows(named=True), None)

    @property
    def lines_outside_budget(self) -> list[str]:
        """Ids of cost lines left out of the probability of exceeding the budget; [] without a budget."""
        table = self.uncertainty_table(self.headline_basis, "budget")
        return [] if table is None else str(table["left_out"][0]).split()

    @property
    def bounded_lines(self) -> list[str]:
        """Ids of cost lines with cash bounds but no expected cost, unless unstated losses are the reason."""
        lines = self.exact_tables[self.headline_table_name("costs")].filter(level="line", valuation="cash")
        bounded = lines.filter(HAS_AMOUNT, pl.col("expected").is_null(), pl.col("status") != UNSTATED)
        return bounded["line"].to_list()

    @property
    def published_lines_left_out(self) -> list[str]:
        """Ids of cost lines with published bounds that a headline computed from claims does not include."""
        lines = self.headline_costs.filter(HAS_AMOUNT, level="line", basis="published")
        return lines["line"].to_list() if self.headline_from_claims else []

    @property
    def unpriced_lines(self) -> set[str]:
        """Ids of cost lines for which neither published counts nor claims give a cost."""
        unpriced = set(self.costs["published"].filter(~HAS_AMOUNT, level="line")["line"])
        own = self.claims_costs
        return unpriced.difference(() if own is None else own.filter(HAS_AMOUNT, level="line")["line"])


def _number(value: object, problem: str, remedy: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise UsageError(problem, value=value, remedy=remedy)
    return float(value)


Progress = Callable[[str], None]


class RunArguments(InputArguments, total=False):
    """The arguments of `run`, except the claims."""

    budget: float | None
    progress: Progress | None


@lists_arguments(InputArguments)
def run(
    claims: Plan | Claims | Cube | Sources | None = None,
    *,
    budget: float | None = None,
    progress: Progress | None = None,
    **arguments: Unpack[InputArguments],
) -> Analysis:
    """Run an analysis: the cost of a policy and its uncertainty. Its tables are computed when asked for.

    Several threads can run analyses of the same claims. A result can be pickled; it keeps its figures and
    tables, but not the rows of the claims.

    Args:
        claims: the claims that `read_claims` returned, complaint files, a data frame, or a cube that
            `read_cube` built with the edges of the policy. By default, the published counts and the synthetic
            claims of the bundled case. A `Plan` states everything; other arguments are then not allowed.
        budget: an amount of cash in whole currency; results then include the chance of exceeding it.
        progress: called with the name of each step as it starts.
        tiers: instead of a policy, largest loss of a tier -> payment per claim, in whole currency:
            {300_000: 30_000, 500_000: 50_000}. The key None stands for all larger losses; without it, larger
            losses are paid nothing. Without `ledger`, rates come from comparable schemes: `reference_ledger`.
        effort: with tiers, what claimants must do to be paid: automatic, one_tap, form (the default) or
            documents.
        unknown: with tiers, the payment for a claim without a stated loss.
        closes: with tiers, the last day to claim: the cost then includes the claims still to come.
        policy: a bundled id, a path, or a `Policy`; by default the incident's bundled policy.
        ledger: a bundled id, a path, or a `Ledger`; by default the incident's bundled ledger, if any.
        incident: the outage: a bundled id, a path, or an `Incident`. By default that of the claims.
        columns: layouts of files, or with files and without an incident {"service": "Product"}.
        as_of: use only what was public by this day; a date, or ISO text such as 2022-12-30.
        arguments: the other arguments are fields of `Plan` or, with files and without an incident, arguments
            of `incident_from_files`, such as currency="EUR" or loss=None.

    Raises:
        UsageError: a document is invalid, or documents or arguments do not fit together.
        InputRefused: claims cannot be used.
        ModelRefused: no cost line has a cost as of the day.

    Example:
        >>> run(policy="kakao-2022", budget=300_000_000).headline_basis
        'published'
    """
    plan, progress = make_plan(claims, budget=budget, **arguments), progress or (lambda _: None)
    progress(Note("step_reading_the_incident_the_policy_and_the_ledger"))
    incident, policies, ledger, as_of = load_inputs(plan)
    policy = policies[0]

    def draw(lines: Sequence[costs.terms.CompiledLine], ledger: Ledger | None) -> Simulation | None:
        portfolio = costs.expected.portfolio_of_lines(lines, ledger, as_of)
        return costs.simulate(portfolio, draws=plan.draws, seed=plan.seed) if portfolio.terms else None

    published = costs.compiled_lines(policy, ledger, as_of=as_of)
    with ThreadPoolExecutor(1) as pool:
        # The published counts are known before the claims are read.
        drawing = pool.submit(draw, published, ledger)
        progress(Note("step_reading_the_claims"))
        claims, cubes = load_cubes(plan, incident, policy.as_known_on(as_of), as_of)
        ledger, refused = with_late_claims(ledger, policies, claims, incident, as_of)
        progress(Note("step_computing_the_cost"))
        own = list(cubes.values())
        basis = costs.terms.basis_of(own)
        counted = costs.compiled_lines(policy, ledger, as_of=as_of, cubes=own) if own else ()
        tables = {"published": costs.expected.costs_of_lines(published, as_of)}
        if own:
            tables[basis] = costs.expected.costs_of_lines(counted, as_of, own)
        costs.expected.check_any_cost(pl.concat(tables.values()), policy, as_of, counted=plan.has_own_counts)
        progress(Note("step_drawing_what_is_uncertain"))
        runs = {"published": drawing.result(), **({basis: draw(counted, ledger)} if own else {})}
    about = (plan, incident, policies, ledger, as_of, claims, cubes, tables)
    analysis = Analysis(*about, {name: run for name, run in runs.items() if run}, refused)
    _ = analysis.compared  # what cannot be compared is refused now, not when somebody asks for a table
    return analysis
