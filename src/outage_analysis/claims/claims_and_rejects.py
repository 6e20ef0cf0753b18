"""The result of reading complaint files: claims, and rejects (rows that break a validation rule)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.cell_values import A_DECISION, BLANKS, IDS, MISSING_WORDS, PAID, READABLE_LOSS
from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.claims.read_files import InputFile
from outage_analysis.claims.structured_files import DataFrame, polars_frame
from outage_analysis.claims.validation import control_totals, create_claims_view, reconciliation_table
from outage_analysis.claims.warehouse import NoWarehouse, Warehouse, run_select
from outage_analysis.errors import DisclosureBlocked, InputRefused, UsageError, either, one_line
from outage_analysis.files import Name, likely_typo_of, listed_names, spelling_hint, toml_value
from outage_analysis.incidents import RESERVED, Dimension, Incident, Layout, claim_columns
from outage_analysis.text import (
    MAX_CARD_ROWS,
    Card,
    Displayable,
    Locale,
    Table,
    escape_formulas,
    find_personal_data,
    first_rows,
    has_personal_number,
    mask_personal_data,
    parse_day,
    schema_of,
    schemas_of,
    smallest_units,
)

if TYPE_CHECKING:
    from outage_analysis.analysis import Analysis, IntakeForecast
    from outage_analysis.analysis.analysis import RunArguments
    from outage_analysis.losses import ClaimsByBand, DimensionFilter, Fits

MAX_VALUE_LENGTH = 24
"""Most characters of a rejected value that an error message shows; for a longer value it shows the length."""
LETTERS = re.compile(r"[^\W\d_]{2,}")
UNIT_WORDS = re.compile(
    r"[월화수목금토일]요일|오[전후]|정도|이[상하]|어제|오늘|미상|없음|[년월일시분초원만억천백십약쯤]|KRW|won"
)
"""Words that are common in dates and amounts. Any other word may be the name of a person."""
DATE_WORDS = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|januar|februar|märz?|mai|juni|juli|okt(?:ober)?|dez(?:ember)?"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|am|pm|utc|kst|gmt|uhr|today|yesterday)\b|(?<=\d)(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
"""English words of dates. Some are also first names, so only the value of a filing day may contain them."""
DATE_SHAPE = re.compile(
    r"[0-9]{1,4}[-./] ?[0-9]{1,2}[-./] ?[0-9]{1,4}\.?(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
)
"""Pattern of a filing day that may be impossible, such as 2022-13-01."""
AMOUNT_SHAPE = re.compile(
    r"[+-]?(?:[$€£¥₩] ?|[A-Z]{3} )?\d{1,3}(?:[.,'\u2019 \u00a0\u2009\u202f]\d{3}){0,2}(?:[.,]\d{1,2})?"
    r"(?:[ \u00a0\u202f]?(?:[$€£¥₩원]|[A-Z]{3}))?"
)
"""Pattern of an amount in some notation: digits in groups of three, with or without a currency."""
NUMERIC_RULES = ("loss is not negative", "loss is plausible")
"""Rules that only an amount can break. So its digits are not a phone number or the like, however many."""
REJECT_COLUMNS = {
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
    "problem": pl.String,
    "remedy": pl.String,
    "other_rules": pl.String,
}
"""The columns of `Claims.rejects` and their data types."""
MAX_RULES, MAX_REMEDY_LENGTH = 3, 160
"""Limits for the error about too many rejects: the rules it names, and the characters of its remedy."""


def rejected_rows(warehouse: Warehouse, most: int) -> pl.DataFrame:
    """Return the first `most` rejects in file and row order, with their raw text, which is not masked."""
    return warehouse.frame(f"from rejects order by source_file, source_row limit {most}")


def explain_reject(incident: Incident, reject: Mapping[str, Any], lang: str = "en") -> InputRefused:
    """Return an error that explains a reject: broken rule, file, row, column, value and remedy.

    Personal data are masked.

    Args:
        incident: the outage of the complaint files.
        reject: a row of `claims.rejected_rows`.
        lang: the language of the remedy and of the note that replaces a hidden value. The name of the rule is
            always in English.
    """
    locale, rule = Locale(lang), reject["broken"][0]
    column = rule.split(" ", 1)[0]
    value, remedy = _value_and_remedy(incident, locale, rule, reject.get(column))
    return InputRefused(
        f"breaks the rule '{rule}'",
        file=reject["source_file"],
        row=reject["source_row"],
        column=column if column in reject else None,
        value=reject["problem"] or value,
        remedy=_kept_row(reject, locale) or remedy,
    )


def _kept_row(reject: Mapping[str, Any], locale: Locale) -> str:
    """Return the remedy that names the row which was kept instead; empty if none was."""
    if reject["kept_row"] is None:
        return ""
    return locale("remedy.kept", row=locale.number(reject["kept_row"]), file=reject["kept_file"])


def _problem(rule: str, reader_problem: str | None) -> str:
    opposites = ((" is not ", " is "), (" is ", " is not "), (" has ", " does not have "))
    sentences = (rule.replace(holds, broken, 1) for holds, broken in opposites if holds in rule)
    sentence = re.sub("^the ", "The ", next(sentences, f"the row breaks the rule '{rule}'"))
    return f"{sentence}: {reader_problem}." if reader_problem else f"{sentence}."


def _value_and_remedy(
    incident: Incident, locale: Locale, rule: str, text: str | None
) -> tuple[str | None, str]:
    """Return a rejected value as a message may show it, and what to do, unless another row was kept."""
    column = rule.split(" ", 1)[0]
    remedy = locale.label_or(f"remedy.{rule}", locale("remedy.whole"))
    if rule.endswith("is known"):
        names = [s for item in incident.named_items[column] for s in (item.id, *item.known_names)]
        close = likely_typo_of(str(text), names)
        if close is None:  # The value may be the name of a person.
            hint = locale("remedy.known", names=listed_names(names))
            return locale("remedy.characters", count=len(str(text))), f"{hint} {remedy}"
        remedy = f"{locale('remedy.closest', name=close)} {remedy}"
    elif rule.endswith((A_DECISION, PAID)):
        remedy = locale("remedy.decision" if rule.endswith(A_DECISION) else "remedy.paid")
    elif rule == READABLE_LOSS and (word := str(text).strip(BLANKS)).casefold() in MISSING_WORDS:
        written = toml_value(word)
        remedy = locale("remedy.missing", text=written, layout=either("layouts=", "--columns"))
        if incident.window == "observed" and (argument := either(f"missing=[{written}]", "")):
            remedy = locale("remedy.missing_argument", argument=argument)
    return text and _displayed_value(rule, text, locale), remedy


def _displayed_value(rule: str, text: str, locale: Locale) -> str:
    """Return a rejected value with personal data masked.

    A long value, or a value that may contain the name of a person, is replaced by its number of characters.
    """
    if text.strip(BLANKS).casefold() in MISSING_WORDS:
        return text
    column, words = rule.split(" ", 1)[0], UNIT_WORDS.sub("", text)
    if column == "filed_on":
        words = DATE_WORDS.sub("", words)
    may_be_name = LETTERS.search(words) and not rule.startswith(("claim", "service"))
    if len(text) > MAX_VALUE_LENGTH or may_be_name:
        return locale("remedy.characters", count=len(text))
    shape = {"filed_on": DATE_SHAPE, "loss": AMOUNT_SHAPE}.get(column)
    is_plain = rule in NUMERIC_RULES or (shape is not None and shape.fullmatch(text))
    return text if is_plain and not has_personal_number(text) else mask_personal_data(text)


def _rejected_share(rejected: int, rows: int, limit: float, by_rule: Mapping[str, int]) -> str:
    over = f"{100 * (rejected / rows):.3g}% and more than {100 * limit:.3g}%"
    over = over if rejected < rows else "all of them"
    by_count = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    counts = ", ".join(f"'{rule}' {count:,}" for rule, count in by_count[:MAX_RULES])
    counts += f" and {len(by_count) - MAX_RULES} more rules" if len(by_count) > MAX_RULES else ""
    return f"{rejected:,} of {rows:,} rows rejected, {over}: {counts}"


def check_reject_share(by_rule: Mapping[str, int], rows: int, limit: float, *, file: str) -> None:
    """Raise an error if too many rows of a table of an engine were rejected.

    Raises:
        InputRefused: the share of rejected rows is above `limit`.
    """
    rejected = sum(by_rule.values())
    if rejected > limit * rows:
        raise InputRefused(
            _rejected_share(rejected, rows, limit, by_rule),
            file=file,
            remedy=f"Mend the rows, or go on without them: max_rejects={-(-100 * rejected // rows) / 100:g}.",
        )


DAY_LIMITS = {"filed_from": (">=", "from"), "filed_to": ("<=", "to")}
"""Conditions of `filter` that are not columns: the first and the last filing day, in SQL and in words."""
SEGMENT = "segment"
"""A reserved name that `join` allows nevertheless, because customer tables often have this column. Only
`payments` needs the name, and refuses a cube with such a dimension."""
MAX_LISTED, MAX_SELECTION = 5, 40
"""Most values of a condition that its description lists, and the characters of each."""
CLAIMANT = "coalesce(claimant_id, claim_id)"
"""SQL of the claimant of a claim, as in the table `claims`."""


def _derived(claims: Claims, warehouse: Warehouse, incident: Incident, selection: str) -> Claims:
    """Return the claims of a derived warehouse, whose table `accepted` exists; it has no rejects."""
    parent = claims.warehouse
    warehouse.create("files", queries.load("derived_files", source=parent.qualified("files")))
    warehouse.view("rejects", f"from {parent.qualified('rejects')} limit 0")
    create_claims_view(warehouse, incident)
    return replace(
        claims,
        incident=incident,
        warehouse=warehouse,
        files=reconciliation_table(warehouse),
        skipped=(),
        selection="; ".join(filter(None, (claims.selection, selection))),
    )


def _column(name: str) -> str:
    """Return the SQL of a column of the claims, as the table `claims` shows it."""
    return CLAIMANT if name == "claimant_id" else quote_identifier(name)


def _described(column: str, values: Sequence[object]) -> str:
    if column in IDS:
        return f"{len(values):,} values"
    texts = [
        "(not stated)" if v is None else one_line(mask_personal_data(str(v)), MAX_SELECTION) for v in values
    ]
    rest = [f"{len(texts) - MAX_LISTED:,} more"] if len(texts) > MAX_LISTED else []
    return " and ".join([", ".join(texts[:MAX_LISTED]), *rest])


def _claim_values(claims: Claims, column: str, given: Sequence[object]) -> list[str | int | date | None]:
    incident, find = claims.incident, cast("Callable[[object], str | int | date]", str)
    digits = {
        d.id: incident.minor_units if d.kind == "paid" else 0 for d in incident.dimensions if d.is_number
    }
    digits["loss"] = incident.loss_digits
    if column in incident.named_items:
        find = partial(incident.known_id, column)
    elif column == "filed_on":
        find = partial(parse_day, name=column)
    elif column in digits:
        find = partial(smallest_units, digits=digits[column], name=column)
    values = [None if value is None else find(value) for value in given]
    wanted = [value for value in values if value is not None] if find is str else []
    query = queries.load("missing_texts", name=_column(column))
    for missing in claims.warehouse.frame(query, values=wanted)["value"] if wanted else ():
        masked = mask_personal_data(missing)
        if column in IDS:
            raise UsageError(f"no claim has this {column}", column=column, value=masked)
        close = likely_typo_of(missing, claims.distinct_texts(column).sort()[:MAX_COMPARED].to_list())
        raise UsageError(
            "no claim has this value",
            column=column,
            value=masked,
            remedy=f"Did you mean '{mask_personal_data(close)}'?" if close else "",
        )
    return values


MAX_COMPARED = 1_000
"""Most values of a text dimension that are compared with a misspelt one."""


def _as_text(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column of a frame as text as complaint files contain it: stripped, null if empty.

    Raises:
        UsageError: the column contains decimals or other values that are no categories.
    """
    dtype = frame.schema[name]
    words = (pl.String, pl.Boolean, pl.Date, pl.Categorical, pl.Null, pl.Enum)
    if not (dtype.is_integer() or dtype in words):
        raise UsageError(
            f"a column of type {dtype} cannot be a text dimension of the claims",
            column=name,
            remedy="Cut the numbers into bands, or cast the column to text.",
        )
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text).alias(name)


