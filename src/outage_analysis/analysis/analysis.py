"""The result of an analysis: its inputs, tables and simulations, with summaries for display."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, overload

import polars as pl

from outage_analysis.analysis.analysis_tables import AnalysisTables
from outage_analysis.analysis.cash_total import HeadlineCash
from outage_analysis.analysis.plan import Plan
from outage_analysis.analysis.summary import card_notes, cash_texts, counted_notes
from outage_analysis.assumptions import Ledger, RateAssumption, example_warning
from outage_analysis.claims import Claims
from outage_analysis.costs import HAS_AMOUNT, UNSTATED, Simulation, assumption_ids, by_band
from outage_analysis.errors import ModelRefused
from outage_analysis.files import Document, Text
from outage_analysis.incidents import Incident, TieOut, cites_fact_after
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import Card, Displayable, LikelyRange, Locale, Table

if TYPE_CHECKING:  # types only; without these imports the command `cost` is faster
    from outage_analysis.analysis.alternatives import PolicyComparison
    from outage_analysis.analysis.solving import BudgetSolution, SearchArguments
    from outage_analysis.charts import AltairChart
    from outage_analysis.costs import Backtest
    from outage_analysis.reports import ReportBuilder

UNCERTAINTY_TABLES = (
    *("quantiles", "split", "contributions", "budget", "tornado", "levers", "total_distribution", "steps"),
    *("cost_ranges", "comparison", "pairs", "flips", "information_value", "policy_information_value"),
    *("scenarios", "reserve", "winners_and_losers"),
)
"""Tables that always belong to the headline, whether it is computed from published counts or claims."""
COST_TABLES = ("costs", "totals", "funnel")
"""Tables computed from published counts. The same tables computed from claims have the prefix `claims_`."""


@dataclass(frozen=True, repr=False)
class Analysis(HeadlineCash, Displayable):
    """All results of one run, and its inputs."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    claims: Claims | None
    cubes: dict[str, Cube]
    """The cubes by name: `cost`, and for each line that pays per claimant the cube of its claimants."""
    tables: AnalysisTables
    """All tables of the report: `tables.costs`, `tables.from_claims.costs`, or `tables["costs"]`."""
    dropped_lines: tuple[str, ...] = ()
    """Ids of the cost lines that were not public by `as_of`."""
    runs: dict[str, Simulation] = field(default_factory=dict)
    """The uncertainty runs by basis: `published`, and `synthetic` or `claims`. A basis without an expected
    cost has no run."""
    backtest: Backtest | None = None
    """The back-test of the policy and ledger, if hindsight is allowed and a document of outcomes is
    bundled."""
    compared: PolicyComparison | None = None
    """The comparison with the other policies that the plan names, if any."""

    def card(self, lang: str = "en") -> Card:
        """Return the summary for notebooks: inputs, expected cash and range, lines left out, table names."""
        locale = self.locale(lang)
        lines = [
            *counted_notes(self, locale),
            locale("report.kicker", day=locale.day(self.as_of)),
            locale("report.policy", policy=self.policy.name[lang]),
        ]
        lines += [locale("card.synthetic")] if self.synthetic else []
        lines += filter(None, [self.warning(locale)])
        heads = (locale("card.cash"), *(locale(f"word.{basis}") for basis in self.bases))
        cash = [cash_texts(self, basis, locale) for basis in self.bases]
        names = ("expected", self.likely_range.low, self.likely_range.high)
        rows = tuple((locale(f"word.{name}"), *texts) for name, *texts in zip(names, *cash, strict=True))
        table = Table(heads, rows, frozenset(range(1, len(heads))))
        return Card(
            self.incident.name[lang], tuple(lines), (table,) if cash else (), tuple(card_notes(self, locale))
        )

    def locale(self, lang: str) -> Locale:
        """Return the texts and number formats of a language, with loss bands as the policy writes them."""
        counted = self.incident.counted[lang] if self.incident.counted else ""
        return replace(self.policy.locale(lang), starts=self.starts, level=self.plan.level, counted=counted)

    @property
    def documents(self) -> dict[str, Document]:
        """The TOML documents from which the analysis can be repeated, by name: incident, policy, ledger.

        The policies to compare with are `compared-1` and so on, the layouts of complaint files `layout-1` and
        so on.
        """
        others = self.compared.policies[1:] if self.compared else ()
        named: dict[str, Document] = {"incident": self.incident, "policy": self.policy}
        named |= {} if self.ledger is None else {"ledger": self.ledger}
        named |= {f"compared-{n}": policy for n, policy in enumerate(others, start=1)}
        layouts = self.claims.given_layouts if self.claims else ()
        return named | {f"layout-{n}": layout for n, layout in enumerate(layouts, start=1)}

    @property
    def likely_range(self) -> LikelyRange:
        """The likely range that the results show: its probabilities, and the names of its ends."""
        return LikelyRange(self.plan.level)

    @property
    def starts(self) -> frozenset[int]:
        """The largest losses of all bands that exclude their written upper edge: 299999 for [0, 300000)."""
        return self.policy.starts.union(*(cube.starts for cube in self.cubes.values()))

    @property
    def bases(self) -> tuple[str, ...]:
        """The data sources that give the cash total a finite `high`: `published`, `claims`, `synthetic`."""
        totals = ((basis, self.totals_row(basis)) for basis in ("published", "claims", "synthetic"))
        return tuple(basis for basis, total in totals if total and total["high"] is not None)

    def chart(
        self,
        name: str,
        *,
        width: int | None = None,
        height: int | None = None,
        title: str | None = None,
        lang: str = "en",
    ) -> AltairChart:
        """Return a chart of the report by name, such as `tornado`, as an Altair chart.

        `chart.save("x.svg")`, or a file name that ends in .png, .pdf, .html or .json, writes what a notebook
        shows, with the fonts of this package and without a network.

        Args:
            name: the name of the chart; a wrong name suggests the closest one.
            width: the width in pixels; by default the chart fills its container.
            height: the height in pixels; by default the height that the data need.
            title: a title in place of the finding that the chart states.
            lang: en or ko.

        Raises:
            UsageError: there is no such chart, or the size is not possible.
            ModelRefused: the analysis has nothing to show in this chart.

        Example:
            >>> from outage_analysis.analysis import Plan, price
            >>> chart = price(Plan(claims=())).chart("cost_by_band", width=600, title="Cost by loss")
            >>> chart.title.text
            ['Cost by loss']
        """
        chart = self.chart_of_table(name, width=width, height=height, title=title, lang=lang)
        if chart is None:
            raise ModelRefused(
                f"the analysis has nothing to show in the chart {name} as of {self.as_of}",
                remedy="`run` computes the tables of all charts; charts of claims need claims.",
            )
        return chart

    def solve(self, **search: Unpack[SearchArguments]) -> BudgetSolution:
        """Find the policy that gives claimants most within a budget; the arguments are those of `solve`."""
        from outage_analysis.analysis.solving import solve_plan  # imported here, because most runs need none

        own = self.claims if self.plan.has_own_counts and self.claims else self.plan.claims
        return solve_plan(replace(self.plan, claims=own, ledger=self.ledger), **search)

    @overload
    def report(
        self,
        out: None = None,
        *,
        lang: str = ...,
        formats: Sequence[str] | str | None = ...,
        force: bool = ...,
        bom: bool = ...,
    ) -> ReportBuilder: ...

    @overload
    def report(
        self,
        out: str | Path,
        *,
        lang: str = ...,
        formats: Sequence[str] | str | None = ...,
        force: bool = ...,
        bom: bool = ...,
    ) -> Path: ...

    def report(
        self,
        out: str | Path | None = None,
        *,
        lang: str = "en",
        formats: Sequence[str] | str | None = None,
        force: bool = False,
        bom: bool = False,
    ) -> ReportBuilder | Path:
        """Write the report into a folder, or return it so that sections can be added first.

        Args:
            out: the folder to create; without a folder, nothing is written yet.
            lang: the language, en or ko.
            formats: names of formats, such as ["html", "xlsx"]; all formats by default.
            force: whether to overwrite an existing report.
            bom: whether CSV files start with a byte order mark, which Korean Excel needs to read UTF-8.

        Returns:
            With a folder, the path of report.html (or manifest.json without HTML); otherwise a report with
            the methods `add_section` and `write`.

        Raises:
            UsageError: the language or a format is unknown, or the folder must not be overwritten.
        """
        from outage_analysis import reports  # imported here: reports are a later layer, and slow to import

        chosen = (
            [formats] if isinstance(formats, str) else [*(reports.FORMATS if formats is None else formats)]
        )
        builder = reports.ReportBuilder(self, lang, chosen, force, bom)
        return builder if out is None else builder.write(out)

    def chart_of_table(
        self,
        name: str,
        table: pl.DataFrame | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        title: str | None = None,
        lang: str = "en",
    ) -> AltairChart | None:
        """Return a chart by name, from another table if one is given; None if there are no rows to show.

        The other arguments and the errors are those of `chart`.
        """
        from outage_analysis import charts  # imported here, because importing charts is slow

        charts.check_chart_name(name)
        entry = charts.CHARTS[name]
        source = self.headline_table_name(entry.table)
        data = self.tables.get(source, pl.DataFrame()) if table is None else table
        mixed = "basis" in data and "synthetic" in data["basis"]
        from_claims = entry.claims or self.needs_synthetic_mark(source) or mixed
        context = charts.chart_context(
            self.incident,
            self.locale(lang),
            self.names(lang),
            self.as_of,
            synthetic=from_claims and self.synthetic,
        )
        return charts.standalone_chart(name, data, context, width=width, height=height, title=title)

    @property
    def tie_outs(self) -> tuple[TieOut, ...]:
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
        return "claims_costs" in self.tables and self.tables["costs"].filter(HAS_AMOUNT).is_empty()

    @property
    def has_rule_based_rates(self) -> bool:
        """Whether a result uses a rate that the documented rule derives from reference classes."""
        entries = self.used_ledger.assumptions if self.used_ledger else ()
        return any(isinstance(entry, RateAssumption) and entry.classes for entry in entries)

    @property
    def known_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis."""
        return self.ledger.as_known_on(self.as_of) if self.ledger else None

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as known on the day of the analysis, with only the assumptions that a result uses."""
        if self.known_ledger is None:
            return None
        costs = (self.tables[name] for name in ("costs", "claims_costs") if name in self.tables)
        used = frozenset().union(*map(assumption_ids, costs))
        return self.known_ledger.with_only(
            used | (self.compared.simulations.inputs if self.compared else frozenset())
        )

    @property
    def unused_entries(self) -> tuple[str, ...]:
        """Ids of the assumptions known on the day of the analysis that no result uses."""
        used = {entry.id for entry in self.used_ledger.assumptions} if self.used_ledger else set()
        return (
            tuple(a.id for a in self.known_ledger.assumptions if a.id not in used)
            if self.known_ledger
            else ()
        )

    def warning(self, locale: Locale) -> str:
        """A warning not to use the results, if an input is only an example; else an empty text."""
        return example_warning(self.used_ledger, locale)

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
        published = self.tables["costs"].filter(valuation="cash")
        if not self.headline_from_claims:
            return published
        from_claims = by_band(self.tables["claims_costs"]).filter(pl.col("rule") != "not_entitled")
        lines = from_claims.filter(HAS_AMOUNT, level="line")["line"].to_list()
        return pl.concat([from_claims, published.filter(HAS_AMOUNT | ~pl.col("line").is_in(lines))])

    def names(self, lang: str) -> dict[str, str]:
        """Display names by id, for services, cost lines, assumptions and everything else with an id."""
        from outage_analysis.charts import display_names  # imported here, because importing charts is slow

        backtest = self.backtest.spec if self.backtest else None
        names = display_names(self.incident, self.policy, self.ledger, backtest, lang=lang)
        return names | (self.compared.names(lang) if self.compared else {})

    def needs_synthetic_mark(self, name: str) -> bool:
        """Whether a table is computed from synthetic claims and must be marked as such."""
        return self.synthetic and (
            name.startswith("claims_") or (self.headline_is_synthetic and name in UNCERTAINTY_TABLES)
        )

    def uncertainty_table(self, basis: str, name: str) -> pl.DataFrame | None:
        """Return a simulation table of a data source, such as `quantiles`; None if it is not simulated."""
        if basis not in self.runs:
            return None
        return self.tables.get(name if basis == self.headline_basis else f"claims_{name}")

    def totals_row(self, basis: str, valuation: str = "cash") -> dict[str, float | None] | None:
        """Return the totals of a data source, such as `claims`, and a valuation; None if there are none."""
        table = self.tables.get("totals" if basis == "published" else "claims_totals")
        rows = [] if table is None else table.filter(basis=basis, valuation=valuation).rows(named=True)
        return rows[0] if rows else None

    @property
    def lines_outside_budget(self) -> list[str]:
        """Ids of cost lines left out of the probability of exceeding the budget; [] without a budget."""
        table = self.uncertainty_table(self.headline_basis, "budget")
        return [] if table is None else str(table["left_out"][0]).split()

    @property
    def bounded_lines(self) -> list[str]:
        """Ids of cost lines with cash bounds but no expected cost, unless unstated losses are the reason."""
        lines = self.tables[self.headline_table_name("costs")].filter(level="line", valuation="cash")
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
        unpriced = set(self.tables["costs"].filter(~HAS_AMOUNT, level="line")["line"])
        if "claims_costs" in self.tables:
            unpriced -= set(self.tables["claims_costs"].filter(HAS_AMOUNT, level="line")["line"])
        return unpriced
