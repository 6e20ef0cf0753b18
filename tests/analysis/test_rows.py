"""What a row of a file is, a complaint or a decided claim, and the cost by any dimension of the rows."""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.analysis import headline_sentences
from outage_analysis.errors import DisclosureBlocked, InputRefused, ModelRefused, UsageError
from outage_analysis.text import Locale
from tests.contract.command_line import outage_analysis

TIERS = {200: 20, 500: 40}
LOSSES = [100, 250, 150, 480, 90, 600, 210, 30]
PAID_BY_TIERS = sum(20 if loss <= 200 else 40 for loss in LOSSES if loss <= 500)


def write(folder: Path, header: str = "", cells: list[str] | None = None) -> Path:
    """Write a file of the losses, with further columns if there are any."""
    rows = [f"{n},App,2026-01-{15 + n % 5},{loss}" for n, loss in enumerate(LOSSES, start=1)]
    if cells is not None:
        rows = [f"{row},{cell}" for row, cell in zip(rows, cells, strict=True)]
        header = f",{header}"
    file = folder / "claims.csv"
    file.write_text("\n".join([f"claim_id,service,filed_on,loss (EUR){header}", *rows]) + "\n", "utf-8")
    return file


def rates(analysis: oa.Analysis) -> dict[str, float]:
    """Return the mean of each rate of the analysis, by kind."""
    ledger = analysis.ledger
    assert ledger is not None
    return {x.kind: float(x.range.expected or 0) for x in ledger.assumptions if x.kind != "band_mix"}


@pytest.mark.slow
def test_the_funnel_begins_at_the_stage_that_the_rows_have_come_to(tmp_path: Path) -> None:
    file = write(tmp_path)
    by_rows = {
        rows: oa.run(file, tiers=TIERS, rows=rows) for rows in (None, "complaints", "filed", "accepted")
    }
    rate = rates(by_rows[None])
    expected = {
        "accepted": PAID_BY_TIERS,
        "filed": PAID_BY_TIERS * rate["acceptance"],
        "complaints": PAID_BY_TIERS * rate["acceptance"] * rate["filing_share"],
    }
    for rows, amount in expected.items():
        assert by_rows[rows].expected == pytest.approx(amount)
    assert by_rows[None].expected == by_rows["complaints"].expected


@pytest.mark.parametrize(("lang", "filed"), [("en", "filed claims"), ("ko", "접수된 신청")])
def test_the_first_sentence_says_what_a_row_is_taken_for_unless_it_is_stated(
    tmp_path: Path, lang: str, filed: str
) -> None:
    claims, locale = oa.read_claims(write(tmp_path)), Locale(lang, "EUR", 2)
    stated = oa.read_claims(write(tmp_path), rows="complaints")
    # Nobody files for an automatic payment, so nothing is said of it.
    assumed, *others = (
        headline_sentences(oa.run(rows, tiers=TIERS, draws=1024, effort=effort), locale)[0]
        for rows, effort in ((claims, "form"), (stated, "form"), (claims, "automatic"))
    )
    if_filed = oa.run(oa.read_claims(write(tmp_path), rows="filed"), tiers=TIERS, draws=1024).expected
    assert if_filed is not None
    assert all(said in assumed for said in (filed, locale.money(100 * if_filed)))
    assert not any(filed in sentence for sentence in others)


DECISIONS = ["", "open", "approved", "denied", "Paid out", "paid", "접수", "지급완료"]


@pytest.mark.parametrize("header", ["paid amount (EUR)", "지급액", "payout (EUR cents)"])
def test_a_paid_row_costs_what_was_paid(tmp_path: Path, header: str) -> None:
    amounts = {4: 12.5, 5: 250.0, 7: 0.0}
    scale = 100 if "cents" in header else 1
    cells = [f"{text},{scale * amounts.get(row, 0):g}" for row, text in enumerate(DECISIONS)]
    analysis = oa.run(write(tmp_path, f"status,{header}", cells), tiers=TIERS, draws=1024)
    rate, certain = rates(analysis), 20 + sum(amounts.values())  # approved, and paid
    by_rates = rate["acceptance"] * (20 * rate["filing_share"] + 40 + 40)
    assert analysis.expected == pytest.approx(certain + by_rates)
    # Three trials that cost 20 or 40, and what is certain: by enumeration of the accepted ones.
    assert analysis.chance_over(certain - 0.01) == 1.0
    assert analysis.chance_over(certain + 20 + 40 + 40) == 0.0


