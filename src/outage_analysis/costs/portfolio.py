"""The portfolio of a policy under a ledger: its terms that have an expected cost, and their uncertain inputs.

Given the inputs, the mean of each term and its variance have a closed form, so the number of claims does not
affect the run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

import numpy as np

from outage_analysis.assumptions import Assumption, BandMix, FloatArray, Ledger
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.terms import CompiledLine, Term
from outage_analysis.errors import ModelRefused
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy
from outage_analysis.text import ShortRepr


@dataclass(frozen=True)
class RedrawnInput:
    """An input with another distribution, drawn from the random points of an input of the portfolio.

    Args:
        place: the id of the assumption whose random points are used.
        entry: the assumption that states the other distribution; it needs no more coordinates.
    """

    place: str
    entry: Assumption


@dataclass(frozen=True, repr=False)
class Portfolio(ShortRepr):
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
    redrawn: Mapping[str, RedrawnInput] = field(default_factory=dict)
    """Further inputs by name, which are drawn from the random points of `entries`."""

    @property
    def valuations(self) -> tuple[str, ...]:
        """The valuations of the terms; amounts of different valuations are never added."""
        return tuple(dict.fromkeys(s.valuation for s in self.terms))

    def counted(self, valuation: str) -> tuple[str, ...]:
        """Return the ids of the cost lines in the total of a valuation."""
        return tuple(dict.fromkeys(s.line for s in self.terms if s.valuation == valuation))

    def has_correlated_inputs(self, valuation: str) -> bool:
        """Whether the ledger declares correlations between inputs of a total.

        With correlated inputs the mean of a product is not the product of the means.
        """
        names = {name for s in self.terms if s.valuation == valuation for name in s.inputs}
        used = {self.redrawn[name].place if name in self.redrawn else name for name in names}
        return any(used.issuperset(pair) for pair, rank in self.correlations.items() if rank)

    def has_closed_form(self, valuation: str) -> bool:
        """Whether the expected total is the total at the means of the inputs.

        It is not if the ledger declares correlations between inputs, or if a value is computed from inputs
        in a way that is not linear.
        """
        derived = (d for s in self.terms if s.valuation == valuation for d in s.derived.values())
        return all(d.linear for d in derived) and not self.has_correlated_inputs(valuation)

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
            name: redrawn.entry.draw(u[:, self.places[redrawn.place]][:, -redrawn.entry.dimensions :])
            for name, redrawn in self.redrawn.items()
        }

    def branches(self, u: FloatArray) -> dict[str, tuple[np.ndarray, int]]:
        """Return, per assumption with rival models, the model index of each draw and the number of models."""
        branches = {}
        for name, place in self.places.items():
            entry = self.entries[name]
            branch = entry.branch(u[:, place])
            if branch is not None:
                branches[name] = (branch, len(entry.models))
        return branches


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
    for term in portfolio.terms:
        if term.valuation == valuation:
            if not all(derived.linear for derived in term.derived.values()):
                raise ModelRefused(f"the expected total of {term.line} has no closed form")
            total += _expected_payment(term, portfolio, inputs, size)
    return total


def _expected_payment(
    term: Term, portfolio: Portfolio, inputs: Mapping[str, FloatArray], size: int
) -> FloatArray:
    if term.capacity is not None and not inputs.keys() & set(term.rates):
        # The mean of min(rate, cap) is less than the smaller of both means.
        return np.full(size, (term.accepted_share.expected or 0.0) * term.parts[0].paid)
    values = {name: inputs.get(name, _mean(portfolio, name)) for name in term.inputs}
    means, _ = term.moments(values, size)
    return np.asarray(means.sum(axis=1))


def _mean(portfolio: Portfolio, name: str) -> FloatArray:
    entry = portfolio.redrawn[name].entry if name in portfolio.redrawn else portfolio.entries[name]
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
