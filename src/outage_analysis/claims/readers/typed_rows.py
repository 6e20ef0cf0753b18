"""Type the rows of a file with one SQL query, into the table `typed_rows`.

The table has the values of every row that DuckDB can read, and `ok`, which is false for rows that must be
rechecked (see `fast_path_sql`). It has no row numbers: a row number is the DuckDB rowid plus a shift. The
rows that DuckDB cannot read and those that must be rechecked are stored as text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl

from outage_analysis.claims import queries
from outage_analysis.claims.queries import quote_identifier
from outage_analysis.claims.readers.cell_values import (
    BLANKS,
    MANY_SHARE,
    FirstTexts,
    enum_type,
    fast_path_sql,
    states_times,
    values_for_enum,
)
from outage_analysis.claims.readers.source_file import PLACES, EngineQuery, RowNumbers, SourceFile
from outage_analysis.claims.rules import SAME_COMPLAINT
from outage_analysis.claims.warehouse import NO_FRAMES, Frames, Warehouse
from outage_analysis.errors import REPORT_BUG, EnvironmentFailed, InputRefused
from outage_analysis.incidents import COUNT, FILED_AT, Incident
from outage_analysis.text import TextFile, original_offsets


@dataclass(frozen=True)
class TypedRows:
    """The rows of one file in the table `typed_rows`."""

    file: SourceFile
    place: int
    """The rowid of the first row of the file in the table. The other rows follow in the order of the file."""
    row_numbers: RowNumbers
    times: bool = False
    """Whether the first rows of the file contain times of filing other than midnight."""

    @property
    def shift(self) -> int:
        """The number that must be added to a rowid of the table to get the row number in the file."""
        return self.file.first_row - self.place


def shift_sql(file_number: str, typed: Mapping[int, TypedRows]) -> str:
    """Return SQL for the `shift` of a row in `typed_rows`, given SQL for the number of its file."""
    if not typed:
        return "0"
    shifts = (str(typed[n].shift if n in typed else 0) for n in range(max(typed) + 1))
    return f"([{', '.join(shifts)}])[{file_number} + 1]"


@dataclass
class RowTyping:
    """Types the rows of the files of one run. `type_rows` types those of one file."""

    warehouse: Warehouse
    incident: Incident
    _enum_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Dimension with few distinct values -> these values, which `typed_rows` stores as an enum."""

    def __post_init__(self) -> None:
        self._create_table()

    def type_rows(self, file: SourceFile) -> TypedRows | None:
        """Append the typed rows of a file to the table `typed_rows`.

        Returns None, and appends nothing, if the file must be read as text.
        """
        table, source = file.table, file.engine
        if source is None or (table.numbers_rows and "claim_id" not in source.cells):
            return None  # DuckDB does not number the rows, so an id cannot contain the number.
        texts = {**source.first_texts, **table.computed_texts(source.first_texts)}
        first_texts = defaultdict(Counter, {column: Counter(cells) for column, cells in texts.items()})
        self._choose_enum_values(first_texts)
        times = states_times(first_texts)
        constants = {c: f"nullif({sql}, '')" for c, sql in table.constants_sql.items()}
        cells = constants | dict(source.cells) | table.computed_sql(source.cells)
        if times or FILED_AT in cells:
            self.warehouse.run(f"alter table typed_rows add column if not exists {FILED_AT} {MOMENT}")
        if COUNT in cells:
            add_count_column(self.warehouse)
        query = fast_path_sql(
            self.incident,
            table.layout,
            cells,
            first_texts,
            enum_values=self._enum_values,
            surplus=source.surplus,
            source=source.source,
            file=table.number,
        )
        added = read_by_engine(self.warehouse, "typed_rows", query, file, source)
        return None if added is None else TypedRows(file, *added, times)

    def _choose_enum_values(self, first_texts: FirstTexts) -> None:
        if not self.warehouse.count("typed_rows"):
            names = (d.id for d in self.incident.dimensions if d.kind == "text")
            self._enum_values = {c: values for c in names if (values := values_for_enum(first_texts[c]))}
            self._create_table()
        for column, known in [*self._enum_values.items()]:
            texts = first_texts[column]
            if sum(n for text, n in texts.items() if text and text not in known) > texts.total() * MANY_SHARE:
                del self._enum_values[column]
                self.warehouse.run(f"alter table typed_rows alter {quote_identifier(column)} type varchar")

    def _create_table(self) -> None:
        """Create the empty table. Services, claimant types and some dimensions are stored as SQL enums.

        The column `filed_at` is added only when a file with times of filing is read.
        """
        kinds = column_types(self.incident) | {"synthetic": "boolean"}
        ids = {column: [item.id for item in items] for column, items in self.incident.named_items.items()}
        kinds |= {column: enum_type(known) for column, known in (ids | self._enum_values).items() if known}
        columns = ", ".join(f"{quote_identifier(c)} {kind}" for c, kind in kinds.items() if c != FILED_AT)
        table = f"typed_rows (file_number usmallint, {columns}, ok boolean)"
        self.warehouse.run(f"create or replace table {table}")


