"""Readers: complaint files go in; their rows, as tables of a DuckDB database (the warehouse), come out.

A row takes these steps, in this order. `ingestion.py` calls them; each arrow names a table of the warehouse.

1. Read: `read_files` opens a file with the reader for its suffix. The reader finds the header and the columns
   and returns a `SourceFile`; it stores nothing.
2. Type: `typed_rows` lets DuckDB read and type all rows at once -> `typed_rows`. The column `ok` is true for
   rows that are certainly claims. If DuckDB cannot read the file, `text_rows` stores all rows as text
   -> `text_rows`, and records that do not fit the header -> `unreadable`.
3. Recheck: `recheck_rows` finds the doubtful rows of `typed_rows` (not ok, or an id that occurs again), sets
   their `ok` to false, and stores their text -> `text_rows`, `unreadable`.
4. Rules: `validation` parses the texts -> `parsed_rows`, and checks every rule -> `checked_rows`, `noted`.
5. Claims and rejects: `validation` collects the `rejects` (of `checked_rows` and `unreadable`), and the view
   `accepted` (the ok rows of `typed_rows`, the rows without error of `checked_rows`, and the `earlier` claims
   of a warehouse file).

A frame that only one query reads is an input of this query (`inputs` of `Warehouse.create`), not a table.

Where to change what:

- which complaints are the same: `SAME_COMPLAINT` in `rules`;
- delimiter, quotation mark, escape character: `Punctuation` in `record_splitting`;
- words for a missing value: `stated_text_sql` and `plain_text_sql` in `cell_values`;
- formats of dates and amounts: `value_sql` in `cell_values`;
- times of day: `text/dates.py` and `filed_at_sql` in `cell_values`;
- constant and computed columns: `constants_sql` and `computed_sql` of `ExpectedTable` in `source_file`;
- a new file format: a class with the interface of `SourceFile`, and `open_file` in `read_files`.

Modules:
    read_files: expands paths to files, opens each with its reader, and records it
    source_file: the columns to look for, how a header is recognised, and what every reader offers
    cell_values: SQL for the text and the value of a cell, and for the rows that plainly break no rule
    typed_rows: types all rows of a file, and stores the text of the doubtful rows for validation
    delimited: CSV and similar files: detects delimiter, quotation mark and header, and reads the rows
    record_splitting: splits lines into records, isolates damaged ones, and finds a record by its number
    json_files: JSON lines and JSON arrays
    parquet: Parquet files and data frames
    workbooks: Excel and OpenDocument workbooks
"""