def test_decisions_agree_with_draws_of_our_own(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    size, words = 400, np.array(["", "filed", "approved", "refused", "paid"])
    losses = random.integers(10, 600, size)
    decisions = random.choice(words, size, p=[0.2, 0.3, 0.1, 0.15, 0.25])
    file = tmp_path / "claims.csv"
    rows = [f"{n},App,2026-01-15,{x},{y}" for n, (x, y) in enumerate(zip(losses, decisions, strict=True))]
    file.write_text("\n".join(["claim_id,service,filed_on,loss (EUR),status", *rows]), "utf-8")
    analysis = oa.run(file, tiers=TIERS)
    assert analysis.ledger is not None
    drawn = {
        x.kind: x.draw(random.random((100_000, x.dimensions)))
        for x in analysis.ledger.assumptions
        if x.kind in ("filing_share", "acceptance")
    }
    pays = np.where(losses <= 200, 20, np.where(losses <= 500, 40, 0))
    total = np.full(100_000, pays[np.isin(decisions, ["approved", "paid"])].sum(), dtype=float)
    for amount in (20, 40):
        for decision, rate in (
            ("", drawn["filing_share"] * drawn["acceptance"]),
            ("filed", drawn["acceptance"]),
        ):
            total += amount * random.binomial(((pays == amount) & (decisions == decision)).sum(), rate)
    assert analysis.expected == pytest.approx(total.mean(), rel=0.01)
    for share in (0.1, 0.9):
        assert analysis.quantile(share) == pytest.approx(np.quantile(total, share), rel=0.02)


def test_a_column_of_decisions_is_mapped_or_refused_by_name(tmp_path: Path) -> None:
    unknown = write(tmp_path, "status", ["gold"] * len(LOSSES))
    with pytest.raises(UsageError, match="status") as refused:
        oa.read_claims(unknown)
    assert 'rows="complaints"' in refused.value.remedy
    assert oa.read_claims(unknown, rows="filed").incident.rows == "filed"
    assert oa.read_claims(unknown, dimensions=["status"]).by("status").height == 1
    written = write(tmp_path, "membership status", ["gold"] * len(LOSSES))
    assert not oa.read_claims(written).incident.decision


def test_a_word_that_is_no_decision_is_a_reject(tmp_path: Path) -> None:
    cells = ["filed", "filed", "file", *["paid"] * (len(LOSSES) - 3)]
    claims = oa.read_claims(write(tmp_path, "status", cells), max_rejects=0.2)
    assert claims.rejects["row"].to_list() == [4]
    assert "decision" in claims.rejects["rule"][0]


@pytest.mark.parametrize(("decision", "paid"), [("paid", ""), ("filed", "5"), ("paid", "-5")])
def test_an_amount_belongs_to_a_paid_claim_and_to_no_other(tmp_path: Path, decision: str, paid: str) -> None:
    cells = [f"{decision},{paid}", *["paid,7"] * (len(LOSSES) - 1)]
    claims = oa.read_claims(write(tmp_path, "status,paid amount", cells), max_rejects=0.2)
    assert claims.rejects["row"].to_list() == [2]


def test_amounts_that_may_be_what_was_paid_are_named_or_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "status,paid by insurer", ["paid,7"] * len(LOSSES))
    with pytest.raises(UsageError, match="paid by insurer"):
        oa.read_claims(file)
    named = oa.read_claims(file, columns={"paid": "paid by insurer"})
    assert oa.run(named, tiers=TIERS, draws=1024).expected == 7 * len(LOSSES)
    beside = oa.run(oa.read_claims(file, dimensions=["paid by insurer"]), tiers=TIERS, draws=1024)
    assert beside.expected == PAID_BY_TIERS


def test_an_incident_that_does_not_mention_the_column_refuses_the_file(tmp_path: Path) -> None:
    incident = oa.read_claims(write(tmp_path)).incident
    stated = incident.model_copy(update={"window": "stated", "rows": "complaints"})
    file = write(tmp_path, "status", ["paid"] * len(LOSSES))
    with pytest.raises(InputRefused, match="status") as refused:
        oa.read_claims(file, stated)
    assert 'kind = "decision"' in refused.value.remedy


def test_policies_are_compared_for_claims_at_one_stage(tmp_path: Path) -> None:
    file = write(tmp_path, "status", DECISIONS)
    claims = oa.read_claims(file)
    search: dict[str, Any] = {"tiers": TIERS, "budget": 100, "vary": ["tiers.tier1"], "step": 10}
    with pytest.raises(ModelRefused, match="one stage"):
        oa.solve(claims=claims, **search)
    assert oa.solve(claims=claims.filter(decision="filed"), **search).answer().sentences


