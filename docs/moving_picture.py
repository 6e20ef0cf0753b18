"""Writes the moving pictures of README.md and README.ko.md: a budget is typed into the box of a report.

Run by `make gallery`; it needs chromium and its driver.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from gallery import CHROMIUM, GALLERY
from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from outage_analysis import run, write_report

BUDGETS = {"en": ("300M", "600M"), "ko": ("3억", "6억")}
"""What is typed, one after the other, by language of the page."""
WINDOW = 1_280, 1_400
WIDTH = 720
"""Largest width of the picture in pixels."""
COLOURS = 32
LETTER, READ = 250, 3_000
"""Milliseconds that a frame is shown: after a letter, and with a result."""
MOST_BYTES = 400_000


def picture(lang: str) -> Path:
    """The file of the moving picture in a language."""
    return GALLERY / ("budget-box.gif" if lang == "en" else f"budget-box-{lang}.gif")


def frames(page: Path, lang: str, profile: Path) -> Iterator[tuple[Image.Image, int]]:
    """Each picture of the box and the chart below it, with the time that it is shown."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*CHROMIUM[:-1], f"--user-data-dir={profile}", f"--window-size={WINDOW[0]},{WINDOW[1]}"):
        options.add_argument(flag)
    browser = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.get(page.as_uri())
        time.sleep(3)
        box = browser.find_element(By.CSS_SELECTOR, ".budget input")
        for budget in BUDGETS[lang]:
            box.send_keys(Keys.CONTROL, "a")
            for letter in budget:
                box.send_keys(letter)
                yield _shot(browser), LETTER
            time.sleep(1.5)  # until the page has drawn the result
            yield _shot(browser), READ
    finally:
        browser.quit()


def _shot(browser: Chrome) -> Image.Image:
    """The box and the chart, without what stands below the chart."""
    shown = browser.find_element(By.CSS_SELECTOR, ".screen > div")
    chart = shown.find_element(By.CSS_SELECTOR, ".chart")
    whole = Image.open(BytesIO(shown.screenshot_as_png)).convert("RGB")
    bottom = chart.location["y"] + chart.size["height"] - shown.location["y"]
    part = whole.crop((0, 0, whole.width, round(bottom)))
    part.thumbnail((WIDTH, part.height), Image.Resampling.LANCZOS)
    return part


def save(shots: list[tuple[Image.Image, int]], path: Path) -> int:
    """Write the moving picture, which repeats for ever; returns its bytes."""
    size = shots[0][0].width, max(image.height for image, _ in shots)  # the box grows when it has an answer
    palette = shots[-1][0].quantize(COLOURS)
    still = []
    for image, _ in shots:
        whole = Image.new("RGB", size, "white")
        whole.paste(image)
        still.append(whole.quantize(palette=palette, dither=Image.Dither.NONE))
    written = BytesIO()
    times = [shown for _, shown in shots]
    still[0].save(written, "GIF", save_all=True, append_images=still[1:], duration=times, loop=0)
    if len(written.getvalue()) > MOST_BYTES:
        raise SystemExit(f"{path.name} has more than {MOST_BYTES:,} bytes: show less of it")
    path.write_bytes(written.getvalue())
    return len(written.getvalue())


def main() -> None:
    """Write the moving picture in each language."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        sys.stdout.write("the moving pictures stay as they were: chromium or its driver is not installed\n")
        return
    analysis = run()
    with tempfile.TemporaryDirectory() as folder:
        for lang in BUDGETS:
            report = Path(folder) / lang
            write_report(analysis, report, lang=lang, formats=("html",))
            shots = [*frames(report / "report.html", lang, Path(folder) / f"profile-{lang}")]
            size = save(shots, picture(lang))
            sys.stdout.write(f"{picture(lang).name} {size:,} bytes\n")


if __name__ == "__main__":
    main()
