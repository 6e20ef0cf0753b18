"""The ledger of assumptions: every uncertain input of a run, with its owner, source and reasons.

Its entries are rates, factors, mean payments, awards, handling, and shares of loss bands.
"""

from __future__ import annotations

import math
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from importlib.resources import files
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import polars as pl
from pydantic import Field
from scipy import special

from outage_analysis.assumptions.distributions import (
    AnyDistribution,
    Distribution,
    FloatArray,
    NeverNegative,
    QuantileTable,
    Share,
    check_adds_up,
    class_groups,
    log_gamma_quantile,
    published_spread,
    reference_class_prior,
    update_rate,
)
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import (
    Day,
    Document,
    Identifier,
    Name,
    NamedDocument,
    OptionalText,
    Text,
    bundled_ids,
    changed_copy,
    read_document,
    refuse_if,
    refuse_repeated,
    spelling_hint,
    validated_copy,
)
from outage_analysis.incidents import Band, Incident, check_partition, get_fact, published_rates
from outage_analysis.policies import CostLine, Effort, Policy, contains_integer, decimal_places
from outage_analysis.text import (
    AMOUNT_KINDS,
    ESTIMATE_DIGITS,
    Card,
    Displayable,
    Locale,
    Table,
    first_rows,
    schema_of,
    short_names,
)


class Range(NamedTuple):
    """An expected value with its bounds: low <= expected <= high."""

    expected: float
    low: float
    high: float

    @classmethod
    def around(cls, expected: float, low: float, high: float) -> Self:
        """The range from low to high, widened if the expected value lies outside it.

        Low and high are often the 1 % and 99 % percentiles. The mean of a heavy-tailed or capped distribution
        can lie outside them.
        """
        return cls(expected, min(low, expected), max(high, expected))


class Entry(NamedDocument, ABC):
    """One assumption of a ledger: the keys and methods that all kinds of assumption share."""

    lines: tuple[str, ...] = Field(min_length=1)
    """The ids of the cost lines that use the assumption."""
    effort: Effort | None = None
    """The effort class that the assumption applies to; left out if it applies to all classes."""
    public_on: Day
    """The day on which the assumption could first be known; a run as of an earlier day does not use it."""
    grade: Literal["A", "B", "C", "D", "assumed", "example"]
    """How good the evidence is: A (best) to D; `assumed` if its owner has no evidence; `example` for a
    placeholder value until somebody takes ownership. A report with an `example` warns that its figures must
    not be used."""
    source: Text
    """Where the assumption is from."""
    facts: tuple[str, ...] = ()
    """Ids of the published facts that support the assumption."""
    rationale: Text
    """Why the assumption has this value."""
    owner: str = Field(min_length=1)
    """Who is responsible for the assumption."""
    approved_by: str = ""
    """Who has approved the assumption; empty until somebody has."""
    outcome_known: bool
    """Whether the author already knew the outcome of the case."""

    @property
    def computed_from(self) -> tuple[str, ...]:
        """The ids of the published facts from whose numbers the assumption is computed."""
        return ()

    @property
    def factors(self) -> tuple[Distribution, ...]:
        """The distributions whose product is the assumption; empty if it is not simply a product."""
        return ()

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw (simulated value) of the assumption needs."""
        return len(self.factors)

    @abstractmethod
    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws (simulated values) of the assumption.

        Returns:
            An array of shape (n,), or (n, bands) for a band mix.
        """


class NumberEntry(Entry):
    """An assumption about one number, such as a rate, an amount, or people x weeks x weekly wage."""

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws (simulated values) of the number."""
        drawn = [factor.quantile(u[:, k]) for k, factor in enumerate(self.factors)]
        return np.asarray(np.prod(drawn, axis=0))

    @cached_property
    def range(self) -> Range:
        """The product of the means, with the products of the low and of the high values."""
        low, high = np.prod([factor.ends for factor in self.factors], axis=0)
        return Range.around(math.prod(factor.mean for factor in self.factors), float(low), float(high))

    @property
    def most(self) -> float | None:
        """The largest possible value; None if nothing limits it, or if single payments vary around it."""
        return None if getattr(self, "spread", 0) else _largest_product(*self.factors)


def _largest_product(*factors: Distribution) -> float | None:
    """The largest product of non-negative factors: None if one has no limit and none is always 0."""
    maxima = [factor.support[1] for factor in factors]
    most = 0.0 if 0 in maxima else math.prod(maxima)
    return most if most < math.inf else None


class ObservedCounts(Document):
    """Counts of the event whose rate is assumed: the successes (`hits`) and the trials (`of`)."""

    hits: str
    """The id of the fact that counts the successes."""
    of: str
    """The id of the fact that counts the trials."""
    counted_on: Day | None = None
    """The day up to which `hits` was counted; by default the day on which that fact was public."""
    closed_on: Day | None = None
    """The last day to file or to take an offer, where the policy's line states no deadline."""
    decided: bool = False
    """Whether every filing counted in `of` had been decided by that day; an acceptance rate requires it."""

    @property
    def day(self) -> date | None:
        """The day up to which the successes were counted; None if their published fact has no day."""
        published = get_fact(self.hits, hindsight=True).public_on
        return min(filter(None, (self.counted_on, published)), default=None)


