"""The pages of the docs, and the blocks of code in them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

GUIDES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "ko").glob("*.md")),
]
"""The front page and those behind it."""
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*/README.md"))
PAGES = [
    *GUIDES,
    ROOT / "README.ko.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "GLOSSARY.md",
]
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the line of prose above it."""

    language: str
    text: str
    above: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, from top to bottom."""
    return blocks_of(page.read_text("utf-8"))


def blocks_of(text: str) -> list[Block]:
    """The blocks of a text, those inside of lists too."""
    above = {found: reversed(text[: found.start()].splitlines()) for found in FENCED.finditer(text)}
    return [
        Block(found[2], textwrap.dedent(found[3]), next((s for line in lines if (s := line.strip())), ""))
        for found, lines in above.items()
    ]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", page.read_text("utf-8"))


def name(page: Path) -> str:
    """A page as a test's id."""
    return page.relative_to(ROOT).as_posix()


def targets(makefile: Path) -> set[str]:
    """What a Makefile can be asked for by name."""
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile.read_text("utf-8"), re.MULTILINE)
    return set(phony.split())
