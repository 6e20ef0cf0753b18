"""Components that are alike become one, in an order that does not depend on how they were listed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from outage_analysis.costs.exact.components import (
    Binomial,
    Component,
    Count,
    Fixed,
    NegativeBinomial,
    Number,
    exact_sum,
)

PaymentDistribution = tuple[tuple[int, Number], ...]
"""Payments with their probabilities, by payment; every probability is above 0."""


@dataclass(frozen=True)
class PooledComponents:
    """All components, as few laws as they come to.

    Args:
        fixed: claims by the law of their payment, refusals included: a binomial count is a fixed one
            with further payments of 0.
        poisson: the rate of each payment: Poisson counts add up, whatever is paid.
        clustered: the mean of a negative binomial count, by the law of its payment and its dispersion.
        mean, variance: of the total, in closed form.
        rational: whether every number is an int or a Fraction; otherwise every probability is a float.
    """

    fixed: dict[PaymentDistribution, int]
    poisson: dict[int, float]
    clustered: dict[tuple[PaymentDistribution, float], float]
    mean: Number
    variance: Number
    rational: bool


def pool_components(components: Sequence[Component]) -> PooledComponents:
    """Add up what can be added before any law is computed."""
    rational = all(c.rational for c in components)
    laws = [(c.count, _payment_distribution(c, rational=rational)) for c in components]
    laws.sort(key=lambda law: (type(law[0]).__name__, law[0].moments, law[1]))
    fixed: dict[PaymentDistribution, int] = defaultdict(int)
    poisson: dict[int, float] = defaultdict(float)
    clustered: dict[tuple[PaymentDistribution, float], float] = defaultdict(float)
    for count, law in laws:
        claims = float(count.moments[0])
        if isinstance(count, Fixed | Binomial):
            fixed[_with_refusals(law, count)] += count.n
        elif isinstance(count, NegativeBinomial) and float(count.dispersion) > 1:
            clustered[law, float(count.dispersion)] += claims
        else:
            for payment, probability in law:
                poisson[payment] += claims * float(probability)
    moments = [_moments(count, law) for count, law in laws]
    mean, variance = (exact_sum(m[i] for m in moments) for i in (0, 1))
    return PooledComponents(fixed, poisson, clustered, mean, variance, rational)


def _payment_distribution(component: Component, *, rational: bool) -> PaymentDistribution:
    """Each payment once."""
    merged: dict[int, Number] = defaultdict(int)
    for payment, probability in sorted(zip(component.payments, component.probabilities, strict=True)):
        if probability:
            merged[payment] += probability
    if rational:
        return tuple(merged.items())
    total = float(exact_sum(merged.values()))
    return tuple((payment, float(p) / total) for payment, p in merged.items())


def _with_refusals(law: PaymentDistribution, count: Fixed | Binomial) -> PaymentDistribution:
    """A claim that is paid with probability p only is paid 0 otherwise."""
    if isinstance(count, Fixed):
        return law
    refused = 1 - count.p
    paid = {payment: probability * count.p for payment, probability in law}
    paid[0] = paid.get(0, 0) + refused
    return tuple(sorted((payment, p) for payment, p in paid.items() if p))


def _moments(count: Count, law: PaymentDistribution) -> tuple[Number, Number]:
    """Mean and variance of what the claims of a component are paid together."""
    claims, spread = count.moments
    mean = exact_sum(payment * p for payment, p in law)
    variance = exact_sum((payment - mean) ** 2 * p for payment, p in law)
    return claims * mean, claims * variance + spread * mean**2
