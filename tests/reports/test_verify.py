"""A bundle verified: one changed byte is found and named, and a rebuild names what it was made with."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, run
from outage_analysis.claims import read_claims, save_claims
from outage_analysis.errors import InputRefused, OutageAnalysisError, UsageError, VerificationFailed
from outage_analysis.incidents import load_incident
from outage_analysis.incidents import published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.reports import FORMATS, Report, manifest, verify, write_report
from outage_analysis.reports.manifest import MAX_BYTES
from tests.commands import command
from tests.tampered_bundles import Manifest, retold, seal
from tests.tram_case import tram_plan

if TYPE_CHECKING:
    from tests.conftest import Reshelve

FEW = ("csv",)
"""Formats that suffice where the format does not matter."""


@pytest.fixture(scope="module")
def slim(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report in few formats."""
    return write_report(made, tmp_path_factory.mktemp("slim") / "report", formats=FEW, bom=True).parent


@pytest.fixture
def bundle(slim: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(slim, tmp_path / "report"))


def refused(folder: Path, **asked: Any) -> VerificationFailed:  # noqa: ANN401 - as `verify` takes it
    with pytest.raises(VerificationFailed) as failure:
        verify(folder, **asked)
    return failure.value


# --- a forger who seals it again ------------------------------------------------------------------------


def test_a_run_that_is_never_the_same_is_stated_to_be_so(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FORMATS["csv"]

    def differing(report: Report, folder: Path) -> None:
        write(report, folder)
        (folder / "tables" / "costs.csv").write_bytes(os.urandom(8))

    monkeypatch.setitem(FORMATS, "csv", differing)
    failure = refused(bundle)
    assert failure.file == "tables/costs.csv"
    assert "no recorded cause" in failure.problem


# --- the cause ------------------------------------------------------------------------------------------


def test_changed_facts_are_named_by_their_file(bundle: Path, reshelve: Reshelve) -> None:
    shelf = published._fact_table  # noqa: SLF001 - the one place where every figure comes from
    counted = pl.when(id="CL-13").then(pl.col("value") + 1).otherwise("value").alias("value")
    shelves: dict[FactCollection, pl.DataFrame] = {
        "published": shelf("published").with_columns(counted), "outcomes": shelf("outcomes"),
    }  # fmt: skip
    reshelve(shelves.__getitem__)
    assert refused(bundle).problem.endswith(": facts published/kakao-2022.csv changed")


# --- a bundle from somebody who means harm --------------------------------------------------------------


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.toml"
    path.write_text("password = 1\n", "utf-8")
    return path


@pytest.mark.parametrize(
    "name",
    ["../secret.toml", "/etc/passwd", "tables/../../secret.toml", "a\\b", "C:x", "a//b", "./a", "\x1b[2J"],
)
def test_a_name_that_leads_elsewhere_is_refused(bundle: Path, secret: Path, name: str) -> None:
    assert secret.is_file()
    with (bundle / "SHA256SUMS").open("a", encoding="utf-8") as stream:
        stream.write(f"{64 * '0'}  {name}\n")
    with pytest.raises(InputRefused, match="is not the name of a report file"):
        verify(bundle)


@pytest.mark.parametrize(
    "name", ["tables/costs.csv", "documents/ledger.toml", "manifest.json", "SHA256SUMS", "tables"]
)
def test_a_link_is_not_followed(bundle: Path, secret: Path, name: str) -> None:
    place = bundle / name
    if place.is_dir():
        place = Path(shutil.move(place, bundle.parent / "moved"))
    else:
        secret.write_bytes(place.read_bytes())
        place.unlink()
        place = secret
    (bundle / name).symlink_to(place)
    for first in (True, False):
        with pytest.raises(InputRefused, match="is a link, and not followed"):
            verify(bundle, integrity=first, rebuild=not first)


LIES: dict[str, Callable[[Manifest], object]] = {
    "no documents": lambda m: m.update(documents={}),
    "a document elsewhere": lambda m: m["documents"].update({"../../secret": m["documents"]["ledger"]}),
    "a document of no kind": lambda m: m["documents"].update({"diary": m["documents"]["ledger"]}),
    "draws without end": lambda m: m.update(draws=2**40),
    "an endless budget": lambda m: m.update(budget=10**400),
    "a format of its own": lambda m: m.update(formats=["exe"]),
    "no format": lambda m: m.update(formats=[]),
    "a language of its own": lambda m: m.update(language="xx"),
    "a share of 2": lambda m: m.update(max_rejects=2),
    "text for a number": lambda m: m.update(seed="3"),
    "a key too many": lambda m: m.update(more=1),
    "a key too few": lambda m: m.pop("seed"),
    "the wrong day": lambda m: m.update(as_of="2031-02-30"),
    "a short digest": lambda m: m["outputs"]["tables/costs.csv"].update(sha256="00"),
}
"""Manifests that nobody wrote."""


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_manifest_that_nobody_wrote_is_refused_in_one_line(
    bundle: Path, lie: Callable[[Manifest], object]
) -> None:
    retold(bundle, lie)
    code, out, err = command("verify", bundle, "--rebuild")
    assert code in (1, 2, 3)
    assert out == ""
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert "password" not in err


@pytest.mark.slow
def test_another_python_that_changes_no_byte_passes_with_a_note(bundle: Path) -> None:
    now = manifest.environment()["python"]
    retold(bundle, lambda m: (m["environment"].update(python="3.10"), m["versions"].update(polars="0.1")))
    code, out, err = command("verify", bundle)
    assert (code, err) == (0, "")
    assert (
        out.splitlines()[2]
        == f"different, but without effect on the files: environment: python 3.10 -> {now}"
    )
    assert re.search(r"environment: polars 0\.1 -> [\d.]+", out)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["own.csv", "totals.csv", "kept.duckdb"])