def _check_new_dimension(name: str, incident: Incident) -> None:
    if name in claim_columns(incident):
        problem = "the claims already have a column of this name"
    elif (name in RESERVED and name != SEGMENT) or name.startswith("raw_"):
        problem = "the name of the column is reserved"
    else:
        try:
            Dimension(id=name, name=Name(en=name))
        except ValueError:
            problem = "the name of the column is not an id of lower-case letters, digits, - and _"
        else:
            return
    raise UsageError(problem, value=name, remedy=f'Rename it: frame.rename({{"{name}": "..."}}).')


MAX_REJECTS = 0.05
"""The default for the largest accepted share of rejected rows."""
MAX_LABEL_LENGTH = 100
"""Most characters of a value in a text column; a longer value counts as free text."""


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
    given_layouts: tuple[Layout, ...] = ()
    """The layouts with which the files were read, as the user gave them."""
    store: Path | None = None
    """The warehouse file from which the claims were opened, if any."""
    skipped: tuple[str, ...] = ()
    """Files in a folder that were skipped because of their format, and workbook sheets that were not read."""
    max_rejects: float = MAX_REJECTS
    """The largest share of rejected rows that the caller of `read_claims` accepted."""
    selection: str = ""
    """How `filter` and `join` made these claims from those of the input files; empty if they did not."""

    def without_rows(self) -> Claims:
        """Return what is known about the claims without their rows: files, layouts, counts, marks."""
        return replace(self, warehouse=cast("Warehouse", NoWarehouse()))

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
        selected = locale("card.selection", selection=self.selection) if self.is_derived else ""
        skipped = locale("card.skipped", names=", ".join(self.skipped[:MAX_CARD_ROWS]))
        return Card(
            locale("card.claims", incident=self.incident.name[lang]),
            (*([locale("card.synthetic")] if self.synthetic else []), total, *filter(None, [selected])),
            _card_tables(self, rejected, locale),
            (skipped,) if self.skipped else (),
        )

    def __repr__(self) -> str:
        # The lines of the card without its tables. `print` and notebooks show the whole card.
        return repr(replace(self.card(), tables=()))

    def __str__(self) -> str:
        return repr(self.card())

    def __len__(self) -> int:
        """The number of claims."""
        return int(self.files["claims"].sum())

    @property
    def rejects(self) -> pl.DataFrame:
        """Explain every reject (a row that breaks a rule): one row per reject, in file and row order.

        The table is flat, so `claims.rejects.write_csv("rejects.csv")` writes a CSV file. Its columns are

        - `file`, `row`: where the reject is (the header of a CSV is row 1);
        - `column`, `value`: the cell that breaks the rule. Personal data are masked; a value that may
          contain a name is replaced by its number of characters;
        - `rule`, `problem`, `remedy`: the broken rule, what is wrong, and what to do;
        - `other_rules`: further rules that the row breaks, separated by "; ".

        A text that a spreadsheet would run as a formula begins with an apostrophe. The raw text of the rows
        is in the table `rejects` of `query`.

        Example:
            >>> claims.rejects.select("row", "column", "value", "remedy")  # doctest: +SKIP
        """
        locale, columns, rows = Locale("en"), claim_columns(self.incident), list[tuple[object, ...]]()
        # Equal values are explained once: most rejects of a file break the same rule in the same way.
        explain = cache(partial(_value_and_remedy, self.incident, locale))
        for reject in self.rejected_rows.iter_rows(named=True):
            rule, *others = reject["broken"]
            column = rule.split(" ", 1)[0]
            value, remedy = explain(rule, reject.get(column))
            rows.append(
                (
                    reject["source_file"],
                    reject["source_row"],
                    column if column in columns else None,
                    value,
                    rule,
                    _problem(rule, reject["problem"]),
                    _kept_row(reject, locale) or remedy,
                    "; ".join(others),
                )
            )
        return escape_formulas(pl.DataFrame(rows, schema=REJECT_COLUMNS, orient="row"))

    @property
    def rejected_rows(self) -> pl.DataFrame:
        """One row per reject with its raw, unmasked text, in file and row order.

        The class docstring describes the columns; `rejects` masks personal data.
        """
        return self.warehouse.frame("from rejects order by source_file, source_row")

    @property
    def is_derived(self) -> bool:
        """Whether `filter` or `join` made these claims, so that they differ from their input files.

        A report of such claims cannot be verified against the input files. Save the claims with `save_claims`
        and read them again to make a report of them.
        """
        return bool(self.selection)

    @cached_property
    def has_times(self) -> bool:
        """Whether the time of day is known for at least one claim."""
        return bool(self.warehouse.frame(queries.load("claims_with_times")).item())

    @staticmethod
    def queries() -> pl.DataFrame:
        """List the queries that `query` runs by name: query, row (what one row of its result is).

        The results are counts and losses by service, claimant type or day, without ids and texts of claims.
        """
        named = schemas_of("query")
        return pl.DataFrame({"query": [*named], "row": [schema.row for schema in named.values()]})

    def query(self, sql: str, /, **inputs: object) -> pl.DataFrame:
        """Run a named query or one SQL SELECT statement (DuckDB), and return its rows as a Polars frame.

        The statement can read no file and no address; pass the rows of a file as a frame.

        The tables are `claims` (one row per claim, with the columns of `to_polars`), `rejects` (one row per
        reject; the class docstring describes the columns) and `files` (file, rows, claims, rejects). Amounts
        are in whole currency. The rows have no order unless the statement has `order by`.

        Args:
            sql: the name of a query that `queries` lists, or a statement that starts with SELECT, WITH, FROM
                or VALUES.
            inputs: a Polars frame becomes a table of this name, for this statement only. Any other value is
                a parameter, written as $name.

        Returns:
            The rows. Whole numbers are Int64; numbers with decimals, and whole numbers that do not fit into
            64 bits, are Float64, never Decimal.

        Raises:
            UsageError: the statement is not exactly one SELECT statement, has a mistake, or does not fit the
                inputs; or no query has this name.

        Example:
            >>> claims.query("repeat-claimants")  # doctest: +SKIP
            >>> claims.query("select service, count(*) as n from claims group by all")  # doctest: +SKIP
            >>> claims.query(
            ...     "select segment, sum(loss) as loss from claims join customers using (claimant_id) "
            ...     "where loss >= $least group by all",
            ...     customers=customers,
            ...     least=100_000,
            ... )  # doctest: +SKIP
        """
        rows = run_select(self.warehouse, sql, inputs, self.files)
        named = schemas_of("query").get(sql)
        return named.whole(rows, self.incident.locale("en").places) if named else rows

    def exact_rows(self, query: str) -> pl.DataFrame:
        """Run a named query; losses are in the smallest currency unit."""
        return run_select(self.warehouse, query, {}, self.files)

    def to_polars(self) -> pl.DataFrame:
        """Return all claims as a Polars frame: one row per claim, in file and row order.

        The columns are source_file, source_row, synthetic, claim_id, claimant_id (the claim_id if the file
        names no claimant), service, claimant_type, filed_on (the date in the time zone of the incident),
        filed_at (date and time in this zone; null if the file has only the date), loss (in whole
        currency, such as euros, not cents; null if not stated) and the dimensions of the incident.

        Example:
            >>> claims.to_polars().group_by("service").len()  # doctest: +SKIP
        """
        return self.warehouse.frame("from claims order by source_file, source_row")

    def filter(self, **conditions: object) -> Claims:
        """Return only the claims that meet all conditions, as `Claims`.

        The result has no rejects, and its `selection` describes the conditions.

        Args:
            conditions: a column of a claim (claim_id, claimant_id, service, claimant_type, filed_on, loss, or
                a dimension of the incident) = a value, or a list of values of which a claim must have one.
                None selects claims without a value. `filed_from` and `filed_to` = the first and last filing
                day. Days are ISO texts or dates. Services and claimant types are ids, names or aliases. A
                loss is in whole currency, such as euros, not cents.

        Raises:
            UsageError: there is no condition, a column does not exist, or no claim can have a value. The
                message suggests the closest name.

        Example:
            >>> claims.filter(service="kakao_t", filed_from="2022-10-20")  # doctest: +SKIP
        """
        known = [*claim_columns(self.incident), *DAY_LIMITS]
        if not conditions:
            raise UsageError("filter has no condition", remedy='Name one, such as service="...".')
        parts, described = [], []
        for column, value in conditions.items():
            if column not in known:
                hint = spelling_hint(column, known)
                raise UsageError("claims have no such column", value=column, remedy=hint)
            if column in DAY_LIMITS:
                day, (sign, word) = parse_day(value, column), DAY_LIMITS[column]
                parts.append(f"filed_on {sign} date '{day}'")
                described.append(f"filed_on {word} {day}")
                continue
            given = list(value) if isinstance(value, list | tuple | set | frozenset | pl.Series) else [value]
            values = _claim_values(self, column, given)
            wanted = [v if isinstance(v, int) else quote_literal(str(v)) for v in values if v is not None]
            either_of = [f"{_column(column)} in ({', '.join(map(str, wanted))})"] if wanted else []
            either_of += [f"{_column(column)} is null"] if None in values else []
            parts.append(f"({' or '.join(either_of)})" if either_of else "false")
            described.append(f"{column} = {_described(column, values)}")
        warehouse = Warehouse(self.warehouse)
        source, condition = self.warehouse.qualified("accepted"), " and ".join(parts)
        warehouse.view("accepted", f"from {source} where {condition}")
        return _derived(self, warehouse, self.incident, "; ".join(described))

    def join(self, frame: DataFrame, on: str = "claimant_id") -> Claims:
        """Add the columns of a data frame to the claims, as text dimensions of the incident.

        Then `by`, `filter` and cubes can use the columns. A claim without a row in the frame has no value in
        them. The result has no rejects.

        Args:
            frame: one row per value of `on`; its other columns become the dimensions. They may contain text,
                whole numbers, days or true and false. Any frame that `read_claims` reads is accepted.
            on: the column that the claims and the frame share.

        Raises:
            UsageError: the frame has no column `on` or no other column; a value of `on` is there twice, which
                would multiply claims; a column has a reserved name, the name of a column of the claims, or
                decimals; or no claim has a row in the frame.

        Example:
            >>> customers = pl.DataFrame({"claimant_id": ["u1", "u2"], "segment": ["premium", "basic"]})
            >>> claims.join(customers).by("segment")  # doctest: +SKIP
        """
        table = polars_frame(frame)
        amounts = {"loss", *(d.id for d in self.incident.dimensions if d.is_number)}
        keys = [c for c in claim_columns(self.incident) if c not in amounts]
        if on not in keys:
            raise UsageError(
                "claims cannot be joined on this column", value=on, remedy=spelling_hint(on, keys)
            )
        if on not in table.columns:
            remedy = spelling_hint(on, table.columns) if table.columns else ""
            raise UsageError("the frame has no such column", value=on, remedy=remedy)
        added = [name for name in table.columns if name != on]
        if not added:
            raise UsageError(f"the frame has no column besides {on}", remedy="Add the columns to join.")
        for name in added:
            _check_new_dimension(name, self.incident)
        texts = (_as_text(table, name) for name in added)
        keyed = table.select(_as_text(table, on).alias("joined_key"), *texts).drop_nulls("joined_key")
        repeated = keyed.filter(pl.col("joined_key").is_duplicated())["joined_key"]
        if len(repeated):
            raise UsageError(
                f"the frame has {repeated.n_unique():,} values of {on} twice, which would multiply claims",
                column=on,
                value=mask_personal_data(repeated[0]),
                remedy=f'Keep one row per value: frame.unique("{on}").',
            )
        warehouse, key = Warehouse(self.warehouse), f"cast({_column(on)} as varchar)"
        warehouse.load("joined", keyed)
        query = queries.load(
            "joined_claims",
            source=self.warehouse.qualified("accepted"),
            columns="".join(f", joined.{quote_identifier(name)}" for name in added),
            key=key,
        )
        # A table, not a view: the join would otherwise run again in every query.
        warehouse.create("accepted", query)
        if len(self) and not warehouse.frame(queries.load("matched_claims", key=key)).item():
            problem = f"no claim has a value of {on} that the frame contains"
            raise UsageError(problem, column=on, remedy="Compare both columns.")
        dimensions = (*self.incident.dimensions, *(Dimension(id=n, name=Name(en=n)) for n in added))
        incident = self.incident.model_copy(update={"dimensions": dimensions})
        return _derived(self, warehouse, incident, f"{', '.join(added)} joined on {on}")

    def by(
        self, *dimensions: str, bands: float | Sequence[float] | None = None, lang: str = "en"
    ) -> ClaimsByBand:
        """Count the claims and add up their stated losses by dimensions and loss bands.

        Args:
            dimensions: any of service, claimant_type, filed_on, filed_hour (the hour in the time zone of the
                incident; null if only the date is known) and the dimensions of the incident.
            bands: one or more edges of the loss bands in increasing order, in whole currency (euros, not
                cents) or in the unit of losses. A band includes its upper edge: [0, 300_000] gives the bands
                "up to 300,000" and "over 300,000". Zero losses and losses that are not stated are bands of
                their own. By default, losses are not divided into bands.
            lang: the language of the column `band` and of the displayed table, en or ko.

        Returns:
            A Polars frame with one row per combination of dimension values, or with `bands` one row per
            combination and band. Its columns are the dimensions; with `bands`, `band` (in words), `over` and
            `up_to` (the losses x with over < x <= up_to; both null for losses that are not stated);
            `claims`; `loss`, the sum of the stated losses (null if none is stated); and `share`, the share of
            all claims. `over`, `up_to` and `loss` are in whole currency. In a notebook and in a terminal, the
            frame shows itself as a table of claims with a row per value of the first dimension and a column
            per band.

        Raises:
            UsageError: a dimension does not exist or is named twice, or the edges do not increase.
            DisclosureBlocked: the values of a dimension contain personal data.

        Example:
            >>> claims.by("service", bands=[0, 300_000, 500_000])  # doctest: +SKIP
        """
        from outage_analysis.losses import claims_by_band

        return claims_by_band(self, dimensions, bands, lang)

    @property
    def columns(self) -> list[str]:
        """The names of the columns of `to_polars`."""
        return self.head(0).columns

    def head(self, n: int = 5) -> pl.DataFrame:
        """Return the first claims, in file and row order, with the columns of `to_polars`."""
        return self.query("from claims order by source_file, source_row limit $n", n=n)

    def summary(self, *dimensions: str) -> pl.DataFrame:
        """Return the number, sum, mean and median of the stated losses by dimensions, such as service.

        Returns:
            The table of `summary` in `outage_analysis.losses`, with amounts in whole currency.

        Raises:
            UsageError: a dimension does not exist.

        Example:
            >>> claims.summary("service").select("service", "mean", "median")  # doctest: +SKIP
        """
        from outage_analysis.losses import build_cube, summary

        table = summary(build_cube(self, dimensions=dimensions), dimensions)
        unit = 10**self.incident.loss_digits
        amounts = [c for c, kind in table.schema.items() if c in ("loss", "mean") or c.startswith("median")]
        return table.with_columns(pl.col(amounts) / unit) if unit > 1 else table

    def fit(self, *families: str, where: DimensionFilter | None = None, recovery: bool = False) -> Fits:
        """Fit severity distributions to the losses above 0, in whole currency.

        Args:
            families: such as lognormal; by default all.
            where: dimension -> value or list of values; use only the claims with these values.
            recovery: allow synthetic claims, to test whether the fit recovers the generator's parameters.

        Raises:
            ModelRefused: the claims are synthetic and `recovery` is not set, or no family can be fitted.

        Example:
            >>> claims.fit("lognormal").best.chart()  # doctest: +SKIP
        """
        from outage_analysis.analysis import fit_cube
        from outage_analysis.losses import build_cube

        cube, unit = build_cube(self, dimensions=[*(where or ())]), 10**self.incident.loss_digits
        return fit_cube(cube, totals=False, where=where, families=families, recovery=recovery, unit=unit)[0]

    def forecast(
        self, *, closes: str | date | None = None, spike: float | None = None, recovery: bool = False
    ) -> IntakeForecast:
        """Forecast how many claims are still to come until the last day to claim.

        Args:
            closes: the last day to claim; by default that of the incident.
            spike: the extra claims on that day, as a multiple of the claims expected on it.
            recovery: allow synthetic claims, to test whether the forecast recovers what generated them.

        Raises:
            UsageError: `closes` is no day.
            ModelRefused: the claims are synthetic and `recovery` is not set.

        Example:
            >>> claims.forecast(closes="2031-03-20").tables["branches"]  # doctest: +SKIP
        """
        from outage_analysis.analysis import as_day, forecast_intake

        return forecast_intake(self, closes=as_day(closes, "closes"), spike=spike, recovery=recovery)

    def run(self, **arguments: Unpack[RunArguments]) -> Analysis:
        """Run an analysis of the claims; the arguments are those of `outage_analysis.run`.

        Example:
            >>> claims.run(tiers={300_000: 30_000}).chance_over(300_000_000)  # doctest: +SKIP
        """
        from outage_analysis.analysis import run

        return run(self, **arguments)

    @property
    def control_totals(self) -> pl.DataFrame:
        """The number, sum, smallest, middle and largest of the losses of each file, to check their unit.

        The columns are file, stated, total, smallest, median, largest, unit and scale (what an amount of 1 in
        the file stands for). Losses are in whole currency.
        """
        return schema_of("claims_amounts").whole(self.exact_totals, self.incident.locale("en").places)

    @property
    def exact_totals(self) -> pl.DataFrame:
        """The control totals with losses in the smallest currency unit."""
        read = zip(self.inputs, self.layouts, strict=True)
        files = {file.name: layout.scale.get("loss", 1) for file, layout in read}
        return control_totals(self.warehouse, self.incident, files)

    def check_reject_share(self, max_share: float) -> None:
        """Raise an error if the share of rejected rows exceeds `max_share`.

        Args:
            max_share: the largest accepted share of rejected rows over all files. Below 1, every file must
                also contain at least one claim.

        Raises:
            InputRefused: too many rows were rejected, or the files have no rows. The message explains the
                first reject, counts the rejects per rule and says how to continue.
        """
        files = self.files
        rows, rejected = int(files["rows"].sum()), int(files["rejects"].sum())
        if rows == 0:
            raise InputRefused("has a header and no rows", file=self.inputs[0].name)
        without_claims = (
            files.filter(pl.col("rows") > 0, pl.col("claims") == 0)["file"].to_list() if max_share < 1 else []
        )
        if rejected / rows > max_share or without_claims:
            names = without_claims if without_claims and rejected < rows else files["file"].to_list()
            raise self._too_many_rejects(names, max_share)

    def check_any_claim(self) -> None:
        """Raise `InputRefused`, as `check_reject_share` does, if every row was rejected."""
        if not len(self) and self.files["rejects"].sum():
            raise self._too_many_rejects(self.files["file"].to_list(), 1)

    def _too_many_rejects(self, names: Sequence[str], max_share: float) -> InputRefused:
        """Return the error that too many rows of the files with these names were rejected.

        The message explains the first reject, counts the rejects per rule and says how to continue.
        """
        rejects = self.rejected_rows.filter(pl.col("source_file").is_in(names))
        rows, rejected = int(self.files.filter(pl.col("file").is_in(names))["rows"].sum()), len(rejects)
        rules = dict(rejects["broken"].explode().value_counts().iter_rows())
        first = explain_reject(self.incident, rejects.row(0, named=True))
        first.problem = f"{_rejected_share(rejected, rows, max_share, rules)}; the first {first.problem}"
        enough = -(-100 * rejected // rows)
        onward = (
            "Mend the rows, or go on without them: "
            + either(f"max_rejects={enough / 100:g}; .rejects", f"--max-rejects {enough}%; ingest")
            + " then lists them."
            if rejected < rows
            else "If this is so of every row, "
            + either("oa.inspect_file", "outage-analysis inspect")
            + " shows how the file reads."
        )
        first.remedy = f"{onward} The first: {one_line(first.remedy, MAX_REMEDY_LENGTH)}"
        return first

    def distinct_texts(self, column: str) -> pl.Series:
        """Return the different values of a text column."""
        return self.warehouse.frame(queries.load("distinct_texts", name=quote_identifier(column)))["value"]

    def check_no_personal_data(self, columns: Sequence[str]) -> None:
        """Raise an error if one of these text columns contains personal data or free text.

        Call this before you export values of the columns.

        Raises:
            DisclosureBlocked: a column contains personal data, such as resident, phone or card numbers or
                e-mail addresses, or long or multi-line text.
        """
        for column in columns:
            check_labels(column, self.distinct_texts(column))


def check_labels(column: str, texts: pl.Series) -> None:
    """Raise an error if the different values of a text column contain personal data or free text.

    Raises:
        DisclosureBlocked: they do.
    """
    if (texts.str.len_chars() > MAX_LABEL_LENGTH).any() or texts.str.contains("[\r\n]").any():
        raise DisclosureBlocked(
            f"holds free text: more than {MAX_LABEL_LENGTH} characters, or several lines",
            column=column,
            remedy="Map the column to another header.",
        )
    personal = find_personal_data(texts)
    if personal is not None:
        kind, count = personal
        raise DisclosureBlocked(
            f"holds what looks like personal data ({kind}) in {count:,} of {len(texts):,} different values",
            column=column,
            remedy="Replace it in the file, or map the column to another header.",
        )


def _card_tables(claims: Claims, rejected: int, locale: Locale) -> tuple[Table, ...]:
    columns = ("file", "rows", "claims", "rejects")
    files, more = first_rows(
        locale,
        claims.files.select(columns).rows(),
        lambda f: (str(f[0]), *map(locale.number, f[1:])),
        "claims.files",
    )
    tables = [Table(tuple(locale(f"column.{c}") for c in columns), files, frozenset({1, 2, 3}), more=more)]
    measures = ("file", "stated", "total", "smallest", "median", "largest")
    own, sums = claims.incident.locale(locale.lang), claims.exact_totals
    amounts, more = first_rows(
        locale,
        sums.select(measures).rows(),
        lambda f: (str(f[0]), locale.number(f[1]), *("–" if x is None else own.loss(x) for x in f[2:])),
        "claims.control_totals",
    )
    titles, units = tuple(locale(f"column.{name}") for name in measures), own.loss_unit_name
    scales = [own.number(scale) for scale in dict.fromkeys(sums["scale"]) if scale != 1]
    if scales:  # some files state losses in another unit: say what an amount of 1 stands for
        units = own("card.scaled", unit=units, scale=", ".join(scales))
    title = locale("card.amounts", units=units)
    tables.append(Table(titles, amounts, frozenset(range(1, len(measures))), title, more))
    if rejected:
        rejects = rejected_rows(claims.warehouse, most=MAX_CARD_ROWS).rows(named=True)
        rows, more = first_rows(
            locale, rejects, lambda r: _reject_cells(claims, r, locale), "claims.rejects", rejected
        )
        heads = ("column.file", "card.row", "column.rule_text", "card.value", "card.remedy")
        tables.append(Table(tuple(map(locale, heads)), rows, frozenset({1}), locale("card.rejects"), more))
    return tuple(tables)


def _reject_cells(claims: Claims, reject: Mapping[str, Any], locale: Locale) -> tuple[str, ...]:
    error, rule = explain_reject(claims.incident, reject, locale.lang), reject["broken"][0]
    value = "–" if error.value is None else one_line(error.value, 80)
    place = str(error.file), locale.number(error.row or 0)
    return *place, locale.label_or(f"rule.{rule}", rule), value, error.remedy
