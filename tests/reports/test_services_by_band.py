"""Services by loss band: against plain sums over the rows of the file, and first in a report from claims."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.analysis.service_bands import service_band_table
from outage_analysis.charts import chart_context, draw
from outage_analysis.incidents import Bands, load_incident
from outage_analysis.policies import Policy
from outage_analysis.reports import Report
from tests.loss_cubes import Told, counts_only, cube_of_claims
from tests.small_policies import DAY, fixed, ledger_of, policy_of, tiers

INCIDENT = load_incident("trams")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return run(Plan(incident="trams", draws=256))


@pytest.fixture(scope="module")
def report(analysis: Analysis) -> Report:
    return Report(analysis, "en")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_leads_a_report_from_claims_and_adds_up_to_the_headline(analysis: Analysis, lang: str) -> None:
    report = Report(analysis, lang)
    assert (report.sections[0].id, report.sections[0].synthetic) == ("service-bands", True)
    blocks = [type(block).__name__ for block in report.sections[0].blocks]
    assert blocks == ["Text", "Text", "ChartBlock", *["Heading", "TableBlock"] * 3]
    assert all(report.table_is_synthetic(f"service_bands_{m}") for m in ("claims", "loss", "expected"))
    assert report.chart_is_synthetic("services_by_band")
    total = analysis.exact_tables["claims_service_bands"]["expected"].sum()
    assert total == pytest.approx(analysis.expected_cash("synthetic"), rel=1e-9)
    (cells,) = report.charts["services_by_band"].spec["datasets"].values()
    assert len(cells) == 20
    assert sum(int(cell["claims"]) for cell in cells) == 360
    red = [c for c in cells if c["name"] == report.names["red_line"]]
    assert [c["claims"] for c in red] == ["24", "26", "57", "15", "12"]
    assert [c["cost"] for c in red] == ["", "22", "130", "68", ""]


# --- the table by itself ---------------------------------------------------------------------------

SURE = ledger_of(
    {"kind": "filing_share", "distribution": fixed(0.5)},
    {"kind": "acceptance", "distribution": fixed(0.8)},
    {"kind": "review_award", "distribution": fixed(100_000)},
)
CLAIMS: list[Told] = [("mail", 0), ("mail", 100_000), ("mail", 300_000), ("mail", 300_001), ("mail", None)]
CLAIMS += [("map", 500_000), ("map", 500_001), ("map", 900_000)]
GRID = Bands.from_cuts((1, 7, 20, 50_000, 300_000, 500_000, 10**6))


def cells(policy: Policy, claims: Sequence[Told] = CLAIMS, **kwargs: object) -> pl.DataFrame:
    cube = kwargs.pop("cube", None) or cube_of_claims(claims, Bands.from_cuts(GRID.cuts, policy.breakpoints))
    return service_band_table(cube, policy, kwargs.pop("ledger", SURE), DAY)  # type: ignore[arg-type]


def test_a_small_case_by_hand() -> None:
    assert cells(policy_of(tiers())).rows() == [
        ("mail", -1, 0, 1, 0, 0.0),
        ("mail", 0, 300_000, 2, 400_000, 0.4 * 60_000),
        ("mail", 300_000, 500_000, 1, 300_001, 0.4 * 50_000),
        ("mail", 500_000, None, 0, 0, 0.0),
        ("mail", None, None, 1, None, 0.0),
        ("map", -1, 0, 0, 0, 0.0),
        ("map", 0, 300_000, 0, 0, 0.0),
        ("map", 300_000, 500_000, 1, 500_000, 0.4 * 50_000),
        ("map", 500_000, None, 2, 1_400_001, 0.4 * 200_000),
        ("map", None, None, 0, None, 0.0),
    ]


def test_what_is_not_known_is_empty() -> None:
    table = cells(policy_of(tiers()), ledger=None)
    assert table.filter(service="mail", up_to=300_000)["expected"].to_list() == [None]
    assert table.filter(service="map", up_to=300_000)["expected"].to_list() == [0.0]
    per_claimant = cells(policy_of(tiers(grain="claimant")))
    assert per_claimant["expected"].null_count() == len(per_claimant)
    totals = cells(
        policy_of(tiers()), cube=counts_only(cube_of_claims(CLAIMS, Bands.from_cuts((300_000, 500_000))))
    )
    assert totals.drop("loss").equals(cells(policy_of(tiers())).drop("loss"))
    assert totals.filter(service="mail", up_to=300_000)["loss"].to_list() == [None]
    across = cube_of_claims(CLAIMS, Bands.from_cuts((400_000,)))  # an edge of the policy lies within a band
    assert cells(policy_of(tiers()), cube=across).is_empty()


def test_a_policy_with_many_edges_has_at_most_eight_columns_of_losses() -> None:
    edges = [10 * n for n in range(20)]
    band = tuple(
        {"over": low, "fixed": 100 * n} | ({"up_to": low + 10} if low < 190 else {})
        for n, low in enumerate(edges)
    )
    claims = [("mail", 5 + 10 * n) for n in range(20)]
    table = cells(policy_of(tiers(band=band)), claims)
    assert len(table) == 8  # every third of 19 edges: 10, 40, ..., 190
    assert table["claims"].sum() == 20
    assert table["expected"].sum() == pytest.approx(0.4 * 100 * sum(range(20)))


@given(
    st.lists(st.tuples(st.sampled_from(["mail", "map", "pay"]), st.integers(0, 60) | st.none()), min_size=1),
    st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 50), max_size=4, unique=True),
    st.sampled_from(["upper", "lower"]),
)
def test_each_claim_is_paid_in_its_band_whatever_the_bands(
    claims: list[Told], tens: list[int], fives: list[int], closed: str
) -> None:
    """Two lines with bands of their own, one closed below: the cells against one payment per claim."""

    def steps(edges: list[int], amount: int) -> tuple[dict[str, int | None], ...]:
        ends = [0, *sorted(edges), None]
        return tuple(
            {"over": low, "fixed": amount * n, "up_to": high}
            for n, (low, high) in enumerate(itertools.pairwise(ends))
        )

    unknown = {"fixed": 7}
    one = tiers(band=steps(tens, 10), unknown=unknown, effort="automatic")
    two = tiers(id="two", band=steps(fives, 1_000), closed=closed, unknown=unknown, effort="automatic")
    policy = policy_of(one, two)
    table = cells(policy, claims, ledger=None)

    def paid_for(loss: int | None) -> int:
        if loss is None:
            return 14
        if loss == 0:
            return 0
        below = sum(edge <= loss if closed == "lower" else edge < loss for edge in fives)
        return 10 * sum(edge < loss for edge in tens) + 1_000 * below

    for service, over, up_to, count, loss, expected in table.iter_rows():
        inside = [
            told
            for name, told in claims
            if name == service
            and (
                (told is None) == (over is None and up_to is None)
                and (told is None or (over < told and (up_to is None or told <= up_to)))
            )
        ]
        assert count == len(inside)
        assert loss is None if over is up_to is None else loss == sum(x for x in inside if x is not None)
        assert expected == pytest.approx(sum(map(paid_for, inside)))
    assert table["claims"].sum() == len(claims)


# --- the chart by itself ---------------------------------------------------------------------------


def test_the_chart_joins_small_services_says_a_finding_and_needs_no_cost(
    analysis: Analysis, report: Report
) -> None:
    table = analysis.exact_tables["claims_service_bands"]
    context = chart_context(INCIDENT, report.locale, report.names, analysis.as_of, synthetic=False)

    def drawn(rows: pl.DataFrame) -> dict[str, Any]:
        chart = draw("services_by_band", rows, context)
        assert chart is not None
        return dict(chart.to_dict(validate=False))

    found = "49% of the expected cost is for Red line"  # 217.32 of 448.00
    assert " ".join(drawn(table)["title"]["text"]) == found
    many = [(f"s{n:02}", 0, None, 100 - n, 10, float(n)) for n in range(30)]
    (cells,) = drawn(pl.DataFrame(many, schema=table.schema, orient="row"))["datasets"].values()
    joined = ("11 others", f"{sum(100 - n for n in range(19, 30)):,}", "2.6")  # 264 cents
    assert (len(cells), tuple(cells[-1][x] for x in ("name", "claims", "cost"))) == (20, joined)
    assert len(drawn(table.with_columns(expected=pl.lit(None, pl.Float64)))["layer"]) == 2
    none = table.with_columns(claims=pl.lit(0, pl.Int64))
    assert draw("services_by_band", none, context) is None
