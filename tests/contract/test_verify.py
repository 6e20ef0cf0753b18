"""What `verify` proves: a report is written again byte for byte, and a change of any file is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.contract.command_line import OWN_FILE, REPORTS, Printed, outage_analysis
from tests.tampered_bundles import Manifest, flip, forged, manifest_of, retold, seal

Report = Callable[[str], Path]
TIERS = REPORTS["own-en"][1:]
ZEROS = 64 * "0"


def claims_of(folder: Path) -> list[object]:
    """The option that names the complaints of the own report; bundled claims need none."""
    own = folder.parent / "complaints.csv"
    return ["--claims", own] if manifest_of(folder)["as_of"] == "2026-03-05" else []


def checked(folder: Path, *options: object) -> Printed:
    return outage_analysis("verify", folder, *options)


def copy_of(folder: Path, into: Path) -> Path:
    """A copy of a report beside the complaints that it was made from."""
    shutil.copyfile(folder.parent / "complaints.csv", into / "complaints.csv")
    return Path(shutil.copytree(folder, into / "report"))


def written(folder: Path, formats: str) -> Path:
    """A report of the own complaints in these formats, beside them."""
    claims = folder / "complaints.csv"
    claims.write_text(OWN_FILE, "utf-8")
    done = outage_analysis(
        *("report", claims, *TIERS, "--formats", formats, "--draws", "8192", "--out", folder / "report")
    )
    assert done.code == 0, done.err
    return folder / "report"


@pytest.fixture(scope="module")
def tables_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the own complaints as CSV tables only, which is soon written again."""
    return written(tmp_path_factory.mktemp("tables"), "csv")


OTHERWISE = ("--level", "90", "--seed", "5", "--draws", "16384", "--budget", "300000", "--unknown", "10000")


@pytest.mark.slow
def test_a_report_with_every_option_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "complaints.csv").write_text(OWN_FILE, "utf-8")
    options = (*TIERS[:2], *OTHERWISE, "--effort", "automatic", "--rows", "filed", "--lang", "ko")
    done = outage_analysis(
        "report", tmp_path / "complaints.csv", *options, "--formats", "csv", "--out", tmp_path / "report"
    )
    assert done.code == 0, done.err
    done = checked(tmp_path / "report", "--claims", tmp_path / "complaints.csv")
    assert done.code == 0, done.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kakao-en", "trams-ko"])
def test_a_report_is_written_again_byte_for_byte(report: Report, name: str) -> None:
    folder = report(name)
    code, out, err = checked(folder, *claims_of(folder), "--json")
    assert (code, err) == (0, "")
    count = len([path for path in folder.rglob("*") if path.is_file()])
    found = json.loads(out)
    assert found.pop("stated") == {"max_rejects": 0.05}
    assert found == {"verified": True, "files": count, "rebuilt": True, "notes": []}


# --- a change that nobody sealed --------------------------------------------------------------------------


