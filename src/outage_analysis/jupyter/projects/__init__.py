"""Projects: an id and a currency go in; a folder with documents, synthetic claims and notebooks comes out.

Modules:
    project: creates a project
    laboratory: starts JupyterLab
"""
