"""Every table has the columns of its schema, and every column a unit, a title and a description."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import outage_analysis
from outage_analysis.analysis import Analysis, forecast_by_day, forecast_intake, run, sensitivity_tables
from outage_analysis.analysis.tables import AnalysisTables
from outage_analysis.assumptions import ledger_table, load_ledger
from outage_analysis.costs.backtesting import backtest
from outage_analysis.costs.cost_bridge import BridgeRun, bridge
from outage_analysis.errors import UsageError
from outage_analysis.incidents import load_backtest_spec, load_intake
from outage_analysis.policies import load_policy
from outage_analysis.reports import table_views
from outage_analysis.reports.grids import TableFormatter
from outage_analysis.reports.workbook.sheet import number_format, table_cells
from outage_analysis.text import (
    AMOUNT_KINDS,
    LANGUAGES,
    UNITS,
    Column,
    Locale,
    TableSchema,
    UnitByRow,
    all_schemas,
    matching_schema,
    schema_of,
    schemas_of,
    table_schema,
)
from outage_analysis.text.table_schema import GROUPS
from tests.tram_case import tram_plan

CASES = ("bundled", "tram", "tram from claims", "tram without ledger")


@pytest.fixture(scope="module")
def cases(analysis: Analysis, made: Analysis, tram: Path) -> dict[str, Analysis]:
    few = {"draws": 1_024, "compare": (), "budget": None}
    return {
        "bundled": analysis,
        "tram": made,
        "tram from claims": run(
            tram_plan(
                tram,
                policy=tram / "policy.toml",
                ledger=tram / "ledger.toml",
                claims=(tram / "claims.csv",),
                compare=(),
            )
        ),
        "tram without ledger": run(tram_plan(tram, ledger=None, as_of=date(2031, 3, 10), **few)),
    }


@pytest.mark.parametrize("case", CASES)
def test_every_table_of_an_analysis_has_the_columns_of_its_schema(
    cases: dict[str, Analysis], case: str
) -> None:
    tables = cases[case].exact_tables
    for name, table in tables.items():
        schema = tables.schema(name)
        schema.check(table)
        schema.check(table.clear())
        schema.check(schema.frame())


def test_the_cases_have_nearly_every_table(cases: dict[str, Analysis]) -> None:
    """A schema that no table of these cases has would never be compared with one."""
    seen = {name for case in cases.values() for name in case.tables}
    # These claims state only days; tests/losses/test_intake_by_hour.py checks the table by hour.
    assert set(schemas_of("analysis")) - seen == {"claims_intake_hours"}


@pytest.mark.slow
def test_tables_of_the_commands_have_the_columns_of_their_schemas(made: Analysis) -> None:
    kakao = load_policy("kakao-2022")
    sides = [
        BridgeRun(kakao, load_ledger(id_), load_ledger(id_).as_of)
        for id_ in ("kakao-2022", "kakao-2023-06-30")
    ]
    tested = backtest(load_backtest_spec("kakao-2022"), draws=1_024)
    assert made.compared is not None
    compared = made.compared.simulations
    federation = load_intake("kakao-federation")
    intake = forecast_by_day(federation).tables | forecast_intake(federation).tables
    tables: dict[str, dict[str, pl.DataFrame]] = {
        "sensitivity": sensitivity_tables(made, 1_000),
        "compare": {name: getattr(compared, name) for name in schemas_of("compare")},
        "backtest": {name: getattr(tested, name) for name in schemas_of("backtest")},
        "intake": {name: table for name, table in intake.items() if name in schemas_of("intake")},
        "documents": {"assumptions": ledger_table(load_ledger("kakao-2022")), "bridge": bridge(*sides)},
    }
    for group, found in tables.items():
        schemas = schemas_of(group)
        assert {*found} == {*schemas}, group
        for name, table in found.items():
            schemas[name].check(table)


def test_a_cube_has_the_columns_of_its_schema(made: Analysis, analysis: Analysis) -> None:
    for cube in (*analysis.cubes.values(), *made.cubes.values()):
        dimensions = {name: cube.frame.schema[name] for name in cube.dimensions}
        schema_of("distribution.cube").grouped_by(dimensions).check(cube.display_rows)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_column_has_a_unit_a_title_and_a_description(lang: str) -> None:
    locale = Locale(lang)
    for schema in all_schemas():
        assert schema.row.endswith("."), schema.row
        for column in schema.columns:
            assert column.possible_units <= UNITS.keys(), column
            assert locale.has_label(column.label_key), column
            assert column.description.endswith("."), column


def test_the_code_names_exactly_the_tables_that_are_described() -> None:
    described = {table for table, column in table_schema._cells() if table and not column}  # noqa: SLF001
    code = "".join(path.read_text("utf-8") for path in Path(outage_analysis.__file__).parent.rglob("*.py"))
    named = set(re.findall(r'schema_of\(\s*"([\w.]+)"', code)) | {
        name for name, _ in table_views.SHOWN.values()
    }
    of_groups = {
        name if group == "analysis" else f"{group}.{name}" for group in GROUPS for name in schemas_of(group)
    }
    assert named | of_groups == described


def test_a_table_that_gains_a_column_or_changes_a_type_fails(analysis: Analysis) -> None:
    costs = analysis.tables.costs
    with pytest.raises(ValueError, match="surprise: Int32 in the table, not declared"):
        schema_of("costs").check(costs.with_columns(surprise=1))
    with pytest.raises(ValueError, match="most: missing in the table, Float64"):
        schema_of("costs").check(costs.drop("most"))
    with pytest.raises(ValueError, match="count: Int64 in the table, Float64"):
        schema_of("costs").check(costs.with_columns(pl.col("count").cast(pl.Int64)))
    with pytest.raises(ValueError, match="the order differs"):
        schema_of("costs").check(costs.select(reversed(costs.columns)))


# --- access by attribute ------------------------------------------------------------------------------


def test_tables_are_attributes_with_completion(analysis: Analysis) -> None:
    tables = analysis.tables
    assert tables.costs is tables["costs"]
    assert tables.from_claims.costs is tables["claims_costs"]
    assert tables.hindsight.backtest is tables["hindsight_backtest"]
    assert {"costs", "quantiles", "from_claims", "hindsight"} <= set(dir(tables))
    assert not [name for name in dir(tables) if name.startswith(("claims_", "hindsight_"))]
    assert {"costs", "bands"} <= set(dir(tables.from_claims))
    assert {"backtest", "rivals"} <= set(dir(tables.hindsight))
    assert tables.from_claims.schema("costs") == schema_of("costs")
    assert dict(tables) == {name: tables[name] for name in tables}


def test_an_unknown_table_is_one_clear_line(analysis: Analysis) -> None:
    for error in (AttributeError, KeyError, UsageError):  # what Python, mappings and the command line need
        with pytest.raises(error, match=r"no such table .*'cost'.* Did you mean 'costs'\?"):
            _ = analysis.tables.cost
    assert not hasattr(analysis.tables, "surprise")
    assert analysis.tables.get("surprise") is None
    assert "surprise" not in analysis.tables
    with pytest.raises(UsageError, match="It has no tables of this kind"):
        _ = AnalysisTables({}).hindsight.backtest


# --- units in the report and the workbook -------------------------------------------------------------

EUROS = TableFormatter(Locale("en", "EUR", 2, loss_digits=2), {})


@pytest.mark.parametrize(
    ("unit", "value", "text", "number", "shown"),
    [
        ("money", 123_456.0, "1,234.56", 1_234.56, "#,##0.00"),
        ("loss", 123_450.0, "1,234.5", 1_234.5, "#,##0.00"),
        ("share", 0.256, "26%", 0.256, "0.0%"),
        ("count", 2_345.6, "2,346", 2_345.6, "#,##0"),
        ("decimal", 1_234.5, "1,234.5", 1_234.5, "#,##0.00"),
        ("hours", 127.5, "127.5", 127.5, "#,##0.00"),
        ("stated", 1_234.5, "1,234.5", 1_234.5, "#,##0.00"),
    ],
)
def test_a_unit_decides_how_a_report_and_a_workbook_write_a_value(
    unit: str, value: float, text: str, number: float, shown: str
) -> None:
    column = Column("x", unit, "A value.", label="value")  # type: ignore[arg-type] # the parameters are units
    frame = pl.DataFrame({"x": [value]})
    assert EUROS.grid(frame, (column,)).rows == ((text,),)
    assert EUROS.grid(frame, (column,)).columns[0].style == "n"
    _, ((cell,),) = table_cells(EUROS, frame, (column,))
    assert cell.value == number
    assert number_format(EUROS.locale, cell.unit, number) == shown


def test_the_unit_of_a_row_decides_in_the_report_and_in_the_workbook() -> None:
    swings = pl.DataFrame({"kind": ["review_award", "take_up"], "input_low": [123_456.0, 0.25]})
    columns = schema_of("tornado").pick("input_low")
    assert EUROS.grid(swings, columns).rows == (("1,234.56",), ("0.25",))
    _, cells = table_cells(EUROS, swings, columns)
    assert [(cell.value, cell.unit) for (cell,) in cells] == [(1_234.56, "money"), (0.25, "decimal")]
    outcomes = pl.DataFrame({"stage": ["filed", "paid"], "p50": [451.0, 5e6]})
    assert EUROS.grid(outcomes, schema_of("backtest.outcomes").pick("p50")).rows == (("451",), ("50,000.00",))


def test_the_unit_of_an_input_is_money_for_exactly_the_kinds_of_amounts() -> None:
    unit = schema_of("tornado")["input_low"].unit
    assert isinstance(unit, UnitByRow)
    assert {
        kind for kind in (*AMOUNT_KINDS, "take_up", "acceptance") if unit.in_row({"kind": kind}) == "money"
    } == {*AMOUNT_KINDS}
    assert str(schema_of("levers")["step"].unit) == "money if `lever` is `award`; else share"


# --- the schema of a selected table -------------------------------------------------------------------

ONE = TableSchema("A.", (Column("a", "money", "A."), Column("b", "text", "B.")))
OTHER = TableSchema("B.", (Column("a", "share", "A."), Column("c", "text", "C.")))


def test_a_selected_table_is_recognised_only_if_its_units_are_certain() -> None:
    schemas = (ONE, OTHER)
    assert matching_schema(pl.DataFrame({"a": [1.0], "b": ["x"]}), schemas) == ONE
    assert matching_schema(pl.DataFrame({"c": ["x"], "a": [1.0]}), schemas) == OTHER
    assert matching_schema(pl.DataFrame({"a": [1.0]}), schemas) is None  # money or a share
    assert matching_schema(pl.DataFrame({"a": [1.0], "own": ["x"]}), schemas) is None
    assert matching_schema(pl.DataFrame({"a": [1.0], "own": ["x"]}), (ONE,)) == ONE
    assert matching_schema(pl.DataFrame({"a": [1]}), (ONE,)) is None  # another type
    assert matching_schema(pl.DataFrame({"a": [1.0], "n": [1.0]}), (ONE,)) is None
    assert matching_schema(pl.DataFrame({"b": ["x"]}), (ONE,)) is None  # no number
