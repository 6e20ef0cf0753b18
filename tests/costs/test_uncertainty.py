"""The law of a total when its inputs are uncertain, beside closed forms, brute force and simulation."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from outage_analysis.analysis import Analysis, Plan, run as run_plan
from outage_analysis.assumptions import Assumption
from outage_analysis.assumptions.distributions import Beta, Discrete, Lognormal, Pert, Uniform
from outage_analysis.cli.console import Output
from outage_analysis.costs import build_portfolio, simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation import (
    Estimate,
    Sample,
    SampledTotal,
    Simulation,
    budget_chance,
    cost_ranges,
    rounded_probability,
)
from outage_analysis.errors import ModelRefused, OutageAnalysisError, UsageError
from outage_analysis.reports import write_report
from outage_analysis.text import LANGUAGES, Locale, schema_of
from tests.contract.report_texts import page_text, pdf_pages, slides_of, workbook_of
from tests.costs.test_payouts import policy_of
from tests.costs.uncertain_portfolios import (
    DAY,
    FEW,
    PROBABILITIES,
    REPORTS,
    SHARE_LINE,
    TIERS,
    distribution_of,
    entry,
    ledger_of,
    mix,
    near,
    portfolio,
    sd,
    shops,
    term_of,
    variance_by_chance,
)
from tests.loss_cubes import counts_only, loss_cube

# --- samples ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lognormals() -> Sample:
    """Sixteen replicates of evenly spread lognormal amounts."""
    points = (np.arange(2**10) + np.random.default_rng(1).random((16, 2**10))) / 2**10
    return Sample(stats.lognorm(0.5).ppf(points))


def test_a_sample_gives_the_quantiles_chances_and_tail_means_of_its_distribution(lognormals: Sample) -> None:
    oracle = stats.lognorm(0.5)
    for x in (0.2, 1.0, 2.5):
        assert near(lognormals.exceedance(x), oracle.sf(x), within=6)
    for p in (0.1, 0.5, 0.9):
        root = oracle.ppf(p)
        assert lognormals.quantile(p).value == pytest.approx(root, abs=6 * lognormals.quantile(p).error)
        beyond = oracle.expect(lambda x: x, lb=root) / (1 - p)
        assert lognormals.tvar(p).value == pytest.approx(beyond, rel=2e-3)
    assert near(lognormals.expected, oracle.mean(), within=6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("place", [0, 1])
def test_a_draw_that_is_no_sum_is_refused(bad: float, place: int) -> None:
    amounts = [np.ones((8, 4)), np.ones((8, 4))]
    amounts[place][2, 1] = bad
    with pytest.raises(ModelRefused, match="no number, or infinite or negative") as refusal:
        SampledTotal(*amounts)
    assert refusal.value.remedy


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, 1.5, np.nan])
def test_what_is_no_probability_has_no_quantile_and_no_tail(lognormals: Sample, p: float) -> None:
    for ask in (lognormals.quantile, lognormals.tvar):
        with pytest.raises(UsageError, match="a probability lies between 0 and 1"):
            ask(p)


def test_a_quantile_that_the_draws_do_not_support_is_refused_with_what_would() -> None:
    folio = portfolio(term_of(10**9, 5, "acceptance"), entries=[entry("acceptance", Beta(a=8, b=2))])
    distribution = distribution_of(folio)
    for ask, p in itertools.product((distribution.quantile, distribution.tvar), (0.999, 0.001)):
        with pytest.raises(ModelRefused, match=r"16,384 draws do not support the .* % quantile") as refusal:
            ask(p)
        assert refusal.value.remedy == "Take draws=65536 or more."
    assert distribution_of(folio, draws=2**16).quantile(0.999).error > 0


# --- atoms ------------------------------------------------------------------------------------------


def test_a_sum_that_has_no_short_binary_form_is_a_point_too() -> None:
    distribution = distribution_of(portfolio(term_of(3, 0.1, certain=True)))
    assert distribution.quantile(0.9999) == Estimate(3 * 0.1, 0)
    assert np.ptp(distribution.mean) == 0


@pytest.mark.parametrize(
    ("filed", "shares", "point"),
    [(1, (1, 0, 0), 253_830_000), (1, (0, 1, 0), 423_050_000), (0, (0.5, 0.3, 0.2), 0)],
)
def test_the_published_range_and_nothing_are_the_distribution_of_a_point(
    filed: float, shares: tuple[float, ...], point: int
) -> None:
    rates = (entry("filing_share", filed), entry("acceptance", 1 if filed else Beta(a=1, b=1)))
    ledger = ledger_of(*rates, entry("review_award", 222_500), mix(*shares))
    run = simulate(build_portfolio(shops(), ledger, as_of=DAY))
    distribution = run.totals["cash"]
    for p in (0.0001, 0.1, 0.5, 0.9, 0.9999):  # every quantile, however few the draws
        assert distribution.quantile(p) == Estimate(point, 0.0)
    assert distribution.tvar(0.95) == distribution.expected == Estimate(point, 0.0)
    assert [distribution.exceedance(x).value for x in (point, point - 1)] == [0, 1]
    assert np.ptp(distribution.mean) == variance_by_chance(run) == 0


def test_an_atom_at_the_quantile_counts_in_the_tail_for_what_lies_above_p() -> None:
    coin = entry("acceptance", Discrete(values=(0, 1), probabilities=(0.5, 0.5)))
    run = simulate(portfolio(term_of(1, 80, "acceptance", certain=True), entries=[coin]))
    distribution = run.totals["cash"]
    assert (distribution.quantile(0.3), distribution.quantile(0.7)) == (Estimate(0, 0), Estimate(80, 0))
    assert (
        distribution.quantile(0.5).value == 0
    )  # the smallest total that is not exceeded with one chance in two
    assert distribution.tvar(0.3).value == pytest.approx(80 * 0.5 / 0.7)
    assert distribution.tvar(0.7).value == pytest.approx(80)


# --- beside exact laws ------------------------------------------------------------------------------


def test_a_valid_rate_that_is_uncertain_gives_a_beta_binomial_number() -> None:
    """Reference case beta_binomial_validity: 8,461 claims, of which Beta(80, 20) are valid."""
    acceptance = entry("acceptance", Beta(a=80, b=20))
    run = simulate(portfolio(term_of(REPORTS, 1, "acceptance"), entries=[acceptance]), draws=2**18)
    distribution = run.totals["cash"]
    assert distribution.expected.value == pytest.approx(6768.8, abs=4 * distribution.expected.error)
    assert distribution.expected.error < 1.5 * 6768.8e-6
    assert sd(run) == pytest.approx(338.74461538959633, rel=1e-4)
    for p, expected in {0.5: 6786, 0.9: 7192, 0.99: 7477, 0.999: 7658}.items():
        assert (
            abs(distribution.quantile(p).value + 0.5 - expected) <= 1.5
        )  # a gamma law knows no whole numbers


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.05, *PROBABILITIES])
def test_the_numerical_error_of_a_quantile_is_what_it_may_be_off(p: float) -> None:
    """A sum times a lognormal ratio: the errors of 40 seeds, in units of what they are said to be."""
    ratio = Lognormal(median=1, sigma=0.9)
    folio = portfolio(
        term_of(1, 1, scales=("ultimate", "realised-ratio"), certain=True),
        entries=[entry("realised_ratio", ratio), entry("ultimate", Pert(low=1, mode=1.2, high=3))],
    )
    rng = np.random.default_rng(5)
    truth = np.quantile(
        ratio.quantile(rng.random(10**6)) * Pert(low=1, mode=1.2, high=3).quantile(rng.random(10**6)), p
    )
    found = [distribution_of(folio, seed=seed, draws=FEW * 8).quantile(p) for seed in range(12)]
    off = np.array([(x.value - truth) / x.error for x in found])
    assert np.all(np.abs(off) < 8)
    assert 0.1 < np.sqrt(np.mean(off**2)) < 3


# --- correlations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranks", "error", "message"),
    [
        ({"acceptance": 0.9, "entitled-share": -0.9}, ModelRefused, "contradict each other"),
        ({"band-mix": 0.5}, UsageError, "correlation of filing-share with band-mix"),  # which is certain
    ],
)
def test_correlations_that_cannot_be_are_refused_in_words(
    ranks: dict[str, float], error: type[OutageAnalysisError], message: str
) -> None:
    tied = {("filing-share", other): rank for other, rank in ranks.items()}
    ledger = ledger_of(
        *(entry(kind, Beta(a=1, b=1)) for kind in ("filing_share", "acceptance", "entitled_share")),
        entry("review_award", 5),
        mix(0.5, 0.3, 0.2),
        correlations=tied | {("acceptance", "entitled-share"): 0.9},
    )
    with pytest.raises(error, match=message) as refusal:
        simulate(build_portfolio(shops(), ledger, as_of=DAY))
    assert refusal.value.remedy


# --- ranges of lines and totals ---------------------------------------------------------------------


@pytest.mark.parametrize(("level", "ends"), [(80, (0.1, 0.9)), (90, (0.05, 0.95))])
def test_ranges_of_lines_and_totals_are_those_of_their_distributions(
    level: int, ends: tuple[float, float]
) -> None:
    priors = {"f": Uniform(low=0, high=2), "g": Lognormal(median=1, sigma=0.5)}
    drawn = [("a", "face_value", 1e6, "f"), ("b", "face_value", 2e6, "f"),  # the quantiles of both add up
             ("c", "top_down", 1e6, "g"), ("a", "cash", 4e6, "g")]  # fmt: skip
    terms = tuple(
        term_of(1, amount, line=line, valuation=valuation, scales=(name,), certain=True)
        for line, valuation, amount, name in drawn
    )
    run = simulate(Portfolio(terms, {x: entry("realised_ratio", prior, id=x) for x, prior in priors.items()}))
    stated = [("a", "face_value", 3e6, "F-1 F-2"), ("b", "face_value", 5e6, "F-2"),
              ("c", "top_down", None, "F-3"), ("a", "cash", 9e6, "F-4")]  # fmt: skip
    costs = pl.DataFrame(stated, schema=["line", "valuation", "promised", "facts"], orient="row")
    table = cost_ranges(run, costs.with_columns(level=pl.lit("line")), level=level)
    assert table.schema == schema_of("cost_ranges").dtypes
    # Only list prices and announced totals are announced: not what every report would cost in cash.
    assert table.select("valuation", "line", "announced").rows() == [
        ("face_value", "", 8e6),
        ("face_value", "a", 3e6),
        ("face_value", "b", 5e6),
        ("top_down", "", None),
        ("top_down", "c", None),
        ("cash", "", None),
        ("cash", "a", None),
    ]
    assert table["facts"][0] == "F-1 F-2"
    uniform, lognormal = stats.uniform(0, 2), stats.lognorm(0.5)
    oracles = [(3e6, uniform), (1e6, uniform), (2e6, uniform)]
    oracles += [(scale, lognormal) for scale in (1e6, 1e6, 4e6, 4e6)]
    for row, (scale, oracle) in zip(table.iter_rows(named=True), oracles, strict=True):
        for column, p in zip(("range_low", "p50", "range_high"), (ends[0], 0.5, ends[1]), strict=True):
            assert row[column] == pytest.approx(scale * oracle.ppf(p), rel=0.02)
        assert row["expected"] == pytest.approx(scale * oracle.mean(), rel=1e-9)


# --- cubes of claims --------------------------------------------------------------------------------


def test_a_cube_that_does_not_say_what_is_paid_has_no_distribution() -> None:
    ledger, cube = ledger_of(*BASE[:2]), loss_cube([3, 20, 5_000], 100)
    for policy, one in (
        (policy_of({"band": TIERS}), loss_cube([400_001], 500_000)),
        (policy_of(SHARE_LINE), counts_only(cube)),
    ):
        folio = build_portfolio(policy, ledger, as_of=DAY, cubes=[one])
        assert (folio.terms, folio.left_out) == ((), {"cash": ("line-0",)})
        with pytest.raises(ModelRefused, match="nothing can be drawn"):
            simulate(folio)


# --- terms of the funnel --------------------------------------------------------------------------


BASE = (
    entry("filing_share", 0.4),
    entry("acceptance", 0.5),
    entry("review_award", 90_000),
    mix(0.5, 0.3, 0.2),
)
ONE, SQUARE = 0.5 * 30e3 + 0.3 * 50e3 + 0.2 * 90e3, 0.5 * 30e3**2 + 0.3 * 50e3**2 + 0.2 * 90e3**2


SHOPS = {"published_count": "CL-13", "band": TIERS}
MILLION = 10**6
FEE = {"kind": "fee_credit", "amount": 50, "recipients": "PG-04.users"}
GOOD = {
    "kind": "in_kind",
    "effort": "one_tap",
    "face_value": 300,
    "recipients": "US-03",
    "cap": "PG-04.users",
}  # 48 and 3 million people


def run_of(line: dict[str, Any], *entries: Assumption) -> Simulation:
    return simulate(build_portfolio(policy_of(line), ledger_of(*entries), as_of=DAY), draws=2**13)


def thinned(trials: float, rate: float, one: float = ONE, square: float = SQUARE) -> tuple[float, float]:
    """Mean and variance of what so many claims are paid, each with this rate."""
    return trials * rate * one, trials * (rate * square - (rate * one) ** 2)


RATES, PAID, KINDS = BASE[:2], 240_000, ("filing_share", "acceptance")


@pytest.mark.parametrize(
    ("line", "entries", "moments"),
    [
        (SHOPS, BASE, thinned(REPORTS, 0.2)),
        (SHOPS, (*BASE, entry("ultimate", 1.5)), thinned(1.5 * REPORTS, 0.2)),
        (SHOPS, (*BASE, entry("entitled_share", 0.5)), thinned(REPORTS, 0.1)),
        (SHOPS, (*BASE, entry("claimant_share", 0.8), entry("entitled_share", 0.5)), thinned(REPORTS, 0.08)),
        (SHOPS, (*BASE, entry("ultimate", 1.5), entry("entitled_share", 0.8)), thinned(1.5 * REPORTS, 0.16)),
        (
            SHOPS,
            (*RATES, BASE[3], entry("review_award", 90_000, spread=1)),
            thinned(REPORTS, 0.2, ONE, SQUARE + 0.2 * 90e3**2),  # the spread adds to the squares of awards
        ),
        (SHOPS, (*RATES, entry("mean_payment", PAID)), thinned(REPORTS, 0.2, PAID, PAID**2)),
        (
            SHOPS,
            (*RATES, entry("mean_payment", PAID, spread=0.5)),
            thinned(REPORTS, 0.2, PAID, PAID**2 * 1.25),
        ),
        (SHOPS, (entry("filing_share", 1), entry("acceptance", 1), *BASE[2:]), thinned(REPORTS, 1)),
        (GOOD | {"cap": None}, (entry("take_up", 0.25),), thinned(48 * MILLION, 0.25, 300, 300**2)),
        (FEE, (entry("filing_share", 0.5), entry("acceptance", 0.2)), thinned(3 * MILLION, 0.1, 50, 50**2)),
        ({"kind": "budget", "amount": 1_000}, (entry("take_up", 0.25),), (250, 0)),
        # What is certain has no variance.
        (SHOPS, (*(entry(x, 1) for x in KINDS), entry("mean_payment", PAID)), (REPORTS * PAID, 0)),
        ({"kind": "budget", "amount": 1_000, "effort": "automatic"}, (entry("ultimate", 1),), (1_000, 0)),
        (FEE | {"effort": "automatic"}, (entry("ultimate", 1),), (50 * 3 * MILLION, 0)),
    ],
)
def test_a_line_has_the_mean_and_the_variance_of_its_claims(
    line: dict[str, Any], entries: tuple[Assumption, ...], moments: tuple[float, float]
) -> None:
    run = run_of(line, *entries)
    (distribution,) = run.totals.values()
    assert (distribution.mean.mean(), variance_by_chance(run)) == pytest.approx(moments)
    assert near(distribution.expected, moments[0])


# --- lines of other kinds ---------------------------------------------------------------------------


def test_a_capped_good_serves_the_lesser_of_those_who_ask_and_the_cap() -> None:
    rate, cap = Beta(a=2, b=18), 3 / 48
    distribution = run_of(GOOD, entry("take_up", rate)).totals["face_value"]
    assert near(distribution.expected, 300 * 48 * MILLION * rate.capped_mean(cap))
    assert distribution.exceedance(1.01 * 300 * 3 * MILLION).value == 0
    just_below = distribution.exceedance(300 * 3 * MILLION * 0.999)
    assert near(just_below, 1 - float(rate.cdf([cap * 0.999])[0]), rel=2e-3)
    assert distribution.quantile(0.9) == Estimate(300 * 3 * MILLION, 0)
    assert distribution.quantile(0.2).value == pytest.approx(
        300 * 48 * MILLION * float(rate.quantile([0.2])[0]), rel=2e-3
    )


# --- the chance of exceeding a budget, the lines that it counts, and inputs that move together --------------

LEFT_OUT = (
    *("taxi-pro-membership", "designated-driver-pro", "emoticon-plus", "talk-drawer-plus-subscribers"),
    *("melon-passes", "t-blue-fee-waiver", "bike-scooter-overcharges"),
)
"""Cash lines of the Kakao policy without an expected cost."""
TOGETHER = {
    "en": "{share} if the inputs tend to be high or low together",
    "ko": "입력값들이 함께 커지거나 작아지는 경향이 있으면 {share}",
}


@pytest.fixture(scope="module")
def kakao() -> Analysis:
    """The bundled case with the budget of the issue."""
    return run_plan(Plan(budget=300_000_000, claims=()))


def test_the_chance_comes_with_its_scope_and_with_the_chance_if_inputs_move_together(kakao: Analysis) -> None:
    row = kakao.tables["budget"].row(0, named=True)
    assert row["exceeded"] == pytest.approx(0.22, abs=0.02)
    assert row["stressed"] == pytest.approx(0.31, abs=0.02)
    assert row["counted"].split() == ["small-business-cash"]
    assert set(row["left_out"].split()) == set(LEFT_OUT)
    assert kakao.lines_outside_budget == row["left_out"].split()
    assert kakao.to_dict()["uncertainty"]["published"]["budget"] == [row]


def test_the_chance_under_rank_correlation_is_that_of_the_product_of_two_lognormals() -> None:
    """Oracle: ln(a b) is normal with variance s1^2 + s2^2 + 2 r s1 s2, where r = 2 sin(pi rank / 6)."""
    first, second = 0.8, 0.5
    inputs = {
        "a": entry("paid_total", Lognormal(median=1_000, sigma=first), id="a"),
        "b": entry("paid_total", Lognormal(median=1.5, sigma=second), id="b"),
    }
    line = term_of(1, 1, scales=("a", "b"), certain=True)
    folio = Portfolio((line,), inputs, left_out={"cash": ("line-1", "line-2"), "face_value": ("gift",)})
    table = budget_chance(simulate(folio), 4_000.0)
    assert table is not None
    row = table.row(0, named=True)

    def above(correlation: float) -> float:
        sd = math.sqrt(first**2 + second**2 + 2 * correlation * first * second)
        return 1 - NormalDist(math.log(1_500), sd).cdf(math.log(4_000))

    assert row["exceeded"] == pytest.approx(above(0), abs=0.003)
    assert row["stressed"] == pytest.approx(above(2 * math.sin(math.pi * 0.5 / 6)), abs=0.003)
    assert row["stressed"] > row["exceeded"] + 0.02
    assert (row["counted"], row["left_out"]) == ("line-0", "line-1 line-2")


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_format_says_the_scope_and_names_what_is_left_out(
    kakao: Analysis, tmp_path: Path, lang: str
) -> None:
    folder = write_report(kakao, tmp_path / lang, lang=lang, formats=("html", "pdf", "xlsx", "pptx")).parent
    slides = [text for slide in slides_of(folder) for text in slide]
    texts = (page_text(folder), *pdf_pages(folder / "report.pdf")), workbook_of(folder).texts(), slides
    names, share = kakao.names(lang), Locale(lang).share(kakao.tables["budget"]["stressed"][0])
    for found in (texts[0][:1], texts[0][1:], *texts[1:]):
        written = "".join("".join(found).split())
        for said in (TOGETHER[lang].format(share=share), *(names[line] for line in LEFT_OUT)):
            assert "".join(said.split()) in written, said


def test_the_terminal_answers_first_and_names_what_it_leaves_out(
    kakao: Analysis, capsys: pytest.CaptureFixture[str]
) -> None:
    w, row = Locale("en"), kakao.tables["budget"].row(0, named=True)
    Output().print_answer(kakao.answer())
    out = capsys.readouterr().out
    (stressed,) = kakao.tables["quantiles"].filter(valuation="cash", measure="p90")["stressed"]
    answer = out.split("\n\n")[0].splitlines()
    share = "This is 0.43% of cash plus paid services."
    assert answer[2].startswith(f"{share} The cash excludes the handling of claims")
    assert [answer[1], *answer[3:5]] == [
        (
            "The chance of exceeding the budget of 300 million won is "
            f"{w.share(row['exceeded'])}, or {w.share(row['stressed'])} "
            "if the inputs tend to be high or low together."
        ),
        (
            "If all 8,461 reports got a tier payment, cash would be 254–423 million won. "
            "Awards above the tiers have no published limit."
        ),
        f"If the inputs tend to be high or low together, 1 in 10 outcomes is above {w.money(stressed)}.",
    ]
    names = kakao.names("en")
    (omitted,) = re.findall("^Left out, because they have no expected cost: .*$", out, re.MULTILINE)
    (later,) = re.findall("^Not public by .*$", out, re.MULTILINE)
    assert [x for x in LEFT_OUT if names[x] not in omitted] == []
    assert [x for x in kakao.dropped_lines if names[x] not in later] == []


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(5.88e-298, 1e-298), Estimate(0.0, 0.0)),
        (Estimate(9e-16, 0.0), Estimate(0.0, 0.0)),
        (Estimate(2e-15, 0.0), Estimate(2e-15, 0.0)),
        (Estimate(0.15119, 0.00123), Estimate(0.151, 0.0012)),
    ],
)
def test_a_probability_below_1e_15_is_zero(estimate: Estimate, expected: Estimate) -> None:
    assert rounded_probability(estimate) == expected


def test_a_budget_is_stated_with_every_digit_that_was_given() -> None:
    assert Locale("en").money_in_full(312_345_678) == "312.345678 million won"
    assert Locale("ko").money_in_full(312_345_678) == "3억 1,234만 5,678원"
    assert Locale("en", "EUR", 2).money_in_full(123_456_789_012) == "1.23456789012 billion euros"
    assert Locale("en").money_in_full(300_000_000) == "300 million won"
