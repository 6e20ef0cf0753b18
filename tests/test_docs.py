"""The documentation names what is there, its pictures are small, and its figures are those of the package."""

from __future__ import annotations

import csv
import re
import runpy
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import backtest
import column_dictionary
import forecasts
import keys
import moving_picture
import polars as pl
import pytest
import reference
from PIL import Image

import outage_analysis as oa
import policies
from outage_analysis.claims import RULES
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import fact_exists, outcomes
from outage_analysis.policies import Budget, FeeCredit, InKind, Policy, Schedule, Voucher, findings
from outage_analysis.text import schemas_of
from tests.doc_pages import GUIDES, PAGES, RECIPES, blocks, name, prose, targets
from tests.paths import ROOT
from tests.studies import left_out_one_by_one

REFERENCE = "\n".join(reference.pages().values())
COMMANDS = reference.commands()
GUIDE = "\n".join(page.read_text("utf-8") for page in GUIDES)


@cache
def section(title: str) -> str:
    """What stands below a heading of the reference."""
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^##? |\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    return str(found)


# --- every entry of every registry ------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_says_what_a_command_and_each_of_its_options_do(command: str) -> None:
    told = section(f"`outage-analysis {command}`")
    assert re.match(r"\n\w", told)
    for option in COMMANDS[command].params:
        for spelled in (*option.opts, *option.secondary_opts):
            if option.name != "help":
                assert re.search(rf"^- .*`{re.escape(spelled)}`.*: \w", told, re.MULTILINE), spelled


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_beside_the_reference_uses_every_command(command: str) -> None:
    assert re.search(rf"outage-analysis {command}\b", GUIDE)


@pytest.mark.parametrize("title", keys.PAGES)
def test_the_reference_says_what_every_key_of_a_page_is(title: str) -> None:
    told = section(title)
    for noun, key in keys.keys(keys.PAGES[title][0]):
        assert re.search(rf"^\| `{key}` \|.*\| \S.* \|$", told, re.MULTILINE), f"{noun.__name__}.{key}"


@pytest.mark.parametrize("rule", RULES)
def test_the_reference_says_what_to_do_about_every_broken_rule(rule: str) -> None:
    assert re.search(rf"^- \*\*{re.escape(rule)}\.\*\* \w", section("Rules of a claim"), re.MULTILINE)


@pytest.mark.parametrize("target", sorted(targets(ROOT / "Makefile")))
def test_every_target_of_the_makefile_is_reported(target: str) -> None:
    assert re.search(rf"make {target}(?![\w-])", "\n".join(page.read_text("utf-8") for page in PAGES))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_names_a_target_that_is_not_there(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)make ([\w-]+)", page.read_text("utf-8"), re.MULTILINE))
    assert named <= targets(ROOT / "Makefile")


# --- what the pages name ----------------------------------------------------------------------------------


MADE = re.compile(r"^(\.\./)?(reports|reference)/|^glossary\.md$")
"""What `make site` adds to the pages; tests/documentation_site follows the links to it."""


@cache
def anchors(page: Path) -> frozenset[str]:
    return frozenset(anchor for _, _, anchor in reference.headings(page.read_text("utf-8")))


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not link.startswith("https://") and not MADE.search(link):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.resolve()), link


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    new = set(re.findall(r"`([^`\n]+)`, new:", text))
    inside = r"(?<![\w/.-])((?:src|data|docs|tests|notebooks|requirements)/[\w.*<>/-]*[\w*])"
    named = {*re.findall(inside, text), *re.findall(r"`(\w+\.(?:md|toml|lock)|Makefile)`", prose(page))}
    own = {"incident.toml", "policy.toml", "alternative.toml", "ledger.toml", "layout.toml", "report.md"}
    for path in sorted(named - new - own):
        pattern = re.sub(r"<\w+>", "*", path)
        assert next(iter({*ROOT.glob(pattern), *page.parent.glob(pattern)}), None), path


@pytest.mark.parametrize("page", [*PAGES, *RECIPES], ids=name)
def test_every_fact_that_a_page_cites_is_there(page: Path) -> None:
    cited = set(re.findall(r"\b(?!UTF)[A-Z]{2}[A-Z0-9]?-\d\d[a-z]?(?:\.[\w-]*\w)?", prose(page)))
    assert [fact for fact in sorted(cited) if not fact_exists(fact)] == []


