"""Export: a notebook and parameters go in; one offline HTML page comes out.

Modules:
    notebook_files: finds and reads notebooks
    parameters: sets the values in the cell tagged `parameters`
    execution: runs the notebook
    page: runs a notebook and builds its HTML page
"""
