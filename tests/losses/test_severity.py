"""Grouped severity: fits against printed results, scipy's laws and a search by brute force."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, example, given, settings, strategies as st
from numpy.typing import NDArray
from scipy import integrate, optimize, stats

from outage_analysis.errors import InputRefused, ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.losses import FAMILIES, SeverityFit, fit_all, fit_severity
from tests.paths import GOLDEN

Array = NDArray[np.float64]
DENTAL: dict[str, Any] = json.loads((GOLDEN / "reference_cases.json").read_text("utf-8"))["gdental"]
TOPS = ("closed", "truncated", "open")
CASES = [(top, family) for top in TOPS for family in FAMILIES]
INF = np.inf

WRITTEN: dict[str, Callable[..., tuple[Any, tuple[float, ...], float]]] = {
    "exponential": lambda theta: (stats.expon, (), theta),
    "gamma": lambda alpha, theta: (stats.gamma, (alpha,), theta),
    "weibull": lambda tau, theta: (stats.weibull_min, (tau,), theta),
    "lognormal": lambda median, sigma: (stats.lognorm, (sigma,), median),
    "loglogistic": lambda gamma, theta: (stats.burr12, (gamma, 1.0), theta),
    "lomax": lambda alpha, theta: (stats.lomax, (alpha,), theta),
    "burr": lambda alpha, gamma, theta: (stats.burr12, (gamma, alpha), theta),
}
"""The oracle: every family as scipy writes it, its law with the shapes and the scale."""


class Scipys(NamedTuple):
    """A law of scipy at some parameters, which scipy itself takes long to freeze."""

    distribution: Any
    shapes: tuple[float, ...]
    scale: float

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *x: getattr(self.distribution, name)(*x, *self.shapes, scale=self.scale)


SCIPY: dict[str, Callable[..., Any]] = {
    name: lambda *params, written=written: Scipys(*written(*params)) for name, written in WRITTEN.items()
}

SIGNS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]


class Table(NamedTuple):
    """What a fit is given."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    top: str
    left: str = "ground_up"

    def fit(self, family: str) -> SeverityFit:
        return fit_severity(self.edges, self.counts, family, top=self.top, left=self.left)


def shares(distribution: Any, edges: Sequence[float]) -> Array:  # noqa: ANN401 - a law of scipy
    """Shares between edges, from the side where they are small."""
    below, above = distribution.cdf(edges), distribution.sf(edges)
    return np.asarray(np.where(below[1:] <= 0.5, np.diff(below), -np.diff(above)))


def log_likelihood(table: Table, family: str, params: Sequence[float]) -> float:
    """The definition, by scipy's laws; what could be seen is added up, not taken away from 1."""
    edges = [0.0, *table.edges[:-1], INF if table.top == "open" else table.edges[-1]]
    distribution, counts = SCIPY[family](*params), np.array(table.counts)
    with np.errstate(all="ignore"):
        first, *inner = shares(distribution, edges)
        seen = 1.0
        if "truncated" in (table.top, table.left):
            below = first if table.left == "ground_up" else 0.0
            above = 0.0 if table.top == "truncated" else distribution.sf(edges[-1])
            seen = np.sum(inner) + below + above
        value = float((counts * np.log(np.array(inner) / seen))[counts > 0].sum())
    return value if np.isfinite(value) else -INF


