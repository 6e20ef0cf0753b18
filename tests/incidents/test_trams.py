"""The second bundled outage: invented, marked as an example, and complete enough to be a first project."""

from __future__ import annotations

import tomllib

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_claims, data_root
from outage_analysis.text import LANGUAGES
from tests.studies.synthetic_claims import SEEDS, assumptions, synthetic_claims

BUNDLED = data_root() / "claims" / "trams-synthetic.parquet"
KINDS = ("incidents", "policies", "assumptions")
SERVICES = {"R": "red_line", "B": "blue_line", "ring": "ring_line", "app": "ticket_app"}


def raw() -> pl.DataFrame:
    return pl.read_parquet(BUNDLED)


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
