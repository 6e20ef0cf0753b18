"""Altair, loaded a second sooner.

It checks by jsonschema, which takes every package that it finds for the forms of texts; the one for IRIs,
which JupyterLab brings, compiles a grammar for more than a second, and no chart has an IRI.
"""

from __future__ import annotations

import sys
from importlib import import_module

GRAMMAR = "rfc3987_syntax"

if not {GRAMMAR, "jsonschema"} & sys.modules.keys():
    sys.modules[GRAMMAR] = None  # type: ignore[assignment] # as if it were not installed
    try:
        import_module("altair")
    finally:
        del sys.modules[GRAMMAR]
