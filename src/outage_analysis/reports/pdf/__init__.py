"""PDF: a report goes in; a brief and a full report, typeset by typst, come out.

Modules:
    typesetting: the content of the PDF files, typeset by typst
    column_widths: font size and column widths of printed tables
"""
