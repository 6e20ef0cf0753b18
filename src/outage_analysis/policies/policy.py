"""The compensation policy: a list of cost lines, each a promise with the day on which it became public.

Further down: a policy in words, with worked examples, and its possible mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field

from outage_analysis.errors import UsageError, one_line
from outage_analysis.files import (
    MAX_NAME,
    Name,
    NamedDocument,
    Text,
    Unit,
    atomic_file,
    changed_copy,
    parse_document,
    read_document,
    refuse_if,
    refuse_repeated,
    spelling_hint,
    toml_value,
    usage_errors,
    validated_copy,
)
from outage_analysis.incidents import UNKNOWN, Band, Incident, TieOut, fact_exists, get_fact
from outage_analysis.policies.cost_lines import (
    MONEY,
    SHARE_DIGITS,
    SHARE_SCALE,
    Budget,
    CostLine,
    FeeCredit,
    Line,
    Rule,
    RuleBand,
    Schedule,
    Tariff,
    check_step_count,
)
from outage_analysis.text import (
    DECIMALS,
    LANGUAGES,
    Card,
    Displayable,
    Locale,
    Table,
    first_rows,
    in_units,
    smallest_units,
)


class Policy(Displayable, NamedDocument):
    """A compensation policy: the payer's promises, not an insurance contract."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO code. Amounts are whole numbers of its smallest unit: won, pence, cents."""
    minor_units: Annotated[int, Field(ge=0, le=4), Unit("decimal places")] | None = None
    """Decimal places of the currency; by default those of ISO 4217."""
    loss_unit: str = Field(min_length=1, max_length=24)
    """The unit of the band edges; it must be the incident's loss unit."""
    sources: tuple[str, ...] = ()
    """Files or addresses of the sources."""
    lines: Annotated[tuple[CostLine, ...], Field(alias="line", min_length=1, max_length=200)]
    """The promises; the keys of a line depend on its `kind`."""
    tie_outs: tuple[TieOut, ...] = Field(alias="tie_out", default=())
    """Published totals to reconcile with the lines."""
    missing: tuple[Text, ...] = ()
    """What was not published but would be needed to reconcile the total."""

    def _check(self) -> None:
        line_ids = [line.id for line in self.lines]
        for tie in self.tie_outs:
            refuse_if(not {*tie.lines} <= {*line_ids}, f"the tie-out {tie.id} names a line that is not there")
        refuse_repeated(
            [*line_ids, *(tie.id for tie in self.tie_outs)], "two lines or tie-outs have the id {}"
        )
        check_step_count(len(self.breakpoints))
        tariffs = (tariff for line in self.schedules for _, tariff in line.tariffs)
        refuse_if(
            self.loss_unit != self.currency and any(rule.share for t in tariffs for _, rule in t.rules()),
            f"pays a share of a loss in {self.loss_unit}, which is no money"
            " | Give a `rate` for every so many of them, or state losses in the policy's currency.",
        )

    def card(self, lang: str = "en") -> Card:
        """The display of the policy: what each cost line pays, since when, and what claimants must do."""
        locale = self.locale(lang)
        explainer = PolicyExplainer(self, locale)

        def cells(line: CostLine) -> tuple[str, ...]:
            kind, effort = locale(f"word.{line.kind}"), line.effort_on(date.max)
            day, asked = line.public_on and locale.day(line.public_on), effort and locale(f"word.{effort}")
            return line.name[lang], kind, explainer.payment_summary(line), day or "–", asked or "–"

        rows, more = first_rows(locale, self.lines, cells, "policy.lines")
        heads = ("line", "kind", "payment", "public_on", "effort")
        table = Table(tuple(locale(f"column.{head}") for head in heads), rows, more=more)
        counts = {"count": len(self.lines), "sums": len(self.tie_outs), "missing": len(self.missing)}
        description = locale("card.policy", id=self.id, unit=locale.unit, **counts)
        unruled = ", ".join(line.name[lang] for line in self.schedules if line.unknown is None)
        notes = [locale("card.no_rule", lines=unruled)] if unruled else []
        return Card(self.name[lang], (description,), (table,), (*notes, locale("card.policy_next")))

    @property
    def digits(self) -> int:
        """The number of decimal places of the policy's amounts."""
        return decimal_places(self.currency) if self.minor_units is None else self.minor_units

    @property
    def loss_digits(self) -> int:
        """The number of decimal places of losses: as for the currency if losses are money, otherwise 0."""
        return self.digits if self.loss_unit == self.currency else 0

    @property
    def starts(self) -> frozenset[int]:
        """The largest losses of all bands that exclude their written upper edge: 299,999 for [0, 300000)."""
        return frozenset[int]().union(*(line.starts for line in self.schedules))

    def locale(self, lang: str) -> Locale:
        """The locale of a language, with losses, amounts and bands formatted for this policy.

        Raises:
            UsageError: the language is not supported.
        """
        money = (self.currency, self.digits, self.loss_digits, self.loss_unit != self.currency)
        return Locale(lang, *money, self.starts, loss_unit=self.loss_unit)

    def public_by(self, day: date) -> tuple[tuple[CostLine, ...], tuple[CostLine, ...]]:
        """The cost lines that were public by a day, and the cost lines that were not."""
        known = tuple(line for line in self.lines if line.known_on(day))
        return known, tuple(line for line in self.lines if not line.known_on(day))

    def as_known_on(self, day: date) -> Policy:
        """The policy as known on a day: only cost lines, efforts and deadlines that were public by then."""
        known = (line.as_known_on(day) for line in self.lines if line.known_on(day))
        return self.model_copy(update={"lines": tuple(known)})

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The cost lines that pay by loss band."""
        return tuple(line for line in self.lines if isinstance(line, Schedule))

    @property
    def cuts(self) -> tuple[int, ...]:
        """The largest loss of each loss band of the policy, in increasing order: 299,999 for [0, 300000)."""
        return tuple(sorted({cut for line in self.schedules for cut in line.cuts}))

    @property
    def edges(self) -> tuple[int, ...]:
        """The edges of all loss bands of the policy, as the document writes them, in increasing order."""
        return tuple(sorted({cut + (x.closed == "lower") for x in self.schedules for cut in x.cuts}))

    @property
    def breakpoints(self) -> tuple[int, ...]:
        """All losses after which a payment formula of the policy changes, in increasing order."""
        return tuple(sorted({cut for line in self.schedules for cut in line.breakpoints}))

    def resolve_amount(
        self,
        amount: int | str,
        public_by: date | None = None,
        *,
        end: Literal["value", "low", "high"] = "value",
        hindsight: bool = False,
    ) -> int:
        """Return an amount in the smallest unit of the policy's currency.

        Args:
            amount: the amount itself, or the id of the fact that states it.
            public_by: refuse a fact that was not public by this day.
            end: which end to take if the fact is a range.
            hindsight: whether the fact may be an outcome of the case. Set it only for amounts actually paid,
                which are used from the day on which they were published.

        Raises:
            ModelRefused: the fact was not public by `public_by`.
            UsageError: the fact is not an amount in the policy's currency.
        """
        if isinstance(amount, int):
            return amount
        fact = get_fact(amount, public_by=public_by, hindsight=hindsight)
        return round(fact.money(self.currency, end) * float(10**self.digits))

    def schedule(self, id_: str) -> Schedule | None:
        """The cost line with this id if it pays by loss band; otherwise None."""
        return next((line for line in self.schedules if line.id == id_), None)

    def with_tier(self, *, up_to: float | None, pays: float, line: str | None = None) -> Policy:
        """Return a copy of the policy in which one loss band pays another fixed amount.

        The amount replaces the whole payment rule of the band, including a share, a rate or a review.
        Published totals that the policy reconciles with the line are left out of the copy, because they
        describe the original line. The id of the copy ends in `-changed`.

        Args:
            up_to: the upper edge of the band as the policy writes it, in whole currency (or in the loss unit,
                such as minutes); None for the last band, which has no upper edge.
            pays: the payment per claim in whole currency, such as 40_000 won or 12.50 euros.
            line: the id of the cost line; it can be left out if only one line pays by loss band. In a line
                with segments, it is the band for claimants of no segment.

        Raises:
            UsageError: there is no such line or band, or an amount is invalid.

        Example:
            >>> from outage_analysis.policies import load_policy
            >>> changed = load_policy("kakao-2022").with_tier(up_to=300_000, pays=40_000)
            >>> changed.id, changed.schedules[0].bands[0].fixed
            ('kakao-2022-changed', 40000)
        """
        named = self.schedules if line is None else (self.line(line),)
        schedule = named[0] if len(named) == 1 else None
        if not isinstance(schedule, Schedule):
            ids = ", ".join(schedule.id for schedule in self.schedules) or "none"
            problem = f"name a cost line of {self.id} that pays by loss band"
            raise UsageError(problem, value=line, remedy=f"These do: {ids}.")
        fixed = smallest_units(pays, self.digits, "the payment")
        edge = None if up_to is None else smallest_units(up_to, self.loss_digits, "the edge of a band")
        edges = [band.up_to for band in schedule.bands]
        if edge not in edges:
            known = ("None" if x is None else in_units(x, self.loss_digits) for x in edges)
            remedy = f"Its bands end at {', '.join(known)}."
            raise UsageError(f"{schedule.id} has no band with this upper edge", value=up_to, remedy=remedy)
        with usage_errors("the payment"):
            paid = RuleBand(over=schedule.bands[edges.index(edge)].over, up_to=edge, fixed=fixed)
        bands = tuple(paid if band.up_to == edge else band for band in schedule.bands)
        return self.with_line(validated_copy(schedule, bands=bands))

    def with_line(self, line: CostLine) -> Policy:
        """Return a copy in which a cost line replaces the line with the same id; its id ends in `-changed`.

        Published totals that the policy reconciles with the line are left out.

        Raises:
            UsageError: the policy has no line with this id.
        """
        self.line(line.id)
        lines = tuple(line if x.id == line.id else x for x in self.lines)
        ties = tuple(tie for tie in self.tie_outs if line.id not in tie.lines)
        return changed_copy(self, lines=lines, tie_outs=ties)

    def line(self, id_: str) -> CostLine:
        """The cost line with this id.

        Raises:
            UsageError: the policy has no cost line with this id.
        """
        lines = {line.id: line for line in self.lines}
        if id_ not in lines:
            raise UsageError("no such cost line", value=id_, remedy=spelling_hint(id_, list(lines)))
        return lines[id_]


def decimal_places(currency: str) -> int:
    """The number of decimal places of a currency according to ISO 4217."""
    return DECIMALS.get(currency, 2)


def policy_names(policies: Sequence[Policy], lang: str) -> dict[str, str]:
    """Return the display name of each policy by id; if two have the same name, the id is appended."""
    names = {policy.id: policy.name[lang] for policy in policies}
    used = list(names.values())
    return {id_: f"{name} ({id_})" if used.count(name) > 1 else name for id_, name in names.items()}


def load_policy(id_or_path: str | Path | Policy) -> Policy:
    """Read a policy, given by its bundled id or by the path of a TOML file.

    Raises:
        UsageError: there is no such policy, bands leave a gap or overlap, or a key is unknown or invalid.
    """
    return read_document(Policy, "policies", id_or_path)


def check_same_units(policy: Policy, incident: Incident) -> None:
    """Raise an error if a policy and an incident use different currencies or loss units.

    Raises:
        UsageError: currency, decimal places or loss unit differ.
    """
    for own, theirs, what in (
        (policy.currency, incident.currency, "amounts in {}"),
        (policy.digits, incident.minor_units, "amounts with {} decimal places"),
        (policy.loss_unit, incident.loss.unit, "losses in {}"),
    ):
        if own != theirs:
            raise UsageError(
                f"the policy {policy.id} states {what.format(own)}, "
                f"the incident {incident.id} {what.format(theirs)}",
                remedy="Restate the policy in the units of the incident.",
            )


def write_template(id_: str, currency: str, loss_unit: str, out: Path) -> Path:
    """Write a valid policy document with one cost line of every kind. Existing files are not overwritten.

    Raises:
        UsageError: the file exists, or the id, the currency or the unit is not allowed in a policy.
    """
    if out.exists() or out.suffix != ".toml":
        problem = "exists already" if out.exists() else "is not named .toml"
        raise UsageError(problem, file=out, remedy="Choose another --out.")
    # A share needs losses in money. If losses are minutes or days, the template uses an amount per period.
    pays = "  share = 0.1" if loss_unit == currency else "  rate = { amount = 50_000, every = 300_000 }"
    values = {"id": id_, "currency": currency, "loss_unit": loss_unit}
    template = (files(__package__) / "template.toml").read_text("utf-8")
    document = template.format(second_band=pays, **{key: toml_value(x) for key, x in values.items()})
    parse_document(Policy, document, "the new document")
    with atomic_file(out) as partial:
        partial.write_text(document, "utf-8")
    return out


Amount = int | float | Decimal
"""An amount as people write it: in whole currency, with decimals if necessary."""
TierPayments = Mapping[Any, Amount]
"""Largest loss of a tier -> payment per claim; the key None stands for all larger losses.

