"""A bundle opened again: the pages it rests on, the figures it told, and what is not as it was written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from outage_analysis.analysis import Analysis, run
from outage_analysis.assumptions import load_ledger
from outage_analysis.costs import cost_table, totals
from outage_analysis.costs.cost_bridge import bridge
from outage_analysis.errors import InputRefused, UsageError
from outage_analysis.files import Document, document_text
from outage_analysis.incidents import load_incident
from outage_analysis.policies import load_policy
from outage_analysis.reports import bridge_side, verify, write_report
from tests.commands import command
from tests.tampered_bundles import manifest_of, retold, seal
from tests.tram_case import tram_plan, write_documents
from tests.zip_files import unpacked


def test_the_manifest_says_what_was_asked_and_the_documents_are_those_that_were_given(
    written: Path, tram: Path
) -> None:
    manifest = manifest_of(written)
    asked = ("budget", "draws", "seed", "hindsight", "as_of", "synthetic_claims")
    assert [manifest[key] for key in asked] == [100_000, 1_024, 3, True, "2031-03-10", False]
    pages: dict[str, tuple[str, str, Callable[[Path], Document]]] = {
        "incident": ("tram-2031", "incident.toml", load_incident),
        "policy": ("tram-2031", "counted.toml", load_policy),
        "ledger": ("tram-ledger", "mixed.toml", load_ledger),
        "compared-1": ("tram-flat", "flat.toml", load_policy),
    }
    assert manifest["documents"].keys() == pages.keys()
    for name, (id_, file, load) in pages.items():
        page = written / "documents" / f"{name}.toml"
        assert manifest["documents"][name]["id"] == id_
        assert load(page) == load(tram / file)
        assert page.read_text("utf-8") == document_text(load(page))


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


@pytest.fixture(scope="module")
def written(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report."""
    return write_report(made, tmp_path_factory.mktemp("written") / "report", formats=["csv"]).parent


@pytest.fixture
def bundle(written: Path, tmp_path: Path) -> Path:
    """A copy of the report that a test may spoil."""
    return Path(shutil.copytree(written, tmp_path / "report"))


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


@pytest.mark.parametrize(
    "name", ["manifest.json", *(f"documents/{x}.toml" for x in ("incident", "policy", "ledger"))]
)
@pytest.mark.parametrize("spoil", ["changed", "broken", "gone"])
def test_a_file_that_is_not_as_it_was_written_is_refused(bundle: Path, name: str, spoil: str) -> None:
    path = bundle / name
    text = path.read_text("utf-8")
    if spoil == "gone":
        path.unlink()
    else:
        path.write_text(text.replace("tram", "bus") if spoil == "changed" else "{[", "utf-8")
    gone_whole = (name, spoil) == ("manifest.json", "gone")
    code, out, err = command("bridge", bundle, "kakao-2022")
    assert (code, out) == (2 if gone_whole else 3, "")
    assert re.fullmatch(
        r"error: [^\n]+\. (Write the report again|Name a folder that `report` wrote)\.\n", err
    )
    assert ("report" if gone_whole else Path(name).name) in err


# --- the sides of a bridge --------------------------------------------------------------------------------


def test_a_run_is_a_report_with_the_figure_it_printed_or_a_ledger(written: Path, made: Analysis) -> None:
    side, recorded = bridge_side(str(written), "kakao-2022", None)
    assert (side.policy, side.ledger, side.as_of) == (made.policy, made.ledger, made.as_of)
    assert recorded == made.exact_tables["totals"]["expected"].item()
    side, recorded = bridge_side("kakao-2022-10-24", "kakao-2022", "kakao-candidate-fees")
    assert side.ledger
    assert (side.policy.id, side.as_of, recorded) == ("kakao-candidate-fees", side.ledger.as_of, None)


def test_a_report_and_the_ledger_it_rests_on_have_nothing_between_them(written: Path, tram: Path) -> None:
    pages = ("--incident", tram / "incident.toml", "--policy", tram / "counted.toml")
    code, out, err = command("bridge", written, tram / "mixed.toml", *pages, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["currency"], found["minor_units"]) == ("EUR", 2)
    assert {row["amount"] for row in found["bridge"]} == {None, 0}
    (total,) = {row["total"] for row in found["bridge"]}
    assert f" {total:,.2f} " in command("bridge", written, written)[1]


def test_a_figure_that_an_older_version_printed_is_a_step_of_its_own(bundle: Path, tram: Path) -> None:
    told = 5_000_000.0
    retold(bundle, lambda manifest: manifest["expected"].update(cash=told))
    pages = ("--incident", tram / "incident.toml", "--policy", tram / "counted.toml")
    rows = json.loads(command("bridge", bundle, tram / "mixed.toml", *pages, "--json")[1])["bridge"]
    steps = {row["step"]: row for row in rows}
    assert steps["start"]["total"] == told / 100
    assert steps["end"]["total"] == pytest.approx(steps["start"]["total"] + steps["method"]["amount"])
    assert [row["step"] for row in rows if row["amount"]] == ["method"]


def test_runs_of_two_incidents_have_no_bridge(written: Path) -> None:
    code, out, err = command("bridge", written, "kakao-2022")
    assert (code, out) == (2, "")
    assert re.fullmatch(
        r"error: the two runs are of two incidents \(found 'kakao-2022, tram-2031'\)\. .*\n", err
    )


def test_the_bundled_report_leads_to_the_updated_ledger(bundles: dict[str, Path]) -> None:
    (first, recorded), (second, _) = (
        bridge_side(str(name), "kakao-2022", None) for name in (bundles["en"], "kakao-2023-06-30")
    )
    table = bridge(first, second, recorded=recorded)
    ends = {}
    for side in (first, second):
        sums = totals(cost_table(side.policy, side.ledger, as_of=side.as_of))
        ends[side.as_of] = round(sums.filter(valuation="cash")["expected"].item())
    assert table["total"].to_list()[:: len(table) - 1] == list(ends.values())
    assert table.filter(step="method")["amount"].item() == 0
