"""Compare events: forecast each published outcome from the other events and count hits and misses.

Rates follow from the published classes of other events by the rule of reference classes. The event that is
forecast is left out of the classes, of the spread between events and of the lower limit of this spread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from outage_analysis.assumptions import (
    EFFORT_GROUPS,
    Factor,
    load_ledger,
    minimum_spread,
    published_spread,
    reference_class_prior,
)
from outage_analysis.costs.backtesting.dirichlet_mean import mean_payment_forecast
from outage_analysis.costs.backtesting.event_results import (
    BASES,
    EVENT_FORECASTS,
    EVENTS_NOT_COMPARED,
    EVENTS_REFUSED,
    Basis,
    EventComparison,
    Quantity,
    Refusal,
    event_summary,
)
from outage_analysis.costs.backtesting.results import rounded_table
from outage_analysis.costs.backtesting.scores import Predictive, percentile
from outage_analysis.errors import UsageError
from outage_analysis.incidents import (
    ClassGroup,
    EventComparisonSpec,
    EventOutcome,
    PaymentOutcome,
    RatioOutcome,
    get_fact,
)
from outage_analysis.policies import Policy, load_policy
from outage_analysis.text import DEFAULT_LEVEL, LikelyRange

EFFORT_CLASSES = tuple(name for group in EFFORT_GROUPS.values() for name in group)
"""The classes whose rates enter the spread between events."""
WITHOUT_CLASSES: tuple[Basis, ...] = ("earlier", "other_events")
"""The bases of a forecast that does not use reference classes."""


@dataclass(frozen=True)
class EventForecast:
    """The forecast of an outcome, and the number of classes from which it follows; None without classes."""

    distribution: Predictive
    classes: int | None = None


@dataclass(frozen=True)
class PublishedOutcome:
    """An outcome with what the tables state about it; money in the smallest unit of the currency."""

    id: str
    event: str
    quantity: Quantity
    observed: float
    bound: str | None
    limits: tuple[str, ...]
    facts: tuple[str, ...]
    source: ClassGroup | RatioOutcome | PaymentOutcome
    """What the forecast follows from."""
    scored: bool = True

    @property
    def bases(self) -> tuple[Basis, ...]:
        """The bases on which the outcome is forecast."""
        return BASES if isinstance(self.source, ClassGroup) else WITHOUT_CLASSES


def compare_events(spec: EventComparisonSpec, *, level: int = DEFAULT_LEVEL) -> EventComparison:
    """Forecast each published outcome from the other events, and compare the forecast with the outcome.

    Every forecast is made on three bases: from other events published by the day of the event (`earlier`),
    from other events of any day (`other_events`), and from all other classes, including those of the same
    study (`other_classes`). Nothing is simulated. The sampling error of published counts is left out.

    Args:
        spec: the events, their published outcomes and the groups of reference classes.
        level: the probability of the likely range of a forecast in percent; 90 gives P5 to P95.

    Raises:
        UsageError: a fact, a ledger or a policy does not exist, or its values do not fit the comparison.
        ModelRefused: a rate is 0 or 1, or the bands of a policy do not fit the comparison.

    Example:
        >>> from outage_analysis.incidents import load_event_comparison
        >>> result = compare_events(load_event_comparison("other-events"))
        >>> result.summary.filter(basis="other_events").select("scored", "inside").row(0)
        (16, 11)
    """
    likely = LikelyRange(level)
    policies = {x.id: load_policy(x.policy) for x in spec.payments}
    if len({policy.currency for policy in policies.values()}) > 1:
        raise UsageError(
            "the mean payments are in several currencies",
            file=spec.id,
            remedy="Write one document per currency.",
        )
    forecasts: list[dict[str, object]] = []
    refused: list[dict[str, object]] = []
    for outcome in _published_outcomes(spec, policies):
        for basis in outcome.bases:
            head: dict[str, object] = {"event": outcome.event, "outcome": outcome.id, "basis": basis}
            head |= {"quantity": outcome.quantity, "scored": outcome.scored}
            result = _forecast(spec, outcome, basis, policies)
            if isinstance(result, EventForecast):
                known = {"outcome_known": spec.outcome_known}
                forecasts.append(head | known | _forecast_columns(result, outcome, likely))
            else:
                refused.append(head | {"reason": result})
    table, refusals = rounded_table(forecasts, EVENT_FORECASTS), rounded_table(refused, EVENTS_REFUSED)
    gaps: list[dict[str, object]] = [
        {"event": x.event, "figure": x.name.en, "reason": x.reason.en} for x in spec.not_compared
    ]
    return EventComparison(
        spec,
        next(iter(policies.values()), None),
        table,
        event_summary(table, refusals, level),
        refusals,
        rounded_table(gaps, EVENTS_NOT_COMPARED),
        level,
    )


def _published_outcomes(spec: EventComparisonSpec, policies: dict[str, Policy]) -> Iterator[PublishedOutcome]:
    """Yield the classes of the groups, the rates, the ratios and the mean payments of a document."""
    for group in spec.groups:
        for name in group.classes:
            event = spec.event_of(name)
            bound = "at_least" if name in group.at_least else None
            limits = (*event.limits, *group.limits)
            share = _class_rate(name)
            yield PublishedOutcome(name, event.id, "rate", share, bound, limits, (name,), group)
    for rate in spec.rates:
        facts, group = (rate.count, rate.denominator), spec.group(rate.group)
        count, people = (get_fact(x, hindsight=True).count for x in facts)
        if not 0 < count < people:
            raise UsageError(
                f"{rate.id} is {count:,} of {people:,}, which is no rate between 0 and 1",
                file=spec.id,
                remedy="Give the facts of the people who did and of those who could.",
            )
        yield _single_outcome(spec, rate, "rate", count / people, facts, group, rate.bound)
    for ratio in spec.ratios:
        realised, estimate = (get_fact(x, hindsight=True) for x in (ratio.realised, ratio.estimate))
        if realised.unit != estimate.unit or realised.middle <= 0 or estimate.middle <= 0:
            raise UsageError(
                f"{ratio.id} divides {realised.id} in {realised.unit} by {estimate.id} in {estimate.unit}",
                file=spec.id,
                remedy="Give two amounts above 0 in one currency.",
            )
        observed = realised.middle / (estimate.middle * ratio.part)
        yield _single_outcome(spec, ratio, "ratio", observed, (ratio.realised, ratio.estimate), ratio)
    for payment in spec.payments:
        policy = policies[payment.id]
        amount = get_fact(payment.mean, hindsight=True).money(policy.currency) * 10**policy.digits
        yield _single_outcome(spec, payment, "payment", amount, (payment.mean, payment.share_above), payment)


def _single_outcome(
    spec: EventComparisonSpec,
    outcome: EventOutcome,
    quantity: Quantity,
    observed: float,
    facts: tuple[str, ...],
    source: ClassGroup | RatioOutcome | PaymentOutcome,
    bound: str | None = None,
) -> PublishedOutcome:
    """Return an outcome that is no class of a group."""
    limits = tuple(dict.fromkeys((*spec.event(outcome.event).limits, *outcome.limits)))
    return PublishedOutcome(
        outcome.id, outcome.event, quantity, observed, bound, limits, facts, source, outcome.scored
    )


def _forecast(
    spec: EventComparisonSpec, outcome: PublishedOutcome, basis: Basis, policies: dict[str, Policy]
) -> EventForecast | Refusal:
    """Return the forecast of an outcome, or the reason why there is none."""
    day = _forecast_day(spec, outcome)
    if isinstance(outcome.source, ClassGroup):
        return _rate_forecast(spec, outcome.source, outcome, basis, day)
    if isinstance(outcome.source, RatioOutcome):
        return _ratio_forecast(spec, outcome.source, basis, day)
    return _payment_forecast(outcome.source, policies[outcome.id], basis, day)


def _forecast_day(spec: EventComparisonSpec, outcome: PublishedOutcome) -> date:
    """Return the day of a forecast from earlier events: that of the event, or the day before publication."""
    day = spec.event(outcome.event).as_of
    published = get_fact(outcome.facts[0], hindsight=True).public_on
    if day is None and published is None:
        raise UsageError(
            f"{outcome.event} has no as_of, and {outcome.facts[0]} has no date",
            file=spec.id,
            remedy="Give the event an as_of.",
        )
    return day or (published or date.max) - timedelta(days=1)


def _rate_forecast(
    spec: EventComparisonSpec, group: ClassGroup, outcome: PublishedOutcome, basis: Basis, day: date
) -> EventForecast | Refusal:
    """Forecast a rate from the other classes of its group by the rule of reference classes."""

    def left_out(name: str) -> bool:
        if basis == "other_classes":
            return name == outcome.id
        later = basis == "earlier" and not _public_by(name, day)
        return later or outcome.event in {x.id for x in spec.events_of(name)}

    classes = [name for name in group.classes if not left_out(name)]
    if not classes:
        return "no_class"
    # The spread leaves out the sources of the classes, so that no rate counts twice, and all that the
    # forecast must not know.
    spread = published_spread([name for name in EFFORT_CLASSES if name in classes or left_out(name)])
    if spread.weight + len(classes) == 1:
        return "no_published_spread"
    least = minimum_spread([name for name in EFFORT_CLASSES if left_out(name)])
    rates = [_class_rate(name) for name in classes]
    return EventForecast(reference_class_prior(rates, spread, least), len(classes))


def _class_rate(name: str) -> float:
    """Return the published percentage of a class as a rate; the middle of a range counts."""
    fact = get_fact(name, hindsight=True)
    if fact.unit != "%":
        raise UsageError(f"the class {name} is no percentage", value=fact.unit, remedy="Give another fact.")
    return fact.middle / 100


def _public_by(name: str, day: date) -> bool:
    published = get_fact(name, hindsight=True).public_on
    return published is not None and published <= day


def _ratio_forecast(
    spec: EventComparisonSpec, ratio: RatioOutcome, basis: Basis, day: date
) -> EventForecast | Refusal:
    """Return the realised ratio that a ledger states."""
    ledger = load_ledger(ratio.ledger)
    entry = next((x for x in ledger.assumptions if x.id == ratio.assumption), None)
    if not isinstance(entry, Factor) or entry.kind != "realised_ratio":
        raise UsageError(
            f"the ledger {ledger.id} states no realised ratio {ratio.assumption}",
            file=spec.id,
            remedy="Name an assumption of the kind realised_ratio.",
        )
    own = [name for name in entry.facts if ratio.event in {x.id for x in spec.events_of(name)}]
    if ratio.scored and own:
        raise UsageError(
            f"{ratio.assumption} was stated with {own[0]}, so {ratio.id} cannot be scored",
            file=spec.id,
            remedy="Set scored = false.",
        )
    if basis == "earlier" and entry.public_on > day:
        return "stated_later"
    return EventForecast(entry.sampled_distribution)


def _payment_forecast(
    payment: PaymentOutcome, policy: Policy, basis: Basis, day: date
) -> EventForecast | Refusal:
    """Forecast a mean payment from the tiers of a policy and the published share of long outages."""
    line = policy.schedule(payment.line)
    if line is None:
        raise UsageError(
            f"{policy.id} has no line {payment.line} that pays by loss",
            file=payment.id,
            remedy="Name one of its schedules.",
        )
    share = get_fact(payment.share_above, hindsight=True)
    if share.unit != "%" or not 0 < share.middle / 100 < 1:
        raise UsageError(f"{share.id} is no percentage between 0 and 100", file=payment.id)
    if basis == "earlier" and not (line.known_on(day) and _public_by(share.id, day)):
        return "published_later"
    return EventForecast(mean_payment_forecast(line, payment.edge, share.middle / 100, payment.size))


def _forecast_columns(
    forecast: EventForecast, outcome: PublishedOutcome, likely: LikelyRange
) -> dict[str, object]:
    """Return the columns of a forecast in `EVENT_FORECASTS`."""
    points = np.array([*likely.points.values()])
    low, middle, high = np.asarray(forecast.distribution.quantile(points)).tolist()
    observed = outcome.observed
    verdict = "miss_low" if observed < low else "miss_high" if observed > high else "inside"
    return {
        "bound": outcome.bound,
        "classes": forecast.classes,
        "range_low": low,
        "p50": middle,
        "range_high": high,
        "sharpness": high / low,
        "observed": observed,
        "percentile": percentile(forecast.distribution, observed),
        "inside": verdict == "inside",
        "verdict": verdict,
        "limits": " ".join(outcome.limits),
        "facts": " ".join(outcome.facts),
    }
