"""Export: a notebook and parameters go in; one offline HTML page comes out.

Modules:
    export_page: `run_notebook`
    notebook_files: finds and reads notebooks
    parameters: values for the cell tagged `parameters`
    execution: runs the notebook
    page: builds the page
"""
