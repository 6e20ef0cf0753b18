"""`scipy.special`, imported in two thirds of the time.

It copies every name of numpy into a namespace of its own. This imports packages of numpy that otherwise load
only when they are used, such as `numpy.f2py` and `numpy.testing`, and no function of this package uses them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

UNUSED = ("char", "core", "ctypeslib", "f2py", "ma", "polynomial", "rec", "testing")
"""Packages of numpy that load when they are first used."""

if TYPE_CHECKING:
    from scipy import special
else:
    hidden = [name for name in UNUSED if name not in vars(np)]
    for name in hidden:
        setattr(np, name, None)
    try:
        special = import_module("scipy.special")
    finally:
        for name in hidden:
            if getattr(np, name) is None:
                delattr(np, name)

__all__ = ["special"]