The type of the keys is not stated, because the keys of a mapping are invariant: int would not fit int | None.
"""


def policy_from_tiers(
    tiers: TierPayments,
    incident: Incident,
    *,
    effort: str = "form",
    unknown: Amount | None = None,
    closes: date | None = None,
    public_on: date | None = None,
) -> Policy:
    """Build a policy that pays a fixed amount per claim, depending on the loss.

    Losses of zero, and losses above the last tier, are paid nothing.

    Args:
        tiers: largest loss of a tier -> payment per claim. {300_000: 30_000, 500_000: 50_000} pays 30,000 for
            losses up to 300,000 and 50,000 for losses above that up to 500,000. The key None stands for all
            larger losses. Payments are in whole currency. Losses are in whole currency or, if they are not
            money, in the loss unit of the incident.
        incident: the outage.
        effort: what claimants must do to be paid: automatic, one_tap, form or documents.
        unknown: the payment for a claim without a stated loss. By default the policy does not state it: there
            are then only bounds if more than half of the claims state no loss.
        closes: the last day to claim; by default that of the incident.
        public_on: the day on which the policy was announced; by default the first day to claim.

    Raises:
        UsageError: there is no tier, an amount has too many decimals or is negative, or the effort is
            unknown.

    Example:
        >>> from outage_analysis.incidents import load_incident
        >>> policy = policy_from_tiers({300_000: 30_000, None: 50_000}, load_incident("kakao-2022"))
        >>> [(band.up_to, band.fixed) for band in policy.schedules[0].bands]
        [(300000, 30000), (None, 50000)]
    """
    line: dict[str, Any] = {
        "id": "tiers",
        "kind": "schedule",
        "name": {lang: Locale(lang)("explain.tiers_line") for lang in LANGUAGES},
        "public_on": public_on or incident.claims_from,
        "effort": effort,
        "band": _bands(tiers, incident),
    }
    if unknown is not None:
        line["unknown"] = {"fixed": smallest_units(unknown, incident.minor_units, "the payment")}
    if closes is not None:
        if closes < incident.claims_to:
            remedy = f"The last one is of {incident.claims_to}."
            raise UsageError("claims were filed after that day", column="closes", value=closes, remedy=remedy)
        line["deadlines"] = ({"announced_on": line["public_on"], "closes": closes},)
    with usage_errors("the policy"):
        policy = Policy.model_validate(
            {
                "id": f"{incident.id}-tiers",
                "name": line["name"],
                "currency": incident.currency,
                "minor_units": incident.minor_units,
                "loss_unit": incident.loss.unit,
                "line": (line,),
            }
        )
    names = {}
    for locale in map(policy.locale, LANGUAGES):
        pays, bands = PolicyExplainer(policy, locale).rule_text, policy.schedules[0].bands
        words = "; ".join(f"{locale.band(band.over, band.up_to)}: {pays(band)}" for band in bands)
        names[locale.lang] = one_line(locale("explain.tiers_named", tiers=words), MAX_NAME)
    return policy.model_copy(update={"name": Name(**names)})


def _bands(tiers: TierPayments, incident: Incident) -> tuple[dict[str, int], ...]:
    if not isinstance(tiers, Mapping) or not tiers:
        remedy = "Write {300_000: 30_000} for 30,000 up to 300,000."
        raise UsageError("tiers are a mapping with at least one tier", value=tiers, remedy=remedy)
    loss = partial(smallest_units, digits=incident.loss_digits, name="the largest loss of a tier")
    stated = {None if edge is None else loss(edge): pays for edge, pays in tiers.items()}
    edges = sorted(up_to for up_to in stated if up_to is not None)
    if len(stated) < len(tiers) or (edges and edges[0] <= 0):
        raise UsageError("tiers must end at different losses above 0", value=", ".join(map(str, tiers)))
    paid = partial(smallest_units, digits=incident.minor_units, name="the payment")
    return tuple(
        {"over": over or 0, "fixed": paid(stated.get(up_to, 0))} | ({} if up_to is None else {"up_to": up_to})
        for over, up_to in pairwise([0, *edges, None])
    )


MOST_EXAMPLES = 3
"""The most breakpoints inside a band with an example; if there are more, the first ones and the last one."""


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
        about = {"unit": self.locale.unit, "loss_unit": self._loss_unit(), "id": self.policy.id}
        yield self._sentence("head", name=self.policy.name[self.lang], **about)
        for line in self.policy.lines:
            yield ""
            words = {"name": line.name[self.lang], "kind": self.locale(f"word.{line.kind}")}
            yield self._sentence("line", id=line.id, **words)
            yield from (f"  {sentence}" for sentence in self._line(line))
        if self.policy.missing:
            yield ""
            yield from (self._sentence("missing", text=text[self.lang]) for text in self.policy.missing)

    def _line(self, line: CostLine) -> Iterator[str]:
        say, day = self._sentence, self.locale.day
        yield say("public", day=day(line.public_on)) if line.public_on else say("undated")
        who = self._conditions(line.eligibility)
        yield say("entitled", who=who) if who else say("everyone")
        yield say(f"effort_{line.effort or 'unknown'}")
        for change in sorted(line.effort_changes, key=lambda c: c.since):
            yield say("effort_from", day=day(change.since), effort=say(f"effort_{change.effort}"))
        for number, d in enumerate(sorted(line.deadlines, key=lambda d: d.announced_on)):
            days = {"closes": day(d.closes), "day": day(d.announced_on)}
            yield say("extension" if number else "deadline", **days)
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

    def _examples(self, tariff: Tariff, band: Band) -> Iterator[str]:
        low, high = band
        inside = [piece.band[1] or 0 for piece in tariff.pieces_overlapping(band)[:-1]]
        if len(inside) > MOST_EXAMPLES:
            inside = [*inside[: MOST_EXAMPLES - 1], inside[-1]]
        worked = {(low or 0) + 1, *([] if high is None else [high])}
        for loss in sorted(worked.union(inside, (cut + 1 for cut in inside))):
            paid, text = tariff.pay(loss), self.loss(loss)
            key, amount = ("example_review", "") if paid is None else ("example", self.money(paid))
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
                yield self._sentence(f"rounding_{value.how}", to=self.money(value.to))
            elif key == "amount" and isinstance(line, FeeCredit) and value is None:
                if line.fee is not None and line.payment is not None:
                    example = {"fee": self.money(line.fee), "amount": self.money(line.payment)}
                    yield "  " + self._sentence("credit_example", period=line.period_days, **example)
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
            return self.money(value) if value is not None and is_money else value
        fact = get_fact(value, hindsight=True) if fact_exists(value) else None
        if fact is None or fact.value is None or (fact.public_on or date.max) > (self.as_of or date.max):
            return value
        if not is_money:
            return self._sentence("counted", number=self.locale.number(fact.value), fact=value)
        return f"{self.money(fact.value * 10**self.policy.digits)} ({value})"

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
        return f"{self._value(pays)} ({self.locale('word.face_value')})" if goods else str(self._value(pays))

    def rule_text(self, rule: Rule | None) -> str:
        """A text that states what a payment rule pays; if `rule` is None, it states that there is no rule."""
        say = self._sentence
        if rule is None or rule.review:
            return say("review" if rule else "no_rule")
        parts = [self.money(rule.fixed)] if rule.fixed else []
        if rule.share:
            key, share = "share_beyond" if rule.deductible else "share", f"{rule.share / 100:g}%"
            parts.append(say(key, share=share, deductible=self.loss(rule.deductible)))
        if rate := rule.rate:
            words = {"every": self.locale.loss(rate.every), "unit": self._loss_unit(rate.every)}
            text = say("rate_one" if rate.every == 1 else "rate", amount=self.money(rate.amount), **words)
            if rate.after:
                text += say("after", after=self.locale.loss(rate.after), unit=self._loss_unit(rate.after))
            text += say("round_up" if rate.round_up else "complete") if rate.every > 1 else ""
            parts.append(text)
        limits = [say("floor", amount=self.money(rule.floor))] if rule.floor else []
        limits += [say("limit", amount=self.money(rule.limit))] if rule.limit is not None else []
        return ", ".join([*([" + ".join(parts)] if parts else []), *limits]) or say("nothing")

    def _sentence(self, key: str, **values: object) -> str:
        """The translated sentence for a key, filled with `values`; line breaks in values are escaped."""
        safe = {name: one_line(v, 10_000) if isinstance(v, str) else v for name, v in values.items()}
        return self.locale(f"explain.{key}", **safe)

    def money(self, amount: float | Fraction) -> str:
        """Format an amount, given in the smallest currency unit, in the main unit (such as won) in full."""
        exact, digits = Fraction(amount), self.policy.digits
        whole = Decimal(int(exact * SHARE_SCALE)).scaleb(-SHARE_DIGITS - digits)
        text = f"{whole:,.{digits if exact.denominator == 1 else digits + SHARE_DIGITS}f}"
        return self.locale.with_unit(text if exact.denominator == 1 else text.rstrip("0"), self.locale.unit)

    def loss(self, amount: int) -> str:
        """A loss with its unit."""
        return self.locale.with_unit(self.locale.loss(amount), self._loss_unit(amount))

    def _loss_unit(self, amount: int = 2) -> str:
        """The name of the loss unit, in the singular or plural as the amount requires."""
        unit = self.policy.loss_unit
        if amount != 1 or unit == self.policy.currency:
            return self.locale.loss_unit_name
        return self.locale.label_or(f"unit.{unit.removesuffix('s')}", self.locale.loss_unit_name)

    def _conditions(self, entitled: Mapping[str, tuple[str, ...]]) -> str:
        names = {d: d if self.lang == "en" else self.locale.label_or(f"word.{d}", d) for d in entitled}
        return "; ".join(
            self._sentence("one_of", dimension=names[d], values=", ".join(x)) for d, x in entitled.items()
        )


def findings(policy: Policy, lang: str = "en") -> pl.DataFrame:
    """List possible mistakes in a policy, in the order of its cost lines.

    Args:
        policy: the policy.
        lang: the language of the sentences.

    Returns:
        One row per finding: `finding` (what is doubtful, such as `cliff` or `gap`), `line` (the id of the
        cost line or tie-out), and `says` (a sentence that describes the mistake).
    """
    teller = PolicyExplainer(policy, policy.locale(lang))
    rows = [(kind, line.id, says) for line in policy.lines for kind, says in _line_findings(line, teller)]
    for tie in policy.tie_outs:
        missing = [f for f in (*tie.of, tie.printed, *tie.facts) if f and not fact_exists(f)]
        rows += [("fact", tie.id, teller.locale("finding.tie_fact", fact=f)) for f in missing]
    return pl.DataFrame(rows, dict.fromkeys(("finding", "line", "says"), pl.String), orient="row")


def _line_findings(line: CostLine, teller: PolicyExplainer) -> Iterator[tuple[str, str]]:
    """Yield what is doubtful (a word `finding.kind_...`, such as `cliff`), and a sentence about it."""
    say = teller.locale
    if isinstance(line, Schedule):
        if line.unknown is None:
            yield "unknown", say("finding.no_rule")
        names = [*(segment.id for segment in line.segments), None]
        for name, (_, tariff) in zip(names, line.tariffs, strict=True):
            for kind, says in (*_piece_findings(tariff, teller), *_contradicted_facts(tariff, say)):
                yield kind, say("finding.in_segment", segment=name, says=says) if name else says
    if line.public_on is None:
        yield "undated", say("finding.no_day")
    if line.effort in ("form", "documents") and not line.deadlines:
        yield "undated", say("finding.no_deadline")
    if line.accounting is None:
        yield "accounting", say("finding.no_accounting")
    for fact in dict.fromkeys((*_cited_facts(line.model_dump()), *line.numeric_facts)):
        if not fact_exists(fact):
            yield "fact", say("finding.cites", fact=fact)


def _contradicted_facts(tariff: Tariff, locale: Locale) -> Iterator[tuple[str, str]]:
    """Yield the facts that a rule cites although it states another figure in their unit."""
    for _, rule in tariff.rules():
        rate, edges = rule.rate, [rule.over, rule.up_to] if isinstance(rule, RuleBand) else []
        money = [rule.fixed, rule.floor, rule.limit, *([rate.amount] if rate else [])]
        losses = [rule.deductible, *edges, *([rate.every, rate.after] if rate else [])]
        if locale.loss_unit == locale.currency:
            money = losses = money + losses
        figures: dict[str, tuple[float, list[int | None]]] = {
            "%": (SHARE_SCALE / 100, [rule.share]),
            locale.loss_unit: (10**locale.loss_digits, losses),
            locale.currency: (10**locale.minor_units, money),
        }
        for fact in (get_fact(id_, hindsight=True) for id_ in rule.facts if fact_exists(id_)):
            scale, stated = figures.get(fact.unit, (1, []))
            if stated and fact.value is not None and round(fact.value * scale, 4) not in stated:
                figure = f"{fact.value:,.12g} {fact.unit}"
                yield "fact", locale("finding.other_figure", fact=fact.id, figure=figure)


def _cited_facts(value: object) -> Iterator[str]:
    """Yield the ids under each key `facts` of the values of a document."""
    if isinstance(value, dict):
        yield from value.get("facts", ())
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    for inner in inside:
        yield from _cited_facts(inner)


def _piece_findings(tariff: Tariff, teller: PolicyExplainer) -> Iterator[tuple[str, str]]:
    zero, *positive = tariff.pieces[2:]  # the pieces of unknown and negative losses come first
    for piece in (zero, *positive[:-1]):
        edge = piece.band[1] or 0
        paid, less = tariff.pay(edge), tariff.pay(edge + 1)
        if paid and (less or 0) < paid:
            told = {"loss": teller.loss(edge), "larger": teller.loss(edge + 1)}
            told |= {"paid": teller.money(paid), "less": teller.money(less or 0)}
            yield "cliff", teller.locale("finding.cliff_review" if less is None else "finding.cliff", **told)
    paying = [piece.fixed is None or bool(piece.fixed or piece.slope) for piece in positive]
    for number, piece in enumerate(positive):
        if not paying[number] and any(paying[:number]) and any(paying[number:]):
            yield "gap", teller.locale("finding.gap", band=teller.locale.band_with_unit(*piece.band))
