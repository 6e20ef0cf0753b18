"""Export: a notebook and parameters go in; one offline HTML page comes out.

Modules:
    export_page: `run_notebook`, which runs a notebook and writes its page
    notebook_files: finds and reads notebooks
    parameters: sets the values in the cell tagged `parameters`
    execution: runs the notebook
    page: builds the HTML page
"""
