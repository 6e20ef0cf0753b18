"""The two kinds of ledger entry: assumptions with a range of values, and shares of reports per loss band."""

from __future__ import annotations

from datetime import date
from functools import cached_property, partial
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from scipy import special

from outage_analysis.assumptions.distribution_type import (
    Distribution,
    Share,
    check_adds_up,
    check_probabilities,
)
from outage_analysis.assumptions.distributions import Mixture
from outage_analysis.assumptions.normal_scores import FloatArray, QuantileTable, log_gamma_quantile
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Day, Document, Identifier, Name, Text
from outage_analysis.incidents import Band, Closed, check_partition, get_fact
from outage_analysis.policies import CostLine, Effort, contains_integer


class Range(Document):
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
        return cls(expected=expected, low=min(low, expected), high=max(high, expected))


class Entry(Document):
    """One assumption of a ledger: the keys and methods that all kinds of assumption share."""

    id: Identifier
    """What tables call the assumption."""
    name: Name
    """The name for readers."""
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

    def facts_public_by(self, day: date) -> bool:
        """Whether every published fact from which the assumption is computed was public by a day."""
        return all((get_fact(f, hindsight=True).public_on or date.max) <= day for f in self.computed_from)

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw (simulated value) of the assumption needs."""
        raise NotImplementedError

    @property
    def models(self) -> tuple[Name, ...]:
        """The names of the rival models of this assumption; empty if there is only one model."""
        return ()

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws (simulated values) of the assumption.

        Returns:
            An array of shape (n,), or (n, bands) for a band mix.
        """
        raise NotImplementedError

    def branch(self, u: FloatArray) -> np.ndarray | None:  # noqa: ARG002 - kinds with rival models use it
        """The index of the rival model that each of the n draws uses, (n,); None if there is one model."""
        return None


class OneDistribution(Entry):
    """An assumption about one number with one distribution."""

    @property
    def sampled_distribution(self) -> Distribution:
        """The distribution from which values of the assumption are drawn."""
        raise NotImplementedError

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw needs: 2 for a mixture (branch and value), otherwise 1."""
        return 2 if isinstance(self.sampled_distribution, Mixture) else 1

    @property
    def models(self) -> tuple[Name, ...]:
        """The names of the mixture's branches; empty if the distribution is not a mixture."""
        return (
            tuple(Name(en=b.name) for b in self.sampled_distribution.branches)
            if isinstance(self.sampled_distribution, Mixture)
            else ()
        )

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws (simulated values) of the assumption."""
        sampled = self.sampled_distribution
        if isinstance(sampled, Mixture):
            return sampled.sample(u[:, 0], u[:, 1])
        return sampled.quantile(u[:, 0])

    def branch(self, u: FloatArray) -> np.ndarray | None:
        """The index of the branch that each draw of a mixture uses; None if this is not a mixture."""
        return (
            self.sampled_distribution.branch(u[:, 0])
            if isinstance(self.sampled_distribution, Mixture)
            else None
        )

    @cached_property
    def range(self) -> Range:
        """The expected value with the low and the high value of the distribution."""
        return Range.around(self.sampled_distribution.mean, *self.sampled_distribution.ends)

    @property
    def most(self) -> float | None:
        """The largest possible value; None if there is no upper bound."""
        return self.sampled_distribution.most


Size = Annotated[float, Field(ge=0.001, le=1_000_000)]
"""How many observations a statement is worth; above a million the shares are practically certain."""


class Dirichlet(Document):
    """A Dirichlet distribution of the shares of a whole, as precise as if `size` items had been observed.

    One draw needs one uniform number per share. Each uniform number gives a gamma quantile with shape size x
    share; the shares are these quantiles divided by their sum. A larger uniform number gives its own share a
    larger value and the other shares smaller values. A share of zero stays zero.
    """

    kind: Literal["dirichlet"] = "dirichlet"
    shares: tuple[Share, ...] = Field(min_length=1)
    """The expected shares; they add up to 1."""
    size: Size
    """How many observations the statement is worth: the larger, the closer drawn shares stay to the expected
    ones."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        check_adds_up("shares", self.shares)
        return self

    @property
    def mean(self) -> FloatArray:
        """The expected shares, as an array (k,)."""
        return np.array(self.shares) / sum(self.shares)

    def quantile(self, u: ArrayLike) -> FloatArray:
        """Convert uniform random numbers (n, k) to n draws of the k shares, (n, k); each row adds up to 1.

        Raises:
            UsageError: the number of columns is not the number of shares, or a number is not strictly between
                0 and 1.
        """
        points = check_probabilities(u)
        if points.shape[-1] != len(self.shares):
            raise UsageError(
                f"a mix of {len(self.shares)} shares needs as many uniforms a point", value=points.shape[-1]
            )
        logs = np.full(points.shape, -np.inf)
        for at, table in self.log_gamma_tables.items():
            logs[..., at] = table(special.ndtri(points[..., at]))
        parts = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return np.asarray(parts / parts.sum(axis=-1, keepdims=True))

    @cached_property
    def log_gamma_tables(self) -> dict[int, QuantileTable]:
        """By index of each share above 0: a table from normal scores to logarithms of its gamma quantiles."""
        tables = {
            at: partial(log_gamma_quantile, self.size * share)
            for at, share in enumerate(self.shares)
            if share
        }
        return {at: QuantileTable(quantile) for at, quantile in tables.items()}


class MixBand(Document):
    """The share of reports that is expected in one loss band."""

    over: Annotated[int, Field(ge=0)]
    """The lower edge of the band, excluded unless `closed` is lower, in the smallest unit."""
    up_to: Annotated[int, Field(gt=0)] | None = None
    """The upper edge of the band, in the smallest unit; left out for the last band."""
    share: Annotated[float, Field(ge=0, le=1)]
    """The share of reports in the band."""


class BandMix(Entry):
    """An assumption about how reports are spread over loss bands, if no shares were published."""

    kind: Literal["band_mix"]
    closed: Closed = "upper"
    """Which edge belongs to a band: `upper` its upper edge, `lower` its lower edge."""
    bands: tuple[MixBand, ...] = Field(alias="band", min_length=1)
    """The bands with their shares, which add up to 1."""
    size: Size | None = None
    """How many observations the shares are worth: the mix then follows a Dirichlet distribution. Left out
    when the shares are certain."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        try:
            check_partition([(b.over, b.up_to) for b in self.bands])
        except UsageError as error:
            raise ValueError(f"{error.problem} | {error.remedy}") from error
        check_adds_up("shares", [b.share for b in self.bands])
        return self

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of each band, rescaled so that rounded shares add up to 1 exactly."""
        total = sum(b.share for b in self.bands)
        return tuple(b.share / total for b in self.bands)

    @cached_property
    def dirichlet(self) -> Dirichlet | None:
        """The joint distribution of the shares; None when they are certain."""
        shares = tuple(b.share for b in self.bands)
        return None if self.size is None else Dirichlet(shares=shares, size=self.size)

    @property
    def dimensions(self) -> int:
        """How many uniform random numbers one draw needs: one per band, or none if the shares are certain."""
        return 0 if self.size is None else len(self.bands)

    def draw(self, u: FloatArray) -> FloatArray:
        """Convert uniform random numbers (n, dimensions) to n draws of the band shares, (n, bands).

        The first uniform number of a draw belongs to the last band, usually the band with the largest losses.
        So a correlation that the ledger declares for the mix is a correlation with the share of the last
        band.
        """
        if self.dirichlet is None:
            return np.tile(self.shares, (len(u), 1))
        return self.dirichlet.quantile(u[:, ::-1])

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
