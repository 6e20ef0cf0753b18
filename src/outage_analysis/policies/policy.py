"""The compensation policy: a list of cost lines, each a promise with the day on which it became public."""

from __future__ import annotations

import os
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from outage_analysis.errors import EnvironmentFailed, UsageError
from outage_analysis.files import (
    Document,
    Identifier,
    Name,
    Text,
    Unit,
    changed_id,
    changed_name,
    read_document,
    spelling_hint,
    validated_copy,
)
from outage_analysis.incidents import Incident, TieOut, get_fact
from outage_analysis.policies.cost_lines import Schedule
from outage_analysis.policies.lines_without_loss import CostLine
from outage_analysis.policies.rules import RuleBand
from outage_analysis.policies.tariff import MAX_STEPS
from outage_analysis.text import NO_DECIMALS, THREE_DECIMALS, Card, Displayable, Locale, smallest_units


class Policy(Displayable, Document):
    """A compensation policy: the payer's promises, not an insurance contract."""

    id: Identifier
    """The id by which commands refer to the policy."""
    name: Name
    """The name for readers."""
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

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        line_ids: set[str] = set()
        for line in self.lines:
            if line.id in line_ids:
                raise ValueError(f"two lines have the id {line.id}")
            line_ids.add(line.id)
        for tie in self.tie_outs:
            if not line_ids.issuperset(tie.lines):
                raise ValueError(f"the tie-out {tie.id} names a line that is not there")
        all_ids = [*line_ids, *(tie.id for tie in self.tie_outs)]
        if repeated := [id_ for id_ in all_ids if all_ids.count(id_) > 1]:
            raise ValueError(f"the id {repeated[0]} is given to a tie-out and to something else")
        if len(self.breakpoints) > MAX_STEPS:
            raise ValueError(
                f"its payments bend or jump at {len(self.breakpoints):,} losses,"
                f" at most {MAX_STEPS:,} are allowed"
                " | Round to a larger amount, lengthen the periods, or split the policy."
            )
        return self

    @model_validator(mode="after")
    def _shares_need_money_losses(self) -> Self:
        rules = (rule for line in self.schedules for _, tariff in line.tariffs for _, rule in tariff.rules())
        if self.loss_unit != self.currency and any(rule.share for rule in rules):
            raise ValueError(
                f"pays a share of a loss in {self.loss_unit}, which is no money"
                " | Give a `rate` for every so many of them, or state losses in the policy's currency."
            )
        return self

    def card(self, lang: str = "en") -> Card:
        """The display of the policy: what each cost line pays, since when, and what claimants must do."""
        from outage_analysis.policies.explanation import policy_card

        return policy_card(self, lang)

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
        losses_divisible = self.loss_unit != self.currency
        return Locale(
            *(lang, self.currency, self.digits, self.loss_digits, losses_divisible, self.starts),
            loss_unit=self.loss_unit,
        )

    def public_by(self, day: date) -> tuple[tuple[CostLine, ...], tuple[CostLine, ...]]:
        """The cost lines that were public by a day, and the cost lines that were not."""
        known = tuple(line for line in self.lines if line.known_on(day))
        return known, tuple(line for line in self.lines if not line.known_on(day))

    def as_known_on(self, day: date) -> Policy:
        """The policy as known on a day: only cost lines, efforts and deadlines that were public by then."""
        known, _ = self.public_by(day)
        return self.model_copy(update={"lines": tuple(line.as_known_on(day) for line in known)})

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

    def with_tier(
        self,
        *,
        up_to: float | None,
        pays: float,
        line: str | None = None,
        segment: str | None = None,
    ) -> Policy:
        """Return a copy of the policy in which one loss band pays another fixed amount.

        The amount replaces the whole payment rule of the band, including a share, a rate or a review.
        Published totals that the policy reconciles with the line are left out of the copy, because they
        describe the original line. The id of the copy ends in `-changed`.

        Args:
            up_to: the upper edge of the band as the policy writes it, in whole currency (or in the loss unit,
                such as minutes); None for the last band, which has no upper edge.
            pays: the payment per claim in whole currency, such as 40_000 won or 12.50 euros.
            line: the id of the cost line; it can be left out if only one line pays by loss band.
            segment: the id of a segment of the line; by default the bands for all other claimants.

        Raises:
            UsageError: there is no such line, segment or band, or an amount is invalid.

        Example:
            >>> from outage_analysis.policies import load_policy
            >>> changed = load_policy("kakao-2022").with_tier(up_to=300_000, pays=40_000)
            >>> changed.id, changed.schedules[0].bands[0].fixed
            ('kakao-2022-changed', 40000)
        """
        schedule = self._schedule_to_change(line)
        fixed = smallest_units(pays, self.digits, "the payment")
        edge = None if up_to is None else smallest_units(up_to, self.loss_digits, "the edge of a band")
        if segment is None:
            changed = validated_copy(
                schedule, bands=self._with_band(schedule.bands, edge, fixed, schedule.id)
            )
        else:
            ids = [part.id for part in schedule.segments]
            if segment not in ids:
                remedy = spelling_hint(segment, ids) if ids else "Leave out the segment."
                raise UsageError(f"the line {schedule.id} has no such segment", value=segment, remedy=remedy)
            segments = tuple(
                validated_copy(part, bands=self._with_band(part.bands, edge, fixed, segment))
                if part.id == segment
                else part
                for part in schedule.segments
            )
            changed = validated_copy(schedule, segments=segments)
        return self._changed(tuple(changed if x.id == schedule.id else x for x in self.lines), schedule.id)

    def without_line(self, id_: str) -> Policy:
        """Return a copy of the policy without one cost line; its id ends in `-changed`.

        Published totals that the policy reconciles with the line are left out, too.

        Raises:
            UsageError: the policy has no such line, or no other line.
        """
        if id_ not in [x.id for x in self.lines]:
            raise UsageError(
                "no such cost line", value=id_, remedy=spelling_hint(id_, [x.id for x in self.lines])
            )
        if len(self.lines) == 1:
            raise UsageError("the policy has no other cost line", value=id_)
        return self._changed(tuple(x for x in self.lines if x.id != id_), id_)

    def with_line(self, line: CostLine) -> Policy:
        """Return a copy in which a cost line replaces the line with the same id; its id ends in `-changed`.

        Raises:
            UsageError: the policy has no line with this id.
        """
        self.line(line.id)
        return self._changed(tuple(line if x.id == line.id else x for x in self.lines), line.id)

    def _schedule_to_change(self, line: str | None) -> Schedule:
        ids = [schedule.id for schedule in self.schedules]
        if line is None:
            if len(ids) != 1:
                remedy = f"Name one: line= {', '.join(ids)}." if ids else ""
                raise UsageError(f"{len(ids)} cost lines of {self.id} pay by loss band", remedy=remedy)
            return self.schedules[0]
        if line not in ids:
            others = [x.id for x in self.lines]
            problem = "the cost line does not pay by loss band" if line in others else "no such cost line"
            known = ids if line in others else others
            raise UsageError(problem, value=line, remedy=spelling_hint(line, known) if known else "")
        return self.schedules[ids.index(line)]

    def _with_band(
        self, bands: tuple[RuleBand, ...], edge: int | None, fixed: int, owner: str
    ) -> tuple[RuleBand, ...]:
        """Return loss bands of which the band with an upper edge pays a fixed amount."""
        if edge not in [band.up_to for band in bands]:
            scale = 10**self.loss_digits
            edges = ", ".join(
                "None" if band.up_to is None else f"{band.up_to / scale:,.{self.loss_digits}f}"
                for band in bands
            )
            raise UsageError(
                f"{owner} has no band with this upper edge",
                value="None" if edge is None else f"{edge / scale:,.{self.loss_digits}f}",
                remedy=f"Its bands end at {edges}.",
            )
        try:
            changed = {
                band.up_to: RuleBand(over=band.over, up_to=band.up_to, fixed=fixed)
                for band in bands
                if band.up_to == edge
            }
        except ValidationError as error:
            raise UsageError("the payment is too large", value=fixed) from error
        return tuple(changed.get(band.up_to, band) for band in bands)

    def _changed(self, lines: tuple[CostLine, ...], line: str) -> Policy:
        """Return the policy with other lines, marked as changed, without the tie-outs of one line."""
        return validated_copy(
            self,
            id=changed_id(self.id),
            name=changed_name(self.name),
            lines=lines,
            tie_outs=tuple(tie for tie in self.tie_outs if line not in tie.lines),
        )

    def line(self, id_: str) -> CostLine:
        """The cost line with this id.

        Raises:
            UsageError: the policy has no cost line with this id.
        """
        for line in self.lines:
            if line.id == id_:
                return line
        raise UsageError(
            "no such cost line", value=id_, remedy="Lines: " + ", ".join(x.id for x in self.lines)
        )


