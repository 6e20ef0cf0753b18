"""A policy in words: sentences that explain it, with worked examples, and its possible mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.errors import one_line
from outage_analysis.files import Document
from outage_analysis.incidents import UNKNOWN, Band, fact_exists, get_fact
from outage_analysis.policies.cost_lines import (
    MONEY,
    SHARE_DIGITS,
    SHARE_SCALE,
    Budget,
    CostLine,
    EntitledValues,
    FeeCredit,
    InKind,
    Line,
    Rule,
    Schedule,
    Tariff,
    Voucher,
)
from outage_analysis.text import Locale

if TYPE_CHECKING:
    from outage_analysis.policies.policy import Policy


MOST_EXAMPLES = 3
"""The most breakpoints inside a band with an example; if there are more, the first ones and the last one."""
LONGEST = 10_000
"""The maximum number of characters of a note."""
ROUND_FEE = 10_000
"""The example fee where none was published, in the smallest unit of the currency."""


def explain(policy: Policy, lang: str = "en") -> list[str]:
    """The sentences that explain a policy; sentences about a cost line are indented.

    Args:
        policy: the policy.
        lang: en or ko; texts that the document states only in English stay English.

    Raises:
        UsageError: the language is not supported.
    """
    return list(PolicyExplainer(policy, policy.locale(lang)).sentences())


class PolicyExplainer:
    """Writes the sentences that explain one policy in one language."""

    def __init__(self, policy: Policy, locale: Locale, as_of: date | None = None) -> None:
        """Set the policy and the locale; facts published after `as_of` are cited by id, without values."""
        self.policy, self.locale, self.lang, self.as_of = policy, locale, locale.lang, as_of

    def sentences(self) -> Iterator[str]:
        """Yield the sentences that explain the whole policy, one per line of text."""
        policy = self.policy
        units = {"unit": self.locale.unit, "loss_unit": self._loss_unit()}
        yield self._sentence("head", name=policy.name[self.lang], id=policy.id, **units)
        for line in policy.lines:
            yield ""
            kind = self.locale(f"word.{line.kind}")
            yield self._sentence("line", name=line.name[self.lang], id=line.id, kind=kind)
            yield from (f"  {sentence}" for sentence in self._line(line))
        if policy.missing:
            yield ""
            yield from (self._sentence("missing", text=text[self.lang]) for text in policy.missing)

    def _line(self, line: CostLine) -> Iterator[str]:
        say, day = self._sentence, self.locale.day
        yield say("public", day=day(line.public_on)) if line.public_on else say("undated")
        who = self._conditions(line.eligibility)
        yield say("entitled", who=who) if who else say("everyone")
        yield say(f"effort_{line.effort or 'unknown'}")
        for change in sorted(line.effort_changes, key=lambda c: c.since):
            yield say("effort_from", day=day(change.since), effort=say(f"effort_{change.effort}"))
        for number, d in enumerate(sorted(line.deadlines, key=lambda d: d.announced_on)):
            key = "extension" if number else "deadline"
            yield say(key, closes=day(d.closes), day=day(d.announced_on))
        yield from self._schedule(line) if isinstance(line, Schedule) else self._terms(line)
        if line.statutory:
            yield say("statutory")
        if view := line.accounting:
            yield say("accounting", obligation=say(view.obligation), presentation=say(view.presentation))
            if view.note:
                yield say("accounting_note", note=view.note[self.lang])
        if line.note:
            yield say("note", note=line.note[self.lang])

    def _schedule(self, line: Schedule) -> Iterator[str]:
        say, locale = self._sentence, replace(self.locale, starts=line.starts)
        if line.grain == "claimant":
            yield say("grain")
        for when, tariff in line.tariffs:
            if when:
                yield say("segment", who=self._conditions(when))
            elif line.segments:
                yield say("others")
            for band, rule in tariff.rules()[3:]:
                terms = self.rule_text(rule)
                if band == (0, None) and 0 not in line.starts:
                    yield say("band_any", terms=terms)
                else:
                    yield say("band", band=locale.band(*band), unit=self._loss_unit(), terms=terms)
                yield from self._examples(tariff, band)
        yield say("zero", terms=self.rule_text(line.zero))
        yield say("unknown", terms=self.rule_text(line.unknown)) if line.unknown else say("no_rule_says")
        if line.rounding:
            yield say(f"rounding_{line.rounding.how}", to=self._money(line.rounding.to))

    def _examples(self, tariff: Tariff, band: Band) -> Iterator[str]:
        low, high = band
        inside = [piece.band[1] or 0 for piece in tariff.pieces_overlapping(band)[:-1]]
        if len(inside) > MOST_EXAMPLES:
            inside = [*inside[: MOST_EXAMPLES - 1], inside[-1]]
        worked = {(low or 0) + 1, *([] if high is None else [high])}
        for loss in sorted(worked.union(inside, (cut + 1 for cut in inside))):
            paid, text = tariff.pay(loss), self._loss(loss)
            key, amount = ("example_review", "") if paid is None else ("example", self._money(paid))
            yield "  " + self._sentence(key, loss=text, amount=amount)

    def _terms(self, line: CostLine) -> Iterator[str]:
        """Yield the sentence of each key that only this kind of line has, in the order of its keys.

        The words have a sentence for a key, and one that ends in `_unknown` for a key that is left out.
        """
        for key, field in type(line).model_fields.items():
            value = getattr(line, key)
            if key in Line.model_fields:
                continue
            if key == "rounding" and value:
                yield self._sentence(f"rounding_{value.how}", to=self._money(value.to))
            elif key == "amount" and isinstance(line, FeeCredit) and value is None:
                yield from self._credit_examples(line)
            else:
                name = f"{line.kind}_{key}" if key == "amount" else key
                name += "_unknown" if value == field.default else ""
                if self.locale.has_label(f"explain.{name}"):
                    valuation = self.locale(f"word.{line.main_valuation}")
                    stated = self._value(value, is_money=MONEY in repr(field))
                    yield self._sentence(name, value=stated, valuation=valuation)

    def _value(self, value: int | str | None, *, is_money: bool = True) -> object:
        """Format an amount or another number, or the figure of a fact: an amount, or how many people."""
        if not isinstance(value, str):
            return self._money(value) if value is not None and is_money else value
        fact = get_fact(value, hindsight=True) if fact_exists(value) else None
        if fact is None or fact.value is None or (fact.public_on or date.max) > (self.as_of or date.max):
            return value
        if not is_money:
            return self._sentence("counted", number=self.locale.number(fact.value), fact=value)
        return f"{self._money(fact.value * 10**self.policy.digits)} ({value})"

    def _credit_examples(self, line: FeeCredit) -> Iterator[str]:
        if line.fee is None:
            yield self._sentence("round_fee")
        fee = line.fee or ROUND_FEE
        lengths: list[int | None] = [None if line.multiple is None else line.outage_minutes]
        if line.multiple is not None and line.outage_minutes is None:
            edge = line.from_minutes or 60
            lengths = [edge - 1, edge]
        for minutes in lengths:
            if (credit := line.credit(fee, minutes)) is not None:
                key = "credit_example" if minutes is None else "credit_outage"
                amounts = {"fee": self._money(fee), "amount": self._money(line.rounded(credit))}
                yield "  " + self._sentence(key, minutes=minutes, period=line.period_days, **amounts)

    def payment_summary(self, line: CostLine) -> str:
        """A short text that states what a cost line pays."""
        if isinstance(line, Schedule):
            locale = replace(self.locale, starts=line.starts)
            rules = [*line.positive_bands, (UNKNOWN, line.unknown)]
            bands = (f"{locale.band_with_unit(*band)}: {self.rule_text(rule)}" for band, rule in rules)
            return "; ".join(bands) + (" …" if line.segments else "")
        pays = line.amount if isinstance(line, Budget) else line.payment
        if pays is None:
            return self.locale("word.unpriced")
        goods = line.payment is not None and line.main_valuation == "face_value"
        face = f" ({self.locale('word.face_value')})" if goods else ""
        return f"{self._value(pays)}{face}"

    def rule_text(self, rule: Rule | None) -> str:
        """A text that states what a payment rule pays; if `rule` is None, it states that there is no rule."""
        say = self._sentence
        if rule is None or rule.review:
            return say("review" if rule else "no_rule")
        parts = [self._money(rule.fixed)] if rule.fixed else []
        if rule.share:
            key, share = "share_beyond" if rule.deductible else "share", f"{rule.share / 100:g}%"
            parts.append(say(key, share=share, deductible=self._loss(rule.deductible)))
        if rate := rule.rate:
            words = {"every": self.locale.loss(rate.every), "unit": self._loss_unit(rate.every)}
            text = say("rate_one" if rate.every == 1 else "rate", amount=self._money(rate.amount), **words)
            if rate.after:
                text += say("after", after=self.locale.loss(rate.after), unit=self._loss_unit(rate.after))
            rounding = say("round_up" if rate.round_up else "complete") if rate.every > 1 else ""
            parts.append(text + rounding)
        limits = [say("floor", amount=self._money(rule.floor))] if rule.floor else []
        limits += [say("limit", amount=self._money(rule.limit))] if rule.limit is not None else []
        return ", ".join([*([" + ".join(parts)] if parts else []), *limits]) or say("nothing")

    def _sentence(self, key: str, **values: object) -> str:
        """The translated sentence for a key, filled with `values`; line breaks in values are escaped."""
        safe = {name: one_line(v, LONGEST) if isinstance(v, str) else v for name, v in values.items()}
        return self.locale(f"explain.{key}", **safe)

    def _money(self, amount: float | Fraction) -> str:
        """Format an amount, given in the smallest currency unit, in the main unit (such as won) in full."""
        exact, digits = Fraction(amount), self.policy.digits
        whole = Decimal(int(exact * SHARE_SCALE)).scaleb(-SHARE_DIGITS - digits)
        text = f"{whole:,.{digits if exact.denominator == 1 else digits + SHARE_DIGITS}f}"
        return self.locale.with_unit(text if exact.denominator == 1 else text.rstrip("0"), self.locale.unit)

    def _loss(self, amount: int) -> str:
        return self.locale.with_unit(self.locale.loss(amount), self._loss_unit(amount))

    def _loss_unit(self, amount: int = 2) -> str:
        """The name of the loss unit, in the singular or plural as the amount requires."""
        unit = self.policy.loss_unit
        if unit == self.policy.currency:
            return self.locale.unit
        key = f"unit.{unit.removesuffix('s')}"
        return self.locale(key) if amount == 1 and self.locale.has_label(key) else self.locale.unit_name(unit)

    def _conditions(self, entitled: Mapping[str, tuple[str, ...]]) -> str:
        names = {d: d if self.lang == "en" else self.locale.label_or(f"word.{d}", d) for d in entitled}
        return "; ".join(
            self._sentence("one_of", dimension=names[d], values=", ".join(x)) for d, x in entitled.items()
        )


Finding = tuple[str, str]
"""What is doubtful (a word `finding.kind_...`, such as `cliff`), and a sentence about it."""


def findings(policy: Policy, lang: str = "en") -> pl.DataFrame:
    """List possible mistakes in a policy, in the order of its cost lines.

    Args:
        policy: the policy.
        lang: the language of the sentences.

    Returns:
        One row per finding: `finding` (what is doubtful, such as `cliff` or `gap`), `line` (the id of the
        cost line or tie-out), and `says` (a sentence that describes the mistake).
    """
    locale = policy.locale(lang)
    rows = [(kind, line.id, says) for line in policy.lines for kind, says in _line_findings(line, locale)]
    for tie in policy.tie_outs:
        missing = [f for f in (*tie.of, tie.printed, *tie.facts) if f and not fact_exists(f)]
        rows += [("fact", tie.id, locale("finding.tie_fact", fact=f)) for f in missing]
    return pl.DataFrame(rows, dict.fromkeys(("finding", "line", "says"), pl.String), orient="row")


def _line_findings(line: CostLine, locale: Locale) -> Iterator[Finding]:
    if isinstance(line, Schedule):
        yield from _schedule_findings(line, locale)
    elif isinstance(line, InKind):
        stated = [fact for fact in (line.cap, line.recipients) if fact and fact_exists(fact)]
        counts = [value for fact in stated if (value := get_fact(fact, hindsight=True).value) is not None]
        if len(counts) > 1 and counts[0] >= counts[1]:
            yield "cap", locale("finding.loose_cap", cap=f"{counts[0]:,.0f}", people=f"{counts[1]:,.0f}")
    elif isinstance(line, Voucher) and line.amount * ceil(line.outage_hours) <= line.cap_per_person:
        yield "cap", locale("finding.limit_never", amount=_money(line.cap_per_person, locale))
    if line.public_on is None:
        yield "undated", locale("finding.no_day")
    if line.effort in ("form", "documents") and not line.deadlines:
        yield "undated", locale("finding.no_deadline")
    if line.accounting is None:
        yield "accounting", locale("finding.no_accounting")
    for fact in dict.fromkeys((*line.facts, *_cited_facts(line), *line.numeric_facts)):
        if not fact_exists(fact):
            yield "fact", locale("finding.cites", fact=fact)


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
        paid, less = before.pay(edge), after.pay(edge + 1)
        if paid and (less or 0) < paid:
            words = {"loss": _loss(edge, locale), "larger": _loss(edge + 1, locale)}
            amounts = {
                "paid": _money(paid / SHARE_SCALE, locale),
                "less": _money((less or 0) / SHARE_SCALE, locale),
            }
            yield "cliff", locale(f"finding.cliff{'_review' if less is None else ''}", **words, **amounts)
    paying = [piece.fixed is None or bool(piece.fixed or piece.slope) for piece in positive]
    for number, piece in enumerate(positive):
        if not paying[number] and any(paying[:number]) and any(paying[number:]):
            yield "gap", locale("finding.gap", band=locale.band_with_unit(*piece.band))


def _tier_findings(tariff: Tariff, locale: Locale) -> Iterator[Finding]:
    edge = "from" if tariff.shift else "over"
    terms = [rule.model_dump(exclude={"over", "up_to", "facts"}) for rule in tariff.bands]
    for (band, rule), own, following in zip(tariff.bands_with_rules, terms, [*terms[1:], None], strict=True):
        name = locale(f"finding.band_{edge}", edge=_loss(rule.over, locale))
        if own == following:
            yield "dead", locale("finding.alike", band=name)
        else:
            for says in _ineffective_limits(band, rule, locale):
                yield "cap", locale("finding.limit_of", band=name, says=says)


def _ineffective_limits(band: Band, rule: Rule, locale: Locale) -> Iterator[str]:
    low, high = (band[0] or 0) + 1, band[1]
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
