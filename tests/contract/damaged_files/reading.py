"""Read a damaged file as a user does who takes the proposed layout unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import outage_analysis as oa
from tests.contract.damaged_files.clean_table import Record
from tests.contract.damaged_files.damaged_file import DamagedFile
from tests.contract.damaged_files.scoring import Outcome, WholeFileRefused, outcome

OURS = "outage-analysis"
DATA_REFUSED = 3
"""The exit code of a refused file; any other error is a crash."""


def read_with_proposed_layout(path: Path, file: DamagedFile) -> oa.Claims:
    """The claims and rejects of a file by the layout that `inspect_file` proposes."""
    incident = file.case.incident
    try:
        layout = path.with_name("layout.toml")
        layout.write_text(oa.inspect_file(path, incident).layout_toml, "utf-8")
        return oa.read_claims(path, incident, layouts=[oa.load_layout(layout)], max_rejects=1)
    except Exception as why:
        if getattr(why, "exit_code", None) != DATA_REFUSED:
            raise
        raise WholeFileRefused(str(why)) from why


def records_of(claims: oa.Claims) -> list[Record]:
    """The claims as records."""
    unit = 10**claims.incident.loss_digits
    return [
        Record(row["claim_id"], row["service"], row["claimant_type"], _day(row), _smallest(row["loss"], unit))
        for row in claims.to_polars().iter_rows(named=True)
    ]


def read_ours(path: Path, file: DamagedFile, notes: list[str]) -> list[Record]:
    """The records of a file; the first reject is a note.

    Raises:
        AssertionError: a row of the file is neither a claim nor a reject.
    """
    claims = read_with_proposed_layout(path, file)
    for row in claims.rejects.head(1).iter_rows(named=True):
        found = f" (found '{row['value']}')" if row["value"] is not None else ""
        notes.append(f"row {row['row']}, {row['column'] or 'the whole row'}: {row['problem']}{found}")
    records = records_of(claims)
    counted = claims.files.select("rows", "claims", "rejects").rows()
    assert counted == [(len(records) + len(claims.rejects), len(records), len(claims.rejects))], counted
    return records


def our_outcome(file: DamagedFile, folder: Path) -> Outcome:
    """What this package makes of a file, which is written into an empty folder."""
    path, notes = folder / file.name, list[str]()
    path.write_bytes(file.data)
    return outcome(OURS, file, lambda: read_ours(path, file, notes), notes)


def _day(row: dict[str, object]) -> date:
    found = row["filed_on"] if "filed_on" in row else row["filed_at"]
    if isinstance(found, datetime):
        return found.date()
    return found if isinstance(found, date) else date.fromisoformat(str(found)[:10])


def _smallest(loss: object, unit: int) -> int | None:
    return None if loss is None else int(str((Decimal(str(loss)) * unit).normalize().quantize(Decimal(1))))


def failures_in_words(outcomes: Sequence[Outcome]) -> list[str]:
    """Each file that is not read in full, with the reason."""
    return [
        f"{o.file}: {o.exact} of {o.records} exact, {o.wrong} wrong: {o.message}"
        for o in outcomes
        if o.wrong or o.crashed or o.refused or o.share not in (None, 1)
    ]
