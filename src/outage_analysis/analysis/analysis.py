"""The analysis: every figure of one run, frozen, and what it shows of itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.analysis.plan import Plan
from outage_analysis.assumptions import Ledger, RateAssumption, warning
from outage_analysis.claims import Claims
from outage_analysis.costs import COUNTED, UNSTATED, Uncertainty, by_band, inputs_in, unstated_losses
from outage_analysis.errors import ModelRefused
from outage_analysis.files import Text
from outage_analysis.incidents import Incident, TieOut, cites_later
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import Card, Displayable, Locale, Table

if TYPE_CHECKING:  # what only a report holds; a cost alone is told sooner without it
    from outage_analysis.analysis.alternatives import PolicyComparison
    from outage_analysis.costs import Backtest

UNCERTAINTY_TABLES = (
    *("quantiles", "split", "contributions", "budget", "tornado", "levers", "total_law", "steps"),
    *("comparison", "pairs", "flips"),
)
"""Tables of the headline, whatever it rests on."""
COST_TABLES = ("costs", "totals", "funnel")
"""Tables of published counts; those of claims have names of their own."""


MAX_NAMED_LINES = 2
"""Cost lines that a first figure names; of more it says how many there are."""


@dataclass(frozen=True, repr=False)
class Analysis(Displayable):
    """Every figure of one run, and what it was made from."""

    plan: Plan
    incident: Incident
    policy: Policy
    ledger: Ledger | None
    as_of: date
    claims: Claims | None
    cubes: dict[str, Cube]
    """cost, and from claims the claimants of each line paid by claimant."""
    tables: dict[str, pl.DataFrame]
    """Every table of the report, by name."""
    dropped_lines: tuple[str, ...] = ()
    """Cost lines that were not public by `as_of`."""
    runs: dict[str, Uncertainty] = field(default_factory=dict)
    """The uncertainty runs by basis: published, and synthetic or claims. None where nothing is expected."""
    backtest: Backtest | None = None
    """In hindsight only: how the same policy and ledger did, where a page of outcomes is bundled."""
    compared: PolicyComparison | None = None
    """The policy beside those that the plan names."""

    def card(self, lang: str = "en") -> Card:
        """What it is of, the expected cash and how sure it is, what is left out, and its tables."""
        locale = self.words(lang)
        lines = [
            locale("report.kicker", day=locale.day(self.as_of)),
            locale("report.policy", policy=self.policy.name[lang]),
        ]
        lines += [locale("card.synthetic")] if self.synthetic else []
        lines += filter(None, [self.warning(locale)])
        heads = (locale("card.cash"), *(locale(f"word.{basis}") for basis in self.bases))
        cash = [_cash_texts(self, basis, locale) for basis in self.bases]
        rows = tuple(
            (locale(f"word.{name}"), *told)
            for name, *told in zip(("expected", "p10", "p90"), *cash, strict=True)
        )
        table = Table(heads, rows, frozenset(range(1, len(heads))))
        return Card(
            self.incident.name[lang], tuple(lines), (table,) if cash else (), tuple(_card_notes(self, locale))
        )

    def words(self, lang: str) -> Locale:
        """The words of a language, with bands as the policy, or the file of totals, writes them."""
        return replace(self.policy.words(lang), starts=self.starts)

    @property
    def starts(self) -> frozenset[int]:
        """Cuts whose edge belongs to the band above, under the policy or in the file of totals."""
        return self.policy.starts.union(*(cube.starts for cube in self.cubes.values()))

    @property
    def bases(self) -> tuple[str, ...]:
        """What gives the cash a figure: published counts, and claims or synthetic ones."""
        totals = ((basis, self.totals_row(basis)) for basis in ("published", "claims", "synthetic"))
        return tuple(basis for basis, total in totals if total and total["high"] is not None)

    @property
    def tie_outs(self) -> tuple[TieOut, ...]:
        """The published sums that the policy and the incident name."""
        return (*self.policy.tie_outs, *self.incident.tie_outs)

    @property
    def limits(self) -> tuple[Text, ...]:
        """What the incident's page says of its data, but for what cites a fact of a later day."""
        return tuple(text for text in self.incident.limits if not cites_later(text.en, self.as_of))

    @property
    def synthetic(self) -> bool:
        """Whether the claims are synthetic."""
        return any(cube.synthetic for cube in self.cubes.values())

    @property
    def headline_basis(self) -> str:
        """What the headline rests on: published counts where they give any, else claims or synthetic ones."""
        return next(iter(self.runs), "")

    @property
    def headline_from_claims(self) -> bool:
        """Whether the headline rests on the claims given: nothing published gives a figure of the cost."""
        if self.headline_basis:
            return self.headline_basis != "published"
        return "claims_costs" in self.tables and self.tables["costs"].filter(COUNTED).is_empty()

    @property
    def has_rule_based_rates(self) -> bool:
        """Whether any rate of the ledger follows from reference classes by the written rule."""
        entries = self.used_ledger.assumptions if self.used_ledger else ()
        return any(isinstance(entry, RateAssumption) and entry.classes for entry in entries)

    @property
    def known_ledger(self) -> Ledger | None:
        """The ledger as it was known on the day."""
        return self.ledger.admissible(self.as_of) if self.ledger else None

    @property
    def used_ledger(self) -> Ledger | None:
        """The ledger as it was known on the day, with only the entries that a figure rests on."""
        if self.known_ledger is None:
            return None
        costs = (self.tables[name] for name in ("costs", "claims_costs") if name in self.tables)
        used = frozenset().union(*map(inputs_in, costs))
        return self.known_ledger.only(
            used | (self.compared.comparison.inputs if self.compared else frozenset())
        )

    @property
    def unused_entries(self) -> tuple[str, ...]:
        """The entries of the ledger, as known on the day, that no figure rests on."""
        used = {entry.id for entry in self.used_ledger.assumptions} if self.used_ledger else set()
        return (
            tuple(a.id for a in self.known_ledger.assumptions if a.id not in used)
            if self.known_ledger
            else ()
        )

    def warning(self, words: Locale) -> str:
        """That no figure may be used, as long as inputs of it are examples; empty where none is."""
        return warning(self.used_ledger, words)

    @property
    def headline_is_synthetic(self) -> bool:
        """Whether the headline rests on synthetic rows."""
        return self.headline_from_claims and self.synthetic

    def headline_table_name(self, name: str) -> str:
        """The name under which the headline has a table: of claims where it rests on them."""
        return f"claims_{name}" if self.headline_from_claims and name in COST_TABLES else name

    @property
    def headline_costs(self) -> pl.DataFrame:
        """What the headline is made of: cost lines and their loss bands, in cash, as `cost_table` has them.

        Of claims, services and claimant types are added up; lines that published figures bound stand below,
        told apart by their `basis`. Add up one basis and one level only.
        """
        published = self.tables["costs"].filter(valuation="cash")
        if not self.headline_from_claims:
            return published
        given = by_band(self.tables["claims_costs"]).filter(pl.col("rule") != "not_entitled")
        told = given.filter(COUNTED, level="line")["line"].to_list()
        return pl.concat([given, published.filter(COUNTED | ~pl.col("line").is_in(told))])

    def names(self, lang: str) -> dict[str, str]:
        """What readers call everything that has an id."""
        from outage_analysis.charts import names_of  # no figure needs the charts, which load slowly

        tried = self.backtest.page if self.backtest else None
        names = names_of(self.incident, self.policy, self.ledger, tried, lang=lang)
        return names | (self.compared.names(lang) if self.compared else {})

    def needs_synthetic_mark(self, name: str) -> bool:
        """Whether a table is made from synthetic rows, and must say so."""
        return self.synthetic and (
            name.startswith("claims_") or (self.headline_is_synthetic and name in UNCERTAINTY_TABLES)
        )

    def uncertainty_table(self, basis: str, name: str) -> pl.DataFrame | None:
        """A table of the uncertainty run of a basis, such as its quantiles; None where nothing was drawn."""
        if basis not in self.runs:
            return None
        return self.tables.get(name if basis == self.headline_basis else f"claims_{name}")

    def totals_row(self, basis: str, valuation: str = "cash") -> dict[str, float | None] | None:
        """The row of the totals for one basis: published, synthetic or claims."""
        table = self.tables.get("totals" if basis == "published" else "claims_totals")
        rows = [] if table is None else table.filter(basis=basis, valuation=valuation).rows(named=True)
        return rows[0] if rows else None

    def expected_cash(self, basis: str = "published") -> float | None:
        """The expected cash of a basis: the mean of the draws, where its inputs depend on each other."""
        total, table = self.totals_row(basis), self.uncertainty_table(basis, "quantiles")
        if total is None or total["expected"] is None or table is None:
            return total["expected"] if total else None
        told = table.filter(valuation="cash", measure="expected")["value"]
        return float(told[0]) if len(told) else total["expected"]

    def likely_cash(self, basis: str = "published") -> tuple[float, float] | None:
        """P10 and P90 of the cash of a basis; None where nothing was drawn or nothing is unsure."""
        table = self.uncertainty_table(basis, "quantiles")
        if table is None:
            return None
        found = dict(table.filter(valuation="cash").select("measure", "value").iter_rows())
        low, high = found.get("p10"), found.get("p90")
        return None if low is None or high is None or low == high else (low, high)

    def check_budget_has_cash(self) -> None:
        """Refuse a budget where no cash is expected.

        Raises:
            ModelRefused: there is a budget and no run of the cash.
        """
        drawn = (run.portfolio.valuations for run in self.runs.values())
        if self.plan.budget is not None and not any("cash" in valuations for valuations in drawn):
            refuse_no_cash("a budget")

    @property
    def lines_outside_budget(self) -> list[str]:
        """Cost lines that the chance of exceeding the budget leaves out; none where there is no budget."""
        table = self.uncertainty_table(self.headline_basis, "budget")
        return [] if table is None else str(table["left_out"][0]).split()

    @property
    def bounded_lines(self) -> list[str]:
        """Cost lines that have bounds of the cash but no expected cost; those of `unstated_notes` apart."""
        lines = self.tables[self.headline_table_name("costs")].filter(level="line", valuation="cash")
        bounded = lines.filter(COUNTED, pl.col("expected").is_null(), pl.col("status") != UNSTATED)
        return bounded["line"].to_list()

    def unstated_notes(self, words: Locale, *, first_screen: bool = False) -> list[str]:
        """One sentence per line with claims that state no loss and for which the policy has no rule.

        None on a first screen for synthetic rows beside a headline from published counts.
        """
        if first_screen and self.synthetic and not self.headline_from_claims:
            return []
        names, locale = self.names(words.lang), words
        costs = self.tables.get("claims_costs")
        rows = [] if costs is None else unstated_losses(costs).iter_rows(named=True)
        return [
            locale(
                f"report.unstated_{'some' if row['priced'] else 'most'}",
                line=names.get(row["line"], row["line"]),
                unstated=locale.number(row["unstated"]),
                entitled=locale.number(row["entitled"]),
                share=locale.share(row["unstated"] / row["entitled"]),
            )
            for row in rows
        ]

    @property
    def published_lines_left_out(self) -> list[str]:
        """Cost lines that published figures bound, where the headline rests on claims: they are not in it."""
        lines = self.headline_costs.filter(COUNTED, level="line", basis="published")
        return lines["line"].to_list() if self.headline_from_claims else []

    @property
    def unpriced_lines(self) -> set[str]:
        """Cost lines that neither published counts nor the claims given give a figure."""
        silent = set(self.tables["costs"].filter(~COUNTED, level="line")["line"])
        if "claims_costs" in self.tables:  # what the claims give a figure to is in one
            silent -= set(self.tables["claims_costs"].filter(COUNTED, level="line")["line"])
        return silent


