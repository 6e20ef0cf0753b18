"""The claims of one run and its rejects: every row of a complaint file is exactly one of the two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.readers.read_files import InputFile
from outage_analysis.claims.rules import EXACT_COPY, READABLE_LOSS, REPEATED_ID
from outage_analysis.claims.warehouse import Warehouse
from outage_analysis.errors import DisclosureBlocked, InputRefused, one_line
from outage_analysis.files import misspelt, named
from outage_analysis.incidents import Incident, Layout
from outage_analysis.text import MOST_ROWS, Card, Displayable, Locale, Table, first, found, masked

if TYPE_CHECKING:
    import duckdb

MAX_VALUE_LENGTH = 24
"""Characters of a rejected text that are shown."""
EXAMPLE_AMOUNT = 12.5
"""An amount as it may be written."""
MAX_LABEL_LENGTH = 100
"""Characters of a text that may still be the name of something."""
MAX_RULES, MAX_REMEDY_LENGTH = 3, 160
"""Rules that a refusal of too many rejects names, and characters of what to do about the first."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
UNIT_WORDS = re.compile(
    r"[월화수목금토일]요일|오[전후]|정도|이[상하]|어제|오늘|미상|없음|[년월일시분초원만억천백십약쯤]|KRW|won"
)
"""Words that people use for days and amounts; other letters beside them may be a name."""

FileState = tuple[int, int, int]
"""Of a file: what changes when it is replaced."""


@dataclass(frozen=True)
class ExtendedStore:
    """A warehouse file that claims were added to: its state when it was read, and how many files it had."""

    state: FileState
    files: int


