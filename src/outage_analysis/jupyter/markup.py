"""What a notebook shows: markup, with the same in plain text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from outage_analysis.errors import ModelRefused, one_line

LONGEST = 10_000
"""Characters of a line of plain text."""


@dataclass(frozen=True)
class Html:
    """Markup for a notebook, with the same in plain text for a terminal."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return "\n".join(one_line(line, LONGEST) for line in self.text.split("\n"))


def note(text: object) -> Html:
    """A line of text among the outputs: a refusal, a reject explained."""
    shown = one_line(text, LONGEST)
    return Html(f"<p><em>{escape(shown)}</em></p>", shown)


@contextmanager
def refusals_as_notes() -> Iterator[None]:
    """Show what the model refuses, and why, as a line; the cells below go on."""
    from IPython.display import display

    try:
        yield
    except ModelRefused as refusal:
        display(note(refusal))  # type: ignore[no-untyped-call]
