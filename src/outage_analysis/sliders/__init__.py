"""What if: sliders that move an expected cost, on the report's page and in a notebook's output.

Here are their numbers, their markup, their look and their script; where they stand is for others.
"""

from outage_analysis.sliders.markup import asset, markup
from outage_analysis.sliders.what_if import WhatIf, what_if

__all__ = ["WhatIf", "asset", "markup", "what_if"]
