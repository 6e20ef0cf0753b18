"""PDF: a report goes in; a brief and a full report, typeset by typst, come out.

Modules:
    typesetting: the content of the PDF files, typeset by typst
    selection: the sections and tables that the full report prints
    texts: texts that the fonts can print
    column_widths: font size and column widths of printed tables
"""
