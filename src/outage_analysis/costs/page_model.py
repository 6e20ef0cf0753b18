"""The model as data: for sliders, for formulas in a workbook, and for the distribution in a web page.

The expected cost of a line is a sum of products, because the inputs are independent: a base (a count or an
amount) times some factors. A slider or a workbook that changes a factor can compute the new expected cost
from the products, and gets the result of the model.

For the distribution, the page has the same draws, the same terms and the same count process as the
simulation, so a reader can change an input or a payment in the browser and see the new range. The script
cost_model.js of the charts package repeats `CountProcess.amounts`; a test compares both.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from outage_analysis.assumptions import Assumption, Award, BandMix, FloatArray, MeanPayment, RateAssumption
from outage_analysis.costs.count_process import SCORES, ClaimUnit, award_sum_table, band_name
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation import REPLICATES, Sample, Simulation, round_digits
from outage_analysis.costs.terms import LABELS, Term
from outage_analysis.text import AMOUNT_KINDS, TABLE_DIGITS, ShortRepr

Measure = Literal["share", "money", "times"]


@dataclass(frozen=True)
class LiveInput:
    """A factor of the expected cost that a reader can change with a slider."""

    id: str
    """The id of an assumption; for a band of a mix followed by its position. A tier has the id of its line,
    `pays` and its position."""
    kind: str
    """The kind of the assumption, or `pays` for the payment of a tier."""
    measure: Measure
    value: float
    """The value in the model: a share, an amount in the smallest unit of the currency, or a multiple."""
    low: float
    """The low end of the slider."""
    high: float
    """The high end of the slider, and the largest possible value of a share."""
    assumption: str = ""
    """The id of the assumption; empty for the payment of a tier, which the policy states."""
    line: str = ""
    """The id of the line, for a tier or a cap."""
    over: int | None = None
    """The lower edge of the loss band, for a tier or a band of a mix."""
    up_to: int | None = None
    """The upper edge of the loss band."""


@dataclass(frozen=True)
class Product:
    """A part of the expected cost of a line: `base` times the factors whose ids are in `factors`."""

    line: str
    valuation: str
    base: float
    factors: tuple[str, ...]
    service: str | None = None
    claimant_type: str | None = None
    over: int | None = None
    up_to: int | None = None
    rule: str = ""


@dataclass(frozen=True, repr=False)
class LiveCost(ShortRepr):
    """The expected cost of all lines as terms, and the factors that the terms share."""

    factors: tuple[LiveInput, ...]
    terms: tuple[Product, ...]

    def expected(self, valuation: str, changes: Mapping[str, float] | None = None) -> float:
        """Return the expected total of a valuation in the smallest currency unit, with some factors changed.

        Args:
            valuation: the kind of cost that is added up, such as `cash`.
            changes: the new values, by factor id.
        """
        values = {factor.id: factor.value for factor in self.factors} | dict(changes or {})
        own = (term for term in self.terms if term.valuation == valuation)
        sums = (math.prod((term.base, *(values[f] for f in term.factors))) for term in own)
        return round_digits(sum(sums), TABLE_DIGITS)


def live_cost(portfolio: Portfolio) -> LiveCost | None:
    """Return the expected cost of a portfolio as a sum of terms.

    Args:
        portfolio: the terms and their inputs.

    Returns:
        The terms; None if the ledger declares correlations between inputs of the cash cost, because the mean
        of a product is then not the product of the means. A valuation other than cash has no terms if its
        inputs are correlated.
    """
    if portfolio.has_correlated_inputs("cash"):
        return None
    factors: dict[str, LiveInput] = {}
    terms = [term for term in portfolio.terms if not portfolio.has_correlated_inputs(term.valuation)]
    products = [product for term in terms for product in _products(term, portfolio, factors)]
    return LiveCost(tuple(factors.values()), tuple(products))


def _products(term: Term, portfolio: Portfolio, factors: dict[str, LiveInput]) -> Iterator[Product]:
    if term.capacity is not None:
        rate = portfolio.entries[term.rates[0]] if term.rates else None
        served, most = round_digits(term.accepted_share.expected or 0.0), term.capacity / term.trials
        name, (kind, id_) = f"{term.line}.served", (rate.kind, rate.id) if rate else ("take_up", "")
        factors[name] = LiveInput(name, kind, "share", served, 0.0, round_digits(most), id_, term.line)
        base = round_digits(term.parts[0].paid)
        yield Product(term.line, term.valuation, base, (name,), rule=term.rule)
        return
    plain = [*term.scales, *term.rates]
    for name in filter(None, (*plain, term.award)):
        entry = portfolio.entries[name]
        values = entry.range  # type: ignore[union-attr] # a mix is no scale, rate or award
        is_money = entry.kind in AMOUNT_KINDS or isinstance(entry, Award | MeanPayment)
        measure: Measure = "share" if isinstance(entry, RateAssumption) else "money" if is_money else "times"
        high = 1.0 if measure == "share" else max(values.high, 2 * values.expected)
        mean = round_digits(values.expected)
        factor = LiveInput(name, entry.kind, measure, mean, 0.0, round_digits(high), assumption=name)
        factors.setdefault(name, factor)
    mix = portfolio.entries.get(term.mix)
    for part in term.parts:
        used = list(plain)
        if isinstance(mix, BandMix) and part.band is not None:
            band, name = mix.bands[part.band], f"{term.mix}.{part.band}"
            share, of = round_digits(band.share), (term.mix, "", band.over, band.up_to)
            factors.setdefault(name, LiveInput(name, "band_mix", "share", share, 0.0, 1.0, *of))
            used.append(name)
        for label in part.labels:
            base, own = part.paid * label.get("share", 1.0), [term.award] if part.reviewed else []
            labels = {k: v for k, v in label.items() if k in LABELS}
            if tier := label.get("tier"):
                position, pays = tier
                name = f"{term.line}.pays.{position}"
                about = ("", term.line, label["over"], label["up_to"])
                factors.setdefault(name, LiveInput(name, "pays", "money", pays, 0.0, 10 * pays, *about))
                base, own = base / pays, own or [name]
            yield Product(term.line, term.valuation, round_digits(base), (*used, *own), **labels)


MOST_DRAWS, FEWEST_DRAWS = 2**14, 2**11
"""The page has at most and at least this many draws."""
MOST_BYTES = 290_000
"""Size of the draws of a page, before they are encoded as text; with more columns there are fewer draws."""
BYTES_PER_NUMBER = 2
HIGHEST_CODE = 2**16 - 1
SCORE_UNITS, LARGEST_SCORE = 6_000, 5.4
"""A score is stored in this part of 1, and limited to this distance from 0."""
SCORE_STEP = 2
"""The page has every second column of the table of sums of awards."""
MOST_TIMES_TRIALS = 8
"""The table of sums of awards reaches this many times the trials, because a reader may raise their number."""
PAGE_DIGITS = 9

Columns = dict[str, FloatArray]


def browser_model(run: Simulation, valuation: str = "cash", *, upper: float = 0.9) -> dict[str, Any] | None:
    """Return the draws and the terms of a total as JSON data for a web page.

    Args:
        run: the simulation.
        valuation: the kind of cost that the page shows.
        upper: the probability of a cost below the upper end of the likely range.

    Returns:
        `draws` (their number), `inputs` (the coded draws per input or band of a mix, the stated mean, and
        whether it is a share), `fixed` (inputs that do not vary), `scores` (the coded normal scores of the
        counts), `terms`, and `errors` (the numerical errors of the median and of the range's upper end for
        these draws, in the smallest unit). None if the total has so many random counts that a
        page with enough draws would be too large. Also None if the claims of two tiers with equal payments
        are drawn as one count, because the page could not change the payment of only one tier.
    """
    every = zip(run.portfolio.terms, run.process.units, strict=True)
    chosen = [(term, units) for term, units in every if term.valuation == valuation]
    if any(len(_tiers(term, unit)) > 1 for term, units in chosen for unit in units):
        return None
    inputs, scores = _draws(run, chosen)
    totals = run.totals[valuation].values
    # The page computes the first band of a mix from the other bands, so it does not need draws for it.
    kept = {name: values for name, values in inputs.items() if name not in {f"{s.mix}.0" for s, _ in chosen}}
    varying = {name: values for name, values in kept.items() if np.ptp(values)}
    columns = len(varying) + len(scores)
    draws = min(MOST_DRAWS, run.draws)
    while columns * draws * BYTES_PER_NUMBER > MOST_BYTES:
        draws //= 2
    if draws < FEWEST_DRAWS:
        return None
    first = slice(0, draws // REPLICATES)
    sample = Sample(totals[:, first])
    return {
        "draws": draws,
        "inputs": {
            name: _coded_input(values[:, first], run.portfolio.entries.get(name))
            for name, values in varying.items()
        },
        "fixed": {
            name: round_digits(values.flat[0], PAGE_DIGITS)
            for name, values in kept.items()
            if name not in varying
        },
        "scores": {
            name: _encode(
                np.rint(values[:, first].clip(-LARGEST_SCORE, LARGEST_SCORE) * SCORE_UNITS).astype("<i2")
            )
            for name, values in scores.items()
        },
        "score_units": SCORE_UNITS,
        "terms": [_term_data(term, units, inputs) for term, units in chosen],
        "errors": {
            name: round_digits(sample.quantile(p).error, PAGE_DIGITS)
            for name, p in (("median", 0.5), ("upper", upper))
        },
    }


def _draws(run: Simulation, chosen: list[tuple[Term, tuple[ClaimUnit, ...]]]) -> tuple[Columns, Columns]:
    kept = min(MOST_DRAWS, run.draws) // REPLICATES
    used = {name for term, _ in chosen for name in term.inputs}
    processes = tuple(f"{term.process}, " for term, _ in chosen)
    # The first band gets the claims that are left, so that its score is not used.
    unused = {f"{term.process}, {band_name(term, 0)}" for term, _ in chosen}
    inputs: dict[str, list[FloatArray]] = {}
    scores: dict[str, list[FloatArray]] = {}
    for block in run.replicates():
        for name in sorted(used):
            values = block.values[name][:kept]
            bands = {f"{name}.{band}": column for band, column in enumerate(values.T)}
            for part, column in ({name: values} if values.ndim == 1 else bands).items():
                inputs.setdefault(part, []).append(column)
        for name, column in run.process.scores(block.uniforms[:, run.portfolio.dimensions :]).items():
            if name.startswith(processes) and name not in unused:
                scores.setdefault(name, []).append(column[:kept])
    return {name: np.stack(x) for name, x in inputs.items()}, {
        name: np.stack(x) for name, x in scores.items()
    }


def _coded_input(values: FloatArray, entry: Assumption | None) -> dict[str, Any]:
    most = float(values.max())
    codes = np.rint(
        np.sqrt(values / (most or 1.0)) * HIGHEST_CODE
    )  # the root is more precise for small values
    coded = {"most": most, "codes": _encode(codes.astype("<u2"))}
    if entry is None:  # a band of a mix
        return coded
    mean = round_digits(entry.range.expected)  # type: ignore[union-attr] # mixes are named by band
    return coded | {"mean": mean, "is_share": isinstance(entry, RateAssumption)}


def _encode(values: npt.NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _term_data(term: Term, units: tuple[ClaimUnit, ...], inputs: Mapping[str, FloatArray]) -> dict[str, Any]:
    paid = [unit.band for unit in units if unit.band is not None]
    top = sum(name.startswith(f"{term.mix}.") for name in inputs) - 1
    bands = range(top, max(min(paid), 1) - 1, -1) if paid else ()
    reviewed = term.spread and any(unit.reviewed for unit in units)
    return {
        "count": f"{term.process}, count",
        "trials": round_digits(term.trials, PAGE_DIGITS),
        "scales": term.scales,
        "rates": term.rates,
        "bands": [
            {"band": band, "input": f"{term.mix}.{band}", "name": f"{term.process}, {band_name(term, band)}"}
            for band in bands
        ],
        "award": [term.award] if term.award else [],
        "table": _award_table(term) if reviewed else None,
        "capacity": None if term.mix else term.capacity,
        "certain": [
            (round_digits(part.paid, PAGE_DIGITS), [*term.scales, *term.rates])
            for part in (term.parts if term.certain else ())
        ],
        "units": [_unit_data(term, unit) for unit in units if not term.certain],
    }


def _unit_data(term: Term, unit: ClaimUnit) -> dict[str, Any]:
    numbers = ("claims", "fixed", "share", "loss", "deviation", "skewness", "least")
    (tier,) = _tiers(term, unit)
    name = f"{term.process}, {unit.name}"
    return {
        "name": name,
        "awards": f"{name}, awards" if unit.reviewed and term.spread else "",
        "losses": f"{name}, losses" if unit.share and unit.deviation else "",
        **{name: round_digits(getattr(unit, name), PAGE_DIGITS) for name in numbers},
        "most": None if np.isinf(unit.most) else round_digits(unit.most, PAGE_DIGITS),
        "reviewed": unit.reviewed,
        "band": unit.band,
        "pays": "" if tier is None else f"{term.line}.pays.{tier}",
    }


def _tiers(term: Term, unit: ClaimUnit) -> set[int | None]:
    """Return the positions of the tiers that pay the claims of a unit; None for payments outside tiers."""
    known = {
        (label.get("over"), label.get("up_to")): (label.get("tier") or (None,))[0]
        for part in term.parts
        for label in part.labels
    }
    return {known.get((label.get("over"), label.get("up_to"))) for label in unit.labels}


def _award_table(term: Term) -> dict[str, Any]:
    counts, table = award_sum_table(term.trials * MOST_TIMES_TRIALS, term.spread)
    return {
        "counts": counts,
        "lowest": float(SCORES[0]),
        "step": float(SCORES[SCORE_STEP] - SCORES[0]),
        "rows": [[float(f"{x:.5g}") for x in row[::SCORE_STEP]] for row in table],
    }
