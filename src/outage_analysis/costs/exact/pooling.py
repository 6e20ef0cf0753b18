"""Merges components with the same distributions; the result does not depend on the order of components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from outage_analysis.costs.exact.components import (
    Binomial,
    Component,
    Count,
    Empirical,
    Fixed,
    NegativeBinomial,
    Number,
    exact_sum,
)

PaymentDistribution = tuple[tuple[int, Number], ...]
"""Pairs of a payment and its probability, sorted by payment; every probability is above 0."""


@dataclass(frozen=True)
class PooledComponents:
    """All components, merged into as few distributions as possible.

    Args:
        fixed: the number of claims by payment distribution. A binomial count becomes a fixed count whose
            payment distribution includes the refusals as payments of 0.
        poisson: the expected number of claims by payment, over all Poisson counts.
        clustered: the expected number of claims by payment distribution and dispersion, for negative binomial
            counts.
        empirical: the number of components by payment distribution and by the probabilities of the counts
            0, 1, 2, .... The smallest possible count has been moved to `fixed`, so 0 is always possible.
        mean, variance: the mean and the variance of the total, in closed form.
        rational: whether every number is an int or a Fraction; otherwise every probability is a float.
    """

    fixed: dict[PaymentDistribution, int]
    poisson: dict[int, float]
    clustered: dict[tuple[PaymentDistribution, float], float]
    empirical: dict[tuple[PaymentDistribution, tuple[Number, ...]], int]
    mean: Number
    variance: Number
    rational: bool


def pool_components(components: Sequence[Component]) -> PooledComponents:
    """Merge components with the same distributions, so that fewer distributions have to be computed."""
    rational = all(c.rational for c in components)
    distributions = [(c.count, _payment_distribution(c, rational=rational)) for c in components]
    distributions.sort(
        key=lambda distribution: (
            type(distribution[0]).__name__,
            distribution[0].moments,
            distribution[1],
            getattr(distribution[0], "probabilities", ()),
        )
    )
    fixed: dict[PaymentDistribution, int] = defaultdict(int)
    poisson: dict[int, float] = defaultdict(float)
    clustered: dict[tuple[PaymentDistribution, float], float] = defaultdict(float)
    empirical: dict[tuple[PaymentDistribution, tuple[Number, ...]], int] = defaultdict(int)
    for count, distribution in distributions:
        claims = float(count.moments[0])
        if isinstance(count, Fixed | Binomial):
            fixed[_with_refusals(distribution, count)] += count.n
        elif isinstance(count, NegativeBinomial) and float(count.dispersion) > 1:
            clustered[distribution, float(count.dispersion)] += claims
        elif isinstance(count, Empirical):
            least = next(n for n, p in enumerate(count.probabilities) if p)
            if least:
                fixed[distribution] += least
            if len(count.probabilities) > least + 1:
                empirical[distribution, tuple(count.probabilities[least:])] += 1
        else:
            for payment, probability in distribution:
                poisson[payment] += claims * float(probability)
    moments = [_moments(count, distribution) for count, distribution in distributions]
    mean, variance = (exact_sum(m[i] for m in moments) for i in (0, 1))
    return PooledComponents(fixed, poisson, clustered, empirical, mean, variance, rational)


def _payment_distribution(component: Component, *, rational: bool) -> PaymentDistribution:
    """Return the payment distribution of a component, with equal payments merged."""
    merged: dict[int, Number] = defaultdict(int)
    for payment, probability in sorted(zip(component.payments, component.probabilities, strict=True)):
        if probability:
            merged[payment] += probability
    if rational:
        return tuple(merged.items())
    total = float(exact_sum(merged.values()))
    return tuple((payment, float(p) / total) for payment, p in merged.items())


def _with_refusals(distribution: PaymentDistribution, count: Fixed | Binomial) -> PaymentDistribution:
    """Add a payment of 0 for the claims of a binomial count that are refused."""
    if isinstance(count, Fixed):
        return distribution
    refused = 1 - count.p
    paid = {payment: probability * count.p for payment, probability in distribution}
    paid[0] = paid.get(0, 0) + refused
    return tuple(sorted((payment, p) for payment, p in paid.items() if p))


def _moments(count: Count, distribution: PaymentDistribution) -> tuple[Number, Number]:
    """Return the mean and the variance of the total payment of a component."""
    claims, spread = count.moments
    mean = exact_sum(payment * p for payment, p in distribution)
    variance = exact_sum((payment - mean) ** 2 * p for payment, p in distribution)
    return claims * mean, claims * variance + spread * mean**2