def searched(table: Table, family: str, starts: int = 3, widest: float = 4.0) -> tuple[float, bool]:
    """The highest log-likelihood that Nelder and Mead find, and whether it is a top inside a box.

    A top says something: the standard error of the logarithm of each parameter is below 5.
    """
    n = sum(table.counts)
    scale = FAMILIES[family].params.index(FAMILIES[family].scale)
    half = int(np.searchsorted(np.cumsum(table.counts), n / 2)) + 1
    middle = np.zeros(len(FAMILIES[family].params))
    middle[scale] = np.log(table.edges[half] if np.isfinite(table.edges[half]) else table.edges[half - 1])
    rng, best, at = np.random.default_rng(0), -INF, middle

    def height(x: Array) -> float:
        if np.abs(x).max() > widest:
            return 1e6
        return min(-log_likelihood(table, family, np.exp(x + middle).tolist()) / n, 1e6)

    for start in rng.normal(0, 0.8, (starts, len(middle))):
        x = np.clip(start, -2, 2)
        for _ in range(2):
            options = {"xatol": 1e-7, "fatol": 1e-12, "maxiter": 1_000}
            solved = optimize.minimize(height, x, method="Nelder-Mead", options=options)
            x = solved.x
        if -solved.fun * n > best:
            best, at = -solved.fun * n, x
    moves = 1e-3 * np.eye(len(at))
    curves = np.array(
        [[sum(s * t * height(at + s * a + t * b) for s, t in SIGNS) for a in moves] for b in moves]
    )
    told = np.linalg.eigvalsh(curves * n / 4e-6).min() > 1 / 25
    return best, bool(told and np.abs(at).max() < 0.9 * widest)


# --- published results -------------------------------------------------------------------------------


@pytest.mark.parametrize(("top", "family"), CASES)
def test_the_dental_claims_are_fitted_as_printed(top: str, family: str) -> None:
    printed = DENTAL["fits"][top][family]
    fit = fit_severity(DENTAL["edges"], DENTAL["counts"], family=family, top=top)
    assert fit.params == pytest.approx(printed["params"], rel=1e-6)
    assert fit.se == pytest.approx(printed["se"], rel=2e-5)
    assert fit.loglik == pytest.approx(printed["loglik"], abs=1e-6)
    assert fit.expected == pytest.approx(printed["expected"], rel=1e-6)
    whole = ((DENTAL["counts"] - fit.expected) ** 2 / fit.expected).sum()
    assert whole == pytest.approx(printed["chi_square"], rel=1e-6)


