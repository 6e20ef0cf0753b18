"""Intervals of a fitted law, against a profile by brute force; a table of grouped losses as a document."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import optimize, special, stats

from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import Text, bundled_ids, data_root
from outage_analysis.losses import COUNTED, FAMILIES, Fits, SeverityFit, curve_table, fit_all, load_grouped
from tests.losses.test_severity import DENTAL, INF, SCIPY, Table, log_likelihood

QUANTITIES = ("median", "mean", "p95")
ALLOWED = stats.chi2.ppf(0.95, 1)
CASES = [
    (family, quantity)
    for family, distribution in FAMILIES.items()
    for quantity in dict.fromkeys((*distribution.params, *QUANTITIES))
]
DENTAL_TABLES = {
    top: Table(tuple(DENTAL["edges"]), tuple(DENTAL["counts"]), top)
    for top in ("closed", "truncated", "open")
}


def asked(family: str, quantity: str, params: list[float]) -> float:
    """A quantity by scipy's law."""
    if quantity in FAMILIES[family].params:
        return params[FAMILIES[family].params.index(quantity)]
    distribution = SCIPY[family](*params)
    if quantity == "mean":
        mean = float(distribution.mean())
        return mean if np.isfinite(mean) else INF
    return float(distribution.ppf({"median": 0.5, "p95": 0.95}[quantity]))


def profiled(table: Table, fit: SeverityFit, quantity: str, value: float) -> float:
    """The highest log-likelihood of a law whose quantity has this value.

    A shape is held; anything else grows with the scale, which then follows from the shapes.
    """
    names = FAMILIES[fit.family].params
    scale = names.index(FAMILIES[fit.family].scale)
    held = names.index(quantity) if quantity in names else scale
    free = [i for i in range(len(names)) if i != held]

    def height(x: np.ndarray) -> float:
        params = np.ones(len(names))
        if np.abs(x - best).max(initial=0.0) > 14:
            return 1e6
        params[free] = np.exp(x)
        params[held] = value
        if quantity not in names:
            params[scale] = 1.0
            unit = asked(fit.family, quantity, params.tolist())
            if not 0 < unit < INF:
                return 1e6
            params[scale] = value / unit
        return min(-log_likelihood(table, fit.family, params.tolist()), 1e6)

    best = np.log([fit.params[names[i]] for i in free])
    if not free:
        return -height(best)
    found, shift = INF, np.log(value / fit.value(quantity))
    far = (best + shift, best - shift) if abs(shift) > 1 else ()  # the others follow it, or move against it
    for start in (best, best + 1.0, best - 0.5, *far):
        x = start
        for _ in range(2):
            solved = optimize.minimize(
                height, x, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 600}
            )
            x = solved.x
        found = min(found, float(solved.fun))
    return -found


def deviance(table: Table, fit: SeverityFit, quantity: str, value: float) -> float:
    """Twice what the log-likelihood loses when a quantity has this value."""
    return 2 * (fit.loglik - profiled(table, fit, quantity, value))


# --- profile -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("top", ["closed", "open"])
@pytest.mark.parametrize(("family", "quantity"), CASES)
def test_at_a_profile_end_the_best_distribution_is_just_not_rejected(
    family: str, quantity: str, top: str
) -> None:
    table = DENTAL_TABLES[top]
    fit = table.fit(family)
    low, high = fit.interval(quantity)
    assert 0 < low < fit.value(quantity) < high < INF
    assert deviance(table, fit, quantity, low) == pytest.approx(ALLOWED, abs=1e-3)
    assert deviance(table, fit, quantity, high) == pytest.approx(ALLOWED, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "table", "quantity", "end"),
    [
        ("lomax", Table((0, 1, 2, 3, 4, 5), (50, 30, 18, 11, 19), "open"), "alpha", 1),
        ("lomax", Table((0, 1, 2, 3, 4, 5), (50, 30, 18, 11, 19), "open"), "theta", 1),
        ("burr", Table((0, 1, 2, 3, 4, 5), (40, 30, 20, 11, 17), "open"), "alpha", 1),
        ("lomax", Table((1, 2, 4, 8, 16, INF), (50, 28, 12, 6, 6), "open", "truncated"), "theta", 0),
        ("loglogistic", Table((0, 1, 2, 4, 8, INF), (20, 15, 14, 12, 21), "open"), "mean", 1),
    ],
)
def test_an_end_that_the_profile_never_reaches_is_unbounded(
    family: str, table: Table, quantity: str, end: int
) -> None:
    fit = table.fit(family)
    assert np.isfinite(fit.value(quantity))
    far = fit.value(quantity) * (1e5 if end else 1e-5)
    assert deviance(table, fit, quantity, far) < ALLOWED
    assert fit.interval(quantity)[end] == (INF if end else 0.0)


def test_a_profile_interval_turns_with_its_quantity() -> None:
    fit = DENTAL_TABLES["closed"].fit("lognormal")
    low, high = fit.interval("mean")
    turned = fit.interval(lambda distribution: 1 / distribution.mean)
    logs = fit.interval(lambda distribution: float(np.log(distribution.mean)))
    below_zero = fit.interval(lambda distribution: -distribution.mean)
    assert turned == pytest.approx((1 / high, 1 / low), rel=1e-5)
    assert logs == pytest.approx((np.log(low), np.log(high)), rel=1e-5)
    assert below_zero == pytest.approx((-high, -low), rel=1e-5)


# --- quantities and refusals -----------------------------------------------------------------------------


