"""What a report says of losses: services by band, laws of real claims, and none of synthetic ones."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, strategies as st

from outage_analysis import Analysis, Plan, Policy, run
from outage_analysis.analysis.tables import service_band_table
from outage_analysis.charts import chart_context, draw
from outage_analysis.files import bundled_claims
from outage_analysis.incidents import Bands, load_incident
from outage_analysis.losses import FAMILIES
from outage_analysis.reports import Report, write_report
from outage_analysis.text import LANGUAGES, Locale
from tests.html_page import WebPage
from tests.loss_cubes import Told, counts_only, cube_of_claims
from tests.reports.test_page import Bundles, charts_of
from tests.small_policies import DAY, fixed, ledger_of, policy_of, tiers

INCIDENT = load_incident("trams")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return run(Plan(incident="trams", draws=256))


@pytest.fixture(scope="module")
def trams_report(analysis: Analysis) -> Report:
    return Report(analysis, "en")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_leads_a_report_from_claims_and_adds_up_to_the_headline(analysis: Analysis, lang: str) -> None:
    report = Report(analysis, lang)
    assert (report.sections[0].id, report.sections[0].synthetic) == ("service-bands", True)
    blocks = [type(block).__name__ for block in report.sections[0].blocks]
    assert blocks == ["Text", "Text", "ChartBlock", *["Heading", "TableBlock"] * 3]
    assert all(report.table_is_synthetic(f"service_bands_{m}") for m in ("claims", "loss", "expected"))
    assert report.charts["services_by_band"].synthetic
    total = analysis.exact_tables["claims_service_bands"]["expected"].sum()
    assert total == pytest.approx(analysis.expected_cash("synthetic"), rel=1e-9)
    (cells,) = report.charts["services_by_band"].spec["datasets"].values()
    assert len(cells) == 20
    assert sum(int(cell["claims"]) for cell in cells) == 360
    red = [(c["claims"], c["cost"]) for c in cells if c["name"] == report.names["red_line"]]
    assert red == [("24", ""), ("26", "22"), ("57", "130"), ("15", "68"), ("12", "")]


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
    table = service_band_table(cube, policy, kwargs.pop("ledger", SURE), DAY)  # type: ignore[arg-type]
    return pl.DataFrame() if table is None else table


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
    analysis: Analysis, trams_report: Report
) -> None:
    table = analysis.exact_tables["claims_service_bands"]
    locale, names = trams_report.locale, trams_report.names
    context = chart_context(INCIDENT, locale, names, analysis.as_of, synthetic=False)

    def drawn(rows: pl.DataFrame) -> dict[str, Any]:
        chart = draw("services_by_band", rows, context)
        assert chart is not None
        return dict(chart.to_dict(validate=False))

    found = "49% of the expected cost is for Red line"  # 217.32 of 448.00
    assert " ".join(drawn(table)["title"]["text"]) == found
    many = [(f"s{n:02}", 0, None, 100 - n, 10, float(n)) for n in range(30)]
    (cells,) = drawn(pl.DataFrame(many, schema=table.schema, orient="row"))["datasets"].values()
    joined = ("16 others", f"{sum(100 - n for n in range(14, 30)):,}", "3.4")  # 344 cents
    assert (len(cells), tuple(cells[-1][x] for x in ("name", "claims", "cost"))) == (15, joined)
    assert len(drawn(table.with_columns(expected=pl.lit(None, pl.Float64)))["layer"]) == 2
    none = table.with_columns(claims=pl.lit(0, pl.Int64))
    assert draw("services_by_band", none, context) is None


FITTED = {"claims_fits", "claims_fitted", "claims_curves"}
FEW = 1_024
"""Draws that suffice where no quantile of a cost is asked: the law of few claims takes long to invert."""


@pytest.mark.slow
def test_one_synthetic_file_among_others_is_enough_to_fit_nothing(tmp_path: Path, own_claims: Path) -> None:
    bundled = bundled_claims("kakao-2022")
    assert bundled
    rows = pl.read_parquet(bundled).head(40).with_columns(claim_id="other " + pl.col("claim_id"))
    rows.write_parquet(tmp_path / "some-synthetic.parquet")
    mixed = run(Plan(claims=(own_claims, tmp_path / "some-synthetic.parquet"), draws=FEW))
    assert mixed.synthetic
    assert not FITTED & mixed.tables.keys()


@pytest.fixture(scope="module")
def own_bundles(own_case: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    out = tmp_path_factory.mktemp("own-bundles")
    return {
        lang: write_report(own_case, out / lang, lang=lang, formats=("html", "csv")).parent
        for lang in LANGUAGES
    }


def family_names_in(folder: Path) -> set[str]:
    """Every file of a bundle, and the name of every file, searched for the name of a distribution."""
    page = WebPage.of(folder / "report.html")
    texts = [page.prose(), json.dumps(charts_of(page), ensure_ascii=False)]
    texts += [
        text for p in folder.rglob("*") for text in (p.name, p.read_text() if p.suffix == ".csv" else "")
    ]
    said = "\n".join(texts).casefold()
    words = {*FAMILIES, *(Locale(lang)(f"word.{family}") for family in FAMILIES for lang in LANGUAGES)}
    return {w for w in words if re.search(rf"(?<!\w){re.escape(w.casefold())}", said)}


# --- real claims ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_claims_of_ones_own_have_the_curves_and_the_tables_of_their_distributions(
    own_case: Analysis, own_bundles: Bundles, lang: str
) -> None:
    words, page = Locale(lang), WebPage.of(own_bundles[lang] / "report.html")
    assert {"ogive", "tail", "services_by_band", "intake"} <= set(charts_of(page))
    distributions = page.table(words("report.fits_title"))
    fits = own_case.tables["claims_fits"]
    assert [row[words("column.family")] for row in distributions] == [
        words(f"word.{f}") for f in fits["family"]
    ]
    middle = own_case.tables["claims_fitted"].row(by_predicate=pl.col("quantity") == "median", named=True)
    asked = {row[words("column.quantity_asked")]: row for row in page.table(words("report.fitted_title"))}
    assert len(asked) == len(own_case.tables["claims_fitted"])
    for column, name in (("fit_value", "value"), ("fit_low", "low"), ("fit_high", "high")):
        assert asked[words("word.median")][words(f"column.{column}")] == words.exact(middle[name]), column
    assert words("report.fits_intro") in page.prose()


# --- no law of synthetic claims --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_file_of_a_synthetic_bundle_names_a_distribution(
    bundles: Bundles, own_bundles: Bundles, lang: str
) -> None:
    assert family_names_in(bundles[lang]) == set()
    assert set(FAMILIES) & family_names_in(own_bundles[lang])  # the same search finds them where they are
