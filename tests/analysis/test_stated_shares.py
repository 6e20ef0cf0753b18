"""Each share and median that is stated, against plain Python over rows with early arrivals."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outage_analysis.analysis import Analysis, Plan, Question, explore, run
from outage_analysis.charts import ChartContext, draw
from outage_analysis.claims import Claims, read_claims
from outage_analysis.incidents import Bands, load_incident
from outage_analysis.losses import Cube, quantiles, regroup, summary, with_shares
from outage_analysis.losses.loss_summaries import PROBABILITIES
from outage_analysis.text import Locale
from tests.loss_cubes import cube_of_claims

INCIDENT = """
id = "winter-storm"
name = { en = "Winter storm" }
currency = "EUR"
minor_units = 2
time_zone = "Europe/Berlin"
outage = { start = 2031-02-03T06:00:00+01:00, end = 2031-02-03T20:00:00+01:00 }
claims_from = 2031-02-03
claims_to = 2031-02-28
loss = { name = { en = "Arrival delay" }, unit = "minutes", negative = "band" }

[[service]]
id = "north"
name = { en = "North" }

[[service]]
id = "south"
name = { en = "South" }

[[claimant_type]]
id = "passenger"
name = { en = "Passengers" }
"""
POLICY = """
id = "winter-storm"
name = { en = "Delay vouchers" }
currency = "EUR"
minor_units = 2
loss_unit = "minutes"

[[line]]
id = "vouchers"
kind = "schedule"
name = { en = "Vouchers" }
public_on = 2031-02-03
effort = "form"
facts = []
zero = { fixed = 0 }
unknown = { review = true }

  [[line.band]]
  over = 0
  up_to = 100

  [[line.band]]
  over = 100
  fixed = 25_000
