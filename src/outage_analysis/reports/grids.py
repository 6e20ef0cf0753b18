"""Format data frames as tables of texts, with titles, formatted numbers, display names and links."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import polars as pl
from markupsafe import Markup

from outage_analysis.text import Locale, fonts

FORMATTERS: dict[ColumnKind, Callable[[Locale, Any], str]] = {
    "money": Locale.exact_money,
    "whole": lambda locale, value: locale.exact(round(value)),
    "decimal": Locale.exact,
    "loss": Locale.exact_loss,
    "share": Locale.share,
    "day": Locale.day,
    "unit": Locale.unit_name,
    "terms": Locale.translated_distribution,
    "word": lambda locale, value: locale(f"word.{str(value).lower()}"),
    "rule": lambda locale, value: (
        locale(f"rule.{value}") if locale.has_label(f"rule.{value}") else str(value)
    ),
}
"""Column kind -> the function that formats a value, for kinds that need only the locale."""
DERIVED_PREFIX = "derived from "
"""The start of a source that is no web address but names the facts from which a figure was computed."""
MAX_CELL_LENGTH = 120
"""The most characters of an input text that a cell shows; names may be no longer."""
COLUMN_STYLES: dict[ColumnKind, str] = {
    **dict.fromkeys(("whole", "decimal", "money", "loss", "share", "written"), "n"),
    "day": "d",
}


@dataclass(frozen=True)
class Column:
    """The title and style of one table column."""

    title: str
    style: str
    """The CSS class of its cells: n for numbers, d for days, empty for text."""


@dataclass(frozen=True)
class Grid:
    """A formatted table; every cell is plain text or safe HTML."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Markup, ...], ...]


@dataclass(frozen=True)
class TableFormatter:
    """Formats data frames as `Grid` tables in one language."""

    locale: Locale
    names: Mapping[str, str]
    linked: Collection[str] = ()
    """Ids of the facts that the report lists; cells link to their rows."""

    def grid(self, frame: pl.DataFrame, columns: Sequence[str]) -> Grid:
        """Format the given columns of a data frame as a table of texts.

        If the frame has no column `band`, the loss band is composed from the band edges `over` and `up_to`.
        """
        heads = tuple(
            Column(self.locale(f"column.{c}"), COLUMN_STYLES.get(COLUMN_KINDS[c], "")) for c in columns
        )
        rows = tuple(tuple(self._cell(c, row) for c in columns) for row in frame.iter_rows(named=True))
        return Grid(heads, rows)

    def _cell(self, column: str, row: dict[str, Any]) -> str | Markup:
        locale, kind = self.locale, COLUMN_KINDS[column]
        if column == "band" and "band" not in row:
            return self._band(row)
        value = row[column]
        if kind == "counted" and not value:
            return locale("report.not_published")
        if value is None or value == "":
            return ""
        if kind in FORMATTERS:
            return FORMATTERS[kind](locale, value)
        if kind == "name":
            return self.names.get(str(value)) or fonts.printable(str(value))
        if kind == "data":
            return truncate(str(value))
        if kind == "names":
            # The part of a name after a colon is left out, because it is an explanation that is too long for
            # a cell.
            parts = (self.names.get(part, part).split(":")[0] for part in str(value).split())
            return "; ".join(parts)
        if kind == "links":
            facts = str(value).removeprefix(DERIVED_PREFIX)
            return locale("report.derived", facts=facts) if facts != value else _links(facts)
        return (
            self._facts(fonts.printable(str(value)))
            if kind in ("facts", "counted")
            else fonts.printable(str(value))
        )

    def _band(self, row: dict[str, Any]) -> str:
        """Return the text of the loss band in a row; empty if the row is a whole cost line."""
        if row.get("rule") == "straddles":
            return self.locale("word.straddles")
        is_whole_line = row["over"] is None and row["up_to"] is None and row.get("level") == "line"
        return "" if is_whole_line else self.locale.band(row["over"], row["up_to"])

    def _facts(self, ids: str) -> Markup:
        """Return ids of published facts, separated by commas; ids that the report lists become links."""
        parts = [
            Markup('<a href="#fact-{0}">{0}</a>').format(i) if i in self.linked else Markup("{}").format(i)
            for i in dict.fromkeys(ids.split())
        ]
        return Markup(", ").join(parts)


def truncate(text: str) -> str:
    """Return a text from the input, shortened to `MAX_CELL_LENGTH`, with control characters made visible."""
    visible = fonts.printable(text[: MAX_CELL_LENGTH + 1])
    return visible if len(visible) <= MAX_CELL_LENGTH else f"{visible[: MAX_CELL_LENGTH - 1]}…"


