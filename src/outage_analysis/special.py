"""scipy.special, loaded sooner.

It copies every name of numpy's into a namespace of its own, which loads all packages of numpy that load when
first asked for: a third of its time, and none is asked for here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

LATER = ("char", "core", "ctypeslib", "f2py", "ma", "polynomial", "rec", "testing")
"""Packages of numpy that load when first asked for."""

if TYPE_CHECKING:
    from scipy import special
else:
    _held_back = [name for name in LATER if name not in vars(np)]
    for _name in _held_back:
        setattr(np, _name, None)
    try:
        special = import_module("scipy.special")
    finally:
        for _name in _held_back:
            if getattr(np, _name) is None:
                delattr(np, _name)

__all__ = ["special"]
