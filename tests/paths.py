"""Where the repository, the published numbers and the other files that tests read are."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
"""The repository."""
GOLDEN = TESTS / "golden"
"""Published numbers with their sources."""
OWN_OUTAGE = TESTS / "own_outage"
"""The TOML and claims of an outage that is not bundled."""
AXE = TESTS / "assets" / "axe" / "axe.min.js"
"""The accessibility checker that browser tests load into a page."""