class RateAssumption(NumberEntry):
    """A rate of the claims funnel, such as acceptance: a prior, and counts of the same event to update it."""

    kind: Literal["claimant_share", "entitled_share", "filing_share", "acceptance", "take_up"]
    """Which rate: `claimant_share` is different claimants per report; `entitled_share` the share of them who
    are entitled; `filing_share` the share of those who file; `acceptance` the share of filings accepted;
    `take_up` the share of people who take a good."""
    classes: tuple[str, ...] = ()
    """Reference classes: ids of facts in percent, one per event. The prior follows from them by a written
    rule, for which a range counts as its midpoint."""
    left_out: tuple[str, ...] = ()
    """Events whose rates the spread between events leaves out, such as this outage: values of the column
    `event` in data/published/rates.csv."""
    distribution: AnyDistribution | None = None
    """The distribution of the rate, if it does not come from reference classes."""
    observed: ObservedCounts | None = None
    """Counts from the same event. They update the rate of this event, but not the spread between events."""

    def _check(self) -> None:
        refuse_if(
            bool(self.classes) == bool(self.distribution), "needs either reference classes or a distribution"
        )
        low, high = self.distribution.support if self.distribution else (0, 1)
        refuse_if(low < 0 or high > 1, "needs a distribution of shares between 0 and 1 | Write 50 % as 0.5.")
        unknown = sorted({*self.left_out}.difference(published_rates()["event"]))
        refuse_if(
            unknown,
            f"leaves out {', '.join(unknown)}, which is no event of data/published/rates.csv"
            " | Correct the event, or drop it from left_out.",
        )

    @property
    def computed_from(self) -> tuple[str, ...]:
        """The ids of the facts that state the reference classes and the observed counts."""
        return self.classes + ((self.observed.hits, self.observed.of) if self.observed else ())

    @cached_property
    def prior(self) -> Distribution:
        """The distribution of the rate before it is updated with counts from the event itself."""
        if self.distribution is not None:
            return self.distribution
        spread = published_spread(self.kind, self.classes, public_by=self.public_on, without=self.left_out)
        return reference_class_prior([get_fact(c).middle / 100 for c in self.classes], spread)

    @cached_property
    def sampled_distribution(self) -> Distribution:
        """The distribution from which the rate is drawn: the posterior or, without counts, the prior."""
        if self.observed is None:
            return self.prior
        hits, of = (get_fact(f, hindsight=True).count for f in (self.observed.hits, self.observed.of))
        return update_rate(self.prior, hits, of)

    @property
    def factors(self) -> tuple[Distribution, ...]:
        """The distribution from which the rate is drawn."""
        return (self.sampled_distribution,)

    def interim_error(self, closes: date | None) -> ModelRefused | None:
        """An error to raise if the observed counts may still change; None if they are final.

        Args:
            closes: the last day to claim under the line of the policy, if it is known.
        """
        observed = self.observed
        if observed is None or self.kind not in ("acceptance", "filing_share", "take_up"):
            return None
        last = max((d for d in (closes, observed.closed_on) if d), default=None)
        if self.kind == "acceptance":
            is_final, problem = observed.decided, "and filings may still be undecided"
            remedy = "Leave out `observed` until all is decided, or count decided filings: `decided = true`."
        else:
            is_final = observed.day is not None and last is not None and observed.day > last
            problem = f"but the last day to file or to take is {last or 'not known'}: more may come"
            remedy = "Leave out `observed`, state `closed_on`, or forecast late claims (`ultimate`)."
        counts = f"`observed` counts {observed.hits} of {observed.of} up to {observed.day or 'no known day'}"
        return None if is_final else ModelRefused(f"{self.id}: {counts}, {problem}", remedy=remedy)

    def range_under_cap(self, ceiling: float) -> Range:
        """The expected value and the range of the smaller of the rate and `ceiling`."""
        low, high = (min(end, ceiling) for end in self.sampled_distribution.ends)
        return Range.around(self.sampled_distribution.capped_mean(ceiling), low, high)

    @property
    def most(self) -> float:
        """The largest possible rate: always 1, because by chance all claims may pass the funnel stage."""
        return 1.0


