"""Bare cubes: two of them add up to the cube of all files, and what would count wrongly is refused."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis.claims import read_claims
from outage_analysis.errors import EnvironmentFailed, InputRefused, UsageError
from outage_analysis.incidents import Bands
from outage_analysis.losses import StoredCube, build_cube, load_cube, merge_cubes, save_cube, with_provenance
from outage_analysis.losses import cube_files as cubes
from outage_analysis.losses.cube import MAX_INT64
from outage_analysis.losses.cube_files import PROVENANCE_KEY, VERSION_KEY, CubeProvenance
from tests.commands import GOOD, HEADER, command
from tests.conftest import claim_rows

if TYPE_CHECKING:
    from outage_analysis.claims import Claims
    from outage_analysis.incidents import Incident
    from outage_analysis.policies import Policy, Schedule
    from tests.conftest import Row

BANDS = Bands((10, 300_000))
JANUARY: list[Row] = [
    {"claim_id": "a", "loss": "10"},
    {"claim_id": "b", "loss": "11", "region": ""},
    {"claim_id": "c", "loss": ""},
    {"claim_id": "d", "loss": "0"},
]
FEBRUARY: list[Row] = [
    {"claim_id": "e", "loss": "12", "region": ""},
    {"claim_id": "f", "loss": "9"},
    {"claim_id": "g", "loss": "7", "service": "멜론"},
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, incident: Incident) -> list[Path]:
    """The complaints of two months, each claim with a claimant of its own."""
    folder = tmp_path_factory.mktemp("months")
    paths = [folder / "january.csv", folder / "february.csv"]
    for path, rows in zip(paths, (JANUARY, FEBRUARY), strict=True):
        named = [{**row, "claimant_id": f"of {row['claim_id']}"} for row in claim_rows(rows, incident)]
        pl.DataFrame(named).write_csv(path)
    return paths


@pytest.fixture(scope="module")
def claims(files: list[Path], incident: Incident) -> Claims:
    """Those of January."""
    return read_claims(files[0], incident)


def kept(claims: Claims, line: Schedule | None = None) -> StoredCube:
    cube = build_cube(claims, dimensions=("service", "region"), bands=BANDS, line=line)
    return with_provenance(cube, claims, bands=BANDS)


@pytest.fixture(scope="module")
def january(claims: Claims) -> StoredCube:
    return kept(claims)


@pytest.fixture(scope="module")
def february(files: list[Path], incident: Incident) -> StoredCube:
    return kept(read_claims(files[1], incident))


@pytest.fixture
def saved(january: StoredCube, tmp_path: Path) -> Path:
    """The bare cube of January."""
    path = tmp_path / "january.parquet"
    save_cube(january, path)
    return path


def test_two_cubes_add_up_to_the_cube_of_both_files(
    saved: Path, february: StoredCube, files: list[Path], incident: Incident
) -> None:
    both, together = merge_cubes(load_cube(saved), february), kept(read_claims(files, incident))
    assert both.cube.frame.equals(together.cube.frame)
    assert both.provenance == together.provenance
    assert both.cube.source == "january.csv, february.csv"
    told = both.cube.frame.filter(pl.col("region").is_null(), service="kakaotalk").drop("service", "region")
    assert told.rows() == [(10, 300_000, 2, 23, Decimal(11**2 + 12**2))]


def test_the_order_of_adding_does_not_matter_for_a_figure(january: StoredCube, february: StoredCube) -> None:
    third = changed(february, inputs=())
    orders = [
        merge_cubes(merge_cubes(january, february), third),
        merge_cubes(third, merge_cubes(february, january)),
        merge_cubes(merge_cubes(third, january), february),
    ]
    assert [x.cube.frame.equals(orders[0].cube.frame) for x in orders] == [True] * 3
    assert [f.name for f in orders[1].provenance.inputs] == ["february.csv", "january.csv"]


def test_a_loaded_cube_is_the_one_that_was_saved(saved: Path, january: StoredCube) -> None:
    again = load_cube(saved)
    assert again.cube.frame.equals(january.cube.frame)
    assert replace(again.cube, frame=january.cube.frame) == january.cube
    assert (again.provenance, again.file) == (january.provenance, "january.parquet")


def test_a_bare_cube_says_what_it_was_made_from(saved: Path, claims: Claims) -> None:
    said = json.loads(pl.read_parquet_metadata(saved)[PROVENANCE_KEY])
    assert said["incident"] == "kakao-2022"
    assert (said["dimensions"], said["edges"], said["line"]) == (["service", "region"], [10, 300_000], None)
    assert said["inputs"] == [{"name": "january.csv", "sha256": claims.inputs[0].sha256, "sheet": ""}]
    assert (said["synthetic"], said["counted"]) == (False, [])


def test_another_condition_or_outcome_is_another_digest_of_the_rules(claims: Claims) -> None:
    page, twice = claims.incident, "claim_id is not repeated"
    loss = page.loss.model_copy(update={"plausible_to": 1_000_000})
    pages = [page.model_copy(update=update) for update in ({}, {"rules": {twice: "count"}}, {"loss": loss})]
    told = [kept(replace(claims, incident=page)).provenance for page in pages]
    assert len({about.rules_sha256 for about in told}) == 3
    assert [about.counted for about in told] == [(), (twice,), ()]


def test_equal_cubes_give_equal_bytes(saved: Path, claims: Claims, february: StoredCube) -> None:
    whole = saved.read_bytes()
    for again in (kept(claims), load_cube(saved)):
        save_cube(again, saved)
        assert saved.read_bytes() == whole
    save_cube(merge_cubes(load_cube(saved), february), saved)
    assert saved.read_bytes() != whole


# --- what does not add up ---------------------------------------------------------------------------------


def changed(cube: StoredCube, **told: object) -> StoredCube:
    return replace(cube, provenance=cube.provenance.model_copy(update=told))


OTHERS: list[tuple[dict[str, object], str]] = [
    ({"incident": "tram"}, "holds claims of tram, not of kakao-2022. Give --incident tram."),
    (
        {"incident_sha256": "0" * 64},
        "was judged by another document of the incident kakao-2022. Make it again",
    ),
    ({"rules_sha256": "0" * 64}, "was judged by other rules than the new files. Make it again"),
    ({"line": "fees"}, "counts claimants of the line fees, and the new cube claims. Read all of the files"),
    ({"dimensions": ("service",)}, "is by service, and the new files by service,region. Give --by service."),
    ({"edges": (10, 500_000)}, "the first edge that differs is 500,000, in the new files 300,000. Give the"),
    ({"edges": (10,)}, "the first edge that differs is none, in the new files 300,000. Give the --policy"),
    ({"edges": (10, 300_000, 300_001)}, "that differs is 300,001, in the new files none. Give the --policy"),
]


@pytest.mark.parametrize(("told", "said"), OTHERS, ids=[said[:40] for _, said in OTHERS])
def test_what_does_not_count_the_same_is_not_added(
    saved: Path, february: StoredCube, told: dict[str, object], said: str
) -> None:
    with pytest.raises(InputRefused, match=re.escape(said)) as refusal:
        merge_cubes(changed(load_cube(saved), **told), february)
    assert refusal.value.file == "january.parquet"


def test_a_file_that_was_added_before_is_named_whatever_it_is_called_now(
    january: StoredCube, february: StoredCube
) -> None:
    renamed = january.provenance.inputs[0].model_copy(update={"name": "renamed.csv"})
    said = r"renamed\.csv: has the same content as january\.csv, which the cube counts already\. Add each"
    with pytest.raises(InputRefused, match=said):
        merge_cubes(january, changed(february, inputs=(*february.provenance.inputs, renamed)))
    with pytest.raises(InputRefused, match=r"february\.csv: has the same content as february\.csv"):
        merge_cubes(merge_cubes(january, february), february)
    other = renamed.model_copy(update={"sheet": "another"})
    assert merge_cubes(january, changed(january, inputs=(other,))).cube.claims == 8


def test_claimants_are_not_added_as_one_may_be_in_both(claims: Claims, policy: Policy) -> None:
    line = policy.schedules[0].model_copy(update={"id": "fees", "grain": "claimant", "eligibility": {}})
    claimants = kept(claims, line)
    assert claimants.provenance.line == "fees"
    with pytest.raises(InputRefused, match="claimants of the line fees: who is in both would be two"):
        merge_cubes(claimants, changed(claimants, inputs=()))


@pytest.mark.parametrize("column", ["claims", "loss"])
def test_sums_beyond_64_bits_are_refused_and_never_wrapped(
    saved: Path, february: StoredCube, column: str
) -> None:
    one = load_cube(saved)
    cells = pl.when(over=10).then(MAX_INT64 - 60).otherwise(column).alias(column)
    large = replace(one, cube=replace(one.cube, frame=one.cube.frame.with_columns(cells)))
    with pytest.raises(InputRefused, match=r"january\.parquet: claims or losses add up to more than 9,223,"):
        merge_cubes(large, changed(large, inputs=()))
    exact = merge_cubes(large, february).cube.frame[column].sum()
    assert exact == int(large.cube.frame[column].sum()) + int(february.cube.frame[column].sum())


def test_a_cube_is_kept_with_the_bands_and_the_claims_that_it_has(
    claims: Claims, january: StoredCube
) -> None:
    part = replace(january.cube, frame=january.cube.frame.head(1))
    for cube, bands in ((january.cube, Bands((11,))), (part, BANDS)):
        with pytest.raises(UsageError, match="the cube is not that of all of these claims"):
            with_provenance(cube, claims, bands=bands)


def test_what_is_added_to_a_synthetic_cube_is_synthetic_and_its_name_must_say_so(
    january: StoredCube, february: StoredCube, tmp_path: Path
) -> None:
    made = changed(february, synthetic=True)
    for cube in (merge_cubes(made, january), merge_cubes(january, made)):
        assert cube.cube.synthetic
        with pytest.raises(UsageError, match=r"does not say so\. Name it cube-synthetic\.parquet\."):
            save_cube(cube, tmp_path / "cube.parquet")
        save_cube(cube, tmp_path / "cube-synthetic.parquet")
        assert load_cube(tmp_path / "cube-synthetic.parquet").cube.synthetic
    assert not (tmp_path / "cube.parquet").exists()


def test_a_cube_of_another_suffix_or_with_too_many_rows_is_not_written(
    january: StoredCube, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"cube\.csv: is not \.parquet"):
        save_cube(january, saved.with_name("cube.csv"))
    monkeypatch.setattr(cubes, "MAX_ROWS", 3)
    with pytest.raises(InputRefused, match=r"cube\.parquet: more than 3 rows"):
        save_cube(january, saved.with_name("cube.parquet"))
    with pytest.raises(InputRefused, match=r"january\.parquet: more than 3 rows"):
        load_cube(saved)
    assert [path.name for path in saved.parent.iterdir()] == ["january.parquet"]


def test_what_another_run_added_meanwhile_is_not_lost(saved: Path, february: StoredCube) -> None:
    before = load_cube(saved)
    both = merge_cubes(before, february)
    save_cube(both, saved, add_to=before)
    whole = saved.read_bytes()
    with pytest.raises(EnvironmentFailed, match=r"january\.parquet: another run has added to it meanwhile"):
        save_cube(both, saved, add_to=before)
    assert saved.read_bytes() == whole


# --- files that are not what they say ---------------------------------------------------------------------


def forged(path: Path, frame: pl.DataFrame | None = None, marks: dict[str, str] | None = None) -> Path:
    """The bare cube with other rows or other marks, as somebody would forge it who knows how one is made."""
    said = {
        key: text
        for key, text in pl.read_parquet_metadata(path).items()
        if key in (VERSION_KEY, PROVENANCE_KEY)
    }
    frame = pl.read_parquet(path) if frame is None else frame
    about = CubeProvenance.model_validate_json(said[PROVENANCE_KEY])
    digest = cubes._digest(frame, about)  # noqa: SLF001 - as a forger would
    said = {
        **said,
        PROVENANCE_KEY: about.model_copy(update={"sha256": digest}).model_dump_json(),
        **(marks or {}),
    }
    frame.write_parquet(path, metadata={key: text for key, text in said.items() if text != "none"})
    return path


def about(path: Path, **told: object) -> dict[str, str]:
    return {PROVENANCE_KEY: json.dumps(json.loads(pl.read_parquet_metadata(path)[PROVENANCE_KEY]) | told)}


def refused(path: Path) -> str:
    with pytest.raises(InputRefused) as refusal:
        load_cube(path)
    said = str(refusal.value)
    assert "\n" not in said
    assert said.startswith(f"{path.name}: ")
    return said


def test_a_forged_cube_that_tells_the_truth_is_read(saved: Path) -> None:
    assert load_cube(forged(saved)).cube.claims == 4


def test_what_is_no_bare_cube_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="there is no such file"):
        load_cube(tmp_path / "none.parquet")
    text = tmp_path / "text.parquet"
    text.write_text("PAR1", "utf-8")
    assert "is no bare cube, nor a Parquet file. Make it again from its files" in refused(text)
    assert "is no bare cube: nothing in it says so. Make it again" in refused(
        forged(saved, marks={VERSION_KEY: "none"})
    )


def test_another_edition_is_refused_by_name(saved: Path) -> None:
    said = refused(forged(saved, marks={VERSION_KEY: "3"}))
    assert "is a bare cube of another edition than 2 (found '3'). Make it again from its files" in said


@pytest.mark.parametrize(
    "text", ["none", "", "{", "[" * 100_000, "[]", '"x"', "null", '{"incident": "kakao-2022"}']
)
def test_metadata_that_say_nothing_of_a_cube_are_refused(saved: Path, text: str) -> None:
    assert "is a damaged bare cube. Make it again" in refused(forged(saved, marks={PROVENANCE_KEY: text}))


@pytest.mark.parametrize(
    "told",
    [
        {"more": 1},
        {"edges": [10, -1]},
        {"edges": [10.5]},
        {"edges": ["10"]},
        {"edges": [10**30]},
        {"incident_sha256": "x"},
        {"inputs": [{"name": "a.csv"}]},
        {"synthetic": "no"},
        {"dimensions": None},
    ],
)
def test_metadata_of_another_kind_are_refused(saved: Path, told: dict[str, Any]) -> None:
    assert "is a damaged bare cube. Make it again" in refused(forged(saved, marks=about(saved, **told)))


@pytest.mark.parametrize(
    "told",
    [
        {"dimensions": ["service"]},
        {"dimensions": ["region", "service"]},
        {"dimensions": ["service", "service"]},
        {"dimensions": ["service", "region", "loss"]},
        {"edges": [10, 500_000]},
        {"edges": [300_000, 10]},
        {"edges": []},
    ],
)
def test_metadata_that_do_not_fit_the_rows_are_refused(saved: Path, told: dict[str, Any]) -> None:
    assert "is a damaged bare cube: " in refused(forged(saved, marks=about(saved, **told)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "columns",
    [
        pl.col("claims").cast(pl.Int32),
        pl.col("loss").cast(pl.Float64),
        pl.col("loss_squared").cast(pl.Int64),
        pl.col("loss_squared").cast(pl.Decimal(38, 2)),
        pl.lit(None, pl.Date).alias("region"),
        pl.lit(1).alias("more"),
        pl.col("service").cast(pl.Binary),
        pl.concat_list("claims").alias("claims"),
    ],
    ids=str,
)
def test_columns_of_another_kind_are_refused(saved: Path, columns: pl.Expr) -> None:
    frame = pl.read_parquet(saved).with_columns(columns)
    marks = pl.read_parquet_metadata(saved)
    frame.write_parquet(saved, metadata={key: marks[key] for key in (VERSION_KEY, PROVENANCE_KEY)})
    assert "is a damaged bare cube" in refused(saved)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cells",
    [
        {"claims": -1},
        {"claims": 0},
        {"claims": None},
        {"claims": MAX_INT64},
        {"loss": -11},
        {"loss": 10},
        {"loss": 300_001},
        {"loss": None},
        {"loss_squared": Decimal(10)},
        {"loss_squared": Decimal(122)},
        {"loss_squared": Decimal(-1)},
        {"loss_squared": Decimal(10**38 - 1)},
        {"over": None, "up_to": None},
        {"claims": 2**62, "loss": MAX_INT64},
    ],
    ids=str,
)
def test_counts_and_sums_that_no_claims_can_have_are_refused(saved: Path, cells: dict[str, Any]) -> None:
    frame = pl.read_parquet(saved)
    row = next(n for n, over in enumerate(frame["over"]) if over == 10)
    assert frame.row(row)[-3:] == (1, 11, Decimal(121))
    for name, value in cells.items():
        frame = frame.with_columns(frame[name].scatter(row, value))
    assert re.search(
        rf"no claims can have the counts and sums of its row {row + 1}\.", refused(forged(saved, frame))
    )


def test_rows_that_add_up_beyond_64_bits_are_refused(saved: Path) -> None:
    frame = pl.read_parquet(saved)
    unknown = frame.filter(pl.col("over").is_null(), pl.col("up_to").is_null())
    assert len(unknown) == 1
    one, other = (unknown.with_columns(claims=pl.lit(MAX_INT64), region=pl.lit(name)) for name in "pq")
    assert "add up to more than 9,223,372,036,854,775,807" in refused(forged(saved, pl.concat([one, other])))


def test_a_row_that_is_there_twice_is_refused(saved: Path) -> None:
    frame = pl.read_parquet(saved)
    assert "a row is there twice" in refused(forged(saved, pl.concat([frame, frame.head(1)])))


def test_a_row_or_a_mark_that_was_changed_is_refused(saved: Path) -> None:
    frame = pl.read_parquet(saved)
    marks = {key: pl.read_parquet_metadata(saved)[key] for key in (VERSION_KEY, PROVENANCE_KEY)}
    frame.with_columns(service=pl.lit("melon")).write_parquet(saved, metadata=marks)
    assert "it is not what was written" in refused(saved)
    frame.write_parquet(
        saved, metadata={**marks, PROVENANCE_KEY: marks[PROVENANCE_KEY].replace("january", "January")}
    )
    assert "it is not what was written" in refused(saved)
    frame.write_parquet(saved, metadata=marks)
    assert load_cube(saved).cube.frame.equals(frame)


def test_a_file_that_was_cut_off_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for end in range(0, len(whole), len(whole) // 12):
        saved.write_bytes(whole[:end])
        assert "is no bare cube" in refused(saved)


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of complaints, the first of them as a cube too."""
    folder = tmp_path_factory.mktemp("made")
    for n, name in ((1, "january"), (2, "february")):
        (folder / f"{name}.csv").write_text(HEADER + GOOD.replace("1", str(n), 1), "utf-8")
    cube = folder / "january.parquet"
    assert command("cube", folder / "january.csv", "--out", cube) == (0, f"{cube}\n", "")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to work in."""
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "here"))
    return Path.cwd()


UNSEEN = (
    "duplicates across files cannot be checked in a bare cube; where a claim may be in two files, use "
    "ingest --add with a warehouse file\n"
)


@pytest.mark.slow
def test_files_are_added_to_a_bare_cube_beside_it_or_in_its_place(folder: Path) -> None:
    added = ("cube", "february.csv", "--add", "january.parquet", "--out")
    assert command(*added, "both.parquet") == (0, "both.parquet\n", UNSEEN)
    assert command(*added, folder / "january.parquet") == (0, f"{folder / 'january.parquet'}\n", UNSEEN)
    assert command("cube", "january.csv", "february.csv", "--out", "read.parquet")[2] == ""
    both, added_to, read = ((folder / f"{name}.parquet").read_bytes() for name in ("both", "january", "read"))
    assert both == added_to == read
    assert load_cube(folder / "both.parquet").cube.claims == 2


SAME = "january.csv: has the same content as january.csv, which the cube counts already."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("january.csv",), 3, SAME),
        (
            ("february.csv", "--policy", "kakao-candidate-cash"),
            3,
            "january.parquet: has other loss bands: the first edge",
        ),
        (("february.csv", "--add", "january.csv"), 3, "january.csv: is no bare cube"),
        (("february.csv", "--add", "none.parquet"), 3, "none.parquet: there is no such file"),
        (
            ("february.csv", "--out", "both.csv"),
            2,
            "--add needs a file for the sum. Name it: --out both.parquet.",
        ),
        (
            ("february.csv", "--out", "there.parquet"),
            2,
            "there.parquet: exists already. Choose another --out.",
        ),
    ],
)
def test_what_cannot_be_added_is_one_line_and_changes_nothing(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (folder / "there.parquet").write_bytes(b"old")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    result, out, err = command("cube", "--add", "january.parquet", "--out", "both.parquet", *arguments)
    assert (result, out) == (code, "")
    assert re.fullmatch(r"error: .*\n", err)
    assert said in err
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.slow
def test_a_synthetic_cube_is_written_as_csv_and_no_parquet_but_under_a_name_that_says_so(
    folder: Path,
) -> None:
    (folder / "january.csv").rename(folder / "synthetic.csv")
    code, out, err = command("cube", "synthetic.csv", "--out", "cube.parquet")
    assert (code, out) == (2, "")
    assert err.endswith("does not say so. Name it cube-synthetic.parquet.\n")
    assert command("cube", "synthetic.csv", "--out", "cube.csv") == (0, "cube.csv\n", "")
    assert pl.read_csv("cube.csv").columns == load_cube("january.parquet").cube.frame.columns
