"""What a second reader would ask about a policy: cliffs, gaps, dead tiers, idle caps, missing days."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import polars as pl

from outage_analysis.errors import UsageError
from outage_analysis.incidents import Band, fact_exists, get_fact
from outage_analysis.policies.cost_lines import EntitledValues
from outage_analysis.policies.lines_without_loss import Budget, CostLine, FeeCredit, InKind
from outage_analysis.policies.policy import Policy
from outage_analysis.policies.rules import SHARE_SCALE, Rule
from outage_analysis.policies.schedules import Schedule
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
"""What `findings` looks for."""
NO_RULE = (
    "no rule for a claim without a stated loss: if most claims state none, there is no expected cost; "
    "add `unknown = { fixed = 0 }`, another fixed payment, or `unknown = { review = true }`"
)

Finding = tuple[str, str]


def findings(policy: Policy) -> pl.DataFrame:
    """Everything to doubt about a policy, in the order of its lines.

    Returns:
        One row a finding: `finding` (a key of `FINDINGS`), `line`, and `says`, a sentence.
    """
    words = policy.words("en")
    rows = [(kind, line.id, says) for line in policy.lines for kind, says in _line(line, words)]
    for tie in policy.tie_outs:
        missing = [f for f in (*tie.of, tie.printed, *tie.facts) if f and not fact_exists(f)]
        rows += [
            ("fact", tie.id, f"the tie-out rests on {f}, which is not among the published facts")
            for f in missing
        ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _line(line: CostLine, words: Locale) -> Iterator[Finding]:
    if isinstance(line, Schedule):
        yield from _schedule(line, words)
    else:
        yield from _served(line)
    if line.public_on is None:
        yield "undated", "no day of announcement: no run uses the line"
    if line.effort in ("form", "documents") and not line.deadlines:
        yield "undated", "it has to be claimed, and no last day to claim is given"
    if line.accounting is None:
        yield "accounting", "no accounting view is proposed"
    for fact in _cited(line):
        if not fact_exists(fact):
            yield "fact", f"cites {fact}, which is not among the published facts"
        elif fact in line.numeric_facts and (doubt := _no_figure(line, fact, words)):
            yield "fact", f"takes {fact} for a figure: {doubt}"


def _no_figure(line: CostLine, id_: str, words: Locale) -> str:
    """Why a fact cannot serve as the figure that a line takes it for; empty when it can."""
    try:
        fact = get_fact(id_)
        if isinstance(line, Budget):
            end: Literal["value", "low", "high"] = (
                "low" if id_ == line.low else "high" if id_ == line.high else "value"
            )
            fact.money(words.currency, end)
        else:
            _ = fact.count
    except UsageError as error:
        return error.problem
    return ""


def _cited(line: CostLine) -> list[str]:
    cited = [*line.facts]
    cited += [fact for change in line.effort_changes for fact in change.facts]
    cited += [fact for deadline in line.deadlines for fact in deadline.facts]
    if isinstance(line, Schedule):
        cited += [f for _, tariff in line.tariffs for _, rule in tariff.rules() for f in rule.facts]
    elif isinstance(line, Budget):
        cited += [t.amount for t in line.true_ups if isinstance(t.amount, str)]
        cited += [f for t in line.true_ups for f in t.facts]
    return list(dict.fromkeys((*cited, *line.numeric_facts)))


def _served(line: InKind | FeeCredit | Budget) -> Iterator[Finding]:
    """Caps and thresholds that never bind."""
    if isinstance(line, FeeCredit) and line.outage_minutes is not None:
        minutes, asked = line.outage_minutes, line.from_minutes
        if minutes < asked:
            yield "cap", f"the outage of {minutes:,} minutes is shorter than the {asked:,} asked"
    if not isinstance(line, InKind):
        return
    if line.cap and line.recipients and fact_exists(line.cap) and fact_exists(line.recipients):
        cap, people = get_fact(line.cap, hindsight=True), get_fact(line.recipients, hindsight=True)
        if cap.value is not None and people.value is not None and cap.value >= people.value:
            yield "cap", f"the cap of {cap.value:,.0f} is not below the {people.value:,.0f} entitled"


def _schedule(line: Schedule, words: Locale) -> Iterator[Finding]:
    if line.unknown is None:
        yield "unknown", NO_RULE
    for number, (when, tariff) in enumerate(line.tariffs):
        where = f"in the segment {line.segments[number].id}: " if when else ""
        for kind, says in (*_cliffs(tariff, words), *_gaps(tariff, words), *_idle(tariff, words)):
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
    return all(d in narrow and set(narrow[d]) <= set(values) for d, values in wide.items())


def _cliffs(tariff: Tariff, words: Locale) -> Iterator[Finding]:
    for before, after in pairwise(tariff.pieces[2:]):  # from zero upwards
        edge = before.band[1] or 0
        mine, more = before.pay(edge), after.pay(edge + 1)
        here = f"a loss of {words.loss(edge)} gets {_money(mine, words)}; one of {words.loss(edge + 1)}"
        if mine and more is None:
            yield "cliff", f"{here} waits for a review"
        elif mine is not None and more is not None and more < mine:
            yield "cliff", f"{here} gets {_money(more, words)}"


def _money(amount: int | None, words: Locale) -> str:
    return "–" if amount is None else words.exact_money(amount / SHARE_SCALE)


def _pays(piece: Piece) -> bool:
    return piece.fixed is None or bool(piece.fixed or piece.slope)


def _gaps(tariff: Tariff, words: Locale) -> Iterator[Finding]:
    paying = [_pays(piece) for piece in tariff.pieces[3:]]
    for number, piece in enumerate(tariff.pieces[3:]):
        if not paying[number] and any(paying[:number]) and any(paying[number:]):
            yield "gap", f"losses of {words.band(*piece.band)} are paid nothing, those around them are"


def _idle(tariff: Tariff, words: Locale) -> Iterator[Finding]:
    """Tiers that hold no loss or change nothing, and terms of a rule that never bind."""
    written, edge = tariff.bands_with_rules, "from" if tariff.shift else "over"
    for (band, rule), following in zip(written, [*written[1:], None], strict=True):
        name = f"the band {edge} {words.loss(rule.over)}"
        if not contains_integer(band):
            yield "dead", f"{name} holds no whole number"
            continue
        if following is not None and _same(rule, following[1]):
            yield "dead", f"{name} and the next one pay alike"
        yield from ((("cap", f"{name}: {says}")) for says in _terms(band, rule, words))


def _same(a: Rule, b: Rule) -> bool:
    drop = {"over", "up_to", "facts"}
    return a.model_dump(exclude=drop) == b.model_dump(exclude=drop)


def _terms(band: Band, rule: Rule, words: Locale) -> Iterator[str]:
    low, high = (band[0] or 0) + 1, band[1]
    if rule.rate and high is not None and not rule.rate.periods(high):
        yield f"the rate is never paid: no loss up to {words.loss(high)} makes a period"
    if rule.deductible and high is not None and rule.deductible >= high:
        yield f"the deductible of {words.loss(rule.deductible)} is never exceeded"
    if rule.floor and rule.amount_before_limits(low) >= rule.floor * SHARE_SCALE:
        yield f"the floor of {words.exact_money(rule.floor)} is never below what is paid anyway"
    if rule.limit is not None:
        last = high if rule.depends_on_loss else low
        most = None if last is None else rule.amount_before_limits(last)
        if most is not None and most <= rule.limit * SHARE_SCALE:
            yield f"the limit of {words.exact_money(rule.limit)} is never reached"
