"""The ledger of assumptions: every uncertain input, who owns it and why it is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from outage_analysis.bands import Band, Closed, check_partition
from outage_analysis.datasets import Day, Identifier, Name, Noun
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.pages import read_noun
from outage_analysis.policies import Effort, Schedule
from outage_analysis.policies.tariff import holds_any
from outage_analysis.published import figure

FEWEST_EVENTS = 3
FLOAT_NOISE = 1e-9
WIDE_SCALE = 1.5
"""Scale on the logit axis of the stated default when fewer than three events are known."""


class Rate(Noun):
    """A share between 0 and 1 with its bounds."""

    expected: float
    low: float
    high: float


def reference_class_prior(shares: Sequence[float], ends: tuple[float, float], ceiling: float = 1.0) -> Rate:
    """The written rule from reference classes to a rate for a new event.

    Each class is one observation, however many people it counted. On the logit axis the rate of a
    new event follows a Student t about the classes' mean, with their standard deviation times
    sqrt(1 + 1/n) and n - 1 degrees of freedom: between-event variance is kept. Fewer than three
    events say nothing of that variance, so a stated wide normal (scale 1.5) takes its place.

    Args:
        shares: observed rates, each strictly between 0 and 1.
        ends: probabilities of the two points reported as low and high.
        ceiling: what no rate can exceed; above it the law is cut off, as a cap cuts a take-up.

    Returns:
        The mean of the predictive law (by quadrature on 20,000 equal-probability points), and its
        two end points.

    Raises:
        ModelRefused: a share of 0 or 1, no share at all, or three or more that are all equal.
    """
    from scipy import special, stats

    remedy = "State the rate and its bounds in the ledger."
    if not shares or not all(0 < share < 1 for share in shares):
        raise ModelRefused("reference classes need shares between 0 and 1, ends excluded", remedy=remedy)
    if len(shares) >= FEWEST_EVENTS and len(set(shares)) == 1:
        raise ModelRefused("reference classes that are all equal have no spread to go by", remedy=remedy)
    logits = np.log(np.asarray(shares) / (1 - np.asarray(shares)))
    n = len(logits)
    if n >= FEWEST_EVENTS:
        law = stats.t(n - 1, loc=logits.mean(), scale=logits.std(ddof=1) * np.sqrt(1 + 1 / n))
    else:
        law = stats.norm(loc=logits.mean(), scale=WIDE_SCALE)
    points = (np.arange(20_000) + 0.5) / 20_000

    low, high = (min(float(special.expit(law.ppf(p))), ceiling) for p in ends)
    rates = np.minimum(special.expit(law.ppf(points)), ceiling)
    return Rate(expected=float(rates.mean()), low=low, high=high)


class Entry(Noun):
    """What every assumption carries."""

    id: Identifier
    name: Name
    lines: tuple[str, ...] = Field(min_length=1)
    """The cost lines it feeds."""
    public_on: Day
    grade: Literal["A", "B", "C", "D", "assumed"]
    source: str = Field(min_length=1)
    facts: tuple[str, ...] = ()
    rationale: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    approved_by: str = ""
    outcome_known: bool
    """Whether its author already knew how the case ended."""

    def rests_on_public(self, day: date) -> bool:
        """Whether every figure it is computed from was public by a day."""
        used = getattr(self, "classes", ()) + getattr(self, "widest", ())
        return all((figure(f).public_on or date.max) <= day for f in used)


class RateAssumption(Entry):
    """A rate of the funnel, from reference classes or stated outright."""

    kind: Literal["filing_share", "acceptance", "take_up"]
    effort: Effort | None = None
    classes: tuple[str, ...] = ()
    """Facts in percent, one an event (a range counts by its middle); the prior follows by rule."""
    widest: tuple[str, ...] = ()
    """Facts in percent whose lowest and highest bound the rate, instead of the prior's ends."""
    stated: Rate | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.classes) == bool(self.stated):
            raise ValueError("needs either reference classes or a stated rate")
        if self.stated and not 0 <= self.stated.low <= self.stated.expected <= self.stated.high <= 1:
            raise ValueError("needs 0 <= low <= expected <= high <= 1")
        return self

    @cached_property
    def rate(self) -> Rate:
        """The expected value and the bounds."""
        return self.capped(1.0)

    def capped(self, ceiling: float) -> Rate:
        """The rate, when it cannot exceed a ceiling.

        Raises:
            ModelRefused: the rate is stated without its law, and the ceiling lies inside its bounds.
        """
        if self.stated is not None:
            if self.stated.high <= ceiling:
                return self.stated
            if self.stated.low < ceiling:
                raise ModelRefused(
                    f"{self.id} states a mean and bounds: they do not say what a cap at {ceiling:.3g} leaves",
                    remedy="Give it reference classes, or a rate below the cap.",
                )
            return Rate(expected=ceiling, low=ceiling, high=ceiling)
        rate = reference_class_prior([figure(c).middle / 100 for c in self.classes], (0.01, 0.99), ceiling)
        if not self.widest:
            return rate
        observed = [min(figure(c).number / 100, ceiling) for c in self.widest]
        return Rate(expected=rate.expected, low=min(observed), high=max(observed))


