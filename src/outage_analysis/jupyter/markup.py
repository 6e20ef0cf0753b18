"""HTML output of a notebook cell, with a plain-text version for terminals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

from outage_analysis.errors import ModelRefused, one_line

LONGEST = 10_000
"""Most characters per line of plain text."""


@dataclass(frozen=True)
class Html:
    """An output of a notebook cell: HTML in a notebook, plain text in a terminal."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return "\n".join(one_line(line, LONGEST) for line in self.text.split("\n"))


def note(text: object) -> Html:
    """Return one line of text in italics as the output of a cell."""
    line = one_line(text, LONGEST)
    return Html(f"<p><em>{escape(line)}</em></p>", line)


@contextmanager
def refusals_as_notes() -> Iterator[None]:
    """Show the reason if the model refuses a calculation (`ModelRefused`), so that later cells still run."""
    from IPython.display import display

    try:
        yield
    except ModelRefused as refusal:
        display(note(refusal))  # type: ignore[no-untyped-call]
