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
from tests.reports.test_page import Bundles, charts_of

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


ENOUGH = {"(0, 100000]": 100, "(100000, 300000]": 40, "(300000, 500000]": 20, ">500000": 12}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bands", "name", "fitted", "summarised"),
    [
        (ENOUGH, "totals", True, True),
        (ENOUGH, "totals-synthetic", False, True),
        ({"(0, 100000]": 100}, "totals", False, True),  # too few bands for a distribution
        ({"(0, 300000]": 100, "(0, 500000]": 20, ">500000": 7}, "totals", False, False),  # they overlap
    ],
)
def test_totals_have_the_means_and_the_distributions_that_their_bands_determine(
    tmp_path: Path, bands: dict[str, int], name: str, *, fitted: bool, summarised: bool
) -> None:
    path = tmp_path / f"{name}.csv"
    who = ["개인" if band == "(0, 500000]" else "소상공인" for band in bands]
    rows = [f'카톡,{x},"{band}",{n}' for x, (band, n) in zip(who, bands.items(), strict=True)]
    path.write_text("\n".join(["service,claimant_type,band,claims", *rows]), "utf-8")
    analysis = run(Plan(counts=path, draws=FEW))
    assert analysis.synthetic == name.endswith("synthetic")
    assert FITTED & analysis.tables.keys() == (FITTED if fitted else set())
    assert ("claims_summary" in analysis.tables) == summarised
    assert analysis.tables["claims_bands"]["claims"].to_list() == [*bands.values()]
    page = WebPage.of(write_report(analysis, tmp_path / "out", lang="ko", formats=("html",)))
    assert "band_distribution" in charts_of(page)
    assert ("ogive" in charts_of(page)) == fitted
    assert (Locale("ko")("report.summary_title") in page.prose()) == summarised


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
    assert set(FAMILIES) & family_names_in(own_bundles[lang])  # the same search finds them where they are