def add_count_column(warehouse: Warehouse) -> None:
    """Add the column for the number of claims of a row to `typed_rows`, unless it is there."""
    warehouse.run(f"alter table typed_rows add column if not exists {COUNT} integer")


MOMENT = "timestamp with time zone"
"""SQL type of `filed_at`, as DuckDB writes it in the definition of a table."""


def column_types(incident: Incident) -> dict[str, str]:
    """Return the columns of a claim with their SQL types."""
    texts = ("claim_id", "claimant_id", "service", "claimant_type")
    kinds = dict.fromkeys(texts, "varchar") | {"filed_on": "date", FILED_AT: MOMENT, "loss": "bigint"}
    return kinds | {d.id: "bigint" if d.is_number else "varchar" for d in incident.dimensions}


def typed_columns(incident: Incident) -> str:
    """Return the SQL column list of a claim, with a null of the right type for each column."""
    kinds = column_types(incident) | {"synthetic": "boolean"}
    return ", ".join(f"cast(null as {kind}) as {quote_identifier(c)}" for c, kind in kinds.items())


RECORD_COLUMNS = dict.fromkeys(("file_number", *PLACES), pl.Int64)


def create_text_tables(warehouse: Warehouse, columns: Iterable[str]) -> None:
    """Create the empty tables `text_rows` (with these columns of text) and `unreadable`."""
    warehouse.load("text_rows", pl.DataFrame(schema={**RECORD_COLUMNS, **dict.fromkeys(columns, pl.String)}))
    warehouse.load("unreadable", pl.DataFrame(schema={**RECORD_COLUMNS, "problem": pl.String}))


def store_texts(warehouse: Warehouse, file: SourceFile, rows: pl.Series | None = None) -> int:
    """Append rows of a file to `text_rows`, and records that do not fit the header to `unreadable`.

    Args:
        warehouse: the warehouse with both tables.
        file: the file.
        rows: the numbers of the wanted rows, which must increase; None for all rows.

    Returns:
        The number of rows without any text. They are left out.

    Raises:
        InputRefused: the file is damaged, contains a second table, or a quotation mark may merge rows.
    """
    number, empty = file.table.number, 0
    removed, added = file.table.added_columns(file.columns)
    for part in file.texts(rows):
        query = queries.load("text_rows", file=str(number), source=part.query, removed=removed, added=added)
        try:
            warehouse.append("text_rows", query, inputs=part.inputs, **part.values)
        except InputRefused as error:
            raise file.engine_error(error) from error
        if part.unreadable:
            records = pl.DataFrame(part.unreadable, schema=[*PLACES, "problem"], orient="row")
            records = records.with_columns(file_number=number)
            warehouse.append("unreadable", "from records", inputs={"records": records})
        empty += part.empty
    return empty