@dataclass(frozen=True, repr=False)
class Claims(Displayable):
    """The claims of one run, inside their warehouse, and what was rejected.

    `rejects` holds one row a reject: source_file, source_row, byte (where its text starts, if the file is
    a text), broken (its rules), raw (its text), problem, and the text of each column.
    `files` holds one row a file with rows = claims + rejects.
    """

    incident: Incident
    inputs: tuple[InputFile, ...]
    layouts: tuple[Layout, ...]
    """How each of them was laid out."""
    warehouse: Warehouse
    synthetic: bool
    """Whether any row says of itself, or any file of its name, that it is synthetic."""
    files: pl.DataFrame
    add_to: ExtendedStore | None = None
    """The warehouse file that these were added to."""
    skipped: tuple[str, ...] = ()
    """What was not read: files of a folder that are of no known format, sheets without the columns."""

    def card(self, lang: str = "en") -> Card:
        """Its files, and its first rejects: each with its row, the rule it broke and what to do about it.

        Of what a reject says it tells no more than `explain_reject` does.
        """
        locale = Locale(lang)
        passed, rejected = len(self), int(self.files["rejects"].sum())
        total = locale(
            "card.rows",
            rows=locale.number(passed + rejected),
            claims=locale.number(passed),
            rejects=locale.number(rejected),
        )
        lines = [locale("card.synthetic"), total] if self.synthetic else [total]
        skipped = (locale("card.skipped", names=", ".join(self.skipped[:MOST_ROWS])),) if self.skipped else ()
        name = self.incident.name[lang]
        return Card(
            locale("card.claims", incident=name), tuple(lines), _card_tables(self, rejected, locale), skipped
        )

    def __len__(self) -> int:
        """How many claims passed."""
        return int(self.files["claims"].sum())

    @property
    def rejects(self) -> pl.DataFrame:
        """One row a reject, in file and row order."""
        return _rejects_in_order(self.warehouse)

    def sql(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation over the tables `claims` and `rejects`; values enter as $name."""
        return self.warehouse.relation(query, **values)

    def frame(self) -> pl.DataFrame:
        """Every claim as a Polars frame, in file and row order."""
        return self.warehouse.frame(queries.load("claims_in_order"))

    def counted_rules(self) -> pl.DataFrame:
        """Claims by file and rule that the incident only counts: source_file, rule, claims."""
        return self.warehouse.frame(queries.load("counted_rules"))

    def validate(self) -> Claims:
        """These claims, if not one row was rejected.

        Raises:
            InputRefused: the first reject, with how many there are.
        """
        self.check_reject_share(0)
        return self

    def check_reject_share(self, share: float, *, since: int = 0) -> None:
        """Refuse files of which more rows than this share were rejected, or all of one, or none was read.

        Args:
            share: of the rows of these files together; 1 lets one of several files be rejected whole.
            since: the number of the first file to look at: those before were accepted once.

        Raises:
            InputRefused: the first reject, how many there are by rule, and how to go on.
        """
        files = self.files[since:]
        rows, rejected = int(files["rows"].sum()), int(files["rejects"].sum())
        if rows == 0:
            raise InputRefused("has a header and no rows", file=self.inputs[since].name)
        lost = files.filter(pl.col("rows") > 0, pl.col("claims") == 0)["file"].to_list() if share < 1 else []
        if rejected == rows or rejected / rows > share or lost:
            names = lost if lost and rejected < rows else files["file"].to_list()
            here = self.rejects.filter(pl.col("source_file").is_in(names))
            total = int(files.filter(pl.col("file").is_in(names))["rows"].sum())
            raise _too_many_rejects(explain_reject(self, here.row(0, named=True)), here, total, share)

    def check_no_personal_data(self, columns: Sequence[str]) -> None:
        """Refuse to let columns of text leave the warehouse that hold personal data or free text.

        Raises:
            DisclosureBlocked: a column with resident, phone or card numbers, e-mail addresses, or sentences.
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
            personal = found(texts)
            if personal is not None:
                kind, count = personal
                article = "an" if kind[0] in "ae" else "a"
                raise DisclosureBlocked(
                    f"holds what looks like {article} {kind} in {count:,} of {len(texts):,} different values",
                    column=column,
                    remedy="Replace it in the file, or map the column to another header.",
                )


def create_claims_view(warehouse: Warehouse, incident: Incident) -> None:
    """Define the view `claims` over `accepted` and `files`."""
    files = f"[{', '.join(map(quote_literal, file_names(warehouse, 'files')))}]"
    warehouse.view("claims", queries.load("claims", dimensions=dimension_columns(incident), files=files))


def file_names(warehouse: Warehouse, table: str) -> list[str]:
    """The names of the files that a table lists, in the order in which they were read."""
    return warehouse.frame(queries.load("file_names", files=table))["file"].to_list()


def reconciliation_table(warehouse: Warehouse) -> pl.DataFrame:
    """One row per file: file, rows, claims, rejects."""
    return warehouse.frame(queries.load("reconciliation"))


def _rejects_in_order(warehouse: Warehouse, most: int | None = None) -> pl.DataFrame:
    """The first rejects in file and row order, or all of them."""
    return warehouse.frame(queries.load("rejects_in_order", most="null" if most is None else str(most)))


def dimension_columns(incident: Incident) -> str:
    """SQL of the incident's dimensions, each behind a comma."""
    return "".join(f", {quote_identifier(d.id)}" for d in incident.dimensions)


def explain_reject(claims: Claims, reject: dict[str, object], lang: str = "en") -> InputRefused:
    """One reject as the line that a user reads: file, row, column, value, remedy; personal data masked.

    Args:
        claims: that it is a reject of.
        reject: a row of `claims.rejects`.
        lang: the language of the value's stand-in and of the remedy; the rule keeps its name.
    """
    words, broken = Locale(lang), reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    column = rule.split(" ", 1)[0]
    value = reject["problem"] or _displayed_value(reject.get(column), rule, words)
    remedy = words(f"remedy.{rule}") if words.has(f"remedy.{rule}") else words("remedy.whole")
    if rule.endswith("is known"):
        hint, close = _spelling_hint(claims.incident, column, str(reject[column]), words)
        remedy = f"{hint} {remedy}"
        if not close:  # whatever it is, it may be a name
            value = _character_count(str(reject[column]), words)
    if rule == READABLE_LOSS and (digits := claims.incident.loss_digits):
        example = f"{EXAMPLE_AMOUNT:.{digits}f}"
        remedy = words("remedy.decimals", currency=claims.incident.currency, digits=digits, example=example)
    if rule in (REPEATED_ID, EXACT_COPY):
        row = words.number(int(str(reject["kept_row"])))
        remedy = words("remedy.kept", row=row, file=reject["kept_file"])
    return InputRefused(
        f"breaks the rule '{rule}'",
        file=reject["source_file"],
        row=int(str(reject["source_row"])),
        column=column if column in reject else None,
        value=value,
        remedy=remedy,
    )


def _too_many_rejects(first: InputRefused, rejects: pl.DataFrame, rows: int, limit: float) -> InputRefused:
    """The first of too many rejects, beside how many there are by rule, and how to go on."""
    rejected = len(rejects)
    over = (
        f"{_percent(rejected / rows)} and more than {_percent(limit)}" if rejected < rows else "all of them"
    )
    rules = rejects.select(rule=pl.col("broken").explode())["rule"].value_counts()
    told = rules.sort("count", "rule", descending=[True, False]).rows()
    counts = ", ".join(f"'{rule}' {count:,}" for rule, count in told[:MAX_RULES])
    counts += f" and {len(told) - MAX_RULES} more rules" if len(told) > MAX_RULES else ""
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


def _spelling_hint(incident: Incident, column: str, text: str, words: Locale) -> tuple[str, bool]:
    """The name that a text is close to, or some that are known; and whether it is close to one."""
    known = incident.services if column == "service" else incident.claimant_types
    aliases = [s for item in known for s in (item.id, item.name.en, item.name.ko, *item.aliases) if s]
    close = misspelt(text, aliases)
    if close is None:
        return words("remedy.known", names=named(aliases)), False
    return words("remedy.closest", name=close), True


def _displayed_value(value: object, rule: str, words: Locale) -> str | None:
    """A rejected text with personal data masked; what may be a name or a sentence is only counted."""
    if value is None:
        return None
    text = str(value)
    measured = not rule.startswith(("claim", "service"))
    if len(text) > MAX_VALUE_LENGTH or (measured and LETTERS.search(UNIT_WORDS.sub("", text))):
        return _character_count(text, words)
    return masked(text)


def _character_count(text: str, words: Locale) -> str:
    return words("remedy.characters", count=len(text))


def _card_tables(claims: Claims, rejected: int, locale: Locale) -> tuple[Table, ...]:
    """The files, and the first rejects told one by one."""
    columns = ("file", "rows", "claims", "rejects")
    counts = claims.files.select(columns).rows()
    files, more = first(locale, counts, lambda f: (str(f[0]), *map(locale.number, f[1:])), "claims.files")
    tables = [Table(tuple(locale(f"column.{c}") for c in columns), files, frozenset({1, 2, 3}), more=more)]
    if rejected:
        found = _rejects_in_order(claims.warehouse, most=MOST_ROWS).rows(named=True)
        told, more = first(
            locale, found, lambda r: _reject_cells(claims, r, locale), locale("card.unmasked"), rejected
        )
        heads = ("column.file", "card.row", "column.rule_text", "card.found", "card.remedy")
        tables.append(Table(tuple(map(locale, heads)), told, frozenset({1}), locale("card.rejects"), more))
    return tuple(tables)


def _reject_cells(claims: Claims, reject: dict[str, object], locale: Locale) -> tuple[str, ...]:
    """A reject as `explain_reject` tells it."""
    told, broken = explain_reject(claims, reject, locale.lang), reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    name = locale(f"rule.{rule}") if locale.has(f"rule.{rule}") else rule
    found = "–" if told.value is None else one_line(told.value, 80)
    return str(told.file), locale.number(told.row or 0), name, found, told.remedy
