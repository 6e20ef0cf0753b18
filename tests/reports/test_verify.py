"""A bundle verified and opened again: a changed byte is found and named, and so are its inputs."""

from __future__ import annotations

import json
import os
import re
import shutil
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from outage_analysis import Analysis, load_incident, load_ledger, load_policy, read_claims, run, save_claims
from outage_analysis.errors import InputRefused, OutageAnalysisError, UsageError, VerificationFailed
from outage_analysis.files import Document, document_text
from outage_analysis.incidents import published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.reports import bridge_side, report_folder, verify, write_report
from outage_analysis.reports.report_folder import MAX_BYTES, code_digest
from tests.commands import command
from tests.conftest import Reshelve
from tests.tampered_bundles import Manifest, manifest_of, retold, seal
from tests.tram_case import tram_plan, write_documents
from tests.zip_files import unpacked

FEW = ("csv",)
"""Formats that suffice where the format does not matter."""


@pytest.fixture(scope="module")
def slim(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report in few formats."""
    return write_report(made, tmp_path_factory.mktemp("slim") / "report", formats=FEW).parent


@pytest.fixture
def bundle(slim: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(slim, tmp_path / "report"))


def refused(folder: Path, **asked: Any) -> VerificationFailed:  # noqa: ANN401 - as `verify` takes it
    with pytest.raises(VerificationFailed) as failure:
        verify(folder, **asked)
    return failure.value


# --- a forger who seals it again ------------------------------------------------------------------------


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
    assert refused(bundle).problem == "is missing"


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
    with pytest.raises(InputRefused, match="is a link, and not followed"):
        verify(bundle)


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
    "a short digest": lambda m: m["outputs"].update({"tables/costs.csv": "00"}),
}
"""Manifests that nobody wrote."""


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_manifest_that_nobody_wrote_is_refused_in_one_line(
    bundle: Path, secret: Path, lie: Callable[[Manifest], object]
) -> None:
    assert secret.is_file()
    retold(bundle, lie)
    with pytest.raises(OutageAnalysisError, match=r"^[^\n]*$") as failure:
        verify(bundle)
    assert "password" not in str(failure.value)


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": 5}, {"as_of": "soon"}, {"documents": 7}, {"documents": {}}, {"expected": []},
        {"expected": {"cash": "much"}}, {"expected": {"cash": [1]}}, {"expected": {"cash": float("nan")}},
        {"expected": {"cash": float("inf")}},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_with_a_wrong_value_is_refused_in_one_line(
    bundle: Path, change: dict[str, object]
) -> None:
    retold(bundle, lambda manifest: manifest.update(change))
    with pytest.raises(InputRefused, match=r"^[^\n]*is no manifest of a report of this version[^\n]*$"):
        opened(bundle)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"1" * 5_000, 100_000 * b"["])
def test_what_is_no_manifest_is_refused(bundle: Path, text: bytes) -> None:
    (bundle / "manifest.json").write_bytes(text)
    with pytest.raises(InputRefused, match="is no manifest of a report of this version"):
        verify(seal(bundle))


@pytest.mark.slow
def test_another_python_that_changes_no_byte_passes_with_a_note(bundle: Path) -> None:
    now = report_folder.environment()["python"]
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
    plan: dict[str, Any] = {"claims": (given,)}
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


def test_claims_are_for_a_rebuild_and_pipes_and_gigabytes_are_not_read(bundle: Path) -> None:
    code, _, err = command("verify", bundle, "--integrity", "--claims", "kakao-2022")
    assert (code, err.startswith("error: --claims is for a rebuild")) == (2, True)
    os.mkfifo(bundle / "tables" / "pipe.csv")
    with pytest.raises(InputRefused, match="is no plain file"):
        verify(bundle)
    (bundle / "tables" / "pipe.csv").unlink()
    for name in ("manifest.json", "SHA256SUMS"):
        with (bundle / name).open("r+b") as stream:
            stream.truncate(MAX_BYTES + 1)
        with pytest.raises(OutageAnalysisError, match=r"is too large|is not as the report wrote it"):
            verify(bundle)


def test_the_manifest_says_what_was_asked_and_the_documents_are_those_that_were_given(
    slim: Path, tram: Path
) -> None:
    manifest = manifest_of(slim)
    asked = ("budget", "draws", "seed", "hindsight", "as_of", "synthetic_claims")
    assert [manifest[key] for key in asked] == [100_000, 1_024, 3, True, "2031-03-10", False]
    pages: dict[str, tuple[str, Callable[[Path], Document]]] = {
        "incident": ("incident.toml", load_incident),
        "policy": ("counted.toml", load_policy),
        "ledger": ("mixed.toml", load_ledger),
        "compared-1": ("flat.toml", load_policy),
    }
    assert manifest["documents"].keys() == pages.keys()
    for name, (file, load) in pages.items():
        page = slim / "documents" / f"{name}.toml"
        assert load(page) == load(tram / file)
        assert page.read_text("utf-8") == document_text(load(page))


def test_what_cannot_be_opened_says_why(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no report\. Name a folder that `report` wrote"):
        opened(tmp_path)
    page = bundle / "documents" / "policy.toml"
    page.write_text(page.read_text("utf-8").replace("loss_unit", "unit_of_loss"), "utf-8")
    with pytest.raises(InputRefused, match=r"policy\.toml: cannot be read by this version: .*unknown key"):
        opened(seal(bundle))
    (bundle / "SHA256SUMS").unlink()
    with pytest.raises(InputRefused, match=r"manifest\.json: is not as the report wrote it"):
        opened(bundle)


def opened(bundle: Path) -> None:
    bridge_side(str(bundle), "kakao-2022", None)


# --- opened as it was written -----------------------------------------------------------------------------


PRIVATE = ("010-1234-5678", "12 Long Street", "Kim Minji")


@pytest.mark.slow
def test_comments_of_documents_stay_with_their_author_and_the_bundle_is_still_verified(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home of kim"
    home.mkdir()
    write_documents(home)
    for page in home.glob("*.toml"):
        text = f"# {PRIVATE[0]}\r\n{page.read_text('utf-8')}\n# {PRIVATE[1]}\n\t#{PRIVATE[2]}\n"
        page.write_text(text.replace("]\n", f"] # {PRIVATE[0]}\n", 1), "utf-8")
    bundle = write_report(run(tram_plan(home)), tmp_path / "out").parent
    assert len(list((bundle / "documents").iterdir())) == 4
    private = "|".join((*PRIVATE, "home of kim", re.escape(str(tmp_path)))).encode()
    for path in (p for p in bundle.rglob("*") if p.is_file()):
        data = path.read_bytes()
        for part in unpacked(data).values() if path.suffix in (".xlsx", ".pptx") else [data]:
            assert not re.search(private, part), path
    assert verify(bundle).rebuilt


# --- what is not as it was written ------------------------------------------------------------------------


# --- the sides of a bridge --------------------------------------------------------------------------------


def test_a_run_is_a_report_with_the_figure_it_printed_or_a_ledger(slim: Path, made: Analysis) -> None:
    side, recorded = bridge_side(str(slim), "kakao-2022", None)
    assert (side.policy, side.ledger, side.as_of) == (made.policy, made.ledger, made.as_of)
    assert recorded == made.exact_tables["totals"]["expected"].item()
    side, recorded = bridge_side("kakao-2022-10-24", "kakao-2022", "kakao-candidate-fees")
    assert side.ledger
    assert (side.policy.id, side.as_of, recorded) == ("kakao-candidate-fees", side.ledger.as_of, None)


def test_runs_of_two_incidents_have_no_bridge(slim: Path) -> None:
    code, out, err = command("bridge", slim, "kakao-2022")
    assert (code, out) == (2, "")
    assert re.fullmatch(
        r"error: the two runs are of two incidents \(found 'kakao-2022, tram-2031'\)\. .*\n", err
    )


def test_csv_files_have_a_byte_order_mark_in_korean_alone(bundles: dict[str, Path]) -> None:
    for lang, folder in bundles.items():
        marked = {path.read_bytes().startswith(BOM_UTF8) for path in (folder / "tables").glob("*.csv")}
        assert marked == {lang == "ko"}


def test_it_tells_no_place_on_the_machine_and_no_time(bundles: dict[str, Path]) -> None:
    text = (bundles["ko"] / "manifest.json").read_text("utf-8")
    assert not re.search(rf"{re.escape(str(Path.home()))}|\d\d:\d\d:\d\d", text)
    assert json.loads(text)["inputs"][0]["name"] == "kakao-2022-synthetic.parquet"


def test_a_change_of_code_changes_its_checksum_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_folder, "package_root", lambda: tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "html.py").write_text("a = 1\n")

    now = code_digest.__wrapped__  # reads again
    before = now()
    for folder, file in {"data": "x.toml", "__pycache__": "x.pyc", ".git": "x"}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text("x")
    assert now() == before
    (tmp_path / "reports" / "html.css").write_text("a {}\n")
    assert now() != before
