"""Every table has the columns of its schema, and every column a unit and a title."""

from __future__ import annotations

import copy
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis
from outage_analysis import Policy, load_policy, show_table
from outage_analysis.analysis import Analysis, forecast_by_day, forecast_intake, ledger_locale, run
from outage_analysis.assumptions import Ledger, distribution_text, ledger_table, load_ledger
from outage_analysis.cli.console import Output
from outage_analysis.costs.backtesting import backtest
from outage_analysis.costs.sensitivity import BridgeRun, bridge
from outage_analysis.errors import UsageError
from outage_analysis.incidents import load_backtest_spec, load_incident, load_intake
from outage_analysis.reports import table_views
from outage_analysis.text import (
    LANGUAGES,
    UNITS,
    Answer,
    Column,
    Locale,
    ShownTable,
    TableSchema,
    all_schemas,
    currency_if_converted,
    format_amounts,
    matching_schema,
    schema_of,
    schemas_of,
    table_schema,
    whole_counts,
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
        assert table.schema == schema.frame().schema, name


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
    federation = load_intake("kakao-federation")
    intake = forecast_by_day(federation).tables | forecast_intake(federation).tables
    tables: dict[str, dict[str, pl.DataFrame]] = {
        "sensitivity": made.sensitivity(1_000).exact_tables,
        "compare": made.compared.exact_tables,
        "backtest": {name: getattr(tested, name) for name in schemas_of("backtest")},
        "intake": {name: table for name, table in intake.items() if name in schemas_of("intake")},
        "documents": {"assumptions": ledger_table(load_ledger("kakao-2022")), "bridge": bridge(*sides)},
    }
    for group, found in tables.items():
        schemas = schemas_of(group)
        assert {*found} == {*schemas}, group
        for name, table in found.items():
            assert table.schema == schemas[name].frame().schema, name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_column_has_a_unit_a_title_and_a_description(lang: str) -> None:
    locale = Locale(lang)
    for schema in all_schemas():
        assert schema.row.endswith("."), schema.row
        for column in schema.columns:
            assert column.possible_units <= UNITS.keys(), column
            assert locale.has_label(f"column.{column.label}"), column
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


def test_tables_are_attributes_with_completion_and_an_unknown_one_is_one_clear_line(
    analysis: Analysis,
) -> None:
    tables = analysis.tables
    assert tables.costs is tables["costs"]
    assert {"costs", "quantiles", "claims_costs", "hindsight_backtest"} <= set(dir(tables))
    assert tables.schema("claims_costs") == schema_of("costs")
    assert copy.deepcopy(tables).costs.equals(tables.costs)
    for error in (AttributeError, KeyError, UsageError):  # what Python, mappings and the command line need
        with pytest.raises(error, match=r"no such table .*'cost'.* Did you mean 'costs'\?"):
            _ = tables.cost


# --- units in the report and the workbook -------------------------------------------------------------


# --- the schema of a selected table -------------------------------------------------------------------

ONE = TableSchema("A.", (Column("a", "money", "A."), Column("b", "text", "B.")))
OTHER = TableSchema("B.", (Column("a", "share", "A."), Column("c", "text", "C.")))


@pytest.mark.parametrize(
    ("columns", "schemas", "found"),
    [
        ({"a": [1.0], "b": ["x"]}, (ONE, OTHER), ONE),
        ({"c": ["x"], "a": [1.0]}, (ONE, OTHER), OTHER),
        ({"a": [1.0]}, (ONE, OTHER), None),  # money or a share
        ({"a": [1.0], "own": ["x"]}, (ONE, OTHER), None),
        ({"a": [1.0], "own": ["x"]}, (ONE,), ONE),
        ({"a": [1]}, (ONE,), None),  # another type
        ({"a": [1.0], "n": [1.0]}, (ONE,), None),
        ({"b": ["x"]}, (ONE,), None),  # no number
    ],
)
def test_a_selected_table_is_recognised_only_if_its_units_are_certain(
    columns: dict[str, list[Any]], schemas: tuple[TableSchema, ...], found: TableSchema | None
) -> None:
    assert matching_schema(pl.DataFrame(columns), schemas) == found


DAY = date(2022, 12, 30)
DOLLARS, WON, MINUTES = Locale("en", "USD", 2, 2), Locale("en", "KRW"), Locale("en", "USD", 2)


def written(
    schema: TableSchema, columns: dict[str, list[Any]], sums: Locale = DOLLARS
) -> dict[str, list[Any]]:
    return format_amounts(pl.DataFrame(columns), schema, sums, str).to_dict(as_series=False)


WON_LOSSES = Locale("en", "KRW", loss_unit="KRW")


@pytest.mark.parametrize(
    ("sums", "name", "columns", "expected"),
    [
        (
            DOLLARS,
            "distribution.cube",
            {"loss": [240_000, None], "claims": [2, 1]},
            {"loss": ["2,400.00", None], "claims": [2, 1]},
        ),
        (
            DOLLARS,
            "costs",
            {"expected": [8_292_465.0], "low": [1]},
            {"expected": ["82,924.65"], "low": ["0.01"]},
        ),
        (
            DOLLARS,
            "claims_bunching",
            {"edge": [30_000], "at_edge": [7]},
            {"edge": ["300.00"], "at_edge": [7]},
        ),
        (
            DOLLARS,
            "distribution.bands",
            {"over": [300_000], "up_to": [500_000], "share": [0.5]},
            {"over": ["3,000.00"], "share": [0.5]},
        ),
        (
            DOLLARS,
            "distribution.quantiles",
            {"probability": [0.5], "value": [50_062]},
            {"probability": [0.5], "value": ["500.62"]},
        ),
        (
            DOLLARS,
            "quantiles",
            {"measure": ["p90"], "value": [67_410], "error": [37]},
            {"value": ["674.10"], "error": ["0.37"]},
        ),
        (
            DOLLARS,
            "claims_fitted",
            {"quantity": ["p90"], "value": [5e4], "least": [6e4]},
            {"value": ["500.00"], "least": ["600.00"]},
        ),
        (DOLLARS, "claims_heaping", {"step": [1_000], "even": [0.001]}, {"step": ["10.00"], "even": [0.001]}),
        (
            DOLLARS,
            "documents.bridge",
            {"step": ["data"], "amount": [100], "total": [250]},
            {"amount": ["1.00"], "total": ["2.50"]},
        ),
        (
            DOLLARS,
            "distribution.cube",
            {"loss": [5], "loss_squared": [25]},
            {"loss": ["0.05"], "loss_squared": ["0.0025"]},
        ),
        (
            DOLLARS,
            "distribution.cube",
            {"loss_squared": [Decimal(123456789**2)]},
            {"loss_squared": ["1,524,157,875,019.0521"]},
        ),
        (DOLLARS, "distribution.cube", {"loss": [2**53 + 1]}, {"loss": ["90,071,992,547,409.93"]}),
        (
            DOLLARS,
            "flips",
            {"kind": ["review_award", "take_up"], "expected": [41_667.0, 0.5], "flips_at": [5e3, 0.1]},
            {"expected": ["416.67", "0.5"], "flips_at": ["50.00", "0.1"]},
        ),
        (
            DOLLARS,
            "backtest.outcomes",
            {"outcome": ["a", "b"], "stage": ["filed", "paid"], "p50": [451.0, 5e6]},
            {"p50": ["451.0", "50,000.00"]},
        ),
        (
            DOLLARS,
            "headlines",
            {"fact": ["CO-10", ""], "low": [5e7, 5e7]},
            {"low": ["50000000.0", "500,000.00"]},
        ),
        (
            DOLLARS,
            "claims_fits",
            {"parameters": ["alpha 0.362 ± 0.076, theta 2.136e+04 ± 4.2e+03"]},
            {"parameters": ["alpha 0.362 ± 0.076, theta 213.6 ± 42"]},
        ),
        # The cells of notebook 03 that showed hundredths of a won.
        (WON_LOSSES, "costs", {"low": [1_137_827.82], "expected": [189_917_025.1]}, {"low": ["1,137,828"]}),
        (WON_LOSSES, "costs", {"expected": [189_917_025.1, None]}, {"expected": ["189,917,025", None]}),
        (WON_LOSSES, "distribution.summary", {"loss": [5], "mean": [35_925.9]}, {"mean": ["35,926"]}),
        (
            WON_LOSSES,
            "distribution.cube",
            {"loss": [5], "loss_squared": [123_456_789**2]},
            {"loss_squared": ["15,241,578,750,190,521"]},
        ),
        (
            WON_LOSSES,
            "sensitivity.break_evens",
            {"kind": ["review_award", "take_up"], "break_even": [654_571.47, 0.376]},
            {"break_even": ["654,571", "0.376"]},
        ),
        (MINUTES, "distribution.summary", {"loss": [5], "mean": [12.25]}, {"mean": [12.25]}),
        (MINUTES, "distribution.cube", {"loss": [240]}, {"loss": [240]}),
        (MINUTES, "costs", {"promised": [1_250]}, {"promised": ["12.50"]}),
    ],
)
def test_sums_are_in_whole_currency_and_nothing_else_is(
    sums: Locale, name: str, columns: dict[str, list[Any]], expected: dict[str, list[Any]]
) -> None:
    found = written(schema_of(name), columns, sums)
    assert {column: found[column] for column in expected} == expected


@pytest.mark.parametrize(
    ("schema", "columns", "expected"),
    [
        # Notebook 04: payments expected under a policy.
        (
            schema_of("comparison"),
            {"policy": ["a"], "recipients": [2_912_791.09]},
            {"recipients": [2_912_791]},
        ),
        (schema_of("costs"), {"over": [0, 3], "count": [4_230.5, None]}, {"count": [4_231, None]}),
        (
            schema_of("funnel"),
            {"stage": ["filed"], "low": [1.4], "expected": [2.5]},
            {"low": [1], "expected": [3]},
        ),
        (
            schema_of("intake.branches"),
            {"branch": ["closes"], "late": [502.07], "total": [1_756.08]},
            {"late": [502], "total": [1_756]},
        ),
    ],
)
def test_expected_counts_are_whole(
    schema: TableSchema, columns: dict[str, list[Any]], expected: dict[str, list[Any]]
) -> None:
    found = whole_counts(pl.DataFrame(columns), schema).to_dict(as_series=False)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("schema", "columns"),
    [
        (schema_of("funnel"), {"stage": ["filed"], "low": [1], "expected": [2], "high": [3]}),  # people
        (schema_of("intake.branches"), {"branch": ["closes"], "median": [5], "low": [1], "high": [3]}),
        (schema_of("facts"), {"unit": ["USD"], "low": [1], "value": [2]}),  # what was printed
        (schema_of("policy.tie_outs"), {"unit": ["USD"], "computed": [3], "printed": [3]}),
    ],
)
def test_shares_counts_and_printed_figures_are_no_sums(
    schema: TableSchema, columns: dict[str, list[Any]]
) -> None:
    assert written(schema, columns) == columns
    assert currency_if_converted(pl.DataFrame(columns), schema, DOLLARS) == ""


