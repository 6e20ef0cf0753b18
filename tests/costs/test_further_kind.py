"""A kind of cost line that the package does not have: its class and its terms, and it is in every output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from outage_analysis.analysis import Analysis, run
from outage_analysis.costs import cost_table
from outage_analysis.costs.expected import COMPILERS
from outage_analysis.costs.page_model import live_cost
from outage_analysis.costs.terms import REPORT_RATES, CompileInputs, Funnel, Term
from outage_analysis.files import read_document
from outage_analysis.policies import Budget, FeeCredit, InKind, Line, Policy, Schedule
from outage_analysis.reports.report import Report
from outage_analysis.reports.workbook import write_xlsx
from outage_analysis.text.locale import _label_texts
from tests.tram_case import COUNTED, ENTRY, MIX, ledger, tram_plan, write_documents
from tests.workbook_reader import Workbook

DRIVERS = 226_154  # the fact US-07
FILED, ACCEPTED = 0.4, 0.8  # the means of uniform(0.2, 0.6) and beta(8, 2)
PER_DAY, DAYS = 30, 7
STIPEND = DRIVERS * FILED * ACCEPTED * PER_DAY * DAYS
"""The expected cost in cents, by hand: 15,197,548.8."""


class Stipend(Line):
    """An amount per day for each driver who claims it."""

    kind: Literal["stipend"]
    drivers: str
    per_day: int
    days: int


def stipend_terms(line: Stipend, funnel: Funnel, inputs: CompileInputs) -> Iterator[Term]:
    """The drivers, times the shares who file and are accepted, times the amount."""
    drivers = inputs.fact(line.drivers)
    term = Term(line.id, "cash", line.kind, line.drivers, factors=funnel.factors(*REPORT_RATES))
    yield (
        term.for_people(drivers.count, line.per_day * line.days)
        if drivers
        else replace(term, status="not_published")
    )


class PolicyWithStipends(Policy):
    """A policy whose document may have the further kind."""

    lines: Annotated[  # type: ignore[assignment]
        tuple[Annotated[Schedule | InKind | FeeCredit | Budget | Stipend, Field(discriminator="kind")], ...],
        Field(alias="line"),
    ]


DOCUMENT = (
    COUNTED.replace("tram-2031", "tram-stipend")
    + f"""
[[line]]
id = "stipend"
kind = "stipend"
name = {{ en = "Driver's stipend" }}
public_on = 2031-03-02
effort = "form"
drivers = "US-07"
per_day = {PER_DAY}
days = {DAYS}
"""
)
LEDGER = ledger(ENTRY.format(name="mix", kind="band_mix", distribution=MIX)).replace(
    'lines = ["delay"]', 'lines = ["delay", "stipend"]'
)


@pytest.fixture(scope="module", autouse=True)
def kind() -> Iterator[None]:
    """The registered kind, with its name for readers."""
    with pytest.MonkeyPatch.context() as patch:
        COMPILERS[Stipend] = (stipend_terms, None)
        patch.setitem(_label_texts("en"), "word.stipend", "stipend")
        patch.setattr("outage_analysis.analysis.plan.load_policy", _load)
        yield
        del COMPILERS[Stipend]


def _load(id_or_path: str | Path) -> Policy:
    return read_document(PolicyWithStipends, "policies", id_or_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stipend")
    write_documents(made)
    (made / "counted.toml").write_text(DOCUMENT, "utf-8")
    (made / "mixed.toml").write_text(LEDGER, "utf-8")
    return made


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return run(tram_plan(folder))


def test_the_cost_table_has_its_cost_with_bounds_and_the_draws_have_its_mean(analysis: Analysis) -> None:
    (row,) = analysis.exact_tables["costs"].filter(line="stipend").to_dicts()
    full = float(DRIVERS * PER_DAY * DAYS)
    assert row["expected"] == pytest.approx(STIPEND, rel=1e-9)
    assert (row["count"], row["promised"], row["most"]) == (float(DRIVERS), full, full)
    assert row["low"] < row["expected"] < row["high"] <= full
    assert (row["rule"], row["valuation"], row["status"], row["facts"]) == ("stipend", "cash", "ok", "US-07")
    assert row["assumptions"] == "as-filing as-acceptance"
    one = analysis.runs["published"].only("stipend", "cash")
    assert one is not None
    found = one.totals["cash"].expected
    assert abs(found.value - STIPEND) < 5 * found.error + 1e-9 * STIPEND


def test_it_has_products_of_factors(analysis: Analysis) -> None:
    found = live_cost(analysis.runs["published"].portfolio)
    assert found is not None
    (product,) = (term for term in found.terms if term.line == "stipend")
    assert product.base == DRIVERS * PER_DAY * DAYS
    assert product.factors == ("as-filing", "as-acceptance")
    moved = found.expected("cash", {"as-filing": 0.5}) / found.expected("cash")
    assert moved == pytest.approx(0.5 / 0.4)


@pytest.mark.slow
def test_the_workbook_computes_it_with_a_formula(analysis: Analysis, tmp_path: Path) -> None:
    write_xlsx(Report(analysis, "en"), tmp_path)
    (path,) = tmp_path.glob("*.xlsx")
    book = Workbook(path.read_bytes())
    values = [
        cell.value
        for cell in book.formulas()
        if cell.formula and cell.formula.endswith("*as_filing*as_acceptance")
    ]
    assert values == [pytest.approx(STIPEND / 100)]  # in euros


def test_a_kind_that_is_not_registered_is_refused(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {kind: compiler for kind, compiler in COMPILERS.items() if kind is not Stipend}
    monkeypatch.setattr("outage_analysis.costs.expected.COMPILERS", others)
    with pytest.raises(TypeError, match="Stipend"):
        cost_table(analysis.policy, analysis.ledger, as_of=analysis.as_of)
