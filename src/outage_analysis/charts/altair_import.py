"""Import Altair without the slow IRI parser, which saves about a second.

Altair imports jsonschema, and jsonschema imports every installed package that checks string formats. One of
them, which JupyterLab installs, checks IRIs (international URLs) and compiles a grammar for more than a
second on import. No chart contains an IRI, so this module hides that package while Altair is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module

IRI_PARSER = "rfc3987_syntax"

if not {IRI_PARSER, "jsonschema"} & sys.modules.keys():
    sys.modules[IRI_PARSER] = None  # type: ignore[assignment] # jsonschema then treats it as not installed
    try:
        import_module("altair")
    finally:
        del sys.modules[IRI_PARSER]
