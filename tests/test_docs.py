"""Docs that cannot drift: what the code has, the docs name."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import outage_analysis
from outage_analysis.datasets import ids
from outage_analysis.policies import Budget, FeeCredit, InKind, Policy, Schedule
from outage_analysis.policies.findings import findings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EVERY_KEY = ROOT / "docs" / "every-key.toml"

Script = dict[str, Any]


@pytest.fixture(scope="module")
def reference() -> Script:
    return runpy.run_path(str(ROOT / "docs" / "reference.py"))


@pytest.fixture(scope="module")
def policies() -> Script:
    return runpy.run_path(str(ROOT / "docs" / "policies.py"))


def test_the_reference_is_what_the_code_generates(reference: Script) -> None:
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == reference["reference"](), "run `make docs`"


def test_the_reference_has_every_command_and_every_command_of_a_group(reference: Script) -> None:
    written = (ROOT / "docs" / "reference.md").read_text("utf-8")
    assert {"report", "policies list", "policies show", "policies new"} <= reference["_commands"]().keys()
    assert re.findall(r"^### `outage-analysis (.+)`$", written, re.MULTILINE) == list(
        reference["_commands"]()
    )


# --- the method ---------------------------------------------------------------------------------------


def test_the_back_test_in_the_method_is_the_one_that_the_code_gives() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "method.py"))
    written = script["METHOD"].read_text("utf-8")
    assert script["method"](written) == written, "run `make docs`"
    assert written.count("| inside |") == 4  # three outcomes, and the total that is none of its own


def test_every_test_that_the_method_names_is_there() -> None:
    named = set(re.findall(r"tests/\w+\.py", (ROOT / "docs" / "method.md").read_text("utf-8")))
    assert len(named) >= 8
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


# --- the policies -------------------------------------------------------------------------------------


def test_the_table_of_policies_in_the_readme_is_the_one_that_the_pages_give(policies: Script) -> None:
    inside = README.split(policies["START"])[1].split(policies["END"])[0]
    assert inside == policies["table"](), "run `make policies`"
    assert policies["readme"](README) == README
    assert re.findall(r"^\| `([^`]+)` \|", inside, re.MULTILINE) == ids("policies")


@pytest.mark.parametrize("id_", ids("policies"))
def test_the_golden_file_of_a_policy_is_its_result(policies: Script, id_: str) -> None:
    assert policies["golden_path"](id_).read_text("utf-8") == policies["golden"](id_), "run `make policies`"


def test_there_is_one_golden_file_a_policy(policies: Script) -> None:
    beside = {policies["golden_path"](id_) for id_ in ids("policies")}
    assert beside == set(policies["golden_path"]("any").parent.glob("*.json"))


# --- the keys of a policy -----------------------------------------------------------------------------


def name(key: tuple[type[BaseModel], str]) -> str:
    return f"{key[0].__name__}.{key[1]}"


def test_the_page_with_every_key_is_a_valid_policy() -> None:
    page = outage_analysis.load_policy(EVERY_KEY)
    assert {type(line) for line in page.lines} == {Schedule, InKind, FeeCredit, Budget}
    assert findings(page).filter(finding="fact").is_empty()  # every fact that it cites is published


def test_every_key_of_a_policy_has_an_example_in_the_page(reference: Script) -> None:
    keys = set(reference["keys"](Policy))
    page = tomllib.loads(EVERY_KEY.read_text("utf-8"))
    examples = reference["examples_of"](Policy, page)
    assert {(Policy, "line"), (Schedule, "grain"), (Budget, "true_ups")} <= keys  # all the way down
    assert sorted(map(name, keys - examples.keys())) == []


def test_no_example_of_a_key_is_empty(reference: Script) -> None:
    examples = reference["examples_of"](Policy, tomllib.loads(EVERY_KEY.read_text("utf-8")))
    assert sorted(name(key) for key, value in examples.items() if value in ("", [], {})) == []


def test_every_key_of_a_policy_says_what_it_is(reference: Script) -> None:
    keys = reference["keys"](Policy)
    silent = [name(key) for key, info in keys.items() if not (info.description or "").strip()]
    assert sorted(silent) == []


def test_the_reference_describes_every_key_of_a_policy(reference: Script) -> None:
    written = (ROOT / "docs" / "reference.md").read_text("utf-8")
    section = written.split("\n### Policy\n")[1].split("\n### ")[0]
    for noun, key in reference["keys"](Policy):
        assert re.search(rf"^\| `{key}` \|.*\| \S.* \|$", section, re.MULTILINE), name((noun, key))


# --- the README ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", outage_analysis.__all__)
def test_the_readme_says_what_each_public_name_does(name: str) -> None:
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("target", ["report", "test", "lab", "check", "bench", "policies"])
def test_the_readme_names_each_make_target(target: str) -> None:
    assert f"make {target}" in README
    assert f"\n{target}:" in (ROOT / "Makefile").read_text("utf-8")


def test_the_toml_in_the_readme_is_a_valid_policy(tmp_path: Path) -> None:
    body = README.split("```toml\n")[1].split("```")[0]
    extra = 'name = { en = "Cash" }\npublic_on = 2022-12-29\neffort = "form"\n'
    page = 'id = "readme"\nname = { en = "Readme" }\ncurrency = "KRW"\nloss_unit = "KRW"\n'
    path = tmp_path / "readme.toml"
    path.write_text(page + body.replace("[[line]]\n", "[[line]]\n" + extra), "utf-8")
    assert outage_analysis.load_policy(path).schedules[0].cuts == (300_000, 500_000)
