"""The cost by any dimension: each group as its claims alone, and all groups together as all claims."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.errors import DisclosureBlocked, ModelRefused, UsageError

ROWS = [
    ("1", "c1", "App", "2026-03-02", 100.0),
    ("2", "c2", "App", "2026-03-02", 40.0),
    ("3", "c3", "Web", "2026-03-03", 300.0),
    ("4", "c4", "Web", "2026-03-03", 50.0),
    ("5", "c5", "Web", "2026-03-04", 50.01),
    ("6", "c6", "App", "2026-03-05", 0.0),
]
SEGMENTS = {"c1": "big", "c2": "small", "c3": "big", "c4": "small", "c6": "small"}
TIERS = {50: 5, None: 12.5}


def paid(loss: float) -> float:
    return 0 if loss == 0 else 5 if loss <= 50 else 12.5


@pytest.fixture(scope="module")
def claims() -> oa.Claims:
    columns = ["claim_id", "claimant_id", "service", "filed_on", "loss (EUR)"]
    segments = pl.DataFrame({"claimant_id": [*SEGMENTS], "segment": [*SEGMENTS.values()]})
    return oa.read_claims(pl.DataFrame(ROWS, schema=columns, orient="row")).join(segments)


@pytest.fixture(scope="module")
def analysis(claims: oa.Claims) -> oa.Analysis:
    return oa.run(claims, tiers=TIERS, draws=2048)


def test_a_certain_cost_is_what_the_claims_of_each_segment_are_paid(claims: oa.Claims) -> None:
    table = oa.run(claims, tiers=TIERS, effort="automatic", draws=2048).by("segment")
    assert table.columns == ["segment", "claims", "expected", "p10", "p50", "p90"]
    for segment, count, *amounts in table.rows():
        losses = [loss for _, claimant, *_, loss in ROWS if SEGMENTS.get(claimant) == segment]
        assert (count, amounts) == (len(losses), [fsum(map(paid, losses))] * 4)
    assert table["segment"].to_list() == ["big", "small", None]


@pytest.mark.parametrize("dimension", ["segment", "service", "filed_on"])
def test_a_group_costs_what_a_run_of_its_claims_alone_costs(analysis: oa.Analysis, dimension: str) -> None:
    table = analysis.by(dimension)
    assert table["claims"].sum() == len(ROWS)
    assert table["expected"].sum() == pytest.approx(analysis.expected, rel=1e-9)
    assert analysis.claims
    for value, count, expected, *spread in table.rows():
        alone = oa.run(analysis.claims.filter(**{dimension: value}), tiers=TIERS, draws=2048)
        assert (count, expected) == (len(alone.claims or ()), pytest.approx(alone.expected, rel=1e-9))
        quantiles = alone.tables["quantiles"].filter(pl.col("measure").is_in(["p10", "p50", "p90"]))
        assert sorted(spread) == pytest.approx(sorted(quantiles["value"]), rel=1e-9)
        assert spread == sorted(spread)


def test_several_dimensions_and_another_level(claims: oa.Claims) -> None:
    analysis = oa.run(claims, tiers=TIERS, draws=2048, level=90)
    table = analysis.by("service", "segment")
    assert table.columns[2:] == ["claims", "expected", "p5", "p50", "p95"]
    counts = table.select("service", "segment", "claims").rows()
    assert counts == [
        ("app", "big", 1),
        ("app", "small", 2),
        ("web", "big", 1),
        ("web", "small", 1),
        ("web", None, 1),
    ]
    assert table["expected"].sum() == pytest.approx(analysis.expected, rel=1e-9)


def test_a_policy_may_name_the_joined_column(claims: oa.Claims) -> None:
    # A policy uses the word segment for its own segments, so the column has another name.
    kinds = pl.DataFrame({"claimant_id": [*SEGMENTS], "kind": [*SEGMENTS.values()]})
    joined = claims.join(kinds)
    policy = oa.policy_from_tiers(TIERS, joined.incident, effort="automatic")
    line = policy.lines[0].model_copy(update={"eligibility": {"kind": ("big",)}})
    analysis = oa.run(joined, policy=policy.model_copy(update={"lines": (line,)}), draws=2048)
    assert analysis.by("segment").select("segment", "expected").rows() == [
        ("big", 25.0),
        ("small", 0.0),
        (None, 0.0),
    ]


def test_a_group_of_which_most_state_no_loss_has_no_cost() -> None:
    rows = [(*row[:4], None if row[2] == "App" else row[4]) for row in ROWS]
    columns = ["claim_id", "claimant_id", "service", "filed_on", "loss (EUR)"]
    more = [(f"x{n}", f"x{n}", "Web", "2026-03-03", 60.0) for n in range(5)]
    some = pl.DataFrame([*rows, *more], schema=columns, orient="row")
    analysis = oa.run(some, tiers=TIERS, draws=2048)
    first, second = analysis.by("service").rows()
    assert first == ("app", 3, None, None, None, None)
    assert second[2] == pytest.approx(analysis.expected)


def test_what_cannot_be_divided_is_refused(analysis: oa.Analysis, claims: oa.Claims) -> None:
    for dimensions, said in (((), "names no dimension"), (("x",), "no such"), (("service",) * 2, "twice")):
        with pytest.raises(UsageError, match=said):
            analysis.by(*dimensions)
    with pytest.raises(ModelRefused, match="no claims to divide"):
        oa.run(oa.Plan(claims=(), draws=2048)).by("service")
    line = analysis.policy.lines[0].model_copy(update={"grain": "claimant"})
    with pytest.raises(ModelRefused, match="pays per claimant"):
        replace(analysis, policy=analysis.policy.model_copy(update={"lines": (line,)})).by("service")
    mails = pl.DataFrame(
        {"claimant_id": ["c1", "c2"], "mail": ["a.person@example.org", "b.person@example.org"]}
    )
    with pytest.raises(DisclosureBlocked, match="mail"):
        oa.run(claims.join(mails), tiers=TIERS, draws=2048).by("mail")