class MixBand(Noun):
    """The share of reports expected in one band."""

    over: Annotated[int, Field(ge=0)]
    up_to: Annotated[int, Field(gt=0)] | None = None
    share: Annotated[float, Field(ge=0, le=1)]


class BandMix(Entry):
    """How published reports spread over loss bands, when nobody published it."""

    kind: Literal["band_mix"]
    closed: Closed = "upper"
    bands: tuple[MixBand, ...] = Field(alias="band", min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        try:
            check_partition([(b.over, b.up_to) for b in self.bands])
        except UsageError as error:
            raise ValueError(f"{error.problem} | {error.remedy}") from error
        if abs(sum(b.share for b in self.bands) - 1) > FLOAT_NOISE:
            raise ValueError("has shares that do not sum to 1")
        return self

    def on(self, line: Schedule) -> dict[Band, float]:
        """The expected share of each band of a schedule whose written edges it follows."""
        mine = [(b.over, b.up_to) for b in self.bands]
        if mine != [(b.over, b.up_to) for b in line.bands]:
            raise ModelRefused(
                f"the band mix {self.id} is not stated on the bands of {line.id}",
                remedy="State the shares of the policy's own bands in the ledger.",
            )
        shares = zip((band for band, _ in line.tariff.written), (b.share for b in self.bands), strict=True)
        return {band: share for band, share in shares if share or holds_any(band)}


class Award(Entry):
    """What an individual review grants on average, per accepted claim."""

    kind: Literal["review_award"]
    expected: Annotated[int, Field(ge=0)]
    low: Annotated[int, Field(ge=0)]
    high: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.expected <= self.high:
            raise ValueError("needs low <= expected <= high")
        return self


Assumption = Annotated[RateAssumption | BandMix | Award, Field(discriminator="kind")]


class Ledger(Noun):
    """The list of assumptions behind one run."""

    id: Identifier
    name: Name
    incident: Identifier
    as_of: Day
    assumptions: tuple[Assumption, ...] = Field(alias="assumption", min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [a.id for a in self.assumptions]
        if len(set(ids)) < len(ids):
            raise ValueError(f"two assumptions have the id {max(ids, key=ids.count)}")
        return self

    def admissible(self, day: date) -> Ledger:
        """The ledger without what was not public by a day, or rests on what was not."""
        kept = tuple(a for a in self.assumptions if a.public_on <= day and a.rests_on_public(day))
        return self.model_copy(update={"assumptions": kept})

    def find(self, kind: str, line: str, effort: Effort | None = None) -> Assumption | None:
        """The assumption of one kind for a cost line, in force for an effort class."""
        for a in self.assumptions:
            fits = not isinstance(a, RateAssumption) or a.effort in (None, effort)
            if a.kind == kind and line in a.lines and fits:
                return a
        return None


def load_ledger(id_or_path: str | Path) -> Ledger:
    """Read a ledger from its bundled id or from a path to TOML.

    Raises:
        UsageError: no such ledger, or a page that breaks a rule, by key.
    """
    return read_noun(Ledger, "assumptions", id_or_path)
