"""Writes the table of the back-test into cases.md. Run by `make docs`; a test compares the two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from outage_analysis.costs.backtesting import backtest
from outage_analysis.incidents import load_backtest_spec
from outage_analysis.text import Locale

PAGE = Path(__file__).with_name("cases.md")
START, END = "<!-- back-test: written by `make docs` -->\n", "<!-- end of back-test -->\n"
HEAD = (
    "| outcome | given | P10 | P50 | P90 | came | percentile | verdict | CRPS | naive | flat |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n"
)


def table() -> str:
    """The outcomes of the bundled case with our score and those of the rivals, as Markdown."""
    found, words = backtest(load_backtest_spec("kakao-2022")), Locale("en")
    names = {outcome.id: outcome.name.en for outcome in found.spec.outcomes}
    rivals = {(row["outcome"], row["rival"]): row["crps"] for row in found.rivals.iter_rows(named=True)}
    return HEAD + "".join(_line(row, names, rivals, words) for row in found.outcomes.iter_rows(named=True))


def _line(row: dict[str, Any], names: dict[str, str], rivals: dict[tuple[str, str], Any], w: Locale) -> str:
    scores = [row["crps"], *(rivals[row["outcome"], rival] for rival in ("naive", "flat"))]
    cells = [
        names[row["outcome"]],
        "" if row["denominator"] is None else f"{row['denominator']:,.0f}",
        *(f"{row[column]:,.0f}" for column in ("range_low", "p50", "range_high", "observed")),
        w.share(row["percentile"]),
        w(f"word.{row['verdict']}"),
        *(f"{score:.2f}" for score in scores),
    ]
    return f"| {' | '.join(cells)} |\n"


def renewed(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