class StatedNumber(NumberEntry):
    """A number with a stated distribution."""

    distribution: Annotated[AnyDistribution, NeverNegative]
    """The distribution; an amount is in the smallest unit of the currency."""

    @property
    def factors(self) -> tuple[Distribution, ...]:
        """The stated distribution."""
        return (self.distribution,)


class Factor(StatedNumber):
    """A number that multiplies a count or an amount."""

    kind: Literal["ultimate", "exposure", "realised_ratio"]
    """Which factor: `ultimate` is reports at the end per report so far; `exposure` is people (or other things
    paid for) per unit that was counted, such as passengers per flight; `realised_ratio` is the amount paid in
    the end per amount announced."""
    unit: OptionalText = None
    """The unit of an `exposure`, such as passengers per flight; required for it, not allowed otherwise."""

    def _check(self) -> None:
        refuse_if(
            self.kind == "ultimate" and self.distribution.support[0] < 1,
            "needs a distribution that is never below 1",  # the reports so far are among those in the end
        )
        refuse_if(
            (self.kind == "exposure") != (self.unit is not None),
            "has a unit exactly when its kind is exposure | Write it as "
            'unit = { en = "passengers per flight" }.',
        )


class LateClaims(Factor):
    """Claims in the end per claim filed so far, as a run forecasts them from its dated claims.

    No TOML file states it: a ledger states a `Factor` of the kind `ultimate` instead.
    """

    kind: Literal["ultimate"] = "ultimate"
    counted: int
    """The number of claims filed by the day of the run."""
    closes: Day
    """The last day to claim."""


class MeanPayment(StatedNumber):
    """The average payment per accepted claim, stated if it is known better than the payments by band."""

    kind: Literal["mean_payment"]
    spread: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of single payments, as a share of their mean."""


class PaidTotal(StatedNumber):
    """The total paid under a cost line, once it is known; it replaces every forecast of the line.

    The distribution describes only how the published total was rounded.
    """

    kind: Literal["paid_total"]


class AwardRule(Document):
    """One rule that a review may follow: it pays a share of the proved loss, between a floor and a cap."""

    name: Name
    """The name for readers."""
    weight: Annotated[float, Field(gt=0, le=1)]
    """The probability that the review follows this rule."""
    share: Annotated[AnyDistribution, NeverNegative]
    """The share of the mean proved loss that is paid."""
    floor: Annotated[int, Field(ge=0)] = 0
    """The minimum award, in the smallest unit."""
    cap: Annotated[int, Field(gt=0)] | None = None
    """The maximum award, in the smallest unit."""

    def _check(self) -> None:
        refuse_if(self.cap is not None and self.floor > self.cap, "has a floor above its cap")

    def award(self, loss_share: FloatArray | float) -> FloatArray:
        """The mean award for each product of mean loss and share, limited by floor and cap."""
        return np.clip(loss_share, self.floor, np.inf if self.cap is None else self.cap)

    def mean(self, loss: Distribution) -> float:
        """The expected award if the mean loss has the distribution `loss`, averaged over 400 shares."""
        shares, counts = np.unique(self.share.quantile((np.arange(400) + 0.5) / 400), return_counts=True)

        def mean_up_to(limit: float) -> float:
            """The mean of min(limit, share x loss)."""
            means = [s * loss.capped_mean(limit / s) if s else 0.0 for s in shares.tolist()]
            return float(np.average(means, weights=counts))

        below_cap = loss.mean * self.share.mean if self.cap is None else mean_up_to(self.cap)
        return below_cap + self.floor - mean_up_to(self.floor)


class Award(NumberEntry):
    """The mean award per accepted claim in an individual review."""

    kind: Literal["review_award"]
    distribution: Annotated[AnyDistribution, NeverNegative] | None = None
    """The distribution of the mean award, in the smallest unit of the currency. Stated instead of rules and
    `loss`."""
    loss: Annotated[AnyDistribution, NeverNegative] | None = None
    """The distribution of the mean proved loss of the reviewed claims."""
    rules: tuple[AwardRule, ...] = Field(default=(), alias="rule")
    """Rival rules. Which one applies is uncertain."""
    spread: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Standard deviation of single awards, as a share of their mean."""

    def _check(self) -> None:
        refuse_if(
            bool(self.distribution) == bool(self.rules) or bool(self.rules) != bool(self.loss),
            "needs either a distribution, or rules and the loss they apply to",
        )
        if self.rules:
            check_adds_up("weights of rules", [rule.weight for rule in self.rules])

    @property
    def factors(self) -> tuple[Distribution, ...]:
        """The stated distribution; none if there are rules."""
        return () if self.distribution is None else (self.distribution,)

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw needs: 3 with rules (rule, loss, share), otherwise 1."""
        return 3 if self.rules else 1

    @property
    def _proved_loss(self) -> Distribution:
        assert self.loss is not None  # noqa: S101 - only called with rules, which require a loss
        return self.loss

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws (simulated values) of the mean award."""
        if not self.rules:
            return super().draw(u)
        loss = self._proved_loss.quantile(u[:, 1])
        # A larger uniform number never selects a rule with a smaller mean award.
        by_cost = np.argsort([rule.mean(self._proved_loss) for rule in self.rules], kind="stable")
        upper = np.cumsum([self.rules[k].weight for k in by_cost])[:-1]
        chosen = by_cost[np.searchsorted(upper, u[:, 0], side="right")]
        paid = np.empty(len(u))
        for k, rule in enumerate(self.rules):
            rows = chosen == k
            paid[rows] = rule.award(loss[rows] * rule.share.quantile(u[rows, 2]))
        return paid

    @cached_property
    def range(self) -> Range:
        """The expected award, with the smallest and the largest award of any rule."""
        if not self.rules:
            return super().range
        ends = np.array(self._proved_loss.ends)
        low, high = zip(*(rule.award(ends * rule.share.ends) for rule in self.rules), strict=True)
        expected = sum(rule.weight * rule.mean(self._proved_loss) for rule in self.rules)
        return Range.around(expected, float(min(low)), float(max(high)))

    @property
    def most(self) -> float | None:
        """The largest award; None if nothing limits it, or if single awards vary around the mean."""
        if self.spread or not self.rules:
            return super().most
        products = [_largest_product(self._proved_loss, rule.share) for rule in self.rules]
        most = max(
            float(rule.award(math.inf if product is None else product))
            for rule, product in zip(self.rules, products, strict=True)
        )
        return most if most < math.inf else None


