"""A project for an outage of one's own: pages, sample claims and notebooks that run as created."""

from outage_analysis.projects.laboratory import open_lab
from outage_analysis.projects.project import LONGEST_PATH, new_project, typed

__all__ = ["LONGEST_PATH", "new_project", "open_lab", "typed"]
