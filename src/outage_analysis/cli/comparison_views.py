"""The tables of `compare` on what people get, narrow enough for a terminal; JSON has all columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers only: these imports are slow, and `--help` must start quickly
    import polars as pl

    from outage_analysis.analysis import PolicyComparison
    from outage_analysis.text import Locale, TableSchema


@dataclass(frozen=True)
class TableView:
    """A table to print, with its title and its columns."""

    title: str
    table: pl.DataFrame
    schema: TableSchema


def benefit_view(result: PolicyComparison, lang: str) -> TableView:
    """Return what people get from each policy, with one column for the bounds of a measure."""
    import polars as pl

    from outage_analysis.costs import POLICY_BENEFITS
    from outage_analysis.text import Column, TableSchema

    locale, benefits = result.locale(lang), result.simulations.benefits
    measured = benefits["replaced_low"].count() > 0
    rows = benefits.rows(named=True)
    replaced = [_bounds(row, "replaced", locale) for row in rows]
    whole = [_bounds(row, "made_whole", locale) for row in rows]
    table = benefits.select(
        "policy",
        "recipients",
        "per_recipient",
        pl.Series("replaced", replaced, pl.String),
        pl.Series("made_whole", whole, pl.String),
        shortfall="largest_shortfall",
        rank="benefit_rank",
        dominated_by="dominated_by",
    )
    schema = TableSchema(
        POLICY_BENEFITS.row,
        (
            *POLICY_BENEFITS.pick("policy", "recipients", "per_recipient"),
            Column("replaced", "formatted", "Share of the stated losses that is paid."),
            Column("made_whole", "formatted", "Claims that are paid their loss or more."),
            *TableSchema("", POLICY_BENEFITS.pick("largest_shortfall", "benefit_rank", "dominated_by"))
            .renamed({"largest_shortfall": "shortfall", "benefit_rank": "rank"})
            .columns,
        ),
    )
    # With claims, the payment per recipient would make the table too wide.
    dropped = {"per_recipient"} if measured else set()
    return _view(locale("terminal.compare_benefits"), table.drop(dropped), schema)


def _bounds(row: dict[str, Any], name: str, locale: Locale) -> str | None:
    """Return the bounds of a measure as text; one number if they are equal."""
    ends = [row[f"{name}_{end}"] for end in ("low", "high")]
    if ends[0] is None:
        return None
    texts = [locale.share(x) if name == "replaced" else locale.number(x) for x in ends]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]}–{texts[1]}"


def winner_views(result: PolicyComparison, lang: str) -> Iterator[TableView]:
    """Yield a table per other policy: who gains and who loses under the first policy.

    With claims, a row is a service; otherwise it is a loss band or a cost line. The last row is the sum.
    """
    import polars as pl

    from outage_analysis.costs import WINNERS_AND_LOSERS
    from outage_analysis.text import Column, TableSchema

    locale = result.locale(lang)
    columns = TableSchema(
        "", WINNERS_AND_LOSERS.pick("claims", "payment", "payment_other", "gain", "lose", "equal", "unclear")
    )
    schema = TableSchema(
        WINNERS_AND_LOSERS.row,
        (
            Column("who", "text", "Service, loss band or cost line."),
            *columns.renamed({"payment": "pays", "payment_other": "other"}).columns,
            *TableSchema("", WINNERS_AND_LOSERS.pick("total_difference"))
            .renamed({"total_difference": "difference"})
            .columns,
        ),
    )
    for pair in result.winners_table.partition_by("policy", "other", maintain_order=True):
        by_service = "service" in pair["level"]
        rows = pair.filter(pl.col("level") != "band") if by_service else pair
        table = rows.select(
            pl.Series("who", [_who(row, locale) for row in rows.iter_rows(named=True)], pl.String),
            *columns.names,
            difference="total_difference",
        ).rename({"payment": "pays", "payment_other": "other"})
        shown = result.names(lang)
        names = {name: shown[pair[name][0]] for name in ("policy", "other")}
        dropped = ["pays", "other"] if by_service else []
        yield _view(locale("terminal.compare_winners", **names), table.drop(dropped), schema)


def _who(row: dict[str, Any], locale: Locale) -> str:
    if row["level"] == "band":
        band = locale.band(row["over"], row["up_to"])
        return " ".join(part for part in (row["line"] or row["service"], band) if part)
    return row["service"] or row["line"] or locale("word.total")


def _view(title: str, table: pl.DataFrame, schema: TableSchema) -> TableView:
    """Return a view without the columns that are empty, or that count nobody, in each row."""
    counts = [name for name in ("equal", "unclear") if name in table.columns]
    empty = [name for name in table.columns if not table[name].count()]
    empty += [name for name in counts if not table[name].fill_null(0).sum() and name not in empty]
    kept = table.drop(empty)
    return TableView(title, kept, schema.without(*(x for x in schema.names if x not in kept.columns)))
