"""Writes the reference, build/docs/reference.md, from the code. Run by `make docs`."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import keys
import names
from typer.main import get_command

from outage_analysis.charts import CHARTS
from outage_analysis.claims import READABLE_SUFFIXES, RULES, queries
from outage_analysis.cli import app
from outage_analysis.files import Kind, bundled_ids
from outage_analysis.reports import FORMATS
from outage_analysis.text import AMOUNTS, DATES, LANGUAGES, Locale

REFERENCE = Path(__file__).parents[1] / "build" / "docs" / "reference.md"
SAID = Locale("en")
NAME = 4
"""The level of the heading of a public name."""
KINDS: tuple[Kind, ...] = (
    "incidents", "policies", "assumptions", "layouts", "synthetic", "intakes", "grouped", "backtests",
    "scenarios",
)  # fmt: skip


def reference() -> str:
    """The whole page."""
    told = _joined(f"## {title}\n\n{part}" for title, part in sections().items())
    return _joined(("# Reference", contents(told), linked(told))) + "\n"


def sections() -> dict[str, str]:
    """The page's sections, by title."""
    notations = (*DATES.values(), *AMOUNTS.values())
    return {
        "Commands": _joined(command(name, made) for name, made in commands().items()),
        "Public names": _joined(
            f"### `{package}`\n\n{purpose}\n\n{names.entries(package)}"
            for package, (purpose, _) in names.PUBLIC.items()
        ),
        "Keys of the TOML documents": _joined(
            (
                "Examples of a policy are from `docs/every-key.toml`, others from bundled files.",
                *(f"### {title}\n\n{keys.tables(title)}" for title in keys.PAGES),
            )
        ),
        "Formats": "\n".join(f"- `{name}`: {_said(write)}" for name, write in FORMATS.items()),
        "Complaint files": f"Read by suffix: {_list(READABLE_SUFFIXES)}",
        "Charts": "\n".join(
            f"- `{name}`, from the table `{entry.table}`: {_said(entry.draw)}"
            for name, entry in CHARTS.items()
        ),
        "Queries": "\n".join(f"- `{name}.sql`: {_first_line(name)}" for name in queries.QUERY_NAMES),
        "Notations of days and amounts": _joined(
            (
                "Named under `[formats]`; a text that two of them read differently is read by neither.",
                "\n".join(f"- `{n.name}`: {n.description} {_list(n.examples)}" for n in notations),
            )
        ),
        "Rules of a claim": "\n".join(f"- **{rule}.** {SAID(f'remedy.{rule}')}" for rule in RULES),
        "Bundled documents": "\n".join(f"- {kind}: {_list(bundled_ids(kind))}" for kind in KINDS),
        "Languages": _list(LANGUAGES),
    }


def contents(text: str) -> str:
    """The list of links on top: every section, with the parts that it has."""
    return "\n".join(
        f"{'  ' * (level - 2)}- [{title}](#{anchor})"
        for level, title, anchor in headings(text)
        if level < NAME
    )


def linked(text: str) -> str:
    """The page with the names of each package as links below its heading."""
    found = list(headings(text))
    for package, (purpose, _) in names.PUBLIC.items():
        start = [title for _, title, _ in found].index(f"`{package}`") + 1
        inside = takewhile(lambda heading: heading[0] == NAME, found[start:])
        text = text.replace(purpose, f"{purpose}\n\n{', '.join(f'[{t}](#{a})' for _, t, a in inside)}.", 1)
    return text


def headings(text: str) -> Iterator[tuple[int, str, str]]:
    """Level, title and anchor of every heading outside of code: what a link to it is called.

    An anchor is the title in lower case, without marks, words joined by hyphens; one that comes again gets
    a number, as sites that show Markdown do it.
    """
    seen: Counter[str] = Counter()
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    for marks, title in re.findall(r"^(#+) (.+)$", prose, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        seen[anchor] += 1
        yield len(marks), title, f"{anchor}-{seen[anchor] - 1}" if seen[anchor] > 1 else anchor


def commands() -> dict[str, Any]:
    """Every command by the words that call it; a group's own are called through it."""
    group: Any = get_command(app)
    found: dict[str, Any] = {}
    for name, made in group.commands.items():
        inner = getattr(made, "commands", None)
        found |= {f"{name} {n}": c for n, c in inner.items()} if inner else {name: made}
    return found


def command(name: str, made: Any) -> str:  # noqa: ANN401 - typer's command class is private
    """What a command does and every option of it."""
    said = re.sub(
        r"(?<=\S)\n(?=    )", "\n\n", str(made.help).strip()
    )  # an example is code, whatever its place
    lines = [f"### `outage-analysis {name}`", "", said, ""]
    for option in made.params:
        if option.name != "help":
            spelled = "`, `".join((*option.opts, *option.secondary_opts)) or option.name.upper()
            lines.append(f"- `{spelled}`: {option.help}")
    return "\n".join(lines)


def _said(function: Any) -> str:  # noqa: ANN401 - any function
    """The first sentence of a docstring."""
    return (inspect.getdoc(function) or "").splitlines()[0]


def _first_line(query: str) -> str:
    return queries.query_text(query).splitlines()[0].removeprefix("-- ")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts)


def _list(entries: Iterable[str]) -> str:
    return ", ".join(f"`{entry}`" for entry in entries) + "."


if __name__ == "__main__":
    REFERENCE.parent.mkdir(parents=True, exist_ok=True)
    REFERENCE.write_text(reference(), "utf-8")
