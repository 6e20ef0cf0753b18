"""Write the speaker notes and footers of the slides: sentences, sources and as-of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from outage_analysis.costs import HAS_AMOUNT
from outage_analysis.reports.report import Report
from outage_analysis.reports.sources import facts_by_host, web_hosts

MAX_CITED = 4
"""The most websites that a footer names; the speaker notes name every figure with its website."""


@dataclass(frozen=True)
class SlideNotes:
    """The sentences, facts and assumptions of a slide that its speaker notes and footer cite."""

    sentences: tuple[str, ...]
    facts: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    synthetic: bool = False
    """Whether the slide is based on synthetic claims."""
    footer: str = ""
    """Replaces the usual footer with sources and day, unless empty."""


def note_paragraphs(report: Report, slide_notes: SlideNotes) -> list[str]:
    """Return the speaker notes of a slide: sentences, sources by website, assumptions and as-of day."""
    locale, a = report.locale, report.analysis
    cited = [
        locale("deck.notes_host", host=host, facts=", ".join(ids))
        for host, ids in facts_by_host(report, slide_notes.facts).items()
    ]
    lines = [
        *slide_notes.sentences,
        locale("deck.notes_sources") if cited else locale("deck.notes_none"),
        *cited,
    ]
    if slide_notes.assumptions and a.ledger is not None:
        ids = ", ".join(slide_notes.assumptions)
        lines.append(locale("deck.notes_assumptions", ids=ids, ledger=a.ledger.id))
    lines.append(locale("deck.notes_day", day=locale.day(a.as_of)))
    if report.warning:
        lines.insert(0, report.warning)
    if slide_notes.synthetic:
        lines.append(f"{locale('report.synthetic_badge')}: {report.banner}")
    return lines


def footer_text(report: Report, slide_notes: SlideNotes) -> str:
    """Return the footer of a slide: sources and as-of day on one line, worded like the line below a chart."""
    locale, day = report.locale, report.locale.day(report.analysis.as_of)
    if slide_notes.footer:
        return slide_notes.footer
    if slide_notes.synthetic:
        return locale("chart.sources_synthetic", day=day)
    sources = dict(report.analysis.tables["facts"].select("id", "source").iter_rows())
    cited = (sources.get(fact) or "" for fact in dict.fromkeys(slide_notes.facts))
    hosts = dict.fromkeys(host for source in cited for host in web_hosts(source))
    if not hosts:
        return locale("chart.sources_none", day=day)
    return locale("chart.sources", facts=first_names(report, [*hosts], MAX_CITED), day=day)


def first_names(report: Report, names: Sequence[str], most: int) -> str:
    """Return the first `most` names as one text, followed by the number of names left out, if any."""
    listed, left = ", ".join(names[:most]), len(names) - most
    return report.locale("deck.and_more", shown=listed, count=left) if left > 0 else listed


def cash_facts(report: Report) -> tuple[str, ...]:
    """Return the ids of the facts behind the expected cash cost; without one, the ids behind its bounds."""
    tables = report.analysis.tables
    costs = [tables[name] for name in ("costs", "claims_costs") if name in tables]
    rows = pl.concat([t.filter(HAS_AMOUNT, valuation="cash", level="line") for t in costs])
    expected = rows.filter(pl.col("expected").is_not_null())
    return split_ids((rows if expected.is_empty() else expected)["facts"])


def split_ids(column: pl.Series) -> tuple[str, ...]:
    """Return the distinct ids in a column whose cells contain several ids, separated by spaces."""
    return tuple(dict.fromkeys(" ".join(column.drop_nulls()).split()))
