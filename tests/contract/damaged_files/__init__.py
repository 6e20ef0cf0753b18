"""Damaged complaint files of known truth, and how many of their records are read as they are.

Modules:
    clean_table: tables of complaints with the record that each row states
    damaged_file: a file with its truth; the registry of kinds of damage
    cutting_kinds: delimiters, quotation marks, escapes, notes over several lines
    line_kinds: line ends, encodings, headers, lines that are no rows, field counts, odd characters
    value_kinds: amounts, missing values, ids, days and times
    container_kinds: compressed files, workbooks, JSON
    reading: this package as the reader of a file
    scoring: exact and wrong records of one reading, and sums of many
"""

from __future__ import annotations

from tests.contract.damaged_files import container_kinds, cutting_kinds, line_kinds, value_kinds

__all__ = ["container_kinds", "cutting_kinds", "line_kinds", "value_kinds"]
