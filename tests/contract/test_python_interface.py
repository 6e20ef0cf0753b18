"""The Python interface as an analyst types it, the named queries, several threads and processes."""

from __future__ import annotations

import inspect
import json
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import mean
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, outage_analysis

ANY: Any = oa
"""The package without types, because type checkers find misspelt keywords, too."""
TIERS = {300_000: 30_000, 500_000: 50_000}


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    """The twelve complaints."""
    path = tmp_path_factory.mktemp("claims") / "list.csv"
    path.write_text(OWN_FILE, "utf-8")
    return oa.read_claims(path, dimensions=["region"])


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
    own = oa.read_claims(tmp_path / "own.csv")
    page = own.run(tiers=TIERS, draws=1_024).report(tmp_path / "out", formats="csv")
    with pytest.raises(
        Exception, match=r"with claims=, or check with rebuild=False\.|cannot be rebuilt"
    ) as refusal:
        oa.verify(page.parent)
    assert "--" not in str(refusal.value)


# --- several threads and processes ------------------------------------------------------------------------

CUSTOMERS = pl.DataFrame({"claimant_id": ["c02", "c05"], "segment": ["premium", "basic"]})


def expected_cost(claims: oa.Claims) -> list[dict[str, object]]:
    """The cost table of a run on claims."""
    return oa.run(claims, tiers=TIERS, draws=1_024).tables["costs"].to_dicts()


QUESTIONS: tuple[Callable[[oa.Claims], object], ...] = (
    lambda c: c.by("service", bands=[0, 300_000]).rows(),
    lambda c: c.by("filed_on", "region").rows(),
    lambda c: c.to_polars().rows(),
    lambda c: c.query("select current_setting('TimeZone'), count(*) from claims").rows(),
    lambda c: c.query("select sum(n) from numbers", numbers=pl.DataFrame({"n": [1, 2]})).rows(),
    lambda c: c.filter(service="Bank").by("region", bands=[300_000]).rows(),
    lambda c: c.filter(region="south").query("select min(filed_at), sum(loss) from claims").rows(),
    lambda c: c.join(CUSTOMERS).by("segment").rows(),
    lambda c: c.control_totals.rows(),
    lambda c: (str(c), repr(c.filter(region="north"))),
)


@pytest.mark.slow
def test_eight_threads_get_the_answers_that_one_gets(claims: oa.Claims) -> None:
    alone = [ask(claims) for ask in QUESTIONS]
    cost = expected_cost(claims)
    rounds = 8
    with ThreadPoolExecutor(8) as pool:
        costs = [pool.submit(expected_cost, claims) for _ in range(3)]
        asked = [[pool.submit(ask, claims) for ask in QUESTIONS] for _ in range(rounds)]
        assert [[answer.result(60) for answer in answers] for answers in asked] == [alone] * rounds
        assert [answer.result(60) for answer in costs] == [cost] * 3


# --- pickles ------------------------------------------------------------------------------------------------


def pickled(result: Any) -> Any:  # noqa: ANN401 - any result
    """A result as another process receives it."""
    return pickle.loads(pickle.dumps(result))  # noqa: S301 - our own bytes


@pytest.mark.slow
def test_an_analysis_of_claims_has_the_same_figures_in_another_process(claims: oa.Claims) -> None:
    analysis = oa.run(claims, tiers=TIERS, budget=300_000, draws=1_024)
    again = pickled(analysis)
    assert set(again.tables) == set(analysis.tables)
    assert [name for name in analysis.tables if not analysis.tables[name].equals(again.tables[name])] == []
    assert again.to_dict() == analysis.to_dict()
    assert str(again) == str(analysis)
    assert again.chart("services_by_band").to_dict() == analysis.chart("services_by_band").to_dict()
    assert (len(again.claims), again.claims.inputs) == (12, claims.inputs)
    with pytest.raises(Exception, match="not the rows of its claims") as refusal:
        again.claims.to_polars()
    assert getattr(refusal.value, "exit_code", None) == 2


def test_claims_are_not_pickled_and_say_how_to_save_them(claims: oa.Claims, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r'save_claims\(claims, "claims\.parquet"\)') as refusal:
        pickle.dumps(claims)
    assert "\n" not in str(refusal.value)
    oa.save_claims(claims, tmp_path / "claims.parquet")
    again = oa.read_claims(tmp_path / "claims.parquet", claims.incident)
    assert again.by("service").rows() == claims.by("service").rows()


# --- named queries, each counted by hand ------------------------------------------------------------------