def test_the_front_pages_lead_to_every_other() -> None:
    fronts = [ROOT / "README.md", ROOT / "docs" / "index.md", ROOT / "docs" / "ko" / "index.md"]
    linked = {
        (front.parent / path).resolve()
        for front in fronts
        for path in re.findall(r"\]\(([^)#\s]+\.md)", front.read_text("utf-8"))
    }
    assert [page for page in PAGES if page not in linked | {*fronts}] == []


# --- the tables ---------------------------------------------------------------------------------------


def test_the_list_of_tables_describes_every_table_that_is_registered() -> None:
    told = re.findall(r"^### `([\w-]+)`\n\n\w", column_dictionary.dictionary(), re.MULTILINE)
    assert {name for group in column_dictionary.GROUPS for name in schemas_of(group)} == set(told)


# --- the back-test ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table", [pytest.param(backtest, marks=pytest.mark.slow), forecasts, left_out_one_by_one]
)
def test_a_table_on_a_page_is_the_one_that_the_code_gives(table: Any) -> None:  # noqa: ANN401 - modules have no protocol
    written = table.PAGE.read_text("utf-8")
    assert table.renewed(written) == written, "run `make docs`"


# --- the policies -------------------------------------------------------------------------------------


def test_the_table_of_policies_is_the_one_that_the_pages_give() -> None:
    written = policies.POLICIES.read_text("utf-8")
    assert policies.page(written) == written, "run `make policies`"
    inside = written.split(policies.START)[1].split(policies.END)[0]
    assert re.findall(r"^\| `([^`]+)` \|", inside, re.MULTILINE) == bundled_ids("policies")


# --- the keys of a policy -----------------------------------------------------------------------------


def test_the_page_with_every_key_is_a_valid_policy() -> None:
    page = oa.load_policy(keys.EVERY_KEY)
    assert {type(line) for line in page.lines} == {Schedule, InKind, Voucher, FeeCredit, Budget}
    assert findings(page).filter(finding="fact").is_empty()  # every fact that it cites is published


def test_every_key_of_a_policy_has_an_example_in_the_page_and_none_is_empty() -> None:
    wanted = set(keys.keys(Policy))
    examples = keys.examples_of(Policy, tomllib.loads(keys.EVERY_KEY.read_text("utf-8")))
    assert {(Policy, "line"), (Schedule, "grain"), (Budget, "amount")} <= wanted  # all the way down
    assert wanted - examples.keys() == set()
    assert [key for key, value in examples.items() if value in ("", [], {})] == []


DOCS = ROOT / "docs"
PICTURED = (
    *(ROOT / "README.md", ROOT / "README.ko.md", DOCS / "index.md", DOCS / "ko" / "index.md"),
    *(DOCS / "reports.md", DOCS / "cases.md"),
)
SHOWN = {
    said: (page.parent / path).resolve().relative_to(ROOT).as_posix()
    for page in PICTURED
    for said, path in re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", page.read_text("utf-8"))
}
"""Path by what is said of the picture."""
MOVING = [moving_picture.picture(lang) for lang in moving_picture.BUDGETS]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "gallery.py"))


def test_the_docs_show_every_picture_and_say_what_it_is(script: dict[str, Any]) -> None:
    there = {p.relative_to(ROOT).as_posix() for p in (ROOT / "docs" / "gallery").iterdir()}
    still = {f"docs/gallery/{name}.png" for name in script["PICTURES"]}
    assert there == set(SHOWN.values()) == still | {f"docs/gallery/{path.name}" for path in MOVING}
    assert all(len(said.split()) >= 4 for said in SHOWN)


@pytest.mark.parametrize("path", sorted(path for path in SHOWN.values() if path.endswith(".png")))
def test_a_picture_is_small(path: str, script: dict[str, Any]) -> None:
    front = Path(path).stem in script["FRONT"]
    assert (ROOT / path).stat().st_size <= script["FRONT_BYTES" if front else "MOST_BYTES"]
    with Image.open(ROOT / path) as picture:
        assert picture.width <= script["FRONT_WIDTH" if front else "WIDTH"]


FRONT, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"


def code(text: str) -> str:
    """A block of code without its comments and its language."""
    return re.sub(r" *#.*|, lang=\"ko\"", "", text)


def figure_of(id_: str) -> tuple[float | None, ...]:
    """The value, low and high of a published figure or of an outcome."""
    (row,) = pl.concat([oa.facts(), outcomes()]).filter(id=id_).select("value", "low", "high").rows()
    return row