class Handling(NumberEntry):
    """The cost of handling the claims of a cost line: people x weeks x weekly wage."""

    kind: Literal["handling"]
    people: Annotated[AnyDistribution, NeverNegative]
    """The number of people."""
    weeks: Annotated[AnyDistribution, NeverNegative]
    """The number of weeks."""
    weekly_wage: Annotated[AnyDistribution, NeverNegative]
    """The wage per person and week, in the smallest unit of the currency."""

    @property
    def factors(self) -> tuple[Distribution, ...]:
        """People, weeks and the weekly wage."""
        return self.people, self.weeks, self.weekly_wage


class MixBand(Document):
    """The share of reports that is expected in one loss band."""

    over: Annotated[int, Field(ge=0)]
    """The lower edge of the band, as the policy writes it, in the smallest unit."""
    up_to: Annotated[int, Field(gt=0)] | None = None
    """The upper edge of the band, likewise; left out for the last band."""
    share: Share
    """The share of reports in the band."""


class BandMix(Entry):
    """An assumption about how reports are spread over loss bands, if no shares were published."""

    kind: Literal["band_mix"]
    bands: tuple[MixBand, ...] = Field(alias="band", min_length=1)
    """The bands with their shares, which add up to 1."""
    size: Annotated[float, Field(ge=0.001, le=1_000_000)] | None = None
    """How many observations the shares are worth: the mix then follows a Dirichlet distribution. Left out
    when the shares are certain; above a million they practically are."""

    def _check(self) -> None:
        check_partition([(b.over, b.up_to) for b in self.bands])
        check_adds_up("shares", [b.share for b in self.bands])

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each band, rescaled so that rounded shares add up to 1 exactly."""
        total = sum(b.share for b in self.bands)
        return tuple(b.share / total for b in self.bands)

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw needs: one per band, or none if the shares are certain."""
        return 0 if self.size is None else len(self.bands)

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws of the band shares, (n, bands).

        Each uniform number gives a gamma quantile with shape size x share; the shares are these quantiles
        divided by their sum, so they follow a Dirichlet distribution. A larger number gives its own share a
        larger value and the others smaller values. A share of zero stays zero.

        The first uniform number of a draw belongs to the last band, usually the band with the largest losses.
        So a correlation that the ledger declares for the mix is a correlation with the share of the last
        band.
        """
        if self.size is None:
            return np.tile(self.shares, (len(u), 1))
        scores = special.ndtri(u[:, ::-1])
        logs = np.full(scores.shape, -np.inf)
        for at, table in self._log_gamma_tables.items():
            logs[:, at] = table(scores[:, at])
        parts = np.exp(logs - logs.max(axis=1, keepdims=True))
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))

    @cached_property
    def _log_gamma_tables(self) -> dict[int, QuantileTable]:
        """By index of each share above 0: a table from normal scores to logarithms of its gamma quantiles."""
        sizes = {at: (self.size or 0) * band.share for at, band in enumerate(self.bands) if band.share}
        return {at: QuantileTable(partial(log_gamma_quantile, size)) for at, size in sizes.items()}

    def fits(self, line: CostLine) -> bool:
        """Whether the mix states shares of the loss bands of a cost line."""
        return [(b.over, b.up_to) for b in self.bands] == list(line.bands_as_written)

    def shares_by_band(self, line: CostLine) -> dict[Band, float]:
        """The expected share of reports in each loss band of the cost line `line`.

        Raises:
            ModelRefused: the band mix and the schedule have different band edges.
        """
        if not self.fits(line):
            raise ModelRefused(
                f"the band mix {self.id} is not stated on the bands of {line.id}",
                remedy="State the shares of the policy's own bands in the ledger.",
            )
        shares = zip(line.bands_as_written.values(), self.shares, strict=True)
        return {band: share for band, share in shares if share or contains_integer(band)}


SET_BY_USER = Text(en="Set by the user.", ko="사용자가 정한 값.")
Assumption = Annotated[
    RateAssumption | Factor | BandMix | Award | MeanPayment | PaidTotal | Handling,
    Field(discriminator="kind"),
]


class Correlation(Document):
    """A rank correlation between two assumptions. Pairs without a declared correlation are independent."""

    of: tuple[Identifier, Identifier]
    """The ids of the two assumptions."""
    rank: Annotated[float, Field(gt=-1, lt=1)]
    """Spearman's coefficient of their values. For a band mix, it refers to the share of the last band."""
    rationale: Text
    """Why the two are correlated."""


