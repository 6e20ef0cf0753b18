"""What a report says of losses: laws of real claims, and no law of synthetic ones anywhere in the bundle."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.files import bundled_claims
from outage_analysis.losses import FAMILIES
from outage_analysis.reports import write_report
from outage_analysis.text import LANGUAGES, Locale
from tests.html_page import WebPage
from tests.reports.test_reports import Bundles, charts_of

FITTED = {"claims_fits", "claims_fitted", "claims_curves"}
FEW = 1_024
"""Draws that suffice where no quantile of a cost is asked: the law of few claims takes long to invert."""
OVERLAPPING = """service,claimant_type,band,claims
카톡,소상공인,"(0, 300000]",100
카톡,개인,"(0, 500000]",20
카톡,소상공인,>500000,7
"""
TOTALS = """service,claimant_type,band,claims
카톡,소상공인,"(0, 100000]",100
카톡,소상공인,"(100000, 300000]",40
카톡,소상공인,"(300000, 500000]",20
카톡,소상공인,>500000,12
"""


@pytest.fixture(scope="module")
def own_bundles(own_case: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    out = tmp_path_factory.mktemp("own-bundles")
    return {
        lang: write_report(own_case, out / lang, lang=lang, formats=("html", "csv")).parent
        for lang in LANGUAGES
    }


def of_totals(folder: Path, text: str, name: str = "totals.csv") -> Analysis:
    (folder / name).write_text(text, "utf-8")
    return run(Plan(counts=folder / name, draws=FEW))


def words_of_distributions() -> set[str]:
    """Every name of a family, in the tables and in both languages."""
    return {*FAMILIES, *(Locale(lang)(f"word.{family}") for family in FAMILIES for lang in LANGUAGES)}


def family_names_in(folder: Path) -> set[str]:
    """The names of families in what a bundle says: its page without the drawing library, and its tables."""
    page = WebPage.of(folder / "report.html")
    texts = [page.prose(), json.dumps(charts_of(page), ensure_ascii=False)]
    # The manifest repeats the assumptions, whose laws are nobody's losses.
    texts += [p.read_text("utf-8") for p in folder.rglob("*.csv")]
    texts += [p.name for p in folder.rglob("*")]
    said = "\n".join(texts).casefold()
    return {w for w in words_of_distributions() if re.search(rf"(?<!\w){re.escape(w.casefold())}", said)}


# --- real claims ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_claims_of_ones_own_have_the_curves_and_the_tables_of_their_distributions(
    own_case: Analysis, own_bundles: Bundles, lang: str
) -> None:
    words, page = Locale(lang), WebPage.of(own_bundles[lang] / "report.html")
    assert {"ogive", "tail", "band_distribution", "intake"} <= set(charts_of(page))
    distributions = page.table(words("report.fits_title"))
    fits = own_case.tables["claims_fits"]
    assert [row[words("column.family")] for row in distributions] == [
        words(f"word.{f}") for f in fits["family"]
    ]
    assert {family for family, _ in zip(fits["family"], distributions, strict=True)} <= set(FAMILIES)
    asked = page.table(words("report.fitted_title"))
    assert len(asked) == len(own_case.tables["claims_fitted"])
    middle = own_case.tables["claims_fitted"].row(by_predicate=pl.col("quantity") == "median", named=True)
    (row,) = [r for r in asked if r[words("column.quantity_asked")] == words("word.median")]
    for column, name in (("fit_value", "value"), ("fit_low", "low"), ("fit_high", "high")):
        assert row[words(f"column.{column}")] == words.exact(middle[name]), column
    assert words("report.fits_intro") in page.prose()






# --- no law of synthetic claims --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_file_of_a_synthetic_bundle_names_a_distribution(
    bundles: Bundles, own_bundles: Bundles, lang: str
) -> None:
    assert family_names_in(bundles[lang]) == set()
    told = family_names_in(own_bundles[lang])
    assert set(FAMILIES) & told  # the same search finds them where they are


@pytest.mark.slow
def test_one_synthetic_file_among_others_is_enough_to_fit_nothing(tmp_path: Path, own_claims: Path) -> None:
    bundled = bundled_claims("kakao-2022")
    assert bundled
    rows = pl.read_parquet(bundled).head(40).with_columns(claim_id="other " + pl.col("claim_id"))
    rows.write_parquet(tmp_path / "some-synthetic.parquet")
    mixed = run(Plan(claims=(own_claims, tmp_path / "some-synthetic.parquet"), draws=FEW))
    assert mixed.synthetic
    assert not FITTED & mixed.tables.keys()


# --- totals ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_totals_in_bands_are_fitted_and_synthetic_ones_are_not(tmp_path: Path) -> None:
    assert of_totals(tmp_path, TOTALS).tables.keys() >= FITTED
    synthetic = of_totals(tmp_path, TOTALS, "totals-synthetic.csv")
    assert synthetic.synthetic
    assert not FITTED & synthetic.tables.keys()
    assert "claims_summary" in synthetic.tables


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_totals_whose_bands_overlap_have_a_report_without_means_and_distributions(
    tmp_path: Path, lang: str
) -> None:
    analysis = of_totals(tmp_path, OVERLAPPING)
    assert not ({"claims_summary"} | FITTED) & analysis.tables.keys()
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang=lang, formats=("html",)))
    assert "band_distribution" in charts_of(page)
    assert Locale(lang)("report.summary_title") not in page.prose()
    bands = analysis.tables["claims_bands"].select("over", "up_to", "claims").rows()
    assert bands == [(0, 300_000, 100), (0, 500_000, 20), (500_000, None, 7)]


@pytest.mark.slow
def test_too_few_losses_for_a_distribution_are_shown_without_one(tmp_path: Path) -> None:
    one_band = "\n".join(TOTALS.splitlines()[:2])
    analysis = of_totals(tmp_path, one_band)
    assert "claims_summary" in analysis.tables
    assert not FITTED & analysis.tables.keys()
    assert "ogive" not in charts_of(WebPage.of(write_report(analysis, tmp_path / "out", formats=("html",))))
