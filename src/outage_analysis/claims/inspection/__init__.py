"""Inspection: an unknown complaint file goes in; its columns and a layout that would read it come out.

Modules:
    inspect: `inspect_file`, the steps in order
    columns: one column and what its values are
    header_words: what the words of a header suggest
    value_formats: which formats read the values of a column
    column_choices: which column is proposed for which purpose
    layout_proposal: the proposed layout document
"""