class Ledger(Displayable, NamedDocument):
    """The list of assumptions behind one run."""

    incident: Identifier
    """The id of the incident."""
    as_of: Day
    """The day whose knowledge the ledger states; also the default day of a run."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """ISO code of the currency of its amounts, which are in the smallest unit; it must be the incident's
    currency."""
    assumptions: tuple[Assumption, ...] = Field(default=(), alias="assumption")
    """Every uncertain input; none if nothing is uncertain, as when everybody is paid automatically."""
    correlations: tuple[Correlation, ...] = Field(default=(), alias="correlation")
    """Rank correlations between assumptions."""

    def _check(self) -> None:
        known = [a.id for a in self.assumptions]
        refuse_repeated(known, "two assumptions have the id {}")
        pairs = [tuple(sorted(c.of)) for c in self.correlations]
        refuse_if(
            len(set(pairs)) < len(pairs) or any(a == b for a, b in pairs),
            "has a correlation of an assumption with itself, or one declared twice",
        )
        for id_ in chain.from_iterable(pairs):
            refuse_if(id_ not in known, f"has a correlation of {id_}, which is no assumption of it")
        uses = [(a.kind, line, a.effort) for a in self.assumptions for line in a.lines]
        refuse_repeated(uses, "has two assumptions of kind {0[0]} for the line {0[1]}")

    @property
    def examples(self) -> tuple[str, ...]:
        """The ids of assumptions that are placeholder examples without evidence."""
        return tuple(a.id for a in self.assumptions if a.grade == "example")

    def card(self, lang: str = "en") -> Card:
        """Summary for display: each assumption's expected value, range and grade."""
        locale = Locale(lang, self.currency or "", decimal_places(self.currency) if self.currency else 0)

        def cells(entry: Assumption) -> tuple[str, ...]:
            return *value_and_range(entry, locale), grade_label(entry, locale), locale.day(entry.public_on)

        rows, more = first_rows(locale, self.assumptions, cells, "ledger.assumptions")
        names = short_names([a.name[lang] for a in self.assumptions])
        rows = tuple((name, *row) for name, row in zip(names, rows, strict=False))
        heads = ("assumption", "expected_text", "range_text", "grade", "public_on")
        known = sum(a.outcome_known for a in self.assumptions)
        about = {"id": self.id, "incident": self.incident, "day": locale.day(self.as_of)}
        counts = {"count": len(self.assumptions), "ties": len(self.correlations)}
        description = locale("card.ledger", **about, **counts)
        notes = [locale("card.outcome_known", count=known)] if known else []
        if any(a.kind in AMOUNT_KINDS for a in self.assumptions):
            notes.append(locale("card.sums_in", unit=locale.unit) if self.currency else locale("card.sums"))
        table = Table(tuple(locale(f"column.{head}") for head in heads), rows, frozenset({1, 2}), more=more)
        lines = tuple(filter(None, (description, example_warning(self, locale))))
        return Card(self.name[lang], lines, (table,) if rows else (), (*notes, locale("card.ledger_next")))

    def as_known_on(self, day: date) -> Ledger:
        """The ledger as known on a day: the assumptions that were public and use no facts of a later day."""
        return self.with_only(
            {
                a.id
                for a in self.assumptions
                if a.public_on <= day
                and all((get_fact(x, hindsight=True).public_on or date.max) <= day for x in a.computed_from)
            }
        )

    def with_only(self, ids: Collection[str]) -> Ledger:
        """The ledger reduced to the assumptions with these ids and the correlations between them."""
        kept = tuple(a for a in self.assumptions if a.id in ids)
        correlations = tuple(c for c in self.correlations if set(c.of) <= set(ids))
        return self.model_copy(update={"assumptions": kept, "correlations": correlations})

    def with_value(
        self, id_: str, value: float | None = None, *, low: float | None = None, high: float | None = None
    ) -> Ledger:
        """Return a copy of the ledger in which one assumption has another value or another range.

        A value alone has no uncertainty. A range alone is a uniform distribution. A value with a range is a
        PERT distribution whose most likely value is `value`. The new distribution replaces reference classes,
        observed counts and review rules. The grade becomes `assumed`, the source states that the user set the
        value, and nobody has approved it. The id of the copy ends in `-changed`.

        Args:
            id_: the id of the assumption.
            value: the new value: a share from 0 to 1 for a rate, whole currency for an amount, else a number.
            low: the smallest possible value.
            high: the largest possible value; `low` and `high` are given together.

        Raises:
            UsageError: there is no such assumption, a value is invalid, or the assumption is not one number.

        Example:
            >>> from outage_analysis.assumptions import load_ledger
            >>> changed = load_ledger("kakao-2022").with_value("as-filing-share", 0.5)
            >>> changed.id, changed.assumptions[0].range.expected
            ('kakao-2022-changed', 0.5)
        """
        entries = {entry.id: entry for entry in self.assumptions}
        if id_ not in entries:
            raise UsageError("no such assumption", value=id_, remedy=spelling_hint(str(id_), list(entries)))
        entry = entries[id_]
        if isinstance(entry, BandMix | Handling):
            raise UsageError(
                f"{id_} is a {entry.kind}, which is not one number",
                remedy="Edit the TOML file of the ledger.",
            )
        is_amount = entry.kind in AMOUNT_KINDS
        if is_amount and self.currency is None:
            raise UsageError(
                f"the ledger states no currency, so the unit of {id_} is unknown",
                remedy='Add the currency to the ledger, as in currency = "EUR".',
            )
        if (low is None) != (high is None) or (value is None and low is None):
            raise UsageError(f"{entry.id} needs a value, or low and high, or all three")
        numbers = {name: x for name, x in (("low", low), ("mode", value), ("high", high)) if x is not None}
        for x in numbers.values():
            if isinstance(x, bool) or not isinstance(x, int | float | Real) or not math.isfinite(x):
                raise UsageError(f"{entry.id} is a number", value=x)
        # Multiplied in decimals, because 80.15 euros times 100 is not 8015 cents in binary floats.
        unit = 10 ** decimal_places(self.currency or "") if is_amount else 1
        scaled = {name: float(Decimal(str(number)) * unit) for name, number in numbers.items()}
        kind = "fixed" if low is None else "uniform" if value is None else "pert"
        parameters = {"value": scaled["mode"]} if low is None else scaled
        fields = type(entry).model_fields
        changes: dict[str, object] = {
            # These keys do not apply to a value that a user sets.
            **{
                key: fields[key].default
                for key in ("facts", "classes", "left_out", "observed", "loss", "rules")
                if key in fields
            },
            "source": SET_BY_USER,
            "rationale": SET_BY_USER,
            "grade": "assumed",
            "approved_by": "",
        }
        try:
            changed = validated_copy(entry, distribution={"kind": kind, **parameters}, **changes)
        except UsageError as error:
            error.value = " to ".join(map(str, numbers.values()))
            raise
        return changed_copy(self, assumptions=tuple(changed if a is entry else a for a in self.assumptions))

    def find(self, kind: str, line: str, effort: Effort | None = None) -> Assumption | None:
        """The assumption of one kind, such as `acceptance`, for a cost line and an effort class; else None.

        An assumption for the effort class takes precedence over an assumption for all classes.
        """
        by_effort = {a.effort: a for a in self.assumptions if a.kind == kind and line in a.lines}
        return by_effort.get(effort, by_effort.get(None))


