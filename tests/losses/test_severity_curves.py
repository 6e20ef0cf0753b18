"""Curves of fitted laws beside the counts: what an ogive and a tail are drawn from."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import special, stats

from outage_analysis.errors import ModelRefused
from outage_analysis.losses import COUNTED, Fits, curve_table, fit_all
from tests.losses.test_severity import DENTAL, HOSTILE, INF, SCIPY

COLUMNS = [
    "family",
    "weight",
    "p",
    "loss",
    "share_below",
    "share_above",
    "low",
    "high",
    "above_low",
    "above_high",
    "over",
    "up_to",
]


def dental(top: str, left: str = "ground_up", *, first: int = 0) -> Fits:
    return fit_all(DENTAL["edges"][first:], DENTAL["counts"][first:], top=top, left=left)


@pytest.fixture(scope="module")
def fits() -> Fits:
    return dental("open")


def test_a_row_is_a_family_and_a_loss_and_what_was_counted_comes_first(fits: Fits) -> None:
    table = curve_table(fits)
    heavy = [name for name in fits if fits.weights[name] >= 0.01]
    assert table.columns == COLUMNS
    assert table["family"].unique(maintain_order=True).to_list() == [COUNTED, *heavy]
    assert table.filter(pl.col("family") != COUNTED).group_by("family").len()["len"].to_list() == [40] * len(
        heavy
    )


def test_what_was_counted_is_the_running_share_at_every_finite_edge(fits: Fits) -> None:
    counted = curve_table(fits).filter(family=COUNTED)
    shares = np.cumsum(DENTAL["counts"]) / 378
    assert counted["loss"].to_list() == DENTAL["edges"][1:-1]  # an open top has no last edge
    assert counted["share_below"].to_list() == pytest.approx(shares[:-1].tolist(), rel=1e-5)
    assert counted["share_above"].to_list() == pytest.approx((1 - shares[:-1]).tolist(), rel=1e-5)
    assert counted["low"].null_count() == counted["weight"].null_count() == len(counted)
    closed = curve_table(dental("closed")).filter(family=COUNTED)
    assert closed["loss"].to_list() == DENTAL["edges"][1:]
    assert closed["share_below"][-1] == 1.0


@pytest.mark.parametrize("top", ["open", "closed", "truncated"])
def test_curves_are_the_distributions_and_rise_with_the_loss(top: str) -> None:
    found = dental(top)
    table = curve_table(found)
    for name in set(table["family"]) - {COUNTED}:
        fit, rows = found[name], table.filter(family=name)
        distribution = SCIPY[name](*fit.params.values())
        whole = distribution.cdf(4000) if top == "truncated" else 1.0
        below = distribution.cdf(rows["loss"].to_numpy()) / whole
        assert rows["share_below"].to_list() == pytest.approx(below.tolist(), rel=1e-4)
        assert rows["loss"].is_sorted()
        assert rows["share_below"].is_sorted()
        assert rows["share_above"].is_sorted(descending=True)
        assert rows["p"].unique().to_list() == pytest.approx([fit.gof.p], rel=1e-5)
        assert rows["weight"].unique().to_list() == pytest.approx([found.weights[name]], rel=1e-5)


def test_the_share_above_keeps_its_digits_far_out(fits: Fits) -> None:
    edges, counts = (0.0, 1.0, 2.0, 4.0, 8.0, 1e3, INF), (10**6, 2 * 10**5, 10**5, 4 * 10**4, 1000, 1)
    for name, fit in fit_all(edges, counts, top="open").items():
        rows = curve_table(fit_all(edges, counts, top="open", families=(name,))).filter(family=name)
        above = SCIPY[name](*fit.params.values()).sf(rows["loss"].to_numpy())
        assert rows["share_above"].to_list() == pytest.approx(above.tolist(), rel=1e-4, abs=1e-12)
    assert fits


def test_truncated_curves_are_shares_of_what_could_be_seen() -> None:
    found = dental("truncated", "truncated", first=2)
    table = curve_table(found)
    for name in set(table["family"]) - {COUNTED}:
        distribution = SCIPY[name](*found[name].params.values())
        rows = table.filter(family=name)
        seen = (distribution.cdf(rows["loss"].to_numpy()) - distribution.cdf(50)) / (
            distribution.cdf(4000) - distribution.cdf(50)
        )
        assert rows["share_below"].to_list() == pytest.approx(
            np.clip(seen, 0, 1).tolist(), rel=1e-4, abs=1e-6
        )
        assert rows["share_below"][-1] == pytest.approx(1.0)


def test_only_the_likeliest_family_has_an_interval_and_it_holds_the_curve(fits: Fits) -> None:
    table = curve_table(fits)
    best = table.filter(family=fits.best.family)
    assert table.filter(pl.col("family") != fits.best.family)["low"].null_count() == len(table) - len(best)
    assert (best["low"] < best["share_below"]).all()
    assert (best["share_below"] < best["high"]).all()
    assert best["low"].min() > 0  # type: ignore[operator] # a share
    assert best["high"].max() < 1  # type: ignore[operator] # same
    assert best["above_low"].to_list() == pytest.approx((1 - best["high"]).to_list(), abs=1e-5)
    assert best["above_high"].to_list() == pytest.approx((1 - best["low"]).to_list(), abs=1e-5)


def test_the_interval_is_the_delta_method_on_the_logit(fits: Fits) -> None:
    best = fits.best
    rows = curve_table(fits).filter(family=best.family)
    losses, params = rows["loss"].to_numpy(), np.array([*best.params.values()])

    def logit(at: np.ndarray) -> np.ndarray:
        return np.asarray(special.logit(SCIPY[best.family](*at).cdf(losses)))

    slope = np.array(
        [(logit(params + s) - logit(params - s)) / (2 * s.sum()) for s in np.diag(1e-4 * params)]
    )
    reach = stats.norm.ppf(0.975) * np.sqrt(np.einsum("ip,ij,jp->p", slope, best.covariance, slope))
    assert rows["low"].to_list() == pytest.approx(special.expit(logit(params) - reach).tolist(), rel=1e-3)
    assert rows["high"].to_list() == pytest.approx(special.expit(logit(params) + reach).tolist(), rel=1e-3)


def test_losses_are_evenly_spaced_on_their_logarithm_from_below_the_first_edge(fits: Fits) -> None:
    losses = curve_table(fits).filter(family="lomax")["loss"].to_numpy()
    assert losses[0] < DENTAL["edges"][1]
    assert losses[-1] == pytest.approx(4 * DENTAL["edges"][-2])  # beyond the edges the law speaks alone
    seen = curve_table(dental("truncated")).filter(family="lomax")["loss"]
    assert seen[-1] == DENTAL["edges"][-1]  # what could not be seen is not drawn
    assert np.diff(np.log(losses)) == pytest.approx(np.log(losses[1] / losses[0]), rel=1e-3)
    infinite = fit_all([*DENTAL["edges"][:-1], INF], DENTAL["counts"], top="open")
    assert curve_table(infinite)["loss"].is_finite().all()


def test_curves_without_a_likeliest_family_are_refused() -> None:
    few = fit_all((0, 1, 2, 3), (1, 1, 1), top="open", families=("lognormal", "gamma"))
    with pytest.raises(ModelRefused, match="too few losses"):
        curve_table(few)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_curves_of_a_hostile_table_are_shares(name: str) -> None:
    table = HOSTILE[name]
    try:
        found = curve_table(fit_all(table.edges, table.counts, top=table.top, left=table.left))
    except ModelRefused:
        return
    for column in ("share_below", "share_above"):
        assert found[column].is_between(0, 1).all(), column
    for column in ("low", "high", "above_low", "above_high"):
        assert found[column].drop_nulls().is_between(0, 1).all(), column
    assert found.select(pl.col("loss").is_finite().all()).item()
