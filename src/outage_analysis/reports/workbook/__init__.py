"""The Excel workbook: the report with real numbers, live formulas and native charts."""
