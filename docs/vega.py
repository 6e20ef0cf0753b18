"""Make the bundle of Vega that pages carry, from the copy inside the chart converter.

`make vega` runs it after the converter was updated; a test compares the two. Every run of a report
reads the file: joining the parts again would take it more than a second.
"""

from __future__ import annotations

from pathlib import Path

import vl_convert

TARGET = Path(__file__).parents[1] / "src" / "outage_analysis" / "charts" / "vega" / "bundle.js"


def main() -> None:
    """Write the bundle."""
    TARGET.write_text(joined(), "utf-8")


def joined() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script that sets `window.vegaEmbed` and loads nothing."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script.replace("</script", "<\\/script")


if __name__ == "__main__":
    main()
