"""Where no count was published the headline rests on the claims given, and every page says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis import Plan, run
from outage_analysis.analysis.tables import funnel_table
from outage_analysis.jupyter import new_project
from outage_analysis.reports import Report

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.analysis import Analysis

KINDS = ("claims", "synthetic")
LANGUAGES = ("en", "ko")
LINES = {"business-cash": "small_business", "user-credit": "general_user"}
PAID = {"business-cash": 2.5 / 6 * 4.15 / 6, "user-credit": 3.1 / 6}
"""Mean filing share times mean acceptance, by the formula of a PERT law: (low + 4 mode + high) / 6."""
FEE = """
[[line]]
id = "fee"
kind = "fee_credit"
name = { en = "Fee handed back", ko = "이용료 환급" }
public_on = 2026-01-20
effort = "automatic"
fee = 31_000
days = 1
period_days = 31
recipients_high = "US-07.of"
"""
both = pytest.mark.parametrize("kind", KINDS)
each = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project: an outage without a published count."""
    return new_project(tmp_path_factory.mktemp("basis") / "shop")


@pytest.fixture(scope="module")
def claims(project: Path) -> dict[str, Path]:
    """The sample as it is, and under another name without the column that says it is made up."""
    sample, real = project / "claims" / "sample-synthetic.csv", project / "received.csv"
    pl.read_csv(sample).drop("synthetic").write_csv(real)
    return {"synthetic": sample, "claims": real}


@pytest.fixture(scope="module")
def analyses(project: Path, claims: dict[str, Path]) -> dict[str, Analysis]:
    """One of real claims, one of synthetic ones."""
    return {kind: run(_plan(project, path)) for kind, path in claims.items()}


def _plan(project: Path, path: Path, **changed: Any) -> Plan:  # noqa: ANN401 - whatever a plan has
    pages = {name: project / f"{name}.toml" for name in ("incident", "policy", "ledger")}
    return Plan(**{**pages, "claims": (path,), "draws": 1024, **changed})


@both
def test_the_headline_is_that_of_the_claims_and_adds_up(analyses: dict[str, Analysis], kind: str) -> None:
    analysis = analyses[kind]
    assert (analysis.headline_basis, analysis.headline_from_claims) == (kind, True)
    assert analysis.headline_is_synthetic == (kind == "synthetic")
    assert analysis.headline_table_name("costs") == "claims_costs"
    costs, total = analysis.headline_costs, analysis.totals_row(kind)
    assert total is not None
    assert set(costs["basis"]) == {kind}
    assert not costs.select("line", "level", "over", "up_to", "rule").is_duplicated().any()
    for line in LINES:
        whole, bands = (costs.filter(line=line, level=level) for level in ("line", "band"))
        for figure in ("count", "low", "expected", "high"):
            assert bands[figure].sum() == pytest.approx(whole[figure].item())
    for figure in ("low", "expected"):
        assert costs.filter(level="line")[figure].sum() == pytest.approx(total[figure])


# --- what it shows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", sorted(LINES))
def test_the_funnel_counts_the_claims_of_the_file(
    analyses: dict[str, Analysis], claims: dict[str, Path], line: str
) -> None:
    rows = pl.read_csv(claims["claims"]).filter(claimant_type=LINES[line])
    due = len(rows.filter(pl.col("loss") > 0))
    found = dict(analyses["claims"].tables["claims_funnel"].filter(line=line)["stage", "expected"].rows())
    assert list(found) == ["claimed", "due", "filed", "paid"]
    assert (found["claimed"], found["due"]) == (len(rows), due)
    assert found["paid"] == pytest.approx(due * PAID[line])


# --- what was published stays what it is ------------------------------------------------------------------


def test_published_counts_keep_their_tables(analysis: Analysis) -> None:
    assert not analysis.headline_from_claims
    assert analysis.headline_costs.equals(analysis.tables["costs"].filter(valuation="cash"))
    assert "claims_funnel" not in analysis.tables
    assert analysis.published_lines_left_out == []


@pytest.mark.slow
@each
def test_a_line_that_published_figures_bound_stands_apart(
    project: Path, claims: dict[str, Path], tmp_path: Path, lang: str
) -> None:
    policy, ledger = tmp_path / "policy.toml", tmp_path / "ledger.toml"
    policy.write_text((project / "policy.toml").read_text("utf-8") + FEE, encoding="utf-8")
    stated = (project / "ledger.toml").read_text("utf-8").split("[[assumption]]")
    kept = [part for part in stated if 'kind = "review_award"' not in part]
    ledger.write_text("[[assumption]]".join(kept), encoding="utf-8")
    found = run(_plan(project, claims["claims"], policy=policy, ledger=ledger))
    assert found.headline_basis == "claims"
    assert (found.bounded_lines, found.published_lines_left_out) == (["business-cash"], ["fee"])
    report = Report(found, lang)
    w, names = report.locale, report.names
    for key, line in (("not_counted_claims", "business-cash"), ("lines_apart", "fee")):
        assert w(f"report.{key}", lines=names[line]) in report.answers.left_out
    bases = {row[0]: row[1] for row in report.grids["cost"].rows}  # the line's name, what it rests on
    assert bases == {**{names[line]: w("word.claims") for line in LINES}, names["fee"]: w("word.published")}


@each
def test_without_a_ledger_the_bounds_are_those_of_the_claims(
    project: Path, claims: dict[str, Path], lang: str
) -> None:
    found = run(_plan(project, claims["synthetic"], ledger=None))
    assert (found.headline_basis, found.headline_from_claims, found.headline_is_synthetic) == ("", True, True)
    report = Report(found, lang)
    assert report.banner == report.locale("report.synthetic_headline")
    assert report.table_is_synthetic("cost")
    assert {row[0] for row in report.grids["cost"].rows} == {report.names[line] for line in LINES}
    told = [row[3] for row in report.grids["controller"].rows]  # a review has no limit, a flat sum has one
    none = report.locale("report.exact", amount="0", unit=report.locale.unit)
    assert told[0] == report.locale("report.controller_from_claims", low=none)
    limited = report.locale("report.exact", amount="980,000", unit=report.locale.unit)
    assert told[1] == report.locale("report.controller_between_claims", low=none, high=limited)


def test_claims_whose_band_lies_across_two_rules_may_be_paid_or_not(
    analyses: dict[str, Analysis], claims: dict[str, Path]
) -> None:
    found = analyses["claims"]
    losses = pl.read_csv(claims["claims"]).filter(claimant_type="general_user")["loss"]
    paid, zero = len(losses.filter(losses > 0)), len(losses.filter(losses == 0))
    nothing = (pl.col("rule") == "nothing") & (pl.col("up_to") == 0)
    across = pl.when(nothing).then(pl.lit("straddles")).otherwise("rule").alias("rule")
    costs = found.tables["claims_costs"].with_columns(across).filter(line="user-credit")
    table = funnel_table(found.policy, found.ledger, found.as_of, costs)
    (due,) = table.filter(stage="due").rows(named=True)
    assert losses.null_count() > 0  # the rule of the policy for them pays nothing
    assert (due["low"], due["expected"], due["high"]) == (paid, None, paid + zero)
