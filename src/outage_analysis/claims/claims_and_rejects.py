"""The result of reading complaint files: claims, and rejects (rows that break a validation rule)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.read_files import InputFile
from outage_analysis.claims.rules import EXACT_COPY, READABLE_LOSS, REPEATED_ID
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import DisclosureBlocked, InputRefused, one_line
from outage_analysis.files import likely_typo_of, listed_names
from outage_analysis.incidents import Incident, Layout
from outage_analysis.text import (
    MAX_CARD_ROWS,
    Card,
    Displayable,
    Locale,
    Table,
    find_personal_data,
    first_rows,
    mask_personal_data,
)

if TYPE_CHECKING:
    import duckdb

MAX_VALUE_LENGTH = 24
"""Most characters of a rejected value that an error message shows; for a longer value it shows the length."""
EXAMPLE_AMOUNT = 12.5
"""The example amount that an error message uses to show how to write decimals."""
MAX_LABEL_LENGTH = 100
"""Most characters of a value in a text column; a longer value counts as free text."""
MAX_RULES, MAX_REMEDY_LENGTH = 3, 160
"""Limits for the error about too many rejects: the rules it names, and the characters of its remedy."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
UNIT_WORDS = re.compile(
    r"[월화수목금토일]요일|오[전후]|정도|이[상하]|어제|오늘|미상|없음|[년월일시분초원만억천백십약쯤]|KRW|won"
)
"""Words that are common in dates and amounts. Any other word may be the name of a person."""

FileState = tuple[int, int, int]
"""Inode, modification time and size of a file: at least one changes when the file is replaced."""


@dataclass(frozen=True)
class ExtendedStore:
    """A warehouse file (.duckdb) to which a run adds claims, and its state when the run opened it.

    If the state has changed when the run saves its claims, another run has changed the file. `files` is the
    number of input files that the warehouse file already contains.
    """

    state: FileState
    files: int


