"""Services by loss band: against plain sums over the rows of the file, and first in a report from claims."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

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
from outage_analysis.reports.table_views import service_band_views
from tests.loss_cubes import Told, counts_only, cube_of_claims
from tests.small_policies import DAY, fixed, ledger_of, policy_of, tiers

INCIDENT = load_incident("trams")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return run(Plan(incident="trams", draws=256))


@pytest.fixture(scope="module")
def report(analysis: Analysis) -> Report:
    return Report(analysis, "en")


def test_the_cells_add_up_to_the_headline(analysis: Analysis) -> None:
    total = analysis.exact_tables["claims_service_bands"]["expected"].sum()
    assert total == pytest.approx(analysis.expected_cash("synthetic"), rel=1e-9)


def test_it_leads_the_sections_of_a_report_from_claims(report: Report) -> None:
    first = report.sections[0]
    assert (first.id, first.title, first.synthetic) == ("service-bands", "Services by loss band", True)
    blocks = [type(block).__name__ for block in first.blocks]
    assert blocks == ["Text", "Text", "ChartBlock", *["Heading", "TableBlock"] * 3]




def test_each_grid_is_marked_as_synthetic(report: Report) -> None:
    assert all(report.table_is_synthetic(f"service_bands_{m}") for m in ("claims", "loss", "expected"))
    assert report.chart_is_synthetic("services_by_band")
    assert report.charts["services_by_band"].title.startswith("Synthetic rows: ")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_chart_shows_each_cell_once(analysis: Analysis, lang: str) -> None:
    report = Report(analysis, lang)
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




def test_without_a_ledger_the_cost_of_what_pays_is_unknown_and_the_rest_is_nothing() -> None:
    table = cells(policy_of(tiers()), ledger=None)
    assert table.filter(service="mail", up_to=300_000)["expected"].to_list() == [None]
    assert table.filter(service="map", up_to=300_000)["expected"].to_list() == [0.0]


def test_a_line_that_pays_per_claimant_has_no_cost_by_service() -> None:
    table = cells(policy_of(tiers(grain="claimant")))
    assert table["expected"].null_count() == len(table)
    assert table["claims"].sum() == len(CLAIMS)


def test_totals_in_the_bands_of_the_policy_count_as_claims_do() -> None:
    cube = counts_only(cube_of_claims(CLAIMS, Bands.from_cuts((300_000, 500_000))))
    table = cells(policy_of(tiers()), cube=cube)
    assert table.drop("loss").equals(cells(policy_of(tiers())).drop("loss"))
    assert table.filter(service="mail", up_to=300_000)["loss"].to_list() == [None]


def test_totals_across_an_edge_of_the_policy_give_no_table() -> None:
    across = cube_of_claims(CLAIMS, Bands.from_cuts((400_000,)))
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


def test_small_services_are_joined_with_their_cost(analysis: Analysis, report: Report) -> None:
    rows = [(f"s{n:02}", 0, None, 100 - n, 10, float(n)) for n in range(30)]
    schema = analysis.exact_tables["claims_service_bands"].schema
    table = pl.DataFrame(rows, schema=schema, orient="row")
    context = chart_context(INCIDENT, report.locale, {}, analysis.as_of, synthetic=False)
    chart = draw("services_by_band", table, context)
    assert chart is not None
    (data,) = chart.to_dict(validate=False)["datasets"].values()
    assert len(data) == 20
    assert data[-1]["name"] == "11 others"
    assert data[-1]["claims"] == f"{sum(100 - n for n in range(19, 30)):,}"
    assert data[-1]["cost"] == "2.6"  # the sum of 19 to 29 is 264 cents


def test_the_title_of_claims_that_are_not_synthetic_is_a_finding(analysis: Analysis, report: Report) -> None:
    context = chart_context(INCIDENT, report.locale, report.names, analysis.as_of, synthetic=False)
    chart = draw("services_by_band", analysis.exact_tables["claims_service_bands"], context)
    assert chart is not None
    title = " ".join(chart.to_dict(validate=False)["title"]["text"])
    assert title == "49% of the expected cost is for Red line"  # 217.32 of 448.00


def test_without_a_cost_only_claims_are_drawn(analysis: Analysis, report: Report) -> None:
    table = analysis.exact_tables["claims_service_bands"].with_columns(expected=pl.lit(None, pl.Float64))
    context = chart_context(INCIDENT, report.locale, report.names, analysis.as_of, synthetic=False)
    chart = draw("services_by_band", table, context)
    assert chart is not None
    assert len(chart.to_dict(validate=False)["layer"]) == 2
    changed = replace(analysis)
    vars(changed)["exact_tables"] = {**analysis.exact_tables, "claims_service_bands": table}
    views = service_band_views(changed, report.formatter)
    assert list(views) == ["service_bands_claims", "service_bands_loss"]


def test_no_claims_draw_nothing(analysis: Analysis, report: Report) -> None:
    table = analysis.exact_tables["claims_service_bands"].with_columns(claims=pl.lit(0, pl.Int64))
    context = chart_context(INCIDENT, report.locale, report.names, analysis.as_of, synthetic=False)
    assert draw("services_by_band", table, context) is None
