"""Workbook: a report goes in; sheets with live formulas and native charts come out.

Modules:
    writing: writes report.xlsx with the sheets of the report
    summary_sheet: the first sheet
    assumptions_sheet: the sheet with the inputs as named cells
    cost_lines_sheet: the sheet with the cost lines as formulas
    sheet: writes the contents of one sheet
    cells: the contents and formats of cells
    formulas: the expected cost as formulas
    native_charts: charts that can be edited, with their axes
"""
