"""What an offline page carries in itself: its style, its fonts, and the checksums that its policy allows."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from outage_analysis import fonts


def asset(name: str) -> str:
    """A template, a style sheet or a script of the report by its file name."""
    return (files("outage_analysis.reports") / "templates" / name).read_text("utf-8")


def faces(text: str) -> str:
    """The fonts as rules of a style sheet, with no more than the letters of a text."""
    letters = "".join(c for c in sorted(set(text)) if ord(c) in fonts.covered())
    rules = []
    for weight, number in zip(fonts.WEIGHTS, (400, 700), strict=True):
        data = base64.b64encode(fonts.cut(letters, weight)).decode()
        source = f"url(data:font/otf;base64,{data}) format('opentype')"
        rules.append(
            f"@font-face {{ font-family: '{fonts.FAMILY}'; font-weight: {number}; src: {source}; }}\n"
        )
    return "".join(rules)


def allowed(text: str) -> str:
    """A script or a style as the source list of a Content-Security-Policy names it."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