def store_all_texts(warehouse: Warehouse, file: SourceFile) -> None:
    """Store every row of an inspected file as text: with DuckDB if possible, which is faster.

    Raises:
        InputRefused: see `store_texts`.
    """
    source, added = file.engine, None
    if source is not None:
        query = queries.load(
            "numbered_texts",
            file=str(file.table.number),
            before=str(file.first_row - 1),
            cells=queries.listed_sql(source.cells),
            source=source.source,
        )
        added = read_by_engine(warehouse, "text_rows", query, file, source)
    if added is None:
        store_texts(warehouse, file)
        return
    _, numbers = added
    is_empty = " and ".join(f"{quote_identifier(c)} is null" for c in file.columns)
    uneven = pl.Series("number", numbers.uneven, pl.Int64)
    is_uneven = "source_row in (select number from uneven_rows)"
    warehouse.delete("text_rows", f"({is_empty}) or {is_uneven}", inputs={"uneven_rows": uneven.to_frame()})
    store_texts(warehouse, file, uneven)


def reject_texts(warehouse: Warehouse, texts: dict[int, TextFile]) -> pl.DataFrame:
    """Read the rejected rows of text files again.

    Args:
        warehouse: the warehouse with the tables `checked_rows` and `unreadable`.
        texts: file number -> the decoded text file.

    Returns:
        One row per rejected row: file_number, source_row, its text `raw`, and its offset `byte` in the
        original file, or in the decompressed content of a compressed file.
    """
    schema = {"file_number": pl.Int64, "source_row": pl.Int64, "byte": pl.Int64, "raw": pl.String}
    rows: list[tuple[int, int, int, str]] = []
    for number, text in texts.items():
        rejected = warehouse.frame(queries.load("rejected_records"), number=number)
        places = original_offsets(text, rejected["byte_offset"].to_list())
        with text.path.open("rb") as stream:
            for (row, offset, length), place in zip(rejected.iter_rows(), places, strict=True):
                stream.seek(offset)
                raw = stream.read(length).decode().rstrip("\r\n")
                rows.append((number, row, place, raw.replace("\0", "\N{REPLACEMENT CHARACTER}")))
    return pl.DataFrame(rows, schema=schema, orient="row")


HASHED_ROWS = 50_000_000
"""About the most ids whose hashes are in memory at a time."""
PROBED_FROM_ROWS, PROBES = 122_880, 16
"""Rows above which DuckDB may read a file in parallel, and how many of these rows are checked for order."""
ID_IS_REPEATED = f"hash({SAME_COMPLAINT}) in (select id from repeated_ids)"  # noqa: S608 - a constant