BY_HAND: dict[str, list[tuple[Any, ...]]] = {
    "services-by-loss-size": [
        ("bank", 100_000, 1, 90_000),
        ("bank", 1_000_000, 2, 750_001),
        ("messenger", 0, 1, 0),
        ("messenger", 100_000, 1, 80_000),
        ("messenger", 1_000_000, 2, 420_000),
        ("taxi", 100_000, 1, 60_000),
        ("taxi", 1_000_000, 3, 1_210_001),
        ("taxi", None, 1, None),
    ],
    "claims-by-day": [
        (date(2026, 3, 2), 2, 2, 420_000, 2),
        (date(2026, 3, 3), 3, 3, 380_001, 5),
        (date(2026, 3, 4), 3, 3, 1_040_000, 8),
        (date(2026, 3, 5), 4, 3, 770_001, 12),
    ],
    "losses-by-service": [
        ("bank", 3, 3, 840_001, 840_001 / 3, 300_001, 450_000, 450_000),
        ("messenger", 4, 4, 500_000, 125_000, 80_000, 300_000, 300_000),
        ("taxi", 5, 4, 1_270_001, 317_500.25, 210_000, 500_001, 500_001),
    ],
    "unstated-losses": [
        ("bank", "claimant", 3, 0, 0, 0),
        ("messenger", "claimant", 4, 0, 1, 0),
        ("taxi", "claimant", 5, 1, 0, 0.2),
    ],
    "repeat-claimants": [
        ("claimant_id", "claimant", 12, 11, 1),
        ("claimant_id", "claimant_and_service", 12, 12, 0),
        ("claimant_id", "claimant_service_and_day", 12, 12, 0),
        ("claimant_id", "claimant_service_and_loss", 10, 10, 0),
    ],
    "frequent-losses": [],
    "round-losses": [
        *((step, 8, 0.8, 1 / step) for step in (10, 100, 1_000, 10_000)),
        (100_000, 2, 0.2, 0.00001),
    ],
    "loss-concentration": [
        (0.01, 1, 500_001, 500_001, 500_001 / 2_610_002),
        (0.05, 1, 500_001, 500_001, 500_001 / 2_610_002),
        (0.1, 2, 500_000, 1_000_001, 1_000_001 / 2_610_002),
        (0.2, 3, 450_000, 1_450_001, 1_450_001 / 2_610_002),
        (0.5, 6, 210_000, 2_260_002, 2_260_002 / 2_610_002),
    ],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_named_query_counts_as_a_person_does(claims: oa.Claims, name: str) -> None:
    near = [
        tuple(pytest.approx(x, rel=1e-9) if isinstance(x, float) else x for x in row) for row in BY_HAND[name]
    ]
    assert claims.query(name).rows() == near


def test_each_query_is_listed(claims: oa.Claims) -> None:
    assert dict(claims.queries().rows()).keys() == BY_HAND.keys()


def test_a_personal_datum_leaves_by_no_query(tmp_path: Path) -> None:
    path = tmp_path / "private.csv"
    private = OWN_FILE.replace("c01", "900101-1234567").replace("c02", "kim@mail.example")
    path.write_text(private.replace("north", "010-1234-5678"), "utf-8")
    claims = oa.read_claims(path)
    told = " ".join(str(claims.query(name).to_dicts()) for name in BY_HAND)
    assert not re.search(r"900101|kim@|010-1234", told)


def test_frequent_losses_have_the_smaller_of_two_equally_frequent_ones_first(tmp_path: Path) -> None:
    rows = "".join(
        f"{n},app,2026-03-02,{loss}\n" for n, loss in enumerate([5, 5, 7, 7, 7, 3, 3, 9, 0, 0, ""])
    )
    path = tmp_path / "losses.csv"
    path.write_text(f"claim_id,service,filed_on,loss (KRW)\n{rows}", "utf-8")
    assert oa.read_claims(path).query("frequent-losses").rows() == [(7, 3, 0.375), (3, 2, 0.25), (5, 2, 0.25)]


def test_the_size_of_a_loss_includes_its_upper_end(tmp_path: Path) -> None:
    losses = [1, 10, 11, 100, 101, 999_999, 1_000_000, 1_000_001]
    path = tmp_path / "losses.csv"
    rows = "".join(f"{n},app,2026-03-02,{loss}\n" for n, loss in enumerate(losses))
    path.write_text(f"claim_id,service,filed_on,loss (KRW)\n{rows}", "utf-8")
    sizes = [row[1:3] for row in oa.read_claims(path).query("services-by-loss-size").rows()]
    assert sizes == [(10, 2), (100, 2), (1_000, 1), (1_000_000, 2), (10_000_000, 1)]


def test_the_command_lists_runs_and_refuses(tmp_path: Path) -> None:
    path = tmp_path / "trams.csv"
    code, out, _ = outage_analysis("query")
    assert code == 0
    assert all(name in out for name in BY_HAND)
    code, out, _ = outage_analysis("query", "losses-by-service", "--incident", "trams", "--json")
    found = json.loads(out)
    assert (code, found["synthetic"]) == (0, True)
    assert sum(row["claims"] for row in found["rows"]) == 360
    code, out, _ = outage_analysis("query", "losses-by-service", "--incident", "trams", "--lang", "ko")
    assert code == 0
    assert "서비스별 기재 손실" in out
    for wrong in ("repeat-claimant", "select * from claims"):
        code, out, _ = outage_analysis("query", wrong, path)
        assert (code, out) == (2, "")
    assert "repeat-claimants" in outage_analysis("query", "repeat-claimant")[2]
