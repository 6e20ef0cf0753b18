"""What a notebook shows: markup, with the same in plain text for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Html:
    """Markup for a notebook, with the same in plain text for a terminal."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


def note(text: object) -> Html:
    """A line of text among the outputs: a refusal, a reject explained."""
    return Html(f"<p><em>{escape(str(text))}</em></p>", str(text))
