"""Show parts of the report in a notebook: the tiles, the answers, and the text of a section."""

from __future__ import annotations

from html import escape
from itertools import takewhile
from typing import Literal

from outage_analysis.jupyter.markup import Html, note
from outage_analysis.reports import BulletList, Heading, Report, Text


def show_tiles(report: Report) -> Html:
    """Show the first screen of a report: title, policy, warnings and the tiles with the main figures."""
    head = [report.kicker, report.title, report.policy, *filter(None, [report.warning, report.banner])]
    markup, lines = [], []
    for number, tile in enumerate(report.tiles):
        kind = f"outage-tile{'' if number else ' first'}{' made-up' if tile.synthetic else ''}"
        made_up = f" ({report.locale('report.synthetic_badge')})" if tile.synthetic else ""
        name, figure, meaning = tile.title + made_up, tile.figure, tile.note
        inside = f"<span>{escape(name)}</span><strong>{escape(figure)}</strong><span>{escape(meaning)}</span>"
        markup.append(f'<div class="{kind}">{inside}</div>\n')
        lines.append(f"{name}: {figure}. {meaning}")
    kicker, title, *rest = map(escape, head)
    opening = f"<p>{'<br>'.join((kicker, f'<b>{title}</b>', *rest))}</p>"
    grid = f'<div class="outage-tiles">{"".join(markup)}</div>'
    return Html(f"{opening}\n{grid}", "\n".join((*head, *lines)))


def show_answers(report: Report, question: Literal["drives", "decide", "left_out"]) -> Html:
    """Show a report's answer to one question: what drives the cost, what to decide, or what is left out."""
    made_up = report.analysis.headline_is_synthetic and question != "left_out"
    return _bullet_list(list(getattr(report.answers, question)), report, made_up=made_up)


def show_section_text(report: Report, section: str) -> Html:
    """Show the sentences in a section of a report up to its first heading, without tables and charts.

    Args:
        report: the report.
        section: the id of the section, such as method or hindsight.
    """
    parts = [part for part in report.sections if part.id == section]
    blocks = [block for part in parts for block in part.blocks]
    opening = takewhile(lambda block: not isinstance(block, Heading), blocks)
    groups = [
        (b.text,) if isinstance(b, Text) else b.items for b in opening if isinstance(b, Text | BulletList)
    ]
    sentences = [sentence for group in groups for sentence in group]
    return _bullet_list(sentences, report, made_up=any(part.synthetic for part in parts))


def _bullet_list(sentences: list[str], report: Report, *, made_up: bool) -> Html:
    """Return sentences as a bullet list, below a note if they are based on synthetic rows."""
    if not sentences:
        return note(report.locale("notebook.nothing_said"))
    mark = note(report.locale("notebook.synthetic")) if made_up else Html("", "")
    items = f"<ul>{''.join(f'<li>{escape(s)}</li>' for s in sentences)}</ul>"
    return Html(mark.markup + items, "\n".join(filter(None, (mark.text, *sentences))))
