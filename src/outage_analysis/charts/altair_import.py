"""Import Altair without the slow IRI parser, which saves about a second.

Altair imports jsonschema, and jsonschema imports every installed package that checks string formats.
JupyterLab installs one such package, `rfc3987_syntax`, which checks IRIs (international URLs) and needs more
than a second to be imported. No chart contains an IRI, so this module hides `rfc3987_syntax` while Altair is
imported.
"""

from __future__ import annotations

import sys
from importlib import import_module

from outage_analysis.errors import EnvironmentFailed

IRI_PARSER = "rfc3987_syntax"

if sys.flags.optimize > 1:
    raise EnvironmentFailed(
        "Python runs without docstrings (PYTHONOPTIMIZE=2, or python -OO), which charts need",
        remedy="Unset PYTHONOPTIMIZE, or set it to 1.",
    )
if not {IRI_PARSER, "jsonschema"} & sys.modules.keys():
    sys.modules[IRI_PARSER] = None  # type: ignore[assignment] # jsonschema then treats it as not installed
    try:
        import_module("altair")
    finally:
        del sys.modules[IRI_PARSER]
