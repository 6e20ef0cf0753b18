"""Late claims from growth curves: exact cases, recovery, what must not change, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from outage_analysis.errors import InputRefused, ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.incidents import Incident
from outage_analysis.losses import Branch, Cube, channel_from_cube, forecast_late_claims
from outage_analysis.losses.late_claims import (
    LOGNORMAL,
    Array,
    LateCount,
    WeightedCurves,
    increments_from_counts,
    late_claim_bounds,
    supported_late_count,
    weigh_curves,
)

MONDAY = date(2022, 10, 17)
SIX = ([1 / 3, 4 / 3, 7 / 3, 37 / 12, 10 / 3, 47 / 12], [2182, 7401, 11091, 13130, 13700, 14853])
"""An exponential curve of 20,000 claims with a median of two days, rounded."""


def means(
    times: Sequence[float] | NDArray[Any], size: float, *, shape: float = 1.0, median: float = 6.0
) -> Array:
    """The claims that an exponential or Weibull curve expects between times from the opening on."""
    edges = np.concatenate([[0.0], times])
    return np.asarray(size * np.diff(1 - 0.5 ** (edges / median) ** shape))


def branch(id_: str, closes: float, spike: float = 0.0) -> Branch:
    """A branch that states its spike."""
    return Branch(id_, closes, spike)


def curves_of(times: Sequence[float], counts: Sequence[int], starts: date | None = None) -> WeightedCurves:
    """The weighed curves of counts, also where they determine no forecast."""
    return weigh_curves(increments_from_counts(times, counts, starts=starts))


# --- the law of the late count ------------------------------------------------------------------------


def late_of(weights: list[float], means: list[float], phis: list[float], base: float) -> LateCount:
    """The late claims of a branch that closes on day 9."""
    return LateCount("end", 9.0, 6000, np.array(weights), np.array(means), np.array(phis), base)


def test_a_known_share_gives_the_negative_binomial_of_the_reference_case() -> None:
    # 6,000 reported, 85 % of all, a flat prior on the mean: NegBin(6001, 0.85), conjugate gamma-Poisson.
    late, exact = late_of([1.0], [6001 * 0.15 / 0.85], [1.0], 6001), stats.nbinom(6001, 0.85)
    assert late.mean == pytest.approx(exact.mean()) == pytest.approx(1059.0)
    assert late.quantiles([0.5, 0.9, 0.99]).tolist() == [1059, 1104, 1142]
    assert late.cdf([900, 1059, 1200]) == pytest.approx(exact.cdf([900, 1059, 1200]), rel=1e-9)
    assert late.total(0.8)[1] == 6000 + late.quantiles(0.9)


def test_a_mixture_is_that_of_its_parts() -> None:
    late = late_of([0.3, 0.7], [20.0, 50.0], [1.0, 4.0], 101)
    variances = [20 + 20**2 / 101, 4 * (50 + 50**2 / 101)]
    parts = [stats.nbinom(m * m / (v - m), m / v) for m, v in zip((20, 50), variances, strict=True)]
    at = np.arange(0, 200, 7)
    assert late.cdf(at) == pytest.approx(0.3 * parts[0].cdf(at) + 0.7 * parts[1].cdf(at), rel=1e-9)
    assert late.cdf(-1) == 0
    q = late.quantiles(0.9)
    assert late.cdf(q) >= 0.9 > late.cdf(q - 1)


# --- curves -------------------------------------------------------------------------------------------


def test_weights_are_those_of_a_fine_grid() -> None:
    """The share to come, from an even grid over all lognormal curves by the stated prior and likelihood."""
    counts = np.array([3000, 2600, 1900, 1500, 1150, 900, 760])
    growth = curves_of(range(1, 8), np.cumsum(counts).tolist())
    kept = growth.weights[-len(growth.parameters[LOGNORMAL]) :]
    found = kept @ growth.relative([7, 14])[-len(kept) :, 0] / kept.sum()
    odds, shape = (x.ravel() for x in np.meshgrid(np.linspace(-4, 8, 801), np.linspace(-2.5, 2, 801)))
    z = special.ndtri(special.expit(odds))[:, None] + np.exp(shape)[:, None] * np.log(np.arange(1, 8) / 7)
    p = np.diff(special.ndtr(z), prepend=0)
    late = special.ndtr(z[:, -1] + np.exp(shape) * np.log(2)) / p.sum(1) - special.ndtr(z[:, -1]) / p.sum(1)
    p = np.maximum(p / p.sum(1, keepdims=True), 1e-300)
    deviance = 2 * (special.xlogy(counts, counts / counts.sum()).sum() - special.xlogy(counts, p).sum(1))
    u = (np.arange(400) + 0.5) / 400
    best = deviance.min()
    likelihood = (u ** (6 / 2 + 2) * np.exp(-u * (deviance[deviance < best + 60, None]) / 2)).sum(1)
    weight = np.zeros(len(odds))
    weight[deviance < best + 60] = likelihood
    weight *= special.expit(odds) * special.expit(-odds) * stats.norm.pdf(shape, -0.1, 0.5)
    assert found == pytest.approx(weight @ late / weight.sum(), rel=0.01)


# --- what counts determine ----------------------------------------------------------------------------


def test_fewer_than_2500_claims_give_no_forecast() -> None:
    shares_filed = [(1 - 0.5 ** (day / 3)) / (1 - 0.5 ** (8 / 3)) for day in range(1, 9)]
    few, enough = ([round(size * share) for share in shares_filed] for size in (2499, 2500))
    with pytest.raises(ModelRefused, match=r"2,499 claims are too few to forecast the late claims \(end\)"):
        forecast_late_claims([*range(1, 9)], few, [branch("end", 10)])
    assert forecast_late_claims([*range(1, 9)], enough, [branch("end", 10)]).late.keys() == {"end"}
    late = forecast_late_claims([*range(1, 9)], few, [branch("end", 8)]).late["end"]
    assert (late.mean, *late.total(0.95)) == (0, 2499, 2499)  # none can come


def test_a_branch_that_counts_do_not_determine_leaves_the_others_their_forecast() -> None:
    filed = np.cumsum(means(range(1, 9), 6_000, shape=0.8)).round().astype(int).tolist()
    made = forecast_late_claims(list(range(1, 9)), filed, [branch("near", 10), branch("far", 80)])
    assert list(made.late) == ["near"]
    assert made.refused.keys() == {"far"}
    assert any("no forecast (far): 8 days of counts do not tell" in note for note in made.notes)


@pytest.mark.slow
def test_the_last_day_needs_a_stated_rush() -> None:
    with pytest.raises(ModelRefused, match=r"hurry on the last day \(end\) is not stated.*spike=.*by="):
        forecast_late_claims(*SIX, [Branch("end", 8.0)])
    before = forecast_late_claims(*SIX, [Branch("end", 8.0)], by=7.0)  # up to the beginning of the last day
    assert (
        before.late["end"].mean == forecast_late_claims(*SIX, [branch("end", 8.0)], by=7.0).late["end"].mean
    )
    with pytest.raises(ModelRefused, match="is not stated"):
        supported_late_count(before.growth, Branch("end", 8.0), 7.1)


# --- weekends -----------------------------------------------------------------------------------------


def by_day(days: int, ratio: float, size: float) -> Array:
    """The claims that an exponential curve expects each day from a Monday on, with a ratio of weekends."""
    worth = np.where(np.arange(days) % 7 < 5, 1.0, ratio)
    return means(np.cumsum(worth * 7 / (5 + 2 * ratio)), size, median=8.0)


@pytest.mark.parametrize("days", [7, 9, 12, 21])
@pytest.mark.parametrize("ratio", [0.4, 1.0])
def test_a_quiet_weekend_is_not_the_end_of_the_intake(ratio: float, days: int) -> None:
    """The seventh day is a Sunday."""
    counts = np.cumsum(np.random.default_rng(days).poisson(by_day(28, ratio, 25_000))).tolist()
    closes = branch("end", 28.0)
    made = forecast_late_claims(range(1, days + 1), counts[:days], [closes], starts=MONDAY)
    late = made.late["end"]
    assert late.total(0.95)[0] <= counts[-1] <= late.total(0.95)[1]
    assert late.median == pytest.approx(counts[-1], rel=0.12)
    if days == 7 and ratio < 1:  # without its own number, the weekend passes for the end
        blind = supported_late_count(curves_of(range(1, 8), counts[:7]), closes, 28.0)
        assert blind.total(0.95)[1] < counts[-1]
    if days == 21:  # three weekends tell the ratio
        found = np.concatenate([np.exp(drawn[:, -1]) for drawn in made.growth.parameters.values()])
        assert made.growth.weights @ found == pytest.approx(ratio, abs=0.06)


# --- deadlines that have passed -----------------------------------------------------------------------


def test_a_rush_at_a_former_deadline_does_not_bend_the_curve() -> None:
    times = list(range(1, 15))
    mean = means([*times, 20.0], 20_000)
    counts = np.round(mean[:-1])
    counts[9] *= 3  # the day before the deadline at 10
    filed = np.cumsum(counts).astype(int).tolist()
    made = forecast_late_claims(times, filed, [branch("end", 20.0)], former=[10.0])
    assert made.late["end"].mean == pytest.approx(mean[-1], rel=0.03)
    assert made.late["end"].total(0.8)[0] >= filed[-1]  # its claims still count
    bent = curves_of(times, filed)
    assert made.growth.weights @ made.growth.phis < 2  # the over-dispersion, averaged over all curves
    assert bent.weights @ bent.phis > 50


def test_a_former_deadline_inside_an_increment_leaves_it_out() -> None:
    observed = increments_from_counts([1, 2, 3, 4, 5], [5, 9, 12, 14, 15], former=[2.5])
    assert observed.used.tolist() == [True, False, False, True, True]
    assert (observed.total, observed.used_total) == (15, 8)


# --- few counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 4])
def test_too_few_counts_are_refused_and_bounds_are_named(count: int) -> None:
    with pytest.raises(
        ModelRefused, match=rf"{count} increments? cannot determine.*needs 5.*use the bounds"
    ) as refusal:
        forecast_late_claims([1, 2, 3, 4][:count], [50, 90, 120, 130][:count], [branch("end", 9)])
    assert f"Wait for {5 - count} more" in str(refusal.value)


def test_bounds_are_nothing_more_and_the_busiest_rate() -> None:
    with pytest.raises(UsageError, match="closes before the last count"):
        late_claim_bounds(*SIX, 2.0)
    assert late_claim_bounds([6.0], [45_000], 19.0) == (97_500, 7_500)
    assert late_claim_bounds([2, 3], [100, 110], 3.0) == (0, 50)
    assert late_claim_bounds([2, 3], [100, 110], 3.05) == (3, 50)  # 50 a day in the first two days


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "counts", "error", "message"),
    [
        ([0], [0], ModelRefused, "nothing was filed"),
        ([0, 1, 2, 3], [0, 5, 4, 9], InputRefused, "the count of point 3 is below the one before"),
        ([0, 2, 1], [0, 5, 9], InputRefused, "the time of point 3 is not after"),
        ([1, 2, 3], [5, 4, 9], InputRefused, r"count of point 2 is below .*\(found '4'\)\. Give all claims"),
        ([1, 1, 3], [5, 6, 9], InputRefused, "the time of point 2 is not after"),
        ([-1, 1, 3], [5, 6, 9], InputRefused, "the time of point 1 is not after"),
        ([1, float("nan"), 3], [5, 6, 9], InputRefused, "the time of point 2 is no number"),
        ([1, 2, 3], [5, float("inf"), 9], InputRefused, "the count of point 2 is no number"),
        ([1, 2, 3], [5, 6.5, 9], InputRefused, "the count of point 2 is not whole"),
        ([1, 2, 3], [0, 0, 0], ModelRefused, "nothing was filed"),
        ([1, 2], [5], UsageError, "one length"),
        ([], [], UsageError, "one length"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_their_point(
    times: list[float], counts: list[int], error: type[OutageAnalysisError], message: str
) -> None:
    with pytest.raises(error, match=message) as refusal:
        forecast_late_claims(times, counts, [branch("end", 9)])
    assert len(str(refusal.value).splitlines()) == 1
    with pytest.raises(error, match=message):
        late_claim_bounds(times, counts, 9.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("branches", "options", "message"),
    [
        ([], {}, "one at least"),
        ([branch("a", 9), branch("a", 10)], {}, "ids of their own"),
        (
            [branch("a", 3.0)],
            {},
            r"the branch a closes before the last count.*a deadline that has passed is a former one",
        ),
        ([branch("a", float("inf"))], {}, "closes before the last count"),
        ([branch("a", 9, spike=-1)], {}, "a spike is a multiple, 0 or more"),
        ([branch("a", 9)], {"by": 2.0}, "is asked for by a time before the last count"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    branches: list[Branch], options: dict[str, list[float]], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        forecast_late_claims(*SIX, branches, **options)  # type: ignore[arg-type]


# --- daily counts of claims ---------------------------------------------------------------------------


def cube_of(days: dict[date, int], *, synthetic: bool = False) -> Cube:
    """An intake cube with two services a day."""
    rows = [(d, s, n) for d, count in days.items() for s, n in (("kakaotalk", count - 1), ("melon", 1))]
    names = {"filed_on": pl.Date, "service": pl.String, "claims": pl.Int64}
    return Cube(pl.DataFrame(rows, schema=names, orient="row"), ("filed_on", "service"), synthetic, "x.csv")


DAYS = {date(2022, 10, d): n for d, n in ((19, 90), (20, 60), (22, 40), (23, 30), (24, 20), (25, 15))}


def test_claims_are_counted_by_calendar_day_from_the_first(incident: Incident) -> None:
    channel = channel_from_cube(cube_of(DAYS), incident)
    assert list(channel.times) == [1, 2, 3, 4, 5, 6, 7]
    assert channel.counts == (90, 150, 150, 190, 220, 240, 255)  # the 21st had none
    assert channel.opened.isoformat() == "2022-10-19T00:00:00+09:00"
    assert channel.starts == date(2022, 10, 19)
    assert channel.branches == (Branch("deadline", 14.0),)  # the end of 1 November
    assert channel.forecast(by=7.0).counted == 255
    assert channel.moment(7).isoformat() == "2022-10-26T00:00:00+09:00"


def test_days_are_whole_days_where_the_clocks_change(incident: Incident) -> None:
    abroad = incident.model_copy(update={"time_zone": "Europe/Berlin"})
    channel = channel_from_cube(cube_of({date(2022, 10, 28): 5, date(2022, 11, 2): 5}), abroad)
    assert channel.branches == (Branch("deadline", 10.0),)
    assert channel.moment(3).isoformat() == "2022-10-31T00:00:00+01:00"


def test_a_cube_without_days_is_refused(incident: Incident) -> None:
    cube = cube_of(DAYS)
    with pytest.raises(UsageError, match=r"does not have the days.*Build it by filed_on"):
        channel_from_cube(replace(cube, dimensions=("service",)), incident)
    nameless = cube.frame.with_columns(filed_on=pl.lit(None, pl.Date))
    with pytest.raises(InputRefused, match="some claims have no day"):
        channel_from_cube(replace(cube, frame=nameless), incident)


def test_the_deadline_and_the_former_ones_are_those_announced_by_the_last_day(incident: Incident) -> None:
    """The first deadline, 1 November, was extended on 31 October to the 6th."""
    filed = DAYS | {date(2022, 11, 3): 5}
    with pytest.raises(InputRefused, match="no claim was filed by 2022-10-01"):
        channel_from_cube(cube_of(filed), incident, until=date(2022, 10, 1))
    ends = {30: (14.0, ()), 31: (19.0, ())}
    for day, (closes, former) in ends.items():
        channel = channel_from_cube(cube_of(filed), incident, until=date(2022, 10, day))
        assert (channel.branches, channel.former) == ((Branch("deadline", closes),), former)
        assert channel.counts[-1] == 255  # not the claims of November
    channel = channel_from_cube(cube_of(filed), incident)
    assert (channel.branches, channel.former) == ((Branch("deadline", 19.0),), (14.0,))
