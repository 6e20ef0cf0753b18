"""PDF: a report goes in; a brief and a full report, typeset by typst, come out.

Modules:
    typesetting: runs typst
    content: the report as plain values for the templates
    column_widths: widths of printed columns
"""
