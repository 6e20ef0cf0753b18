"""Claims: complaint files go in; claims and rejects come out. Each row becomes one claim or one reject.

A row takes these steps, in this order. `ingestion` calls them; each arrow names a table of the warehouse.

1. Read: `read_files` opens a file with the reader for its suffix. The reader finds the header and the columns
   and returns a `SourceFile`; it stores nothing.
2. Type: DuckDB reads and types all rows at once -> `typed_rows`. The column `ok` is true for rows that are
   certainly claims. If DuckDB cannot read the file, all rows are stored as text -> `text_rows`, and records
   that do not fit the header -> `unreadable`.
3. Recheck: `recheck_rows` finds the doubtful rows of `typed_rows` (not ok, or an id that occurs again), sets
   their `ok` to false, and stores their text -> `text_rows`, `unreadable`.
4. Rules: `validation` parses the texts -> `parsed_rows`, and checks every rule -> `checked_rows`.
5. Claims and rejects: `validation` collects the `rejects` (of `checked_rows` and `unreadable`), and the view
   `accepted` (the ok rows of `typed_rows`, the rows without error of `checked_rows`).

A frame that only one query reads is an input of this query (`inputs` of `Warehouse.create`), not a table.

Where to change what:

- which complaints are the same: `SAME_COMPLAINT` in `cell_values`;
- delimiter, quotation mark, escape character: `RecordSplitter` in `delimited`;
- words for a missing value: `stated_text_sql` and `_null_if_missing_sql` in `cell_values`;
- formats of dates and amounts: `value_sql` in `cell_values`;
- times of day: `text/notations.py` and `filed_at_sql` in `cell_values`;
- constant and computed columns: `constants_sql` and `computed_sql` of `ExpectedTable` in `source_file`;
- a new file format: a function that returns a `SourceFile`, and `open_file` in `read_files`.

Modules:
    ingestion: `read_claims`, which runs all steps; `load_sample`, for bundled synthetic claims; `save_claims`
    read_files: expands paths to files, opens each with its reader, and stores its rows, typed or as text
    source_file: the columns to look for, how a header is recognised, and what every reader offers
    delimited: CSV and similar files: finds the delimiter and the header, and splits lines into records
    structured_files: JSON, Parquet, workbooks and data frames, whose format separates the cells
    cell_values: the validation rules, and SQL for the text and the value of a cell
    validation: checks the rows against the rules, finds duplicates, and creates the tables of claims
    claims_and_rejects: the claims and rejects of one run: explains rejects, and selects or extends claims
    warehouse: the only module that runs SQL, with limits on memory, threads and disk space
    queries: the SQL, one query per file
    header_words: recognises what a column header means, and the decision that a cell names
    inspected_columns: describes the columns of an unknown file, and chooses one for each column of a claim
    inspection: derives an incident from unknown complaint files, or proposes a layout for one
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.claims.cell_values import (
        BLANKS,
        EXACT_COPY,
        MISSING_WORDS,
        NO_TEXT,
        NOT_SYNTHETIC,
        REPEATED_HEADER,
        REPEATED_ID,
        RULES,
        SAME_DAY,
        rule_conditions,
    )
    from outage_analysis.claims.claims_and_rejects import (
        MAX_REJECTS,
        Claims,
        check_labels,
        check_reject_share,
        explain_reject,
        rejected_rows,
    )
    from outage_analysis.claims.header_words import DECISIONS, named_decision
    from outage_analysis.claims.ingestion import (
        PARQUET_SUFFIX,
        STORE_SUFFIX,
        OutageArguments,
        OutageFacts,
        check_synthetic_name,
        load_sample,
        parquet_metadata,
        read_claims,
        save_claims,
    )
    from outage_analysis.claims.inspection import Inspection, incident_from_files, inspect_file
    from outage_analysis.claims.queries import named_query, quote_identifier, quote_literal
    from outage_analysis.claims.read_files import READABLE_SUFFIXES, expand_paths
    from outage_analysis.claims.source_file import MIN_HEADER_COLUMNS, ExpectedTable, required_columns
    from outage_analysis.claims.structured_files import DATA_FRAME, DataFrame, Sources
    from outage_analysis.claims.warehouse import Limits, Warehouse, limits
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
