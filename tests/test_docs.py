"""Docs that cannot drift: what the code has, the docs name; what the docs name, is there."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import backtest
import column_dictionary
import keys
import pytest
import reference
from pydantic import BaseModel

import outage_analysis
import policies
from outage_analysis.claims import RULES
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import fact_exists
from outage_analysis.policies import Budget, FeeCredit, InKind, Policy, Schedule, Voucher, findings
from outage_analysis.text import schemas_of
from tests.doc_pages import GUIDES, PAGES, RECIPES, name, prose, targets
from tests.paths import ROOT

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


@pytest.mark.slow
def test_the_back_test_on_the_page_is_the_one_that_the_code_gives() -> None:
    written = backtest.PAGE.read_text("utf-8")
    assert backtest.renewed(written) == written, "run `make docs`"
    # Two outcomes, and the total that is none of its own.
    assert written.split("<!-- back-test: ")[1].count("| inside |") == 3


# --- the policies -------------------------------------------------------------------------------------


def test_the_table_of_policies_is_the_one_that_the_pages_give() -> None:
    written = policies.POLICIES.read_text("utf-8")
    assert policies.page(written) == written, "run `make policies`"
    inside = written.split(policies.START)[1].split(policies.END)[0]
    assert re.findall(r"^\| `([^`]+)` \|", inside, re.MULTILINE) == bundled_ids("policies")


# --- the keys of a policy -----------------------------------------------------------------------------


def spelled(key: tuple[type[BaseModel], str]) -> str:
    return f"{key[0].__name__}.{key[1]}"


def test_the_page_with_every_key_is_a_valid_policy() -> None:
    page = outage_analysis.load_policy(keys.EVERY_KEY)
    assert {type(line) for line in page.lines} == {Schedule, InKind, Voucher, FeeCredit, Budget}
    assert findings(page).filter(finding="fact").is_empty()  # every fact that it cites is published


def test_every_key_of_a_policy_has_an_example_in_the_page_and_none_is_empty() -> None:
    wanted = set(keys.keys(Policy))
    examples = keys.examples_of(Policy, tomllib.loads(keys.EVERY_KEY.read_text("utf-8")))
    assert {(Policy, "line"), (Schedule, "grain"), (Budget, "true_ups")} <= wanted  # all the way down
    assert sorted(map(spelled, wanted - examples.keys())) == []
    assert sorted(spelled(key) for key, value in examples.items() if value in ("", [], {})) == []
