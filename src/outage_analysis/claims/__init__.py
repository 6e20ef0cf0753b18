"""Claims: complaint files go in; claims and rejects come out. Each row becomes one claim or one reject.

Modules:
    ingestion: `read_claims`, which runs all steps
    samples: `load_sample`, which loads bundled synthetic claims
    readers: one reader per file format
    validation: checks the rows against the rules and finds duplicates
    rules: the validation rules
    claims_and_rejects: the claims and rejects of one run
    claim_tables: the view of the claims, and the rows of each input file
    rejects: explains rejects, with personal data masked
    selections: filters claims, and adds columns to them
    user_queries: runs an SQL query of the user
    store: saves claims as files and opens saved claims
    warehouse: the only module that runs SQL
    progress: reports the progress of long queries
    resource_limits: limits on memory, threads and disk space
    query_errors: explains mistakes in a user's SQL query
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
    from outage_analysis.claims.claim_tables import CONTROL_TOTALS as CONTROL_TOTALS
    from outage_analysis.claims.claims_and_rejects import MAX_REJECTS as MAX_REJECTS
    from outage_analysis.claims.claims_and_rejects import Claims as Claims
    from outage_analysis.claims.decisions import DECISIONS as DECISIONS
    from outage_analysis.claims.ingestion import read_claims as read_claims
    from outage_analysis.claims.inspection.derive_incident import incident_from_files as incident_from_files
    from outage_analysis.claims.inspection.inspect import INSPECTED_COLUMNS as INSPECTED_COLUMNS
    from outage_analysis.claims.inspection.inspect import UNKNOWN_NAMES as UNKNOWN_NAMES
    from outage_analysis.claims.inspection.inspect import Inspection as Inspection
    from outage_analysis.claims.inspection.inspect import inspect_file as inspect_file
    from outage_analysis.claims.progress import progress_callback as progress_callback
    from outage_analysis.claims.queries import escaped_path as escaped_path
    from outage_analysis.claims.queries import quote_identifier as quote_identifier
    from outage_analysis.claims.queries import quote_literal as quote_literal
    from outage_analysis.claims.readers.read_files import READABLE_SUFFIXES as READABLE_SUFFIXES
    from outage_analysis.claims.readers.read_files import expand_paths as expand_paths
    from outage_analysis.claims.rejects import explain_reject as explain_reject
    from outage_analysis.claims.rejects import rejected_rows as rejected_rows
    from outage_analysis.claims.resource_limits import Limits as Limits
    from outage_analysis.claims.resource_limits import limits as limits
    from outage_analysis.claims.rules import RULES as RULES
    from outage_analysis.claims.rules import rule_conditions as rule_conditions
    from outage_analysis.claims.samples import load_sample as load_sample
    from outage_analysis.claims.store import PARQUET_SUFFIX as PARQUET_SUFFIX
    from outage_analysis.claims.store import STORE_SUFFIX as STORE_SUFFIX
    from outage_analysis.claims.store import check_synthetic_name as check_synthetic_name
    from outage_analysis.claims.store import parquet_metadata as parquet_metadata
    from outage_analysis.claims.store import save_claims as save_claims
    from outage_analysis.claims.synthetic.chunks import synthesise as synthesise
    from outage_analysis.claims.synthetic.chunks import synthetic_chunks as synthetic_chunks
    from outage_analysis.claims.synthetic.chunks import write_synthetic as write_synthetic
    from outage_analysis.claims.synthetic.synthetic_assumptions import (
        SyntheticAssumptions as SyntheticAssumptions,
    )
    from outage_analysis.claims.synthetic.synthetic_assumptions import load_synthetic as load_synthetic
    from outage_analysis.claims.synthetic.synthetic_assumptions import row_count as row_count
    from outage_analysis.claims.warehouse import Warehouse as Warehouse

__getattr__, __dir__ = lazy_exports(__name__, __file__)