def load_ledger(id_or_path: str | Path | Ledger) -> Ledger:
    """Read a ledger by its bundled id or from the path of a TOML file.

    Raises:
        UsageError: there is no such ledger, or a key of the document is invalid.
    """
    return read_document(Ledger, "assumptions", id_or_path)


def bundled_ledger(incident: str, day: date | None = None) -> Ledger | None:
    """The latest ledger that the package contains for an incident, as of a day; None if there is none.

    If no day is given, the result is the bundled ledger that has the id of the incident.
    """
    if day is None:
        return load_ledger(incident) if incident in bundled_ids("assumptions") else None
    written = [x for x in map(load_ledger, bundled_ids("assumptions")) if x.incident == incident]
    return max((x for x in written if x.as_of <= day), key=lambda x: x.as_of, default=None)


REFERENCE_LEDGER = "reference-rates"
"""The id of a ledger that `reference_ledger` builds."""
STATED = {
    "grade": "assumed",
    "source": {
        "en": "data/published/rates.csv, comparable schemes",
        "ko": "비교 사례(data/published/rates.csv)",
    },
    "owner": "outage-analysis",
    "outcome_known": False,
}
"""What every rate of such a ledger states."""


def reference_ledger(policy: Policy, incident: Incident, *, as_of: date | None = None) -> Ledger:
    """Build a ledger with a filing share and an acceptance rate for each effort of a policy.

    The rates come from comparable schemes (reference classes), not from the outage. Their range is wide.

    Args:
        policy: the policy; each line that pays by loss needs an effort.
        incident: the outage.
        as_of: the day of the analysis; by default the last day to claim.

    Raises:
        UsageError: a line states no effort.
        ModelRefused: no reference class was public by `as_of`.

    Example:
        >>> from outage_analysis.incidents import load_incident
        >>> from outage_analysis.policies import policy_from_tiers
        >>> incident = load_incident("kakao-2022")
        >>> policy = policy_from_tiers({300_000: 30_000}, incident, effort="documents")
        >>> ledger = reference_ledger(policy, incident)
        >>> [(entry.id, round(entry.range.expected, 2)) for entry in ledger.assumptions]
        [('filing-share-documents', 0.53), ('acceptance-documents', 0.85)]
    """
    day = as_of or incident.claims_to
    lines: dict[str, list[str]] = {}
    for line in policy.schedules:
        effort = line.effort_on(day)
        if effort is None:
            raise UsageError("a line states no effort", value=line.id, remedy="Give it one, such as form.")
        lines.setdefault(effort, []).append(line.id)
    return Ledger(
        id=REFERENCE_LEDGER,
        name=Name(en="Rates of comparable schemes", ko="유사 사례의 비율"),
        incident=incident.id,
        as_of=day,
        currency=incident.currency,
        assumption=rates_by_effort(lines, day, incident.id),
    )