def other_digit(path: Path) -> None:
    """Change one digit in the middle of a text."""
    data = path.read_bytes()
    places = [found.start() for found in re.finditer(rb"[0-9]", data)]
    place = places[len(places) // 2]
    digit = b"1" if data[place : place + 1] != b"1" else b"2"
    path.write_bytes(data[:place] + digit + data[place + 1 :])


CHANGED: dict[str, Callable[[Path], object]] = {
    "report.html": other_digit,
    "tables/claims_costs.csv": other_digit,
    "tables/claims_costs.parquet": flip,
    "report.xlsx": flip,
    "report.pptx": flip,
    "report.pdf": flip,
    "brief.pdf": flip,
    "charts/funnel.svg": other_digit,
    "charts/funnel.png": flip,
    "documents/policy.toml": other_digit,
    "documents/ledger.toml": other_digit,
    "documents/incident.toml": other_digit,
    "manifest.json": other_digit,
    "tables/totals.csv": Path.unlink,
    "tables/more.csv": lambda path: path.write_text("a\n1\n", "utf-8"),
    ".more": lambda path: path.write_text("a\n1\n", "utf-8"),
    "SHA256SUMS": other_digit,
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_missing_or_additional_file_is_named(report: Report, tmp_path: Path, name: str) -> None:
    folder = copy_of(report("own-en"), tmp_path)
    assert checked(folder, "--integrity").code == 0
    CHANGED[name](folder / name)
    code, out, err = checked(folder, "--integrity")
    assert (code, out) == (1, "")
    assert name in err or name == "SHA256SUMS"
    code, out, _ = checked(folder, *claims_of(folder), "--json")
    told = json.loads(out)
    assert (code, told["verified"]) == (1, False)
    assert told["file"] == name or name == "SHA256SUMS"


@pytest.mark.parametrize("name", ["tables/more.csv", "more.html"])
def test_an_additional_file_that_the_checksums_list_is_named(
    report: Report, tmp_path: Path, name: str
) -> None:
    folder = copy_of(report("own-en"), tmp_path)
    (folder / name).write_text("more", "utf-8")
    seal(folder)
    code, out, err = checked(folder, "--integrity")
    assert (code, out) == (1, "")
    assert name in err


# --- a change with checksums and manifest that fit --------------------------------------------------------


def with_other_table(folder: Path) -> str:
    path = folder / "tables" / "claims_costs.csv"
    text = path.read_text("utf-8")
    changed = re.sub(r"85231\.\d+", "75231.01216", text, count=1)
    assert changed != text
    path.write_text(changed, "utf-8")
    forged(folder, "tables/claims_costs.csv")
    return "tables/claims_costs.csv"


def with_lie(
    change: Callable[[Manifest], object], *, file: str = "manifest.json", elsewhere: bool = True
) -> Callable[[Path], str]:
    """A forgery of the manifest alone, by default one that says that another Python wrote the report."""

    def forge(folder: Path) -> str:
        def lie(manifest: Manifest) -> None:
            change(manifest)
            if elsewhere:
                manifest["environment"].update(python="3.10")

        retold(folder, lie)
        return file

    return forge


def without_table(folder: Path) -> str:
    (folder / "tables" / "claims_costs.csv").unlink()
    retold(folder, lambda manifest: manifest["outputs"].pop("tables/claims_costs.csv"))
    return "tables/claims_costs.csv"


FORGED: dict[str, Callable[[Path], str]] = {
    "a table": with_other_table,
    "no table": without_table,
    "a figure": with_lie(lambda m: m["figures"].update(p90=1.0), elsewhere=False),
    "the expected cost": with_lie(lambda m: m["figures"].update(expected=62_713.0)),
    "a sign-off": with_lie(lambda m: m["assumptions"][0].update(approved_by="the board")),
    "a sign-off beside a wrong digest": with_lie(
        lambda m: (
            m["assumptions"][0].update(approved_by="the board"),
            m["facts"].update({min(m["facts"]): ZEROS}),
        )
    ),
    "a figure of another version of a library": with_lie(
        lambda m: (m["figures"].update(expected=1.0), m["versions"].update({min(m["versions"]): "0.0.1"})),
        elsewhere=False,
    ),
    "another budget": with_lie(lambda m: m.update(budget=400_000), file="tables/budget.csv"),
}


AT_ONCE = {"a sign-off"}


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[] if what in AT_ONCE else pytest.mark.slow) for what in FORGED]
)
def test_a_rebuild_finds_what_fits_every_checksum(tables_report: Path, tmp_path: Path, what: str) -> None:
    folder = copy_of(tables_report, tmp_path)
    word = FORGED[what](folder)
    assert checked(folder, "--integrity").code == 0  # a consistent forgery needs the rebuild
    code, out, _ = checked(folder, *claims_of(folder), "--json")
    told = json.loads(out)
    assert (code, told["verified"]) == (1, False)
    assert told["file"] == word


def leaves(
    value: dict[str, Any] | list[Any], path: tuple[object, ...] = ()
) -> Iterator[tuple[tuple[object, ...], object]]:
    """Each value of a manifest with its place; of a list, those of the first item."""
    items = [*value.items()] if isinstance(value, dict) else [*enumerate(value)][:1]
    for key, item in items:
        if isinstance(item, dict | list):
            yield from leaves(item, (*path, key))
        else:
            yield (*path, key), item


