"""The keys of the TOML pages, as tables for the reference: type, unit, default, an example, what it says."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
import tomllib
from collections.abc import Iterable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.sensitivity import ScenarioSet
from outage_analysis.files import Unit, data_root
from outage_analysis.incidents import BacktestSpec, Incident, IntakeSeries, Layout
from outage_analysis.losses import GroupedLossesDocument
from outage_analysis.policies import Policy

EVERY_KEY = Path(__file__).with_name("every-key.toml")
PAGES: dict[str, tuple[type[BaseModel], Path]] = {
    "Incident": (Incident, data_root() / "incidents" / "kakao-2022.toml"),
    "Layout": (Layout, data_root() / "layouts" / "call-centre-ko.toml"),
    "Policy": (Policy, EVERY_KEY),
    "Ledger": (Ledger, data_root() / "assumptions" / "kakao-2022.toml"),
    "Intake": (IntakeSeries, data_root() / "intakes" / "kakao-federation.toml"),
    "Grouped losses": (GroupedLossesDocument, data_root() / "grouped" / "dental-claims.toml"),
    "Back-test": (BacktestSpec, data_root() / "backtests" / "kakao-2022.toml"),
    "Scenarios": (ScenarioSet, data_root() / "scenarios" / "stresses.toml"),
}
"""Every kind of page: the noun that reads it, and the page that its examples are from."""
Examples = dict[tuple[type[BaseModel], str], Any]
HEAD = ("| key | type | unit | default | example | what it says |", "| --- " * 6 + "|")
LONGEST = 3
"""Keys that an example of a table shows."""


def tables(title: str) -> str:
    """Every key of one kind of page, those of the nouns inside it below."""
    model, path = PAGES[title]
    return "\n".join(_keys(model, set(), examples_of(model, tomllib.loads(path.read_text("utf-8")))))


def _keys(model: type[BaseModel], seen: set[type[BaseModel]], examples: Examples) -> list[str]:
    """A table of the keys, then those of the nouns inside."""
    seen.add(model)
    bases = {_owner(model, name): None for name in model.model_fields}
    inherited = [b for b in bases if b is not model]
    lines = [f"The keys of {base.__name__}" + (", and:" if model in bases else ".") for base in inherited]
    inner = list(inherited)
    rows, said = [], _docstrings(model)
    for name, info in model.model_fields.items():
        inner += _models(info.annotation)
        if _owner(model, name) is model:
            key = info.alias or name
            units = ", ".join(dict.fromkeys(_units(info.annotation, info.metadata)))
            cells = [
                f"`{key}`",
                "number" if units.startswith("share") else _type(info.annotation),
                units,
                _default(info),
                f"`{_toml(examples[model, key])}`" if (model, key) in examples else "",
                said.get(name, "Which kind it is." if key == "kind" else "").replace("\n", " "),
            ]
            rows.append("| " + " | ".join(cells) + " |")
    if rows:
        lines += ["", *HEAD, *rows] if lines else [*HEAD, *rows]
    for child in dict.fromkeys(inner):
        if child not in seen:
            title = (child.__doc__ or "").strip().splitlines()[0]
            lines += ["", f"**{child.__name__}** — {title}", "", *_keys(child, seen, examples)]
    return lines


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """What is said below each field of a class; pydantic would look for it whenever the class is made."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: inspect.cleandoc(str(said.value.value))
        for field, said in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(said, ast.Expr)
        and isinstance(said.value, ast.Constant)
    }


def keys(model: type[BaseModel]) -> dict[tuple[type[BaseModel], str], FieldInfo]:
    """Every key of a page and of the nouns inside it, by the noun that has it first."""
    found: dict[tuple[type[BaseModel], str], FieldInfo] = {}
    waiting, seen = [model], set()
    while waiting:
        noun = waiting.pop()
        seen.add(noun)
        for name, info in noun.model_fields.items():
            owner = _owner(noun, name)
            found.setdefault((owner, info.alias or name), owner.model_fields[name])
            waiting += [m for m in _models(info.annotation) if m not in seen]
    return found


def _owner(noun: type[BaseModel], name: str) -> type[BaseModel]:
    """The noun that a key is inherited from, or the noun itself."""
    return [n for n in noun.__mro__ if issubclass(n, BaseModel) and name in n.model_fields][-1]


def examples_of(model: type[BaseModel], page: dict[str, Any]) -> Examples:
    """The first value of every key of a page, by the noun that has it."""
    found: Examples = {}

    def walk(noun: type[BaseModel], table: dict[str, Any]) -> None:
        for name, info in noun.model_fields.items():
            key = info.alias or name
            if key not in table:
                continue
            value = table[key]
            for owner in noun.__mro__:  # a key that is inherited is an example of the noun that has it
                if issubclass(owner, BaseModel) and name in owner.model_fields:
                    found.setdefault((owner, key), value)
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, dict):
                    fits = [m for m in _models(info.annotation) if _is(m, inner)]
                    for child in fits[:1]:
                        walk(child, inner)

    walk(model, page)
    return found


def _is(noun: type[BaseModel], table: dict[str, Any]) -> bool:
    """Whether a table is one of a noun: of its kind, where it has one, and with keys of it only."""
    kind = noun.model_fields.get("kind")
    known = {info.alias or name for name, info in noun.model_fields.items()}
    return set(table) <= known and (kind is None or table.get("kind") in get_args(kind.annotation))


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    empty = value is None or value in ((), {}, "") or isinstance(value, BaseModel)
    return "none" if empty else f"`{_toml(value)}`"


def _units(annotation: Any, metadata: Iterable[Any] = ()) -> list[str]:  # noqa: ANN401 - as below
    """The units that annotate a type, or a type inside it."""
    found = [m.name for m in (*metadata, *getattr(annotation, "__metadata__", ())) if isinstance(m, Unit)]
    models = (arg for arg in get_args(annotation) if not _models(arg))
    return found + [unit for arg in models for unit in _units(arg)]


def _toml(value: Any) -> str:  # noqa: ANN401 - TOML values have no common type
    """A value as a page writes it, long ones cut."""
    if isinstance(value, dict):
        inside = ", ".join(f"{k} = {_toml(v)}" for k, v in list(value.items())[:LONGEST])
        return "{ " + inside + (", … }" if len(value) > LONGEST else " }")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value[:1]) + (", …]" if len(value) > 1 else "]")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:_}" if isinstance(value, int) else str(value)


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
