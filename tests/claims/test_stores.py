"""Claims that last: Parquet for others, a warehouse file to add to; and the limits of the engine."""

from __future__ import annotations

import os
import stat
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest
from pydantic import ValidationError

from outage_analysis.claims import Limits, Warehouse, limits, read_claims, save_claims
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.incidents import Dimension, Incident, Layout
from outage_analysis.incidents.incident import RESERVED
from outage_analysis.losses import ClaimsQuality, build_cube
from tests.claims.test_claims_methods import in_euros
from tests.commands import KAKAO, command
from tests.shared_folders import file_contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outage_analysis.claims import Claims
    from tests.conftest import ClaimsCsv, Row

ROWS: list[Row] = [
    {"claim_id": "c9", "claimant_id": "u1", "loss": "300000"},
    {"claim_id": "c10", "loss": "", "region": ""},
    {"claim_id": "a", "claimant_id": "u1", "filed_on": "2022-10-16", "service": "카뱅"},
    {"claim_id": "b", "loss": "많음"},
    {"claim_id": "a", "loss": "7"},
]
SUFFIXES = (".parquet", ".duckdb")


def read(paths: Path | list[Path], incident: Incident, *layouts: Layout) -> Claims:
    return read_claims(paths, incident, layouts=layouts, max_rejects=1)


def saved(claims: Claims, path: Path) -> Path:
    save_claims(claims, path)
    return path


# --- Parquet ----------------------------------------------------------------------------------------------


def test_a_parquet_holds_the_claims_by_their_ids_and_no_other_text(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path
) -> None:
    claims = read(claims_csv([{**row, "memo": "비밀"} for row in ROWS]), incident)
    path = saved(claims, tmp_path / "kept.parquet")
    frame = pl.read_parquet(path)
    assert frame.columns == [
        *("claim_id", "claimant_id", "service", "claimant_type", "filed_on", "loss"),
        *("region", "industry", "category", "synthetic", "source_file", "source_row"),
    ]
    days = date(2022, 10, 16), date(2022, 10, 19), date(2022, 10, 19)
    losses, rows = (100_000, None, 300_000), (4, 3, 2)
    expected = list(zip(("a", "c10", "c9"), days, losses, rows, strict=True))
    assert frame.select("claim_id", "filed_on", "loss", "source_row").rows() == expected
    assert not [text for text in ("비밀", "많음") if text.encode() in path.read_bytes()]


def test_a_parquet_says_what_it_is_of(claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path) -> None:
    paths = [claims_csv([{"claim_id": n}], name=f"{n}.csv") for n in "ab"]
    claims = read(paths, incident)
    marks = pl.read_parquet_metadata(saved(claims, tmp_path / "kept.parquet"))
    said = [marks[f"outage_analysis.{key}"] for key in ("incident", "synthetic", "inputs_sha256")]
    assert said == ["kakao-2022", "false", " ".join(sorted(f.sha256 for f in claims.inputs))]
    with pytest.raises(InputRefused, match="holds claims of kakao-2022, not of elsewhere"):
        read(tmp_path / "kept.parquet", incident.model_copy(update={"id": "elsewhere"}))
    other = incident.model_copy(update={"claims_to": date(2022, 11, 5)})
    others = pl.read_parquet_metadata(saved(read(paths, other), tmp_path / "other.parquet"))
    key = "outage_analysis.incident_sha256"
    assert (len(marks[key]), marks[key] == others[key]) == (64, False)


def test_equal_claims_give_equal_bytes(claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path) -> None:
    paths = [claims_csv([{"claim_id": f"{name}{n}"} for n in (3, 1, 2)], name=f"{name}.csv") for name in "ba"]
    first, again, reversed_, less = (
        saved(read(files, incident), tmp_path / f"{n}.parquet").read_bytes()
        for n, files in enumerate((paths, paths, paths[::-1], paths[:1]))
    )
    assert first == again == reversed_ != less