def another(value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + 1 if isinstance(value, int) else value / 2 + 0.001
    text = str(value)
    return "2026-03-06" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else f"{text[:-1]}{int(text[-1:] == '0')}"


TESTED_ABOVE = {"versions", "fonts", "facts", "code_sha256"}
"""Digests of fonts; versions and code say when a rebuild is another one, which is another test."""
ENOUGH = {"assumptions": 3, "documents": 2, "figures": 2, "outputs": 2}
"""How many fields are changed of parts that are compared as a whole."""
STATED = {("max_rejects",), ("environment", "machine"), ("environment", "python")}
"""What no rebuild can check; it is shown as stated."""


@pytest.mark.slow
def test_no_field_of_a_manifest_is_changed_unnoticed(tables_report: Path, tmp_path: Path) -> None:
    manifest = {name: part for name, part in manifest_of(tables_report).items() if name not in TESTED_ABOVE}
    fields = [x for name, part in manifest.items() for x in [*leaves({name: part})][: ENOUGH.get(name)]]
    assert len(fields) > 30
    unnoticed = set()
    for number, (path, value) in enumerate(fields):
        (tmp_path / str(number)).mkdir()
        folder = copy_of(tables_report, tmp_path / str(number))

        def lie(manifest: Manifest, path: tuple[object, ...] = path, value: object = value) -> None:
            place: Any = manifest
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = another(value)

        retold(folder, lie)
        found = checked(folder, *claims_of(tables_report))
        assert "Traceback" not in found.err
        if found.code == 0:
            unnoticed.add(path)
    assert unnoticed == STATED


@pytest.mark.parametrize("option", ["--integrity", "--rebuild"])
def test_a_changed_payment_is_found_by_both_checks(tables_report: Path, tmp_path: Path, option: str) -> None:
    folder = copy_of(tables_report, tmp_path)
    path = folder / "documents" / "policy.toml"
    text = path.read_text("utf-8").replace("fixed = 30000", "fixed = 31000")
    assert text != path.read_text("utf-8")
    path.write_text(text, "utf-8")
    forged(folder, "documents/policy.toml")
    code, out, err = checked(folder, option, *(claims_of(folder) if option == "--rebuild" else []))
    assert (code, out) == (1, "")
    assert "policy" in err


def other_expected(path: Path) -> None:
    """Another expected cost in a Parquet file."""
    frame = pl.read_parquet(path)
    assert frame["expected"].count()
    frame.with_columns(pl.col("expected") + 1).write_parquet(path)


FORGED_FILES: dict[str, Callable[[Path], object]] = {
    "report.html": other_digit,
    "tables/claims_costs.parquet": other_expected,
    "report.xlsx": flip,
    "report.pptx": flip,
    "report.pdf": flip,
    "charts/funnel.svg": other_digit,
    "charts/funnel.png": flip,
}
"""A file of each format, in a report of which only this format is written again."""


@pytest.mark.slow
@pytest.mark.parametrize("name", FORGED_FILES)
def test_a_rebuild_finds_a_forged_file_of_each_format(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, name.rpartition(".")[2])
    FORGED_FILES[name](folder / name)
    forged(folder, name)
    assert checked(folder, "--integrity").code == 0  # a consistent forgery needs the rebuild
    code, _, err = checked(folder, *claims_of(folder))
    assert code == 1
    assert name in err


# --- the claims -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_other_claims_cannot_have_given_the_report(tables_report: Path, tmp_path: Path) -> None:
    folder = copy_of(tables_report, tmp_path)
    assert checked(folder).code == 2  # which claims?
    claims = tmp_path / "complaints.csv"
    assert checked(folder, "--claims", claims).code == 0
    claims.write_text(OWN_FILE.replace("120000", "120001", 1), "utf-8")
    code, out, err = checked(folder, "--claims", claims)
    assert (code, out) == (1, "")
    assert "complaints.csv" in err


# --- the same bytes ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own-en", "kakao-ko"])
def test_no_byte_depends_on_the_process(report: Report, tmp_path: Path, name: str) -> None:
    """Another process, folder, time zone, language of the machine, order of sets, and narrower processor."""
    first = report(name)
    shutil.copyfile(first.parent / "complaints.csv", tmp_path / "complaints.csv")
    words = [sys.executable, "-m", "outage_analysis", "report", *REPORTS[name], "--out", "another"]
    other = {"TZ": "America/New_York", "LC_ALL": "C", "LANG": "ko_KR.UTF-8", "PYTHONHASHSEED": "7"}
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    wide = [feature for feature in found if "AVX512" in feature or feature == "X86_V4"]
    other |= {"NPY_DISABLE_CPU_FEATURES": " ".join(wide)} if wide else {}
    done = subprocess.run(words, cwd=tmp_path, env=os.environ | other, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    one, two = (
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (first, tmp_path / "another")
    )
    assert one.keys() == two.keys()
    assert [name for name, data in one.items() if data != two[name]] == []
