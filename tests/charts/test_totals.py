"""The charts of a total cost, and what charts are drawn from: nothing overlaps, and nothing is lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise, product
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, strategies as st
from scipy import stats

from outage_analysis.assumptions.distributions import Discrete, Distribution, Lognormal
from outage_analysis.charts import draw, intake_charts, loss_charts as data
from outage_analysis.charts.cost_charts import waterfall_bars
from outage_analysis.charts.theme import log_ticks, short_amount
from outage_analysis.charts.total_charts import dot_layout
from outage_analysis.costs import simulate
from outage_analysis.costs.expected import Portfolio
from outage_analysis.costs.simulation import total_distribution_table, waterfall_steps
from outage_analysis.incidents import UNKNOWN, ZERO, Band
from outage_analysis.text import Locale, schema_of
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

SUM, SIGMA, DAY = 1e6, 0.8, date(2022, 12, 30)
EN, KO = Locale("en"), Locale("ko")


def portfolio(distribution: Distribution | None) -> Portfolio:
    """One sum of cash that is multiplied by a factor; without a law it is certain."""
    entries = {} if distribution is None else {"f": entry("realised_ratio", distribution, id="f")}
    return Portfolio((term_of(1, SUM, line="a", scales=entries, certain=True),), entries)


LOGNORMAL = Lognormal(median=1, sigma=SIGMA)


def spec_of(
    name: str, table: pl.DataFrame, lang: str = "en", names: dict[str, str] | None = None
) -> dict[str, Any]:
    chart = draw(name, table, frame(lang, names))
    assert chart is not None
    found: dict[str, Any] = chart.to_dict()
    return found


def texts_of(spec: dict[str, Any]) -> list[str]:
    """What is written at a place of its own, each once."""
    layers = [layer["encoding"].get("text", {}).get("value") for layer in spec["layer"]]
    layers += [row["label"] for rows in spec["datasets"].values() for row in rows if "mark" in row]
    return list(dict.fromkeys(text for text in layers if text))


# --- the tables of a run ---------------------------------------------------------------------------------


def test_dots_and_marks_of_a_lognormal_total_are_its_quantiles() -> None:
    table = total_distribution_table(simulate(portfolio(LOGNORMAL)), budget=2 * SUM)
    oracle, chances = stats.lognorm(SIGMA, scale=SUM), [(n + 0.5) / 50 for n in range(50)]
    assert table.schema == schema_of("total_distribution").dtypes
    dots = table.filter(pl.col("mark").is_null())
    assert dots["below"].to_list() == pytest.approx(chances)
    assert oracle.cdf(dots["amount"].to_numpy()) == pytest.approx(chances, abs=2e-3)
    marks = {r["mark"]: r for r in table.filter(pl.col("mark").is_not_null()).iter_rows(named=True)}
    assert list(marks) == ["expected", "p10", "p50", "p90", "budget"]
    assert marks["expected"]["amount"] == pytest.approx(oracle.mean(), rel=1e-9)  # in closed form
    for mark, p in {"p10": 0.1, "p50": 0.5, "p90": 0.9}.items():
        assert marks[mark]["amount"] == pytest.approx(oracle.ppf(p), rel=0.01)
        assert marks[mark]["below"] == pytest.approx(p, abs=2e-3)
    assert marks["budget"]["below"] == pytest.approx(oracle.cdf(2 * SUM), abs=2e-3)


def test_a_certain_total_has_marks_and_no_distribution_to_draw() -> None:
    table = total_distribution_table(simulate(portfolio(None)))
    assert table["mark"].null_count() == 0
    assert table["amount"].to_list() == [SUM] * 4
    assert draw("total_distribution", table, frame()) is None


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


def costs_of(*rows: tuple[str, str, str, str | None, int, str, float]) -> pl.DataFrame:
    schema = ["line", "valuation", "level", "service", "over", "rule", "expected"]
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(up_to=pl.col("over") + 10, facts=pl.lit("F-1 F-2"))


def test_several_lines_are_the_steps_the_dearest_first_and_other_money_is_none() -> None:
    costs = costs_of(
        ("fees", "cash", "line", None, 0, "fee", 5.0),
        ("tiers", "cash", "line", None, 0, "schedule", 7.0),
        ("tiers", "cash", "band", None, 0, "pays", 7.0),
        ("goods", "face_value", "line", None, 0, "in_kind", 900.0),
    )
    table = waterfall_steps(costs)
    assert table.select("line", "expected").rows() == [("tiers", 7.0), ("fees", 5.0)]


# --- what the charts are drawn from ----------------------------------------------------------------------


@given(st.lists(st.floats(1, 1e12), min_size=2, max_size=30), st.integers(2, 12))
def test_a_waterfall_of_few_bars_loses_nothing(amounts: list[float], most: int) -> None:
    rows = waterfall_bars(steps_of(*amounts), most)
    assert len(rows) == min(len(amounts), most)
    assert rows["joined"].sum() == len(amounts)
    assert rows["percent"].sum() == 100
    exact = 100 * rows["expected"] / sum(amounts)
    assert (rows["percent"] - exact).abs().max() < 1  # type: ignore[operator] # there are rows
    assert rows["end"][-1] == pytest.approx(sum(amounts))
    if len(amounts) > most:  # what is joined is smaller than what is not
        assert rows["joined"][-1] == len(amounts) - most + 1
        assert sorted(rows["expected"][:-1]) == pytest.approx(sorted(amounts)[-(most - 1) :])


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


@example(8500000000001.0, 1.15625)
@given(st.floats(1e-3, 1e13), st.floats(1.01, 1e9))
def test_a_log_axis_has_a_few_round_ticks_within_its_ends_or_none(low: float, times: float) -> None:
    ticks = log_ticks(low, low * times)
    assert not ticks or 3 <= len(ticks) <= 16
    assert ticks == sorted(set(ticks))
    assert not ticks or low <= ticks[0] * (1 + 1e-9)
    assert ticks or times < 10


# --- what the charts say ---------------------------------------------------------------------------------


PRESS = (("press", "F-1", 250e6, 420e6), ("press", "F-2", None, 1e9))


def test_forecasts_carry_their_publishers_and_a_bound_is_an_arrow() -> None:
    names = {"F-1": "Dailian: tiers", "F-2": "The CFO: at most"}
    spec = spec_of("total_distribution", lognormal_distribution(published=PRESS), names=names)
    assert texts_of(spec)[:2] == ["The CFO at most 1bn", "Dailian 250m–420m"]  # the highest at the top
    shapes = [layer["mark"].get("shape") for layer in spec["layer"]]
    assert shapes.count("triangle-left") == 1
    unnamed = spec_of("total_distribution", lognormal_distribution(published=PRESS[:1]))
    assert (texts_of(unnamed)[0], "F-1" in str(unnamed["title"])) == ("Press forecast 250m–420m", False)


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


NAMES = {
    "filing": "Filing share: of those who reported",
    "backlog": "Backlog",
    "fees": "Candidate: fees",
    "proof": "Candidate: cash on proof",
    "voucher": "Candidate: a voucher",
}
TITLES: list[tuple[str, pl.DataFrame, str, list[str]]] = [
    (
        "total_distribution",
        lognormal_distribution(),
        "About 160 million won: 1 in 10 outcomes is above 360 million won, half are below 100 million won",
        ["P90 360m", "mean 160m", "median 100m"],
    ),
    (
        "total_distribution",
        lognormal_distribution(300e6),  # above it lies 1 - Phi(ln 3)
        "14% of the outcomes exceed the budget of 300 million won;",
        ["budget 300m: 14% above"],
    ),
    (  # never half, where many outcomes equal the median
        "total_distribution",
        atoms((0, 0.3), (10e6, 0.4), (20e6, 0.28), (30e6, 0.02)),
        "70% of the outcomes are at most 10 million won, 2.0% exceed 20 million won",
        [],
    ),
    (
        "total_distribution",
        atoms((0, 0.6), (10e6, 0.4)),
        "Nothing is paid in 60% of the outcomes; 0% exceed 10 million won",
        [],
    ),
    (
        "total_hindsight",
        lognormal_distribution(published=[("observed", "F-3", None, 50e6)]),
        "What happened: about 50 million won; 24% of the forecast outcomes are at most this",
        ["What happened: about 50m"],
    ),
    (
        "waterfall",
        steps_of(20e6, 30e6, 150e6),
        "201 to 300, individual review: 75% of the expected cash cost",
        ["20m (10%)", "30m (15%)", "150m (75%)", "200m (100%)"],
    ),
    (  # 9 others have 39 %, and are never called the largest
        "waterfall",
        steps_of(*[1e6] * 18, 2e6, 3e6),
        "1,901 to 2,000, individual review: 13%",
        [],
    ),
    (
        "tornado",
        SWINGS,
        "Filing share matters most: expected cash cost from 13 million won to 510 million won",
        ["13m–510m (2.0%–64%)", "82m–470m (100k–1.1m)", "76m–340m (P10–P90)", "110m–240m (×2.5–×1.2)"],
    ),
    ("tornado", SWINGS.head(1).with_columns(cost_low=pl.lit(0.0)), "Filing share", ["0–510m (2.0%–64%)"]),
    (
        "separate_sums",
        RANGES,
        "Handling costs more than the cash: the medians are 270 million won and 50 million won",
        [
            *("50m (1m–440m)", "270m (110m–580m)", "66bn (9bn–400bn), list price 600bn"),
            "40bn (13bn–130bn), announced 40bn",
        ],
    ),
    (
        "comparison",
        POLICIES,
        "Cash on proof: the cheapest in 70% of the outcomes",
        ["1.7bn", "1.8bn (40m–4.6bn)", "15bn (1bn–40bn)"],
    ),
]


@pytest.mark.parametrize(("name", "table", "title", "labels"), TITLES)
def test_a_title_says_the_finding_and_labels_say_the_amounts(
    name: str, table: pl.DataFrame, title: str, labels: list[str]
) -> None:
    spec = spec_of(name, table, names=NAMES)
    assert title_of(spec).startswith(title)
    of_rows = [row["label"] for rows in spec["datasets"].values() for row in rows if "label" in row]
    assert [label for label in labels if label not in (*texts_of(spec), *of_rows)] == []
    if name == "total_distribution":
        assert "happened" not in " ".join(texts_of(spec))


def test_charts_begin_at_nothing_end_in_the_sum_and_cite_their_sources() -> None:
    korean = spec_of("total_distribution", lognormal_distribution(), lang="ko")
    assert title_of(korean) == "약 1억 6,000만 원, 10번 중 1번은 3억 6,000만 원 초과, 절반은 1억 원 미만"
    dots = rows_with(korean, "amount", "place", "level", "likely", "label", "share", "room")
    assert (len(dots), sum(dot["likely"] for dot in dots)) == (50, 40)  # 80 % of the outcomes are coloured
    steps = rows_with(
        spec_of("waterfall", steps_of(20e6, 30e6, 150e6)), "name", "start", "end", "label", "sum"
    )
    assert [(r["start"], r["end"]) for r in steps] == [(0, 20e6), (20e6, 50e6), (50e6, 200e6), (0, 200e6)]
    cited = spec_of("waterfall", steps_of(1e6, 2e6).with_columns(facts=pl.lit("CO-07 CO-09 CO-99")))
    assert cited["title"]["subtitle"][-1] == "Sources: v.daum.net, thecfo.kr. As of 30 December 2022."
    scale = spec_of("tornado", SWINGS)["layer"][0]["encoding"]["x"]["scale"]
    assert (scale["type"], scale["domain"][0]) == ("linear", 0)  # as on the slides and in the workbook
    alone = RANGES.filter(valuation="cash")  # nothing to set beside it
    assert draw("separate_sums", alone, frame()) is None
    assert draw("comparison", POLICIES.head(1), frame()) is None


BandRow = tuple[str, int | None, int | None, int]


def bands_table(*rows: BandRow) -> pl.DataFrame:
    schema = {"service": pl.String, "over": pl.Int64, "up_to": pl.Int64, "claims": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


TABLE = bands_table(
    ("bank", 0, 10, 5),
    ("bank", 10, None, 5),
    ("map", 0, 10, 1),
    ("pay", 0, 10, 2),
    ("pay", None, None, 1),
    ("talk", -1, 0, 10),
    ("talk", 0, 10, 90),
).with_columns(expected=pl.lit(None, pl.Float64))


# --- services --------------------------------------------------------------------------------------------


def test_services_are_in_the_order_of_their_claims_and_the_small_ones_one() -> None:
    few = data.merge_small_services(TABLE, 3).drop("expected")
    assert few.rows() == [
        ("talk", 1, -1, 0, 10),
        ("talk", 1, 0, 10, 90),
        ("bank", 1, 0, 10, 5),
        ("bank", 1, 10, None, 5),
        (data.OTHER_ID, 2, 0, 10, 3),
        (data.OTHER_ID, 2, None, None, 1),
    ]


# --- combinations ----------------------------------------------------------------------------------------

ToldRow = tuple[str, Band, date, str | None, int]


def combinations_table(told: Iterable[ToldRow], dimension: str | None = "region") -> pl.DataFrame:
    """The claims by combination, counted by plain Python."""
    sums: Counter[tuple[object, ...]] = Counter()
    for service, band, day, category, claims in told:
        sums[service, *band, day, category if dimension else None] += claims
    edges = dict.fromkeys(("over", "up_to"), pl.Int64)
    schema = {"service": pl.String} | edges | {"filed_on": pl.Date, "category": pl.String, "claims": pl.Int64}
    table = pl.DataFrame([(*key, n) for key, n in sums.items()], schema=schema, orient="row")
    return table.with_columns(dimension=pl.lit(dimension, pl.String))


large = st.tuples(
    st.integers(0, 59).map("service-{:02}".format),
    st.one_of(st.sampled_from([ZERO, UNKNOWN, (10**6, None)]), st.integers(0, 199).map(lambda n: (n, n + 1))),
    st.integers(0, 399).map(lambda n: date(2022, 1, 1) + timedelta(n)),
    st.one_of(st.none(), st.integers(0, 20).map("{:02}".format)),
    st.integers(1, 10**7),
)


@given(st.lists(large, min_size=1, max_size=60))
def test_nothing_is_lost_and_the_combinations_are_few(told: list[ToldRow]) -> None:
    views, counts = intake_charts.build_views(combinations_table(told))
    assert len(counts) == math.prod(len(view.entries) for view in views) <= intake_charts.MAX_COMBINATIONS
    wanted: Counter[tuple[int, ...]] = Counter()
    for service, band, day, category, claims in told:
        keys = ((service,), (day,), (category,), band)
        wanted[tuple(view.positions[key] for view, key in zip(views, keys, strict=True))] += claims
    sizes = [range(len(view.entries)) for view in views]
    assert counts == [wanted[place] for place in product(*sizes)]


# --- days ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "kept"), [(2, 2), (10, 10), (11, 10), (20, 10), (400, 10)])
def test_an_intake_is_thinned_evenly_and_keeps_its_ends(days: int, kept: int) -> None:
    intake = pl.DataFrame({"cumulative": range(days)})
    some = data.thin_evenly(intake, 10)["cumulative"].to_list()
    assert len(some) == kept
    assert (some[0], some[-1]) == (0, days - 1)
    gaps = [b - a for a, b in pairwise(some)]
    assert max(gaps) - min(gaps) <= 1