"""
Delays = dict[str, Sequence[int | None]]

EARLY = [-31] * 5 + [-12] * 9 + [-7] * 8 + [-4] * 16 + [-1] * 12
LATE = [*[3] * 9, *[21] * 12, *[45] * 9, *[90] * 6, 150, 180, 240, 600]
"""50 early and 40 late arrivals: with 6 on time, half of the 96 stated delays are -1 or less."""
DELAYS: Delays = {"north": [*EARLY, *[0] * 6, *LATE, None, None], "south": [-7, -7, -9, 0, 4, None, None]}


@dataclass(frozen=True)
class Storm:
    """The files of the case, its claims and its run."""

    folder: Path
    claims: Claims
    analysis: Analysis

    @property
    def cube(self) -> Cube:
        return self.analysis.cubes["cost"]


def stated(delays: Sequence[int | None]) -> list[int]:
    return sorted(delay for delay in delays if delay is not None)


def quantile_of(delays: Sequence[int | None], p: float) -> int:
    """The smallest delay that at least the share p of the stated delays do not exceed."""
    known = stated(delays)
    return known[max(1, math.ceil(Fraction(str(p)) * len(known))) - 1]


def inside(delays: Sequence[int | None], over: int | None, up_to: int | None) -> list[int | None]:
    """The delays over one edge up to another; between no edges, the unknown ones."""
    if over is None and up_to is None:
        return [delay for delay in delays if delay is None]
    known = [d for d in delays if d is not None]
    return [d for d in known if (over is None or over < d) and (up_to is None or d <= up_to)]


def every(delays: Delays) -> list[int | None]:
    return [delay for of in delays.values() for delay in of]


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Storm:
    folder = tmp_path_factory.mktemp("storm")
    (folder / "incident.toml").write_text(INCIDENT, encoding="utf-8")
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    with (folder / "delays.csv").open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("claim_id", "service", "claimant_type", "filed_on", "loss"))
        rows = [(service, delay) for service, of in DELAYS.items() for delay in of]
        out.writerows((n, s, "passenger", "2031-02-05", x) for n, (s, x) in enumerate(rows, start=1))
    incident = load_incident(folder / "incident.toml")
    claims = read_claims([folder / "delays.csv"], incident)
    plan = Plan(
        incident=str(folder / "incident.toml"),
        policy=str(folder / "policy.toml"),
        claims=(str(folder / "delays.csv"),),
        as_of=date(2031, 2, 28),
    )
    return Storm(folder, claims, run(plan))


def title(name: str, table: pl.DataFrame) -> str:
    names = {"north": "North", "south": "South"}
    chart = draw(name, table, ChartContext(Locale("en"), names, date(2031, 2, 28), "Arrival delay, minutes"))
    assert chart is not None
    said = chart.to_dict()["title"]["text"]
    return said if isinstance(said, str) else " ".join(said)


def test_the_title_of_the_bars_is_the_share_of_all_claims_in_the_widest_bar(storm: Storm) -> None:
    delays = every(DELAYS)
    table = storm.analysis.tables["claims_bands"]
    share = sum(1 for d in delays if d is not None and d < 0) / len(delays)
    assert title("band_distribution", table) == f"{share:.0%} of all claims are in one band: below 0"
    # Divided by the late arrivals alone, 37 of 41 would be 90 %.
    late = table.filter(pl.col("over") >= 0)
    (row,) = late.group_by("over", "up_to").agg(pl.col("claims").sum()).filter(pl.col("up_to") == 100).rows()
    assert row[2] == sum(1 for d in delays if d is not None and 10 < d <= 100)


def test_the_median_is_the_median_of_the_rows_early_arrivals_included(storm: Storm) -> None:
    for table in (storm.analysis.tables["claims_summary"], summary(storm.cube, ["service"])):
        for row in table.iter_rows(named=True):
            of = DELAYS[row["service"]]
            known = stated(of)
            assert row["median_low"] == row["median"] == row["median_high"] == quantile_of(of, 0.5)
            assert row["mean"] == pytest.approx(sum(known) / len(known))
            counted = [sum(d < 0 for d in known), known.count(0), of.count(None), len(known)]
            assert [row[name] for name in ("negative", "zero", "unknown", "stated")] == counted
    south = summary(storm.cube, ["service"]).filter(service="south")
    assert south["median"].item() == -7  # of -9, -7, -7, 0, 4


def test_every_table_of_a_distribution_agrees_with_the_rows(storm: Storm) -> None:
    claims = read_claims(storm.folder / "delays.csv", storm.folder / "incident.toml")
    made = explore(claims, None, storm.folder / "policy.toml", None, Question())
    for row in made.tables["quantiles"].iter_rows(named=True):
        of = DELAYS[row["service"]]
        assert row["low"] <= quantile_of(of, row["probability"]) <= row["high"]
    late = [d for d in every(DELAYS) if d is not None and d > 0]
    times = Counter(late)
    for loss, claims, share in made.tables["heaps"].rows():
        assert (claims, share) == (times[loss], pytest.approx(times[loss] / len(late)))
    (edge,) = made.tables["bunching"].iter_rows(named=True)
    assert edge["losses"] == len(late)
    assert edge["up_to_share"] == pytest.approx(sum(d <= 100 for d in late) / len(late))
    for row in storm.claims.query("round-losses").iter_rows(named=True):
        assert row["share"] == pytest.approx(sum(d % row["step"] == 0 for d in late) / len(late))
    assert storm.claims.query("frequent-losses").rows() == made.tables["heaps"].rows()


@pytest.mark.slow
def test_half_of_the_losses_is_stated_of_the_late_arrivals(storm: Storm) -> None:
    said = title("ogive", storm.analysis.tables["claims_curves"])
    assert said.startswith("Half of the losses above 0 are up to about ")
    late = sorted(d for d in every(DELAYS) if d is not None and d > 0)
    below = {
        row["loss"]: row["share_below"]
        for row in storm.analysis.tables["claims_curves"].filter(family="counted").iter_rows(named=True)
    }
    assert below == {
        edge: pytest.approx(sum(d <= edge for d in late) / len(late), rel=1e-5) for edge in below
    }


CLAIMS = st.lists(
    st.tuples(
        st.sampled_from(["north", "south"]),
        st.one_of(st.none(), st.just(0), st.integers(-90, 90), st.integers(-(10**6), 10**6)),
    ),
    min_size=1,
    max_size=40,
)
EDGES = st.lists(st.one_of(st.integers(1, 90), st.integers(1, 10**6)), max_size=5, unique=True)


@pytest.mark.slow
@given(rows=CLAIMS, cuts=EDGES, fine=EDGES)
@settings(max_examples=200)
def test_each_share_and_each_bound_holds_for_the_rows(
    rows: list[tuple[str, int | None]], cuts: list[int], fine: list[int]
) -> None:
    cube = cube_of_claims(rows, Bands.from_cuts(tuple(cuts), tuple(fine)).with_mirrored_negatives())
    by_service = {s: [x for service, x in rows if service == s] for s in {s for s, _ in rows}}
    shown = with_shares(regroup(cube, ["service"], Bands.from_cuts(tuple(cuts), negative=True)), ["service"])
    for service, over, up_to, _, _, share in shown.rows():
        of = by_service[service]
        assert share == len(inside(of, over, up_to)) / len(of)
    for row in quantiles(cube, ["service"], (*PROBABILITIES, 0.0, 1.0)).iter_rows(named=True):
        of = by_service[row["service"]]
        if not stated(of):
            assert row["low"] is row["high"] is row["value"] is None
            continue
        true = quantile_of(of, row["probability"])
        assert row["low"] is None or row["low"] <= true
        assert row["high"] is None or true <= row["high"]
        assert row["value"] is None or abs(row["value"] - true) <= row["error"]
    for row in summary(cube, ["service"]).iter_rows(named=True):
        known = stated(by_service[row["service"]])
        assert (row["negative"], row["zero"]) == (sum(x < 0 for x in known), known.count(0))
