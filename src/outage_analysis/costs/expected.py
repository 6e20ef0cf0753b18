"""The expected cost: the terms of a policy with their uncertain inputs, and the cost table.

Given the inputs, the mean of each term and its variance have a closed form, so the number of claims does not
affect the run time.

In the cost table, `low` and `high` bound the expected cost: all inputs are at their low ends, or all at their
high ends. They are not quantiles, and the total may lie outside them. `most` bounds the total: every claim
gets its largest payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from itertools import groupby

import numpy as np
import polars as pl

from outage_analysis import text
from outage_analysis.assumptions import Assumption, BandMix, FloatArray, Ledger
from outage_analysis.costs.claim_payments import NO_RULE
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.terms import UNSTATED, CompiledLine, Group, Input, Term, join_ids, sum_or_none
from outage_analysis.errors import ModelRefused, either
from outage_analysis.incidents import ids_public_by
from outage_analysis.losses import Cube, sum_or_null
from outage_analysis.policies import CostLine, Policy


@dataclass(frozen=True, repr=False)
class Portfolio(text.ShortRepr):
    """All terms of a policy that have an expected cost, and the assumptions they share."""

    terms: tuple[Term, ...]
    entries: Mapping[str, Assumption]
    """The assumptions behind the terms, by id in alphabetical order."""
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Declared rank correlations between assumptions."""
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per valuation, the lines without an expected cost, which no total includes. If the portfolio uses
    claims, these include the lines that do not pay per claim."""
    statutory: frozenset[str] = frozenset()
    """The ids of the cost lines whose payment the law fixes; no decision changes them."""
    redrawn: Mapping[str, tuple[str, Assumption]] = field(default_factory=dict)
    """Further inputs by name: the id of the assumption from whose random points each is drawn, and the
    assumption that states its distribution, which needs no more coordinates."""

    @property
    def valuations(self) -> tuple[str, ...]:
        """The valuations of the terms; amounts of different valuations are never added."""
        return tuple(dict.fromkeys(s.valuation for s in self.terms))

    def terms_of(self, valuation: str) -> tuple[Term, ...]:
        """Return the terms that the total of a valuation adds up."""
        return tuple(term for term in self.terms if term.valuation == valuation)

    def inputs_of(self, valuation: str) -> dict[str, Assumption]:
        """Return the assumptions that affect the total of a valuation, by id."""
        used = {name for term in self.terms_of(valuation) for name in term.inputs}
        return {name: entry for name, entry in self.entries.items() if name in used}

    def counted(self, valuation: str) -> tuple[str, ...]:
        """Return the ids of the cost lines in the total of a valuation."""
        return tuple(dict.fromkeys(term.line for term in self.terms_of(valuation)))

    def has_correlated_inputs(self, valuation: str) -> bool:
        """Whether the ledger declares correlations between inputs of a total.

        With correlated inputs the mean of a product is not the product of the means.
        """
        names = {name for term in self.terms_of(valuation) for name in term.inputs}
        used = {self.redrawn[name][0] if name in self.redrawn else name for name in names}
        return any(used.issuperset(pair) for pair, rank in self.correlations.items() if rank)

    def has_closed_form(self, valuation: str) -> bool:
        """Whether the expected total is the total at the means of the inputs.

        It is not if the ledger declares correlations between inputs, or if a value is computed from inputs
        in a way that is not linear.
        """
        linear = (d.linear for term in self.terms_of(valuation) for d in term.derived.values())
        return all(linear) and not self.has_correlated_inputs(valuation)

    @property
    def places(self) -> dict[str, slice]:
        """For each assumption, the coordinates of a random point from which its value is drawn."""
        first, places = 0, {}
        for name, entry in self.entries.items():
            places[name] = slice(first, first + entry.dimensions)
            first += entry.dimensions
        return places

    @property
    def dimensions(self) -> int:
        """The number of uniform numbers that one draw of all inputs needs."""
        return sum(entry.dimensions for entry in self.entries.values())

    def values(self, u: FloatArray) -> dict[str, FloatArray]:
        """Draw the inputs from uniform points (draws, dimensions), and return the values by name."""
        return {name: self.entries[name].draw(u[:, place]) for name, place in self.places.items()}

    def redrawn_values(self, u: FloatArray) -> dict[str, FloatArray]:
        """Draw the further inputs from the same uniform points (draws, dimensions), by name.

        An input with fewer coordinates than its place uses the last ones.
        """
        return {
            name: entry.draw(u[:, self.places[id_]][:, -entry.dimensions :])
            for name, (id_, entry) in self.redrawn.items()
        }

    def branches(self, u: FloatArray) -> dict[str, np.ndarray]:
        """Return, per assumption with rival models, the model index of each draw."""
        found = {name: self.entries[name].branch(u[:, place]) for name, place in self.places.items()}
        return {name: branch for name, branch in found.items() if branch is not None}


def expected_at(portfolio: Portfolio, valuation: str, inputs: Mapping[str, FloatArray]) -> FloatArray:
    """Return the expected total of a valuation, with some inputs set to given values.

    All inputs are treated as independent, even if the ledger declares correlations.

    Args:
        portfolio: the terms and their inputs.
        valuation: the kind of cost that is added up, such as `cash`.
        inputs: values of some inputs by assumption, (n,), or (n, bands) for a mix; the other inputs are at
            their means.

    Returns:
        One total per value, (n,), in the smallest unit of the currency; (1,) if `inputs` is empty.

    Raises:
        ModelRefused: a value is computed from inputs in a way that is not linear, so that the total at the
            means of the inputs is not the expected total.
    """
    size = max((len(v) for v in inputs.values()), default=1)
    total = np.zeros(size)
    for term in portfolio.terms_of(valuation):
        if not all(derived.linear for derived in term.derived.values()):
            raise ModelRefused(f"the expected total of {term.line} has no closed form")
        if term.capacity is not None and not inputs.keys() & set(term.rates):
            # The mean of min(rate, cap) is less than the smaller of both means.
            total += (term.accepted_share.expected or 0.0) * term.parts[0].paid
        else:
            values = {name: inputs.get(name, _mean(portfolio, name)) for name in term.inputs}
            total += term.moments(values, size)[0].sum(axis=1)
    return total


def _mean(portfolio: Portfolio, name: str) -> FloatArray:
    entry = portfolio.redrawn[name][1] if name in portfolio.redrawn else portfolio.entries[name]
    if isinstance(entry, BandMix):
        return np.array([[band.share for band in entry.bands]])
    return np.array([entry.range.expected])


def build_portfolio(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> Portfolio:
    """Build the portfolio of a policy, from published counts or from cubes of claims.

    Args:
        policy: the policy; lines not public by `as_of` are left out.
        ledger: the assumptions; only those public by `as_of` are used.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals, as for `cost_table`; by default published counts are used.

    Returns:
        A portfolio with the lines that have an expected cost in `cost_table`; `left_out` names the others.
    """
    return portfolio_of_lines(compiled_lines(policy, ledger, as_of=as_of, cubes=cubes), ledger, as_of)


def portfolio_of_lines(lines: Sequence[CompiledLine], ledger: Ledger | None, as_of: date) -> Portfolio:
    """Return the portfolio of lines that were compiled with a ledger for a day."""
    terms: list[Term] = []
    left_out: dict[str, list[str]] = {}
    used: dict[str, Assumption] = {}
    for compiled in lines:
        line = compiled.line
        for valuation, group in groupby(compiled.terms, lambda term: term.valuation):
            own = [*group]
            if all(term.has_expected_cost for term in own):
                terms += own
            else:
                left_out.setdefault(valuation, []).append(line.id)
        if not compiled.terms:
            left_out.setdefault(line.main_valuation, []).append(line.id)
        used |= {entry.id: entry for entry in compiled.funnel.entries.values()}
    inputs = sorted({name for term in terms for name in term.inputs})
    correlations = ledger.as_known_on(as_of).correlations if ledger else ()
    return Portfolio(
        tuple(terms),
        {name: used[name] for name in inputs},
        {c.of: c.rank for c in correlations if set(c.of) <= set(inputs)},
        {valuation: tuple(names) for valuation, names in left_out.items()},
        frozenset(compiled.line.id for compiled in lines if compiled.line.statutory),
    )


MOST_DIGITS = 15
"""Digits of `most`; rounded to fewer digits, this upper bound could fall below the total."""


def exact_costs(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> pl.DataFrame:
    """Return the result of `cost_table` in the smallest unit of the currency."""
    return costs_of_lines(compiled_lines(policy, ledger, as_of=as_of, cubes=cubes), as_of, cubes)


def cost_table(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> pl.DataFrame:
    """Return the cost of a policy, from published counts or from cubes of claims.

    Args:
        policy: the policy; lines not public by `as_of` are left out.
        ledger: the assumptions; without a ledger most lines have bounds and no expected cost.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals by service, claimant type and band; each line that pays per claimant
            needs a cube of its claimants. By default the published counts that the lines cite are used.

    Returns:
        The table `costs`, in whole currency: one row per line (per line and valuation for a free good), and
        one row per line, service, claimant type and band.
    """
    exact = exact_costs(policy, ledger, as_of=as_of, cubes=cubes)
    return text.schema_of("costs").whole(exact, policy.locale("en").places)


def basis_of(cubes: Sequence[Cube]) -> str:
    """Return what costs are computed from: `published` counts without cubes, else `claims` or `synthetic`."""
    return "published" if not cubes else "synthetic" if any(cube.synthetic for cube in cubes) else "claims"


def costs_of_lines(lines: Iterable[CompiledLine], as_of: date, cubes: Sequence[Cube] = ()) -> pl.DataFrame:
    """Return the cost table of compiled lines as of a day, in the smallest unit of the currency."""
    rows = [
        {"basis": basis_of(cubes), "line": compiled.line.id, **row}
        for compiled in lines
        for _, terms in groupby(compiled.terms, lambda term: term.valuation)
        for row in _rows([*terms])
    ]
    table = pl.DataFrame(rows, schema=text.schema_of("costs").dtypes)
    cited = {ids: ids_public_by(ids, as_of) for ids in table["facts"].drop_nulls().unique()}
    return _round_amounts(table.with_columns(pl.col("facts").replace(cited)))


def _round_amounts(table: pl.DataFrame) -> pl.DataFrame:
    *expected, most = MODELLED
    return table.with_columns(
        pl.col(expected).round_sig_figs(text.TABLE_DIGITS), pl.col(most).round_sig_figs(MOST_DIGITS)
    )


def _rows(terms: Sequence[Term]) -> Iterator[dict[str, object]]:
    """Yield the rows of a line under one valuation: the line, then its bands."""
    first = terms[0]
    head: dict[str, object] = {
        "valuation": first.valuation,
        "level": "line",
        "rule": first.rule,
        "claimant_type": first.claimant_type,
        "facts": first.facts,
    }
    if not first.groups:
        yield head | {"status": first.status}
        return
    counted = [term for term in terms if not term.arrivals]
    used = (id_ for t in terms for id_ in (t.accepted_share.assumption, *t.payment_assumptions))
    yield (
        head
        | _amounts([term.cost for term in terms], [term.status for term in terms])
        | {
            "count": sum_or_none(*(term.count for term in counted)),
            "promised": sum_or_none(*(term.promised for term in counted)),
            "missing": None if first.missing is None else join_ids(*(t.missing or "" for t in terms)),
            "assumptions": join_ids(*used),
        }
    )
    bands: dict[tuple[object, ...], list[tuple[Term, Group]]] = {}
    for term in terms if first.by_band else ():
        for group in term.groups:
            bands.setdefault(tuple(group.labels.values()), []).append((term, group))
    for alike in bands.values():  # claims at different stages, or of people who had not reported
        costs = [term.group_cost(group) for term, group in alike]
        own = [group for term, group in alike if not term.arrivals]
        yield (
            head
            | own[0].labels
            | _amounts(costs, [group.status for group in own])
            | {
                "level": "band",
                "count": sum_or_none(*(group.claims for group in own)),
                "promised": sum_or_none(*(group.promised for group in own)),
                "facts": own[0].facts,
                "assumptions": join_ids(*(cost.assumption for cost in costs), first.mix),
            }
        )


def _amounts(costs: Sequence[Input], statuses: Iterable[str | None]) -> dict[str, object]:
    cost, status = reduce(Input.__add__, costs), next(filter(None, statuses), None)
    return {
        "low": cost.low,
        "expected": cost.expected,
        "high": cost.high,
        "most": cost.most,
        "status": status or ("bounds_only" if cost.expected is None else "ok"),
    }


def check_any_cost(table: pl.DataFrame, policy: Policy, as_of: date, *, counted: bool) -> None:
    """Check that a cost line has a cost on the day of the analysis.

    Args:
        table: the cost tables of all data sources.
        policy: the policy.
        as_of: the day of the analysis.
        counted: whether the user gave claims or totals.

    Raises:
        ModelRefused: no line has one.
    """
    if not table.filter(pl.col("high").is_not_null() | pl.col("promised").is_not_null()).is_empty():
        return
    days = [line.public_on for line in policy.schedules if line.public_on]
    if counted and days and as_of < min(days):
        raise ModelRefused(
            f"as of {as_of} no line of {policy.id} that pays by loss was public: first on {min(days)}",
            remedy=f"Move the day: {either('as_of', '--as-of')}, else as_of in the ledger.",
        )
    counts = [x.published_count for x in policy.schedules if x.published_count]
    remedy = f"Needed: {', '.join(counts)}. " if counts else ""
    raise ModelRefused(
        f"as of {as_of} no cost line of {policy.id} has a count that was public",
        remedy=f"{remedy}Move {either('as_of', '--as-of')} to a later day"
        + (", or give the lines their public_on." if counted else ", or give claims or counts of your own."),
    )


HAS_AMOUNT: pl.Expr = pl.any_horizontal(pl.col("count", "promised", "expected", "high").is_not_null())
"""An expression: whether a row has a count or any amount."""


def totals(table: pl.DataFrame) -> pl.DataFrame:
    """Add up the cost lines of a cost table: one row per basis (data source) and valuation (kind of cost).

    `low`, `expected`, `high` and `most` include the same lines, so low <= expected <= high: the lines with an
    expected cost or, if there is none, all lines with any amount. `high` and `most` are null if one of these
    lines has no upper bound. `left_out` names the lines without an expected cost. `promised` includes every
    line whose promised cost is known.
    """
    known = pl.col("expected").is_not_null()
    lines = table.filter(pl.col("level") == "line").with_columns(
        summed=pl.when(known.any().over("basis", "valuation")).then(known).otherwise(HAS_AMOUNT)
    )
    sums = (
        lines.group_by("basis", "valuation", maintain_order=True)
        .agg(
            pl.when(pl.col("promised").is_not_null().any()).then(pl.col("promised").sum()),
            *(_whole_sum(name) for name in MODELLED),
            left_out=pl.col("line").filter(~known).str.join(" "),
        )
        .select("basis", "valuation", "promised", *MODELLED, "left_out")
    )
    return _round_amounts(sums)


def _whole_sum(name: str) -> pl.Expr:
    counted = pl.col(name).filter("summed")
    return pl.when(pl.col("summed").any() & (counted.null_count() == 0)).then(counted.sum()).alias(name)


def assumption_ids(table: pl.DataFrame) -> frozenset[str]:
    """Return the ids of the assumptions that the figures of a cost table depend on."""
    return frozenset(id_ for ids in table["assumptions"].drop_nulls().unique() for id_ in ids.split())


def by_band(table: pl.DataFrame) -> pl.DataFrame:
    """Add up a cost table over services and claimant types: one row per line, and one per line and band.

    Adding up `low` (or `high`) is valid, because in every row all inputs are at their low (or high) ends.

    Returns:
        The table `costs`. Lines keep their order and come before their bands; the band of zero
        losses is first, the band of unknown losses last.
    """
    keys = ("basis", "line", "valuation", "level", "segment", "over", "up_to", "rule")
    rows = table.group_by(keys, maintain_order=True).agg(
        *map(sum_or_null, ("count", "promised", *MODELLED)),
        pl.col("status").first(),
        pl.col("missing").first(),
        pl.col("facts", "assumptions").max(),  # rows of a band cite the same ids, or none if unpaid
        service=pl.lit(None, pl.String),
        claimant_type=pl.lit(None, pl.String),
    )
    lines = {line: place for place, line in enumerate(table["line"].unique(maintain_order=True))}
    unknown = pl.all_horizontal(pl.col("over", "up_to").is_null())
    rows = _round_amounts(rows.select(*text.schema_of("costs")))
    return rows.sort(
        pl.col("line").replace_strict(lines, return_dtype=pl.Int64),
        *(pl.col("level") != "line", "valuation", "segment", unknown, "over"),
        pl.col("up_to").is_null(),
        "up_to",
        "rule",
        nulls_last=False,
        maintain_order=True,
    )


def mix_fits_line(entry: Assumption, line: CostLine) -> bool:
    """Return False only for a band mix whose loss bands differ from the loss bands of the cost line."""
    return not isinstance(entry, BandMix) or not line.bands_as_written or entry.fits(line)


def mix_findings(policy: Policy, ledger: Ledger, lang: str = "en") -> pl.DataFrame:
    """List the band mixes of a ledger that are stated for other edges than the policy has.

    Returns:
        The columns of `findings`; the `finding` is `mix`.
    """
    locale = policy.locale(lang)
    rows = [
        ("mix", line.id, locale("finding.other_edges", mix=entry.id, ledger=ledger.id))
        for entry in ledger.assumptions
        for line in policy.lines
        if line.id in entry.lines and not mix_fits_line(entry, line)
    ]
    return pl.DataFrame(rows, schema=["finding", "line", "says"], orient="row")


def ledger_for_policy(ledger: Ledger | None, policy: Policy) -> Ledger | None:
    """Return the ledger, if any, without the band mixes of cost lines of the policy with other loss bands."""
    lines = {line.id: line for line in policy.lines}
    kept = []
    for entry in ledger.assumptions if ledger else ():
        mine = tuple(id_ for id_ in entry.lines if id_ not in lines or mix_fits_line(entry, lines[id_]))
        if mine:
            kept.append(entry if mine == entry.lines else entry.model_copy(update={"lines": mine}))
    return ledger and ledger.model_copy(update={"assumptions": tuple(kept)})


MODELLED = ("low", "expected", "high", "most")
"""The columns of a cost table that depend on the funnel."""


def unstated_losses(table: pl.DataFrame) -> pl.DataFrame:
    """List the cost lines with entitled claims that state no loss and for which the policy has no rule.

    Args:
        table: a cost table.

    Returns:
        One row per line: `line`, `unstated` and `entitled` (numbers of claims), and `priced`, whether the
        line still has a point estimate because at most half of its entitled claims state no loss.
    """
    lines = table.filter(pl.col("level") == "line").select("line", entitled="count", status="status")
    unruled = table.filter((pl.col("level") == "band") & (pl.col("rule") == NO_RULE) & (pl.col("count") > 0))
    counts = unruled.group_by("line").agg(unstated=pl.col("count").sum())
    with_counts = lines.join(counts, on="line", how="inner", maintain_order="left")
    return with_counts.select("line", "unstated", "entitled", priced=pl.col("status") != UNSTATED)