def recheck_rows(warehouse: Warehouse, typed: Mapping[int, TypedRows]) -> dict[int, int]:
    """Store the texts of the doubtful rows of `typed_rows` in `text_rows`, and mark these rows as not ok.

    A row is doubtful if `ok` is false, if its fields do not fit the header, or if its claim id occurs more
    than once: validation needs the texts to decide which row is the first and whether the others are exact
    copies. Of a large file, a few more rows are rechecked, to verify the order of the rows.

    Args:
        warehouse: the warehouse with the tables `typed_rows` and `text_rows`.
        typed: file number -> the rows of the file in `typed_rows`.

    Returns:
        File number -> the number of empty rows of this file, which do not count as rows.

    Raises:
        EnvironmentFailed: DuckDB changed the order of the rows, so that rowids do not match row numbers.
    """
    probes: list[int] = []
    for rows in typed.values():
        probes += [number - rows.shift for number in rows.row_numbers.uneven]
        if rows.row_numbers.rows > PROBED_FROM_ROWS:
            last = rows.row_numbers.rows - 1
            probes += [rows.place + at * last // (PROBES - 1) for at in range(PROBES)]
    parts = (warehouse.count("typed_rows") + warehouse.count("text_rows")) // HASHED_ROWS + 1
    found = []
    for part in range(parts):
        query = queries.load("ids", key=SAME_COMPLAINT, part=f"{parts} = {part}")
        hashes = warehouse.frame(query, blanks=BLANKS)["id"].sort()
        found.append(hashes.filter(hashes == hashes.shift()))
    repeated = pl.concat(found).unique().to_frame()
    inputs = {"repeated_ids": repeated, "probes": pl.DataFrame({"place": probes}, schema={"place": pl.Int64})}
    doubts = ["not ok", "rowid in (select place from probes)", *([ID_IS_REPEATED] if len(repeated) else [])]
    doubtful, empty_rows = _reread(warehouse, typed, " or ".join(doubts), inputs)
    if doubtful.is_empty():
        return {}
    query = queries.load("corrected_ids", key=SAME_COMPLAINT, shift=shift_sql("rechecked.file_number", typed))
    others = warehouse.frame(query, inputs={"rechecked": doubtful}, blanks=BLANKS)
    for number, row in others.filter("plain").select("file_number", "source_row").iter_rows():
        problem = "has rows that came in another order"
        raise EnvironmentFailed(problem, file=typed[number].file.table.file, row=row, remedy=REPORT_BUG)
    corrected = others.select(pl.col("id").drop_nulls().unique())
    if len(corrected):
        # No row is empty, so the count is ignored.
        _reread(warehouse, typed, f"ok and {ID_IS_REPEATED}", {"repeated_ids": corrected})
    return empty_rows


def _reread(
    warehouse: Warehouse, typed: Mapping[int, TypedRows], condition: str, inputs: Frames
) -> tuple[pl.DataFrame, dict[int, int]]:
    """Mark rows as not ok and store their texts; return these rows, and the number of empty ones per file."""
    doubtful = warehouse.frame(queries.load("doubtful_rows", doubtful=condition), inputs=inputs)
    if doubtful.is_empty():
        return doubtful, {}
    judged_again = "update typed_rows set ok = false where ok and rowid in (select place from doubtful)"
    warehouse.run(judged_again, inputs={"doubtful": doubtful})
    empty_rows: dict[int, int] = {}
    for number, rows in typed.items():
        numbers = doubtful.filter(file_number=number)["place"] + rows.shift
        if len(numbers):
            empty_rows[number] = store_texts(warehouse, rows.file, numbers)
    return doubtful, empty_rows


def read_by_engine(
    warehouse: Warehouse, target: str, query: str, file: SourceFile, source: EngineQuery
) -> tuple[int, RowNumbers] | None:
    """Append all rows of a file to a table with DuckDB, while Python counts the rows.

    Args:
        warehouse: the warehouse that contains the table.
        target: the name of the table, which has a column `file_number`.
        query: the SQL of the rows to append. It reads `source`.
        file: the file.
        source: how DuckDB reads the file.

    Returns:
        The DuckDB rowid of the first row in the table, and the row numbers. None if DuckDB cannot read the
        file or may split it into rows differently from the reader; then the table has no row of this file.
    """

    def append(**changed: object) -> tuple[int, int] | None:
        try:
            warehouse.append(target, query, inputs=NO_FRAMES, **{**source.values, **changed})
        except InputRefused:
            return None
        row_range = queries.load("row_range", table=target)
        place, rows = warehouse.frame(row_range, number=file.table.number).row(0)
        return place, rows

    with ThreadPoolExecutor(1) as pool:
        counted = pool.submit(file.row_numbers)
        added = append()
        numbers = counted.result()
    if added is None and numbers is not None and numbers.several_lines:
        added = append(parallel=False)
    if added is None or numbers is None or added[1] != numbers.rows:
        warehouse.delete(target, f"file_number = {file.table.number}")
        return None
    return added[0], numbers
