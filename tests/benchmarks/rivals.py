"""Ways to bring complaints into a cube, each run in a process of its own.

`staged` and `one_pass` are what a person who knows DuckDB would write by hand with the same rules: in steps,
with a table of rejects; or in one query that keeps no text of a good row. `floor` types and counts and checks
nothing. `pandas` does the same checks in pandas. One alone: `python -m tests.benchmarks.rivals ours FILE`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence

import duckdb

from outage_analysis import build_cube, load_incident, load_policy, read_claims
from outage_analysis.incidents import Incident, NamedItem

INCIDENT = "kakao-2022"
ISO, WHOLE, ROUNDED = r"\d{4}-\d\d-\d\d", r"[+-]?\d{1,15}", r"\d([.,]\d+)?[eE]\+\d+"
NOBODY = (
    r"[-–—.?*_/]+|n/?a|none|null|nan|unknown|미상|없음|해당 ?없음|익명|비회원"
    r"|계|합계|소계|총계|누계|total|subtotal|sum|grand total"
)
RULES = f"""[
    case when claim_id is null or regexp_full_match(lower(claim_id), '{NOBODY}') then 'claim_id is given' end,
    case when regexp_full_match(claim_id, '{ROUNDED}') then 'claim_id is in full' end,
    case when regexp_full_match(claimant_id, '{ROUNDED}') then 'claimant_id is in full' end,
    case when contains(claim_id, '\N{LINE SEPARATOR}') then 'claim_id is one line of text' end,
    case when contains(claimant_id, '\N{LINE SEPARATOR}') then 'claimant_id is one line of text' end,
    case when raw_service is null then 'service is given' when service is null then 'service is known' end,
    case when raw_type is null then 'type is given' when claimant_type is null then 'type is known' end,
    case when filed_on is null then 'filed_on is a date' end,
    case when filed_on not between date '2022-10-15' and date '2022-11-06' then 'filed_on is late' end,
    case when raw_loss is not null and loss is null then 'loss can be read' end,
    case when loss < 0 then 'loss is not negative' end,
    case when loss > 150300000000 then 'loss is plausible' end
]"""
TYPED = f"""
    claim_id, claimant_id, s.service as raw_service, services.id as service, s.claimant_type as raw_type,
    types.id as claimant_type, s.loss as raw_loss,
    case when regexp_full_match(s.filed_on, '{ISO}') then try_cast(s.filed_on as date) end as filed_on,
    case when regexp_full_match(s.loss, '{WHOLE}') then try_cast(s.loss as bigint) end as loss,
    region, industry, category
"""
NAMED = "left join services on services.raw = s.service left join types on types.raw = s.claimant_type"
CUBE = """
    select service, claimant_type, floor(24 * log10(greatest(loss, 1))) as band, count(*) as claims,
        sum(loss) as loss, sum(loss::decimal(19, 0) * loss::decimal(19, 0)) as loss_squared
