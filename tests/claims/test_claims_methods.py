"""The methods of claims that analysts use: to_polars, query, filter, join, rejects and by."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest
from rich.cells import cell_len

from outage_analysis.claims import Claims, load_sample, read_claims, save_claims
from outage_analysis.errors import DisclosureBlocked, UsageError
from outage_analysis.incidents import Incident
from outage_analysis.losses import ClaimsQuality, build_cube
from outage_analysis.text import schemas_of
from outage_analysis.text.display import WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import ClaimsCsv

pytestmark = pytest.mark.slow  # many files; the contract suite reads some of each kind in the quick run

ROWS = [
    {"service": "카카오 T", "loss": "0", "claimant_id": "u1", "region": "north"},
    {"service": "카톡", "loss": "300000", "claimant_id": "u2", "region": "south", "filed_on": "2022-10-20"},
    {"service": "카톡", "loss": "300001", "claimant_id": "u2", "region": "north", "filed_on": "2022-10-21"},
    {"service": "카톡", "loss": "", "claimant_id": "u3", "region": "", "claimant_type": "일반"},
    {"service": "카톡", "loss": "much"},
]
"""Four claims and one reject."""


@pytest.fixture
def claims(claims_csv: ClaimsCsv, incident: Incident) -> Claims:
    return read_claims(claims_csv(ROWS), incident, max_rejects=1)


def in_euros(incident: Incident) -> Incident:
    loss = incident.loss.model_copy(update={"unit": "EUR", "plausible_to": None})
    return incident.model_copy(update={"currency": "EUR", "minor_units": 2, "loss": loss, "formats": {}})


# --- query --------------------------------------------------------------------------------------------


REFUSED = [
    "drop view claims",
    "insert into files values ('a', 1, 1, 0)",
    "with gone as (delete from rejects returning *) select count(*) from gone",
    "copy claims to 'stolen.csv'",
    "attach 'other.duckdb'",
    "pragma database_list",
    "select 1; select 2",
    "create table mine as select 1",
    "set threads = 1",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_only_one_select_statement_runs(claims: Claims, tmp_path: Path, sql: str) -> None:
    before, listed = claims.to_polars(), sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=r"SELECT|Cannot"):
        claims.query(sql)
    assert claims.to_polars().equals(before)
    assert len(claims.rejects) == 1
    assert sorted(tmp_path.iterdir()) == listed


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("selec 1", 'the SQL query fails: syntax error at or near "selec"'),
        ("select lss from claims", 'Referenced column "lss" not found.*similar names: .*"loss"'),
        ("from outsider", "outsider does not exist"),
        ("select * from nowhere", "nowhere does not exist.*claims, rejects, files"),
        ("select cast(service as int) from claims", "the SQL query fails: Could not convert string"),
        ("select loss as a, service as a from claims", "two columns of the same name"),
        ("select interval 1 day as gap", "gap: the query returns a time interval"),
        ("select $least", r"the parameter \$least and no value"),
    ],
)
def test_a_mistake_in_a_query_is_one_clear_line(claims: Claims, sql: str, message: str) -> None:
    outsider = pl.DataFrame({"a": [1]})  # a variable of the caller is no table
    with pytest.raises(UsageError, match=message) as refusal:
        claims.query(sql)
    error = refusal.value
    assert (str(error).count("\n"), error.__cause__, len(outsider)) == (0, None, 1)
    assert error.__context__ is None or error.__suppress_context__


def test_a_query_returns_no_decimals(claims: Claims) -> None:
    big = 2**70
    found = claims.query(
        f"select sum(loss) as total, 1.50 as price, {big}::hugeint as big, "  # noqa: S608
        "avg(loss) as mean from claims"
    )
    assert found.dtypes == [pl.Int64, pl.Float64, pl.Float64, pl.Float64]
    assert found.row(0) == (600_001, 1.5, float(big), 600_001 / 3)


# --- filter -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "rows"),
    [
        ({"service": "kakao_t"}, [2]),
        ({"service": ["카카오톡", "Kakao T"]}, [2, 3, 4, 5]),
        ({"claimant_type": "general_user"}, [5]),
        ({"filed_from": "2022-10-20"}, [3, 4]),
        ({"filed_from": date(2022, 10, 20), "filed_to": "2022-10-20"}, [3]),
        ({"filed_on": ["2022-10-21"]}, [4]),
        ({"loss": [0, 300_001]}, [2, 4]),
        ({"loss": None}, [5]),
        ({"region": "north", "service": "kakaotalk"}, [4]),
        ({"region": [None, "south"]}, [3, 5]),
        ({"claimant_id": "u2"}, [3, 4]),
        ({"filed_from": "2030-01-01"}, []),
    ],
)
def test_a_filter_keeps_the_claims_that_meet_all_conditions(
    claims: Claims, conditions: dict[str, object], rows: list[int]
) -> None:
    kept = claims.filter(**conditions)
    assert kept.to_polars()["source_row"].to_list() == rows
    assert kept.to_polars().equals(claims.to_polars().filter(pl.col("source_row").is_in(rows)))
    assert kept.files.rows() == [("claims.csv", len(rows), len(rows), 0)]
    assert (len(kept), kept.is_derived, kept.rejects.height) == (len(rows), True, 0)
    assert kept.query("select count(*) as n from claims").item() == len(rows)
    assert (len(claims), claims.is_derived) == (4, False)


def test_filters_add_up_and_say_so(claims: Claims) -> None:
    kept = claims.filter(service="kakaotalk").filter(loss=[300_000, 300_001]).filter(claimant_id="u2")
    assert kept.to_polars()["source_row"].to_list() == [3, 4]
    assert kept.selection == "service = kakaotalk; loss = 300000, 300001; claimant_id = 1 values"
    assert kept.selection in " ".join(repr(kept).split())
    assert kept.selection in build_cube(kept).source
    assert build_cube(kept).claims == build_cube(claims.filter(service="kakaotalk")).claims - 1 == 2
    assert ClaimsQuality(kept).to_dict()["claims"] == 2


WRONG: list[tuple[Callable[[Claims], object], str]] = [
    (lambda c: c.filter(), "no condition"),
    (lambda c: c.filter(servise="kakao_t"), "servise.*Did you mean 'service'"),
    (lambda c: c.filter(service="kakao_tt"), "kakao_tt.*Did you mean 'kakao_t'"),
    (lambda c: c.filter(service="x'; drop table accepted; --"), "service is not known"),
    (lambda c: c.filter(region="nort"), "nort.*Did you mean 'north'"),
    (lambda c: c.filter(claimant_id="nobody"), "no claim has this claimant_id"),
    (lambda c: c.filter(filed_from="20 October"), "is not a day"),
    (lambda c: c.filter(filed_on=5), "is not a day"),
    (lambda c: c.filter(loss=0.5), "loss has no decimal places"),
    (lambda c: c.filter(loss="much"), "loss is a number from 0"),
    (
        lambda c: c.join(pl.DataFrame({"claimant_id": ["u1", "u1 "], "a": ["x", "y"]})),
        "would multiply claims",
    ),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"], "loss": ["x"]})), "already have a column"),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"], "region": ["x"]})), "already have a column"),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"], "over": ["x"]})), "reserved"),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"], "raw_x": ["x"]})), "reserved"),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"], "Big name": ["x"]})), "lower-case"),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"], "a": [1.5]})), "Float64.*bands"),
    (lambda c: c.join(pl.DataFrame({"claimant_id": [1.5], "a": ["x"]})), "Float64"),
    (
        lambda c: c.join(pl.DataFrame({"claimant_id": ["nobody"], "a": ["x"]})),
        "no claim has a value of claimant_id",
    ),
    (lambda c: c.join(pl.DataFrame({"claimant_id": ["u1"]})), "no column besides"),
    (lambda c: c.join(pl.DataFrame({"customer": ["u1"], "a": ["x"]})), "the frame has no such column"),
    (
        lambda c: c.join(pl.DataFrame({"claimant": ["u1"], "a": ["x"]}), on="claimant"),
        "cannot be joined.*Did you mean 'claimant_id'",
    ),
    (lambda c: c.join(pl.DataFrame({"loss": [1], "a": ["x"]}), on="loss"), "cannot be joined"),
    (lambda c: c.by("servise"), "servise.*Did you mean 'service'"),
    (lambda c: c.by("service", "service"), "twice"),
    (lambda c: c.by(bands=[300, 200]), "above 0 that increase .found '200'"),
    (lambda c: c.by(bands=[0, 0]), "above 0 that increase .found '0'"),
    (lambda c: c.by(bands=[-5]), "is a number from 0 .found '-5'"),
    (lambda c: c.by(bands=["x"]), "is a number from 0"),  # type: ignore[list-item]
    (lambda c: c.by(bands=[0.5]), "has no decimal places"),
    (lambda c: c.by(bands=[True]), "is a number from 0"),
    (lambda c: c.by(bands=[float("inf")]), "is a number from 0"),
    (lambda c: c.query("select 1", least=5), "does not use the value least"),
    (lambda c: c.query("from claims", claims=pl.DataFrame({"a": [1]})), "name of a table of the claims"),
]


@pytest.mark.parametrize(("ask", "message"), WRONG, ids=range(len(WRONG)))
def test_what_claims_cannot_answer_is_refused(
    claims: Claims, ask: Callable[[Claims], object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ask(claims)


def test_a_filter_by_loss_is_in_whole_currency(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read_claims(claims_csv([{"loss": "12.5"}, {"loss": "12"}]), in_euros(incident))
    assert claims.filter(loss=12.5).to_polars()["loss"].to_list() == [12.5]
    with pytest.raises(UsageError, match="at most 2 decimal places"):
        claims.filter(loss=12.555)


# --- join ---------------------------------------------------------------------------------------------


def test_personal_data_in_joined_columns_are_not_saved(claims: Claims, tmp_path: Path) -> None:
    joined = claims.join(pl.DataFrame({"claimant_id": ["u1"], "phone": ["010-1234-5678"]}))
    with pytest.raises(DisclosureBlocked):
        save_claims(joined, tmp_path / "kept.parquet")
    with pytest.raises(DisclosureBlocked):
        joined.by("phone")


# --- by -----------------------------------------------------------------------------------------------

EDGES = [0, 300_000, 500_000]


def test_negative_losses_are_one_band(claims_csv: ClaimsCsv, incident: Incident) -> None:
    loss = incident.loss.model_copy(update={"negative": "band", "plausible_to": None})
    outage = incident.model_copy(update={"loss": loss})
    claims = read_claims(claims_csv([{"loss": n} for n in ("-500", "-5", "0", "5")]), outage)
    assert claims.by(bands=[100]).select("over", "up_to", "claims", "loss").rows() == [
        (None, -1, 2, -505),
        (-1, 0, 1, 0),
        (0, 100, 1, 5),
        (100, None, 0, 0),
    ]
    assert claims.by("service").rows() == [("kakaotalk", 4, -500, 1)]


def test_the_table_shows_itself_as_a_heat_table(claims: Claims) -> None:
    table = claims.by("service", bands=EDGES)
    lines = repr(table).split("\n")
    assert lines[0] == "Claims by service and stated loss in won"
    assert max(map(cell_len, lines)) <= WIDTH
    numbers = {line.split("  ")[0].strip(): re.findall(r"\d+", line) for line in lines[-3:]}
    assert numbers == {
        "KakaoTalk": ["0", "1", "1", "0", "1", "3"],
        "Kakao T": ["1", "0", "0", "0", "0", "1"],
        "All claims": ["1", "1", "1", "0", "1", "4"],
    }
    assert str(table) == repr(table)
    markup = table._repr_html_()
    assert re.findall(r"<t[dh](?: [^>]*)?>([^<]*)", markup)[:14] == [
        *("Service", "no loss (0)", "up to 300k", "300–500k", "over 500k", "not stated"),
        *("Total", "KakaoTalk", "0", "1", "1", "0", "1", "3"),
    ]
    assert (markup.count('class="n h5"'), "Synthetic" in markup + repr(table)) == (4, False)


def test_a_table_of_synthetic_or_selected_claims_says_so(claims_csv: ClaimsCsv, incident: Incident) -> None:
    claims = read_claims(claims_csv([{"synthetic": "true"}, {}]), incident).filter(service="kakaotalk")
    table = claims.by("service")
    for text in ("Synthetic rows", "service = kakaotalk"):
        assert (text in repr(table), text in table._repr_html_()) == (True, True)


def test_frames_derived_from_the_table_are_shown_as_polars_shows_them(claims: Claims) -> None:
    table = claims.by("service", bands=EDGES)
    plain = pl.DataFrame(table)
    for derived, same in (
        (table.filter(pl.col("claims") > 0), plain.filter(pl.col("claims") > 0)),
        (table.select("service"), plain.select("service")),
        (table.head(2), plain.head(2)),
        (table.clone(), plain),
        (table.clear(), plain.clear()),
        (table.drop("share"), plain.drop("share")),
    ):
        assert (repr(derived), derived._repr_html_()) == (repr(same), same._repr_html_())
        assert derived.equals(same)
    table.insert_column(0, pl.Series("more", range(len(table))))
    assert repr(table).startswith("shape: (10, 8)")


def test_text_from_files_is_escaped_in_the_heat_table(claims_csv: ClaimsCsv, incident: Incident) -> None:
    evil = "<script>alert(1)</script>\x1b[31m"
    table = read_claims(claims_csv([{"region": evil}, {}]), incident).by("region", bands=[5])
    assert "<script" not in table._repr_html_()
    assert "\x1b" not in repr(table) + table._repr_html_()


def test_many_rows_are_counted_and_are_in_the_total(claims_csv: ClaimsCsv, incident: Incident) -> None:
    table = read_claims(claims_csv([{"region": f"r{n}"} for n in range(40)]), incident).by("region")
    lines = repr(table).split("\n")
    assert lines[-1] == "and 10 more rows, in the total"
    assert re.findall(r"[\d,]+", lines[-2]) == ["40", "4,000,000"]


NAMED = schemas_of("query")


@pytest.fixture(scope="module")
def trams() -> Claims:
    return load_sample("trams")


@pytest.mark.parametrize("name", NAMED)
def test_a_result_has_the_columns_that_are_described(name: str, trams: Claims) -> None:
    some = trams.to_polars()["service"][0]
    for each in (trams, trams.filter(service=some), trams.filter(loss=None), trams.filter(service=[])):
        assert each.exact_rows(name).schema == NAMED[name].frame().schema
