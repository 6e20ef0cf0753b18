"""Complaint files -> claims: the order of the steps, from paths to tables."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from outage_analysis import queries
from outage_analysis.claims import REAL, Claims
from outage_analysis.errors import UsageError
from outage_analysis.incidents import Incident, columns_of
from outage_analysis.ingest import Staged, stage
from outage_analysis.ingest.sources import expand
from outage_analysis.judging import judge
from outage_analysis.layouts import Layout
from outage_analysis.stores import STORE, earlier, open_claims
from outage_analysis.warehouse import Warehouse

MAX_REJECTS = 0.05


def read_claims(
    paths: str | Path | Sequence[str | Path],
    incident: Incident,
    *,
    layouts: Sequence[Layout] = (),
    max_rejects: float = MAX_REJECTS,
    onto: str | Path | None = None,
) -> Claims:
    """Read complaint files; every row ends as exactly one claim or one reject.

    Args:
        paths: files, folders and patterns such as `exports/*.csv`, of any format that is read; or one
            warehouse file (.duckdb) alone.
        incident: says how services, claimant types and columns are written.
        layouts: how the files of some senders differ from what the incident says.
        max_rejects: the largest share of rejects to go on with; below 1, no file may be rejected whole.
        onto: a warehouse file whose files come first; it is read and not changed.

    Raises:
        InputRefused: an unreadable file, a missing column, a file given twice, no claim at all, or too
            many rejects.
    """
    if not 0 <= max_rejects <= 1:
        raise UsageError("--max-rejects is a share between 0 and 1", value=max_rejects)
    several = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    if not several:
        raise UsageError("no file of complaints was named", remedy="Name at least one.")
    stores = [p for p in several if p.suffix.lower() == STORE]
    if stores and (len(several) > 1 or onto is not None):
        problem = "is a warehouse file, which is read alone"
        raise UsageError(problem, file=stores[0], remedy="Add files to it with ingest --add.")
    if stores:
        claims, since = open_claims(stores[0], incident), 0
    else:
        claims, since = _read(several, incident, layouts, onto)
    claims.refuse_rejects_over(max_rejects, since=since)
    return claims


def _read(
    paths: list[Path], incident: Incident, layouts: Sequence[Layout], onto: str | Path | None
) -> tuple[Claims, int]:
    files, skipped = expand(paths)
    for layout in layouts:
        layout.refuse_foreign(columns_of(incident))
    warehouse = Warehouse()
    before, state = (Staged(), None) if onto is None else earlier(warehouse, Path(onto), incident)
    with tempfile.TemporaryDirectory(prefix="outage-analysis-") as workspace:
        staged = stage(warehouse, files, incident, Path(workspace), layouts=layouts, before=before)
        judge(warehouse, incident, staged)
    counted = warehouse.frame(queries.text("reconciliation"))
    told = warehouse.frame("select distinct coalesce(trim(lower(synthetic)), '') as said from staged")
    claims = Claims(
        incident,
        staged.inputs,
        staged.layouts,
        warehouse,
        synthetic=not set(told["said"]) <= {*REAL}
        or any("synthetic" in f.name.lower() for f in staged.inputs),
        files=counted,
        onto=state,
        skipped=(*(f.name for f in skipped), *staged.unread),
    )
    return claims, len(before.inputs)
