"""Personal data stay in the warehouse: no report, table or line on a screen carries them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pypdf import PdfReader

from outage_analysis.analysis import Plan, run
from outage_analysis.claims import read_claims, save_claims
from outage_analysis.claims.claims_and_rejects import MAX_LABEL_LENGTH
from outage_analysis.errors import DisclosureBlocked
from outage_analysis.incidents import load_incident
from outage_analysis.losses import build_cube
from outage_analysis.reports import FORMATS, write_report
from tests.commands import command
from tests.conftest import claim_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from outage_analysis.incidents import Incident
    from tests.conftest import ClaimsCsv, Row

PHONE, MAIL, RESIDENT, CARD = (
    "010-9876-5432",
    "minsu.kim@example.com",
    "900101-1234567",
    "4111-1111-1111-1111",
)
KINDS = {
    "phone number": PHONE,
    "e-mail address": MAIL,
    "Korean resident number": RESIDENT,
    "card number": CARD,
}
SENTENCE = "어제부터 가게 문을 못 열고 있습니다. 김민수 올림"
NAME = "김민수"
SECRETS = (PHONE, MAIL, RESIDENT, CARD, SENTENCE, NAME, "9876-5432", "minsu", "-1234567", "4111-1111")
"""What stands in the file and may be found nowhere else, whole or in part."""


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.fixture
def in_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of one's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(arguments: tuple[object, ...], column: str, kind: str) -> None:
    """The command is blocked, says which column holds what, and shows no value."""
    code, out, err = command(*arguments)
    assert (code, out) == (4, "")
    assert err.startswith(f"error: {column}: holds what looks like a {kind} in 1 of 2 different values")
    assert err.count("\n") == 1
    assert not [secret for secret in SECRETS if secret in err]


@pytest.mark.slow
def test_a_dimension_with_personal_data_leaves_by_no_door(claims_csv: ClaimsCsv, in_folder: Path) -> None:
    path = claims_csv([{}, {"region": f"연락처 {PHONE}"}, {}])
    refused(("cube", path, "--by", "service,region"), "region", "phone number")
    refused(("cube", path, "--by", "region", "--out", "cube.csv"), "region", "phone number")
    refused(("ingest", path, "--out", "kept.parquet"), "region", "phone number")
    refused(("report", "--claims", path, "--out", "r"), "region", "phone number")
    refused(("cost", "--claims", path), "region", "phone number")
    assert [p.name for p in in_folder.iterdir()] == ["claims.csv"]


@pytest.mark.slow
def test_the_warehouse_file_is_the_analyst_s_own_and_its_doors_are_shut_too(
    claims_csv: ClaimsCsv, in_folder: Path
) -> None:
    path = claims_csv([{}, {"region": PHONE}, {}])
    code, out, err = command("ingest", path, "--out", "kept.duckdb")
    assert code == 0
    assert PHONE not in out + err
    refused(("cube", "kept.duckdb", "--by", "region"), "region", "phone number")
    refused(("ingest", "kept.duckdb", "--out", "kept.parquet"), "region", "phone number")
    assert sorted(p.name for p in in_folder.iterdir()) == ["claims.csv", "kept.duckdb"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_personal_data_is_reported_by_its_name(
    claims_csv: ClaimsCsv, incident: Incident, kind: str
) -> None:
    claims = read_claims(claims_csv([{"region": KINDS[kind]}]), incident)
    article = "an" if kind.startswith("e") else "a"
    said = f"region: holds what looks like {article} {kind} in 1 of 1 different values"
    with pytest.raises(DisclosureBlocked, match=said):
        build_cube(claims, dimensions=("region",))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("가" * MAX_LABEL_LENGTH, False),
        ("가" * (MAX_LABEL_LENGTH + 1), True),
        ("두\n줄", True),
        ("두\r줄", True),
        ("탭\t하나", False),
    ],
)
def test_a_dimension_with_free_text_leaves_by_no_door(
    claims_csv: ClaimsCsv, in_folder: Path, text: str, *, free: bool
) -> None:
    path = claims_csv([{}, {"region": text}])
    for arguments in (("cube", path, "--by", "region"), ("ingest", path, "--out", "kept.parquet")):
        code, out, err = command(*arguments)
        assert (code, bool(out)) == ((4, False) if free else (0, True))
        assert err.startswith("error: region: holds free text: ") == free
        assert text not in err
    assert (in_folder / "kept.parquet").exists() != free


def test_a_dimension_that_is_not_grouped_by_blocks_no_cube(claims_csv: ClaimsCsv, in_folder: Path) -> None:
    path = claims_csv([{}, {"region": PHONE}])
    code, out, _ = command("cube", path, "--by", "service,industry")
    assert code == 0
    assert PHONE not in out
    assert in_folder.is_dir()


@pytest.mark.slow
def test_claimants_that_are_phone_numbers_are_counted_and_not_handed_on(
    claims_csv: ClaimsCsv, in_folder: Path
) -> None:
    path = claims_csv([{"claimant_id": PHONE}, {"claimant_id": "u1"}, {"claimant_id": PHONE}])
    refused(("ingest", path, "--out", "kept.parquet"), "claimant_id", "phone number")
    for arguments in (("cube", path), ("ingest", path), ("ingest", path, "--out", "kept.duckdb")):
        code, out, err = command(*arguments)
        assert code == 0
        assert [line.split(" ")[0] for line in err.splitlines()] == ["Next:"] * (arguments[0] == "ingest")
        assert PHONE not in out + err
    claimants = json.loads(command("ingest", "kept.duckdb", "--json")[1])["claimants"]
    assert (claimants[0]["claimants"], claimants[0]["filed_again"]) == (2, 1)
    assert sorted(p.name for p in in_folder.iterdir()) == ["claims.csv", "kept.duckdb"]


def test_ids_that_are_addresses_are_not_handed_on(
    claims_csv: ClaimsCsv, incident: Incident, tmp_path: Path
) -> None:
    claims = read_claims(claims_csv([{"claim_id": MAIL}, {}]), incident)
    with pytest.raises(DisclosureBlocked) as refusal:
        save_claims(claims, tmp_path / "kept.parquet")
    assert (refusal.value.column, refusal.value.exit_code) == ("claim_id", 4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["claims.csv"]


def test_a_cube_of_days_and_services_is_never_blocked(claims_csv: ClaimsCsv, incident: Incident) -> None:
    row = {"region": PHONE, "industry": MAIL, "category": RESIDENT, "claimant_id": PHONE}
    claims = read_claims(claims_csv([row]), incident)
    assert len(build_cube(claims, dimensions=("service", "claimant_type", "filed_on")).frame) == 1
    for dimension in ("region", "industry", "category"):
        with pytest.raises(DisclosureBlocked, match=f"^{dimension}: "):
            build_cube(claims, dimensions=(dimension,))


def test_the_blocked_column_is_one_that_leaves_and_a_reject_s_is_none(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    claims = read_claims(claims_csv([{}, {"region": PHONE, "loss": "x"}]), incident, max_rejects=1)
    assert build_cube(claims, dimensions=("region",)).frame["region"].to_list() == ["x"]


# --- what is shown ------------------------------------------------------------------------------------------


def shifted(incident: Incident) -> list[list[str]]:
    """Complaints with two columns that nobody maps, and rows whose cells stand in the wrong columns."""
    (good,) = claim_rows([{}], incident)
    extra = {"연락처": PHONE, "내용": f"{SENTENCE} {MAIL} {RESIDENT} {CARD}"}

    def row(**cells: str) -> list[str]:
        return list({**good, **extra, **cells}.values())

    rows = [row(claim_id=f"c{n}") for n in range(30)]
    for column in ("claim_id", "service", "claimant_type", "filed_on", "loss"):
        for n, secret in enumerate((PHONE, MAIL, RESIDENT, CARD, SENTENCE, f"{PHONE} {MAIL}")):
            cells = {"claim_id": f"{column} {n}", "loss": "x", column: secret}
            rows.append(row(**cells))
    for n in (1, 2, 3):  # each cell some columns further to the right, or to the left
        rows.append([*([RESIDENT] * n), *row(claim_id=f"r{n}")[:-n]])
        rows.append([*row(claim_id=f"l{n}")[n:], *([PHONE] * n)])
    rows += [[PHONE, MAIL], [*row(), SENTENCE, RESIDENT], [PHONE]]
    return [[*good, *extra], *rows]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calls") / "calls.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(shifted(load_incident("kakao-2022")))
    return path


def test_the_file_does_hold_what_must_not_be_found(calls: Path) -> None:
    text = calls.read_text("utf-8")
    assert all(secret in text for secret in SECRETS)
    rejects = read_claims(calls, load_incident("kakao-2022"), max_rejects=1).rejected_rows
    assert len(rejects) == 39
    assert any(RESIDENT in raw for raw in rejects["raw"])  # they stay in the warehouse


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", "calls.csv", "--max-rejects", "90%"),
        ("ingest", "calls.csv", "--max-rejects", "90%", "--json"),
        ("ingest", "calls.csv"),
        ("cube", "calls.csv", "--max-rejects", "90%", "--by", "service,region"),
        ("cube", "calls.csv", "--max-rejects", "90%", "--json"),
        ("cube", "calls.csv"),
        ("cost", "--claims", "calls.csv", "--draws", "8192", "--max-rejects", "90%"),
        ("report", "--claims", "calls.csv", "--out", "r"),
    ],
)
def test_no_secret_of_a_file_reaches_a_stream(
    calls: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(calls.parent)
    code, out, err = command(*arguments)
    assert code == (0 if "90%" in arguments else 3)
    assert not [secret for secret in SECRETS if secret in out + err]


@pytest.mark.slow
def test_inspection_masks_what_has_a_pattern_and_names_the_columns(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(calls.parent)
    for flags in ((), ("--json",), ("--toml",)):
        code, out, err = command("inspect", "calls.csv", *flags)
        assert code == 0
        # A name has no pattern: who looks into a file sees its first rows.
        assert not [s for s in SECRETS if s not in (SENTENCE, NAME) and s in out + err]
    columns = json.loads(command("inspect", "calls.csv", "--json")[1])["columns"]
    assert {c["header"] for c in columns if c["personal"]} >= {"연락처", "내용"}


@pytest.mark.slow
def test_no_secret_of_a_file_is_in_any_file_of_a_report(calls: Path, tmp_path: Path) -> None:
    analysis = run(Plan(claims=(calls,), max_rejects=0.9, draws=1_024))
    folder = write_report(analysis, tmp_path / "out").parent
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert {p.suffix.lstrip(".") for p in files} == {*FORMATS, "json", "toml", ""}
    for path in files:
        content = path.read_bytes()  # workbooks and slides are packed as they stand
        if path.suffix == ".parquet":  # what is compressed is not found so
            content += json.dumps(pl.read_parquet(path).rows(), ensure_ascii=False, default=str).encode()
        if path.suffix == ".pdf":
            content += "".join(page.extract_text() for page in PdfReader(path).pages).encode()
        assert not [secret for secret in SECRETS if secret.encode() in content], path.name
    rules = pl.read_csv(folder / "tables" / "claims_rules.csv")
    assert "service is known" in rules["rule"].to_list()
    assert rules["complaints"].sum() >= 39


def test_a_parquet_of_claims_holds_the_columns_of_a_claim_alone(
    calls: Path, incident: Incident, tmp_path: Path
) -> None:
    claims = read_claims(calls, incident, max_rejects=1)
    save_claims(claims, tmp_path / "kept.parquet")
    frame = pl.read_parquet(tmp_path / "kept.parquet")
    assert len(frame) == len(claims) == 30
    content = json.dumps(frame.rows(), ensure_ascii=False, default=str).encode()
    content += (tmp_path / "kept.parquet").read_bytes()
    assert not [secret for secret in SECRETS if secret.encode() in content]


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows", [[{"service": PHONE}], [{"filed_on": f"{SENTENCE} {PHONE}"}], [{"loss": MAIL}]]
)
def test_a_refusal_shows_no_person(claims_csv: ClaimsCsv, rows: list[Row]) -> None:
    code, out, err = command("ingest", claims_csv(rows))
    assert (code, out) == (3, "")
    assert "1 of 1 rows rejected" in err
    assert not [secret for secret in SECRETS if secret in err]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_headers_in_a_refusal_show_no_person(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    frame = pl.DataFrame({"카톡": ["a"], PHONE: ["b"], MAIL: ["c"], f"{PHONE} {RESIDENT}": ["d"]})
    write: dict[str, Callable[[Path], object]] = {
        ".csv": frame.write_csv,
        ".jsonl": frame.write_ndjson,
        ".parquet": frame.write_parquet,
        ".xlsx": frame.write_excel,
    }
    write[suffix](path)
    for arguments in (("ingest", path), ("cost", "--claims", path), ("inspect", path)):
        _, out, err = command(*arguments)
        assert not [secret for secret in SECRETS if secret in out + err]


@pytest.mark.parametrize(
    "line", ['{"claim_id": "010-9876-5432", "x": [1]}', "010-9876-5432", '["minsu.kim@example.com"]']
)
def test_a_broken_line_of_json_is_reported_without_its_text(
    tmp_path: Path, incident: Incident, line: str
) -> None:
    (good,) = claim_rows([{}], incident)
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(good)}\n{line}\n", "utf-8")
    code, out, err = command("ingest", path, "--max-rejects", "50%")
    assert code == 0
    assert "2 rows = 1 claim + 1 reject" in out
    assert not [secret for secret in SECRETS if secret in out + err]
