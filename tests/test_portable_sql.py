"""The queries from claims to cubes and counts are plain SQL, which an engine on a cluster, Spark, can take.

sqlglot says what it cannot translate, but it passes on functions that it does not know, and a few phrases
that Spark refuses or reads otherwise. Those that were met are looked for here.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest
import sqlglot
from sqlglot import ErrorLevel, TokenType, exp
from sqlglot.errors import OptimizeError, UnsupportedError
from sqlglot.optimizer.qualify import qualify

from outage_analysis.aggregation import build_cube, cost_bands, count_pairs
from outage_analysis.bands import Bands
from outage_analysis.heaping import bunching_table
from outage_analysis.quality import quality_report
from outage_analysis.queries import NAMES, PORTABLE, text
from outage_analysis.reading import read_claims
from outage_analysis.warehouse import Warehouse
from tests.conftest import claim_rows
from tests.costs.test_payouts import policy_of, tiers
from tests.losses.test_cube import with_delay

if TYPE_CHECKING:
    import duckdb

    from outage_analysis.incidents import Incident
    from outage_analysis.policies import Policy

SPARK_HAS = {
    *(
        "CAST",
        "COALESCE",
        "COUNT",
        "EXPLODE",
        "GROUPING",
        "MAX",
        "MIN",
        "MIN_BY",
        "POSEXPLODE",
        "STRUCT",
        "SUM",
    ),
    "DECIMAL",  # a type, whose digits make it look like a call
}
"""What the queries call, under the name that Spark has for it."""
TABLES = ("claims", "accepted", "files", "rejects", "bands")
"""What the queries start from; on a cluster, tables with the same columns."""


class Asked(NamedTuple):
    """What was asked of the engine, and the columns of its tables."""

    statements: list[str]
    tables: dict[str, object]


@pytest.fixture(scope="module")
def asked(incident: Incident, policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Every statement of a run over a small file, with the values and columns that it was bound to."""
    incident = with_delay(incident)
    rows = [{"claimant_id": "a", "loss": loss, "delay": "5"} for loss in ("7", "300000", "", "x")]
    path = tmp_path_factory.mktemp("portable") / "claims.csv"
    pl.DataFrame(claim_rows(rows, incident)).write_csv(path)
    entitled = {"service": ("kakaotalk",), "region": ("the sea's", r"a \ b"), "delay": ("up to 0",)}
    line = policy.schedules[0].model_copy(update={"grain": "claimant", "eligibility": entitled})
    statements: list[str] = []
    relation = Warehouse.relation

    def listening(self: Warehouse, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        statements.append(query)
        return relation(self, query, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Warehouse, "relation", listening)
        claims = read_claims(path, incident, max_rejects=1)
        build_cube(claims, dimensions=("service", "delay", "filed_on"), until=date(2022, 10, 20))
        build_cube(claims, dimensions=(), policy=policy)
        cost_bands(claims, [policy_of({"band": tiers([10], [{"share": 0.5}, {"fixed": 5}])})])
        build_cube(claims, line=line)
        count_pairs(claims, bands=Bands((10,)), dimension="region")
        quality_report(claims)
        bunching_table(claims, [300_000])
        bunching_table(claims, [300_000], by="service")
        tables: dict[str, object] = {
            table: dict.fromkeys(claims.sql(f"from {table}").columns, "string") for table in TABLES
        }
    return Asked(statements, tables)


def in_spark(query: str) -> str:
    (translated,) = sqlglot.transpile(
        query, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE, comments=False
    )
    return translated


def called(spark: str) -> set[str]:
    """The names before a bracket: those of functions, not those that a table's columns are named after."""
    tokens = sqlglot.tokenize(spark, read="spark")
    return {
        name.text.upper()
        for before, (name, bracket) in zip([None, *tokens], pairwise(tokens), strict=False)
        if bracket.token_type is TokenType.L_PAREN
        and name.end + 1 == bracket.start
        and name.text.isidentifier()
        and not (before and before.token_type is TokenType.ALIAS)
    }


def foreign(query: str, tables: dict[str, object]) -> list[str]:
    """What Spark would not take, or would read otherwise, of a query in DuckDB's words."""
    try:
        spark = in_spark(query)
        tree = sqlglot.parse_one(spark, read="spark")
        qualify(tree.copy(), schema=tables, dialect="spark")
    except (UnsupportedError, OptimizeError) as error:
        return [str(error)]
    found = [f"{name} is no function of Spark's" for name in sorted(called(spark) - SPARK_HAS)]
    if tree.find(exp.Bracket):
        found.append("an index, counted from 1 here and from 0 there")
    if tree.find(exp.Lateral):
        found.append("a join with a list, whose condition is lost")
    if any(join.method for join in tree.find_all(exp.Join)):
        found.append("a kind of join that Spark does not have")
    for select in tree.find_all(exp.Select):
        if sum(len(list(column.find_all(exp.Explode, exp.Posexplode))) for column in select.expressions) > 1:
            found.append("two lists unfolded at once")
        order = select.args.get("order")
        if select.args.get("having") and order and order.find(exp.AggFunc):
            found.append("an order by a sum that `having` hides")
    return found


@pytest.mark.parametrize("name", PORTABLE)
def test_a_portable_query_can_be_said_in_sparks_words(name: str, asked: Asked) -> None:
    first_line = text(name).partition("\n")[0]
    statements = {statement for statement in asked.statements if first_line in statement}
    assert statements, "the run above does not ask it"
    for statement in statements:
        assert foreign(statement, asked.tables) == []


def test_a_portable_query_is_a_query() -> None:
    assert set(PORTABLE) < set(NAMES)
    assert len(set(PORTABLE)) == len(PORTABLE)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("select try_strptime(day, '%Y') from t", "TRY_STRPTIME is no function of Spark's"),
        ("select regexp_full_match(day, 'a(b') from t", "REGEXP_FULL_MATCH is no function of Spark's"),
        # claims.sql takes the names of files so, which is why it is not portable.
        ("select [day, day][n + 1] from t", "ARRAY is no function of Spark's"),
        ("select days[n + 1] from t", "an index, counted from 1 here and from 0 there"),
        ("select unnest($days), unnest($more) from t", "two lists unfolded at once"),
        (
            "select x from unnest($a) with ordinality as a(x, n) join unnest($b) as b(y) on a.n = b.y",
            "a join with a list, whose condition is lost",
        ),
        ("select t.n from t asof join t as u on t.n >= u.n", "a kind of join that Spark does not have"),
        (
            "select day from t group by day having sum(n) > 1 order by sum(n)",
            "an order by a sum that `having` hides",
        ),
    ],
)
def test_what_is_not_portable_is_found(query: str, reason: str) -> None:
    assert reason in foreign(query, {"t": {"day": "string", "days": "string", "n": "string"}})


def test_a_row_as_one_value_is_found() -> None:
    (reason,) = foreign("select arg_min(t, n) as first from t", {"t": {"n": "string"}})
    assert reason.startswith("Column 't' could not be resolved")


def test_what_sqlglot_itself_cannot_translate_is_found() -> None:
    (reason,) = foreign("select arg_max(n, n, 3) from t", {"t": {"n": "string"}})
    assert "is not supported" in reason
