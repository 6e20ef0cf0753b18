"""Import Altair without slow parsers of string formats, which saves about a second.

Altair imports jsonschema, and jsonschema imports every installed package that checks string formats.
JupyterLab installs such packages: `rfc3987_syntax` checks IRIs (international URLs) and needs more than a
second to be imported, `rfc3986_validator` checks URIs, and `isoduration` checks durations. No chart contains
one of these, so this module hides the packages while Altair is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module

from outage_analysis.errors import EnvironmentFailed

PARSERS = dict.fromkeys(("rfc3987_syntax", "rfc3986_validator", "isoduration"))

if sys.flags.optimize > 1:
    raise EnvironmentFailed(
        "Python runs without docstrings (PYTHONOPTIMIZE=2, or python -OO), which charts need",
        remedy="Unset PYTHONOPTIMIZE, or set it to 1.",
    )
if not {*PARSERS, "jsonschema"} & sys.modules.keys():
    sys.modules.update(PARSERS)  # type: ignore[arg-type] # jsonschema then treats them as not installed
    try:
        import_module("altair")
    finally:
        for name in PARSERS:
            del sys.modules[name]