def test_a_number_without_a_declared_unit_is_an_error() -> None:
    with pytest.raises(KeyError, match="surprise"):
        written(schema_of("costs"), {"expected": [1.0], "surprise": [2.0]})
    with pytest.raises(KeyError, match="surprise"):
        whole_counts(pl.DataFrame({"surprise": [2.0]}), schema_of("costs"))
    with pytest.raises(UsageError, match="kind: the unit of another column depends on this column"):
        written(schema_of("sensitivity.break_evens"), {"break_even": [1.0]})


def test_a_terminal_says_the_currency_above_a_table_and_hides_what_decides_a_unit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    heaps = pl.DataFrame({"over": [100_000], "up_to": [1_000_000], "loss": [240_000], "claims": [3]})
    rivals = pl.DataFrame({"stage": ["paid", "filed"], "rival": ["naive", "flat"], "low": [5e6, 451.0]})
    losses = ShownTable("Losses", heaps, schema_of("distribution.cube"))
    tables = [losses, ShownTable("Rivals", rivals, schema_of("hindsight_rivals"))]
    Output().print_answer(Answer(DOLLARS, tables=tables))
    out = capsys.readouterr().out
    assert out.startswith("Losses; sums in USD\n")
    assert all(said in out for said in ("1,000.01 to 10,000.00", "2,400.00"))
    assert "stage" not in out.lower()
    assert [line.split() for line in out.rstrip().splitlines()[-2:]] == [
        ["naive", "50,000.00"],
        ["flat", "451"],
    ]
    Output().print_answer(Answer(WON, tables=[losses]))
    plain = capsys.readouterr().out
    assert ("240,000" in plain, "sums in" in plain) == (True, False)