# --- against brute force -----------------------------------------------------------------------------


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Bands of any width, with any counts, under any convention."""
    widths = draw(st.lists(st.floats(0.2, 3.0), min_size=4, max_size=7))
    first = draw(st.sampled_from([0.0, 0.5]))
    edges = [first, *(first + np.cumsum(np.array(widths) ** 2)).tolist()]
    counts = draw(st.lists(st.integers(0, 60), min_size=len(widths), max_size=len(widths)))
    top, left = draw(st.sampled_from(TOPS)), draw(st.sampled_from(["ground_up", "truncated"]))
    if top == "open" and draw(st.booleans()):
        edges[-1] = INF
    assume(sum(n > 0 for n in counts) >= 4)
    return Table(tuple(edges), tuple(counts), top, left)


RISES_BEYOND_THE_BOX = Table((0, 6.25, 6.5, 7.5, 7.75, 8.75, 9, 13), (0, 10, 42, 0, 28, 1, 0), "closed")


@pytest.mark.slow
@settings(max_examples=30)
@given(table=tables(), family=st.sampled_from(sorted(FAMILIES)))
@example(table=RISES_BEYOND_THE_BOX, family="burr")
def test_no_search_finds_a_likelier_distribution_and_a_refusal_means_that_there_is_none(
    table: Table, family: str
) -> None:
    best, inside = searched(table, family)
    try:
        fit = table.fit(family)
    except ModelRefused as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert "cannot be fitted" in refused or "does not fit" in refused
        if inside:  # a local maximum may lie inside the box while the likelihood rises further beyond it
            _, inside = searched(table, family, starts=8, widest=7.7)
        assert not inside, refused
        return
    assert fit.loglik >= best - 1e-6
    assert fit.loglik == pytest.approx(log_likelihood(table, family, list(fit.params.values())), abs=1e-8)
    assert all(0 < fit.se[name] < INF for name in fit.params)


# --- what a fit says -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fit_answers_as_scipys_distribution(family: str) -> None:
    fit = fit_severity(DENTAL["edges"], DENTAL["counts"], family, top="closed")
    theirs = SCIPY[family](*fit.params.values())
    assert fit.cdf([-1, 0, 300, INF]) == pytest.approx(theirs.cdf([-1, 0, 300, INF]))
    assert fit.quantile([1e-9, 0.3, 0.9999]) == pytest.approx(theirs.ppf([1e-9, 0.3, 0.9999]))
    assert (fit.mean, fit.median) == pytest.approx((theirs.mean(), theirs.median()))
    for d in (0.5, 300.0, 1e5):
        limited = integrate.quad(theirs.sf, 0, d, epsabs=0, epsrel=1e-10, points=[300.0], limit=200)[0]
        assert fit.limited_mean(d) == pytest.approx(limited, rel=1e-7)
    assert (fit.limited_mean(0), fit.limited_mean(INF)) == (0, fit.mean)
    edges = [0.0, 10.0, 1e3, 1e5, INF]
    assert fit.band_probabilities(edges) == pytest.approx(shares(theirs, edges), rel=1e-9)
    assert fit.band_probabilities(edges).sum() == pytest.approx(1.0, rel=1e-14)
    with pytest.raises(UsageError, match="between 0 and 1"):
        fit.quantile(1.5)


# --- goodness of fit and criteria ----------------------------------------------------------------------


def test_goodness_pools_neighbours_until_five_are_expected_and_the_last_with_the_one_before() -> None:
    edges, counts = (0, 1, 2, 3, 4, 5, 6), (45, 26, 15, 8, 3, 3)
    fit = fit_severity(edges, counts, family="exponential", top="open")
    due = [100 * share for share in shares(stats.expon(scale=fit.params["theta"]), [0, 1, 2, 3, 4, 5, INF])]
    assert [round(d, 1) for d in due] == [47.5, 24.9, 13.1, 6.9, 3.6, 4.0]
    groups = [(45, due[0]), (26, due[1]), (15, due[2]), (8, due[3]), (6, due[4] + due[5])]
    gof = fit.gof
    assert gof.df == 5 - 1 - 1
    assert gof.chi_square == pytest.approx(sum((s - d) ** 2 / d for s, d in groups))
    assert gof.p == pytest.approx(stats.chi2.sf(gof.chi_square, 3))


def test_the_corrected_criterion_is_worked_out_by_hand() -> None:
    fit = fit_severity(DENTAL["edges"], DENTAL["counts"], family="burr", top="closed")
    assert fit.aicc == pytest.approx(6 + 2 * 782.6701870511803 + 24 / (378 - 4))
    assert fit_severity((0, 1, 2, 3), (60, 27, 12), family="weibull", top="open").gof[1:] == (0, None)
    few = fit_severity((0, 1, 2, 3), (1, 1, 1), family="lognormal", top="open")
    assert few.aicc == INF  # three losses and two parameters leave nothing to correct by


# --- families together -----------------------------------------------------------------------------------


def test_families_are_weighed_averaged_and_compared_as_by_hand() -> None:
    fits = fit_all(DENTAL["edges"], DENTAL["counts"], top="closed")
    scores = {name: fit.aicc for name, fit in fits.items()}
    heights = {name: np.exp((min(scores.values()) - score) / 2) for name, score in scores.items()}
    weights = {name: height / sum(heights.values()) for name, height in heights.items()}
    assert fits.weights == pytest.approx(weights)
    assert sum(fits.weights.values()) == pytest.approx(1)
    assert fits.best.family == max(weights, key=weights.__getitem__) == "lomax"
    heavy = {name: weight for name, weight in weights.items() if weight >= 0.01}
    means = {name: float(SCIPY[name](*fits[name].params.values()).mean()) for name in heavy}
    average = sum(heavy[n] * means[n] for n in heavy) / sum(heavy.values())
    assert fits.average("mean") == pytest.approx(average, rel=1e-7)
    assert fits.range("mean") == pytest.approx((min(means.values()), max(means.values())), rel=1e-7)
    assert fits.average(lambda distribution: distribution.limited_mean(100)) < 100


def test_a_mean_that_is_infinite_is_a_gap_in_the_table_and_infinite_on_average() -> None:
    heavy = fit_all(
        (0, 1, 10, 100, 1e3, 1e4), (30, 40, 30, 20, 40), top="open", families=("lomax", "lognormal")
    )
    assert heavy["lomax"].mean == INF
    assert heavy.table().filter(family="lomax")["mean"].to_list() == [None]
    assert heavy.average("mean") == INF
    assert heavy.range("mean")[1] == INF
    with pytest.raises(ModelRefused, match="infinite"):
        heavy["lomax"].interval("mean")
    assert np.isfinite(heavy["lomax"].value(lambda distribution: distribution.limited_mean(1e4)))


def test_a_family_that_was_refused_says_why_and_one_not_asked_for_is_unknown() -> None:
    fits = fit_all((0, 1, 2, 3), (10, 50, 20), top="closed", families=("gamma", "burr"))
    assert list(fits) == ["gamma"]
    assert "burr" not in fits
    assert fits.refused.keys() == {"burr"}
    with pytest.raises(ModelRefused, match="it needs 4"):
        fits["burr"]
    with pytest.raises(UsageError, match="no such family"):
        fits["lomax"]


# --- conventions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_empty_bands_beyond_a_truncated_end_say_nothing_but_where_it_is(family: str) -> None:
    table = Table((1.0, 2.0, 4.0, 8.0, 16.0, 30.0), (80, 75, 60, 28, 11), "truncated", "truncated")
    fit = table.fit(family)
    assert fit.loglik == pytest.approx(log_likelihood(table, family, list(fit.params.values())))
    assert fit.expected.sum() == pytest.approx(sum(table.counts))


KNOWN: dict[str, dict[str, float]] = {
    "exponential": {"theta": 7.0},
    "gamma": {"alpha": 0.6, "theta": 9.0},
    "weibull": {"tau": 0.7, "theta": 5.0},
    "lognormal": {"median": 5.0, "sigma": 1.2},
    "loglogistic": {"gamma": 2.5, "theta": 5.0},
    "lomax": {"alpha": 3.0, "theta": 9.0},
    "burr": {"alpha": 2.0, "gamma": 1.4, "theta": 6.0},
}


@pytest.mark.parametrize(("family", "params"), KNOWN.items())
def test_exact_shares_of_a_distribution_give_the_distribution_back(
    family: str, params: dict[str, float]
) -> None:
    edges = [0.0, 0.5, 1.0, 2.0, 4.0, 7.0, 12.0, 25.0, 60.0, INF]
    counts = np.rint(1e12 * shares(SCIPY[family](*params.values()), edges)).astype(int).tolist()
    fit = fit_severity(edges, counts, family=family, top="open")
    assert fit.params == pytest.approx(params, rel=1e-5)


# --- refusals ------------------------------------------------------------------------------------------

BANDS = (0.0, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("edges", "counts", "how", "error", "message"),
    [
        ((0, 1, 2), (5, 9), {"family": "lognormal"}, ModelRefused, "2 bands hold losses"),
        (BANDS, (5, 0, 9, 0), {"family": "gamma"}, ModelRefused, "2 bands hold losses"),
        (BANDS, (5, 4, 9, 0), {"family": "burr"}, ModelRefused, "3 bands hold losses"),
        (BANDS, (0, 9, 0, 0), {}, ModelRefused, "all 9 losses are in one band"),
        (BANDS, (0, 0, 0, 9), {"top": "open"}, ModelRefused, "all 9 losses are in one band"),
        (BANDS, (0, 0, 0, 9), {"top": "closed"}, ModelRefused, "all 9 losses are in one band"),
        (BANDS, (0, 0, 0, 0), {}, InputRefused, "all bands are empty"),
        (BANDS, (1, -1, 2, 3), {}, InputRefused, "count 2 is not a whole number"),
        (BANDS, (1, 1, 2.5, 3), {}, InputRefused, "count 3 is not a whole number"),
        (BANDS, (1, 1, 2, np.nan), {}, InputRefused, "count 4 is not a whole number"),
        (BANDS, (1, 1, 2, INF), {}, InputRefused, "count 4 is not a whole number"),
        (BANDS, (1, 2, 3), {}, UsageError, "3 counts do not fit 4 bands"),
        (BANDS, (1, 2, 3, 4, 5), {}, UsageError, "5 counts do not fit 4 bands"),
        ((), (), {}, UsageError, "0 counts do not fit 0 bands"),
        ((0,), (), {}, UsageError, "0 counts do not fit 0 bands"),
        ((0, 2, 1, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges do not increase"),
        ((0, 1, 1, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges do not increase"),
        ((-1, 1, 2, 3, 4), (1, 2, 3, 4), {}, UsageError, "do not increase from 0 on"),
        ((0, 1, np.nan, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges do not increase"),
        ((np.nan, 1, 2, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges do not increase"),
        ((0, 1, 2, INF, INF), (1, 2, 3, 4), {}, UsageError, "edges do not increase"),
        ((0, 1, INF, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges do not increase"),
        ((-INF, 1, 2, 3, 4), (1, 2, 3, 4), {}, UsageError, "do not increase from 0 on"),
        ((0, 1, 2, 3, INF), (1, 2, 3, 4), {"top": "closed"}, UsageError, "a closed top needs a last edge"),
        ((0, 1, 2, 3, INF), (1, 2, 3, 4), {"top": "truncated"}, UsageError, "a truncated top needs"),
        ((0, 1e-300, 2, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges do not .* to 1e.100"),
        ((0, 1, 2, 3, 1e300), (1, 2, 3, 4), {}, UsageError, "edges do not .* to 1e.100"),
        (("a", 1, 2, 3, 4), (1, 2, 3, 4), {}, UsageError, "edges or counts are not numbers"),
        (BANDS, (1, None, 3, 4), {}, UsageError, "edges or counts are not numbers"),
        (BANDS, (1, 2, 3, 4), {"top": "half"}, UsageError, "top says what lies beyond"),
        (BANDS, (1, 2, 3, 4), {"left": "open"}, UsageError, "left says what lies beyond"),
        (BANDS, (1, 2, 3, 4), {"family": "Weibul"}, UsageError, "no such family"),
        (BANDS, (1, 2, 3, 90), {"family": "lomax", "top": "truncated"}, ModelRefused, "no family could be"),
    ],
)
def test_what_no_distribution_can_be_fitted_to_is_refused(
    edges: Any,  # noqa: ANN401 - whatever people give
    counts: Any,  # noqa: ANN401 - same
    how: dict[str, Any],
    error: type[OutageAnalysisError],
    message: str,
) -> None:
    arguments = {"family": "exponential", "top": "open", **how}
    with pytest.raises(error, match=message) as caught:
        fit_all(edges, counts, families=[arguments.pop("family")], **arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy or message.endswith(("not a whole number", "not numbers"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "table"),
    [
        ("lomax", Table((0, 1, 2, 3, 4), (10, 30, 40, 5), "open")),
        ("burr", Table((0, 1, 2, 3, 4, 5), (10, 60, 100, 60, 10), "open")),
        ("exponential", Table((0, 1, 2, 3, 4), (1, 2, 4, 9), "truncated")),
    ],
)
def test_a_family_without_a_likeliest_distribution_is_refused(family: str, table: Table) -> None:
    assert not searched(table, family, widest=6.0)[1]
    with pytest.raises(ModelRefused, match="cannot be fitted"):
        table.fit(family)


# --- hostile tables ------------------------------------------------------------------------------------

DOUBLING = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, INF)
HOSTILE: dict[str, Table] = {
    "trillions": Table(DOUBLING, (10**12,) * 7, "open"),
    "a trillion among ones": Table(DOUBLING, (1, 1, 1, 10**12, 1, 1, 1), "open"),
    "a billion among ones": Table(DOUBLING, (1, 1, 1, 10**9, 1, 1, 1), "open"),
    "a billion among ones, closed": Table(DOUBLING[:-1], (1, 1, 1, 10**9, 1, 1), "closed"),
    "a billion among ones, truncated": Table(DOUBLING[1:], (1, 1, 10**9, 1, 1, 1), "open", "truncated"),
    "a billion at the bottom": Table(DOUBLING, (10**9, 1, 1, 1, 1, 1, 1), "open"),
    "a billion at the top": Table(DOUBLING, (1, 1, 1, 1, 1, 1, 10**9), "open"),
    "one each": Table(DOUBLING, (1,) * 7, "open"),
    "nothing between the ends": Table(DOUBLING, (10**6, 0, 0, 0, 0, 1, 10**6), "open"),
    "tiny edges": Table(tuple(e * 1e-90 for e in DOUBLING), (3, 9, 20, 30, 12, 5, 2), "open"),
    "huge edges": Table(tuple(e * 1e90 for e in DOUBLING), (3, 9, 20, 30, 12, 5, 2), "open"),
    "180 powers of ten": Table((0.0, 1e-90, 1e-30, 1.0, 1e30, 1e90, INF), (3, 5, 9, 8, 4, 2), "open"),
    "a gap of 90 powers of ten": Table((0.0, 1.0, 2.0, 3.0, 1e90), (10, 6, 4, 2), "closed"),
    "narrow about one": Table(
        (0.0, 1 - 1e-9, 1 - 5e-10, 1.0, 1 + 5e-10, 1 + 1e-9, 2.0), (1, 5, 9, 12, 6, 2), "closed"
    ),
    "narrow, truncated": Table(
        (1 - 1e-9, 1 - 5e-10, 1.0, 1 + 5e-10, 1 + 1e-9, 2.0), (5, 9, 12, 6, 2), "closed", "truncated"
    ),
    "heaps": Table((*range(40), INF), tuple(0 if i % 5 else 100 for i in range(40)), "open"),
    "two outliers": Table(
        (0.08, 0.13, 0.25, 0.78, 0.96, 1.167, 1.195, 1.718, INF),
        (2, 0, 0, 37, 204, 4595, 6182, 10),
        "open",
        "truncated",
    ),
    "almost one band": Table((0.0, 0.9246, 0.9354, 1.2664, 1.7868), (119, 11423, 419, 1), "open"),
    "decreasing beyond any inner distribution": Table(
        (0.0, 0.714, 0.732, 0.896, 0.942, 1.086, 1.454), (16, 38, 22, 18, 14, 0), "truncated"
    ),
    "steep Burr": Table((0.9928, 1.006, 1.1218, 1.4022, 1.5429), (39, 12, 10, 25), "closed"),
    "ragged": Table(
        (0.0884, 0.2071, 0.2314, 1.55, 1.8473, 9.6636, 11.3106, 27.6019, 33.8958),
        (45, 31, 24, 23, 0, 8, 19, 8),
        "open",
    ),
    "2,000 bands": Table(
        (*np.linspace(0, 50, 2_000).tolist(), INF),
        tuple(
            np.rint(1e6 * shares(stats.lognorm(0.8, scale=4), [*np.linspace(0, 50, 2_000), INF]))
            .astype(int)
            .tolist()
        ),
        "open",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_table_gives_a_right_answer_or_a_refusal(name: str, family: str) -> None:
    table = HOSTILE[name]
    try:
        fit = table.fit(family)
    except ModelRefused:
        return
    assert np.isfinite([*fit.params.values(), *fit.se.values(), fit.loglik, fit.aicc, fit.median]).all()
    assert min(*fit.params.values(), *fit.se.values()) > 0
    assert fit.mean > 0
    assert fit.gof.df < len(table.counts)
    if name not in ("2,000 bands", "a trillion among ones", "180 powers of ten", "tiny edges", "huge edges"):
        best, inside = searched(table, family, starts=2)
        assert not inside or fit.loglik >= best - 1e-6 - 1e-15 * sum(table.counts)
