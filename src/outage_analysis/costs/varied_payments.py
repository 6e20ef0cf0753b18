"""The parameters of a search: the payments of loss bands of cost lines.

A parameter is written `LINE.tierN`, the payment of the N-th loss band as the policy writes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from outage_analysis.costs.benefits import largest_claim_loss
from outage_analysis.costs.claim_payments import cube_for
from outage_analysis.costs.page_model import LiveInput
from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.losses import Cube
from outage_analysis.policies import Amount, Policy, Schedule
from outage_analysis.text import smallest_units

Vary = Sequence[str] | Mapping[str, Sequence[Amount] | None]
"""Parameters as texts, or parameter -> the values to try; None stands for the default values."""
MOST_CANDIDATES = 50_000
"""At most this many combinations, or values of one parameter, are tried."""
DEFAULT_STEPS = 20
"""By default, the values of a parameter have a round step that gives at most about this many of them."""
DEFAULT_CANDIDATES = 1_000
"""With several parameters, their default steps give at most about this many combinations."""
LARGEST_PAYMENT = 10**12
"""The largest payment that a policy may state, in the smallest unit of the currency."""
Limits = Callable[["Parameter"], tuple[int | None, float]]
"""Returns the largest loss in the band of a payment (None if it is unknown), and the largest payment that the
budget allows beside the smallest values of the other parameters."""
_PATTERN = re.compile(
    r"(?:(?P<line>[^.=]+)\.)?(?P<tier>tier\d+)"
    r"(?:=(?P<low>[^./]+(?:\.\d+)?)\.\.(?P<high>[^/]+?)(?:/(?P<step>.+))?)?"
)
_REMEDY = "Write LINE.tier1; a search may add =LOW..HIGH/STEP."


@dataclass(frozen=True)
class Parameter:
    """One payment of a policy that a search varies; its values are in the smallest unit of the currency."""

    line: str
    """The id of the cost line."""
    tier: int
    """The position of the loss band in the line, from 0."""
    digits: int
    """The number of decimal places with which users write the payment."""
    span: tuple[int, int] | None = None
    """The smallest and the largest value to try, if the user states them."""
    step: int | None = None
    values: Sequence[int] = ()
    """The values to try, in increasing order."""
    breaks_above: bool = False
    """Whether larger values were left out because each alone breaks the budget."""

    @property
    def name(self) -> str:
        """The parameter as users write it, such as `business-cash.tier2`."""
        return f"{self.line}.tier{self.tier + 1}"

    def stated_value(self, value: int) -> int | float:
        """Return a value as users write it, in whole currency."""
        return float(Decimal(value).scaleb(-self.digits)) if self.digits else value

    def assignment(self, value: int, *, with_line: bool = True) -> str:
        """Return a value as text: `business-cash.tier1=40,000`, or `tier1=40,000` without the line."""
        name = self.name if with_line else self.name.removeprefix(f"{self.line}.")
        return f"{name}={Decimal(value).scaleb(-self.digits).normalize():,f}"


def parse_parameters(vary: Vary, policy: Policy) -> tuple[Parameter, ...]:
    """Return the parameters that `vary` names, in the order of the policy.

    Args:
        vary: texts such as `business-cash.tier1` or `business-cash.tier1=0..50_000/5_000`. A text may name
            several parameters, separated by commas; the id of the line may be left out after the first, and
            if only one line pays by loss band. A mapping states the values to try.
        policy: the policy that is varied.

    Raises:
        UsageError: a text names an unknown parameter, or a parameter twice.
    """
    if isinstance(vary, Mapping):
        stated = dict(vary)
    else:
        texts = [vary] if isinstance(vary, str) else vary
        stated = dict.fromkeys(part.strip() for x in texts for part in str(x).split(",") if part.strip())
    names, lines = parameter_names(policy), [line.id for line in policy.schedules]
    possible = f"It can vary: {', '.join(names)}." if names else "No cost line pays by loss band."
    if not stated:
        raise UsageError("nothing is varied", remedy=possible)
    found: dict[str, Parameter] = {}
    line = lines[0] if len(lines) == 1 else ""
    for text, values in stated.items():
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise UsageError("is no parameter", value=text, remedy=f"{_REMEDY} {possible}")
        line = match["line"] or line
        name = f"{line}.{match['tier']}"
        if name not in names:
            hint = spelling_hint(name, names) if line else possible
            raise UsageError("the policy has no such parameter", value=text, remedy=hint)
        if policy.line(line).statutory:
            problem = "a line that is fixed by law cannot be varied"
            raise UsageError(problem, value=line, remedy="Vary another line.")
        if name in found:
            raise UsageError("a parameter is named twice", value=name, remedy="Name each once.")
        tier = int(match["tier"].removeprefix("tier")) - 1
        found[name] = _with_stated_values(Parameter(line, tier, policy.digits), match, values)
    return tuple(sorted(found.values(), key=lambda p: (lines.index(p.line), p.tier)))


def parameter_names(policy: Policy) -> list[str]:
    """Return all parameters that a policy has, as users write them."""
    return [f"{x.id}.tier{tier}" for x in policy.schedules for tier in range(1, len(x.bands) + 1)]


def _with_stated_values(p: Parameter, match: re.Match[str], values: Sequence[Amount] | None) -> Parameter:
    def whole(number: Amount | str) -> int:
        if isinstance(number, str):
            try:
                number = Decimal(number.strip().replace("_", ""))
            except InvalidOperation:
                problem = f"{p.name} has a value that is no number"
                raise UsageError(problem, value=number, remedy=_REMEDY) from None
        return smallest_units(number, p.digits, p.name)

    if values is not None:
        tried = tuple(sorted({*map(whole, values)}))
        if not 0 < len(tried) <= MOST_CANDIDATES:
            problem = f"{p.name} has {'too many' if tried else 'no'} values"
            raise UsageError(problem, remedy=f"Give 1 to {MOST_CANDIDATES:,}.")
        return replace(p, values=tried)
    if match["low"] is None:
        return p
    low, high = whole(match["low"]), whole(match["high"])
    step = None if match["step"] is None else whole(match["step"])
    if low > high or step == 0:
        raise UsageError(f"{p.name} has no range of values", value=match[0], remedy=_REMEDY)
    return replace(p, span=(low, high), step=step)


def round_step(width: float) -> int:
    """Return the smallest number among 1, 2, 5, 10, 20, 50, ... that is at least the width.

    Example:
        >>> round_step(13), round_step(0.3), round_step(21_000)
        (20, 1, 50000)
    """
    if width <= 1:
        return 1
    decade: int = 10 ** (len(str(math.ceil(width))) - 1)
    return min(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= width)


def with_payments(parameters: Sequence[Parameter], step: int | None, limits: Limits) -> tuple[Parameter, ...]:
    """Return the parameters, with the values to try.

    By default a payment ranges from 0 to the largest loss of its band, or to the largest payment that the
    budget allows if that is smaller.

    Args:
        parameters: the result of `parse_parameters`.
        step: the step of payments, in the smallest unit; by default a round step for each.
        limits: limits the payments whose range is not stated.

    Raises:
        UsageError: too many combinations are tried, or nothing limits a payment.
    """
    steps = min(DEFAULT_STEPS, DEFAULT_CANDIDATES ** (1 / len(parameters)))
    found = []
    for p in parameters:
        if p.values:
            found.append(p)
            continue
        (low, high), limited = p.span or (0, 0), False
        if p.span is None:
            loss, most = limits(p)
            if loss is None and most >= LARGEST_PAYMENT:
                problem = f"neither the losses nor the budget limit {p.name}"
                raise UsageError(problem, remedy=f"Write {p.name}=LOW..HIGH.")
            pace = p.step or step or 1
            largest = LARGEST_PAYMENT if loss is None else min(loss, LARGEST_PAYMENT)
            high = int(min(largest, max(most, 0.0) * (1 + 1e-9)) // pace) * pace
            limited = most < high + pace
        pace = p.step or step or round_step((high - low) / steps)
        found.append(replace(p, values=range(low, high + 1, pace), breaks_above=limited))
    # `len` refuses a range of more than 2**63 values, which a user may write.
    sizes = (x if isinstance(x := p.values, range) else range(len(x)) for p in found)
    if (total := math.prod(-(-(x.stop - x.start) // x.step) for x in sizes)) > MOST_CANDIDATES:
        problem = f"{total:,} combinations are more than the {MOST_CANDIDATES:,} that are possible"
        raise UsageError(problem, remedy="Take a larger step, vary less, or give fewer values.")
    return tuple(found)


class SearchablePayment(NamedTuple):
    """A fixed payment that a page can vary: its factor and its limits, in the smallest currency unit."""

    line: Schedule
    tier: int
    """The position of its loss band in the line, from 0."""
    factor: LiveInput
    largest: int | None
    """The largest loss of the band, the limit of the payment; None if it is unknown or not money."""


def page_search(
    policy: Policy, factors: Iterable[LiveInput], model: Mapping[str, Any], cubes: Sequence[Cube]
) -> tuple[list[SearchablePayment], list[dict[str, float | str]]]:
    """Return the fixed payments that a page can search, and the payments at the edges of their loss bands.

    The page maximises the mean payment per accepted claim, as `find_best_policy` can do; the search itself is
    in the script live_search.js. A payment can be varied if it has a slider, is not fixed by law, and has its
    own count of claims in the simulation.

    Args:
        policy: the announced policy.
        factors: the factors that have a slider.
        model: the result of `browser_model`.
        cubes: the claims from which costs are computed; empty if they are computed from published counts.

    Returns:
        The payments, and per edge the payments `below` and `above` it, each an amount or the id of a factor
        whose value is the amount.
    """
    counted = {unit["pays"] for term in model["streams"] for unit in term["units"]}
    pays = [factor for factor in factors if factor.kind == "pays" and factor.id in counted]
    found: list[SearchablePayment] = []
    edges: list[dict[str, float | str]] = []
    for line in policy.schedules:
        bands = [band for band, _ in line.tariff.bands_with_rules]
        by_band = {(x.over, x.up_to): x for x in pays if x.line == line.id}
        varied = {
            tier: by_band[band]
            for tier, (band, rule) in enumerate(line.tariff.bands_with_rules)
            if not line.statutory and band in by_band and by_band[band].value == rule.fixed
        }
        cube = cube_for(line, cubes)
        for tier, factor in varied.items():
            loss = bands[tier][1] or (None if cube is None else largest_claim_loss(cube))
            money = policy.loss_unit == policy.currency
            found.append(SearchablePayment(line, tier, factor, loss if money else None))
        for tier, (over, _) in enumerate(bands):
            beside = tier in varied or (tier - 1 in varied and line.bands[tier].pays)
            amounts = [line.tariff.pay(loss) for loss in (over or 0, (over or 0) + 1)]
            ends = [
                varied[place].id if place in varied else None if amount is None else float(amount)
                for place, amount in zip((tier - 1, tier), amounts, strict=True)
            ]
            if beside and None not in ends:  # claims under review have no fixed payment
                edges.append(dict(zip(("below", "above"), ends, strict=True)))  # type: ignore[arg-type]
    return found, edges
