"""Write the speaker notes and footers of the slides: sentences, sources and as-of day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import polars as pl

from outage_analysis.costs import HAS_AMOUNT
from outage_analysis.reports.report import Report

MAX_CITED = 9
"""The most facts that a footer cites; the speaker notes cite all."""
ADDRESS_SEPARATOR = " ; "
"""The text between two web addresses of a source."""


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
    if slide_notes.synthetic or report.banner:
        lines.append(f"{locale('report.synthetic_badge')}: {report.banner}")
    return lines


def footer_text(report: Report, slide_notes: SlideNotes) -> str:
    """Return the footer of a slide: sources and as-of day on one line, worded like the line below a chart."""
    locale, day = report.locale, report.locale.day(report.analysis.as_of)
    if slide_notes.footer:
        return slide_notes.footer
    if slide_notes.synthetic:
        return locale("chart.sources_synthetic", day=day)
    # "id.part" refers to a part of the fact "id", so the footer cites the fact.
    facts = dict.fromkeys(fact.partition(".")[0] for fact in slide_notes.facts)
    if not facts:
        return locale("chart.sources_none", day=day)
    return locale("chart.sources", facts=first_names(report, [*facts], MAX_CITED), day=day)


def first_names(report: Report, names: Sequence[str], most: int) -> str:
    """Return the first `most` names as one text, followed by the number of names left out, if any."""
    listed, left = ", ".join(names[:most]), len(names) - most
    return report.locale("deck.and_more", shown=listed, count=left) if left > 0 else listed


def facts_by_host(report: Report, wanted: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids of the published facts in `wanted`, grouped by the websites of their sources."""
    facts = report.analysis.tables["facts"]
    sources = dict(facts.select("id", "source").iter_rows())
    by_host: dict[str, list[str]] = {}
    for fact in dict.fromkeys(wanted):
        if fact in sources:
            place = ", ".join(web_hosts(sources[fact] or "")) or report.locale("deck.notes_derived")
            by_host.setdefault(place, []).append(fact)
    return by_host


def web_hosts(source: str) -> list[str]:
    """Return the web hosts in the source of a fact; empty if the fact is derived from other facts."""
    addresses = [urlsplit(part) for part in source.split(ADDRESS_SEPARATOR)]
    hosts = (a.netloc.removeprefix("www.") for a in addresses if a.scheme in ("http", "https"))
    return list(dict.fromkeys(host for host in hosts if host))


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
