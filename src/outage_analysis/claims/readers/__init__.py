"""Readers: a complaint file goes in; its rows, staged in the warehouse, come out.

Modules:
    read_files: chooses the reader and records each file
    sources: files, folders and patterns as a list of files
    staging: the tables that readers write to
    fast_path: types rows that need no closer look
    recheck: stages the texts of all other rows
    typed_rows: positions of the rows that were typed
    record_index: positions of the records in a text file
    delimited: CSV and similar files
    dialects: delimiter, quotation mark and header of a delimited file
    shifted_columns: refuses files whose columns are shifted
    jsonlines: JSON lines
    parquet: Parquet
    workbooks: Excel workbooks
    workbook_xml: errors, formulas and merged cells in a workbook
"""
