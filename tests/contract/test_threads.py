"""One `Claims` serves several threads, and results can be sent to another process."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE

TIERS = {300_000: 30_000, 500_000: 50_000}
CUSTOMERS = pl.DataFrame({"claimant_id": ["c02", "c05"], "segment": ["premium", "basic"]})


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    """The twelve complaints."""
    path = tmp_path_factory.mktemp("claims") / "list.csv"
    path.write_text(OWN_FILE, "utf-8")
    return oa.read_claims(path, dimensions=["region"])


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
