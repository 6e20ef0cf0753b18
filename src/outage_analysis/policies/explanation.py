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
from outage_analysis.policies.cost_lines import Schedule
from outage_analysis.policies.lines_without_loss import Budget, CostLine, FeeCredit, InKind
from outage_analysis.policies.rules import SHARE_DIGITS, SHARE_SCALE, Rate, Rounding, Rule
from outage_analysis.policies.tariff import Tariff
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
        self.policy = policy
        self.as_of = as_of
        self.lang = locale.lang
        self.locale = locale

    def sentences(self) -> Iterator[str]:
        """Yield the sentences that explain the whole policy, one per line of text."""
        policy = self.policy
        yield self._sentence(
            "head",
            name=policy.name[self.lang],
            id=policy.id,
            unit=self.locale.unit,
            loss_unit=self._loss_unit(),
        )
        for line in policy.lines:
            yield ""
            kind = self.locale(f"word.{line.kind}")
            yield self._sentence("line", name=line.name[self.lang], id=line.id, kind=kind)
            yield from (f"  {sentence}" for sentence in self._line(line))
        if policy.missing:
            yield ""
            yield from (self._sentence("missing", text=text[self.lang]) for text in policy.missing)

    def _sentence(self, key: str, **values: object) -> str:
        """The translated sentence for a key, filled with `values`; line breaks in values are escaped."""
        safe = {name: one_line(v, LONGEST) if isinstance(v, str) else v for name, v in values.items()}
        return self.locale(f"explain.{key}", **safe)

    def _money(self, amount: float | Fraction) -> str:
        """Format an amount, given in the smallest currency unit, in the main unit (such as won) in full."""
        exact, digits = Fraction(amount), self.policy.digits
        whole = Decimal(int(exact * SHARE_SCALE)).scaleb(-SHARE_DIGITS - digits)
        text = f"{whole:,.{digits if exact.denominator == 1 else digits + SHARE_DIGITS}f}"
        if exact.denominator != 1:
            text = text.rstrip("0")
        return f"{text}{'' if self.lang == 'ko' else ' '}{self.locale.unit}"

    def _loss_unit(self, amount: int = 2) -> str:
        """The name of the loss unit, in the singular or plural as the amount requires."""
        unit = self.policy.loss_unit
        if unit == self.policy.currency:
            return self.locale.unit
        key = f"unit.{unit.removesuffix('s')}"
        return self.locale(key) if amount == 1 and self.locale.has_label(key) else self.locale.unit_name(unit)

    def _value(self, fact: str) -> float | None:
        """The value of a published fact; None if the fact has no value or was not public by `as_of`."""
        if not fact_exists(fact):
            return None
        published = get_fact(fact, hindsight=True)
        later = self.as_of is not None and (published.public_on is None or published.public_on > self.as_of)
        return None if later else published.value

    def _amount_or_fact(self, amount: int | str) -> str:
        """Format an amount. If it is the id of a published fact, format the fact's amount and add the id."""
        if isinstance(amount, int):
            return self._money(amount)
        value = self._value(amount)
        return amount if value is None else f"{self._money(value * 10**self.policy.digits)} ({amount})"

    def _loss(self, amount: int) -> str:
        return f"{self.locale.loss(amount)}{'' if self.lang == 'ko' else ' '}{self._loss_unit(amount)}"

    def payment_summary(self, line: CostLine) -> str:
        """A short text that states what a cost line pays."""
        if isinstance(line, Schedule):
            locale = replace(self.locale, starts=line.starts)
            rules = [*line.positive_bands, (UNKNOWN, line.unknown)]
            bands = (f"{locale.band_with_unit(*band)}: {self.rule_text(rule)}" for band, rule in rules)
            return "; ".join(bands) + (" …" if line.segments else "")
        if isinstance(line, Budget):
            return self.locale("word.unpriced") if line.amount is None else self._amount_or_fact(line.amount)
        one, _ = line.payment_range
        if one is None:
            return self.locale("word.unpriced")
        face = f" ({self.locale('word.face_value')})" if isinstance(line, InKind) else ""
        return self._money(one) + face

    def _conditions(self, entitled: Mapping[str, tuple[str, ...]]) -> str:
        return "; ".join(
            self._sentence("one_of", dimension=self._dimension_name(dimension), values=", ".join(values))
            for dimension, values in entitled.items()
        )

    def _dimension_name(self, dimension: str) -> str:
        key = f"word.{dimension}"
        return self.locale(key) if self.lang != "en" and self.locale.has_label(key) else dimension

    def _line(self, line: CostLine) -> Iterator[str]:
        yield (
            self._sentence("public", day=self.locale.day(line.public_on))
            if line.public_on
            else self._sentence("undated")
        )
        who = self._conditions(line.eligibility)
        yield self._sentence("entitled", who=who) if who else self._sentence("everyone")
        yield from self._effort_and_deadlines(line)
        if isinstance(line, Schedule):
            yield from self._schedule(line)
        elif isinstance(line, InKind):
            yield from self._in_kind(line)
        elif isinstance(line, FeeCredit):
            yield from self._credit(line)
        elif isinstance(line, Budget):
            yield from self._budget(line)
        if line.statutory:
            yield self._sentence("statutory")
        if line.accounting:
            view = line.accounting
            terms = {"obligation": view.obligation, "presentation": view.presentation}
            yield self._sentence(
                "accounting", **{name: self._sentence(value) for name, value in terms.items()}
            )
            if view.note:
                yield self._sentence("accounting_note", note=view.note[self.lang])
        if line.note:
            yield self._sentence("note", note=line.note[self.lang])

    def _effort_and_deadlines(self, line: CostLine) -> Iterator[str]:
        yield self._sentence(f"effort_{line.effort or 'unknown'}")
        for change in sorted(line.effort_changes, key=lambda c: c.since):
            effort = self._sentence(f"effort_{change.effort}")
            yield self._sentence("effort_from", day=self.locale.day(change.since), effort=effort)
        for number, deadline in enumerate(sorted(line.deadlines, key=lambda d: d.announced_on)):
            days = {"closes": self.locale.day(deadline.closes), "day": self.locale.day(deadline.announced_on)}
            yield self._sentence("extension" if number else "deadline", **days)

    def _schedule(self, line: Schedule) -> Iterator[str]:
        if line.grain == "claimant":
            yield self._sentence("grain")
        for when, tariff in line.tariffs:
            if when:
                yield self._sentence("segment", who=self._conditions(when))
            elif line.segments:
                yield self._sentence("others")
            for band, rule in tariff.rules()[3:]:
                if band[1] is None or band[1] > (band[0] or 0):
                    yield self._band(band, rule, line.starts)
                    yield from self._examples(tariff, band)
        yield self._sentence("zero", terms=self.rule_text(line.zero))
        yield (
            self._sentence("unknown", terms=self.rule_text(line.unknown))
            if line.unknown
            else self._sentence("no_rule_says")
        )
        if line.rounding:
            yield self._rounding(line.rounding)

    def _band(self, band: Band, rule: Rule, starts: frozenset[int]) -> str:
        if band == (0, None) and 0 not in starts:
            return self._sentence("band_any", terms=self.rule_text(rule))
        written = replace(self.locale, starts=starts).band(*band)
        return self._sentence("band", band=written, unit=self._loss_unit(), terms=self.rule_text(rule))

    def _rounding(self, rounding: Rounding) -> str:
        return self._sentence(f"rounding_{rounding.how}", to=self._money(rounding.to))

    def rule_text(self, rule: Rule | None) -> str:
        """A text that states what a payment rule pays; if `rule` is None, it states that there is no rule."""
        if rule is None:
            return self._sentence("no_rule")
        if rule.review:
            return self._sentence("review")
        parts = [self._money(rule.fixed)] if rule.fixed else []
        if rule.share:
            share = f"{rule.share / 100:g}%"
            key = "share_beyond" if rule.deductible else "share"
            parts.append(self._sentence(key, share=share, deductible=self._loss(rule.deductible)))
        if rule.rate:
            parts.append(self._rate(rule.rate))
        parts_with_limits = [" + ".join(parts)] if parts else []
        parts_with_limits += [self._sentence("floor", amount=self._money(rule.floor))] if rule.floor else []
        parts_with_limits += (
            [self._sentence("limit", amount=self._money(rule.limit))] if rule.limit is not None else []
        )
        return ", ".join(parts_with_limits) or self._sentence("nothing")

    def _rate(self, rate: Rate) -> str:
        every, unit = self.locale.loss(rate.every), self._loss_unit(rate.every)
        key = "rate_one" if rate.every == 1 else "rate"
        text = self._sentence(key, amount=self._money(rate.amount), every=every, unit=unit)
        if rate.after:
            text += self._sentence(
                "after", after=self.locale.loss(rate.after), unit=self._loss_unit(rate.after)
            )
        return text + (self._sentence("round_up" if rate.round_up else "complete") if rate.every > 1 else "")

    def _examples(self, tariff: Tariff, band: Band) -> Iterator[str]:
        low, high = band
        inside = [
            piece.band[1] for piece in tariff.pieces_overlapping(band)[:-1] if piece.band[1] is not None
        ]
        if len(inside) > MOST_EXAMPLES:
            inside = [*inside[: MOST_EXAMPLES - 1], inside[-1]]
        worked = {(low or 0) + 1, *([] if high is None else [high])}
        worked |= {loss for cut in inside for loss in (cut, cut + 1)}
        for loss in sorted(worked):
            paid = tariff.pay(loss)
            if paid is None:
                yield "  " + self._sentence("example_review", loss=self._loss(loss))
            else:
                yield "  " + self._sentence("example", loss=self._loss(loss), amount=self._money(paid))

    def _in_kind(self, line: InKind) -> Iterator[str]:
        yield (
            self._sentence("unpriced")
            if line.face_value is None
            else self._sentence("good", amount=self._money(line.face_value))
        )
        for key, value in line.valuations.items():
            if key != "face_value" and value is not None:
                yield self._sentence(key, amount=self._money(value))
        yield self._people(line.recipients)
        if line.cap:
            yield self._sentence("cap", count=self._count(line.cap))

    def _people(self, fact: str | None) -> str:
        return (
            self._sentence("recipients", count=self._count(fact))
            if fact
            else self._sentence("recipients_unknown")
        )

    def _count(self, fact: str) -> str:
        """Return the count that a fact states, with the id of the fact; only the id if it states no count."""
        value = self._value(fact)
        return (
            fact if value is None else self._sentence("counted", number=self.locale.number(value), fact=fact)
        )

    def _credit(self, line: FeeCredit) -> Iterator[str]:
        for term in ("days", "hours", "periods", "multiple"):
            if (value := getattr(line, term)) is not None:
                key = "one_period" if term == "periods" and value == 1 else term
                yield self._sentence(f"credit_{key}", **{term: value})
        if line.from_minutes:
            yield self._sentence("credit_from", minutes=line.from_minutes)
        if line.amount is not None:
            yield self._sentence("credit_amount", amount=self._money(line.amount))
        else:
            yield from self._credit_examples(line)
        if line.rounding:
            yield self._rounding(line.rounding)
        yield self._people(line.recipients)
        if line.recipients_high:
            yield self._sentence("recipients_high", count=self._count(line.recipients_high))

    def _credit_examples(self, line: FeeCredit) -> Iterator[str]:
        if line.fee is None:
            yield self._sentence("fee_unknown")
        fee = line.fee or ROUND_FEE
        lengths: list[int | None] = [None]
        if line.multiple is not None and line.outage_minutes is None:
            edge = line.from_minutes or 60
            lengths = [edge - 1, edge]
        elif line.multiple is not None:
            lengths = [line.outage_minutes]
        for minutes in lengths:
            credit = line.credit(fee, minutes)
            if credit is None:
                continue
            values = {
                "fee": self._money(fee),
                "period": line.period_days,
                "amount": self._money(line.rounded(credit)),
            }
            key = "credit_example" if minutes is None else "credit_outage"
            yield "  " + self._sentence(key, minutes=minutes, **values)

    def _budget(self, line: Budget) -> Iterator[str]:
        valuation = self.locale(f"word.{line.valuation}")
        if line.amount is None:
            yield self._sentence("budget_unknown")
        else:
            yield self._sentence("budget", amount=self._amount_or_fact(line.amount), valuation=valuation)
        for key, end in (("budget_low", line.low), ("budget_high", line.high)):
            if end is not None:
                yield self._sentence(key, amount=self._amount_or_fact(end))
        for true_up in line.true_ups:
            yield self._sentence(
                "true_up", day=self.locale.day(true_up.since), amount=self._amount_or_fact(true_up.amount)
            )


