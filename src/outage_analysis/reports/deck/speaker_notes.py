"""What goes with a slide: the sentences of the speaker, the facts that are cited, the day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import polars as pl

from outage_analysis.costs import COUNTED
from outage_analysis.reports.report import Report

MAX_CITED = 9
"""Facts in a footer; the notes have all."""
ADDRESS_SEPARATOR = " ; "
"""Between the addresses of a source."""


@dataclass(frozen=True)
class SlideNotes:
    """What a slide rests on and what is said to it."""

    sentences: tuple[str, ...]
    facts: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    synthetic: bool = False
    """Made from synthetic rows, and said to be."""
    footer: str = ""
    """In place of sources and day."""


def note_paragraphs(report: Report, talk: SlideNotes) -> list[str]:
    """The paragraphs of a speaker: what the slide says, its sources by host, its inputs, the day."""
    locale, a = report.words, report.analysis
    cited = [
        locale("deck.notes_host", host=host, facts=", ".join(ids))
        for host, ids in facts_by_host(report, talk.facts).items()
    ]
    lines = [*talk.sentences, locale("deck.notes_sources") if cited else locale("deck.notes_none"), *cited]
    if talk.assumptions and a.ledger is not None:
        ids = ", ".join(talk.assumptions)
        lines.append(locale("deck.notes_assumptions", ids=ids, ledger=a.ledger.id))
    lines.append(locale("deck.notes_day", day=locale.day(a.as_of)))
    if report.warning:
        lines.insert(0, report.warning)
    if talk.synthetic or report.banner:
        lines.append(f"{locale('report.synthetic_badge')}: {report.banner}")
    return lines


def footer_text(report: Report, talk: SlideNotes) -> str:
    """Sources and day on one line, as a chart's."""
    locale, day = report.words, report.words.day(report.analysis.as_of)
    if talk.footer:
        return talk.footer
    if talk.synthetic:
        return locale("chart.sources_synthetic", day=day)
    whole = dict.fromkeys(fact.partition(".")[0] for fact in talk.facts)  # a part is in its fact
    if not whole:
        return locale("chart.sources_none", day=day)
    return locale("chart.sources", facts=first_names(report, [*whole], MAX_CITED), day=day)


def first_names(report: Report, names: Sequence[str], most: int) -> str:
    """The first of several names, and how many more there are."""
    shown, left = ", ".join(names[:most]), len(names) - most
    return report.words("deck.and_more", shown=shown, count=left) if left > 0 else shown


def facts_by_host(report: Report, wanted: Iterable[str]) -> dict[str, list[str]]:
    """The facts by where they were published, in the order in which they are cited."""
    facts = report.analysis.tables["facts"]
    sources = dict(facts.select("id", "source").iter_rows())
    found: dict[str, list[str]] = {}
    for fact in dict.fromkeys(wanted):
        if fact in sources:
            place = ", ".join(web_hosts(sources[fact] or "")) or report.words("deck.notes_derived")
            found.setdefault(place, []).append(fact)
    return found


def web_hosts(source: str) -> list[str]:
    """The hosts of the addresses of a source, each once; none where it is derived from other facts."""
    addresses = [urlsplit(part) for part in source.split(ADDRESS_SEPARATOR)]
    found = (a.netloc.removeprefix("www.") for a in addresses if a.scheme in ("http", "https"))
    return list(dict.fromkeys(host for host in found if host))


def cash_facts(report: Report) -> tuple[str, ...]:
    """The facts that the expected cash rests on; where there is none, those of its bounds."""
    tables = report.analysis.tables
    costs = [tables[name] for name in ("costs", "claims_costs") if name in tables]
    rows = pl.concat([t.filter(COUNTED, valuation="cash", level="line") for t in costs])
    expected = rows.filter(pl.col("expected").is_not_null())
    return split_ids((rows if expected.is_empty() else expected)["facts"])


def split_ids(column: pl.Series) -> tuple[str, ...]:
    """The ids of cells that hold several."""
    return tuple(dict.fromkeys(" ".join(column.drop_nulls()).split()))