def refuse_no_cash(asked: str) -> None:
    """Refuse a question about cash where none is expected, rather than leave it out of the answer."""
    remedy = "Give a ledger with the inputs that the policy needs, or leave that question out."
    raise ModelRefused(f"no line has an expected cost in cash, so nothing is known of {asked}", remedy=remedy)


def budget_scope(analysis: Analysis, basis: str, locale: Locale) -> str:
    """What the chance of exceeding the budget counts and leaves out; the chance if all inputs move together.

    Args:
        analysis: with a budget.
        basis: the run whose chance it is.
        locale: the language.
    """
    table = analysis.uncertainty_table(basis, "budget")
    if table is None:
        return ""
    row, names = table.row(0, named=True), analysis.names(locale.lang)
    counted, omitted = row["counted"].split(), row["left_out"].split()
    lines = ", ".join(names.get(x, x) for x in counted)
    said = [
        locale("report.budget_stressed", share=locale.share(row["stressed"])),
        locale("report.budget_counts", lines=lines)
        if len(counted) <= MAX_NAMED_LINES
        else locale("report.budget_counts_many", count=len(counted)),
    ]
    if omitted:
        said.append(locale("report.budget_omits", count=len(omitted)))
    return " ".join(said)


def _cash_texts(analysis: Analysis, basis: str, locale: Locale) -> tuple[str, ...]:
    """Expected cash, P10 and P90 of a basis, rounded as the first screen of a report rounds them."""
    expected, likely = analysis.expected_cash(basis), analysis.likely_cash(basis) or (None, None)
    return tuple("–" if value is None else locale.money(value) for value in (expected, *likely))


def _card_notes(analysis: Analysis, locale: Locale) -> list[str]:
    """The chance of breaking the budget, what is left out, and where to go on."""
    budget = analysis.uncertainty_table(analysis.headline_basis, "budget")
    notes = [] if analysis.bases else [locale("report.no_headline")]
    if budget is not None:
        row = budget.row(0, named=True)
        chance = locale("report.tile_budget", budget=locale.stated(row["budget"]))
        scope = budget_scope(analysis, analysis.headline_basis, locale)
        notes.append(f"{chance}: {locale.share(row['exceeded'])}. {scope}")
    left = (analysis.bounded_lines, analysis.unpriced_lines, analysis.dropped_lines)
    bounded, silent, later = (locale.number(len(lines)) for lines in left)
    if any(left):
        notes.append(locale("card.left_out", bounded=bounded, silent=silent, later=later))
    notes += analysis.unstated_notes(locale, first_screen=True)
    return [*notes, locale("card.tables", names=", ".join(analysis.tables))]
