"""Docs that cannot drift: what the code has, the docs name."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import outage_analysis

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_reference_is_what_the_code_generates() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "reference.py"))
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == script["reference"](), "run `make docs`"


@pytest.mark.parametrize("name", outage_analysis.__all__)
def test_the_readme_says_what_each_public_name_does(name: str) -> None:
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("target", ["report", "test", "lab", "check", "bench"])
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
