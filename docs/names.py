"""The public names, as the reference tells them: signature, what it does, arguments, returns, errors."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import outage_analysis
from outage_analysis.lazy_exports import exported_names

ELSEWHERE = {"Analysis", "Branch", "Claims", "Cube", "Incident", "Ledger", "Policy", "forecast_late_claims"}
"""Names of `outage_analysis` that the reference describes below another package."""
PUBLIC = {
    "outage_analysis": (
        "What a script needs: documents and claims in, an analysis and a report out.",
        tuple(sorted(exported_names(Path(outage_analysis.__file__)).keys() - ELSEWHERE)),
    ),
    "outage_analysis.analysis": (
        "What `run` and `compare` return.",
        ("Analysis", "PolicyComparison"),
    ),
    "outage_analysis.claims": ("What `read_claims` returns.", ("Claims",)),
    "outage_analysis.incidents": ("What `load_incident` returns.", ("Incident",)),
    "outage_analysis.policies": ("What `load_policy` returns.", ("Policy",)),
    "outage_analysis.assumptions": ("What `load_ledger` returns.", ("Ledger",)),
    "outage_analysis.jupyter": (
        "Charts, tables and parts of the report in a notebook, offline.",
        (
            "refusals_as_notes", "show", "show_part", "show_table", "show_what_if",
        ),
    ),
    "outage_analysis.costs": (
        "The cost model: expected cost and distribution of a total.",
        (
            "HAS_AMOUNT", "UNSTATED", "Simulation", "assumption_ids", "build_portfolio", "by_band",
            "cost_table", "rounded_estimate", "simulate", "totals",
        ),
    ),
    "outage_analysis.costs.simulation_tables": (
        "Tables of a simulation.",
        ("quantiles_table", "total_distribution_table", "waterfall_steps"),
    ),
    "outage_analysis.costs.sensitivity": (
        "What a total depends on.",
        (
            "break_evens", "cost_sobol_indices", "information_value",
            "inputs_given_exceedance", "levers", "tornado",
        ),
    ),
    "outage_analysis.costs.scenarios": (
        "Stresses of a total.",
        ("ScenarioSet", "load_scenarios"),
    ),
    "outage_analysis.losses": (
        "Losses: the cube, summaries of its losses, fitted severity, and forecasts of late claims.",
        (
            "Cube", "DimensionFilter", "compare_groups", "cumulative_intake",
            "display_bands", "fit_edges", "loss_counts", "quantiles", "regroup", "filter_cube",
            "stated_edges", "summary", "with_shares", "FAMILIES", "Fits", "SeverityFit", "fit_all",
            "Branch", "Channel", "LateClaimsForecast", "channel_from_cube", "forecast_late_claims",
            "channel_from_series",
        ),
    ),
}  # fmt: skip
"""The names that users call, by package: its purpose, and the names in the order of the reference."""
SECTION = re.compile(r"^(Args|Returns|Raises|Example):$", re.MULTILINE)


@dataclass(frozen=True)
class _Bare:
    """A part of a signature, shown as it was written."""

    text: str

    def __repr__(self) -> str:
        return self.text


def entries(package: str) -> str:
    """The reference entries of a package's public names, one below the other."""
    exporter = import_module(package)
    _, public = PUBLIC[package]
    return "\n\n".join(_entry(name, getattr(exporter, name), exporter) for name in public)


def _entry(name: str, value: Any, home: ModuleType) -> str:  # noqa: ANN401 - any public value
    head = f"#### `{name}`"
    if inspect.isclass(value):
        parts = [f"`{name}{_signature(value)}`", *_described(value, name), _members(value)]
    elif inspect.isfunction(value):
        parts = [f"`{name}{_signature(value)}`", *_described(value, name)]
    else:
        parts = [_beside(name, home), *([f"Keys: {_listed(value)}."] if isinstance(value, dict) else [])]
        if isinstance(value, tuple):
            parts.append(f"Values: {_listed(value)}.")
    return "\n\n".join(part for part in (head, *parts) if part)