def changed(**keys: object) -> Callable[[Incident], Incident]:
    """The incident with other keys; `negative` is one of its loss."""
    negative = {"negative": keys.pop("negative")} if "negative" in keys else {}
    return lambda own: own.model_copy(update=keys | {"loss": own.loss.model_copy(update=negative)})


def far(incident: Incident) -> Incident:
    distance = Dimension.model_validate(
        {"id": "distance", "name": {"en": "Distance"}, "kind": "number", "edges": (5, 20)}
    )
    return incident.model_copy(update={"dimensions": (*incident.dimensions, distance)})


VARIANTS: dict[str, tuple[Callable[[Incident], Incident], list[Row], Layout]] = {
    "as it is": (changed(), [{}, {"claimant_id": "u"}, {"loss": ""}, {"region": ""}], Layout()),
    "cents": (in_euros, [{"loss": "12.50"}, {"loss": "0.01"}, {"loss": "1"}, {"loss": "9999999"}], Layout()),
    "thousands of euros": (
        lambda incident: in_euros(incident).model_copy(update={"scale": {"loss": 1_000}}),
        [{"loss": "1.25"}, {"loss": "0.00001"}],
        Layout(),
    ),
    "a unit of the incident": (changed(scale={"loss": 10_000}), [{"loss": "30"}, {"loss": "0.5"}], Layout()),
    "a unit of the file": (changed(), [{"loss": "30"}], Layout(scale={"loss": 10_000})),
    "notations of the incident": (
        changed(formats={"filed_on": ("dmy",), "loss": ("european",)}),
        [{"filed_on": "19.10.2022", "loss": "300.000"}, {"filed_on": "01.11.2022", "loss": "1.000"}],
        Layout(),
    ),
    "notations of the file": (
        changed(), [{"filed_on": "10/19/2022"}], Layout(formats={"filed_on": ("mdy",)}),
    ),
    "a negative loss as a band": (changed(negative="band"), [{"loss": "-5"}, {"loss": "5"}], Layout()),
    "a negative loss as zero": (changed(negative="zero"), [{"loss": "-5"}, {"loss": "5"}], Layout()),
    "a number as a dimension": (far, [{"distance": "7"}, {"distance": "-1"}, {"distance": ""}], Layout()),
    "a scaled dimension": (
        lambda incident: far(incident).model_copy(update={"scale": {"distance": 1_000}}),
        [{"distance": "1.5"}],
        Layout(),
    ),
    "times of day": (
        changed(),
        [{"filed_on": "2022-10-19 15:30:05.25"}, {"filed_on": "2022-10-20"}],
        Layout(),
    ),
    "odd text": (
        changed(),
        [{"claim_id": "=1+1"}, {"claim_id": "a\"b'c"}, {"region": "서울\t종로"}, {"region": "'; drop --"}],
        Layout(),
    ),
}  # fmt: skip


