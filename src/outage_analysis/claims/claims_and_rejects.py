"""The result of reading complaint files: claims, and rejects (rows that break a validation rule)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, cast

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.parquet import DataFrame
from outage_analysis.claims.readers.read_files import InputFile
from outage_analysis.claims.rejects import explain_reject, rejected_rows, rejects_table, too_many_rejects
from outage_analysis.claims.selections import filter_claims, join_claims
from outage_analysis.claims.user_queries import run_select
from outage_analysis.claims.validation import control_totals
from outage_analysis.claims.warehouse import NoWarehouse, Warehouse
from outage_analysis.errors import DisclosureBlocked, InputRefused, one_line
from outage_analysis.incidents import Incident, Layout
from outage_analysis.text import (
    MAX_CARD_ROWS,
    Card,
    Displayable,
    Locale,
    Table,
    find_personal_data,
    first_rows,
    schema_of,
    schemas_of,
)

if TYPE_CHECKING:
    from outage_analysis.analysis import Analysis, IntakeForecast
    from outage_analysis.analysis.analysis import RunArguments
    from outage_analysis.losses import ClaimsByBand, DimensionFilter, Fits

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
        lines = [
            *([locale("card.synthetic")] if self.synthetic else []),
            total,
            *([locale("card.selection", selection=self.selection)] if self.is_derived else []),
        ]
        skipped = locale("card.skipped", names=", ".join(self.skipped[:MAX_CARD_ROWS]))
        return Card(
            locale("card.claims", incident=self.incident.name[lang]),
            tuple(lines),
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
        return rejects_table(self.rejected_rows, self.incident)

    @property
    def rejected_rows(self) -> pl.DataFrame:
        """One row per reject with its raw, unmasked text, in file and row order.

        The class docstring describes the columns; `rejects` masks personal data.
        """
        return rejected_rows(self.warehouse)

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
        rows = [(name, schema.row) for name, schema in schemas_of("query").items()]
        return pl.DataFrame(rows, schema=["query", "row"], orient="row")

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
        return self.warehouse.frame(queries.load("claims_in_order"))

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
            UsageError: a column does not exist, or no claim can have a value. The message suggests the
                closest name.

        Example:
            >>> claims.filter(service="kakao_t", filed_from="2022-10-20")  # doctest: +SKIP
        """
        return filter_claims(self, conditions)

    def join(
        self, frame: DataFrame, on: str = "claimant_id", how: Literal["left", "inner"] = "left"
    ) -> Claims:
        """Add the columns of a data frame to the claims, as text dimensions of the incident.

        Then `by`, `filter` and cubes can use the columns. The result has no rejects.

        Args:
            frame: one row per value of `on`; its other columns become the dimensions. They may contain text,
                whole numbers, days or true and false. Any frame that `read_claims` reads is accepted.
            on: the column that the claims and the frame share.
            how: `left` keeps claims without a row in the frame, with null in the new columns; `inner` leaves
                them out.

        Raises:
            UsageError: the frame has no column `on` or no other column; a value of `on` is there twice, which
                would multiply claims; a column has a reserved name, the name of a column of the claims, or
                decimals; or no claim has a row in the frame.

        Example:
            >>> customers = pl.DataFrame({"claimant_id": ["u1", "u2"], "segment": ["premium", "basic"]})
            >>> claims.join(customers).by("segment")  # doctest: +SKIP
        """
        return join_claims(self, frame, on, how)

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
        from outage_analysis.losses import FAMILIES, build_cube

        cube, chosen = build_cube(self, dimensions=[*(where or ())]), families or tuple(FAMILIES)
        unit = 10**self.incident.loss_digits
        return fit_cube(cube, totals=False, where=where, families=chosen, recovery=recovery, unit=unit)[0]

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
        scales = [layout.scale.get("loss", 1) for layout in self.layouts]
        files = dict(zip((file.name for file in self.inputs), scales, strict=True))
        return control_totals(self.warehouse, self.incident, files)

    def counted_rules(self) -> pl.DataFrame:
        """Count the claims that break a validation rule but are not rejected for it.

        An incident can set a rule to "count" instead of "reject". Returns one row per file and rule:
        source_file, rule, claims.
        """
        return self.warehouse.frame(queries.load("counted_rules"))

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
        """Return the error that too many rows of the files with these names were rejected."""
        rejects = self.rejected_rows.filter(pl.col("source_file").is_in(names))
        rows = int(self.files.filter(pl.col("file").is_in(names))["rows"].sum())
        return too_many_rejects(
            explain_reject(self.incident, rejects.row(0, named=True)), rejects, rows, max_share
        )

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
        article = "an" if kind[0] in "ae" else "a"
        raise DisclosureBlocked(
            f"holds what looks like {article} {kind} in {count:,} of {len(texts):,} different values",
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
    titles = tuple(locale(f"column.{name}") for name in measures)
    units = own.unit if own.loss_unit == own.currency else own.unit_name(own.loss_unit)
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


def _reject_cells(claims: Claims, reject: dict[str, object], locale: Locale) -> tuple[str, ...]:
    error, broken = explain_reject(claims.incident, reject, locale.lang), reject["broken"]
    rule = str(broken[0]) if isinstance(broken, list) else ""
    name = locale.label_or(f"rule.{rule}", rule)
    value = "–" if error.value is None else one_line(error.value, 80)
    return str(error.file), locale.number(error.row or 0), name, value, error.remedy
