"""Writes the table of damaged files in claims.md, from what `make bench-reading` measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CLAIMS = Path(__file__).with_name("claims.md")
MEASURED = Path("build/bench")
START, END = "<!-- damaged files: written by `make bench-reading` -->\n", "<!-- end of damaged files -->\n"


def measured(name: str) -> list[dict[str, Any]]:
    """The rows of a table that the benchmark wrote."""
    rows: list[dict[str, Any]] = json.loads((MEASURED / f"{name}.json").read_text("utf-8"))["rows"]
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows as a table of a page."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    for row in rows:
        cells = (f"{value:,.1f}" if isinstance(value, float) else str(value) for value in row.values())
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def page(text: str, totals: list[dict[str, Any]], groups: list[dict[str, Any]]) -> str:
    """The page with its tables renewed."""
    before, rest = text.split(START)
    # Only the terminal and the JSON file show CPU seconds, which are of one machine.
    shown = [{k: v for k, v in row.items() if k != "CPU seconds"} for row in totals]
    tables = f"{markdown(shown)}\nShare of records recovered, by damage:\n\n{markdown(groups)}"
    return before + START + tables + END + rest.split(END)[1]


if __name__ == "__main__":
    written = page(CLAIMS.read_text("utf-8"), measured("reading"), measured("reading-by-group"))
    CLAIMS.write_text(written, "utf-8")
