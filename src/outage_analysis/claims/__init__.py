"""Claims: complaint files go in; claims and rejects come out. Each row becomes one claim or one reject.

Modules:
    ingestion: `read_claims`, which runs all steps; `load_sample`, for bundled synthetic claims; `save_claims`
    readers: one reader per file format
    validation: checks the rows against the rules, finds duplicates, and creates the tables of claims
    rules: the validation rules
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
    from outage_analysis.claims.readers.cell_values import BLANKS, MISSING_WORDS, NO_TEXT, NOT_SYNTHETIC
    from outage_analysis.claims.readers.parquet import DATA_FRAME, DataFrame, Sources
    from outage_analysis.claims.readers.read_files import READABLE_SUFFIXES, expand_paths
    from outage_analysis.claims.readers.source_file import MIN_HEADER_COLUMNS, ExpectedTable, required_columns
    from outage_analysis.claims.rules import (
        EXACT_COPY,
        REPEATED_HEADER,
        REPEATED_ID,
        RULES,
        SAME_DAY,
        rule_conditions,
    )
    from outage_analysis.claims.warehouse import Limits, Warehouse, limits
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