"""


def ours(path: str) -> tuple[int, int]:
    """Files to cube as the package does it: claims and rejects."""
    from outage_analysis.claims import Limits, limits

    limits.set(Limits(memory=os.environ.get("BENCH_MEMORY", Limits.memory)))
    claims = read_claims(path, load_incident(INCIDENT))
    return build_cube(claims, policy=load_policy(INCIDENT)).claims, int(claims.files["rejects"].sum())


def staged(path: str) -> tuple[int, int]:
    """Every row as text in a table, then typed in another, then rejects, claims and cube."""
    connection = _connection()
    run = connection.execute
    run(f"create table staged as from {_source(path)}")
    run(
        f"create table typed as select *, list_filter({RULES}, lambda rule: rule is not null) as broken "
        f"from (select s.rowid as n, {TYPED} from staged as s {NAMED})"
    )
    run(
        "create table again as select n from (select n, min(n) over (partition by claim_id) as kept "
        "from typed where len(broken) = 0 and claim_id in (select claim_id from typed where len(broken) = 0 "
        "group by claim_id having count(*) > 1)) where n <> kept"
    )
    run(
        "create table rejects as select staged.*, broken from typed join staged on staged.rowid = n "
        "where len(broken) > 0 union all select staged.*, ['claim_id is not repeated'] from again "
        "join staged on staged.rowid = n"
    )
    run(
        "create table claims as select * exclude (broken, raw_service, raw_type, raw_loss) from typed "
        "where len(broken) = 0 and n not in (select n from again)"
    )
    run(f"create table cube as {CUBE} from claims group by all")
    return _counted(connection, "select (select count(*) from rejects)")


def one_pass(path: str) -> tuple[int, int]:
    """One query from the file to typed rows, which keeps the text of a row only where it breaks a rule."""
    connection = _connection()
    run = connection.execute
    run(
        "create table typed as select claim_id, claimant_id, service, claimant_type, filed_on, loss, region, "
        "industry, category, case when len(broken) > 0 then broken end as broken, "
        "case when len(broken) > 0 then concat_ws(',', claim_id, raw_service, raw_type, raw_loss) end as raw "
        f"from (select *, list_filter({RULES}, lambda rule: rule is not null) as broken "
        f"from (select {TYPED} from {_source(path)} as s {NAMED}))"
    )
    run(
        "create table again as "
        "select n from (select rowid as n, min(rowid) over (partition by claim_id) as kept from typed "
        " where broken is null and hash(claim_id) in (select hash(claim_id) from typed "
        "where broken is null group by 1 having count(*) > 1)) where n <> kept"
    )
    run(
        f"create table cube as {CUBE} from typed where broken is null and rowid not in (select n from again) "
        "group by all"
    )
    rejects = "(select count(*) from typed where broken is not null) + (select count(*) from again)"
    return _counted(connection, f"select {rejects}")


def floor(path: str) -> tuple[int, int]:
    """A typed scan and a GROUP BY, with no check at all."""
    numbers = "try_cast(filed_on as date) as filed_on, try_cast(loss as bigint) as loss"
    rows = _connection().execute(
        f"select service, claimant_type, count(*), sum(loss), max(filed_on) "
        f"from (select service, claimant_type, {numbers} from {_source(path)}) group by all"
    )
    return sum(row[2] for row in rows.fetchall()), 0


def with_pandas(path: str) -> tuple[int, int]:
    """The same rules in pandas."""
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

    incident = load_incident(INCIDENT)
    frame = pd.read_csv(path, dtype=str, on_bad_lines="skip")
    service = frame["service"].map(dict(_ways(incident.services)))
    kind = frame["claimant_type"].map(dict(_ways(incident.claimant_types)))
    plain = frame["filed_on"].str.fullmatch(ISO, na=False)
    filed_on = pd.to_datetime(frame["filed_on"].where(plain), errors="coerce", format="%Y-%m-%d")
    loss = pd.to_numeric(frame["loss"].where(frame["loss"].str.fullmatch(WHOLE, na=False)), errors="coerce")
    good = frame["claim_id"].notna() & ~frame["claim_id"].str.lower().str.fullmatch(NOBODY, na=False)
    for column in ("claim_id", "claimant_id"):
        good &= ~frame[column].str.fullmatch(ROUNDED, na=False)
    good &= service.notna() & kind.notna() & filed_on.between("2022-10-15", "2022-11-06")
    good &= frame["loss"].isna() | loss.between(0, 150_300_000_000)
    again = frame.loc[good, "claim_id"].duplicated()
    kept = again.index[~again]
    band = np.floor(24 * np.log10(loss.loc[kept].clip(lower=1)))
    groups = (
        pd.DataFrame({"service": service, "kind": kind, "loss": loss})
        .loc[kept]
        .groupby(["service", "kind", band.rename("band")], dropna=False)
    )
    cube = groups["loss"].agg(["size", "sum"])
    return int(cube["size"].sum()), len(frame) - len(kept)


RIVALS: dict[str, Callable[[str], tuple[int, int]]] = {
    "ours": ours,
    "staged": staged,
    "one_pass": one_pass,
    "floor": floor,
    "pandas": with_pandas,
}


def _connection() -> duckdb.DuckDBPyConnection:
    incident: Incident = load_incident(INCIDENT)
    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = false")
    for table, items in (("services", incident.services), ("types", incident.claimant_types)):
        connection.execute(f"create table {table} (raw varchar, id varchar)")
        connection.executemany(f"insert into {table} values (?, ?)", _ways(items))
    return connection


def _ways(items: Sequence[NamedItem]) -> list[tuple[str, str]]:
    return [(way, item.id) for item in items for way in {item.id, *item.known_names}]


def _source(path: str) -> str:
    if path.endswith("parquet"):
        columns = "claim_id, claimant_id, service, claimant_type, filed_on::varchar as filed_on, "
        return f"(select {columns} loss::varchar as loss, region, industry, category from '{path}')"
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - a path of the benchmark
        names = stream.readline().strip().split(",")
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    return (
        f"read_csv('{path}', header = true, auto_detect = false, columns = {{{columns}}}, quote = '', "
        "escape = '', delim = ',', store_rejects = true, rejects_limit = 0)"
    )


def _counted(connection: duckdb.DuckDBPyConnection, rejects: str) -> tuple[int, int]:
    claims = connection.execute("select sum(claims)::bigint from cube").fetchall()[0][0]
    refused = connection.execute(rejects).fetchall()[0][0]
    if connection.execute(
        "select count(*) from duckdb_tables() where table_name = 'reject_errors'"
    ).fetchall()[0][0]:
        refused += connection.execute("select count(distinct line) from reject_errors").fetchall()[0][0]
    return int(claims), int(refused)


if __name__ == "__main__":
    begun = time.perf_counter()
    claims, rejects = RIVALS[sys.argv[1]](sys.argv[2])
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - begun,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "claims": claims,
                "rejects": rejects,
            }
        )
    )
