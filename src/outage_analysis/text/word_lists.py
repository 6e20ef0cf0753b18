"""The words of headers, units, currencies and months that are recognised: word_lists.csv."""

from __future__ import annotations

import csv
from importlib.resources import files


def listed_words(kind: str) -> dict[str, str]:
    """Return the words of one kind in word_lists.csv, each with its meaning.

    An underscore stands for a blank within a word.
    """
    rows = csv.DictReader((files(__package__) / "word_lists.csv").read_text("utf-8").splitlines())
    found = ((word, row["meaning"]) for row in rows if row["kind"] == kind for word in row["words"].split())
    return {word.replace("_", " "): meaning for word, meaning in found}