def decimal_places(currency: str) -> int:
    """The number of decimal places of a currency according to ISO 4217."""
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


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
    if policy.currency != incident.currency:
        raise UsageError(
            f"the policy {policy.id} pays {policy.currency}, the incident {incident.id} counts in "
            f"{incident.currency}",
            remedy="Restate the policy in the incident's currency.",
        )
    if policy.digits != incident.minor_units:
        raise UsageError(
            f"the policy {policy.id} counts in {policy.digits} decimal places, the incident "
            f"{incident.id} in {incident.minor_units}",
            remedy="Give both the same minor_units.",
        )
    if policy.loss_unit != incident.loss.unit:
        raise UsageError(
            f"the policy's bands are in {policy.loss_unit}, the incident's losses in {incident.loss.unit}",
            remedy="Restate the bands in the incident's loss unit.",
        )


def write_template(id_: str, currency: str, loss_unit: str, out: Path) -> Path:
    """Write a valid policy document with one cost line of every kind. Existing files are not overwritten.

    Raises:
        UsageError: the file exists, or the id, the currency or the unit is not allowed in a policy.
    """
    if out.exists():
        raise UsageError("exists already", file=out, remedy="Choose another --out.")
    if out.suffix != ".toml":
        raise UsageError("is not named .toml", file=out, remedy="Choose another --out.")
    text = (files(__package__) / "template.toml").read_text("utf-8")
    for value in (id_, currency, loss_unit):
        if not value.isprintable() or '"' in value or "\\" in value:
            raise UsageError("cannot be written into the document", value=value)
    # A share needs losses in money. If losses are minutes or days, the template uses an amount per period.
    second_band = (
        "  share = 0.1" if loss_unit == currency else "  rate = { amount = 50_000, every = 300_000 }"
    )
    document = text.format(id=id_, currency=currency, loss_unit=loss_unit, second_band=second_band)
    unchecked = out.with_name(f".{out.stem}-{os.getpid()}.toml")
    try:
        try:
            unchecked.write_text(document, "utf-8")
            load_policy(unchecked)
            unchecked.replace(out)
        finally:
            if unchecked.is_file():
                unchecked.unlink()
    except UsageError as error:
        error.file = "the new document"
        raise
    except OSError as error:
        raise EnvironmentFailed(f"cannot be written: {error.strerror}", file=out) from error
    return out
