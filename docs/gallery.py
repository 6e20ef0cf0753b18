"""Writes the pictures of gallery/: what the formats look like now. Run by `make gallery`.

It needs chromium for pages, LibreOffice for workbook and deck, and pdftoppm of poppler for what is printed;
a picture whose tool is missing stays as it was, and the script says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import forecasts
from PIL import Image, ImageOps

from outage_analysis import Plan, run, write_report
from outage_analysis.jupyter import run_notebook
from outage_analysis.text import fonts

GALLERY = Path(__file__).with_name("gallery")
FORMATS = ("html", "pdf", "xlsx", "pptx", "png")
WIDTH = 640
"""Largest width of a picture in pixels; a picture from a phone keeps its own width."""
FRONT = ("page", "page-ko")
"""The pictures on the start pages of the site. They are larger, so that their text can be read."""
FRONT_WIDTH = 1200
PHONE = 390
SHEET = 460
"""Of a printed page, which is taller than wide and full of text."""
COLOURS = (128, 64, 32, 16)
MOST_BYTES = 60_000
FRONT_BYTES = 150_000
CHROMIUM = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--virtual-time-budget=8000",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where pictures are taken from: reports in two languages, and a folder to work in."""

    folder: Path

    def report(self, lang: str) -> Path:
        """The folder of a report."""
        return self.folder / lang

    def screen(self, page: Path, width: int, height: int, scale: float = 1) -> Image.Image:
        """The first screen of a page in a browser; a wide one is taken smaller."""
        shot = self.folder / "shot.png"
        flags = [
            f"--user-data-dir={self.folder / 'profile'}",
            f"--window-size={width},{height}",
            f"--force-device-scale-factor={scale}",
            f"--screenshot={shot}",
        ]
        _run("chromium", *CHROMIUM, *flags, page.as_uri())
        return Image.open(shot).copy()

    def printed(self, page: Path, number: int = 1) -> Image.Image:
        """A page of a PDF."""
        options = ("-png", "-r", "110", "-f", str(number), "-l", str(number), "-singlefile")
        _run("pdftoppm", *options, str(page), str(self.folder / "printed"))
        return Image.open(self.folder / "printed.png").copy()

    def office(self, document: Path) -> Image.Image:
        """The first page of a workbook or a deck, as LibreOffice prints it."""
        profile = f"-env:UserInstallation={(self.folder / 'office').as_uri()}"
        # With the package's fonts and no others, every machine sets the same picture.
        only = self.folder / "fonts.conf"
        only.write_text(f"<fontconfig><dir>{fonts.folder()}</dir></fontconfig>", "utf-8")
        options = ("--headless", "--convert-to", "pdf", "--outdir", str(self.folder))
        _run("soffice", profile, *options, str(document), FONTCONFIG_FILE=str(only))
        return self.printed(self.folder / f"{document.stem}.pdf")


def _page(source: Source) -> Image.Image:
    return source.screen(source.report("en") / "report.html", FRONT_WIDTH, 891)


def _korean_page(source: Source) -> Image.Image:
    return source.screen(source.report("ko") / "report.html", FRONT_WIDTH, 848)


def _phone(source: Source) -> Image.Image:
    # A window of the browser is never as narrow as a phone: the page is put into a frame that is.
    frame = source.folder / "phone.html"
    inside = (source.report("ko") / "report.html").as_uri()
    framed = f'<iframe src="{inside}" width="{PHONE}" height="800" style="border:0">'
    frame.write_text(f'<body style="margin:0">{framed}', "utf-8")
    return source.screen(frame, 600, 800).crop((0, 0, PHONE, 800))


def _brief(source: Source) -> Image.Image:
    whole = source.printed(source.report("en") / "brief.pdf")
    return whole.resize((SHEET, round(whole.height * SHEET / whole.width)), Image.Resampling.LANCZOS)


def _workbook(source: Source) -> Image.Image:
    sheet = source.office(next(source.report("en").glob("*.xlsx")))
    left, top, right, bottom = ImageOps.invert(sheet.convert("L")).getbbox() or (0, 0, *sheet.size)
    return sheet.crop((left - 8, top - 8, right + 8, top + round(0.635 * (bottom - top))))


def _deck(source: Source) -> Image.Image:
    return source.office(next(source.report("en").glob("*.pptx")))


def _chart(source: Source) -> Image.Image:
    return Image.open(source.report("en") / "charts" / "tornado.png").copy()


def _notebook(source: Source) -> Image.Image:
    page = run_notebook("05_executive_summary", source.folder / "summary.html")
    return source.screen(page, 940, 1150)


def _forecasts(source: Source) -> Image.Image:  # noqa: ARG001 - the notebook has it
    return Image.open(BytesIO(forecasts.picture()))


PICTURES: dict[str, tuple[Callable[[Source], Image.Image], tuple[str, ...]]] = {
    "page": (_page, ("chromium",)),
    "page-ko": (_korean_page, ("chromium",)),
    "page-ko-phone": (_phone, ("chromium",)),
    "brief": (_brief, ("pdftoppm",)),
    "workbook": (_workbook, ("soffice", "pdftoppm")),
    "deck": (_deck, ("soffice", "pdftoppm")),
    "chart": (_chart, ()),
    "notebook": (_notebook, ("chromium",)),
    "forecasts": (_forecasts, ()),
}
"""Each picture by name: how it is taken, and the tools that it needs."""


def main() -> None:
    """Take every picture that can be taken here."""
    GALLERY.mkdir(exist_ok=True)
    analysis = run(Plan())
    with tempfile.TemporaryDirectory() as temporary:
        source = Source(Path(temporary))
        for lang in ("en", "ko"):
            write_report(analysis, source.report(lang), lang=lang, formats=FORMATS)
        for name, (take, tools) in PICTURES.items():
            missing = [tool for tool in tools if shutil.which(tool) is None]
            if missing:
                sys.stdout.write(f"{name}.png stays as it was: {', '.join(missing)} is not installed\n")
                continue
            size = save(take(source), GALLERY / f"{name}.png")
            sys.stdout.write(f"{name}.png {size:,} bytes\n")


def save(picture: Image.Image, path: Path) -> int:
    """Write a picture small, with as many colours as there is room for; returns its bytes.

    Raises:
        SystemExit: it is too large for the README even so.
    """
    front = path.stem in FRONT
    width = min(FRONT_WIDTH if front else WIDTH, picture.width)
    height = round(picture.height * width / picture.width)
    most_bytes = FRONT_BYTES if front else MOST_BYTES
    small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    for colours in COLOURS:
        written = BytesIO()
        fewer = small.quantize(colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        fewer.save(written, "PNG", optimize=True)
        if len(written.getvalue()) <= most_bytes:
            path.write_bytes(written.getvalue())
            return len(written.getvalue())
    raise SystemExit(f"{path.name} has more than {most_bytes:,} bytes: show less of it")


def _run(*command: str, **environment: str) -> None:
    whole = {**os.environ, **environment}
    subprocess.run(command, check=True, capture_output=True, timeout=180, env=whole)  # noqa: S603 - our tools


if __name__ == "__main__":
    main()
