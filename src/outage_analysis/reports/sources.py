"""Group the published facts of a report by the websites that published them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from outage_analysis.reports.report import Report

ADDRESS_SEPARATOR = " ; "
"""The text between two web addresses of a source."""


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
