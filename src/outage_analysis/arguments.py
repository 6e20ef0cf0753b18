"""Functions with many keyword arguments: the signature lists each, and a wrong one gets a hint."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ForwardRef, ParamSpec, TypeVar

from outage_analysis.errors import UsageError
from outage_analysis.files import spelling_hint

P = ParamSpec("P")
R = TypeVar("R")


class NoSuchArgument(UsageError, TypeError):
    """A function has no argument of this name."""


def lists_arguments(*groups: type) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that takes `**arguments: Unpack[...]` so that its signature lists each argument.

    A keyword that the signature does not have raises `NoSuchArgument`, which names the closest one.

    Args:
        groups: the typed dictionaries of the further arguments.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
        further = {name: kind for group in groups for name, kind in group.__annotations__.items()}
        own += [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=...,
                annotation=kind.__forward_arg__ if isinstance(kind, ForwardRef) else kind,
            )
            for name, kind in further.items()
        ]
        names = [parameter.name for parameter in own]

        @wraps(function)
        def call(*args: P.args, **keywords: P.kwargs) -> R:
            if wrong := next((name for name in keywords if name not in names), None):
                problem = f"{function.__name__} has no argument of this name"
                raise NoSuchArgument(problem, value=wrong, remedy=spelling_hint(wrong, names))
            return function(*args, **keywords)

        call.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
        return call

    return decorate
