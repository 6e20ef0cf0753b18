"""Find possible mistakes in a policy, such as less payment for a larger loss, or limits without effect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import polars as pl

from outage_analysis.files import Document
from outage_analysis.incidents import Band, fact_exists, get_fact
from outage_analysis.policies.cost_lines import CostLine, EntitledValues, FeeCredit, InKind, Schedule, Voucher
from outage_analysis.policies.policy import Policy
from outage_analysis.policies.tariff import SHARE_SCALE, Rule, Tariff, contains_integer
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
Finding = tuple[str, str]


def findings(policy: Policy, lang: str = "en") -> pl.DataFrame:
    """List possible mistakes in a policy, in the order of its cost lines.

    Args:
        policy: the policy.
        lang: the language of the sentences.

    Returns:
        One row per finding: `finding` (a key of `FINDINGS`), `line` (the id of the cost line or tie-out), and
        `says` (a sentence that describes the mistake).
    """
    locale = policy.locale(lang)
    rows = [(kind, line.id, says) for line in policy.lines for kind, says in _line_findings(line, locale)]
    for tie in policy.tie_outs:
        missing = [f for f in (*tie.of, tie.printed, *tie.facts) if f and not fact_exists(f)]
        rows += [("fact", tie.id, locale("finding.tie_fact", fact=f)) for f in missing]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _line_findings(line: CostLine, locale: Locale) -> Iterator[Finding]:
    if isinstance(line, Schedule):
        yield from _schedule_findings(line, locale)
    else:
        yield from _cap_findings(line, locale)
    if line.public_on is None:
        yield "undated", locale("finding.no_day")
    if line.effort in ("form", "documents") and not line.deadlines:
        yield "undated", locale("finding.no_deadline")
    if line.accounting is None:
        yield "accounting", locale("finding.no_accounting")
    true_ups = [t.amount for t in line.true_ups_by(date.max) if isinstance(t.amount, str)]
    for fact in dict.fromkeys((*line.facts, *_cited_facts(line), *true_ups, *line.numeric_facts)):
        if not fact_exists(fact):
            yield "fact", locale("finding.cites", fact=fact)


def _cap_findings(line: CostLine, locale: Locale) -> Iterator[Finding]:
    if isinstance(line, FeeCredit) and line.outage_minutes is not None:
        minutes, minimum = line.outage_minutes, line.from_minutes
        if minutes < minimum:
            yield "cap", locale("finding.short_outage", minutes=f"{minutes:,}", minimum=f"{minimum:,}")
    elif isinstance(line, InKind):
        stated = [fact for fact in (line.cap, line.recipients) if fact and fact_exists(fact)]
        counts = [value for fact in stated if (value := get_fact(fact, hindsight=True).value) is not None]
        if len(counts) > 1 and counts[0] >= counts[1]:
            yield "cap", locale("finding.loose_cap", cap=f"{counts[0]:,.0f}", people=f"{counts[1]:,.0f}")
    elif isinstance(line, Voucher) and line.unreached_limit is not None:
        yield "cap", locale("finding.limit_never", amount=_money(line.unreached_limit, locale))


def _cited_facts(document: Document) -> Iterator[str]:
    """Yield the ids under each key `facts` of a document and of the documents inside it."""
    for key in type(document).model_fields:
        value = getattr(document, key)
        if key == "facts":
            yield from value
        for inner in value if isinstance(value, tuple) else (value,):
            if isinstance(inner, Document):
                yield from _cited_facts(inner)


def _schedule_findings(line: Schedule, locale: Locale) -> Iterator[Finding]:
    if line.unknown is None:
        yield "unknown", locale("finding.no_rule")
    names = [*(segment.id for segment in line.segments), None]
    for name, (_, tariff) in zip(names, line.tariffs, strict=True):
        for kind, says in (*_piece_findings(tariff, locale), *_tier_findings(tariff, locale)):
            yield kind, locale("finding.in_segment", segment=name, says=says) if name else says
    entitled, earlier = line.eligibility, list[EntitledValues]()
    for segment in line.segments:
        if any(d in entitled and not set(values) & set(entitled[d]) for d, values in segment.when.items()):
            yield "dead", locale("finding.segment_unentitled", segment=segment.id)
        elif any(_covers(other, segment.when) for other in earlier):
            yield "dead", locale("finding.segment_covered", segment=segment.id)
        earlier.append(segment.when)
    if any(_covers(when, entitled) for when in earlier):
        yield "dead", locale("finding.bands_covered")


def _covers(wide: EntitledValues, narrow: EntitledValues) -> bool:
    """Whether every claim that meets the condition `narrow` also meets the condition `wide`."""
    return all(d in narrow and set(narrow[d]) <= set(values) for d, values in wide.items())


def _piece_findings(tariff: Tariff, locale: Locale) -> Iterator[Finding]:
    zero, *positive = tariff.pieces[2:]  # the pieces of unknown and negative losses come first
    for before, after in pairwise((zero, *positive)):
        edge = before.band[1] or 0
        payment, next_payment = before.pay(edge), after.pay(edge + 1)
        if not payment or (next_payment or 0) >= payment:
            continue
        words = {"loss": _loss(edge, locale), "larger": _loss(edge + 1, locale)}
        words["paid"] = _money(payment / SHARE_SCALE, locale)
        if next_payment is None:
            yield "cliff", locale("finding.cliff_review", **words)
        else:
            yield "cliff", locale("finding.cliff", **words, less=_money(next_payment / SHARE_SCALE, locale))
    paying = [piece.fixed is None or bool(piece.fixed or piece.slope) for piece in positive]
    for number, piece in enumerate(positive):
        if not paying[number] and any(paying[:number]) and any(paying[number:]):
            yield "gap", locale("finding.gap", band=locale.band_with_unit(*piece.band))


def _tier_findings(tariff: Tariff, locale: Locale) -> Iterator[Finding]:
    written, edge = tariff.bands_with_rules, "from" if tariff.shift else "over"
    unlike = {"over", "up_to", "facts"}
    terms = [rule.model_dump(exclude=unlike) for _, rule in written]
    for (band, rule), own, following in zip(written, terms, [*terms[1:], None], strict=True):
        name = locale(f"finding.band_{edge}", edge=_loss(rule.over, locale))
        if not contains_integer(band):
            yield "dead", locale("finding.no_number", band=name)
            continue
        if own == following:
            yield "dead", locale("finding.alike", band=name)
        for says in _ineffective_limits(band, rule, locale):
            yield "cap", locale("finding.limit_of", band=name, says=says)


def _ineffective_limits(band: Band, rule: Rule, locale: Locale) -> Iterator[str]:
    low, high = (band[0] or 0) + 1, band[1]
    if rule.rate and high is not None and not rule.rate.periods(high):
        yield locale("finding.rate_never", high=_loss(high, locale))
    if rule.deductible and high is not None and rule.deductible >= high:
        yield locale("finding.deductible_never", amount=_loss(rule.deductible, locale))
    if rule.floor and rule.amount_before_limits(low) >= rule.floor * SHARE_SCALE:
        yield locale("finding.floor_never", amount=_money(rule.floor, locale))
    last = high if rule.depends_on_loss else low
    most = None if last is None else rule.amount_before_limits(last)
    if rule.limit is not None and most is not None and most <= rule.limit * SHARE_SCALE:
        yield locale("finding.limit_never", amount=_money(rule.limit, locale))


def _money(amount: float, locale: Locale) -> str:
    """Format an amount, in Korean with its unit."""
    return locale.exact_money(amount) + (locale.unit if locale.lang == "ko" else "")


def _loss(amount: int, locale: Locale) -> str:
    """Format a loss; see `_money`. The unit of losses that are not money is left out."""
    return locale.loss(amount) + (locale.unit if locale.lang == "ko" and not locale.divisible else "")
