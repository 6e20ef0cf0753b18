"""Parts of the report in a notebook: its first screen, and what its sections say."""

from __future__ import annotations

from html import escape
from itertools import takewhile
from typing import Literal

from outage_analysis.jupyter.markup import Html, note
from outage_analysis.reports import Heading, Items, Report, Text


def show_tiles(report: Report) -> Html:
    """The first screen of a report: what it is of, and its figures, each with what it means."""
    head = [report.kicker, report.title, report.policy, *filter(None, [report.warning, report.banner])]
    markup, lines = [], []
    for number, tile in enumerate(report.tiles):
        kind = f"outage-tile{'' if number else ' first'}{' made-up' if tile.synthetic else ''}"
        made_up = f" ({report.words('report.synthetic_badge')})" if tile.synthetic else ""
        name, figure, meaning = tile.title + made_up, tile.figure, tile.note
        inside = f"<span>{escape(name)}</span><strong>{escape(figure)}</strong><span>{escape(meaning)}</span>"
        markup.append(f'<div class="{kind}">{inside}</div>\n')
        lines.append(f"{name}: {figure}. {meaning}")
    kicker, title, *rest = map(escape, head)
    opening = f"<p>{'<br>'.join((kicker, f'<b>{title}</b>', *rest))}</p>"
    grid = f'<div class="outage-tiles">{"".join(markup)}</div>'
    return Html(f"{opening}\n{grid}", "\n".join((*head, *lines)))


def show_answers(report: Report, question: Literal["drives", "decide", "left_out"]) -> Html:
    """What the first screen of a report answers to a question, in sentences."""
    made_up = report.analysis.headline_is_synthetic and question != "left_out"
    return _listed(list(getattr(report.answers, question)), report, made_up=made_up)


def show_words(report: Report, section: str) -> Html:
    """What a section of a report says, up to its first heading, beside its tables and charts.

    Args:
        report: the report.
        section: its id, such as method or hindsight.
    """
    parts = [part for part in report.sections if part.id == section]
    blocks = [block for part in parts for block in part.blocks]
    found = takewhile(lambda block: not isinstance(block, Heading), blocks)
    said = [(b.text,) if isinstance(b, Text) else b.items for b in found if isinstance(b, Text | Items)]
    sentences = [sentence for group in said for sentence in group]
    return _listed(sentences, report, made_up=any(part.synthetic for part in parts))


def _listed(said: list[str], report: Report, *, made_up: bool) -> Html:
    """Sentences, under a line that says of what they are made where the rows are synthetic."""
    if not said:
        return note(report.words("notebook.nothing_said"))
    mark = note(report.words("notebook.synthetic")) if made_up else Html("", "")
    listed = f"<ul>{''.join(f'<li>{escape(s)}</li>' for s in said)}</ul>"
    return Html(mark.markup + listed, "\n".join(filter(None, (mark.text, *said))))
