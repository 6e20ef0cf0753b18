"""Workbook: a report goes in; sheets with live formulas and native charts come out.

Modules:
    writing: writes the file
    summary_sheet: the first sheet
    assumptions_sheet: inputs as named cells
    cost_lines_sheet: cost lines as formulas
    report_sheets: the sections of the report
    sheet: writes one sheet from the top down
    cells: cells of a table
    formulas: the expected cost as formulas
    native_charts: charts that can be edited
    chart_axes: lines, bars and axes
    styles: fonts, colours, number formats
"""