def rates_by_effort(
    lines: Mapping[str, Sequence[str]], day: date, event: str = ""
) -> tuple[RateAssumption, ...]:
    """Return the filing share and the acceptance rate of each effort, from published reference classes.

    Args:
        lines: effort -> the ids of the cost lines with this effort.
        day: the day of the analysis; classes that were not public by then are left out.
        event: the event that is forecast; its own published rates are left out.

    Raises:
        ModelRefused: no class was public by `day`.

    Example:
        >>> rates = rates_by_effort({"one_tap": ["cash"]}, date(2022, 12, 30))
        >>> [(rate.id, rate.kind) for rate in rates]
        [('filing-share-one-tap', 'filing_share'), ('acceptance-one-tap', 'acceptance')]
    """
    rates = []
    for rate in tomllib.loads((files(__package__) / "reference_rates.toml").read_text("utf-8"))["rate"]:
        if rate["effort"] not in lines:
            continue
        if (of := rate.pop("of", None)) is not None:
            ids = class_groups(rate["kind"], public_by=day, without=[event]).get((rate["effort"], of), ())
            if not ids:
                raise ModelRefused(
                    f"as of {day} no comparable rate was published for the effort {rate['effort']}",
                    remedy="Give a later as_of, or a ledger of your own.",
                )
            shares = sorted(get_fact(id_).middle for id_ in ids)
            words = {"count": len(ids), "low": f"{shares[0]:.3g}", "high": f"{shares[-1]:.3g}"}
            rate["rationale"] = {lang: text.format(**words) for lang, text in rate["rationale"].items()}
            rate |= {"classes": ids, "left_out": tuple({event}.intersection(published_rates()["event"]))}
        rate |= {"lines": tuple(lines[rate["effort"]]), "public_on": day, **STATED}
        rates.append(RateAssumption.model_validate(rate))
    return tuple(rates)


ENGLISH = Locale("en")
GROUPED_FROM = 1_000
"""Parameters from here on are written with thousands separators and without decimals."""


def ledger_table(ledger: Ledger) -> pl.DataFrame:
    """Return the ledger as the table `documents.assumptions`, with one row per assumption.

    `distribution` describes the distribution; `expected`, `low` and `high` are null for a band mix, which is
    not one number; `segment` is the effort class that the assumption applies to, empty for all classes.
    """
    rows = [
        {
            "assumption": a.id,
            "kind": a.kind,
            "distribution": distribution_text(a),
            **({} if isinstance(a, BandMix) else a.range._asdict()),
            "lines": " ".join(a.lines),
            "segment": a.effort or "",
            "source": a.source.en,
            "facts": " ".join(dict.fromkeys((*a.facts, *a.computed_from))),
            "rationale": a.rationale.en,
            "grade": a.grade,
            "public_on": a.public_on,
            "owner": a.owner,
            "approved_by": a.approved_by,
            "outcome_known": a.outcome_known,
        }
        for a in ledger.assumptions
    ]
    return pl.DataFrame(rows, schema=schema_of("documents.assumptions").dtypes).with_columns(
        pl.col(pl.Float64).round_sig_figs(ESTIMATE_DIGITS)
    )