def test_inputs_of_ones_own_are_found_by_their_content(tram: Path, tmp_path: Path, kind: str) -> None:
    given = tmp_path / kind
    plan = {"claims": (given,)}
    if kind == "own.csv":
        text = (tram / "claims.csv").read_text("utf-8").replace("claimant_type", "who", 1)
        given.write_text(text, "utf-8")
        (tmp_path / "layout.toml").write_text('[columns]\nclaimant_type = ["who"]\n', "utf-8")
        plan["columns"] = (tmp_path / "layout.toml",)
    elif kind == "totals.csv":
        given.write_text('service,claimant_type,band,claims\nred-line,rider,"(0, 60]",7\n', "utf-8")
        plan = {"counts": given}
    else:
        save_claims(read_claims(tram / "claims.csv", load_incident(tram / "incident.toml")), given)
    folder = write_report(run(tram_plan(tram, **plan, compare=())), tmp_path / "r", formats=FEW).parent
    assert verify(folder, claims=[given]).notes == ()
    with pytest.raises(UsageError, match=rf"rests on claims that a bundle does not hold \(found '{kind}'\)"):
        verify(folder)
    assert verify(folder, rebuild=False).rebuilt is False


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"1" * 5_000, 100_000 * b"["])
def test_what_is_no_manifest_is_refused(bundle: Path, text: bytes) -> None:
    (bundle / "manifest.json").write_bytes(text)
    with pytest.raises(InputRefused, match="is no manifest of a report of this version"):
        verify(seal(bundle))


def test_claims_are_for_a_rebuild_and_pipes_and_gigabytes_are_not_read(bundle: Path) -> None:
    code, _, err = command("verify", bundle, "--integrity", "--claims", "kakao-2022")
    assert (code, err.startswith("error: --claims is for a rebuild")) == (2, True)
    os.mkfifo(bundle / "tables" / "pipe.csv")
    with pytest.raises(InputRefused, match="is no plain file"):
        verify(bundle)
    for name in ("manifest.json", "SHA256SUMS"):
        with (bundle / name).open("r+b") as stream:
            stream.truncate(MAX_BYTES + 1)
        with pytest.raises(OutageAnalysisError, match=r"is too large|is not as the report wrote it"):
            verify(bundle)