@dataclass(frozen=True, repr=False)
class Claims(Displayable):
    """The claims and rejects of one run, stored as tables of an in-memory database (the warehouse).

    The table `rejects` has one row per rejected row: source_file, source_row, byte (where the row starts in a
    text file), broken (the rules that the row breaks), raw (the text of the row), problem (why the row cannot
    be split into cells), and the text of each column. The table `files` has one row per input file: file,
    rows, claims, rejects. In each row, rows = claims + rejects.
    """

    incident: Incident
    inputs: tuple[InputFile, ...]
    layouts: tuple[Layout, ...]
    """The layout of each input file."""
    warehouse: Warehouse
    synthetic: bool
    """Whether any row is marked as synthetic, or any file name contains "synthetic"."""
    files: pl.DataFrame
    add_to: ExtendedStore | None = None
    """The warehouse file to which this run adds its claims, if any."""
    given_layouts: tuple[Layout, ...] = ()
    """The layouts with which the files were read, as the user gave them."""
    store: Path | None = None
    """The warehouse file from which the claims were opened, if any."""
    skipped: tuple[str, ...] = ()
    """Files in a folder that were skipped because of their format, and workbook sheets that were not read."""

    def card(self, lang: str = "en") -> Card:
        """Return a summary for notebooks: the input files, and the first rejects with broken rule and remedy.

        Personal data in the rejected values are masked.
        """
        locale = Locale(lang)
        accepted, rejected = len(self), int(self.files["rejects"].sum())
        total = locale(
            "card.rows",
            rows=locale.number(accepted + rejected),
            claims=locale.number(accepted),
            rejects=locale.number(rejected),
        )
        lines = [locale("card.synthetic"), total] if self.synthetic else [total]
        skipped = (
            (locale("card.skipped", names=", ".join(self.skipped[:MAX_CARD_ROWS])),) if self.skipped else ()
        )
        name = self.incident.name[lang]
        return Card(
            locale("card.claims", incident=name), tuple(lines), _card_tables(self, rejected, locale), skipped
        )

    def __len__(self) -> int:
        """The number of claims."""
        return int(self.files["claims"].sum())

    @property
    def rejects(self) -> pl.DataFrame:
        """One row per reject (a row that breaks a validation rule), in file and row order.

        The class docstring describes the columns.
        """
        return _rejects_in_order(self.warehouse)

    def sql(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """Query the tables `claims` and `rejects` with SQL.

        Returns a DuckDB relation. Keyword arguments are the values of the query parameters, which are written
        as $name.
        """
        return self.warehouse.relation(query, **values)

    def frame(self) -> pl.DataFrame:
        """Return all claims as a Polars frame: one row per claim, in file and row order."""
        return self.warehouse.frame(queries.load("claims_in_order"))

    def counted_rules(self) -> pl.DataFrame:
        """Count the claims that break a validation rule but are not rejected for it.

        An incident can set a rule to "count" instead of "reject". Returns one row per file and rule:
        source_file, rule, claims.
        """
        return self.warehouse.frame(queries.load("counted_rules"))

    def validate(self) -> Claims:
        """Return this object if no row was rejected; otherwise raise an error.

        Raises:
            InputRefused: at least one row was rejected. The message explains the first reject and states how
                many there are.
        """
        self.check_reject_share(0)
        return self

    def check_reject_share(self, max_share: float, *, first_file: int = 0) -> None:
        """Raise an error if the share of rejected rows exceeds `max_share`, or if no row became a claim.

        Args:
            max_share: the largest accepted share of rejected rows over all checked files. Below 1, every
                checked file must also contain at least one claim.
            first_file: the number of the first file to check. Earlier files were checked when they were read
                in another run.

        Raises:
            InputRefused: too many rows were rejected, or the files have no rows. The message explains the
                first reject, counts the rejects per rule and says how to continue.
        """
        files = self.files[first_file:]
        rows, rejected = int(files["rows"].sum()), int(files["rejects"].sum())
        if rows == 0:
            raise InputRefused("has a header and no rows", file=self.inputs[first_file].name)
        without_claims = (
            files.filter(pl.col("rows") > 0, pl.col("claims") == 0)["file"].to_list() if max_share < 1 else []
        )
        if rejected == rows or rejected / rows > max_share or without_claims:
            names = without_claims if without_claims and rejected < rows else files["file"].to_list()
            rejects = self.rejects.filter(pl.col("source_file").is_in(names))
            total = int(files.filter(pl.col("file").is_in(names))["rows"].sum())
            raise _too_many_rejects(
                explain_reject(self, rejects.row(0, named=True)), rejects, total, max_share
            )

    def check_no_personal_data(self, columns: Sequence[str]) -> None:
        """Raise an error if one of these text columns contains personal data or free text.

        Call this before you export values of the columns.

        Raises:
            DisclosureBlocked: a column contains personal data, such as resident, phone or card numbers or
                e-mail addresses, or long or multi-line text.
        """
        for column in columns:
            texts = self.warehouse.frame(queries.load("distinct_texts", name=quote_identifier(column)))[
                "value"
            ]
            if (texts.str.len_chars() > MAX_LABEL_LENGTH).any() or texts.str.contains("[\r\n]").any():
                raise DisclosureBlocked(
                    f"holds free text: more than {MAX_LABEL_LENGTH} characters, or several lines",
                    column=column,
                    remedy="Map the column to another header.",
                )
            personal = find_personal_data(texts)
            if personal is not None:
                kind, count = personal
                article = "an" if kind[0] in "ae" else "a"
                raise DisclosureBlocked(
                    f"holds what looks like {article} {kind} in {count:,} of {len(texts):,} different values",
                    column=column,
                    remedy="Replace it in the file, or map the column to another header.",
                )


def create_claims_view(warehouse: Warehouse, incident: Incident) -> None:
    """Create the SQL view `claims`, which users query: all accepted claims with the names of their files."""
    files = f"[{', '.join(map(quote_literal, file_names(warehouse, 'files')))}]"
    warehouse.view("claims", queries.load("claims", dimensions=dimension_columns(incident), files=files))


def file_names(warehouse: Warehouse, table: str) -> list[str]:
    """Return the names of the input files listed in a table, in the order in which they were read."""
    return warehouse.frame(queries.load("file_names", files=table))["file"].to_list()


def reconciliation_table(warehouse: Warehouse) -> pl.DataFrame:
    """Return how many rows of each input file became claims and rejects: file, rows, claims, rejects."""
    return warehouse.frame(queries.load("reconciliation"))


def _rejects_in_order(warehouse: Warehouse, most: int | None = None) -> pl.DataFrame:
    """Return the first `most` rejects in file and row order; None returns all rejects."""
    return warehouse.frame(queries.load("rejects_in_order", most="null" if most is None else str(most)))


def dimension_columns(incident: Incident) -> str:
    """Return the SQL list of the columns that the incident adds (dimensions), each after a comma."""
    return "".join(f", {quote_identifier(d.id)}" for d in incident.dimensions)


def explain_reject(claims: Claims, reject: dict[str, object], lang: str = "en") -> InputRefused:
    """Return an error that explains a reject: broken rule, file, row, column, value and remedy.

    Personal data are masked.

    Args:
        claims: the claims to which the reject belongs.
        reject: a row of `claims.rejects`.
        lang: the language of the remedy and of the note that replaces a hidden value. The name of the rule is
            always in English.
    """
    locale, broken = Locale(lang), reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    column = rule.split(" ", 1)[0]
    value = reject["problem"] or _displayed_value(reject.get(column), rule, locale)
    remedy = locale(f"remedy.{rule}") if locale.has_label(f"remedy.{rule}") else locale("remedy.whole")
    if rule.endswith("is known"):
        hint, close = _spelling_hint(claims.incident, column, str(reject[column]), locale)
        remedy = f"{hint} {remedy}"
        # A value that resembles no known name may be the name of a person, so the message shows only its
        # length.
        if not close:
            value = _character_count(str(reject[column]), locale)
    if rule == READABLE_LOSS and (digits := claims.incident.loss_digits):
        example = f"{EXAMPLE_AMOUNT:.{digits}f}"
        remedy = locale("remedy.decimals", currency=claims.incident.currency, digits=digits, example=example)
    if rule in (REPEATED_ID, EXACT_COPY):
        row = locale.number(int(str(reject["kept_row"])))
        remedy = locale("remedy.kept", row=row, file=reject["kept_file"])
    return InputRefused(
        f"breaks the rule '{rule}'",
        file=reject["source_file"],
        row=int(str(reject["source_row"])),
        column=column if column in reject else None,
        value=value,
        remedy=remedy,
    )


def _too_many_rejects(first: InputRefused, rejects: pl.DataFrame, rows: int, limit: float) -> InputRefused:
    """Return the error that ends a run if too many of its rows were rejected.

    The message explains the first reject, counts the rejects per rule and says how to continue.

    `rows` is the number of rows of the files that contain the rejects; `limit` is the largest accepted share
    of rejects.
    """
    rejected = len(rejects)
    over = (
        f"{_percent(rejected / rows)} and more than {_percent(limit)}" if rejected < rows else "all of them"
    )
    rules = rejects.select(rule=pl.col("broken").explode())["rule"].value_counts()
    by_count = rules.sort("count", "rule", descending=[True, False]).rows()
    counts = ", ".join(f"'{rule}' {count:,}" for rule, count in by_count[:MAX_RULES])
    counts += f" and {len(by_count) - MAX_RULES} more rules" if len(by_count) > MAX_RULES else ""
    first.problem = f"{rejected:,} of {rows:,} rows rejected, {over}: {counts}; the first {first.problem}"
    enough = -(-100 * rejected // rows)
    onward = (
        f"Mend the rows, or go on without them: --max-rejects {enough}% (in a notebook max_rejects = "
        f"{enough / 100:g}); ingest then lists them."
        if rejected < rows
        else "If this is so of every row, outage-analysis inspect shows how the file reads."
    )
    first.remedy = f"{onward} The first: {one_line(first.remedy, MAX_REMEDY_LENGTH)}"
    return first


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def _spelling_hint(incident: Incident, column: str, text: str, locale: Locale) -> tuple[str, bool]:
    """Suggest the name of a service or claimant type that a value probably misspells.

    If no name is close, list the known names.

    Returns:
        The hint as text, and whether the value is close to a known name.
    """
    named_items = incident.services if column == "service" else incident.claimant_types
    aliases = [s for item in named_items for s in (item.id, item.name.en, item.name.ko, *item.aliases) if s]
    close = likely_typo_of(text, aliases)
    if close is None:
        return locale("remedy.known", names=listed_names(aliases)), False
    return locale("remedy.closest", name=close), True


def _displayed_value(value: object, rule: str, locale: Locale) -> str | None:
    """Return a rejected value as an error message may show it, with personal data masked.

    A long value, or a value that may contain the name of a person, is replaced by its number of characters.
    """
    if value is None:
        return None
    text = str(value)
    measured = not rule.startswith(("claim", "service"))
    if len(text) > MAX_VALUE_LENGTH or (measured and LETTERS.search(UNIT_WORDS.sub("", text))):
        return _character_count(text, locale)
    return mask_personal_data(text)


def _character_count(text: str, locale: Locale) -> str:
    return locale("remedy.characters", count=len(text))


def _card_tables(claims: Claims, rejected: int, locale: Locale) -> tuple[Table, ...]:
    """Return the tables of the notebook summary: the input files and, if there are any, the first rejects."""
    columns = ("file", "rows", "claims", "rejects")
    counts = claims.files.select(columns).rows()
    files, more = first_rows(
        locale, counts, lambda f: (str(f[0]), *map(locale.number, f[1:])), "claims.files"
    )
    tables = [Table(tuple(locale(f"column.{c}") for c in columns), files, frozenset({1, 2, 3}), more=more)]
    if rejected:
        rejects = _rejects_in_order(claims.warehouse, most=MAX_CARD_ROWS).rows(named=True)
        rows, more = first_rows(
            locale, rejects, lambda r: _reject_cells(claims, r, locale), locale("card.unmasked"), rejected
        )
        heads = ("column.file", "card.row", "column.rule_text", "card.value", "card.remedy")
        tables.append(Table(tuple(map(locale, heads)), rows, frozenset({1}), locale("card.rejects"), more))
    return tuple(tables)


def _reject_cells(claims: Claims, reject: dict[str, object], locale: Locale) -> tuple[str, ...]:
    """Return one table row that describes a reject: file, row number, rule, value, remedy."""
    error, broken = explain_reject(claims, reject, locale.lang), reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    name = locale(f"rule.{rule}") if locale.has_label(f"rule.{rule}") else rule
    value = "–" if error.value is None else one_line(error.value, 80)
    return str(error.file), locale.number(error.row or 0), name, value, error.remedy
