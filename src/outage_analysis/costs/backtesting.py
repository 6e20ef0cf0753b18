"""Back-test: forecasts from the assumptions of an earlier day, scored with the outcomes published later.

The back-test uses published counts only, so synthetic claims cannot affect it. It reads an outcome only after
the forecast of the outcome is computed. A forecast is the draws of a simulation. Beside its score stand those
of simple forecasts: everybody files (`naive`), all rates are equally likely (`flat`), and the press.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from outage_analysis import text
from outage_analysis.assumptions import FloatArray, Ledger, RateAssumption, load_ledger
from outage_analysis.costs.expected import Portfolio, build_portfolio, expected_at, payment_in_band
from outage_analysis.costs.simulation import (
    DRAWS,
    SEED,
    Simulation,
    rounded_estimate,
    rounded_table,
    simulate,
    sobol_points,
)
from outage_analysis.costs.terms import Funnel, FunnelFactor, Input, Term, build_funnel, largest
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import BacktestSpec, Fact, Outcome, get_fact
from outage_analysis.policies import CostLine, Policy, Schedule, load_policy

RATES = {"filed": "filing_share", "accepted": "acceptance", "taken": "take_up"}
"""The kind of rate that determines each stage that counts people."""
COUNT_DRAWS = 2**16
"""The least number of draws of a count, which are fast; with fewer, a verdict may depend on the seed."""
FLAGGED_BEYOND = 2.0
"""A rival forecast is flagged if the outcome lies outside its range by more than this factor. A forecast by
hand may be wrong by a factor of two; the value was fixed before the first run of the back-test."""
DIGITS = 3
"""Significant digits of a forecast count in a sentence."""

Row = dict[str, Any]
Ends = tuple[float, float]


@dataclass(frozen=True, repr=False)
class Backtest(text.ShortRepr, text.Result):
    """Forecasts as of one day compared with the outcomes; money in the smallest unit of the currency.

    Args:
        spec: the specification of the back-test.
        policy: the policy.
        ledger: the ledger, limited to what was public on the forecast day.
        outcomes: the table `backtest.outcomes`, one row per outcome.
        rivals: the table `hindsight_rivals`, one row per outcome and benchmark.
        level: the probability of the likely range in percent.
    """

    spec: BacktestSpec
    policy: Policy = field(repr=False)
    ledger: Ledger = field(repr=False)
    outcomes: pl.DataFrame
    rivals: pl.DataFrame = field(repr=False)
    level: int = text.DEFAULT_LEVEL

    @property
    def ranges(self) -> pl.DataFrame:
        """The table `hindsight_backtest`: outcomes, and the ends of naive and first press forecasts."""
        ends = {(x["outcome"], x["rival"]): (x["low"], x["high"]) for x in self.rivals.iter_rows(named=True)}
        beside = [((o.id, "naive"), (o.id, next(iter(o.press), ""))) for o in self.spec.outcomes]
        rows = [tuple(end for key in keys for end in ends.get(key, (None, None))) for keys in beside]
        schema = dict.fromkeys(("naive_low", "naive_high", "press_low", "press_high"), pl.Float64)
        return self.outcomes.hstack(pl.DataFrame(rows, schema=schema, orient="row"))

    def to_dict(self) -> dict[str, Any]:
        """Return the back-test as plain values."""
        return {
            "backtest": self.spec.id,
            "policy": self.policy.id,
            "ledger": self.ledger.id,
            "as_of": self.spec.as_of,
            "known_on": self.spec.known_on,
            "currency": self.policy.currency,
            "minor_units": self.policy.digits,
            "level": self.level,
            **{
                name: schema.whole(getattr(self, name), self.policy.locale("en").places).to_dicts()
                for name, schema in text.schemas_of("backtest").items()
            },
        }

    def answer(self, lang: str = "en") -> text.Answer:
        """Return the forecasts beside the outcomes and beside naive and press forecasts, with notes."""
        locale = replace(self.policy.locale(lang), level=self.level)
        rivals = {rival: locale(f"terminal.rival_{rival}") for rival in ("naive", "flat")}
        tables = {
            "outcomes": self.outcomes,
            "rivals": self.rivals.with_columns(pl.col("rival").replace(rivals)),
        }
        notes = self.sentences(text.Locale(lang, self.policy.currency, self.policy.digits))
        names = {x.id: x.name[lang] for x in self.spec.outcomes}
        shown = text.shown_tables(tables, "backtest", locale)
        return text.Answer(locale, notes[:2], [*shown, *notes[2:]], names)

    def sentences(self, locale: text.Locale) -> list[str]:
        """Summarise the back-test in sentences; the first sentence states its main limitation.

        Args:
            locale: the language and its number formats; the level is that of the back-test.
        """
        locale = replace(locale, level=self.level)
        names = {x.id: x.name[locale.lang] for x in (*self.spec.outcomes, *self.ledger.assumptions)}
        tried, day = self.outcomes.filter("independent"), locale.day(self.spec.as_of)
        inside = [names[x] for x in tried.filter(verdict="inside")["outcome"]]
        inside_names = ", ".join(inside) or "–"
        known = any(a.outcome_known for a in self.ledger.assumptions)
        missed = self.outcomes.filter(pl.col("verdict") != "inside").iter_rows(named=True)
        said = [
            locale("backtest.caveat" if known else "backtest.caveat_blind", count=len(tried)),
            locale("backtest.inside", day=day, inside=len(inside), count=len(tried), names=inside_names),
            *(_miss_sentence(row, day, names, locale) for row in missed),
            *(f"{names[o.id]}: {o.note[locale.lang]}" for o in self.spec.outcomes if o.note),
            locale("backtest.rule", factor=locale.number(FLAGGED_BEYOND)),
        ]
        naive, flat = (self.rivals.filter(rival=x) for x in ("naive", "flat"))
        for worst in naive.sort("factor", descending=True).head(1).iter_rows(named=True):
            flagged, times = naive["flagged"].sum(), locale.number(locale.rounded(worst["factor"]))
            name = names[worst["outcome"]]
            said.append(locale("backtest.naive", flagged=flagged, count=len(naive), name=name, times=times))
        beaten = {"naive": naive, "flat": flat}
        wins = {name: len(x.filter(pl.col("ours") < pl.col("crps"))) for name, x in beaten.items()}
        said.append(locale("backtest.scores", **wins, of_naive=len(naive), of_flat=len(flat)))
        press = self.rivals.filter(~pl.col("rival").is_in([*beaten])).iter_rows(named=True)
        return said + [_press_sentence(row, locale) for row in press]


def _miss_sentence(row: Row, day: str, names: dict[str, str], locale: text.Locale) -> str:
    cash, observed = row["stage"] in text.AMOUNT_STAGES, row["observed"]
    columns = {"low": "range_low", "median": "p50", "high": "range_high"}
    forecast = {
        name: locale.money(row[x]) if cash else locale.number(locale.rounded(row[x], DIGITS))
        for name, x in columns.items()
    }
    outcome = {
        "observed": _exactly(observed, locale, cash=cash),
        "chance": locale.share(row["percentile"] if row["verdict"] == "miss_low" else 1 - row["percentile"]),
    }
    missed = locale(f"backtest.{row['verdict']}", name=names[row["outcome"]], day=day, **forecast, **outcome)
    inputs = ", ".join(locale("backtest.quoted", name=names[x]) for x in row["assumptions"].split())
    cause = locale("backtest.wrong_total", inputs=inputs)
    if people := row["denominator"]:
        each = locale.money if cash else locale.share
        means = {"expected": each(row["expected"] / people), "came": each(observed / people)}
        key = "backtest.wrong_each" if cash else "backtest.wrong_share"
        cause = locale(key, inputs=inputs, denominator=locale.number(people), **means)
    return f"{missed} {cause} {locale('backtest.kept')}"


def _press_sentence(row: Row, locale: text.Locale) -> str:
    ends = [x for x in (row["low"], row["high"]) if x is not None]
    low, high = (_exactly(x, locale, cash=row["stage"] in text.AMOUNT_STAGES) for x in (ends[0], ends[-1]))
    printed = low if low == high else locale("band.between", low=low, high=high)
    key = "backtest.press_bound" if row["low"] is None else "backtest.press"
    times = locale.number(locale.rounded(row["factor"]))
    flagged = locale("backtest.flagged" if row["flagged"] else "backtest.not_flagged")
    return f"{locale(key, fact=row['rival'], printed=printed, times=times)} {flagged}"


def _exactly(value: float, locale: text.Locale, *, cash: bool) -> str:
    """Format a published figure with all its digits."""
    return locale.with_unit(locale.exact_money(value), locale.unit) if cash else locale.number(value)


def backtest(
    spec: BacktestSpec, *, draws: int = DRAWS, seed: int = SEED, level: int = text.DEFAULT_LEVEL
) -> Backtest:
    """Run the back-test that a specification document describes.

    Args:
        spec: the specification: the case, its forecast day and its outcomes.
        draws: the number of simulated draws, a power of two.
        seed: the seed of the simulation.
        level: the probability of the likely range of a forecast in percent; 90 gives P5 to P95.

    Raises:
        UsageError: the policy and the ledger do not belong to the case, a cost line or a fact does not exist,
            or an outcome was already public on the forecast day.
        ModelRefused: the ledger states no assumption for a stage of the funnel, or a cost line was not public
            on the forecast day.
    """
    policy, ledger, likely = load_policy(spec.policy), load_ledger(spec.ledger), text.LikelyRange(level)
    if ledger.incident != spec.incident:
        raise UsageError(
            f"the ledger {ledger.id} is for the incident {ledger.incident}, not for {spec.incident}",
            file=spec.id,
            remedy="Name a ledger of the back-test's incident.",
        )
    if ledger.as_of > spec.as_of:
        raise UsageError(
            f"the ledger {ledger.id} is of {ledger.as_of}, after the forecast of {spec.as_of}",
            file=spec.id,
            remedy="Name a ledger of that day or before.",
        )
    ledger = ledger.as_known_on(spec.as_of)
    portfolio = build_portfolio(policy, ledger, as_of=spec.as_of)
    whole = simulate(portfolio, draws=draws, seed=seed) if portfolio.terms else None
    outcomes: list[Row] = []
    rivals: list[tuple[object, ...]] = []
    for outcome in spec.outcomes:
        funnel = build_funnel(policy.line(outcome.line), ledger, spec.as_of)
        cash = outcome.stage in text.AMOUNT_STAGES
        run = _stage_forecast(spec, outcome, policy, funnel, whole, draws, seed)
        # The outcome is read only now.
        fact = spec.later_fact(outcome.fact)
        observed = _figure(fact, policy, cash=cash)
        row = _outcome_row(spec, outcome, run, likely, observed)
        outcomes.append(row | {"unit": policy.currency if cash else fact.unit})
        schedule = policy.schedule(outcome.line)
        payments = _payments(schedule, funnel) if cash and schedule else ((1.0, 1.0), (1.0, 1.0))
        against = [*_simple_forecasts(run.portfolio.terms[0], *payments, observed, draws, seed)]
        for press in (get_fact(id_, public_by=spec.as_of) for id_ in outcome.press):
            high = _figure(press, policy, "high", cash=cash)
            bound = press.value is None and press.low is None
            low = None if bound else _figure(press, policy, "low", cash=cash)
            score = None if low is None else crps_log_uniform(low, high, observed)
            against.append((press.id, low, high, score))
        for rival, low, high, score in against:
            y = max(observed, 1.0)
            factor = max(1.0 if low is None else max(low, 1.0) / y, y / max(high, 1.0), 1.0)
            flags = factor, factor > FLAGGED_BEYOND
            rivals.append((outcome.id, outcome.stage, rival, low, high, observed, *flags, score, row["crps"]))
    return Backtest(
        spec,
        policy,
        ledger,
        rounded_table(outcomes, text.schema_of("backtest.outcomes")),
        rounded_table(rivals, text.schema_of("hindsight_rivals")),
        level,
    )


def _figure(
    fact: Fact, policy: Policy, end: Literal["value", "low", "high"] = "value", *, cash: bool
) -> float:
    """Return a published number of people, or an amount of cash in the smallest unit of the currency."""
    return float(fact.money(policy.currency, end) * 10**policy.digits if cash else fact.count)


def _outcome_row(
    spec: BacktestSpec, outcome: Outcome, run: Simulation, likely: text.LikelyRange, observed: float
) -> Row:
    denominator, terms = spec.denominator(outcome), run.portfolio.terms
    ((valuation, total),) = run.totals.items()
    ends = {column: rounded_estimate(total.quantile(p)) for column, p in likely.columns.items()}
    low, _, high = (end.value for end in ends.values())
    verdict = "miss_low" if observed < low else "miss_high" if observed > high else "inside"
    return {
        "outcome": outcome.id,
        "line": outcome.line,
        "stage": outcome.stage,
        "independent": outcome.independent,
        "conditional": bool(denominator and denominator.public_on and denominator.public_on > spec.as_of),
        "denominator": float(denominator.count) if denominator else None,
        **{name: end.value for name, end in ends.items()},
        "expected": float(expected_at(run.portfolio, valuation, {})[0]),
        "error": max(end.error / max(end.value, 1.0) for end in ends.values()),
        "sharpness": max(high, 1.0) / max(low, 1.0),
        "observed": observed,
        "percentile": float((total.values < observed).mean() + (total.values == observed).mean() / 2),
        "inside": verdict == "inside",
        "verdict": verdict,
        "crps": crps_log10(total.values, observed),
        "assumptions": " ".join(dict.fromkeys(name for term in terms for name in term.inputs)),
        "facts": " ".join(x for x in (outcome.denominator, outcome.fact) if x),
    }


def _stage_forecast(
    spec: BacktestSpec,
    outcome: Outcome,
    policy: Policy,
    funnel: Funnel,
    whole: Simulation | None,
    draws: int,
    seed: int,
) -> Simulation:
    line, denominator = policy.line(outcome.line), spec.denominator(outcome)
    if not line.known_on(spec.as_of):
        raise ModelRefused(
            f"the line {line.id} was not public by {spec.as_of}",
            file=spec.id,
            remedy="Let as_of be a day on which it was, or leave the outcome out.",
        )
    if outcome.stage not in text.AMOUNT_STAGES:
        people = _people(outcome, denominator.count if denominator else 0, line, funnel)
        return simulate(people, draws=max(draws, COUNT_DRAWS), seed=seed)
    if policy.schedule(line.id) is None:
        raise ModelRefused(
            f"{line.id} is no schedule, so there is nothing that claims are paid one by one",
            file=spec.id,
            remedy="Try how many take it, or show its sum without a score.",
        )
    run = whole and whole.only(line.id, "cash")
    if run is None:
        raise ModelRefused(
            f"the ledger and the published counts of the day give no expected cash of {line.id}",
            remedy="Give a ledger with its rates, its band mix and its review award, and a published count.",
        )
    if denominator:  # so many claims are accepted; their loss bands and the awards of a review stay uncertain
        term = run.portfolio.terms[0]
        scale = denominator.count / term.trials
        groups = (
            replace(
                group,
                payments=Input.certain(scale) * group.payments,
                trials=group.trials * scale,
                sum_of_squares=group.sum_of_squares * scale,
            )
            for group in term.groups
        )
        settled = replace(term, trials=float(denominator.count), groups=tuple(groups), factors=())
        run = simulate(replace(run.portfolio, terms=(settled,)), draws=draws, seed=seed)
    return run


def _people(outcome: Outcome, people: int, line: CostLine, funnel: Funnel) -> Portfolio:
    """Return the portfolio that pays 1 to each person who files, is accepted or takes a free good."""
    stage = outcome.stage
    rate = funnel.entries.get(RATES[stage])
    if not isinstance(rate, RateAssumption):
        raise ModelRefused(
            f"the ledger states no {RATES[stage]} of {line.id}, so how many were {stage} has no forecast",
            remedy="Add the assumption to the ledger, or leave the outcome out.",
        )
    others = ("ultimate", "exposure", "entitled_share") if stage == "filed" else ()
    other = next((kind for kind in others if kind in funnel.entries), None)
    if other or line.fact("cap"):
        raise ModelRefused(
            f"how many were {stage} of {line.id} also hangs on {f'its {other}' if other else 'a cap'}",
            remedy="Try the stages after it, or the total.",
        )
    factor = FunnelFactor(Input.from_range(rate.range, rate.most, rate.id))
    term = Term(line.id, "people", stage, factors=(factor,))
    return Portfolio((term.for_people(people, 1),), {rate.id: rate})


def _payments(line: Schedule, funnel: Funnel) -> tuple[Ends | None, Ends | None]:
    """Return the payments per claim that two simple forecasts allow, from the smallest to the largest.

    The first are the payments of the loss bands that pay without a review; the second are the means per
    accepted claim that the ledger allows. None stands for no such band, a payment without an upper limit, or
    a smallest mean of 0.
    """
    paying = [(band, rule) for band, rule in line.positive_bands if rule.pays or rule.review]
    by_rule = replace(funnel, inputs={k: x for k, x in funnel.inputs.items() if k != "mean_payment"})
    tiers = _outer_ends(payment_in_band(line, by_rule, *each) for each in paying if not each[1].review)
    means = _outer_ends(payment_in_band(line, funnel, *each) for each in paying)
    return tiers, means if means and means[0] > 0 else None


def _outer_ends(payments: Iterable[Input]) -> Ends | None:
    ranges = [(each.low, each.high) for each in payments]
    high = largest([high for _, high in ranges])
    return None if high is None else (min(low for low, _ in ranges), high)


def _simple_forecasts(
    term: Term, naive: Ends | None, flat: Ends | None, observed: float, draws: int, seed: int
) -> Iterator[tuple[str, float | None, float, float | None]]:
    """Yield the naive forecast (everybody is paid) and the flat one (each rate is uniform on 0 to 1).

    Each is its id, its low and high end, and its score. The mean payment is log-uniform between its ends.
    """
    rates = len(term.rates)
    for name, payments in (("naive", naive), ("flat", None if rates else flat)):
        if payments:
            low, high = (term.trials * payment for payment in payments)
            yield name, low, high, crps_log_uniform(low, high, observed)
    if flat and rates:
        u = sobol_points(rates + 1, draws, seed=seed).reshape(-1, rates + 1)
        # With one rate, rounding down makes all counts from 0 to the number of trials equally likely.
        people = np.floor((term.trials + 1) * u[:, :rates].prod(axis=1))
        amounts = people * flat[0] * (flat[1] / flat[0]) ** u[:, rates]
        yield "flat", 0.0, term.trials * flat[1], crps_log10(amounts, observed)


def crps_log10(draws: FloatArray, observed: float) -> float:
    """Return the continuous ranked probability score of the base-10 logarithms of equally likely draws.

    It is the mean distance of the draws from the outcome less half the mean distance between two draws
    (Gneiting and Raftery 2007), in decades: 1 is a factor of ten. Amounts below 1 count as 1.
    """
    x = np.sort(np.log10(np.maximum(draws, 1.0)), axis=None)
    ranks = 2 * np.arange(1, x.size + 1) - x.size - 1
    return float(np.abs(x - np.log10(max(observed, 1.0))).mean() - (ranks * x).sum() / x.size**2)


def crps_log_uniform(low: float, high: float, observed: float) -> float:
    """Return the score of `crps_log10` for a log-uniform forecast; two equal ends are a single number."""
    a, b, y = np.log10(np.maximum([low, high, observed], 1.0))
    inside = np.clip(y, a, b)
    z = (inside - a) / (b - a) if b > a else 0.0
    return float(abs(y - inside) + (b - a) * (z**3 + (1 - z) ** 3) / 3)
