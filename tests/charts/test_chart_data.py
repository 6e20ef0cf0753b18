"""What charts are drawn from: services, bands, days and points, merged until they fit and never lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise, product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.charts import claims_data as data
from outage_analysis.charts import fit_charts, linked_charts
from outage_analysis.incidents import NEGATIVE, UNKNOWN, ZERO, Band

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
)


# --- services --------------------------------------------------------------------------------------------


def test_services_are_in_the_order_of_their_claims_and_the_small_ones_one() -> None:
    few = data.merge_small_services(TABLE, 3)
    assert few.rows() == [
        ("talk", 1, -1, 0, 10),
        ("talk", 1, 0, 10, 90),
        ("bank", 1, 0, 10, 5),
        ("bank", 1, 10, None, 5),
        (data.OTHER_ID, 2, 0, 10, 3),
        (data.OTHER_ID, 2, None, None, 1),
    ]


@pytest.mark.parametrize(("most", "shown"), [(4, 4), (3, 3), (2, 2), (1, 1)])
def test_as_many_services_as_asked_for_and_no_claim_lost(most: int, shown: int) -> None:
    few = data.merge_small_services(TABLE, most)
    assert few["service"].n_unique() == shown
    assert few["claims"].sum() == TABLE["claims"].sum()
    assert dict(few.select("service", "services").unique().rows())[few["service"][-1]] == 5 - shown


def test_rows_that_do_not_fit_have_fewer_services() -> None:
    table = bands_table(*((f"{'long' * 40}-{n:02}", 0, band, 1) for n in range(60) for band in range(1, 11)))
    rows = data.fit_services(table, lambda few: few)
    assert data.json_bytes(rows) <= data.MAX_DATA_BYTES
    assert 1 < rows["service"].n_unique() < data.MAX_SERVICES
    assert rows["claims"].sum() == 600


# --- bands -----------------------------------------------------------------------------------------------


def test_the_likeliest_distribution_comes_first_and_half_is_between_points_on_their_logarithm() -> None:
    assert fit_charts.family_weights(curves()).rows() == [("burr", 0.75), ("gamma", 0.25)]
    assert fit_charts.counted_shares(curves()).rows() == [(10.0, 0.5, 0.5)]
    assert [fit_charts.median_loss(curves(n)) for n in (4, 5)] == pytest.approx([10, 10])
    assert fit_charts.median_loss(curves(5).filter(pl.col("loss") < 10)) is None


positive = st.tuples(st.integers(0, 500), st.one_of(st.none(), st.integers(1, 50))).map(
    lambda t: (t[0], None if t[1] is None else t[0] + t[1])
)
any_band = st.one_of(positive, st.sampled_from([NEGATIVE, ZERO, UNKNOWN]))


def test_the_cost_of_joined_bands_is_added_up_and_unknown_where_one_is() -> None:
    bands = [(0, 1), (1, 2), (2, 3), (3, 4), (None, None)]
    rows = [
        (service, over, up_to, 1 + 9 * (n > 1), None if service == "b" and n == 0 else 10.0 ** (n + 1))
        for service in "ab"
        for n, (over, up_to) in enumerate(bands)
    ]
    table = pl.DataFrame(rows, schema=["service", "over", "up_to", "claims", "expected"], orient="row")
    assert data.merge_bands(table, 3).select(*table.columns).sort(
        "service", "over", nulls_last=True
    ).rows() == [
        ("a", 0, 2, 2, 110.0),
        ("a", 2, 3, 10, 1_000.0),
        ("a", 3, 4, 10, 10_000.0),
        ("a", None, None, 10, 100_000.0),
        ("b", 0, 2, 2, None),
        ("b", 2, 3, 10, 1_000.0),
        ("b", 3, 4, 10, 10_000.0),
        ("b", None, None, 10, 100_000.0),
    ]


@given(st.lists(st.tuples(any_band, st.integers(0, 9)), min_size=1, max_size=60), st.integers(1, 6))
def test_joined_bands_hold_the_old_ones_and_all_claims(rows: list[tuple[Band, int]], most: int) -> None:
    table = bands_table(*(("talk", over, up_to, n) for (over, up_to), n in rows))
    joined = data.merge_bands(table, most)
    assert joined["claims"].sum() == table["claims"].sum()
    amounts = [b for b in data.ordered_bands(joined) if b not in (NEGATIVE, ZERO, UNKNOWN)]
    before = {b for b, _ in rows if b not in (NEGATIVE, ZERO, UNKNOWN)}
    assert len(amounts) <= max(most, 1) or set(amounts) == before
    for over, up_to in before:
        assert any(
            (low or 0) <= (over or 0) and (high is None or (up_to is not None and up_to <= high))
            for low, high in amounts
        )
    if set(amounts) != before:  # joined bands lie side by side
        assert all(a[1] is not None and a[1] <= (b[0] or 0) for a, b in pairwise(amounts))


def test_shares_run_from_end_to_end_of_each_service() -> None:
    rows = data.band_shares(data.merge_small_services(TABLE))
    talk = rows.filter(service="talk")
    assert talk.select("start", "end", "percent", "of").rows() == [(0, 10, 10, 100), (10, 100, 90, 100)]
    pay = rows.filter(service="pay").select("over", "up_to", "start", "end").rows()
    assert pay == [(0, 10, 0, 66.67), (None, None, 66.67, 100)]


def test_the_fullest_band_is_a_stated_one_with_its_share_of_all_claims() -> None:
    assert data.largest_band(TABLE) == ((0, 10), 98 / 114)
    late = (("talk", 0, 100, 36), ("talk", 100, None, 4), ("talk", None, None, 10))
    assert data.largest_band(bands_table(*late, ("talk", *NEGATIVE, 50))) == (NEGATIVE, 0.5)
    assert data.largest_band(bands_table(("talk", None, None, 9), ("talk", -1, 0, 3))) == (ZERO, 0.25)
    assert data.largest_band(bands_table(("talk", None, None, 9), ("talk", 5, 6, 0))) is None


# --- combinations ----------------------------------------------------------------------------------------

TOLD = (
    ("talk", ZERO, date(2022, 10, 19), "capital", 4),
    ("talk", (0, 10), date(2022, 10, 22), "capital", 3),
    ("talk", (0, 10), date(2022, 10, 19), None, 2),
    ("bank", (10, None), date(2022, 10, 20), "jeju", 5),
    ("bank", UNKNOWN, date(2022, 10, 20), "", 1),
)
"""Service, band, day, region and how many claims are alike; an empty region is all but the commonest."""
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


def test_the_counts_are_in_the_order_of_the_views() -> None:
    views, counts = linked_charts.build_views(combinations_table(TOLD))
    assert [(view.id, view.entries) for view in views] == [
        ("service", [("talk",), ("bank",)]),
        ("day", [(date(2022, 10, 19) + timedelta(n),) for n in range(4)]),
        ("category", [("capital",), ("jeju",), (None,), ("",)]),
        ("band", [ZERO, (0, 10), (10, None), UNKNOWN]),
    ]
    assert {view.dimension for view in views} == {"region"}
    places = {(0, 0, 0, 0): 4, (0, 3, 0, 1): 3, (0, 0, 2, 1): 2, (1, 1, 1, 2): 5, (1, 1, 3, 3): 1}
    assert counts == [places.get(place, 0) for place in product(range(2), range(4), range(4), range(4))]


large = st.tuples(
    st.integers(0, 59).map("service-{:02}".format),
    st.one_of(st.sampled_from([ZERO, UNKNOWN, (10**6, None)]), st.integers(0, 199).map(lambda n: (n, n + 1))),
    st.integers(0, 399).map(lambda n: date(2022, 1, 1) + timedelta(n)),
    st.one_of(st.none(), st.integers(0, 20).map("{:02}".format)),
    st.integers(1, 10**7),
)


@given(st.lists(large, min_size=1, max_size=60))
def test_nothing_is_lost_and_the_combinations_are_few(told: list[ToldRow]) -> None:
    views, counts = linked_charts.build_views(combinations_table(told))
    assert len(counts) == math.prod(len(view.entries) for view in views) <= linked_charts.MAX_COMBINATIONS
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


# --- laws ------------------------------------------------------------------------------------------------


def curves(count: int = 5) -> pl.DataFrame:
    """Two laws and what was counted; half lies below 10 under the likeliest."""
    losses = [10 ** (2 * n / (count - 1)) for n in range(count)]
    rows = [("counted", None, 10.0, 0.5, 0.5, *[None] * 4)]
    for family, weight, power in (("gamma", 0.25, 0.5), ("burr", 0.75, 1.0)):
        below = [x**power / (10**power + x**power) for x in losses]
        for x, b in zip(losses, below, strict=True):
            rows.append((family, weight, x, b, 1 - b, b, b, 1 - b, 1 - b))
    shares = ["share_below", "share_above", "low", "high", "above_low", "above_high"]
    names = ["family", "weight", "loss", *shares]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.mark.parametrize(
    ("places", "moved"),
    [
        ([0, 50, 100], [0, 50, 100]),
        ([10, 10, 10], [10, 20, 30]),
        ([100, 95, 5], [100, 90, 5]),
        ([99, 100, 98], [90, 100, 80]),
        ([], []),
    ],
)
def test_labels_are_moved_apart_and_stay_inside(places: list[float], moved: list[float]) -> None:
    assert fit_charts.spread_labels(places, 10, 100) == moved
