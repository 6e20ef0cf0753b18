"""Inspection: an unknown complaint file goes in; its columns and a layout (TOML) that maps them come out.

Modules:
    inspect: `inspect_file`, which runs all steps and writes the proposed layout
    columns: reads all columns of a file as text, and describes them by their headers and values
    column_choices: chooses a column of the file for each column of a claim
    derive_incident: derives an incident from complaint files, for a start without a TOML document
"""
