"""The grid of a search: the values of each parameter that are tried, and all their combinations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from outage_analysis.costs.policy_search.loss_intervals import IntArray
from outage_analysis.costs.policy_search.parameters import Parameter, schedule_of
from outage_analysis.errors import UsageError
from outage_analysis.policies import SHARE_SCALE, Policy

MOST_CANDIDATES = 50_000
"""At most this many combinations are tried."""
MOST_EDGES = 64
"""At most this many upper edges are tried; the draws of each interval between them are kept in memory."""
DEFAULT_STEPS = 20
"""By default, the values of a parameter have a round step that gives at most about this many of them."""
DEFAULT_CANDIDATES = 1_000
"""With several parameters, their default steps give at most about this many combinations."""
LARGEST_PAYMENT = 10**12
"""The largest payment that a policy may state, in the smallest unit of the currency."""
DEFAULT_SHARE_STEP = SHARE_SCALE // 20
Breaks = Callable[[Parameter, int], bool]
"""Whether a payment breaks the budget even if the other varied payments have their smallest values."""
LargestLoss = Callable[[Parameter], int | None]
"""The largest loss in the band of a parameter, in the unit of payments; None if it is not known."""


def with_edges_and_shares(
    parameters: Sequence[Parameter], policy: Policy, step: int | None
) -> tuple[Parameter, ...]:
    """Return the parameters, with the values to try for upper edges and shares.

    Raises:
        UsageError: an upper edge needs a range, or too many values are tried.
    """
    found = tuple(
        p if p.values or p.kind == "payment" else replace(p, values=_plain_values(p, policy, step))
        for p in parameters
    )
    edges = sum(len(p.values) for p in found if p.kind == "up_to")
    if edges > MOST_EDGES:
        raise UsageError(
            f"{edges:,} upper edges are tried, at most {MOST_EDGES} are possible",
            remedy="Give the upper edges a larger step: LINE.tier1.up_to=LOW..HIGH/STEP.",
        )
    return found


def _plain_values(parameter: Parameter, policy: Policy, step: int | None) -> tuple[int, ...]:
    if parameter.kind == "share":
        low = 0 if parameter.low is None else parameter.low
        high = SHARE_SCALE if parameter.high is None else parameter.high
        return _range(parameter, low, high, parameter.step or DEFAULT_SHARE_STEP)
    money = policy.loss_unit == policy.currency
    stated = parameter.step or (step if money else None)
    if parameter.low is not None and parameter.high is not None:
        low, high = parameter.low, parameter.high
    else:
        low, high = _between_neighbours(parameter, policy)
        pace = stated or round_step((high - low) / DEFAULT_STEPS)
        low, high = (low // pace + 1) * pace, (high - 1) // pace * pace
        stated = pace
    return _range(parameter, low, high, stated or round_step((high - low) / DEFAULT_STEPS))


def _between_neighbours(parameter: Parameter, policy: Policy) -> tuple[int, int]:
    bands = schedule_of(policy, parameter.line).bands
    high = bands[parameter.tier + 1].up_to
    if high is None:
        raise UsageError(
            f"{parameter.name} has no limit above",
            remedy=f"Write {parameter.name}=LOW..HIGH or {parameter.name}=LOW..HIGH/STEP.",
        )
    return bands[parameter.tier].over, high


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


def _range(parameter: Parameter, low: int, high: int, step: int) -> tuple[int, ...]:
    count = (high - low) // step + 1
    if count > MOST_CANDIDATES:
        raise UsageError(
            f"{parameter.name} has {count:,} values, at most {MOST_CANDIDATES:,} are possible",
            remedy="Take a larger step.",
        )
    return tuple(range(low, high + 1, step))


def with_payments(
    parameters: Sequence[Parameter], step: int | None, breaks: Breaks, largest_loss: LargestLoss
) -> tuple[Parameter, ...]:
    """Return the parameters, with the values to try for payments as well.

    By default a payment ranges from 0 to the largest loss of its band, or to the largest payment that the
    budget allows if that is smaller.

    Args:
        parameters: the result of `with_edges_and_shares`.
        step: the step of payments, in the smallest unit; by default a round step for each.
        breaks: whether a payment alone breaks the budget; it must be true for all larger payments, too.
        largest_loss: the largest loss in the band of a parameter.

    Raises:
        UsageError: too many combinations are tried.
    """
    found = []
    steps = min(DEFAULT_STEPS, DEFAULT_CANDIDATES ** (1 / len(parameters)))
    for parameter in parameters:
        if parameter.values or parameter.kind != "payment":
            found.append(parameter)
            continue
        low, high = parameter.low, parameter.high
        limited = False
        if low is None or high is None:
            low, high = 0, _largest_sensible(parameter, step, breaks, largest_loss)
            limited = breaks(parameter, high + (parameter.step or step or 1))
        pace = parameter.step or step or round_step((high - low) / steps)
        found.append(replace(parameter, low=low, high=high, step=pace, breaks_above=limited))
    _check_size(found)
    return tuple(
        p if p.values else replace(p, values=_range(p, p.low or 0, p.high or 0, p.step or 1)) for p in found
    )


def _largest_sensible(
    parameter: Parameter, step: int | None, breaks: Breaks, largest_loss: LargestLoss
) -> int:
    pace = parameter.step or step or 1
    loss = largest_loss(parameter)
    top = (LARGEST_PAYMENT if loss is None else min(loss, LARGEST_PAYMENT)) // pace
    if not breaks(parameter, top * pace):
        if loss is None:
            raise UsageError(
                f"neither the losses nor the budget limit {parameter.name}",
                remedy=f"Write {parameter.name}=LOW..HIGH.",
            )
        return top * pace
    low = 0
    while top - low > 1:
        middle = (low + top) // 2
        low, top = (low, middle) if breaks(parameter, middle * pace) else (middle, top)
    return low * pace


def _counts(parameters: Sequence[Parameter]) -> list[int]:
    return [len(p.values) or ((p.high or 0) - (p.low or 0)) // (p.step or 1) + 1 for p in parameters]


def _check_size(parameters: Sequence[Parameter]) -> None:
    total = math.prod(_counts(parameters))
    if total <= MOST_CANDIDATES:
        return
    open_ones = [p for p in parameters if not p.values]
    remedy = "Vary less, or give fewer values."
    if open_ones:
        widest = max((p.high or 0) - (p.low or 0) for p in open_ones)
        step = max(p.step or 1 for p in open_ones)
        while step < widest:
            step = round_step(step + 1)
            wider = [p if p.values else replace(p, step=max(step, p.step or 1)) for p in parameters]
            if math.prod(_counts(wider)) <= MOST_CANDIDATES:
                remedy = f"A step of {step:,} in the smallest unit fits."
                break
    raise UsageError(
        f"{total:,} combinations are more than the {MOST_CANDIDATES:,} that are possible", remedy=remedy
    )


def combinations(parameters: Sequence[Parameter]) -> IntArray:
    """Return all combinations of the values, (candidates, parameters), the last parameter fastest."""
    axes = np.meshgrid(*(np.array(p.values, dtype=np.int64) for p in parameters), indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)
