"""The documentation site in build/site, as `make site` built it: complete, and without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from names import PUBLIC
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.chromium import IN_A_BROWSER
from tests.contract.command_line import outage_analysis
from tests.contract.live_page import open_page, started_browser
from tests.paths import ROOT

SITE = ROOT / "build" / "site"
OPENED = ("index.html", "ko/index.html", "reference/python.html", "notebooks/03_compensation_cost.html")
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""Elements that load a file when a page is opened, with the attribute that names it."""
PAGES = sorted(SITE.rglob("*.html"))
OTHERS = {"notebooks", "reports", "404.html"}
SITE_PAGES = [page for page in PAGES if page.relative_to(SITE).parts[0] not in OTHERS]
"""Pages that other tests open, and the one that a server shows for a wrong address."""
MARKS = re.compile(r"```.*|^\| .*|\]\([^)]*\)|^(?:<p>)?(?:[-*] |\d+\. ).*|^:::.*", re.MULTILINE)
"""A block of code, table, link, list or reference that was not understood."""
FOUND = """
    const box = [...document.querySelectorAll("div")].find((e) => e.shadowRoot);
    return box ? [...box.shadowRoot.querySelectorAll("a")].map((a) => a.getAttribute("href")) : [];
"""


class Parts(HTMLParser):
    """The ids of a page, what it links to, and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.ids.add(attributes.get("id") or "")
        if tag == "a":
            self.links.append(attributes.get("href") or "#")
        if tag in LOADED and attributes.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(attributes.get(LOADED[tag]) or "")


parts = cache(Parts)


def name(page: Path) -> str:
    return page.relative_to(SITE).as_posix()


@pytest.mark.parametrize("page", SITE_PAGES, ids=name)
def test_every_link_and_file_of_a_page_is_there(page: Path) -> None:
    for address in (*parts(page).links, *parts(page).loads):
        where = urlsplit(address)
        if address and not where.scheme:
            target = (page.parent / unquote(where.path)).resolve() if where.path else page
            assert target.is_file(), address
            if where.fragment and target.suffix == ".html":
                assert unquote(where.fragment) in parts(target).ids, address


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_loads_nothing_from_another_host(page: Path) -> None:
    assert [address for address in parts(page).loads if urlsplit(address).scheme not in ("", "data")] == []
    for style in SITE.glob("assets/stylesheets/**/*.css"):
        assert re.findall(r"url\(['\"]?https?:[^)]*|@import[^;]*", style.read_text("utf-8")) == []


def test_the_menu_leads_to_every_page_and_every_page_of_the_menu_is_there() -> None:
    menu = re.findall(r'= "([^"]+\.md)"', (ROOT / "zensical.toml").read_text("utf-8"))
    written = {re.sub(r"README\.md$", "index.md", path).removesuffix(".md") + ".html" for path in menu}
    assert written == {name(page) for page in SITE_PAGES}


def test_no_mark_of_markdown_is_left_in_the_text() -> None:
    for page in SITE_PAGES:
        text = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "", page.read_text("utf-8"), flags=re.DOTALL)
        assert MARKS.findall(text) == [], name(page)


def test_the_reference_describes_every_public_name() -> None:
    page = (SITE / "reference" / "python.html").read_text("utf-8")
    for package, (_, public) in PUBLIC.items():
        for each in public:
            _, found, after = page.partition(f'id="{package}.{each}"')
            assert found, f"{package}.{each}"
            told = after.split('class="doc doc-contents', 1)[1].split('<h3 id="', 1)[0]
            assert re.search(r"<p>\w", told), f"{package}.{each}"


@pytest.mark.parametrize(
    ("word", "page"),
    [("bunching", "GLOSSARY.html"), ("신청률", "ko/glossary.html"), ("chance_over", "reference/python.html")],
)
def test_the_index_of_the_search_has_the_words_of_both_languages(word: str, page: str) -> None:
    items = json.loads((SITE / "search.json").read_text("utf-8"))["items"]
    assert page in {item["location"].split("#")[0] for item in items if word in item["title"] + item["text"]}


@pytest.mark.parametrize("case", ["kakao", "kt", "kakao-ko", "kt-ko"])
def test_the_report_of_a_bundled_case_verifies(case: str) -> None:
    done = outage_analysis("verify", str(SITE / "reports" / case))
    assert done.code == 0, done.err


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    yield from started_browser(tmp_path_factory.mktemp("profile"))


class TestInABrowser:
    pytestmark = IN_A_BROWSER

    @pytest.mark.parametrize("page", OPENED)
    def test_a_page_asks_for_its_own_files_and_reports_no_error(self, browser: Chrome, page: str) -> None:
        seen = open_page(browser, SITE / page)
        assert [address for address in seen.asked if not address.startswith(SITE.as_uri())] == []
        assert seen.console == []

    @pytest.mark.parametrize(
        ("word", "page"), [("bunching", "reference/tables.html"), ("신청률", "GLOSSARY.html")]
    )
    def test_the_search_finds_a_word_without_a_server(self, browser: Chrome, word: str, page: str) -> None:
        open_page(browser, SITE / "index.html")
        browser.find_element(By.CLASS_NAME, "md-search__button").click()
        ActionChains(browser).pause(0.5).send_keys(word).perform()
        wanted = f"{(SITE / page).as_uri()}?"
        WebDriverWait(browser, 20).until(
            lambda _: any(found.startswith(wanted) for found in browser.execute_script(FOUND))
        )
