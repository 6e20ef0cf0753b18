"""Names, addresses and numbers of persons leave by no door: no file of a report, no table, no terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, answered, json_of, outage_analysis, refused, refuses
from tests.contract.hostile_report import (
    CARD,
    GOOD,
    MAIL,
    NAME,
    PHONE,
    REJECTED,
    RESIDENT,
    SECRETS,
    SENTENCE,
    contents,
    hostile_folder,
)
from tests.contract.test_reading import INCIDENT
from tests.shared_folders import shared_base

HEADER = "claim_id,claimant_id,service,claimant_type,filed_on,loss,region\n"
WHERE = ("--incident", "incident.toml")


def shown(text: str) -> list[str]:
    """The personal data in a text."""
    return [secret for secret in SECRETS if secret in text]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the report on complaints full of personal data."""
    return hostile_folder(shared_base(tmp_path_factory) / "contract")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the incident."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "incident.toml").write_text(INCIDENT, "utf-8")
    return tmp_path


def write_regions(*regions: str, claimant: str = "") -> None:
    """Write complaints with these regions."""
    rows = [
        f"{n},{claimant or f'u{n}'},Bank,Person,2026-03-02,5,{region}\n" for n, region in enumerate(regions)
    ]
    Path("list.csv").write_text(HEADER + "".join(rows), "utf-8")


# --- the report ---------------------------------------------------------------------------------------------


def test_no_personal_data_of_any_row_are_in_any_file_of_a_report(hostile: Path) -> None:
    files = dict(contents(hostile / "r"))
    known = {".html", ".csv", ".parquet", ".pdf", ".svg", ".png", ".json", ".xml"}
    assert known <= {Path(name).suffix for name in files}
    leaks = {
        name: found for name, data in files.items() if (found := [s for s in SECRETS if s.encode() in data])
    }
    assert leaks == {}
    # The same rows are counted, so that nothing was merely left out.
    (read,) = json.loads(files["manifest.json"])["inputs"]
    assert (read["rows"], read["claims"], read["rejects"]) == (GOOD + REJECTED, GOOD, REJECTED)
    assert len(shown((hostile / "=cmd+1.csv").read_text("utf-8"))) == len(SECRETS)


