"""The Python interface as an analyst types it: completion, wrong keywords, and short ways from claims."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from types import SimpleNamespace
from typing import Any

import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE

ANY: Any = oa
"""The package without types, because type checkers find misspelt keywords, too."""
TIERS = {300_000: 30_000, 500_000: 50_000}


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    """The twelve complaints."""
    path = tmp_path_factory.mktemp("claims") / "list.csv"
    path.write_text(OWN_FILE, "utf-8")
    return oa.read_claims(path)


@pytest.fixture(scope="module")
def analysis() -> oa.Analysis:
    return oa.run(draws=1_024)


@pytest.mark.parametrize("function", [oa.run, oa.solve, oa.scaffold, oa.read_claims, oa.compare])
def test_a_signature_lists_every_keyword(function: Callable[..., object]) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    if function in (oa.run, oa.solve):
        assert {"tiers", "unknown", "closes", "seed", "level", "currency"} <= {
            *inspect.signature(function).parameters
        }


@pytest.mark.parametrize(
    ("ask", "closest"),
    [
        (lambda given: ANY.run(given.claims, teirs=TIERS), "tiers"),
        (lambda _: ANY.run("no-such-file.csv", bugdet=1), "budget"),
        (lambda given: given.claims.run(teirs=TIERS), "tiers"),
        (lambda given: ANY.solve(given.claims, varry=["x"]), "vary"),
        (lambda _: ANY.compare("kakao-2022", ledgr="kakao-2022"), "ledger"),
        (lambda _: ANY.read_claims("x.csv", currrency="EUR"), "currency"),
        (lambda _: ANY.scaffold("folder", teirs=TIERS), "tiers"),
        (lambda given: given.analysis.tables["tornadoo"], "tornado"),
        (lambda given: given.analysis.tables.quantles, "quantiles"),
        (lambda given: given.analysis.chart("tornadoo"), "tornado"),
        (lambda given: given.claims.by("servise"), "service"),
        (lambda given: given.claims.summary("servise"), "service"),
        (lambda given: given.claims.filter(servise="Bank"), "service"),
        (lambda given: given.claims.fit("lognrmal"), "lognormal"),
        (lambda given: given.claims.query("claim-by-day"), "claims-by-day"),
        (lambda given: ANY.show_part(given.analysis, "methd"), "method"),
    ],
)
def test_a_misspelt_name_is_refused_with_the_closest_one(
    claims: oa.Claims, analysis: oa.Analysis, ask: Callable[[Any], object], closest: str
) -> None:
    with pytest.raises(Exception, match=rf"Did you mean '{closest}'\?$") as refusal:
        ask(SimpleNamespace(claims=claims, analysis=analysis))
    assert getattr(refusal.value, "exit_code", None) == 2


def test_what_the_cost_depends_on_is_shown_as_sentences_and_tables(analysis: oa.Analysis) -> None:
    shown = repr(analysis.sensitivity())
    assert " matters most: " in shown
    assert "shape: (" not in shown


def test_completion_offers_what_analysts_use(analysis: oa.Analysis) -> None:
    offered = dir(analysis)
    assert len(offered) < 25
    assert [name for name in offered if name.startswith("_") or not hasattr(analysis, name)] == []
    keys = analysis.tables._ipython_key_completions_()
    assert {"costs", "tornado", "quantiles"} <= {*keys}
    assert {*analysis.tables} <= {*keys}


def test_a_summary_has_the_mean_and_the_median_of_the_losses(claims: oa.Claims) -> None:
    found = claims.summary("service").rows(named=True)
    rows = claims.to_polars().group_by("service").agg("loss").iter_rows()
    stated = {service: [loss for loss in losses if loss is not None] for service, losses in rows}
    assert {row["service"] for row in found} == stated.keys()
    for row in found:
        losses = stated[row["service"]]
        assert (row["stated"], row["loss"]) == (len(losses), sum(losses))
        assert row["mean"] == pytest.approx(mean(losses))
        middle = sorted(losses)[(len(losses) - 1) // 2]  # the smallest loss that half of them do not exceed
        assert row["median_low"] <= middle <= row["median_high"]


def test_a_forecast_and_a_fit_from_claims_mark_what_is_synthetic() -> None:
    trams = oa.load_sample("trams")
    for ask in (trams.forecast, lambda: trams.fit("lognormal")):
        with pytest.raises(Exception, match="synthetic") as refusal:
            ask()
        assert getattr(refusal.value, "exit_code", None) == 5
    fitted = trams.fit("lognormal", "gamma", recovery=True)
    assert {*fitted} | {*fitted.refused} == {"lognormal", "gamma"}
    assert trams.forecast(recovery=True).tables["points"]["cumulative"].max() == len(trams)


def test_a_forecast_is_up_to_the_day_that_is_given(tmp_path: Path) -> None:
    days = [day for day in range(1, 11) for _ in range(60 // day)]
    lines = ["claim_id,service,filed_on,loss", *(f"c{n},Bank,2031-03-{d:02},10" for n, d in enumerate(days))]
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n", "utf-8")
    found = oa.read_claims(tmp_path / "list.csv", currency="EUR").forecast(closes="2031-03-20", spike=0.0)
    assert found.tables["points"]["cumulative"].max() == len(days)
    bounds = found.tables["branches"].select("by", "counted", "level", "low", "high")
    closes = "2031-03-21T00:00+00:00"  # ten days after the last claim, at 60 claims a day at most
    assert bounds.rows() == [(closes, len(days), None, len(days), len(days) + 600)]


def test_a_report_is_verified_in_python(tmp_path: Path, analysis: oa.Analysis) -> None:
    page = analysis.report(tmp_path / "out", formats="csv")
    assert oa.verify(page.parent, rebuild=False).files > 10
    table = next(page.parent.rglob("costs.csv"))
    table.write_text(table.read_text("utf-8") + " ", "utf-8")
    with pytest.raises(Exception, match=r"costs\.csv") as refusal:
        oa.verify(page.parent, rebuild=False)
    assert getattr(refusal.value, "exit_code", None) == 1


def test_a_refusal_in_python_names_arguments_of_python(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(OWN_FILE, "utf-8")
    page = (
        oa.read_claims(tmp_path / "own.csv")
        .run(tiers=TIERS, draws=1_024)
        .report(tmp_path / "out", formats="csv")
    )
    with pytest.raises(
        Exception, match=r"with claims=, or check with rebuild=False\.|cannot be rebuilt"
    ) as refusal:
        oa.verify(page.parent)
    assert "--" not in str(refusal.value)
