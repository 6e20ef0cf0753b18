"""The named queries on twelve complaints, each counted by hand, and the command that runs them."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, outage_analysis

BAND = "services-by-loss-size"
BY_HAND: dict[str, list[tuple[Any, ...]]] = {
    "services-by-loss-size": [
        ("bank", 10_000, 100_000, 1, 90_000),
        ("bank", 100_000, 1_000_000, 2, 750_001),
        ("messenger", -1, 0, 1, 0),
        ("messenger", 10_000, 100_000, 1, 80_000),
        ("messenger", 100_000, 1_000_000, 2, 420_000),
        ("taxi", 10_000, 100_000, 1, 60_000),
        ("taxi", 100_000, 1_000_000, 3, 1_210_001),
        ("taxi", None, None, 1, None),
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
    "claims-per-claimant": [(1, 10, 10, 2_220_002), (2, 1, 2, 390_000)],
    "shared-claimants": [("bank", "messenger", 1, 1 / 3), ("messenger", "bank", 1, 1 / 4)],
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


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> oa.Claims:
    path = tmp_path_factory.mktemp("queries") / "complaints.csv"
    path.write_text(OWN_FILE, "utf-8")
    return oa.read_claims(path)


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
    sizes = [(over, up_to, claims) for _, over, up_to, claims, _ in oa.read_claims(path).query(BAND).rows()]
    assert sizes == [
        (0, 10, 2), (10, 100, 2), (100, 1_000, 1), (100_000, 1_000_000, 2), (1_000_000, 10_000_000, 1),
    ]  # fmt: skip


def test_the_command_lists_runs_and_refuses(tmp_path: Path) -> None:
    path = tmp_path / "trams.csv"
    code, out, _ = outage_analysis("query")
    assert code == 0
    assert all(name in out for name in BY_HAND)
    code, out, _ = outage_analysis("query", "claims-per-claimant", "--incident", "trams", "--json")
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
