"""A refusal of the model among the outputs of a notebook, in place of what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outage_analysis.errors import ModelRefused
from outage_analysis.notebook.markup import note


@contextmanager
def refusals_as_notes() -> Iterator[None]:
    """Show what the model refuses, and why, as a line; the cells below go on."""
    from IPython.display import display

    try:
        yield
    except ModelRefused as refusal:
        display(note(refusal))  # type: ignore[no-untyped-call]