AS_TABLES = ("cents", "times of day", "a unit of the file", "a negative loss as a band", "odd text")
"""A warehouse file keeps the tables as they are: a few variants are enough."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "suffix"), [*((n, ".parquet") for n in VARIANTS), *((n, ".duckdb") for n in AS_TABLES)]
)
def test_claims_that_are_read_again_are_the_same(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path, name: str, suffix: str
) -> None:
    change, rows, layout = VARIANTS[name]
    own = change(incident)
    claims = read(claims_csv([{"distance": "1", **row} for row in rows]), own, layout)
    assert len(claims) == len(rows)
    again = read(saved(claims, tmp_path / f"kept{suffix}"), own)
    dimensions = ("service", *(d.id for d in own.dimensions))
    first, second = (
        (
            c.to_polars().drop("source_file", "source_row", "synthetic").sort("claim_id", "loss"),
            c.query("repeat-claimants"),
            build_cube(c, dimensions=dimensions).frame,
        )
        for c in (claims, again)
    )
    for one, other in zip(first, second, strict=True):
        assert (one.equals(other), one.schema) == (True, other.schema)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["kept", "my-SYNTHETIC-claims"])
def test_synthetic_claims_are_kept_only_under_a_name_that_says_so(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path, suffix: str, name: str
) -> None:
    claims = read(claims_csv([{"synthetic": "true"}]), incident)
    path = tmp_path / f"{name}{suffix}"
    if name == "kept":
        with pytest.raises(UsageError, match="its name does not say so") as refusal:
            save_claims(claims, path)
        assert refusal.value.remedy == f"Name it kept-synthetic{suffix}."
        assert not path.exists()
    else:
        assert read(saved(claims, path), incident).synthetic


# --- a warehouse file ---------------------------------------------------------------------------------------


def test_a_warehouse_file_says_all_that_the_files_said(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path
) -> None:
    path = claims_csv(ROWS, delimiter=";")
    path.write_text(path.read_text("utf-8") + "짧은;행\n", "utf-8")
    claims = read(path, incident, Layout(delimiter=";"))
    again = read(saved(claims, tmp_path / "kept.duckdb"), incident)
    said, expected = (
        (
            c.to_polars().rows(),
            c.rejected_rows.rows(),
            (c.inputs, c.layouts, ClaimsQuality(c).to_dict()),
            build_cube(c, dimensions=("service", "claimant_type", "filed_on")).frame.rows(),
        )
        for c in (again, claims)
    )
    assert said == expected
    assert len(again) == 3
    assert again.rejected_rows["raw"].to_list()[-1] == "짧은;행"


@pytest.mark.slow
@pytest.mark.parametrize("other", [{"claims_to": date(2022, 11, 5)}, {"scale": {"loss": 2}}])
def test_claims_that_another_document_judged_are_refused(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path, other: dict[str, object]
) -> None:
    kept = saved(read(claims_csv([{}]), incident), tmp_path / "kept.duckdb")
    own = incident.model_copy(update=other)
    with pytest.raises(
        InputRefused, match="was validated with another definition of the incident"
    ) as refusal:
        read(kept, own)
    assert (refusal.value.file, refusal.value.remedy) == ("kept.duckdb", "Ingest its files again.")


# --- what is no warehouse file, or no longer ----------------------------------------------------------------


@pytest.mark.slow
def test_a_damaged_warehouse_file_is_one_line_and_exit_3_or_is_not_damaged_where_it_matters(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path
) -> None:
    claims = read(claims_csv([{"region": f"r{n * 7919}"} for n in range(20_000)]), incident)
    kept = saved(claims, tmp_path / "kept.duckdb")
    asked = ("cube", *KAKAO, kept, "--by", "service,region", "--json")
    whole, expected = kept.read_bytes(), command(*asked)
    assert expected[0] == 0
    damaged = []
    for part in range(12):
        at = 4096 + part * (len(whole) - 4096) // 12
        changed_bytes = bytes(b ^ 0x5A for b in whole[at : at + 2_000])
        kept.write_bytes(whole[:at] + changed_bytes + whole[at + 2_000 :])
        damaged += [result] if (result := command(*asked)) != expected else []
    assert len(damaged) >= 3
    for code, out, err in damaged:
        assert (code, out, err.count("\n"), err[:20]) == (3, "", 1, "error: kept.duckdb: ")
    for size in (10, 5_000, len(whole) // 2):
        kept.write_bytes(whole[:size])
        assert command(*asked) == (3, "", "error: kept.duckdb: is no warehouse file of claims\n")


# --- a warehouse file that somebody else has written --------------------------------------------------------

READING = "(select content from read_text('{local}'))"
FOREIGN_OBJECTS = {
    "a view for the claims": (
        ("create table kept as from accepted; drop table accepted; "
        "create view accepted as select * replace (READING as region) from kept"),
        "holds the view 'accepted'",
    ),
    "a view for the claims and nothing beside": (
        ("drop table accepted; create view accepted as select 0 as file_number, 2 as source_row, "
        "false as synthetic, 'a' as claim_id, 'b' as claimant_id, 'kakaotalk' as service, "
        "'individual' as claimant_type, date '2022-10-19' as filed_on, 5 as loss, "
        "READING as region, null as industry, null as category"),
        "holds the view 'accepted'",
    ),
    "a view for the rejects": (
        ("create table kept as from rejects; drop table rejects; "
        "create view rejects as select * replace (READING as raw) from kept"),
        "holds the view 'rejects'",
    ),
    "a view for the passport": (
        ("create table kept as from passport; drop table passport; "
        "create view passport as select * replace (READING as incident) from kept"),
        "holds the view 'passport'",
    ),
    "a view beside the tables": ("create view mine as select READING as a", "holds the view 'mine'"),
    "a macro": ("create macro coalesce(a) as READING", "holds the macro 'coalesce'"),
    "a trigger": (
        ("create trigger leak after insert on accepted "
        "insert into files select 0, content, 2 from read_text('{local}')"),
        "holds the trigger 'leak'",
    ),
    "an index": ("create index fast on accepted(claim_id)", "holds the index 'fast'"),
    "a sequence": ("create sequence next_one", "holds the sequence 'next_one'"),
    "a type": ("create type mood as enum ('good')", "holds the type 'mood'"),
    "a schema": ("create schema more", "holds the schema 'more'"),
    "a table in another schema": (
        "create schema more; create table more.accepted as from main.accepted", "holds the schema 'more'",
    ),
    "another table": ("create table mine as select 1 as a", "its table 'mine' is not the one"),
    "a table too few": ("drop table rejects", "its table 'rejects' is not the one"),
    "a generated column": (
        ("create table more as from files; drop table files; create table files "
        "(file_number bigint, file varchar generated always as ('x' || file_number), rows bigint)"),
        "its table 'files' is not the one",
    ),
    "a default": ("alter table files alter file set default 'x'", "its table 'files' is not the one"),
    "a constraint": ("alter table files alter file set not null", "its table 'files' is not the one"),
    "another type of column": ("alter table accepted alter loss type double", "its table 'accepted' is not"),
    "a column more": ("alter table accepted add column extra varchar", "its table 'accepted' is not the one"),
    "a column too few": ("alter table accepted drop column region", "its table 'accepted' is not the one"),
}  # fmt: skip
"""What somebody may do to a warehouse file, and how it is refused."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FOREIGN_OBJECTS)
def test_a_warehouse_file_with_anything_but_our_tables_is_refused_and_reads_no_local_file(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path, name: str
) -> None:
    local = tmp_path / "local.txt"
    local.write_text("the-content-of-a-local-file")
    kept = saved(read(claims_csv(ROWS), incident), tmp_path / "kept.duckdb")
    statements, message = FOREIGN_OBJECTS[name]
    with duckdb.connect(kept) as connection:
        for statement in statements.replace("READING", READING).format(local=local).split("; "):
            connection.execute(statement)
    before = file_contents(tmp_path)
    code, out, err = command("cube", *KAKAO, kept, "--by", "region", "--json")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("error: kept.duckdb: is no warehouse file of claims: it")
    assert (message in err, "the-content" in err) == (True, False)
    assert file_contents(tmp_path) == before


