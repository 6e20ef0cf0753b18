"""Fixtures that many tests share: the bundled case, and writers of small files."""

from __future__ import annotations

import csv
import gc
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import settings

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.assumptions import Ledger, load_ledger
from outage_analysis.files import bundled_claims, data_root
from outage_analysis.incidents import Incident, load_incident, published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.policies import Policy, load_policy
from outage_analysis.reports import Report
from outage_analysis.text import LANGUAGES
from tests.chromium import CHROMIUM, DRIVER, REQUIRED
from tests.contract.command_line import written_report
from tests.html_page import WebPage
from tests.installed_package import Installed, install
from tests.paths import GOLDEN
from tests.shared_folders import filled_once, shared_base
from tests.tram_case import tram_plan, write_documents

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell
    from selenium.webdriver import Chrome

Row = dict[str, str]
ClaimsCsv = Callable[..., Path]
Edited = Callable[..., Path]
Reshelve = Callable[[Callable[[FactCollection], pl.DataFrame]], None]

gc.set_threshold(100_000)  # as the command line does; it saves a tenth of the time
settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, max_examples=30, print_blob=True
)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as slow that start a browser or LibreOffice, or that build and install the package."""
    for item in items:
        program = item.get_closest_marker("browser") or item.get_closest_marker("office")
        if program or "installed" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def incident() -> Incident:
    """The Kakao incident."""
    return load_incident("kakao-2022")


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The Kakao policy."""
    return load_policy("kakao-2022")


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """The Kakao ledger of assumptions."""
    return load_ledger("kakao-2022")


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    """The bundled case, as `outage-analysis report` runs it; one run for the whole session."""
    return run(Plan())


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a report by its name in `REPORTS`; the workers share one of each."""
    base = shared_base(tmp_path_factory) / "reports"
    return lambda name: written_report(name, base)


@pytest.fixture(scope="session")
def executed_notebook(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """The file of a bundled notebook after it ran with its answers; the workers share one of each."""
    from tests.executed_notebooks import run_with_answers

    base = shared_base(tmp_path_factory) / "notebooks"
    return lambda path: filled_once(base / path.stem, partial(run_with_answers, path)) / path.name


@pytest.fixture(scope="session")
def bundles(report: Callable[[str], Path]) -> dict[str, Path]:
    """The folder of the bundled case's report, by language."""
    return {lang: report(f"kakao-{lang}") for lang in LANGUAGES}


@pytest.fixture(scope="session")
def pages(bundles: dict[str, Path]) -> dict[str, WebPage]:
    """The page of the bundled case's report, by language."""
    return {lang: WebPage.of(folder / "report.html") for lang, folder in bundles.items()}


@pytest.fixture(scope="session")
def reports(analysis: Analysis) -> dict[str, Report]:
    """The report of the bundled case, by language, not written."""
    return {lang: Report(analysis, lang) for lang in LANGUAGES}


@pytest.fixture(scope="session")
def tram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the tram outage: small, in euros and minutes."""
    folder = tmp_path_factory.mktemp("tram")
    write_documents(folder)
    return folder


@pytest.fixture(scope="session")
def made(tram: Path) -> Analysis:
    """The tram outage from published counts, beside another policy."""
    return run(tram_plan(tram))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The package installed from its wheel; xdist's workers share one."""
    return Installed(filled_once(shared_base(tmp_path_factory) / "installed", install))


@pytest.fixture(scope="session")
def own_claims(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the bundled rows without the mark that they are synthetic: claims as somebody may have them."""
    bundled = bundled_claims("kakao-2022")
    assert bundled
    path = tmp_path_factory.mktemp("own") / "complaints.parquet"
    pl.read_parquet(bundled).drop("synthetic").gather_every(20).write_parquet(path)
    return path


@pytest.fixture(scope="session")
def own_case(own_claims: Path) -> Analysis:
    """The bundled case with claims that are not synthetic."""
    return run(Plan(claims=(own_claims,)))


@pytest.fixture(scope="session")
def trams() -> Analysis:
    """The bundled outage whose cost comes from (synthetic) claims."""
    return run(Plan(incident="trams"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser that logs its console and its requests."""
    if not (CHROMIUM and DRIVER) and not REQUIRED:
        pytest.skip("needs Debian's chromium and chromium-driver")
    from tests.contract.live_page import started_browser

    yield from started_browser(tmp_path_factory.mktemp("profile"), "--window-size=900,900")


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """Published numbers with their sources."""
    cases: dict[str, Any] = json.loads((GOLDEN / "kakao.json").read_text("utf-8"))
    return cases


def claim_rows(rows: Iterable[Row], incident: Incident) -> list[Row]:
    """Complaints that differ from a good one only in what each row says."""
    good = {
        "service": "카톡",
        "claimant_type": "소상공인",
        "filed_on": "2022-10-19",
        "loss": "100000",
        **{dimension.id: "x" for dimension in incident.dimensions},
    }
    return [{"claim_id": f"c{n}", **good, **row} for n, row in enumerate(rows, start=1)]


def with_any_loss(incident: Incident) -> Incident:
    """The incident with every loss taken as plausible."""
    return incident.model_copy(update={"loss": incident.loss.model_copy(update={"plausible_to": None})})


@pytest.fixture
def reshelve(monkeypatch: pytest.MonkeyPatch) -> Reshelve:
    """Put other facts on the shelves, from which every figure comes."""

    def put(shelf: Callable[[FactCollection], pl.DataFrame]) -> None:
        monkeypatch.setattr(published, "_fact_table", shelf)
        monkeypatch.setattr(published, "_facts_by_id", cache(published._facts_by_id.__wrapped__))  # noqa: SLF001

    return put


@pytest.fixture
def claims_csv(tmp_path: Path, incident: Incident) -> ClaimsCsv:
    """A writer of complaint files: `claims_csv([{"loss": "5"}], name="a.csv")`."""

    def write(rows: Iterable[Row], *, name: str = "claims.csv", delimiter: str = ",", drop: str = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        full = claim_rows(rows, incident) or claim_rows([{}], incident)
        header = list(dict.fromkeys(key for row in full for key in row if key != drop))
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, header, delimiter=delimiter, extrasaction="ignore", restval="")
            writer.writeheader()
            writer.writerows(full)
        return path

    return write


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """A writer of a bundled page with some words replaced: `edited("policies", old, new)`."""

    def write(kind: str, *pairs: str) -> Path:
        text = (data_root() / kind / "kakao-2022.toml").read_text("utf-8")
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in text, f"{old!r} is not in the bundled page"
            text = text.replace(old, new, 1)
        path = tmp_path / f"{kind}.toml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A session of IPython, in which blocks of a page run."""
    from tests.doc_blocks import new_shell

    with new_shell() as session:
        yield session


@pytest.fixture(scope="module")
def write_document(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A writer of pages."""
    folder = tmp_path_factory.mktemp("pages")

    def write(text: str) -> Path:
        path = folder / "page.toml"
        path.write_text(text, "utf-8")
        return path

    return write
