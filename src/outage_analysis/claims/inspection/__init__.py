"""Inspection: an unknown complaint file goes in; its columns and a layout (TOML) that maps them come out.

Modules:
    inspect: `inspect_file`, which runs all steps
    proposed_layout: writes the proposed layout
    columns: describes one column of the file by its header words and its values
    value_formats: chooses the formats of dates and amounts in a column
    derive_incident: derives an incident from complaint files, for a start without a TOML document
    names_and_ids: names and ids of a derived incident
    text_columns: reads all columns of a file as text
    stated_currency: finds the currency that the files state
    column_choices: chooses a column of the file for each column of a claim
"""
