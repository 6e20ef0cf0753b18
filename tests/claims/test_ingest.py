"""Files of complaints: every record is read once, under the row number a person counts."""

from __future__ import annotations

import hashlib
import tempfile
from typing import TYPE_CHECKING

import polars as pl
import pytest

from outage_analysis.claims import Claims, read_claims
from outage_analysis.errors import InputRefused
from tests.conftest import claim_rows

if TYPE_CHECKING:
    from pathlib import Path

    from outage_analysis.incidents import Incident
    from tests.conftest import ClaimsCsv


def rows_of(claims: Claims) -> list[tuple[int, str]]:
    """The claims that passed, by row number."""
    return claims.to_polars().select("source_row", "claim_id").rows()


def read_text(path: Path, text: str | bytes, incident: Incident) -> Claims:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_claims(path, incident, max_rejects=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf", "holds no row"),
        (b"\n\n", "holds no row"),
        (b"hello", "the column claim_id is missing (found 'hello')"),
        (b"claim_id\xff", "is not UTF-8 at byte 8"),
        ("claim_id,카".encode()[:-1], "is not UTF-8 at byte 9"),
        ("claim_id".encode("utf-16")[:-1], "is not UTF-16 at byte 16"),
        ("c\0\0".encode("utf-16"), "holds more NUL characters than text"),
        ("클레임".encode("cp949") + b"\xff", "is not CP949 at byte 6, and in 1 of 1 lines"),
        (b"claim_id,\0", "holds a NUL byte at 9"),
        (b'"' + b"x" * 200_000, "the column claim_id is missing"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_on_one_line(
    tmp_path: Path, incident: Incident, content: bytes, message: str
) -> None:
    with pytest.raises(InputRefused) as refusal:
        read_text(tmp_path / "a.csv", content, incident)
    line = str(refusal.value)
    assert message in line
    assert "a.csv" in line
    assert len(line.splitlines()) == 1
    assert refusal.value.exit_code == 3


def test_no_decoded_copy_of_a_file_is_left_behind(
    tmp_path: Path, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for content in ("접수번호\n1\n", "접수번호,서비스\n1\n2,3,4\n"):
        with pytest.raises(InputRefused):
            read_text(tmp_path / "a.csv", content.encode("cp949"), incident)
        assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
def test_a_path_that_the_engine_would_expand_is_the_file_that_it_names(
    claims_csv: ClaimsCsv, incident: Incident
) -> None:
    for name in ("a*.csv", "a[1].csv", "a?.csv", "[ab]/a*.csv"):
        path = claims_csv([{"claim_id": name}, {"claim_id": "quoted", "region": "a,b"}], name=name)
        claims_csv(
            [{"claim_id": "another"}], name=name.replace("*", "1").replace("?", "2").replace("[1]", "1")
        )
        pl.read_csv(path, infer_schema=False, glob=False).write_parquet(path.with_suffix(".parquet"))
        plain = claims_csv([{"claim_id": "plain"}], name=f"{name[:-4]}-plain.csv")
        files = [path, plain, path.with_suffix(".parquet")]
        claims = read_claims(files, incident, max_rejects=1)
        assert claims.files["rows"].to_list() == [2, 1, 2]
        assert sorted(rows_of(claims)) == sorted([(2, name), (2, "plain"), (3, "quoted")])
        assert claims.rejected_rows["claim_id"].to_list() == [name, "quoted"]


def test_folders_named_like_columns_do_not_become_columns(claims_csv: ClaimsCsv, incident: Incident) -> None:
    path = claims_csv([{}], name="service=melon/loss=7/a.csv")
    parquet = path.with_suffix(".parquet")
    pl.read_csv(path, infer_schema=False).write_parquet(parquet)
    for file in (path, parquet):
        row = read_claims(file, incident).to_polars().row(0, named=True)
        assert (row["service"], row["loss"]) == ("kakaotalk", 100_000)


@pytest.mark.parametrize("column", ["claim_id", "service", "claimant_type", "filed_on", "loss", "industry"])
def test_a_missing_column_is_named_with_what_to_do(
    claims_csv: ClaimsCsv, incident: Incident, column: str
) -> None:
    with pytest.raises(InputRefused, match=f"the column {column} is missing") as refusal:
        read_claims(claims_csv([{}], drop=column), incident)
    assert f'{column} = ["..."]' in refusal.value.remedy
    assert refusal.value.row == 1


def test_the_optional_claimant_falls_back_to_the_claim(claims_csv: ClaimsCsv, incident: Incident) -> None:
    rows = [{"claimant_id": "u1"}, {"claimant_id": ""}]
    assert read_claims(claims_csv(rows), incident).to_polars()["claimant_id"].to_list() == ["u1", "c2"]
    bare = read_claims(claims_csv([{}], name="b.csv"), incident)
    assert bare.to_polars()["claimant_id"].to_list() == ["c1"]


def parquet_of(path: Path, incident: Incident, **columns: pl.Series) -> Path:
    rows = claim_rows([{}, {"loss": ""}], incident)
    frame = pl.DataFrame(rows).with_columns(pl.col("loss").replace("", None).cast(pl.Int64))
    frame.with_columns(**columns).write_parquet(path)
    return path


def test_a_damaged_parquet_file_is_refused(tmp_path: Path, incident: Incident) -> None:
    path = parquet_of(tmp_path / "a.parquet", incident)
    content = bytearray(path.read_bytes())
    content[10:60] = b"\xff" * 50
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"a\.parquet: is damaged"):
        read_claims(path, incident)
    path.write_bytes(content[:100])
    with pytest.raises(InputRefused, match="is not a Parquet file"):
        read_claims(path, incident)


def test_a_file_is_listed_with_its_size_and_checksum(claims_csv: ClaimsCsv, incident: Incident) -> None:
    path = claims_csv([{}])
    (file,) = read_claims(path, incident).inputs
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert file.bytes == path.stat().st_size


def test_two_files_of_the_same_name_are_kept_apart(claims_csv: ClaimsCsv, incident: Incident) -> None:
    one = claims_csv([{}, {"loss": "x"}], name="one/a.csv")
    two = claims_csv([{"claim_id": "d1"}], name="two/a.csv")
    claims = read_claims([one, two], incident, max_rejects=1)
    assert claims.files.rows() == [("a.csv", 2, 1, 1), ("a.csv (2)", 1, 1, 0)]
    assert claims.to_polars()["source_file"].to_list() == ["a.csv", "a.csv (2)"]
