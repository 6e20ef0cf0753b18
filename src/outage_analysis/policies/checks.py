"""Find possible mistakes in a policy, such as less payment for a larger loss, or limits without effect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.incidents import Band, fact_exists, get_fact
from outage_analysis.policies.cost_lines import EntitledValues, Schedule
from outage_analysis.policies.lines_without_loss import Budget, CostLine, FeeCredit, InKind
from outage_analysis.policies.policy import Policy
from outage_analysis.policies.rules import SHARE_SCALE, Rule
from outage_analysis.policies.tariff import Piece, Tariff, contains_integer
from outage_analysis.text import Locale

SCHEMA: dict[str, pl.DataType] = {"finding": pl.String(), "line": pl.String(), "says": pl.String()}
FINDINGS = {
    "cliff": "a claimant who lost more gets less, or nothing yet",
    "gap": "losses between two bands that pay are paid nothing",
    "dead": "a tier or a segment that no claim can reach, or that changes nothing",
    "cap": "a limit, a floor, a deductible, a threshold or a cap that never binds",
    "unknown": "no rule for a claim without a stated loss",
    "undated": "a line without a day of announcement, or without a last day to claim",
    "accounting": "a line without an accounting view for the controller",
    "fact": "a fact that is cited and is not among the published ones",
}
"""Kind of finding -> what `findings` looks for."""
NO_RULE = (
    "no rule for a claim without a stated loss: if most claims state none, there is no expected cost; "
    "add `unknown = { fixed = 0 }`, another fixed payment, or `unknown = { review = true }`"
)

Finding = tuple[str, str]


def findings(policy: Policy) -> pl.DataFrame:
    """List possible mistakes in a policy, in the order of its cost lines.

    Returns:
        One row per finding: `finding` (a key of `FINDINGS`), `line` (the id of the cost line or tie-out), and
        `says` (a sentence that describes the mistake).
    """
    locale = policy.locale("en")
    rows = [(kind, line.id, says) for line in policy.lines for kind, says in _line_findings(line, locale)]
    for tie in policy.tie_outs:
        missing = [f for f in (*tie.of, tie.printed, *tie.facts) if f and not fact_exists(f)]
        rows += [
            ("fact", tie.id, f"the tie-out rests on {f}, which is not among the published facts")
            for f in missing
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _line_findings(line: CostLine, locale: Locale) -> Iterator[Finding]:
    """Yield the possible mistakes in one cost line."""
    if isinstance(line, Schedule):
        yield from _schedule_findings(line, locale)
    else:
        yield from _findings_without_loss(line)
    if line.public_on is None:
        yield "undated", "no day of announcement: no run uses the line"
    if line.effort in ("form", "documents") and not line.deadlines:
        yield "undated", "it has to be claimed, and no last day to claim is given"
    if line.accounting is None:
        yield "accounting", "no accounting view is proposed"
    for fact in _cited_facts(line):
        if not fact_exists(fact):
            yield "fact", f"cites {fact}, which is not among the published facts"
        elif fact in line.numeric_facts and (problem := _problem_with_number(line, fact, locale)):
            yield "fact", f"takes {fact} for a figure: {problem}"


def _problem_with_number(line: CostLine, id_: str, locale: Locale) -> str:
    """The reason why a cost line cannot use the number of a published fact; empty if it can."""
    try:
        fact = get_fact(id_)
        if isinstance(line, Budget):
            end: Literal["value", "low", "high"] = (
                "low" if id_ == line.low else "high" if id_ == line.high else "value"
            )
            fact.money(locale.currency, end)
        else:
            _ = fact.count
    except UsageError as error:
        return error.problem
    return ""


def _cited_facts(line: CostLine) -> list[str]:
    """The ids of all published facts that a cost line cites, each once."""
    cited = [*line.facts]
    cited += [fact for change in line.effort_changes for fact in change.facts]
    cited += [fact for deadline in line.deadlines for fact in deadline.facts]
    if isinstance(line, Schedule):
        cited += [f for _, tariff in line.tariffs for _, rule in tariff.rules() for f in rule.facts]
    elif isinstance(line, Budget):
        cited += [t.amount for t in line.true_ups if isinstance(t.amount, str)]
        cited += [f for t in line.true_ups for f in t.facts]
    return list(dict.fromkeys((*cited, *line.numeric_facts)))


def _findings_without_loss(line: InKind | FeeCredit | Budget) -> Iterator[Finding]:
    """For a cost line without loss bands, yield caps without effect and minimum durations not reached."""
    if isinstance(line, FeeCredit) and line.outage_minutes is not None:
        minutes, minimum = line.outage_minutes, line.from_minutes
        if minutes < minimum:
            yield "cap", f"the outage of {minutes:,} minutes is shorter than the {minimum:,} asked"
    if not isinstance(line, InKind):
        return
    if line.cap and line.recipients and fact_exists(line.cap) and fact_exists(line.recipients):
        cap, people = get_fact(line.cap, hindsight=True), get_fact(line.recipients, hindsight=True)
        if cap.value is not None and people.value is not None and cap.value >= people.value:
            yield "cap", f"the cap of {cap.value:,.0f} is not below the {people.value:,.0f} entitled"


def _schedule_findings(line: Schedule, locale: Locale) -> Iterator[Finding]:
    """Yield the possible mistakes in a schedule (a cost line that pays by loss band) and its segments."""
    if line.unknown is None:
        yield "unknown", NO_RULE
    for number, (when, tariff) in enumerate(line.tariffs):
        where = f"in the segment {line.segments[number].id}: " if when else ""
        for kind, says in (
            *_cliffs(tariff, locale),
            *_gaps(tariff, locale),
            *_ineffective_tiers(tariff, locale),
        ):
            yield kind, where + says
    entitled, earlier = line.eligibility, list[EntitledValues]()
    for segment in line.segments:
        if any(d in entitled and not set(values) & set(entitled[d]) for d, values in segment.when.items()):
            yield "dead", f"the segment {segment.id} is never reached: the line entitles none of its claims"
        elif any(_covers(other, segment.when) for other in earlier):
            yield "dead", f"the segment {segment.id} is never reached: an earlier one takes its claims"
        earlier.append(segment.when)
    if any(_covers(when, entitled) for when in earlier):
        yield "dead", "the line's own bands are never reached: a segment takes all that it entitles"


def _covers(wide: EntitledValues, narrow: EntitledValues) -> bool:
    """Whether every claim that meets the condition `narrow` also meets the condition `wide`."""
    return all(d in narrow and set(narrow[d]) <= set(values) for d, values in wide.items())


def _cliffs(tariff: Tariff, locale: Locale) -> Iterator[Finding]:
    """Yield the losses above which a claimant is paid less, or has to wait for a review."""
    for before, after in pairwise(tariff.pieces[2:]):  # skip the pieces of unknown and negative losses
        edge = before.band[1] or 0
        payment, next_payment = before.pay(edge), after.pay(edge + 1)
        amount = _format_amount(payment, locale)
        difference = f"a loss of {locale.loss(edge)} gets {amount}; one of {locale.loss(edge + 1)}"
        if payment and next_payment is None:
            yield "cliff", f"{difference} waits for a review"
        elif payment is not None and next_payment is not None and next_payment < payment:
            yield "cliff", f"{difference} gets {_format_amount(next_payment, locale)}"


def _format_amount(amount: int | None, locale: Locale) -> str:
    return "–" if amount is None else locale.exact_money(amount / SHARE_SCALE)


def _pays_something(piece: Piece) -> bool:
    return piece.fixed is None or bool(piece.fixed or piece.slope)


def _gaps(tariff: Tariff, locale: Locale) -> Iterator[Finding]:
    """Yield the loss bands without payment that lie between loss bands with a payment."""
    paying = [_pays_something(piece) for piece in tariff.pieces[3:]]
    for number, piece in enumerate(tariff.pieces[3:]):
        if not paying[number] and any(paying[:number]) and any(paying[number:]):
            yield "gap", f"losses of {locale.band(*piece.band)} are paid nothing, those around them are"


def _ineffective_tiers(tariff: Tariff, locale: Locale) -> Iterator[Finding]:
    """Yield bands that contain no whole number or pay like the next band, and limits without effect."""
    written, edge = tariff.bands_with_rules, "from" if tariff.shift else "over"
    for (band, rule), following in zip(written, [*written[1:], None], strict=True):
        name = f"the band {edge} {locale.loss(rule.over)}"
        if not contains_integer(band):
            yield "dead", f"{name} holds no whole number"
            continue
        if following is not None and _same_rule(rule, following[1]):
            yield "dead", f"{name} and the next one pay alike"
        yield from ((("cap", f"{name}: {says}")) for says in _ineffective_limits(band, rule, locale))


def _same_rule(a: Rule, b: Rule) -> bool:
    """Whether two payment rules differ only in the edges of their loss bands and in the cited facts."""
    drop = {"over", "up_to", "facts"}
    return a.model_dump(exclude=drop) == b.model_dump(exclude=drop)


def _ineffective_limits(band: Band, rule: Rule, locale: Locale) -> Iterator[str]:
    """Yield the rates, deductibles, floors and limits of a rule that have no effect in its loss band."""
    low, high = (band[0] or 0) + 1, band[1]
    if rule.rate and high is not None and not rule.rate.periods(high):
        yield f"the rate is never paid: no loss up to {locale.loss(high)} makes a period"
    if rule.deductible and high is not None and rule.deductible >= high:
        yield f"the deductible of {locale.loss(rule.deductible)} is never exceeded"
    if rule.floor and rule.amount_before_limits(low) >= rule.floor * SHARE_SCALE:
        yield f"the floor of {locale.exact_money(rule.floor)} is never below what is paid anyway"
    if rule.limit is not None:
        last = high if rule.depends_on_loss else low
        most = None if last is None else rule.amount_before_limits(last)
        if most is not None and most <= rule.limit * SHARE_SCALE:
            yield f"the limit of {locale.exact_money(rule.limit)} is never reached"
