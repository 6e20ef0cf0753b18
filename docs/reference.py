"""The pages of the reference, made from the code. `make site` writes them."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import column_dictionary
import keys
import names
from typer.main import get_command

from outage_analysis.charts import CHARTS
from outage_analysis.claims import READABLE_SUFFIXES, RULES, queries
from outage_analysis.cli import app
from outage_analysis.errors import OutageAnalysisError
from outage_analysis.files import Kind, bundled_ids
from outage_analysis.reports import FORMATS
from outage_analysis.text import AMOUNTS, DATES, LANGUAGES, Locale

SAID = Locale("en")
KINDS: tuple[Kind, ...] = (
    "incidents", "policies", "assumptions", "layouts", "intakes", "grouped", "backtests",
    "scenarios",
)  # fmt: skip


def pages() -> dict[str, str]:
    """The pages of the reference, by name."""
    return {
        "python": page("Python", {f"`{package}`": python(package) for package in names.PUBLIC}),
        "commands": page(
            "Commands", {f"`outage-analysis {name}`": command(made) for name, made in commands().items()}
        ),
        "toml": page(
            "Keys of TOML files",
            {title: keys.tables(title) for title in keys.PAGES},
            "The examples of a policy are from `docs/every-key.toml`, others from bundled files.",
        ),
        "tables": column_dictionary.dictionary(),
        "lists": page("Charts, formats and queries", lists()),
        "messages": page("Messages", messages()),
    }


def page(title: str, sections: Mapping[str, str], opening: str = "") -> str:
    """A page: its title, and its sections by their titles."""
    told = (f"## {heading}\n\n{text}" for heading, text in sections.items())
    return _joined(part for part in (f"# {title}", opening, *told) if part) + "\n"


def python(package: str) -> str:
    """The public names of a package, for mkdocstrings to describe."""
    purpose, public = names.PUBLIC[package]
    return _joined((purpose, *(f"::: {package}.{name}" for name in public)))


def lists() -> dict[str, str]:
    """What the package has by name: formats, charts, queries and others."""
    notations = (*DATES.values(), *AMOUNTS.values())
    return {
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
        "Bundled documents": "\n".join(f"- {kind}: {_list(bundled_ids(kind))}" for kind in KINDS),
        "Languages": _list(LANGUAGES),
    }


def messages() -> dict[str, str]:
    """What can go wrong: exit codes, and the rules that a complaint can break."""
    kinds: tuple[type[OutageAnalysisError], ...] = (
        OutageAnalysisError,
        *OutageAnalysisError.__subclasses__(),
    )
    rows = "".join(f"| {kind.exit_code} | `{kind.__name__}` | {_said(kind)} |\n" for kind in kinds)
    return {
        "Exit codes and errors": _joined(
            (
                "An error is one line: the place, what is wrong, the value, and a remedy.",
                "A command ends with the exit code; Python raises the error of `outage_analysis.errors`.",
                f"| exit code | error | when |\n| --- | --- | --- |\n{rows}",
            )
        ),
        "Rules of a claim": "\n".join(f"- **{rule}.** {SAID(f'remedy.{rule}')}" for rule in RULES),
    }


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


def command(made: Any) -> str:  # noqa: ANN401 - typer's command class is private
    """What a command does and every option of it."""
    said = re.sub(
        r"(?<=\S)\n(?=    )", "\n\n", str(made.help).strip()
    )  # an example is code, whatever its place
    lines = [said, ""]
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