def value_and_range(entry: Assumption, locale: Locale) -> tuple[str, str]:
    """The expected value and the range of an assumption as formatted text."""
    if isinstance(entry, BandMix):
        shares = " / ".join(locale.share(band.share) for band in entry.bands)
        return shares, locale.span("0%", "100%")
    if entry.kind in AMOUNT_KINDS:
        expected, low, high = (locale.exact_money(round(value)) for value in entry.range)
        span = locale.with_unit(locale.span(low, high), locale.unit)
        return locale.with_unit(expected, locale.unit).rstrip(), span
    if isinstance(entry, RateAssumption):
        expected, low, high = map(locale.share, entry.range)
    else:
        expected, low, high = (locale.number(locale.rounded(value, 3)) for value in entry.range)
    return expected, locale.span(low, high)


def grade_label(entry: Entry, locale: Locale) -> str:
    """The grade of an assumption: a letter, or a translated word for `assumed` and `example`."""
    return locale(f"word.{entry.grade}") if entry.grade in ("assumed", "example") else entry.grade


def example_warning(ledger: Ledger | None, locale: Locale) -> str:
    """A warning that states how many assumptions are placeholder examples; empty if there are none."""
    if ledger is None or not ledger.examples:
        return ""
    return locale("report.examples", count=len(ledger.examples), total=len(ledger.assumptions))


def distribution_text(entry: Assumption, locale: Locale = ENGLISH) -> str:
    """An assumption's distribution as text: `pert(low 5, high 60)`; amounts in the main unit, not cents."""
    unit = 10**locale.minor_units if entry.kind in AMOUNT_KINDS else 1
    if isinstance(entry, LateClaims):  # a list of 200 values
        ends = entry.distribution.quantile([locale.likely_range.lower, locale.likely_range.upper])
        low, high = (f"{end:.4g}" for end in ends)
        return locale("distribution.forecast", mean=f"{entry.range.expected:.4g}", low=low, high=high)
    if isinstance(entry, BandMix):
        shares = ", ".join(f"{band.share:.4g}" for band in entry.bands)
        if entry.size is None:
            return f"{locale('distribution.fixed')}({shares})"
        return f"{locale('distribution.dirichlet')}({shares}; {locale('distribution.size')} {entry.size:g})"
    if not isinstance(entry, Award) or entry.distribution:
        amount = entry.factors[-1]  # The others are numbers of people and weeks.
        texts = [format_distribution(x, locale, unit if x is amount else 1) for x in entry.factors]
        counted = f" {entry.unit[locale.lang]}" if isinstance(entry, Factor) and entry.unit else ""
        return " × ".join(texts) + counted
    rules, loss = [], format_distribution(entry.loss, locale, unit)
    for rule in entry.rules:
        said = [f"{rule.weight:.3g}: {format_distribution(rule.share, locale)} × {loss}"]
        limits = (("floor", rule.floor or None), ("limit", rule.cap))
        said += [locale(f"explain.{x}", amount=locale.exact_money(n)) for x, n in limits if n is not None]
        rules.append(", ".join(said))
    return "; ".join(rules)


def format_distribution(value: Any, locale: Locale = ENGLISH, unit: int = 1) -> str:  # noqa: ANN401
    """A distribution and its parameters as text; also the value of one of its parameters.

    Args:
        value: the distribution or a parameter of it.
        locale: the language.
        unit: the divisor of the parameters that have the unit of the number, such as `low` and `mode`.
    """
    if isinstance(value, Distribution):
        in_unit = ("low", "mode", "high", "median", "value", "values")  # the others are pure numbers
        parameters = [
            f"{locale(f'distribution.{name}')} "
            + format_distribution(getattr(value, name), locale, unit if name in in_unit else 1)
            for name in type(value).model_fields
            if name != "kind"
        ]
        return f"{locale('distribution.' + getattr(value, 'kind', ''))}({', '.join(parameters)})"
    if isinstance(value, tuple):
        return " ".join(format_distribution(inner, locale, unit) for inner in value)
    if unit > 1:
        return locale.exact(value / unit)
    return f"{value:,.0f}" if GROUPED_FROM <= abs(value) < math.inf else f"{value:,.6g}"
