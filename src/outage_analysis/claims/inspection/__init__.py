"""Inspection: an unknown complaint file goes in; a description of its columns and a layout for it come out.

Modules:
    inspect: `inspect_file`, which runs all steps
    columns: describes one column of the file by its values
    header_words: what the words of a header say about its column
    value_formats: chooses the formats of days and amounts in a column
    column_choices: chooses a column of the file for each column of a claim
    layout_proposal: writes the proposed layout as TOML
"""
