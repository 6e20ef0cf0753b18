"""Where told losses heap: round sums, single losses, edges of a policy; counted by hand and by Python."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.claims import Claims, read_claims
from outage_analysis.incidents import Incident, load_incident
from outage_analysis.losses import bunching_table
from outage_analysis.losses.data_quality import WINDOW
from tests.conftest import ClaimsCsv, claim_rows


def claims_with_losses(claims_csv: ClaimsCsv, incident: Incident, losses: Iterable[object]) -> Claims:
    return read_claims(claims_csv([{"loss": str(x)} for x in losses]), incident)


# --- round sums -----------------------------------------------------------------------------------------


def test_round_sums_are_counted_by_hand(claims_csv: ClaimsCsv, incident: Incident) -> None:
    losses = ["", "0", "7", "20", "300", "5000", "5000", "120000"]
    table = claims_with_losses(claims_csv, incident, losses).query("round-losses")
    assert table.rows() == [
        (10, 5, 0.8333333333, 0.1),
        (100, 4, 0.6666666667, 0.01),
        (1_000, 3, 0.5, 0.001),
        (10_000, 1, 0.1666666667, 0.0001),
    ]


@pytest.mark.slow
@given(
    losses=st.lists(
        st.builds(lambda a, p: a * 10**p, st.integers(0, 30), st.integers(0, 8)), min_size=1, max_size=15
    )
)
@settings(max_examples=10)
def test_round_sums_are_those_of_python(tmp_path_factory: pytest.TempPathFactory, losses: list[int]) -> None:
    incident = load_incident("kakao-2022")
    rows = claim_rows([{"loss": str(loss)} for loss in losses], incident)
    path = tmp_path_factory.mktemp("heaping") / "a.csv"
    path.write_text("\n".join(",".join(row) for row in [list(rows[0]), *(r.values() for r in rows)]), "utf-8")
    positive = [loss for loss in losses if loss > 0]
    counts = {
        step: sum(loss % step == 0 for loss in positive) for step in (10**digits for digits in range(1, 9))
    }
    expected = [
        (step, n, pytest.approx(n / len(positive)), pytest.approx(1 / step))
        for step, n in counts.items()
        if n
    ]
    assert read_claims(path, incident).query("round-losses").rows() == expected


# --- edges of a policy ----------------------------------------------------------------------------------

EDGE_COLUMNS = [
    "edge", "losses", "below", "at_edge", "above", "ratio", "alike", "excess", "up_to_share", "under_share",
]  # fmt: skip


def test_claims_at_and_beside_an_edge_are_counted_by_hand(claims_csv: ClaimsCsv, incident: Incident) -> None:
    losses = ["", 0, 50, 90, 91, 99, 100, 100, 100, 101, 110, 500]
    table = bunching_table(claims_with_losses(claims_csv, incident, losses), [200, 100, 100])
    assert table.columns == EDGE_COLUMNS
    assert table.rows() == [
        (100, 10, 2, 3, 1, 2.0, 0.5, 2.5, 0.7, 0.4),  # 50 and 200 are as round
        (200, 10, 0, 0, 0, None, 1.5, -1.5, 0.9, 0.9),  # 100 and 300 are
    ]
    assert table.schema["edge"] == pl.Int64
    assert bunching_table(claims_with_losses(claims_csv, incident, [2]), [1])["alike"].to_list() == [None]


@pytest.mark.parametrize(
    ("edge", "sums"),
    [(300_000, [200_000, 400_000]), (100_000, [50_000, 200_000]), (250_000, [240_000, 260_000])],
)
def test_an_edge_is_held_against_sums_as_round(
    claims_csv: ClaimsCsv, incident: Incident, edge: int, sums: list[int]
) -> None:
    losses = [edge] * 5 + sums + [edge - 1, edge + 1]
    (row,) = bunching_table(claims_with_losses(claims_csv, incident, losses), [edge]).rows(named=True)
    assert (row["alike"], row["excess"]) == (1, 4)


def test_one_word_read_two_ways_is_eleven_points_apart(claims_csv: ClaimsCsv, incident: Incident) -> None:
    losses = [100_000] * 48 + [300_000] * 11 + [400_000] * 41
    (row,) = bunching_table(claims_with_losses(claims_csv, incident, losses), [300_000]).rows(named=True)
    assert (row["up_to_share"], row["under_share"]) == (0.59, 0.48)


def test_without_an_edge_or_a_loss_there_is_no_row(claims_csv: ClaimsCsv, incident: Incident) -> None:
    assert bunching_table(claims_with_losses(claims_csv, incident, [5]), []).columns == EDGE_COLUMNS
    assert bunching_table(claims_with_losses(claims_csv, incident, [5]), []).is_empty()
    assert bunching_table(claims_with_losses(claims_csv, incident, ["", 0]), [100]).is_empty()


def test_an_edge_too_small_for_neighbours_says_nothing_of_them(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    (row,) = bunching_table(claims_with_losses(claims_csv, incident, [9, 10, 11]), [10]).rows(named=True)
    assert (row["below"], row["at_edge"], row["above"], row["ratio"]) == (0, 1, 0, None)


@pytest.mark.slow
@given(
    losses=st.lists(st.integers(0, 60), min_size=1, max_size=20),
    edges=st.lists(st.integers(1, 70), max_size=4, unique=True),
)
@settings(max_examples=12)
def test_edges_are_counted_as_python_counts(
    tmp_path_factory: pytest.TempPathFactory, losses: list[int], edges: list[int]
) -> None:
    incident = load_incident("kakao-2022")
    path = tmp_path_factory.mktemp("bunching") / "a.csv"
    pl.DataFrame(claim_rows([{"loss": str(x)} for x in losses], incident)).write_csv(path)
    positive = [x for x in losses if x > 0]
    expected = [
        (
            edge,
            len(positive),
            sum(edge - round(edge * WINDOW) < x < edge for x in positive),
            positive.count(edge),
            sum(edge < x < edge + round(edge * WINDOW) for x in positive),
            pytest.approx(sum(x <= edge for x in positive) / len(positive)),
            pytest.approx(sum(x < edge for x in positive) / len(positive)),
        )
        for edge in sorted(edges)
        if positive
    ]
    table = bunching_table(read_claims(path, incident), edges)
    counted = ("edge", "losses", "below", "at_edge", "above", "up_to_share", "under_share")
    assert table.select(counted).rows() == expected
