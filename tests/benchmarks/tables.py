"""A table of one benchmark on stdout, and beside it as JSON under build/bench."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path("build/bench")


def machine() -> str:
    """What a result was measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores, {pages * size / 1e9:.0f} GB of memory"


def tell(name: str, title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows of one shape as a table, and write them."""
    columns = list(rows[0])
    cells = [columns, *([_written(row[c]) for c in columns] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    print(f"\n\n{title} ({machine()})")
    for line in cells:
        padded = (
            text.rjust(width) if at else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(padded))
    FOLDER.mkdir(parents=True, exist_ok=True)
    told = {"title": title, "machine": machine(), "rows": rows}
    (FOLDER / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _written(value: object) -> str:
    return (
        f"{value:,.2f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