@pytest.fixture(scope="module")
def dollars() -> Policy:
    """The charter of Kakao as if its sums were cents."""
    return load_policy("kakao-2022").model_copy(update={"currency": "USD", "loss_unit": "USD"})


@pytest.mark.parametrize(("lang", "said"), [("en", "Sums in USD."), ("ko", "금액 단위: USD.")])
def test_a_notebook_says_the_currency_above_a_table_and_guesses_no_unit(
    dollars: Policy, lang: str, said: str
) -> None:
    """Costs and numbers of people both have a column `expected`, and no table has a column `n`."""
    shown = show_table(pl.DataFrame({"loss": [2_400.0], "claims": [240_000]}), dollars, lang=lang)
    assert f"{said}</em></p>" in shown.markup
    assert '<td class="n">2,400.00</td><td class="n">240,000</td>' in shown.markup
    assert (said in repr(shown), "2,400.00" in repr(shown)) == (True, True)
    for columns in ({"expected": [240_000.0]}, {"loss": [240_000], "n": [240_000]}):
        shown = show_table(pl.DataFrame(columns), dollars, lang=lang)
        assert re.search("240,?000", repr(shown))
        assert said not in repr(shown)


def test_a_notebook_takes_the_units_of_own_columns(dollars: Policy) -> None:
    table = pl.DataFrame({"largest": [2_400], "n": [7.6], "people": [7.6]})
    shown = show_table(table, dollars, units={"largest": "loss", "people": "count"})
    assert '<td class="n">2,400.00</td><td class="n">7.6</td><td class="n">8</td>' in shown.markup


