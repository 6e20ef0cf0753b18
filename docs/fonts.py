"""Make the package's own fonts from Noto Sans CJK KR, as Debian's fonts-noto-cjk installs it.

`make fonts` runs it. The family gets a name of its own, so that no font of the machine is ever taken
for it; the OFL allows both the cut and the name.
"""

from __future__ import annotations

from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

INSTALLED = Path("/usr/share/fonts/opentype/noto")
TARGET = Path(__file__).parents[1] / "src" / "outage_analysis" / "text" / "font_files"
FAMILIES = {"Outage Sans": 0xFFFF, "Outage Latin": 0x2FFF}
"""The last character of each family; without the Korean ones, charts are drawn in two thirds of the time."""
RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3C9), (0x2010, 0x203B), (0x2070, 0x208E), (0x3000, 0x301F),
    (0x3131, 0x318E), (0xAC00, 0xD7A3),
)  # fmt: skip
"""Latin, Greek, punctuation, raised and lowered digits, Korean letters and all 11,172 syllables."""
SIGNS = "₩€£¥№™←↑→↓↔\u2212≈≠≤≥∞△▲▽▼■□●○✓✕①②③④⑤㎡㎞"
FEATURES = ["kern", "tnum", "ccmp", "locl"]


def main() -> None:
    """Write both weights of both families."""
    wanted = {code for first, last in RANGES for code in range(first, last + 1)} | set(map(ord, SIGNS))
    for weight in ("Regular", "Bold"):
        for family, last in FAMILIES.items():
            font = _korean(weight)
            options = subset.Options()
            options.layout_features = FEATURES
            options.name_IDs = ["*"]
            options.recalc_timestamp = options.hinting = False
            options.drop_tables += ["vhea", "vmtx", "VORG", "BASE"]  # nothing here is set vertically
            cut = subset.Subsetter(options)
            cut.populate(unicodes={code for code in wanted if code <= last})
            cut.subset(font)
            font["CFF "].cff.desubroutinize()  # larger, and cut again in a third of the time
            _rename(font, family, weight)
            font.save(TARGET / f"{family.replace(' ', '')}-{weight}.otf")


def _korean(weight: str) -> TTFont:
    collection = TTCollection(INSTALLED / f"NotoSansCJK-{weight}.ttc", lazy=True)
    family = "Noto Sans CJK KR"
    found: TTFont = next(f for f in collection.fonts if f["name"].getDebugName(1) == family)
    found.recalcTimestamp = False  # the same cut is the same file
    return found


def _rename(font: TTFont, family: str, weight: str) -> None:
    names = {1: family, 2: weight, 4: f"{family} {weight}", 6: f"{family.replace(' ', '')}-{weight}"}
    table = font["name"]
    windows, english = 3, 0x409
    kept = (0, 5, 13, 14)  # copyright, version, licence and its address
    table.names = [
        n for n in table.names if (n.platformID, n.langID) == (windows, english) and n.nameID in kept
    ]
    for number, text in names.items():
        table.setName(text, number, windows, 1, english)
    top = font["CFF "].cff
    top.fontNames = [names[6]]
    top.topDictIndex[0].FullName, top.topDictIndex[0].FamilyName = names[4], family


if __name__ == "__main__":
    main()
