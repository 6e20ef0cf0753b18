"""Writes the table of forecasts and payments into docs/cases.md; notebook 05 draws its chart."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

from outage_analysis.files import notebooks_root
from outage_analysis.incidents import forecasts_and_payments

PAGE = Path(__file__).parent / "cases.md"
START, END = "<!-- forecasts: written by `make docs` -->\n", "<!-- end of forecasts -->\n"
HEAD = (
    "| event | what was forecast | public on | forecast, millions | paid, millions | ratio | facts |\n"
    "| --- | --- | --- | ---: | ---: | ---: | --- |\n"
)


def ends(low: float, high: float, digits: int) -> str:
    """A range as text; one number if both ends read the same."""
    texts = [f"{x:,.{digits}f}" for x in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def table() -> str:
    """One row per forecast, as Markdown."""
    lines = []
    for row in forecasts_and_payments().iter_rows(named=True):
        million = 1e6
        cells = (
            *(row["event"], row["how"], str(row["public_on"] or "")),
            ends(row["low"] / million, row["high"] / million, 1),
            f"{row['paid'] / million:,.1f} {row['currency']}",
            ends(row["ratio_low"], row["ratio_high"], 2),
            row["facts"],
        )
        lines.append(f"| {' | '.join(cells)} |\n")
    return HEAD + "".join(lines)


def renewed(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


def picture() -> bytes:
    """The chart as notebook 05 stores it."""
    cells = json.loads((notebooks_root() / "05_executive_summary.ipynb").read_text("utf-8"))["cells"]
    (cell,) = (cell for cell in cells if cell["id"] == "forecasts")
    return b64decode(cell["outputs"][0]["data"]["image/png"])


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
