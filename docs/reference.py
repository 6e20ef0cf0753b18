"""Writes reference.md from the code: run by `make docs`, compared with the file by a test."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from typer.main import get_command

import outage_analysis
from outage_analysis import queries
from outage_analysis.assumptions import Ledger
from outage_analysis.charts import CHARTS
from outage_analysis.claims import RULES
from outage_analysis.cli import app
from outage_analysis.datasets import Kind, ids
from outage_analysis.incidents import Incident
from outage_analysis.ingest import READERS
from outage_analysis.labels import LANGUAGES
from outage_analysis.policies import Policy
from outage_analysis.reports import FORMATS

KINDS: tuple[Kind, ...] = ("incidents", "policies", "assumptions", "synthetic")
PAGES: dict[str, type[BaseModel]] = {"Incident": Incident, "Policy": Policy, "Ledger": Ledger}


def reference() -> str:
    """The whole page."""
    parts = [
        "# Reference",
        "Generated from the code by `make docs`; a test compares the two.",
        "## Commands",
        *(_command(name, command) for name, command in _commands().items()),
        "## Public names",
        _list(outage_analysis.__all__),
        "## Formats",
        (
            f"A report is written in: {_list(FORMATS)} Complaint files are read from: {_list(READERS)} "
            f"Languages: {_list(LANGUAGES)}"
        ),
        "## Charts",
        "\n".join(f"- `{name}`, from the table `{entry.table}`" for name, entry in CHARTS.items()),
        "## Queries",
        "\n".join(f"- `{name}.sql`: {_first_line(name)}" for name in queries.NAMES),
        "## Rules of a claim",
        "\n".join(f"- **{rule}.** {remedy}" for rule, remedy in RULES.items()),
        "## Bundled pages",
        "\n".join(f"- {kind}: {_list(ids(kind))}" for kind in KINDS),
        "## Keys of the TOML pages",
        *(f"### {title}\n\n" + "\n".join(_keys(model, set())) for title, model in PAGES.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _commands() -> dict[str, Any]:
    group: Any = get_command(app)
    return dict(group.commands)


def _command(name: str, command: Any) -> str:  # noqa: ANN401 - typer's command class is private
    lines = [f"### `outage-analysis {name}`", str(command.help).strip(), ""]
    for option in command.params:
        if option.name != "help":
            spelled = "`, `".join((*option.opts, *option.secondary_opts)) or option.name.upper()
            lines.append(f"- `{spelled}`: {option.help}")
    return "\n".join([lines[0], "", lines[1], *lines[2:]])


def _first_line(query: str) -> str:
    return queries.text(query).splitlines()[0].removeprefix("-- ")


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) + "."


def _keys(model: type[BaseModel], seen: set[type[BaseModel]]) -> list[str]:
    """One line a key, then the keys of the nouns inside."""
    seen.add(model)
    lines = []
    inner: list[type[BaseModel]] = []
    for name, info in model.model_fields.items():
        need = "required" if info.is_required() else "optional"
        says = f": {info.description}" if info.description else ""
        lines.append(f"- `{info.alias or name}` ({_type(info.annotation)}, {need}){says}")
        inner += [m for m in _models(info.annotation) if m not in seen]
    for child in dict.fromkeys(inner):
        if child not in seen:
            title = (child.__doc__ or "").strip().splitlines()[0]
            lines += ["", f"**{child.__name__}** — {title}", "", *_keys(child, seen)]
    return lines


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - annotations have no common type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for arg in get_args(annotation) for m in _models(arg)]


def _type(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f'"{a}"' for a in args)
    if origin is Annotated:
        return _type(args[0])
    if origin in (Union, UnionType):
        return " or ".join(_type(a) for a in args if a is not type(None))
    if origin is tuple:
        return f"list of {_type(args[0])}"
    if origin is dict:
        return f"table of {_type(args[1])}"
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    name = getattr(annotation, "__name__", str(annotation))
    return names.get(name, name)


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(reference(), "utf-8")