@pytest.mark.parametrize("words", [("--rows", "fild"), ("--rows", "")])
def test_unknown_rows_are_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    printed = outage_analysis("cost", write(tmp_path), "--tiers", "200:20", *words)
    assert printed.code == 2
    assert "rows: input should be 'complaints', 'filed' or 'accepted'" in printed.err


SEGMENTED = [
    ("1", "c1", "App", "2026-03-02", 100.0),
    ("2", "c2", "App", "2026-03-02", 40.0),
    ("3", "c3", "Web", "2026-03-03", 300.0),
    ("4", "c4", "Web", "2026-03-03", 50.0),
    ("5", "c5", "Web", "2026-03-04", 50.01),
    ("6", "c6", "App", "2026-03-05", 0.0),
]
SEGMENTS = {"c1": "big", "c2": "small", "c3": "big", "c4": "small", "c6": "small"}
BY_LOSS = {50: 5, None: 12.5}


def paid(loss: float) -> float:
    return 0 if loss == 0 else 5 if loss <= 50 else 12.5


@pytest.fixture(scope="module")
def claims() -> oa.Claims:
    columns = ["claim_id", "claimant_id", "service", "filed_on", "loss (EUR)"]
    segments = pl.DataFrame({"claimant_id": [*SEGMENTS], "segment": [*SEGMENTS.values()]})
    return oa.read_claims(pl.DataFrame(SEGMENTED, schema=columns, orient="row")).join(segments)


@pytest.fixture(scope="module")
def analysis(claims: oa.Claims) -> oa.Analysis:
    return oa.run(claims, tiers=BY_LOSS, draws=2048)


def test_a_certain_cost_is_what_the_claims_of_each_segment_are_paid(claims: oa.Claims) -> None:
    table = oa.run(claims, tiers=BY_LOSS, effort="automatic", draws=2048).by("segment")
    assert table.columns == ["segment", "claims", "expected", "p10", "p50", "p90"]
    for segment, count, *amounts in table.rows():
        losses = [loss for _, claimant, *_, loss in SEGMENTED if SEGMENTS.get(claimant) == segment]
        assert (count, amounts) == (len(losses), [fsum(map(paid, losses))] * 4)
    assert table["segment"].to_list() == ["big", "small", None]


@pytest.mark.parametrize("dimension", ["segment", "filed_on"])
def test_a_group_costs_what_a_run_of_its_claims_alone_costs(analysis: oa.Analysis, dimension: str) -> None:
    table = analysis.by(dimension)
    assert table["claims"].sum() == len(SEGMENTED)
    assert table["expected"].sum() == pytest.approx(analysis.expected, rel=1e-9)
    assert analysis.claims
    for value, count, expected, *spread in table.rows():
        alone = oa.run(analysis.claims.filter(**{dimension: value}), tiers=BY_LOSS, draws=2048)
        assert (count, expected) == (len(alone.claims or ()), pytest.approx(alone.expected, rel=1e-9))
        quantiles = alone.tables["quantiles"].filter(pl.col("measure").is_in(["p10", "p50", "p90"]))
        assert sorted(spread) == pytest.approx(sorted(quantiles["value"]), rel=1e-9)
        assert spread == sorted(spread)


def test_several_dimensions_and_another_level(claims: oa.Claims) -> None:
    analysis = oa.run(claims, tiers=BY_LOSS, draws=2048, level=90)
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
    policy = oa.policy_from_tiers(BY_LOSS, joined.incident, effort="automatic")
    line = policy.lines[0].model_copy(update={"eligibility": {"kind": ("big",)}})
    analysis = oa.run(joined, policy=policy.model_copy(update={"lines": (line,)}), draws=2048)
    assert analysis.by("segment").select("segment", "expected").rows() == [
        ("big", 25.0),
        ("small", 0.0),
        (None, 0.0),
    ]


def test_a_group_of_which_most_state_no_loss_has_no_cost() -> None:
    rows = [(*row[:4], None if row[2] == "App" else row[4]) for row in SEGMENTED]
    columns = ["claim_id", "claimant_id", "service", "filed_on", "loss (EUR)"]
    more = [(f"x{n}", f"x{n}", "Web", "2026-03-03", 60.0) for n in range(5)]
    some = pl.DataFrame([*rows, *more], schema=columns, orient="row")
    analysis = oa.run(some, tiers=BY_LOSS, draws=2048)
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
        replace(analysis, policies=(analysis.policy.model_copy(update={"lines": (line,)}),)).by("service")
    mails = pl.DataFrame({"claimant_id": ["c1", "c2"], "mail": ["a.b@example.org", "c.d@example.org"]})
    with pytest.raises(DisclosureBlocked, match="mail"):
        oa.run(claims.join(mails), tiers=BY_LOSS, draws=2048).by("mail")
