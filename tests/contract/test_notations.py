"""How amounts, units in headers, days and times are read as people write them: `notations.csv`, row by row.

The first claim of a file has the notation, the second a plain one. A notation is read, its row is rejected,
or the file is refused; nothing is guessed.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import outage_analysis as oa

with (Path(__file__).parent / "notations.csv").open(encoding="utf-8", newline="") as _file:
    NOTATIONS = [*csv.DictReader(_file)]


def read_as(path: Path, column: str, header: str, cell: str, currency: str) -> str:
    """What a cell below a header is read as: a value with its unit, not stated, rejected or refused."""
    is_day = column == "day"  # "named": the caller says which column has the losses
    heads = ("filed_on", "loss (KRW)") if is_day else ("filed_on", header)
    cells = [(cell, "5"), ("2026-03-20", "5")] if is_day else [("2026-03-02", cell), ("2026-03-02", "450")]
    with path.open("w", encoding="utf-8", newline="") as file:
        named = [("claim_id", "service", *heads), *((str(n), "App", *row) for n, row in enumerate(cells))]
        csv.writer(file).writerows(named)
    try:
        named_column = {"loss": header} if column == "named" else {}
        claims = oa.read_claims(path, max_rejects=1, currency=currency, columns=named_column)
    except Exception as refusal:
        if type(refusal).__name__ in ("InputRefused", "UsageError"):
            return "refused"
        raise
    found = claims.to_polars().filter(claim_id="0")
    if found.is_empty():
        return "rejected"
    if not is_day:
        loss = found["loss"][0]
        return f"{'not stated' if loss is None else f'{loss:.15g}'} {claims.incident.loss.unit}"
    hours = claims.by("filed_hour")["filed_hour"].drop_nulls().to_list() if claims.has_times else []
    return " hour ".join([str(found["filed_on"][0]), *(f"{hour:%H}" for hour in hours)])


@pytest.mark.slow
@pytest.mark.parametrize("row", NOTATIONS, ids=lambda row: f"{row['header']} {row['cell']}")
def test_a_notation_is_read_as_it_is_meant_or_not_at_all(tmp_path: Path, row: dict[str, str]) -> None:
    found = read_as(tmp_path / "list.csv", row["column"], row["header"], row["cell"], row["currency"])
    assert found == row["read_as"]