def test_percentiles_of_any_digits_can_be_asked() -> None:
    fit = DENTAL_TABLES["closed"].fit("weibull")
    assert fit.value("p99.5") == pytest.approx(float(fit.quantile(0.995)))
    assert fit.value("p5") == pytest.approx(float(fit.quantile(0.05)))
    assert fit.value("p50") == fit.value("median")
    assert fit.interval("p50") == pytest.approx(fit.interval("median"))


@pytest.mark.parametrize(
    "quantity", ["p0", "p100", "sigma", "p", "p95.", "P95", "p-5", "variance", "", "p0.0"]
)
def test_a_quantity_that_the_family_has_not_is_refused(quantity: str) -> None:
    fit = DENTAL_TABLES["closed"].fit("weibull")
    with pytest.raises(UsageError, match="no such quantity") as caught:
        fit.interval(quantity)
    assert caught.value.remedy


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 95.0, np.nan])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    with pytest.raises(UsageError, match="a level lies between 0 and 1"):
        DENTAL_TABLES["closed"].fit("weibull").interval("mean", level)


def dental(top: str, left: str = "ground_up", *, first: int = 0) -> Fits:
    return fit_all(DENTAL["edges"][first:], DENTAL["counts"][first:], top=top, left=left)


@pytest.fixture(scope="module")
def fits() -> Fits:
    return dental("open")


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


def test_the_interval_is_the_delta_method_on_the_logit(fits: Fits) -> None:
    best = fits.best
    table = curve_table(fits)
    assert table.filter(pl.col("family") != best.family)["low"].null_count() == len(table) - 40
    rows = table.filter(family=best.family)
    losses, params = rows["loss"].to_numpy(), np.array([*best.params.values()])

    def logit(at: np.ndarray) -> np.ndarray:
        return np.asarray(special.logit(SCIPY[best.family](*at).cdf(losses)))

    slope = np.array(
        [(logit(params + s) - logit(params - s)) / (2 * s.sum()) for s in np.diag(1e-4 * params)]
    )
    reach = stats.norm.ppf(0.975) * np.sqrt(np.einsum("ip,ij,jp->p", slope, best.covariance, slope))
    assert rows["low"].to_list() == pytest.approx(special.expit(logit(params) - reach).tolist(), rel=1e-3)
    assert rows["high"].to_list() == pytest.approx(special.expit(logit(params) + reach).tolist(), rel=1e-3)


def test_curves_without_a_likeliest_family_are_refused() -> None:
    few = fit_all((0, 1, 2, 3), (1, 1, 1), top="open", families=("lognormal", "gamma"))
    with pytest.raises(ModelRefused, match="too few losses"):
        curve_table(few)


# --- a table as a document ------------------------------------------------------------------------------

PAGE = """
id = "mine"
name = { en = "My losses", ko = "내 손실" }
unit = "won"
edges = [10, 20, 50.5, inf]
counts = [3, 0, 2]
top = "open"
left = "truncated"
note = "Read off a figure."
sources = ["a book"]
"""


def test_the_dental_claims_are_those_of_the_reference_case() -> None:
    page = load_grouped("dental-claims")
    assert list(page.edges) == DENTAL["edges"]
    assert list(page.counts) == DENTAL["counts"]
    assert (page.top, page.left) == ("closed", "ground_up")


@pytest.mark.parametrize("id_", bundled_ids("grouped"))
def test_every_bundled_table_says_where_it_is_printed(id_: str) -> None:
    page = load_grouped(id_)
    assert page.id == id_
    assert all(source.startswith("https://") for source in page.sources)
    assert page.name.ko
    assert load_grouped(data_root() / "grouped" / f"{id_}.toml") == page


def test_a_document_holds_what_is_written(write_document: Callable[[str], Path]) -> None:
    mine = load_grouped(write_document(PAGE))
    assert mine.edges == (10.0, 20.0, 50.5, math.inf)
    assert mine.counts == (3, 0, 2)
    assert (mine.top, mine.left, mine.sources) == ("open", "truncated", ("a book",))
    assert mine.note == Text(en="Read off a figure.")
    assert (mine.name["en"], mine.name["ko"]) == ("My losses", "내 손실")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[10, 20", "[20, 10", "is no table of losses: edges do not increase"),
        ("[10, 20", "[20, 20", "is no table of losses: edges do not increase"),
        ("counts = [3, 0, 2]", "counts = [3, 0]", "is no table of losses"),
        ("[3, 0, 2]", "[3, 0, 2.0]", "line 6, counts"),
        ("[3, 0, 2]", "[3, 0, true]", "line 6, counts"),
        ("[3, 0, 2]", "[3, 0, -2]", "line 6, counts"),
        ("[10, 20", "[-10, 20", "line 5, edges"),
        ("inf]", "nan]", "edges"),
        ('top = "open"', 'top = "closed"', "a closed top needs a last edge that is finite"),
        ('top = "open"', 'top = "OPEN"', "line 7, top"),
        ('left = "truncated"', 'left = "cut"', "line 8, left"),
        ('unit = "won"', 'unit = ""', "line 4, unit"),
        ('unit = "won"\n', "", "unit: a required key is missing"),
        ('["a book"]', "[]", "line 10, sources"),
        ('id = "mine"', 'id = "My table"', "line 2, id"),
        ("note =", "notes =", "Did you mean 'note'?"),
    ],
)
def test_what_is_no_table_is_refused_on_one_line(
    write_document: Callable[[str], Path], old: str, new: str, said: str
) -> None:
    assert old in PAGE
    with pytest.raises(UsageError, match=r"^page\.toml") as refusal:
        load_grouped(write_document(PAGE.replace(old, new, 1)))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