def test_a_warehouse_file_with_a_log_of_changes_beside_it_is_refused(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path
) -> None:
    kept = saved(read(claims_csv([{}]), incident), tmp_path / "kept.duckdb")
    (tmp_path / "kept.duckdb.wal").write_bytes(b"")
    with pytest.raises(InputRefused, match=r"has changes of another program beside it, in kept\.duckdb\.wal"):
        read(kept, incident)


# --- whole, or as it was before -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_a_warehouse_file_is_private_whatever_the_umask(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path, umask: int
) -> None:
    earlier = os.umask(umask)
    try:
        kept = saved(read(claims_csv(ROWS), incident), tmp_path / "kept.duckdb")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


ENGINE_WORDS = [
    *("list", "text", "position", "identified_by", "grain", "rank", "first", "row", "select"),
    *("steps", "step", "rejects", "validated", "typed", "bands", "source", "single", "rows", "located", "c0"),
    *("said", "readings", "product", "kept", "passport", "day"),
]


def with_dimension(incident: Incident, word: str) -> Incident:
    page = incident.model_dump(by_alias=True)
    dimension = ({"id": word, "name": {"en": "Any"}},)
    return Incident.model_validate(page | {"dimension": dimension, "columns": {}, "formats": {}})


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_dimension_has_no_name_of_a_claims_own_column(incident: Incident, word: str) -> None:
    with pytest.raises(ValidationError, match="has the name of a claim's own column"):
        with_dimension(incident, word)


