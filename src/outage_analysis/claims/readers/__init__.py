"""Readers: complaint files go in; their rows, as tables of a DuckDB database (the warehouse), come out.

Modules:
    read_files: expands paths to files, chooses the reader and records each file
    staging: the tables into which the readers write rows
    fast_path: accepts rows that plainly break no rule
    recheck: stages the text of all other rows for validation
    record_index: finds the records of a text file by their number
    delimited: CSV and similar files
    dialects: detects delimiter, quotation mark and header of a delimited file
    shifted_columns: refuses files whose cells may be shifted against the header
    jsonlines: JSON lines files
    parquet: Parquet files
    workbooks: Excel workbooks
    workbook_xml: reads errors, formulas and merged cells of a workbook
"""
