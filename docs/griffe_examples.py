"""Lets the site show an `Example:` of a docstring as code: griffe knows only `Examples:`."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):  # type: ignore[misc] # the checks run where griffe is not installed
    """Rename the section in each docstring."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401 - as griffe calls it
        """Change the docstring of an object when griffe has read it."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