def policy_card(policy: Policy, lang: str) -> Card:
    """The display of a policy: for each cost line, the payment, the announcement day and the effort."""
    locale = policy.locale(lang)
    explainer = PolicyExplainer(policy, locale)
    rows, more = first_rows(
        locale,
        policy.lines,
        lambda line: (
            line.name[lang],
            locale(f"word.{line.kind}"),
            explainer.payment_summary(line),
            locale.day(line.public_on) if line.public_on else "–",
            locale(f"word.{effort}") if (effort := line.effort_on(date.max)) else "–",
        ),
        "policy.lines",
    )
    heads = ("line", "kind", "payment", "public_on", "effort")
    description = locale(
        "card.policy",
        id=policy.id,
        count=locale.number(len(policy.lines)),
        unit=locale.unit,
        sums=locale.number(len(policy.tie_outs)),
        missing=locale.number(len(policy.missing)),
    )
    return Card(
        policy.name[lang],
        (description,),
        (Table(tuple(locale(f"column.{head}") for head in heads), rows, more=more),),
        (*_lines_without_unknown_rule(policy, locale), locale("card.policy_next")),
    )


def _lines_without_unknown_rule(policy: Policy, locale: Locale) -> list[str]:
    lines = [line.name[locale.lang] for line in policy.schedules if line.unknown is None]
    return [locale("card.no_rule", lines=", ".join(lines))] if lines else []
