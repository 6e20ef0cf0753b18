"""Amounts are in whole currency wherever a user sees a number.

The oracle: the same complaints once in won, which has no smaller unit, and once in euros, which has cents.
Every number of both cases must be the same, whatever the table, file or command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.charts import AltairChart
from outage_analysis.jupyter.display import Html
from tests.contract.command_line import outage_analysis

LOSSES = (5_000, 12_000, 29_900, 30_000, 31_000, 75_000, 120_000, None)
DAYS = pl.Series("filed_on", [f"2031-03-{day:02}" for day in range(1, 11)])
TIERS = {30_000: 10_000, 100_000: 30_000, None: 50_000}
BUDGET = 4_000_000
COMPLAINTS = pl.DataFrame(
    [
        (f"c{n}", f"p{n // 2}", ("app", "bank", "taxi")[n % 3], DAYS[n % 10], LOSSES[(7 * n + n // 5) % 8])
        for n in range(240)
    ],
    schema=["claim_id", "claimant_id", "service", "filed_on", "loss"],
    orient="row",
)
OWN_ROWS = {"minor_units", "claims_heaping", "round-losses", "heaping", "bands"}
"""Tables with one row per power of ten, which are other amounts in cents."""
ROUGH = {
    "quantiles",
    "claims_fits",
    "claims_fitted",
    "claims_curves",
    "claims_summary",
    "fits",
    "quantities",
    "summary",
}
"""Tables of what lies inside fine loss bands, which are finer in cents."""


class Case(NamedTuple):
    claims: oa.Claims
    analysis: oa.Analysis


@cache
def case(currency: str) -> Case:
    claims = oa.read_claims(COMPLAINTS, currency=currency)
    return Case(claims, oa.run(claims, tiers=TIERS, budget=BUDGET, draws=4_096))


def compared(made: Case) -> dict[str, Any]:
    claims, analysis = made
    other = analysis.policy.with_tier(up_to=30_000, pays=12_000)
    found = oa.compare(
        analysis.policy, other, claims=claims, ledger=analysis.ledger, budget=BUDGET, draws=4_096
    )
    won = found.winners_and_losers(*(policy.id for policy in found.policies))
    return found.tables | {"table": found.table, "won": won, "json": found.to_dict()}


def solved(made: Case) -> dict[str, Any]:
    found = made.analysis.solve(vary=["tiers.tier1,tier2"], budget=BUDGET, step=5_000)
    return {"table": found.table, "frontier": found.frontier, "json": found.to_dict()}


def of_claims(made: Case) -> dict[str, Any]:
    claims, fits = made.claims, made.claims.fit("lognormal")
    sql = "select service, sum(loss) as total from claims where loss > 29_900 group by all order by all"
    frames = {"all": claims.to_polars(), "head": claims.head(), "sql": claims.query(sql)}
    frames |= {"control": claims.control_totals.drop("unit"), "by": claims.by("service", bands=[0, 30_000])}
    frames |= {"summary": claims.summary("service"), "fits": fits.table(), "quantities": fits.quantities()}
    return frames | {name: claims.query(name) for name in claims.queries()["query"]}


def of_analysis(made: Case) -> dict[str, Any]:
    analysis = made.analysis
    cube, policy, ledger = analysis.cubes["cost"], analysis.policy, analysis.ledger
    known = {"scenarios": analysis.scenarios(), "by": analysis.by("service"), "json": analysis.to_dict()}
    known["cost_table"] = oa.cost_table(policy, ledger, as_of=analysis.as_of, cubes=[cube])
    known["payments"] = oa.payments(cube, policy).cast({pl.Decimal: pl.Float64})
    stated = {
        "reserve": analysis.reserve("P90"),
        "expected": analysis.expected,
        "p95": analysis.quantile(0.95),
    }
    return known | stated | {name: table for name, table in analysis.tables.items() if name != "facts"}


def of_sensitivity(made: Case) -> dict[str, Any]:
    found = made.analysis.sensitivity(BUDGET)
    return {**found.tables, "json": found.to_dict()}


def numbers(value: object, place: str = "") -> Iterator[tuple[str, float]]:
    """Yield each number of a table or of a mapping with its place."""
    if isinstance(value, pl.DataFrame):
        value = value.to_dict(as_series=False)
    if isinstance(value, dict | list | tuple):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in inner:
            if name not in OWN_ROWS:
                yield from numbers(each, f"{place}/{name}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, float(value)


def check_same(won: object, euros: object) -> None:
    expected, found = dict(numbers(won)), dict(numbers(euros))
    assert expected.keys() == found.keys()
    assert len(expected) > 3
    off = {
        place: (value, found[place])
        for place, value in expected.items()
        if found[place] != pytest.approx(value, rel=0.05 if ROUGH & {*place.split("/")} else 1e-3, abs=1e-9)
    }
    assert off == {}


@pytest.mark.parametrize(
    "ask", [of_claims, pytest.param(of_analysis, marks=pytest.mark.slow), of_sensitivity, compared, solved]
)
def test_every_frame_and_mapping_has_whole_currency(ask: Callable[[Case], dict[str, Any]]) -> None:
    check_same(ask(case("KRW")), ask(case("EUR")))


def test_totals_are_stated_in_whole_currency(tmp_path: Path) -> None:
    path = tmp_path / "totals.csv"
    lines = ('app,claimant,"(0, 30000]",300', "bank,claimant,>100000,50", 'taxi,claimant,"(30000, 100000]",9')
    path.write_text("\n".join(["service,claimant_type,band,claims", *lines]), "utf-8")
    incidents = [case(currency).claims.incident for currency in ("KRW", "EUR")]
    costs = [
        oa.run(counts=path, incident=each, tiers=TIERS, effort="automatic").expected for each in incidents
    ]
    assert costs == [300 * 10_000 + 9 * 30_000 + 50 * 50_000] * 2


COMMANDS: tuple[tuple[object, ...], ...] = (
    ("cost", "FILE", "--tiers", "TIERS", "--budget", BUDGET),
    ("scenarios", "--claims", "FILE", "--tiers", "TIERS", "--budget", BUDGET),
    ("reserve", "--claims", "FILE", "--tiers", "TIERS"),
    ("sensitivity", "--claims", "FILE", "--tiers", "TIERS"),
    ("ingest", "FILE"),
    ("inspect", "FILE"),
    ("query", "losses-by-service", "FILE"),
    ("cube", "FILE", "--by", "service", "--bands", "0,30000,100000"),
    ("distribution", "FILE", "--fit", "--family", "lognormal"),
)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            words, marks=() if words[0] in {"ingest", "reserve"} else pytest.mark.slow, id=str(words[0])
        )
        for words in COMMANDS
    ],
)
def test_every_command_prints_json_in_whole_currency(tmp_path: Path, command: tuple[object, ...]) -> None:
    COMPLAINTS.write_csv(tmp_path / "list.csv")
    tiers = ",".join(f"{'*' if up_to is None else up_to}:{pays}" for up_to, pays in TIERS.items())
    known = {"FILE": tmp_path / "list.csv", "TIERS": tiers}
    words = [known.get(str(word), word) for word in command]
    printed = [outage_analysis(*words, "--currency", currency, "--json") for currency in ("KRW", "EUR")]
    assert [each.code for each in printed] == [0, 0], printed
    check_same(*(json.loads(each.out) for each in printed))


@pytest.mark.slow
def test_the_files_of_a_report_have_whole_currency(tmp_path: Path) -> None:
    for currency in ("KRW", "EUR"):
        case(currency).analysis.report(tmp_path / currency, formats=["csv"])
    tables = [
        {path.stem: pl.read_csv(path) for path in sorted((tmp_path / currency / "tables").iterdir())}
        for currency in ("KRW", "EUR")
    ]
    check_same(*({name: table for name, table in each.items() if name != "facts"} for each in tables))


def is_drawn(chart: AltairChart | Html) -> AltairChart:
    assert not isinstance(chart, Html)
    return chart


def test_frames_are_shown_and_drawn_as_they_are(tmp_path: Path) -> None:
    claims, analysis = case("EUR")
    quantiles, bands = analysis.tables.quantiles, analysis.tables.claims_service_bands
    assert f"{quantiles['value'][0]:,.2f}" in str(oa.show_table(quantiles, analysis))
    cube = oa.build_cube(claims, dimensions=["service"]).frame.select("service", "claims", "loss")
    loss = cube["loss"].drop_nulls().max()  # a cube counts in cents
    assert isinstance(loss, int)
    assert f"{loss / 100:,.2f}" in str(oa.show_table(cube.filter(loss=loss), claims))
    losses = claims.to_polars().select("claim_id", "loss")
    assert "120,000.00" in str(oa.show_table(losses.filter(loss=120_000).head(3), claims))

    drawn = [
        is_drawn(oa.show("services_by_band", analysis, table)).to_dict()["datasets"]
        for table in (None, bands)
    ]
    assert [*drawn[0].values()] == [*drawn[1].values()]
    made = [case("EUR").claims, case("KRW").claims]
    for each in made:
        chart = is_drawn(oa.show("ogive", each, each.fit("lognormal")))
        chart.save(tmp_path / f"{each.incident.currency}.svg")
    labels = [re.findall(r">(5k|10k|20k)<", path.read_text("utf-8")) for path in tmp_path.iterdir()]
    assert labels[0] == labels[1] != []
