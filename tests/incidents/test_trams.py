"""The second bundled outage: invented, marked as an example, and complete enough to be a first project."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import outage_analysis as oa
from outage_analysis.analysis import Analysis, Plan
from outage_analysis.claims import load_synthetic, synthesise, write_synthetic
from outage_analysis.cli import app
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_claims, data_root
from outage_analysis.incidents import get_fact, load_incident
from outage_analysis.text import LANGUAGES

SEED = 20250310
INCIDENT = load_incident("trams")
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


def test_the_bundled_file_is_what_its_seed_makes_byte_for_byte(tmp_path: Path) -> None:
    assert bundled_claims("trams") == BUNDLED
    path = tmp_path / "trams-synthetic.parquet"
    write_synthetic(synthesise(load_synthetic("trams"), INCIDENT, seed=SEED), path, seed=SEED)
    assert path.read_bytes() == BUNDLED.read_bytes(), "make data/claims again: its page or names changed"


def test_another_seed_gives_other_rows_and_the_same_counts() -> None:
    other, rows = synthesise(load_synthetic("trams"), INCIDENT, seed=7), raw()
    assert not other.equals(rows)
    assert dict(other["ticket"].value_counts().rows()) == dict(rows["ticket"].value_counts().rows())


def test_the_file_has_the_counts_of_its_recipe() -> None:
    recipe = tomllib.loads((data_root() / "synthetic" / "trams.toml").read_text("utf-8"))
    rows = raw()
    assert dict(rows["ticket"].value_counts().rows()) == recipe["categories"]
    claims = oa.load_sample("trams").to_polars()
    assert dict(claims["claimant_type"].value_counts().rows()) == recipe["claimant_types"]
    assert (rows["filed_on"].cast(pl.String) <= "2025-03-16").sum() == recipe["early"]
    assert rows["loss"].null_count() == sum(round(0.08 * n) for n in (150, 60, 150))


def test_each_column_is_one_that_the_incident_knows_and_no_name_is_korean() -> None:
    rows = raw()
    assert rows.columns == [
        *("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss", "ticket", "synthetic")
    ]
    assert all(text.isascii() for column in ("service", "claimant_type") for text in rows[column])
    assert {"Red line", "red", "R"} <= set(rows["service"])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_called_an_invented_example(kind: str, lang: str) -> None:
    name = tomllib.loads((data_root() / kind / "trams.toml").read_text("utf-8"))["name"][lang]
    assert {"en": "invented example", "ko": "가상의 예시"}[lang] in name


def test_the_rates_are_published_and_only_the_outage_is_invented() -> None:
    ledger = oa.load_ledger("trams")
    for entry in ledger.assumptions:
        assert entry.computed_from
        assert all(get_fact(id_, public_by=ledger.as_of).source for id_ in entry.computed_from)
        assert "data/published/rates.csv" in entry.source.en
    assert not ledger.examples


def test_the_sample_has_no_reject_and_is_synthetic() -> None:
    claims = oa.load_sample("trams")
    assert (claims.synthetic, claims.rejects.height, claims.to_polars().height) == (True, 0, 360)
    assert set(claims.to_polars()["service"].cast(pl.String)) == set(SERVICES.values())


def test_a_sample_by_default_is_that_of_the_kakao_case() -> None:
    claims = oa.load_sample()
    assert (claims.incident.id, claims.synthetic) == ("kakao-2022", True)


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


def test_every_input_at_its_worst_pays_each_claim_in_full(analysis: Analysis) -> None:
    total = analysis.totals_row("synthetic")
    assert total
    rows = raw()
    unstated = rows.filter(pl.col("loss").is_null())
    season = len(unstated.filter(ticket="season"))
    promised = 31_800 + 53_100
    assert total["promised"] == promised
    assert total["most"] == promised + season * 1_000 + (len(unstated) - season) * 1_200


@pytest.mark.slow
def test_the_command_cost_prints_it() -> None:
    result = CliRunner().invoke(app, ["cost", "--incident", "trams", "--json"])
    assert result.exit_code == 0, result.output
    totals = json.loads(result.stdout)["totals"]
    assert [row["expected"] for row in totals if row["basis"] == "synthetic"] == [pytest.approx(42_583.83394)]


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_its_report_verifies_and_says_in_each_language_that_it_is_invented(tmp_path: Path, lang: str) -> None:
    out = tmp_path / "report"
    command = ["report", "--incident", "trams", "--lang", lang, "--formats", "html,csv", "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    verified = CliRunner().invoke(app, ["verify", str(out)])
    assert verified.exit_code == 0, verified.output
    page = (out / "report.html").read_text("utf-8")
    title = INCIDENT.name[lang]
    assert title in page
    assert INCIDENT.limits[0][lang] in page
