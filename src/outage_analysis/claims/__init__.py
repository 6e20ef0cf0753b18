"""Claims: complaint files go in; claims and rejects come out. Each row becomes one claim or one reject.

Modules:
    ingestion: `read_claims`, which runs all steps, and `load_sample`, for bundled synthetic claims
    readers: one reader per file format
    validation: checks the rows against the rules, finds duplicates, and creates the tables of claims
    rules: the validation rules
    claims_and_rejects: the claims and rejects of one run
    rejects: explains rejects, with personal data masked
    selections: filters claims, and adds columns to them
    user_queries: runs an SQL query of the user, and explains mistakes in it
    store: saves claims as files and opens saved claims
    warehouse: the only module that runs SQL
    run_settings: limits on memory, threads and disk space
    queries: the SQL, one query per file
    header_words: recognises the meaning of a header by its words
    decisions: the words for how far a claim has come
    inspection: describes an unknown complaint file, proposes a layout for it, and derives an incident from it
    synthetic: makes synthetic complaints
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outage_analysis.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from outage_analysis.claims.claims_and_rejects import MAX_REJECTS, Claims, check_labels
    from outage_analysis.claims.decisions import DECISIONS, named_decision
    from outage_analysis.claims.ingestion import OutageArguments, OutageFacts, load_sample, read_claims
    from outage_analysis.claims.inspection.derive_incident import incident_from_files
    from outage_analysis.claims.inspection.inspect import Inspection, inspect_file
    from outage_analysis.claims.queries import named_query, quote_identifier, quote_literal
    from outage_analysis.claims.readers.cell_values import BLANKS, MISSING_WORDS, NO_TEXT, NOT_SYNTHETIC
    from outage_analysis.claims.readers.parquet import DATA_FRAME, DataFrame, Sources
    from outage_analysis.claims.readers.read_files import READABLE_SUFFIXES, expand_paths
    from outage_analysis.claims.readers.source_file import MIN_HEADER_COLUMNS, ExpectedTable, required_columns
    from outage_analysis.claims.rejects import check_reject_share, explain_reject, rejected_rows
    from outage_analysis.claims.rules import (
        EXACT_COPY,
        REPEATED_HEADER,
        REPEATED_ID,
        RULES,
        SAME_DAY,
        rule_conditions,
    )
    from outage_analysis.claims.run_settings import Limits, limits
    from outage_analysis.claims.store import (
        PARQUET_SUFFIX,
        STORE_SUFFIX,
        check_synthetic_name,
        parquet_metadata,
        save_claims,
    )
    from outage_analysis.claims.warehouse import Warehouse
else:  # so that type checkers report a name that is not exported
    __getattr__, __dir__ = lazy_exports(__name__, __file__)