def _signature(value: Any) -> str:  # noqa: ANN401 - a function or a class
    """A signature as the source spells it: names of types, no addresses."""
    written = inspect.signature(value)
    parameters = [_parameter(parameter) for parameter in written.parameters.values()]
    returned = written.return_annotation
    known = returned is written.empty or returned is None or inspect.isclass(value)
    back = written.empty if known else _Bare(_plain(returned))
    return str(written.replace(parameters=parameters, return_annotation=back))


def _parameter(written: inspect.Parameter) -> inspect.Parameter:
    nothing = written.empty
    typed, default = written.annotation, written.default
    return written.replace(
        annotation=nothing if typed is nothing else _Bare(_plain(typed)),
        default=_Bare("…") if default is not nothing and callable(default) else default,
    )


def _plain(annotation: Any) -> str:  # noqa: ANN401 - text, as every module postpones its annotations
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _described(value: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - a function or a class
    """A docstring as paragraphs and lists."""
    text = inspect.getdoc(value) or ""
    if not text or text.startswith(f"{name}("):  # what dataclasses write where nobody did
        return
    opening, *rest = SECTION.split(text)
    yield _marked(opening.strip())
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        said = inspect.cleandoc(body)
        if title == "Example":
            prose, prompt, code = said.partition(">>>")
            yield "\n\n".join(filter(None, ["Example:", prose.strip(), f"```text\n{prompt}{code}\n```"]))
        elif title == "Returns":
            yield f"Returns: {' '.join(said.split())}"
        else:
            items = (item.partition(": ") for item in re.split(r"\n(?=\S)", said))
            lines = [f"- `{name}`: {' '.join(text.split())}" for name, _, text in items]
            yield "\n".join([f"{ {'Args': 'Arguments', 'Raises': 'Errors'}[title] }:", "", *lines])


def _marked(text: str) -> str:
    """Prose of a docstring, its wrapped lines joined."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _members(value: Any) -> str:  # noqa: ANN401 - a class
    """The fields and methods of a class that say what they are."""
    tree = _tree(inspect.getsource(value))
    (body,) = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    lines = [f"- `{name}`: {said}" for name, said in _fields(body)]
    for node in body:
        said = ast.get_docstring(node) if isinstance(node, ast.FunctionDef) else None
        if isinstance(node, ast.FunctionDef) and said and not node.name.startswith("_"):
            called = "" if any("property" in ast.unparse(d) for d in node.decorator_list) else _taken(node)
            lines.append(f"- `{node.name}{called}`: {_marked(said.split(chr(10) * 2)[0])}")
    return "\n".join(["Members:", "", *lines]) if lines else ""


def _taken(method: ast.FunctionDef) -> str:
    """The arguments of a method, without the one that stands for the object."""
    written = ast.unparse(method.args)
    return f"({re.sub(r'^(self|cls)(, )?', '', written)})"


def _fields(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Names with the text that stands below them."""
    for node, after in pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        target = targets[0]
        if isinstance(target, ast.Name) and isinstance(after, ast.Expr):
            said = after.value.value if isinstance(after.value, ast.Constant) else None
            if isinstance(said, str):
                yield target.id, _marked(inspect.cleandoc(said))


def _beside(name: str, home: ModuleType) -> str:
    """What is said below a constant, in the module that it is from."""
    for node in ast.walk(_tree(inspect.getsource(home))):
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return _beside(name, import_module(node.module or ""))
    return dict(_fields(_tree(inspect.getsource(home)).body)).get(name, "")


@cache
def _tree(source: str) -> ast.Module:
    return ast.parse(textwrap.dedent(source))


def _listed(values: Any) -> str:  # noqa: ANN401 - names or numbers
    return ", ".join(f"`{value}`" for value in values)
