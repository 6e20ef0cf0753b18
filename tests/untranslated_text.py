"""English left over in a Korean text: every run of Latin words that is no id, host, brand or mark."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import polars as pl

from outage_analysis.assumptions import load_ledger
from outage_analysis.files import bundled_ids, data_root
from outage_analysis.incidents import facts, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.&/-]*")
"""An id, a host, a file name or a word; Korean particles follow it without a space."""
RUN = re.compile(r"[A-Za-z]+(?:[ ,.:;'’()/×-]+[A-Za-z]+)*")
WORD = re.compile(r"[A-Za-z]+")
SHORTEST = 3
"""Letters of a Latin word that needs a reason; shorter ones are units, initials and marks."""

BRANDS = {"KT", "SK", "C&C", "KDDI", "AT&T", "SBS", "CFO", "TV", "PC", "TSB", "povo"}
"""Written in Latin letters in the Korean press."""
MARKS = {"CRPS", "log10", "UTF-8", "KRW", "Parquet"}
"""Technical marks that have no Korean form."""


def untranslated(text: str, allowed: Iterable[str] = ()) -> list[str]:
    """Every run of two or more Latin words, or of one of three letters or more, in the order of the text.

    Args:
        text: what a reader of Korean sees, of whatever format.
        allowed: further tokens that may stand, such as the names of files that were read.
    """
    known = {*tokens(), *allowed}

    def masked(found: re.Match[str]) -> str:
        return "·" if found[0].rstrip(".-/") in known else found[0]

    runs = (found[0] for found in RUN.finditer(TOKEN.sub(masked, text)))
    return [run for run in runs if len(run) >= SHORTEST or len(WORD.findall(run)) > 1]


@cache
def tokens() -> frozenset[str]:
    """Ids of facts, assumptions and pages, hosts of sources, brands and marks."""
    shelves = pl.concat([facts(), outcomes()])
    addresses = " ".join(shelves["source"].drop_nulls()).split()
    hosts = {str(urlsplit(address).hostname).removeprefix("www.") for address in addresses}
    ledgers = [load_ledger(id_) for id_ in bundled_ids("assumptions")]
    assumed = {entry.id for ledger in ledgers for entry in ledger.assumptions}
    pages = {path.stem for path in data_root().rglob("*.toml")}
    return frozenset({*shelves["id"], *hosts, *assumed, *pages, *BRANDS, *MARKS, "outage-analysis"})
