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

from outage_analysis.costs.claim_payments import cube_for
from outage_analysis.costs.comparison.benefits import largest_claim_loss
from outage_analysis.costs.page_model import LiveInput
from outage_analysis.errors import ModelRefused, UsageError
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
    r"(?:(?P<line>[^.=]+)\.)?(?P<tier>tier\d+)(?P<other>\.up_to|\.share)?"
    r"(?:=(?P<low>[^./]+(?:\.\d+)?)\.\.(?P<high>[^/]+?)(?:/(?P<step>.+))?)?"
)
_REMEDY = "Write LINE.tier1, and =LOW..HIGH/STEP to set the values."


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

    def whole(self, number: Amount) -> int:
        """Return a payment that a user states in the smallest unit, after checking it."""
        return smallest_units(number, self.digits, self.name)


def parse_parameters(vary: Vary, policy: Policy) -> tuple[Parameter, ...]:
    """Return the parameters that `vary` names, in the order of the policy.

    Args:
        vary: texts such as `business-cash.tier1` or `business-cash.tier1=0..50_000/5_000`. A text may name
            several parameters, separated by commas; the id of the line may be left out after the first, and
            if only one line pays by loss band. A mapping states the values to try.
        policy: the policy that is varied.

    Raises:
        UsageError: a text names an unknown parameter, or a parameter twice.
        ModelRefused: a text names an edge or a share of a loss band.
    """
    if isinstance(vary, Mapping):
        stated = dict(vary)
    else:
        texts = [vary] if isinstance(vary, str) else vary
        stated = dict.fromkeys(part.strip() for x in texts for part in str(x).split(",") if part.strip())
    if not stated:
        raise UsageError("nothing is varied", remedy=_possible(policy))
    found: list[Parameter] = []
    lines = [line.id for line in policy.schedules]
    last = lines[0] if len(lines) == 1 else ""
    for text, values in stated.items():
        parameter = _parse(text, last, policy)
        last = parameter.line
        if values is not None:
            parameter = replace(parameter, values=tuple(sorted({parameter.whole(x) for x in values})))
            if not 0 < len(parameter.values) <= MOST_CANDIDATES:
                raise UsageError(
                    f"{parameter.name} has {'too many' if parameter.values else 'no'} values",
                    remedy=f"Give 1 to {MOST_CANDIDATES:,}.",
                )
        found.append(parameter)
    names = [parameter.name for parameter in found]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UsageError("a parameter is named twice", value=repeated[0], remedy="Name each once.")
    return tuple(sorted(found, key=lambda p: (lines.index(p.line), p.tier)))


def parameter_names(policy: Policy) -> list[str]:
    """Return all parameters that a policy has, as users write them."""
    return [f"{x.id}.tier{tier}" for x in policy.schedules for tier in range(1, len(x.bands) + 1)]


def _possible(policy: Policy) -> str:
    names = parameter_names(policy)
    return "It can vary: " + ", ".join(names) + "." if names else "No cost line pays by loss band."


def _parse(text: str, last: str, policy: Policy) -> Parameter:
    match, names = _PATTERN.fullmatch(text), parameter_names(policy)
    if match is None:
        raise UsageError("is no parameter", value=text, remedy=f"{_REMEDY} {_possible(policy)}")
    line = match["line"] or last
    name = f"{line}.{match['tier']}"
    if not line:
        raise UsageError("the parameter names no cost line", value=text, remedy=_possible(policy))
    schedule = policy.schedule(line)
    if schedule is None:
        known, in_policy = [x.id for x in policy.schedules], any(x.id == line for x in policy.lines)
        raise UsageError(
            "the cost line does not pay by loss band" if in_policy else "no such cost line",
            value=line,
            remedy=spelling_hint(line, known) if known else _possible(policy),
        )
    if name not in names:
        raise UsageError("the policy has no such parameter", value=name, remedy=spelling_hint(name, names))
    if schedule.statutory:
        raise UsageError(
            "a line that is fixed by law cannot be varied", value=line, remedy="Vary another line."
        )
    if match["other"]:
        raise ModelRefused(
            "payments can be varied or set, and neither edges nor shares of loss bands",
            value=name + match["other"],
            remedy=f"Name {name}, or compare policies that have other bands.",
        )
    parameter = Parameter(line, int(match["tier"].removeprefix("tier")) - 1, policy.digits)
    if match["low"] is None:
        return parameter
    low, high = (_number(match[end], parameter) for end in ("low", "high"))
    step = None if match["step"] is None else _number(match["step"], parameter)
    if low > high or step == 0:
        raise UsageError(f"{name} has no range of values", value=text, remedy=_REMEDY)
    return replace(parameter, span=(low, high), step=step)


def _number(text: str, parameter: Parameter) -> int:
    try:
        number = Decimal(text.strip().replace("_", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise UsageError(f"{parameter.name} has a value that is no number", value=text, remedy=_REMEDY)
    return parameter.whole(number)


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
                raise UsageError(
                    f"neither the losses nor the budget limit {p.name}", remedy=f"Write {p.name}=LOW..HIGH."
                )
            pace = p.step or step or 1
            largest = LARGEST_PAYMENT if loss is None else min(loss, LARGEST_PAYMENT)
            high = int(min(largest, max(most, 0.0) * (1 + 1e-9)) // pace) * pace
            limited = most < high + pace
        pace = p.step or step or round_step((high - low) / steps)
        found.append(replace(p, values=range(low, high + 1, pace), breaks_above=limited))
    total = math.prod(_count(p.values) for p in found)
    if total > MOST_CANDIDATES:
        free = {p.name for p in parameters if not p.values}
        steps = (digit * 10**zeros for zeros in range(12) for digit in (1, 2, 5))
        counts = ((pace, [_count(p.values, pace if p.name in free else 1) for p in found]) for pace in steps)
        fits = next((pace for pace, own in counts if math.prod(own) <= MOST_CANDIDATES), None)
        remedy = (
            f"A step of {Decimal(fits).scaleb(-found[0].digits).normalize():,f} fits."
            if free and fits
            else "Vary less, or give fewer values."
        )
        raise UsageError(
            f"{total:,} combinations are more than the {MOST_CANDIDATES:,} that are possible", remedy=remedy
        )
    return tuple(found)


def _count(values: Sequence[int], step: int = 1) -> int:
    # The number of values, with a step of at least `step` if they are a range. `len` refuses a range of more
    # than 2**63 values, which a user may write.
    if not isinstance(values, range):
        return len(values)
    return -(-(values.stop - values.start) // max(values.step, step))


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
