"""The second bundled outage: invented, marked as an example, and complete enough to be a first project."""

from __future__ import annotations

import tomllib

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.analysis import Analysis, Plan
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_claims, data_root
from outage_analysis.text import LANGUAGES
from tests.studies.synthetic_claims import SEEDS, assumptions, synthetic_claims

BUNDLED = data_root() / "claims" / "trams-synthetic.parquet"
KINDS = ("incidents", "policies", "assumptions")
SERVICES = {"R": "red_line", "B": "blue_line", "ring": "ring_line", "app": "ticket_app"}


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return oa.run(Plan(incident="trams", draws=256))


def raw() -> pl.DataFrame:
    return pl.read_parquet(BUNDLED)


def delay_payment(minutes: int | None) -> int:
    """What the charter pays for a single or day ticket, in cents, worked out by hand."""
    if minutes is None or minutes < 30:
        return 0
    return 300 if minutes < 60 else 600 if minutes < 120 else 1_200


def season_credit(minutes: int | None) -> int:
    """A euro for each complete half hour, at most ten."""
    return 0 if minutes is None else min(minutes // 30, 10) * 100


def test_the_bundled_file_is_what_its_seed_makes() -> None:
    assert bundled_claims("trams") == BUNDLED
    assert synthetic_claims(assumptions("trams"), SEEDS["trams"]).equals(raw()), "make data/claims again"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_called_an_invented_example(kind: str, lang: str) -> None:
    name = tomllib.loads((data_root() / kind / "trams.toml").read_text("utf-8"))["name"][lang]
    assert {"en": "invented example", "ko": "가상의 예시"}[lang] in name


def test_the_sample_has_no_reject_and_is_synthetic() -> None:
    claims = oa.load_sample("trams")
    assert (claims.synthetic, claims.rejects.height, claims.to_polars().height) == (True, 0, 360)
    assert set(claims.to_polars()["service"].cast(pl.String)) == set(SERVICES.values())


@pytest.mark.parametrize(
    ("name", "hint"), [("tram", "'trams'"), ("kakao-2022", "'kakao'"), ("bus", "Known:")]
)
def test_another_name_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no such sample.*{hint}"):
        oa.load_sample(name)  # type: ignore[arg-type] # a name that is misspelt


def test_the_headline_is_the_cost_of_the_synthetic_rows(analysis: Analysis) -> None:
    assert analysis.headline_basis == "synthetic"
    assert analysis.headline_is_synthetic
    rows = raw()
    season = rows.filter(ticket="season")["loss"]
    others = rows.filter(pl.col("ticket") != "season")["loss"]
    ledger = oa.load_ledger("trams")
    rates = [a.range.expected for a in ledger.assumptions]  # type: ignore[union-attr] # both are rates
    expected = sum(map(season_credit, season)) + rates[0] * rates[1] * sum(map(delay_payment, others))
    assert analysis.expected_cash("synthetic") == pytest.approx(expected, rel=1e-9)
    assert sum(map(season_credit, season)) == 31_800
    assert sum(map(delay_payment, others)) == 53_100
