"""A policy in words, in English or Korean: its summary, and one sentence per line with worked examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from outage_analysis.errors import one_line
from outage_analysis.incidents import UNKNOWN, Band, fact_exists, get_fact
from outage_analysis.policies.cost_lines import Budget, CostLine, FeeCredit, Line, Schedule
from outage_analysis.policies.tariff import MONEY, SHARE_DIGITS, SHARE_SCALE, Rule, Tariff
from outage_analysis.text import Card, Locale, Table, first_rows

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
            if key == "true_ups":
                for true_up in value:
                    known = {"day": self.locale.day(true_up.since), "value": self._value(true_up.amount)}
                    yield self._sentence(key, **known)
            elif key == "rounding" and value:
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
        if fact is None or fact.value is None:
            return value
        if self.as_of is not None and (fact.public_on is None or fact.public_on > self.as_of):
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


def policy_card(policy: Policy, lang: str) -> Card:
    """The display of a policy: for each cost line, the payment, the announcement day and the effort."""
    locale = policy.locale(lang)
    explainer = PolicyExplainer(policy, locale)

    def cells(line: CostLine) -> tuple[str, ...]:
        kind, effort = locale(f"word.{line.kind}"), line.effort_on(date.max)
        day, asked = line.public_on and locale.day(line.public_on), effort and locale(f"word.{effort}")
        return line.name[lang], kind, explainer.payment_summary(line), day or "–", asked or "–"

    rows, more = first_rows(locale, policy.lines, cells, "policy.lines")
    heads = tuple(locale(f"column.{h}") for h in ("line", "kind", "payment", "public_on", "effort"))
    totals = {"count": policy.lines, "sums": policy.tie_outs, "missing": policy.missing}
    counts = {name: locale.number(len(items)) for name, items in totals.items()}
    description = locale("card.policy", id=policy.id, unit=locale.unit, **counts)
    unruled = ", ".join(line.name[lang] for line in policy.schedules if line.unknown is None)
    notes = [locale("card.no_rule", lines=unruled)] if unruled else []
    table = Table(heads, rows, more=more)
    return Card(policy.name[lang], (description,), (table,), (*notes, locale("card.policy_next")))
