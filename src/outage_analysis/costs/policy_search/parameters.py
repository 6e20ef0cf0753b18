"""Parameters of a search: the payment, the upper edge and the share of a loss band of a cost line.

A parameter is written `LINE.tierN` (the payment of the N-th loss band as the policy writes it),
`LINE.tierN.up_to` (its upper edge) or `LINE.tierN.share` (the share of the loss that it pays).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal

from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint
from outage_analysis.policies import SHARE_DIGITS, SHARE_SCALE, Amount, Policy, Schedule
from outage_analysis.text import smallest_units

ParameterKind = Literal["payment", "up_to", "share"]
Vary = Sequence[str] | Mapping[str, Sequence[Amount] | None]
"""Parameters as texts, or parameter -> the values to try; None stands for the default values."""
MAX_VALUES = 50_000
"""At most this many values of one parameter."""
_PATTERN = re.compile(
    r"(?:(?P<line>[^.=]+)\.)?(?P<tier>tier\d+)(?P<kind>\.up_to|\.share)?"
    r"(?:=(?P<low>[^./]+(?:\.\d+)?)\.\.(?P<high>[^/]+?)(?:/(?P<step>.+))?)?"
)
_REMEDY = "Write LINE.tier1, LINE.tier1.up_to or LINE.tier1.share, and =LOW..HIGH/STEP to set the values."


@dataclass(frozen=True)
class Parameter:
    """One number of a policy that a search varies.

    Values are whole numbers: payments in the smallest unit of the currency, upper edges in the smallest unit
    in which losses are counted, shares in ten-thousandths.
    """

    line: str
    """The id of the cost line."""
    tier: int
    """The position of the loss band in the line, from 0."""
    kind: ParameterKind
    low: int | None = None
    high: int | None = None
    step: int | None = None
    values: tuple[int, ...] = ()
    """The values to try, in increasing order; empty if they follow from `low`, `high` and `step`."""
    breaks_above: bool = False
    """Whether larger values were left out because each alone breaks the budget."""

    @property
    def name(self) -> str:
        """The parameter as users write it, such as `business-cash.tier2.up_to`."""
        suffix = "" if self.kind == "payment" else f".{self.kind}"
        return f"{self.line}.tier{self.tier + 1}{suffix}"

    def digits(self, policy: Policy) -> int:
        """The number of decimal places with which users write values of the parameter."""
        if self.kind == "share":
            return SHARE_DIGITS
        return policy.digits if self.kind == "payment" else policy.loss_digits

    def stated_value(self, value: int, policy: Policy) -> int | float:
        """Return a value as users write it: an amount in whole currency, a loss, or a share from 0 to 1."""
        digits = self.digits(policy)
        return value if not digits else float(Decimal(value).scaleb(-digits))

    def assignment(self, value: int, policy: Policy, *, with_line: bool = True) -> str:
        """Return a value as text: `business-cash.tier1=40,000`, or `tier1=40,000` without the line."""
        name = self.name if with_line else self.name.removeprefix(f"{self.line}.")
        exact = Decimal(value).scaleb(-self.digits(policy)).normalize()
        return f"{name}={exact:,f}"


def parse_parameters(vary: Vary, policy: Policy, *, statutory: Iterable[str] = ()) -> tuple[Parameter, ...]:
    """Return the parameters that `vary` names, in the order of the policy.

    Args:
        vary: texts such as `business-cash.tier1` or `business-cash.tier1=0..50_000/5_000`. A text may name
            several parameters, separated by commas; the id of the line may be left out after the first, and
            if only one line pays by loss band. A mapping states the values to try.
        policy: the policy that is varied.
        statutory: ids of lines that are fixed by law.

    Raises:
        UsageError: a text names an unknown parameter, or a parameter twice.
    """
    stated = dict(vary) if isinstance(vary, Mapping) else dict.fromkeys(_split(vary))
    if not stated:
        raise UsageError("nothing is varied", remedy=_possible(policy))
    found: list[Parameter] = []
    lines = [line.id for line in policy.schedules]
    last = lines[0] if len(lines) == 1 else ""
    for text, values in stated.items():
        parameter = _parse(text, last, policy, frozenset(statutory))
        last = parameter.line
        found.append(parameter if values is None else _with_values(parameter, values, policy))
    names = [parameter.name for parameter in found]
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise UsageError("a parameter is named twice", value=repeated, remedy="Name each once.")
    order = {line.id: place for place, line in enumerate(policy.lines)}
    kinds = ("payment", "share", "up_to")
    return tuple(sorted(found, key=lambda p: (order[p.line], p.tier, kinds.index(p.kind))))


def parameter_names(policy: Policy) -> list[str]:
    """Return all parameters that a policy has, as users write them."""
    names = []
    for line in policy.schedules:
        for tier, band in enumerate(line.bands, start=1):
            names.append(f"{line.id}.tier{tier}")
            names += [] if band.up_to is None else [f"{line.id}.tier{tier}.up_to"]
            names += [f"{line.id}.tier{tier}.share"] if policy.loss_unit == policy.currency else []
    return names


def _split(vary: Sequence[str]) -> list[str]:
    texts = [vary] if isinstance(vary, str) else list(vary)
    return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]


def _possible(policy: Policy) -> str:
    names = parameter_names(policy)
    return "It can vary: " + ", ".join(names) + "." if names else "No cost line pays by loss band."


def _parse(text: str, last: str, policy: Policy, statutory: frozenset[str]) -> Parameter:
    match = _PATTERN.fullmatch(text)
    names = parameter_names(policy)
    if match is None:
        raise UsageError("is no parameter", value=text, remedy=f"{_REMEDY} {_possible(policy)}")
    line = match["line"] or last
    suffix = match["kind"] or ""
    name = f"{line}.{match['tier']}{suffix}"
    if not line:
        raise UsageError("the parameter names no cost line", value=text, remedy=_possible(policy))
    if name not in names:
        _check_line(policy, line)
        raise UsageError("the policy has no such parameter", value=name, remedy=spelling_hint(name, names))
    if line in statutory:
        raise UsageError(
            "a line that is fixed by law cannot be varied", value=line, remedy="Vary another line."
        )
    kind: ParameterKind = "up_to" if suffix == ".up_to" else "share" if suffix == ".share" else "payment"
    parameter = Parameter(line, int(match["tier"].removeprefix("tier")) - 1, kind)
    _check_rules(parameter, policy)
    if match["low"] is None:
        return parameter
    low, high, step = (
        None if match[end] is None else _number(match[end], parameter, policy)
        for end in ("low", "high", "step")
    )
    if low is None or high is None or low > high or step == 0:
        raise UsageError(f"{name} has no range of values", value=text, remedy=_REMEDY)
    return replace(parameter, low=low, high=high, step=step)


def _check_line(policy: Policy, line: str) -> None:
    if any(line == schedule.id for schedule in policy.schedules):
        return
    lines = [x.id for x in policy.lines]
    problem = "the cost line does not pay by loss band" if line in lines else "no such cost line"
    known = [x.id for x in policy.schedules]
    remedy = spelling_hint(line, known) if known else "No cost line of the policy pays by loss band."
    raise UsageError(problem, value=line, remedy=remedy)


def schedule_of(policy: Policy, line: str) -> Schedule:
    """Return the cost line with an id, which is known to pay by loss band."""
    return next(schedule for schedule in policy.schedules if schedule.id == line)


def _check_rules(parameter: Parameter, policy: Policy) -> None:
    schedule = schedule_of(policy, parameter.line)
    rule = schedule.bands[parameter.tier]
    if parameter.kind != "share":
        return
    if rule.rate or rule.floor or rule.limit is not None or rule.deductible or schedule.rounding:
        raise UsageError(
            "the share of a band with a rate, a floor, a limit, a deductible or rounding cannot be varied",
            value=parameter.name,
            remedy=f"Vary the payment {parameter.name.removesuffix('.share')}, which replaces the rule.",
        )


def _number(text: str, parameter: Parameter, policy: Policy) -> int:
    percent = parameter.kind == "share" and text.strip().endswith("%")
    try:
        number = Decimal(text.strip().removesuffix("%" if percent else "").replace("_", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or number < 0:
        raise UsageError(f"{parameter.name} has a value that is no number", value=text, remedy=_REMEDY)
    return _whole(number / 100 if percent else number, parameter, policy)


def _whole(number: Amount, parameter: Parameter, policy: Policy) -> int:
    value = smallest_units(number, parameter.digits(policy), parameter.name)
    if parameter.kind == "share" and value > SHARE_SCALE:
        raise UsageError(f"{parameter.name} is above 1", value=number, remedy="Write a tenth as 0.1.")
    if parameter.kind == "up_to" and value == 0:
        raise UsageError(f"{parameter.name} is not above 0", value=number)
    return value


def _with_values(parameter: Parameter, values: Sequence[Amount], policy: Policy) -> Parameter:
    whole = tuple(sorted({_whole(value, parameter, policy) for value in values}))
    if not whole or len(whole) > MAX_VALUES:
        raise UsageError(
            f"{parameter.name} has {'no' if not whole else 'too many'} values",
            remedy=f"Give 1 to {MAX_VALUES:,}.",
        )
    return replace(parameter, values=whole)
