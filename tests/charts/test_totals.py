"""Charts of the total and its doubt: their data, what they say, and the tables of a run behind them."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from outage_analysis.assumptions.distributions import Discrete, Distribution, Lognormal
from outage_analysis.charts import cost_data as uncertain
from outage_analysis.charts import draw
from outage_analysis.charts.axes import (
    dots_axis,
    even_ticks,
    log_ticks,
    money_range_ends,
    short_amount,
    short_number,
)
from outage_analysis.charts.dot_stacks import dot_layout
from outage_analysis.costs import build_portfolio, cost_table, simulate, totals
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation_tables import contributions, total_distribution_table, waterfall_steps
from outage_analysis.text import LANGUAGES, Locale, schema_of
from tests.charts.cost_tables import (
    POLICIES,
    RANGES,
    SWINGS,
    atoms,
    frame,
    lognormal_distribution,
    rows_with,
    steps_of,
    title_of,
)
from tests.costs.uncertain_portfolios import entry, term_of

if TYPE_CHECKING:
    from outage_analysis.assumptions import Ledger
    from outage_analysis.policies import Policy

SUM, SIGMA, DAY = 1e6, 0.8, date(2022, 12, 30)
EN, KO = Locale("en"), Locale("ko")


def portfolio(distribution: Distribution | None) -> Portfolio:
    """One sum of cash that is multiplied by a factor; without a law it is certain."""
    entries = {} if distribution is None else {"f": entry("realised_ratio", distribution, id="f")}
    return Portfolio((term_of(1, SUM, line="a", scales=entries, certain=True),), entries)


LOGNORMAL = Lognormal(median=1, sigma=SIGMA)


def spec_of(
    name: str,
    table: pl.DataFrame,
    lang: str = "en",
    names: dict[str, str] | None = None,
    *,
    synthetic: bool = False,
) -> dict[str, Any]:
    chart = draw(name, table, frame(lang, names, synthetic=synthetic))
    assert chart is not None
    found: dict[str, Any] = chart.to_dict()
    return found


def texts_of(spec: dict[str, Any]) -> list[str]:
    """What is written at a place of its own, each once."""
    layers = [layer["encoding"].get("text", {}).get("value") for layer in spec["layer"]]
    layers += [row["label"] for rows in spec["datasets"].values() for row in rows if "mark" in row]
    return list(dict.fromkeys(text for text in layers if text))


# --- the tables of a run ---------------------------------------------------------------------------------


def test_the_dots_of_a_lognormal_total_are_its_quantiles() -> None:
    table = total_distribution_table(simulate(portfolio(LOGNORMAL)))
    assert table.schema == schema_of("total_distribution").dtypes
    dots, oracle = table.filter(pl.col("mark").is_null()), stats.lognorm(SIGMA, scale=SUM)
    chances = [(n + 0.5) / 50 for n in range(50)]
    assert dots["below"].to_list() == pytest.approx(chances)
    assert oracle.cdf(dots["amount"].to_numpy()) == pytest.approx(chances, abs=2e-3)


def test_the_marks_are_the_expected_total_the_quantiles_and_the_budget() -> None:
    table = total_distribution_table(simulate(portfolio(LOGNORMAL)), budget=2 * SUM)
    marks = {r["mark"]: r for r in table.filter(pl.col("mark").is_not_null()).iter_rows(named=True)}
    oracle = stats.lognorm(SIGMA, scale=SUM)
    assert list(marks) == ["expected", "p10", "p50", "p90", "budget"]
    assert marks["expected"]["amount"] == pytest.approx(oracle.mean(), rel=1e-9)  # in closed form
    for mark, p in {"p10": 0.1, "p50": 0.5, "p90": 0.9}.items():
        assert marks[mark]["amount"] == pytest.approx(oracle.ppf(p), rel=0.01)
        assert marks[mark]["below"] == pytest.approx(p, abs=2e-3)
    assert marks["budget"]["below"] == pytest.approx(oracle.cdf(2 * SUM), abs=2e-3)


def test_a_certain_total_has_marks_and_one_line() -> None:
    table = total_distribution_table(simulate(portfolio(None)))
    assert table["mark"].null_count() == 0
    assert table["amount"].to_list() == [SUM] * 4
    spec = spec_of("total_distribution", table)
    assert title_of(spec) == "The total cash cost is certain: 1 million won"
    assert texts_of(spec) == ["certain 1m"]


def test_the_chance_of_nothing_is_marked_and_shown() -> None:
    distribution = Discrete(values=(0, 1, 2), probabilities=(0.3, 0.4, 0.3))
    table = total_distribution_table(simulate(portfolio(distribution)))
    assert table.filter(mark="p10")["amount"].item() == 0
    assert table.filter(mark="zero")["below"].item() == pytest.approx(0.3, abs=1e-3)
    dots = table.filter(pl.col("mark").is_null())["amount"].to_list()
    assert dots == pytest.approx([0] * 15 + [SUM] * 20 + [2 * SUM] * 15)
    spec = spec_of("total_distribution", table)
    assert title_of(spec).startswith("70% of the outcomes are at most 1 million won, 0% exceed 2 million won")
    assert "in 30%, nothing is paid" in " ".join(spec["title"]["subtitle"])


def test_too_few_draws_for_a_quantile_leave_nothing_to_draw() -> None:
    table = total_distribution_table(simulate(portfolio(LOGNORMAL), draws=2**8))
    assert "p90" not in table["mark"]
    assert draw("total_distribution", table, frame()) is None


def test_the_steps_of_one_line_are_its_bands_and_add_up_to_the_headline(
    policy: Policy, ledger: Ledger
) -> None:
    costs = cost_table(policy, ledger, as_of=DAY)
    run = simulate(build_portfolio(policy, ledger, as_of=DAY), draws=2**11)
    parts = contributions(run)
    table = waterfall_steps(costs, parts)
    assert table.schema == schema_of("steps").dtypes
    assert table.select("over", "up_to", "rule").rows() == [
        (0, 300_000, "pays"),
        (300_000, 500_000, "pays"),
        (500_000, None, "review"),
    ]
    headline = totals(costs).filter(valuation="cash")["expected"].item()
    assert table["expected"].sum() == pytest.approx(headline, rel=1e-9)
    assert table["tail"].sum() == pytest.approx(parts.filter(valuation="cash")["tail"].sum())


def costs_of(*rows: tuple[str, str, str, str | None, int, str, float]) -> pl.DataFrame:
    schema = ["line", "valuation", "level", "service", "over", "rule", "expected"]
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(up_to=pl.col("over") + 10, facts=pl.lit("F-1 F-2"))


def no_contributions() -> pl.DataFrame:
    return schema_of("contributions").frame()


def test_several_lines_are_the_steps_the_dearest_first_and_other_money_is_none() -> None:
    costs = costs_of(
        ("fees", "cash", "line", None, 0, "fee", 5.0),
        ("tiers", "cash", "line", None, 0, "schedule", 7.0),
        ("tiers", "cash", "band", None, 0, "pays", 7.0),
        ("goods", "face_value", "line", None, 0, "in_kind", 900.0),
    )
    table = waterfall_steps(costs, no_contributions())
    assert table.select("line", "expected", "tail").rows() == [("tiers", 7.0, 0.0), ("fees", 5.0, 0.0)]


def test_one_line_without_bands_is_one_step_and_no_chart() -> None:
    table = waterfall_steps(costs_of(("fees", "cash", "line", None, 0, "fee", 5.0)), no_contributions())
    assert table["line"].to_list() == ["fees"]
    assert draw("waterfall", table, frame()) is None


# --- what the charts are drawn from ----------------------------------------------------------------------


@given(st.lists(st.floats(1, 1e12), min_size=2, max_size=30), st.integers(2, 12))
def test_a_waterfall_of_few_bars_loses_nothing(amounts: list[float], most: int) -> None:
    rows = uncertain.waterfall_bars(steps_of(*amounts), most)
    assert len(rows) == min(len(amounts), most)
    assert rows["joined"].sum() == len(amounts)
    assert rows["percent"].sum() == 100
    exact = 100 * rows["expected"] / sum(amounts)
    assert (rows["percent"] - exact).abs().max() < 1  # type: ignore[operator] # there are rows
    assert rows["end"][-1] == pytest.approx(sum(amounts))
    if len(amounts) > most:  # what is joined is smaller than what is not
        assert rows["joined"][-1] == len(amounts) - most + 1
        assert sorted(rows["expected"][:-1]) == pytest.approx(sorted(amounts)[-(most - 1) :])


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (200_000_000, 300_000_000, ("200 million won", "300 million won")),
        (200_000_000, 200_100_000, ("200 million won", "200.1 million won")),
        (200_000_000, 200_000_000, ("200 million won", "200 million won")),
        (0, 5_000_000, ("0 won", "5 million won")),
    ],
)
def test_ends_of_a_range_have_the_digits_by_which_they_differ(
    low: float, high: float, ends: tuple[str, str]
) -> None:
    assert money_range_ends(Locale("en", "KRW", 0), low, high) == ends


# --- axes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "en", "ko"),
    [
        (189_915_880, "190m", "1.9억"),
        (6_180_000, "6.2m", "620만"),
        (996_000, "1m", "100만"),
        (15e9, "15bn", "150억"),
        (950, "950", "950"),
        (0, "0", "0"),
    ],
)
def test_an_amount_is_brief_in_the_step_that_a_person_says(amount: float, en: str, ko: str) -> None:
    assert (short_amount(EN, amount), short_amount(KO, amount)) == (en, ko)


def test_an_amount_of_cents_is_reported_in_whole_currency() -> None:
    assert short_amount(Locale("en", "EUR", 2), 123_456_700) == "1.2m"
    assert short_number(EN, 17_300_000, 3) == "17.3m"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (3e5, 6e9, [1e6, 1e7, 1e8, 1e9]),
        (5e6, 6e9, [1e7, 3e7, 1e8, 3e8, 1e9, 3e9]),
        (90, 600, [100, 200, 500]),
        (170, 205, [170, 180, 190, 200]),
        (0.05, 30, [0.1, 0.3, 1, 3, 10, 30]),
    ],
)
def test_ticks_of_a_log_axis_are_round_and_never_too_few(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)


@example(8500000000001.0, 1.15625)
@given(st.floats(1e-3, 1e13), st.floats(1.01, 1e9))
def test_every_axis_has_a_few_round_ticks_within_its_ends(low: float, times: float) -> None:
    for ticks, start in ((log_ticks(low, low * times), low), (even_ticks(0, low), 0)):
        assert 3 <= len(ticks) <= 16
        assert ticks == sorted(set(ticks))
        assert start <= ticks[0] * (1 + 1e-9)
        assert len({short_number(EN, tick, 6) for tick in ticks}) == len(ticks)


# --- what the charts say ---------------------------------------------------------------------------------


def test_the_chart_of_the_distribution_says_its_median_mean_and_upper_end() -> None:
    spec = spec_of("total_distribution", lognormal_distribution())
    assert title_of(spec) == (
        "About 160 million won: 1 in 10 outcomes is above 360 million won, half are below 100 million won"
    )
    assert texts_of(spec) == ["P90 360m", "mean 160m", "median 100m"]
    korean = spec_of("total_distribution", lognormal_distribution(), lang="ko")
    assert title_of(korean) == "약 1억 6,000만 원, 10번 중 1번은 3억 6,000만 원 초과, 절반은 1억 원 미만"


def test_a_budget_is_a_line_with_its_chance() -> None:
    spec = spec_of("total_distribution", lognormal_distribution(300e6))  # above it lies 1 - Phi(ln 3)
    assert texts_of(spec)[0] == "budget 300m: 14% above"
    assert title_of(spec).startswith("14% of the outcomes exceed the budget of 300 million won;")


def test_a_title_never_says_half_where_many_outcomes_equal_the_median() -> None:
    spec = spec_of("total_distribution", atoms((0, 0.3), (10e6, 0.4), (20e6, 0.28), (30e6, 0.02)))
    assert title_of(spec).startswith(
        "70% of the outcomes are at most 10 million won, 2.0% exceed 20 million won"
    )
    mostly_nothing = spec_of("total_distribution", atoms((0, 0.6), (10e6, 0.4)))
    assert title_of(mostly_nothing).startswith(
        "Nothing is paid in 60% of the outcomes; 0% exceed 10 million won"
    )


PRESS = (("press", "F-1", 250e6, 420e6), ("press", "F-2", None, 1e9))


def test_forecasts_carry_their_publishers_and_a_bound_is_an_arrow() -> None:
    names = {"F-1": "Dailian: tiers", "F-2": "The CFO: at most"}
    spec = spec_of("total_distribution", lognormal_distribution(published=PRESS), names=names)
    assert texts_of(spec)[:2] == ["The CFO at most 1bn", "Dailian 250m–420m"]  # the highest at the top
    shapes = [layer["mark"].get("shape") for layer in spec["layer"]]
    assert shapes.count("triangle-left") == 1
    unnamed = spec_of("total_distribution", lognormal_distribution(published=PRESS[:1]))
    assert texts_of(unnamed)[0] == "Press forecast 250m–420m"
    assert "F-1" not in str(unnamed["title"])


def test_only_a_table_of_hindsight_shows_what_happened() -> None:
    seen = lognormal_distribution(published=[("observed", "F-3", None, 50e6)])
    spec = spec_of("total_hindsight", seen)
    assert "What happened: about 50m" in texts_of(spec)
    # Up to 50 of a lognormal total with median 100 and sigma 1 lie Phi(ln 0.5) = 24.4 %.
    assert (
        title_of(spec) == "What happened: about 50 million won; 24% of the forecast outcomes are at most this"
    )
    assert not any(
        "happened" in text for text in texts_of(spec_of("total_distribution", lognormal_distribution()))
    )


def dots_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return rows_with(spec, "amount", "place", "level", "likely", "label", "share", "room")


def test_dots_in_the_likely_range_are_coloured_and_all_are_there() -> None:
    dots = dots_of(spec_of("total_distribution", lognormal_distribution()))
    assert len(dots) == 50
    assert sum(dot["likely"] for dot in dots) == 40  # 80 % of the outcomes


AMOUNTS = st.lists(st.floats(0, 1e12).map(lambda x: round(x, -3)), min_size=2, max_size=50).filter(any)


@given(AMOUNTS, st.floats(0, 1e9), st.floats(1, 1e12))
def test_dots_keep_their_places_and_never_overlap(
    amounts: list[float], likely_low: float, budget: float
) -> None:
    layout = dot_layout(amounts, [max(amounts)], likely_low, budget)
    assert sorted(dot["amount"] for dot in layout.dots) == sorted(amounts)
    for dot in layout.dots:
        assert layout.low <= dot["place"] <= layout.high
        alike = sum(other["amount"] == dot["amount"] for other in layout.dots)
        if not (layout.log and dot["place"] < layout.start):
            moved = abs(layout.place(dot["amount"]) - dot["place"])
            assert moved <= layout.width * (1 + alike / 2) * (1 + 1e-6)
            if alike == 1 and dot["amount"] != pytest.approx(budget):
                assert (dot["amount"] > budget) == (dot["place"] > layout.place(budget))
    rows: dict[float, list[float]] = {}
    for dot in layout.dots:
        rows.setdefault(dot["level"], []).append(dot["place"])
    for places in rows.values():
        gaps = [b - a for a, b in pairwise(sorted(places))]
        assert min(gaps, default=layout.width) >= layout.width * (1 - 1e-6)


def test_equal_amounts_stand_side_by_side_and_narrow_ranges_have_a_linear_axis() -> None:
    layout = dot_layout([0.0] * 12 + [10.0] * 12 + [20.0], [20.0], 0.0, 20.0)
    assert not layout.log
    assert max(dot["level"] for dot in layout.dots) == 5  # two columns of six
    assert layout.low < 0  # room for the columns beside 0
    assert dot_layout([90.0, 100.0, 110.0], [], 90.0, 110.0).low > 50  # no axis from 0 for close amounts


def test_amounts_too_small_for_a_log_axis_share_a_place_with_a_name() -> None:
    amounts = [0.0, 0.0, 1e3, *(1e6 * 2**n for n in range(10))]
    layout = dot_layout(amounts, [], 1e6, 1e8)
    assert layout.log
    assert layout.small is not None
    assert layout.small < layout.start
    only_zeros = dot_layout([0.0, 0.0, *amounts[3:]], [], 1e6, 1e8)
    labels, zeros = (json.dumps(dots_axis(x, EN, "").to_dict()) for x in (layout, only_zeros))
    assert r"[\"<" in labels
    assert r"[\"0\"" in zeros


def test_the_waterfall_names_its_largest_step_and_ends_in_the_sum() -> None:
    spec = spec_of("waterfall", steps_of(20e6, 30e6, 150e6))
    assert title_of(spec) == "201 to 300, individual review: 75% of the expected cash cost"
    rows = rows_with(spec, "name", "start", "end", "label", "sum")
    assert [(r["start"], r["end"], r["label"]) for r in rows] == [
        (0, 20e6, "20m (10%)"),
        (20e6, 50e6, "30m (15%)"),
        (50e6, 200e6, "150m (75%)"),
        (0, 200e6, "200m (100%)"),
    ]


def test_the_waterfall_names_its_sources_and_never_calls_the_joined_steps_the_largest() -> None:
    spec = spec_of("waterfall", steps_of(*[1e6] * 18, 2e6, 3e6))
    assert title_of(spec).startswith("1,901 to 2,000, individual review: 13%")  # 9 others have 39 %
    cited = spec_of("waterfall", steps_of(1e6, 2e6).with_columns(facts=pl.lit("CO-07 CO-09 CO-99")))
    assert cited["title"]["subtitle"][-1] == "Sources: v.daum.net, thecfo.kr. As of 30 December 2022."


def test_the_tornado_names_the_widest_input_and_labels_each_end_with_cost_and_input() -> None:
    names = {"filing": "Filing share: of those who reported", "backlog": "Backlog"}
    spec = spec_of("tornado", SWINGS, names=names)
    assert (
        title_of(spec)
        == "Filing share matters most: expected cash cost from 13 million won to 510 million won"
    )
    rows = rows_with(spec, "name", "left", "right", "label")
    assert [r["label"] for r in rows] == [
        "13m–510m (2.0%–64%)",
        "82m–470m (100k–1.1m)",
        "76m–340m (P10–P90)",
        "110m–240m (×2.5–×1.2)",
    ]
    scale = spec["layer"][0]["encoding"]["x"]["scale"]
    assert (scale["type"], scale["domain"][0]) == ("linear", 0)  # as on the slides and in the workbook


def test_an_input_that_can_bring_the_cost_to_nothing_starts_at_nothing() -> None:
    table = SWINGS.head(1).with_columns(cost_low=pl.lit(0.0))
    row = rows_with(spec_of("tornado", table), "name", "left", "right", "label")[0]
    assert row["left"] == 0
    assert row["label"] == "0–510m (2.0%–64%)"


def test_separate_sums_have_their_range_their_median_and_what_was_announced() -> None:
    spec = spec_of("separate_sums", RANGES)
    finding = "Handling costs more than the cash: the medians are 270 million won and 50 million won"
    assert title_of(spec) == finding
    (rows,) = spec["datasets"].values()
    assert [r["label"] for r in rows] == [
        "50m (1m–440m)",
        "270m (110m–580m)",
        "66bn (9bn–400bn), list price 600bn",
        "40bn (13bn–130bn), announced 40bn",
    ]
    assert draw("separate_sums", RANGES.filter(valuation="cash"), frame()) is None  # nothing to set beside it


def test_free_goods_show_expected_range_and_list_price_with_an_honest_share() -> None:
    spec = spec_of("free_goods", RANGES)
    # 150 of 600 billion, from 9 to 400.
    assert (
        title_of(spec)
        == "At list price, 25% of the free goods are expected to be taken up (P10 1.5%, P90 67%)"
    )
    (rows,) = spec["datasets"].values()
    assert [r["label"] for r in rows] == ["90bn (1bn–220bn) of 360bn", "60bn (1bn–170bn) of 240bn"]
    assert draw("free_goods", RANGES.filter(valuation="cash"), frame()) is None


def test_the_comparison_names_the_policy_that_is_most_often_cheapest() -> None:
    names = {
        "fees": "Candidate: fees",
        "proof": "Candidate: cash on proof",
        "voucher": "Candidate: a voucher",
    }
    spec = spec_of("comparison", POLICIES, names=names)
    assert title_of(spec) == "Cash on proof: the cheapest in 70% of the outcomes"
    rows = rows_with(spec, "name", "label", "range_low", "range_high", "expected", "most")
    assert [(r["name"], r["label"]) for r in rows] == [
        ("Fees", "1.7bn"),
        ("Cash on proof", "1.8bn (40m–4.6bn)"),
        ("A voucher", "15bn (1bn–40bn)"),
    ]
    assert draw("comparison", POLICIES.head(1), frame()) is None


STAGES = ["reported", "ultimate", "entitled", "new", "filed", "paid"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_funnel_has_a_word_for_every_stage(lang: str) -> None:
    counts = [8461.0, 9000.0, 8000.0, 300.0, 2000.0, 1600.0]
    table = pl.DataFrame({"line": "a", "stage": STAGES, "low": 0.0, "expected": counts, "high": counts})
    spec = spec_of("funnel", table, lang=lang)
    (rows,) = spec["datasets"].values()
    assert len({r["stage"] for r in rows}) == len(STAGES)
    assert "8,461" in title_of(spec)
    assert "1,600" in title_of(spec)
