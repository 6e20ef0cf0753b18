"""Workbook: a report goes in; sheets with tables, pictures and live formulas come out.

Modules:
    writing: writes report.xlsx: the summary, and a sheet per group of report sections
    live: the expected cost as formulas: the inputs as named cells, the cost lines, the key figures
    sheet: writes one sheet: texts, pictures and tables of cells with their formats
"""
