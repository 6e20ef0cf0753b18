"""Quality of the complaint files: rows read and rejected, broken rules, repeated claims, rounded losses.

Claimants round their losses (heaping) and know which losses a policy pays for (bunching at its edges). If
many claims state exactly the edge of a band, it matters for a tenth of all claims whether the band
includes that edge. Read these tables together with any loss distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from outage_analysis.claims import Claims, explain_reject, queries, rejected_rows
from outage_analysis.errors import one_line
from outage_analysis.incidents import Incident
from outage_analysis.text import TABLE_DIGITS, Answer, Locale, Result, ShownTable, schema_of

MAX_EXPLAINED_REJECTS = 10
"""`ClaimsQuality` explains this many rejected rows one by one."""

SHOWN = {
    "files": ("terminal.ingest_files", schema_of("claims_quality")),
    "rules": ("terminal.ingest_rules", schema_of("claims_rules")),
    "amounts": ("report.quality_amounts", schema_of("claims_amounts")),
    "claimants": ("terminal.ingest_claimants", schema_of("claims_claimants")),
    "heaping": ("terminal.ingest_heaping", schema_of("claims_heaping")),
}
"""Name of a table of quality -> the key of its title, and its columns."""


def quality_table(claims: Claims) -> pl.DataFrame:
    """One row per complaint file: format, counts of rows, claims and rejects, and first and last filing day.

    Columns: file, encoding, dialect (of the CSV), rows, claims, rejects, first_day, last_day.
    """
    read = [(f.name, f.encoding, f.dialect) for f in claims.inputs]
    table = pl.DataFrame(read, dict.fromkeys(("file", "encoding", "dialect"), pl.String), orient="row")
    for counted in (claims.files, claims.warehouse.frame(queries.load("spans"))):
        table = table.join(counted, on="file", maintain_order="left")
    return table


def rule_table(claims: Claims, lang: str = "en") -> pl.DataFrame:
    """One row per complaint file and broken validation rule.

    Columns: source_file, rule, complaints (the number of complaints that broke the rule), source_row and
    example (row number and value of the first of them). Personal data in the example are masked. `lang` is
    the language of the note that replaces a hidden example.
    """
    rows: list[tuple[object, ...]] = []
    for rule, count, first in claims.warehouse.frame(queries.load("examples")).iter_rows():
        example = explain_reject(claims.incident, {**first, "broken": [rule]}, lang).value
        rows.append((first["source_file"], rule, count, first["source_row"], example))
    return schema_of("claims_rules").frame(rows)


@dataclass(frozen=True)
class ClaimsQuality(Result):
    """What was read from complaint files: rows that became claims or rejects, and how losses are stated."""

    claims: Claims

    def _tables(self, lang: str) -> dict[str, pl.DataFrame]:
        return {
            "files": quality_table(self.claims),
            "rules": rule_table(self.claims, lang),
            "amounts": self.claims.exact_totals,
            "claimants": self.claims.exact_rows("repeat-claimants"),
            "heaping": self.claims.exact_rows("round-losses"),
        }

    @property
    def _counts(self) -> dict[str, int]:
        return {name: int(self.claims.files[name].sum()) for name in ("rows", "claims", "rejects")}

    def _first_rejects(self, lang: str) -> list[str]:
        first = rejected_rows(self.claims.warehouse, MAX_EXPLAINED_REJECTS).iter_rows(named=True)
        return [reject_sentence(self.claims.incident, reject, lang) for reject in first]

    def to_dict(self) -> dict[str, Any]:
        """Return all tables, the counts of rows and the first rejected rows as plain values."""
        places, tables = self.claims.incident.locale("en").places, self._tables("en").items()
        return {
            **{name: SHOWN[name][1].whole(table, places).to_dicts() for name, table in tables},
            **self._counts,
            "skipped": list(self.claims.skipped),
            "synthetic": self.claims.synthetic,
            "first_rejects": self._first_rejects("en"),
        }

    def answer(self, lang: str = "en") -> Answer:
        """Return the count of rows, of which none is missing, and all tables with the first rejected rows."""
        locale, counts = self.claims.incident.locale(lang), self._counts
        tables, rejects = self._tables(lang), self._first_rejects(lang)
        dialects = [locale.note(file.dialect) for file in self.claims.inputs]
        tables["files"] = tables["files"].with_columns(pl.Series("dialect", dialects, pl.String))
        shown = {
            name: ShownTable(locale(title), tables[name], schema)
            for name, (title, schema) in SHOWN.items()
            if len(tables[name])
        }
        if (more := counts["rejects"] - len(rejects)) > 0:
            rejects.append(locale("terminal.ingest_more", count=f"{more:,}"))
        skipped = [locale("terminal.ingest_skipped", name=one_line(name)) for name in self.claims.skipped]
        key = "terminal.ingest_sum_synthetic" if self.claims.synthetic else "terminal.ingest_sum"
        in_all = locale(key, **{name: f"{count:,}" for name, count in counts.items()})
        first = [shown.pop(name) for name in ("files", "rules") if name in shown]
        return Answer(locale, [in_all], [*first, *rejects, *shown.values(), *skipped])


def reject_sentence(incident: Incident, reject: Mapping[str, Any], lang: str) -> str:
    """Return a row of `Claims.rejected_rows` in one sentence: place, value, broken rule and remedy."""
    locale, rule, error = Locale(lang), f"rule.{reject['broken'][0]}", explain_reject(incident, reject, lang)
    if lang == "en" or not locale.has_label(rule):
        return str(error)
    row = locale("terminal.reject_row", row=f"{error.row:,}")
    place = filter(None, (error.file, row, error.column and locale(f"word.{error.column}")))
    value = "" if error.value is None else one_line(error.value, 80)
    about = {
        "place": ", ".join(map(one_line, place)),
        "rule": locale(rule),
        "found": f" {value}" if value.startswith("(") else f" ({value})" if value else "",
    }
    return locale("terminal.reject", **about, remedy=one_line(error.remedy))


WINDOW = 0.1
"""The width of the windows below and above an edge, as a share of the edge: too narrow to reach the next
equally round amount."""


def bunching_table(claims: Claims, edges: Sequence[int]) -> pl.DataFrame:
    """Count losses at, just below and just above each policy edge, and at the nearest equally round amounts.

    Round amounts attract claims even without a policy. The losses at an edge are therefore compared with the
    two neighbouring amounts that are equally round: one more and one less in the last digit that is not 0
    (200,000 and 400,000 for 300,000), or half and double for a power of ten. Larger losses are rarer, and
    people state fives more often than fours or sixes, so this comparison is rough. An excess at the edge, or
    more claims just below than just above, suggests bunching but does not prove it.

    Args:
        claims: the result of `read_claims`.
        edges: the edges as the policy announced them, in the smallest unit; an empty list returns no rows.

    Returns:
        One row per edge: `edge`, `losses` (claims with a loss above 0), `below`, `at_edge`, `above` (claims
        in the window below the edge, exactly at the edge, and in the window above, which are a tenth of the
        edge wide), `ratio` (below / above; null if above is 0), `alike` (mean number of claims at the two
        equally round amounts; null for an edge of 1), `excess` (at_edge - alike), `up_to_share` and
        `under_share` (the share of losses below the edge, with and without the losses exactly at the edge).
    """
    rows = []
    for edge in sorted(set(edges)):
        step = 10 ** (len(str(edge)) - len(str(edge).rstrip("0")))
        neighbours = (edge // 2, edge * 2) if edge == step else (edge - step, edge + step)
        rows.append((edge, round(edge * WINDOW), *neighbours))
    schema = dict.fromkeys(("edge", "reach", "lower_sum", "higher_sum"), pl.Int64)
    inputs = {"edges": pl.DataFrame(rows, schema, orient="row")}
    at_edge, under, losses = pl.col("at_edge"), pl.col("under"), pl.col("losses")
    alike = pl.when(pl.col("edge") > 1).then(pl.col("as_round") / 2)
    return (
        claims.warehouse.frame(queries.load("bunching"), inputs=inputs)
        .select(
            *("edge", "losses", "below", "at_edge", "above"),
            ratio=pl.when(pl.col("above") > 0).then(pl.col("below") / pl.col("above")),
            alike=alike,
            excess=at_edge - alike,
            up_to_share=(under + at_edge) / losses,
            under_share=under / losses,
        )
        .with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))
    )