@pytest.mark.slow
@pytest.mark.parametrize("word", ENGINE_WORDS)
def test_a_dimension_may_have_any_name_that_no_table_of_ours_needs(
    tmp_path: Path, incident: Incident, word: str
) -> None:
    named, path = with_dimension(incident, word), tmp_path / "a.csv"
    head = f"claim_id,service,claimant_type,filed_on,loss,{word}"
    rows = ["1,카톡,개인,2022-10-19,5,a", "1,카톡,개인,2022-10-19,5,b", "2,카톡,개인,x,5,a"]
    path.write_text("\n".join([head, *rows]), "utf-8")
    claims = read(path, named)
    assert build_cube(claims, dimensions=(word,)).frame[word].to_list() == ["a"]
    for suffix in SUFFIXES:
        again = read(saved(claims, tmp_path / f"kept{suffix}"), named)
        assert again.to_polars()[word].to_list() == ["a"]


MANY = "select i, hash(i) as h, repeat('x', 40) || i as text from range(1_000_000) as rows(i)"


@pytest.fixture
def allowed(tmp_path: Path) -> Iterator[Path]:
    """A warehouse may take 30 MB, and spills into this folder."""
    folder = tmp_path / "spill"
    folder.mkdir()
    token = limits.set(Limits(memory="30MB", threads=1, folder=folder))
    yield folder
    limits.reset(token)


def test_what_does_not_fit_into_memory_goes_to_the_folder_and_is_gone_in_the_end(allowed: Path) -> None:
    umask = os.umask(0)
    try:
        warehouse = Warehouse()
        warehouse.create("many", MANY)
    finally:
        os.umask(umask)
    assert warehouse.frame("select count(*) as n from many")["n"].item() == 1_000_000
    (folder,) = allowed.iterdir()
    assert [p.name for p in folder.iterdir()] == ["spill"]
    assert any((folder / "spill").iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700  # nobody else reaches what is in it
    del warehouse
    assert list(allowed.iterdir()) == []


@pytest.mark.usefixtures("allowed")
def test_too_little_memory_is_reported_with_what_to_do() -> None:
    with pytest.raises(EnvironmentFailed, match="the allowed memory is not enough") as refusal:
        Warehouse().frame("select string_agg(text, '' order by h) as s from (" + MANY + ")")  # noqa: S608
    assert refusal.value.remedy == "Close other programs."


@pytest.mark.usefixtures("allowed")
def test_a_folder_that_is_full_is_reported_with_what_to_do() -> None:
    warehouse = Warehouse()
    warehouse.frame("select 1")
    warehouse.run("set max_temp_directory_size = '1MB'")
    with pytest.raises(EnvironmentFailed, match="no disk space is left") as refusal:
        warehouse.create("many", MANY)
    assert refusal.value.remedy == "Free disk space, or set TMPDIR to a larger folder."


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"memory": "much"}, "memory is no amount"),
        ({"memory": "0GB"}, "memory is no amount"),
        ({"memory": "1GB'; drop"}, "memory is no amount"),
        ({"threads": 0}, "threads is not between 1 and 1024"),
        ({"folder": Path("nowhere")}, "folder is not an existing folder"),
    ],
)
def test_limits_that_are_none_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Limits(**wrong)  # type: ignore[arg-type]
