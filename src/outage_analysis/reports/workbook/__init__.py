"""Workbook: a report goes in; sheets with live formulas and native charts come out.

Modules:
    writing: writes report.xlsx
    summary_sheet: the first sheet
    assumptions_sheet: the sheet with the inputs as named cells
    cost_lines_sheet: the sheet with the cost lines as formulas
    report_sheets: the sheets with the sections of the report
    sheet: writes the contents of one sheet
    cells: the contents of cells and tables
    formulas: the expected cost as formulas
    native_charts: charts that can be edited
    chart_axes: lines, bars and axes of the charts
    styles: fonts, colours, number formats
"""