def test_the_rows_of_the_table_are_those_of_the_claims() -> None:
    (shown,) = (block.text for block in blocks(FRONT) if block.language == "text")
    losses = oa.load_sample("kakao").to_polars().select("service", "loss").rows()
    for service, id_ in (("KakaoTalk", "kakaotalk"), ("Kakao T", "kakao_t")):
        claimed = [loss for service, loss in losses if service == id_]
        stated = [loss for loss in claimed if loss is not None]
        counts = [
            stated.count(0),
            *(sum(over < n <= up_to for n in stated) for over, up_to in ((0, 3e5), (3e5, 5e5), (5e5, 1e15))),
            *(claimed.count(None), len(claimed)),
        ]
        assert re.search(rf"^{service} +{' +'.join(f'{n:,}' for n in counts)}$", shown, re.MULTILINE)


def test_the_figures_of_the_case_are_those_of_the_facts_and_of_the_model(analysis: oa.Analysis) -> None:
    _, low, high = figure_of("CO-07")
    assert (round((low or 0) / 1e6), round((high or 0) / 1e6)) == (254, 423)
    assert [figure_of(id_)[0] for id_ in ("CL-13", "CO-10")] == [8_461, 50_000_000]
    model = [analysis.expected, analysis.median, analysis.quantile(0.1), analysis.quantile(0.9)]
    rounded = [float(f"{amount:.2g}") for amount in model]
    assert rounded == [260e6, 120e6, 20e6, 560e6]
    assert rounded[2] < 50e6 < rounded[1] / 2  # paid: less than half of the median, and inside the range
    figures = {
        FRONT: (
            "254–423 million won",
            "8,461",
            "expected 260 million won, median 120 million",
            "20–560 million",
            "about 50 million",
            "which is less than half of the median and inside the 80 % range",
        ),
        KOREAN: (
            "2억 5,400만~4억 2,300만 원",
            "8,461건",
            "기댓값 2억 6,000만 원, 중앙값 1억 2,000만 원",
            "2,000만~5억 6,000만 원",
            "약 5,000만 원",
            "중앙값의 절반에 못 미치지만 80% 구간 안에 있습니다",
        ),
    }
    assert [text for page, texts in figures.items() for text in texts if text not in prose(page)] == []


def test_both_pages_are_one_screen_with_the_same_code_and_links() -> None:
    first, second = ([code(b.text) for b in blocks(page) if b.language != "text"] for page in (FRONT, KOREAN))
    assert first == second
    own = {"README.md", "README.ko.md", "docs/ko/quick-start.md"}
    texts = [page.read_text("utf-8") for page in (FRONT, KOREAN)]
    links = [{link for link in re.findall(r"\]\(([^)]+)\)", text) if ".gif" not in link} for text in texts]
    assert links[0] - own == links[1] - own
    assert max(text.count("\n") for text in texts) <= 60


def published() -> dict[str, dict[str, str]]:
    folders = (ROOT / "data" / name for name in ("outcomes", "published"))
    paths = [path for folder in folders for path in sorted(folder.glob("*.csv"))]
    return {row["id"]: row for path in paths for row in csv.DictReader(path.read_text("utf-8").splitlines())}


def test_each_ratio_is_the_forecast_over_what_was_paid_in_the_same_currency() -> None:
    facts, rows = published(), oa.forecasts_and_payments()
    assert rows["event"].n_unique() == 14
    for row in rows.iter_rows(named=True):
        forecast, paid = (facts[id_] for id_ in row["facts"].split())
        assert forecast["unit"] == paid["unit"] == row["currency"]
        ends = [float(forecast["value"] or forecast[end] or forecast["high"]) for end in ("low", "high")]
        assert [row["ratio_low"], row["ratio_high"]] == pytest.approx(
            [x / float(paid["value"]) for x in ends]
        )


def test_both_languages_have_the_same_figures() -> None:
    english, korean = oa.forecasts_and_payments(), oa.forecasts_and_payments("ko")
    texts = ("event", "how", "note")
    assert english.drop(texts).equals(korean.drop(texts))
    assert korean.select(pl.col(texts).str.contains("[가-힣]").all()).row(0) == (True, True, True)


def test_the_picture_of_press_forecasts_is_no_empty_one() -> None:
    assert len(forecasts.picture()) > 10_000