def _links(text: str) -> Markup:
    """Return web addresses as HTML links that display the host name; other texts stay as they are."""
    parts = []
    for part in text.split(" ; "):
        address = urlsplit(part)
        web = address.scheme in ("http", "https") and address.netloc
        link = Markup('<a href="{}" rel="noreferrer noopener">{}</a>')
        parts.append(
            link.format(part, address.netloc.removeprefix("www.")) if web else Markup("{}").format(part)
        )
    return Markup(", ").join(parts)


ColumnKind = Literal[
    "text", "data", "name", "names", "word", "rule", "unit", "terms", "links", "facts", "written",
    "whole", "decimal", "money", "loss", "share", "day", "counted",
]  # fmt: skip

COLUMN_KINDS: dict[str, ColumnKind] = {
    "amount": "money",
    "as_expected": "word",
    "approved_by": "data",
    "assumption": "name",
    "assumptions": "names",
    "basis": "word",
    "claimant_type": "names",
    "claims": "whole",
    "closes_on": "day",
    "computed": "decimal",
    "cost_expected": "money",
    "cost_high": "money",
    "cost_low": "money",
    "count": "whole",
    "counts": "text",
    "distribution": "text",
    "doubt": "word",
    "cumulative": "whole",
    "effort": "word",
    "error": "money",
    "expected": "money",
    "facts": "facts",
    "file": "data",
    "filed_on": "day",
    "grade": "text",
    "group": "name",
    "high": "money",
    "hours_high": "decimal",
    "hours_low": "decimal",
    "id": "text",
    "input_high": "decimal",
    "input_low": "decimal",
    "kind": "word",
    "left_out": "names",
    "line": "name",
    "loss": "whole",
    "low": "money",
    "measure": "word",
    "note": "text",
    "obligation": "text",
    "owner": "data",
    "payment": "text",
    "presentation": "text",
    "printed": "decimal",
    "most": "money",
    "promised": "money",
    "public_on": "day",
    "published_count": "counted",
    "quantity": "text",
    "rationale": "text",
    "rejects": "whole",
    "relation": "text",
    "rows": "whole",
    "rule": "word",
    "sd": "money",
    "segment": "data",
    "service": "name",
    "share": "share",
    "source": "links",
    "source_file": "data",
    "stage": "word",
    "stated_source": "text",
    "status": "word",
    "stressed": "money",
    "tie_out": "name",
    "unit": "unit",
    "valuation": "word",
    "value": "decimal",
    "value_high": "decimal",
    "value_low": "decimal",
    "headline": "text",
    "stated_amount": "written",
    "best_estimate": "text",
    "chance": "share",
    "share_below": "share",
    "share_above": "share",
    "loss_edge": "loss",
    "tail": "money",
    "band": "text",
    "eligibility": "text",
    "expected_text": "text",
    "range_text": "text",
    "rule_text": "rule",
    "encoding": "data",
    "dialect": "data",
    "first_day": "day",
    "last_day": "day",
    "outcome": "word",
    "complaints": "whole",
    "source_row": "whole",
    "example": "data",
    "identified_by": "word",
    "grain": "word",
    "claimants": "whole",
    "filed_again": "whole",
    "step": "loss",
    "even": "share",
    "negative": "whole",
    "zero": "whole",
    "unknown": "whole",
    "losses": "whole",
    "below": "whole",
    "at_edge": "whole",
    "above": "whole",
    "df": "whole",
    "mean": "loss",
    "median": "loss",
    "median_low": "loss",
    "median_high": "loss",
    "edge": "loss",
    "alike": "decimal",
    "excess": "decimal",
    "chi_square": "decimal",
    "p": "decimal",
    "fit_value": "loss",
    "fit_low": "loss",
    "fit_high": "loss",
    "average": "loss",
    "least": "loss",
    "greatest": "loss",
    "up_to_share": "share",
    "under_share": "share",
    "weight": "share",
    "policy_name": "name",
    "other": "name",
    "range_low": "money",
    "p50": "money",
    "range_high": "money",
    "recipients": "whole",
    "per_recipient": "money",
    "cheapest": "share",
    "cheaper": "share",
    "difference": "money",
    "flips_at": "decimal",
    "beyond": "share",
    "outcome_name": "text",
    "denominator": "whole",
    "range_low_counted": "written",
    "p50_counted": "written",
    "range_high_counted": "written",
    "observed_counted": "written",
    "percentile": "share",
    "verdict": "word",
    "crps": "decimal",
    "family": "word",
    "quantity_asked": "word",
    "parameters": "terms",
}
"""Column name -> how its values are formatted. The title of the column is the label `column.<name>`."""
