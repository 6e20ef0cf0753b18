"""Builds the documentation site, build/site. Run by `make site`.

The pages of docs/ and of the root are copied, with their links changed to their places on the site. The
reference, notebooks and reports are made from the code. Then zensical builds, and any warning is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import notebooks
import reference

from outage_analysis.cli import app
from outage_analysis.jupyter.notebook import notebook_page, read_notebook

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build" / "site-pages"
SITE = ROOT / "build" / "site"
FRONT = {"README.md": "index.md", "README.ko.md": "ko/index.md"}
"""The pages of the site that stand for those of the repository."""
FROM_ROOT = ("CHANGELOG.md", "CONTRIBUTING.md", "GLOSSARY.md")
LIVE_REPORTS = {
    "kakao": ("kakao-2022", "en"),
    "kt": ("kt-2018", "en"),
    "kakao-ko": ("kakao-2022", "ko"),
    "kt-ko": ("kt-2018", "ko"),
}
"""The incident and the language of each report, by the name of its folder."""
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)|^```.*?^ *```$", re.MULTILINE | re.DOTALL)
"""A link, or a block of code, which has none."""


def main() -> None:
    """Write every page, and build the site."""
    for folder in (PAGES, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name in FROM_ROOT:
        shutil.copy(ROOT / name, PAGES)
    for page in PAGES.rglob("*.md"):
        page.write_text(with_site_links(page), "utf-8")
    for name, text in reference.pages().items():
        write(PAGES / "reference" / f"{name}.md", text)
    write(PAGES / "ko" / "glossary.md", korean_glossary())
    write_notebooks()
    write_reports()
    subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=ROOT, check=True)


def write(path: Path, text: str) -> None:
    """Write a page into a folder that may be new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def with_site_links(page: Path) -> str:
    """Return a copied page with its links as the site needs them."""
    name = page.relative_to(PAGES)
    home = ROOT if name.as_posix() in FROM_ROOT else ROOT / "docs"

    def changed(link: re.Match[str]) -> str:
        said, target = link[1], link[2]
        if said is None or target.startswith(("#", "https://")):
            return link[0]
        path, mark, anchor = target.partition("#")
        place = site_path(((home / name).parent / path).resolve().relative_to(ROOT).as_posix())
        if place is None:
            return said
        return f"[{said}]({os.path.relpath(place, name.parent)}{mark}{anchor})"

    return LINK.sub(changed, page.read_text("utf-8"))


def site_path(path: str) -> str | None:
    """Return where the site has a file of the repository or a page made from the code, or None."""
    if path in FRONT or path in FROM_ROOT:
        return FRONT.get(path, path)
    if path.startswith("notebooks/"):
        return path.replace(".ipynb", ".html")
    return path.removeprefix("docs/") if path.startswith("docs/") else None


def korean_glossary() -> str:
    """Return the glossary sorted by its Korean terms."""
    text = (ROOT / "GLOSSARY.md").read_text("utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    terms = sorted((korean, english, meaning) for english, korean, meaning in rows[2:])
    table = "\n".join(f"| {' | '.join(term)} |" for term in terms)
    return f"# 용어집\n\n뜻은 영어로 적혀 있습니다.\n\n| 용어 | 영어 | 뜻 |\n| --- | --- | --- |\n{table}\n"


def write_notebooks() -> None:
    """Write the stored notebooks, which were executed, as pages with live charts."""
    for path in notebooks.stored_paths():
        notebook = notebooks.with_bundle(read_notebook(path))
        lang = "ko" if ".ko." in path.name else "en"
        write(PAGES / "notebooks" / f"{path.stem}.html", notebook_page(notebook, lang, code=True))


def write_reports() -> None:
    """Write the reports of both bundled cases as the command does."""
    for name, (incident, lang) in LIVE_REPORTS.items():
        where = ["--incident", incident, "--lang", lang, "--out", str(PAGES / "reports" / name)]
        app(["report", *where, "--formats", "html,pdf,xlsx"], standalone_mode=False)


if __name__ == "__main__":
    main()
