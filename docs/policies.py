"""Writes what stands beside each policy: its golden result, and its line in policies.md.

Run by `make policies` after a page was added or changed; tests compare both with the files. A result
that changes shows in the diff, to be explained there.
"""

from __future__ import annotations

import json
from pathlib import Path

from outage_analysis.costs.benefits import policy_result, reconciliation_summary
from outage_analysis.files import bundled_ids, data_root
from outage_analysis.policies import explain, load_policy
from outage_analysis.text import Locale

POLICIES = Path(__file__).with_name("policies.md")
START, END = "<!-- policies: written by `make policies` -->\n", "<!-- end of policies -->\n"


def golden_path(id_: str) -> Path:
    """Where the golden result of a policy stands."""
    return data_root() / "policies" / f"{id_}.golden.json"


def golden(id_: str) -> str:
    """The golden result of a policy, as its file has it."""
    policy = load_policy(id_)
    result = {"explained": explain(policy)} | policy_result(policy)
    return json.dumps(result, ensure_ascii=False, indent=1, default=str) + "\n"


def table() -> str:
    """The table of the page."""
    lines = ["| policy | what it is | currency | lines | published sums |", "| --- | --- | --- | --- | --- |"]
    for id_ in bundled_ids("policies"):
        policy = load_policy(id_)
        shown = reconciliation_summary(policy, Locale("en")) or "none was published"
        lines.append(f"| `{id_}` | {policy.name.en} | {policy.currency} | {len(policy.lines)} | {shown} |")
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    for policy_id in bundled_ids("policies"):
        golden_path(policy_id).write_text(golden(policy_id), "utf-8")
    POLICIES.write_text(page(POLICIES.read_text("utf-8")), "utf-8")
