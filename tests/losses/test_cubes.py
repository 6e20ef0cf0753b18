"""Cubes in files: written whole, with what they are of, and marked where the claims are synthetic."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import outage_analysis as oa
from outage_analysis.losses import build_cube, save_cube
from tests.commands import GOOD, HEADER, KAKAO, command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with complaints of January."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "january.csv").write_text(HEADER + GOOD, "utf-8")
    return tmp_path


def test_a_parquet_file_holds_the_cube_and_says_what_it_is_of(folder: Path) -> None:
    claims = oa.read_claims(folder / "january.csv", "kakao-2022")
    cube = build_cube(claims)
    for name in ("one", "two"):
        save_cube(cube, folder / f"{name}.parquet", claims=claims)
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()
    assert pl.read_parquet(folder / "one.parquet").equals(cube.frame)
    metadata = pl.read_parquet_metadata(folder / "one.parquet")
    assert metadata["outage_analysis.incident"] == "kakao-2022"
    assert metadata["outage_analysis.inputs_sha256"] == claims.inputs[0].sha256
    assert metadata["outage_analysis.synthetic"] == "false"


@pytest.mark.usefixtures("folder")
def test_the_command_writes_the_same_rows_as_csv_and_parquet() -> None:
    for name in ("cube.parquet", "cube.csv"):
        assert command("cube", *KAKAO, "january.csv", "--out", name) == (0, f"{name}\n", "")
    written = pl.read_parquet("cube.parquet")
    assert written["claims"].sum() == 1
    assert pl.read_csv("cube.csv").columns == written.columns
    code, out, err = command("cube", *KAKAO, "january.csv", "--out", "cube.csv")
    assert (code, out) == (2, "")
    assert "exists already" in err


def test_a_synthetic_cube_is_written_as_csv_and_no_parquet_but_under_a_name_that_says_so(
    folder: Path,
) -> None:
    (folder / "january.csv").rename(folder / "synthetic.csv")
    code, out, err = command("cube", *KAKAO, "synthetic.csv", "--out", "cube.parquet")
    assert (code, out) == (2, "")
    assert err.endswith("does not say so. Name it cube-synthetic.parquet.\n")
    assert command("cube", *KAKAO, "synthetic.csv", "--out", "cube.csv") == (0, "cube.csv\n", "")