def test_no_personal_data_are_printed(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = json.loads((hostile / "printed.json").read_text("utf-8"))
    assert (code, shown(out + err)) == (0, [])
    monkeypatch.chdir(hostile)
    documents = ("--incident", "incident.toml")
    for arguments, expected in (
        (("ingest", "=cmd+1.csv", *documents, "--max-rejects", "30%"), 0),
        (("ingest", "=cmd+1.csv", *documents, "--max-rejects", "30%", "--json"), 0),
        (("ingest", "=cmd+1.csv", *documents), 3),
        (("cube", "=cmd+1.csv", *documents, "--max-rejects", "30%", "--json"), 0),
        (("cost", "--claims", "=cmd+1.csv", *documents, "--policy", "policy.toml"), 3),
    ):
        done = outage_analysis(*arguments)
        assert (done.code, shown(done.out + done.err)) == (expected, []), arguments


@pytest.mark.parametrize("header", ["생년월일", "date of birth"])
@pytest.mark.usefixtures("folder")
def test_an_inspection_shows_no_value_below_a_header_of_personal_data(header: str) -> None:
    Path("list.csv").write_text(
        f"claim_id,service,claimant_type,filed_on,loss,{header}\n"
        "1,Bank,Person,2026-03-02,5,850312\n2,Bank,Person,2026-03-02,6,1991-04-05\n",
        "utf-8",
    )
    assert not {"850312", "1991-04-05"} & set(answered("inspect", "list.csv", *WHERE).out.split())


def test_a_selection_of_claimants_is_described_without_their_ids(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(OWN_FILE, "utf-8")
    claims = oa.read_claims(tmp_path / "list.csv").filter(claimant_id=["c01", "c02"])
    assert len(claims) == 3
    shown: list[Any] = [claims, claims.by("service"), oa.run(claims, tiers={300_000: 30_000}, draws=1024)]
    assert not re.search("c0[12]", " ".join(f"{x!r} {x} {x._repr_html_()}" for x in shown))


def test_an_inspection_masks_what_has_a_pattern_and_says_which_columns_are_personal(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hostile)
    done = answered("inspect", "=cmd+1.csv", "--incident", "incident.toml", "--json")
    # A name has no pattern: who inspects a file sees its first rows.
    assert [s for s in shown(done.out + done.err) if s not in (NAME, SENTENCE)] == []
    personal = {column["header"] for column in json.loads(done.out)["columns"] if column["personal"]}
    assert {"연락처", "내용"} <= personal


@pytest.mark.parametrize(
    "name",
    [
        "Kim Min-su",
        *(pytest.param(x, marks=pytest.mark.slow) for x in ("홍길동", "Müller", RESIDENT, PHONE)),
        *(pytest.param(x.replace("-", ""), marks=pytest.mark.slow) for x in (RESIDENT, PHONE)),
    ],
)
@pytest.mark.parametrize("place", [2, *(pytest.param(x, marks=pytest.mark.slow) for x in (3, 4, 5))])
@pytest.mark.usefixtures("folder")
def test_a_name_in_any_column_of_a_rejected_row_is_shown_nowhere(place: int, name: str) -> None:
    cells = ["x", "u", "Bank", "Person", "2026-03-02", "5", "north"]
    good = ",".join(cells)
    cells[0], cells[place] = "y", name
    Path("list.csv").write_text(f"{HEADER}{good}\n{','.join(cells)}\n", "utf-8")
    for arguments in (("ingest",), ("ingest", "--json"), ("ingest", "--lang", "ko"), ("cube",)):
        done = answered(arguments[0], "list.csv", *WHERE, "--max-rejects", "100%", *arguments[1:])
        assert name not in done.out + done.err
    assert name not in refused(3, (), "ingest", "list.csv", *WHERE)
    claims = oa.read_claims("list.csv", "incident.toml", max_rejects=1)
    assert name not in f"{claims.rejects.rows()}{claims!r}{claims._repr_html_()}"


# --- columns that would leave -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret", [PHONE, PHONE.replace("-", ""), MAIL, RESIDENT, CARD, "두\n줄", "가" * 500]
)
def test_a_column_with_personal_data_or_free_text_ends_in_exit_4_and_writes_nothing(
    folder: Path, secret: str
) -> None:
    write_regions("north", f'"{secret}"', "south")
    for arguments in (
        ("cube", "list.csv", *WHERE, "--by", "region"),
        ("cube", "list.csv", *WHERE, "--by", "region", "--out", "cube.csv"),
        ("ingest", "list.csv", *WHERE, "--out", "kept.parquet"),
    ):
        assert secret not in refused(4, ["region"], *arguments)
    assert {path.name for path in folder.iterdir()} == {"list.csv", "incident.toml"}


def test_the_report_and_the_cost_of_a_dimension_with_personal_data_end_in_exit_4(folder: Path) -> None:
    write_regions("north", PHONE)
    policy = ("--tiers", "300000:30000")
    for arguments in (("report", "--out", "r"), ("cost",)):
        assert shown(refused(4, ["region"], *arguments, *WHERE, *policy, "--claims", "list.csv")) == []
    assert not (folder / "r").exists()


def test_claimants_that_are_phone_numbers_are_counted_and_not_handed_on(folder: Path) -> None:
    write_regions("north", "south", claimant=PHONE)
    kept = (*WHERE, "--out", "kept.parquet")
    assert shown(refused(4, ["claimant_id"], "ingest", "list.csv", *kept)) == []
    for arguments in (
        ("cube", "list.csv"),
        ("ingest", "list.csv"),
        ("ingest", "list.csv", "--out", "own.duckdb"),
    ):
        done = answered(*arguments, *WHERE)
        assert shown(done.out + done.err) == []
    # The warehouse file is the analyst's own; its doors are shut as well.
    assert shown(refused(4, (), "ingest", "own.duckdb", *kept)) == []
    counted = json_of("ingest", "own.duckdb", *WHERE)["claimants"]
    assert (counted[0]["claimants"], counted[0]["filed_again"]) == (1, 1)
    assert not (folder / "kept.parquet").exists()


def test_in_python_each_door_is_shut_and_what_is_not_asked_for_blocks_nothing(folder: Path) -> None:
    write_regions("north", PHONE)
    claims = oa.read_claims("list.csv", "incident.toml")
    for door in (
        lambda: claims.by("region"),
        lambda: oa.build_cube(claims, dimensions=("region",)),
        lambda: oa.save_claims(claims, folder / "kept.parquet"),
    ):
        with refuses(4, "region") as refusal:
            door()
        assert shown(str(refusal.value)) == []
    assert claims.by("service")["claims"].sum() == 2
    assert not (folder / "kept.parquet").exists()


def test_saved_claims_hold_no_column_that_no_claim_has(hostile: Path, tmp_path: Path) -> None:
    claims = oa.read_claims(hostile / "=cmd+1.csv", hostile / "incident.toml", max_rejects=1)
    oa.save_claims(claims, tmp_path / "kept.parquet")
    frame = pl.read_parquet(tmp_path / "kept.parquet")
    content = (tmp_path / "kept.parquet").read_bytes()
    assert (len(frame), len(claims.rejects)) == (GOOD, REJECTED)
    assert shown(f"{frame.rows()} {claims.rejects.rows()}") == []
    assert [secret for secret in SECRETS if secret.encode() in content] == []


WRITERS = {".csv": "write_csv", ".jsonl": "write_ndjson", ".parquet": "write_parquet", ".xlsx": "write_excel"}


@pytest.mark.parametrize("suffix", WRITERS)
def test_headers_and_broken_rows_in_a_refusal_show_no_person(folder: Path, suffix: str) -> None:
    frame = pl.DataFrame({"Bank": ["a"], PHONE: ["b"], MAIL: [CARD], f"{PHONE} {RESIDENT}": ["d"]})
    path = folder / f"a{suffix}"
    getattr(frame, WRITERS[suffix])(path)
    inspected = outage_analysis("inspect", path, *WHERE)
    assert shown(inspected.out + inspected.err + refused(3, (), "ingest", path, *WHERE)) == []


@pytest.mark.usefixtures("folder")
def test_an_inspection_shows_no_name_if_a_name_occurs_twice() -> None:
    names = [f"Minsu{chr(97 + n)} Kim{chr(97 + n)}" for n in range(20)]
    rows = [f"{n},Bank,2026-03-02,{1000 + n},{name}\n" for n, name in enumerate([*names, names[0]])]
    header = f"claim_id,service,filed_on,loss (KRW),handled {PHONE}\n"
    Path("list.csv").write_text(header + "".join(rows), "utf-8")
    for more in ((), ("--json",)):
        done = answered("inspect", "list.csv", *more)
        assert not [name for name in (*names, PHONE) if name in done.out + done.err]
