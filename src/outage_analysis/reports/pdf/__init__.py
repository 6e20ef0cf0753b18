"""PDF: a report goes in; a brief and a full report, typeset by typst, come out.

Modules:
    typesetting: runs typst
    content: the content of the report as plain values for the typst templates
    column_widths: font size and column widths of printed tables
"""