def test_a_ledger_has_the_currency_that_it_says_or_that_of_its_bundled_incident() -> None:
    ledger = load_ledger("kakao-2022").model_copy(update={"currency": None})
    assert ledger_locale(ledger) == load_incident("kakao-2022").locale("en")
    assert ledger_locale(ledger.model_copy(update={"currency": "USD"})) == Locale("en", "USD", 2)
    assert ledger_locale(ledger.model_copy(update={"incident": "tram-2031"})) is None


@pytest.mark.parametrize(
    ("kind", "distribution", "said"),
    [
        (
            "review_award",
            {"kind": "pert", "low": 50_000, "mode": 150_000, "high": 600_050},
            "pert(low 500, high 6,000.5, mode 1,500, weight 4)",
        ),
        (
            "mean_payment",
            {"kind": "lognormal", "median": 26_254, "sigma": 1.5},
            "lognormal(median 262.54, sigma 1.5)",
        ),
        (
            "take_up",
            {"kind": "pert", "low": 0.1, "mode": 0.2, "high": 0.8},
            "pert(low 0.1, high 0.8, mode 0.2, weight 4)",
        ),
    ],
)
def test_the_distribution_of_a_sum_is_in_whole_currency_where_that_is_known(
    kind: str, distribution: dict[str, Any], said: str
) -> None:
    known = {"id": "a", "kind": kind, "name": {"en": "A"}, "distribution": distribution, "public_on": DAY}
    told = {"grade": "assumed", "source": {"en": "s"}, "rationale": {"en": "r"}, "owner": "o"}
    page = {"id": "x", "name": {"en": "X"}, "incident": "x", "as_of": DAY}
    entry = {**known, **told, "lines": ("line",), "outcome_known": False}
    (read,) = Ledger.model_validate({**page, "assumption": (entry,)}).assumptions
    assert distribution_text(read, Locale("en", "USD", 2)) == said
