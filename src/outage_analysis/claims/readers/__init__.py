"""Readers: complaint files go in; their rows, as tables of a DuckDB database (the warehouse), come out.

A row takes these steps, in this order. `ingestion.py` calls them; each arrow names a table of the warehouse.

1. Read: `read_files` opens a file with the reader for its suffix. The reader finds the header and the columns
   and returns a `SourceFile`; it stores nothing.
2. Type: `typed_rows` lets DuckDB read and type all rows at once -> `typed_rows`. The column `ok` is true for
   rows that are certainly claims. If DuckDB cannot read the file, `text_rows` stores all rows as text
   -> `text_rows`, and records that do not fit the header -> `unreadable`.
3. Recheck: `recheck` finds the doubtful rows of `typed_rows` (not ok, or an id that occurs again), sets their
   `ok` to false, and stores their text -> `text_rows`, `unreadable`.
4. Rules: `validation` parses the texts -> `parsed_rows`, and checks every rule -> `checked_rows`, `noted`.
5. Claims and rejects: `validation` collects the `rejects` (of `checked_rows` and `unreadable`), and the view
   `accepted` (the ok rows of `typed_rows`, the rows without error of `checked_rows`, and the `earlier` claims
   of a warehouse file).

A frame that only one query reads is an input of this query (`inputs` of `Warehouse.create`), not a table.

Where to change what:

- which complaints are the same: `SAME_COMPLAINT` in `rules`;
- delimiter, quotation mark, escape character: `Dialect` in `dialects`;
- words for a missing value: `stated_text_sql` and `plain_text_sql` in `cell_values`;
- formats of dates and amounts: `value_sql` in `cell_values`;
- times of day: `text/dates.py` and `filed_at_sql` in `cell_values`;
- constant and computed columns: `constants_sql` and `computed_sql` of `ExpectedTable` in `expected_table`;
- a new file format: a class with the interface of `SourceFile`, and `open_file` in `read_files`.

Modules:
    data_frames: writes a data frame into a Parquet file
    read_files: expands paths to files, opens each with its reader, and records it
    source_file: what every reader offers, and how DuckDB reads such a file
    expected_table: the columns to look for, and how a header is recognised
    cell_values: SQL for the text and the value of one cell
    typed_rows: types all rows of a file
    fast_path: the SQL that types rows and accepts those that plainly break no rule
    recheck: stores the text of the doubtful rows for validation
    record_index: finds the records of a text file by their number
    delimited: CSV and similar files
    record_splitting: splits lines into records, and isolates damaged records
    dialects: detects delimiter, quotation mark and header of a delimited file
    shifted_columns: refuses files whose cells may be shifted against the header
    json_files: JSON lines and JSON arrays
    parquet: Parquet files
    workbooks: Excel and OpenDocument workbooks
    workbook_xml: reads errors, formulas and merged cells of an .xlsx workbook
    open_document: reads errors and merged cells of an .ods workbook
"""
