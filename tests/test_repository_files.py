"""The files that a code host reads: citation, workflow, templates, and the version in all of them."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def load_yaml(name: str) -> Any:  # noqa: ANN401 - YAML values have no common type
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def test_the_citation_states_the_version_licence_and_day_of_the_release() -> None:
    citation = load_yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # required by the format 1.2.0
    assert citation["cff-version"] == "1.2.0"
    assert (citation["title"], citation["version"]) == (PROJECT["name"], PROJECT["version"])
    assert citation["license"] == PROJECT["license"]
    assert [author["name"] for author in citation["authors"]] == [a["name"] for a in PROJECT["authors"]]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, day = re.findall(r"^## \[(\d[\d.]*)\] - (\S+)$", changelog, re.MULTILINE)[0]
    assert (citation["version"], str(citation["date-released"])) == (version, day)


def test_the_workflow_runs_the_script_of_a_full_check_with_read_only_permissions() -> None:
    workflow = load_yaml(".github/workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in job
    assert (job["runs-on"], job["timeout-minutes"]) == ("ubuntu-latest", 90)
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()
    check_actions(job)


def test_the_other_workflow_publishes_the_site_that_make_built() -> None:
    workflow = load_yaml(".github/workflows/site.yml")
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert workflow[True]["push"] == {"branches": ["main"]}  # YAML reads the key `on` as true
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make site"]
    assert [step["with"]["path"] for step in job["steps"] if "path" in step.get("with", {})] == ["build/site"]
    assert job["steps"][-1]["uses"].startswith("actions/deploy-pages@")
    check_actions(job)
    assert "make site" in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def check_actions(job: dict[str, Any]) -> None:
    """A job takes the checkout first, and actions of the code host alone, each of a version."""
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert [action for action in actions if not re.fullmatch(r"actions/[a-z-]+@v\d+", action)] == []
    assert actions[0].startswith("actions/checkout@")
