"""Both languages say the same; what is synthetic or known only afterwards is marked; nothing is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, answered, outage_analysis
from tests.contract.hostile_report import GOOD, REJECTED, hostile_folder
from tests.contract.report_tables import read_table, read_tables
from tests.contract.report_texts import (
    amounts_in,
    cells_of,
    in_two_digits,
    notes_of_slides,
    numbers_in,
    page_of,
    page_text,
    pdf_pages,
    shown_on_slides,
    slides_of,
    workbook_of,
)
from tests.shared_folders import shared_base

Report = Callable[[str], Path]
MARK = {"en": re.compile("synthetic", re.IGNORECASE), "ko": re.compile("합성")}
WITH_A_POINT = re.compile(r"[\w.:/?=%#@~&+-]*[\d.:/_@-][\w.:/?=%#@~&+-]*", re.ASCII)
"""Ids, hosts, addresses and names of files: words of no language."""
BRANDS = {"CFO", "CRPS", "CSV", "PNG", "Python", "SMSCOUPON", "SVG", "parquet", "analysis"}
TRAM_WORDS = {"trams", "day", "season", "single"}
"""Values of a column of the tram rows, and its id."""


def texts_of(folder: Path) -> dict[str, list[str]]:
    """What a reader sees in each format."""
    book = workbook_of(folder)
    charts = sorted((folder / "charts").glob("*.svg"))
    return {
        "page": [page_text(folder)],
        "pdf": [*pdf_pages(folder / "report.pdf"), *pdf_pages(folder / "brief.pdf")],
        "slides": [text for slide in slides_of(folder) for text in slide],
        "workbook": [*book.paths, *book.texts()],
        "charts": [" ".join(re.findall(r"<text[^>]*>([^<]*)<", path.read_text("utf-8"))) for path in charts],
    }


def detailed(texts: list[str]) -> set[str]:
    """Numbers of five digits or more, which both languages write alike."""
    found = {number for text in texts for number in numbers_in(text)}
    return {x for x in found if "." not in x and len(x.replace(",", "")) >= 5}


# --- languages --------------------------------------------------


def test_both_languages_say_the_same_numbers(report: Report) -> None:
    english, korean = report("kakao-en"), report("kakao-ko")
    assert len(detailed(cells_of(english))) > 100
    plain, also_plain = detailed(cells_of(english)), detailed(cells_of(korean))
    assert also_plain <= plain
    in_ten_thousands = {
        f"{10_000 * int(many) + int((rest or '0').replace(',', '')):,}"
        for text in cells_of(korean)
        for many, rest in re.findall(r"(\d+)만(?: (\d[\d,]*))?", text)  # 26만 1,731
    }
    assert plain <= also_plain | in_ten_thousands
    for of, texts in texts_of(english).items():
        others = texts_of(korean)[of]
        said, also = (
            {in_two_digits(x) for text in told for x in amounts_in(re.sub(r"\s+", " ", text), lang)}
            for told, lang in ((texts, "en"), (others, "ko"))
        )
        assert said <= also, of  # English leaves the unit of a lower end out: "1.1-440 million won"
        if of == "pdf":
            assert detailed(texts) == detailed(others)
    assert read_tables(english) == read_tables(korean)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kakao-en", ("small businesses: about", "1 in 10 outcomes is above", "half are below")),
        ("kakao-ko", ("현금 지원: 약", "10번 중 1번은", "절반은")),
    ],
)
def test_the_answer_names_mean_p90_and_median_rightly(
    report: Report, name: str, words: tuple[str, str, str]
) -> None:
    quantiles = read_table(report(name) / "tables" / "quantiles.csv")
    rows = zip(quantiles["valuation"], quantiles["measure"], quantiles["value"], strict=True)
    cash = {measure: float(str(value)) for valuation, measure, value in rows if valuation == "cash"}
    text = page_text(report(name))
    for said, measure in zip(words, ("expected", "p90", "p50"), strict=True):
        behind = text[text.index(said) + len(said) :][:40]
        lang = name[-2:]
        first = re.match(r".*?(won|원)", behind)
        assert first
        assert amounts_in(first.group(), lang) == {in_two_digits(cash[measure])}, said


@pytest.mark.parametrize("name", ["kakao-ko", pytest.param("trams-ko", marks=pytest.mark.slow)])
def test_a_korean_report_has_no_english_words_and_the_chosen_word_for_compensation(
    report: Report, name: str
) -> None:
    for of, texts in texts_of(report(name)).items():
        whole = (re.sub(r"\.\s+csv\b", ".csv", text) for text in texts)  # a printed line may end at the point
        words = {word for text in whole for word in re.findall(r"[A-Za-z]{3,}", WITH_A_POINT.sub("·", text))}
        assert words <= BRANDS | (TRAM_WORDS if name == "trams-ko" else set()), of
        assert not any("배상" in text for text in texts), of
        assert of == "charts" or any("보상" in text for text in texts)


@pytest.mark.parametrize("name", ["kakao-en", "own-en"])
def test_an_english_report_has_no_korean(report: Report, name: str) -> None:
    for of, texts in texts_of(report(name)).items():
        assert not [found for text in texts for found in re.findall("[가-힣]+", text)], of


FEW = ("--draws", "8192")
TIERS = ("complaints.csv", "--tiers", "300000:30000,500000:50000")
DAMAGED = "13,c12,Taxi,2026-02-30,5,north\n14,c12,Bank,2026-03-05,-7,north\n"
"""Two rows that cannot be claims."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the twelve complaints and the three files of their outage."""
    folder = tmp_path_factory.mktemp("languages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("complaints.csv").write_text(OWN_FILE, "utf-8")
        made = outage_analysis("new", "mine", "--claims", *TIERS)
        assert made.code == 0, made.err
        Path("damaged.csv").write_text(f"{OWN_FILE}{DAMAGED}", "utf-8")
        made = outage_analysis("new", "draft", "--currency", "EUR", "--loss-unit", "minutes")
        assert made.code == 0, made.err
    return folder


# --- marks of rejected rows and of examples --------------------------------------------------

OWN = ("--incident", "mine/incident.toml")
DRAFT = tuple(f"--{kind}=draft/{kind}.toml" for kind in ("incident", "policy", "ledger"))
SAID: dict[str, bool] = {
    f"{name} damaged.csv {' '.join(options)}": quick
    for name, options, quick in [
        *((name, OWN, True) for name in ("ingest", "cube", "distribution")),
        ("intake", (*OWN, "--closes", "2026-03-10", "--spike", "0"), False),
        ("cost", (*TIERS[1:], *FEW), True),
        *((name, (*TIERS[1:], *FEW), False) for name in ("reserve", "scenarios", "sensitivity")),
        ("solve", (*TIERS[1:], "--vary", "tiers.tier1", "--step", "10000", "--budget", "300000"), False),
        ("report", (*TIERS[1:], *FEW, "--formats", "csv", "--force", "--out", "damaged"), False),
    ]
}
"""Commands on a file with two damaged rows, and whether they are quick."""


@pytest.mark.parametrize(
    "command", [pytest.param(x, marks=[] if quick else pytest.mark.slow) for x, quick in SAID.items()]
)
def test_every_command_says_how_many_rows_were_rejected(
    complaints: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(complaints)
    words = command.split()
    assert outage_analysis(*words).code == 3  # two of 14 rows are more than is usual
    done = answered(*words, "--max-rejects", "20%")
    lines = [re.findall(r"\d+", line) for line in (done.out + done.err).splitlines()]
    assert any({"14", "2"} <= set(numbers) for numbers in lines)
    assert "row 14" in done.out + done.err  # the first of them


def test_the_rejected_rows_of_a_report_are_counted_where_its_claims_are_described(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = hostile_folder(shared_base(tmp_path_factory) / "contract") / "r"
    accounts = re.compile(rf"\b{GOOD + REJECTED}\b\D+\b{GOOD}\b\D+\b{REJECTED}\b")
    assert accounts.search(page_text(folder))
    assert any(accounts.search(text) for text in workbook_of(folder).texts())


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_figures_of_example_assumptions_are_marked_by_commands_and_in_every_format(
    complaints: Path, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(complaints)
    mark = re.compile(r"\b5 of 5\b[^.]*example" if lang == "en" else r"5개 중 5개[^.]*예시")
    (rows,) = map(str, Path("draft").rglob("*.csv"))
    for command in ("cost", "reserve") if lang == "en" else ("scenarios", "sensitivity"):
        done = answered(command, rows, *DRAFT, *FEW, "--lang", lang)
        assert mark.search(done.err)
    to = ("--formats", "html,pdf,xlsx,pptx", "--out", f"drafted-{lang}", "--lang", lang)
    done = outage_analysis("report", rows, *DRAFT, *FEW, *to)
    assert mark.search(done.err)
    folder = complaints / f"drafted-{lang}"
    formats = texts_of(folder)
    formats["brief"] = [*pdf_pages(folder / "brief.pdf")]
    formats["pdf"] = [*pdf_pages(folder / "report.pdf")]
    del formats["charts"]
    assert [of for of, texts in formats.items() if not mark.search(" ".join(" ".join(texts).split()))] == []
    own = outage_analysis("cube", "complaints.csv", *OWN, "--lang", lang)
    assert not mark.search(own.err)


# --- marks of synthetic rows --------------------------------------------------


def of_synthetic_rows(folder: Path) -> set[str]:
    """Detailed numbers that stand only in tables of synthetic rows, as a reader sees them."""
    here: set[str] = set()
    elsewhere: set[str] = set()
    for name, table in read_tables(folder).items():
        numbers = {x for values in table.values() for x in values if isinstance(x, int | float)}
        shown = {f"{x:,.0f}" for x in numbers if abs(x) >= 10_000}
        (here if name.endswith("-synthetic") else elsewhere).update(shown)
    return {x for x in here - elsewhere if not x.endswith("000")}


@pytest.mark.parametrize("name", ["kakao-en", "kakao-ko"])
def test_each_place_with_figures_of_synthetic_rows_is_marked(report: Report, name: str) -> None:
    folder, mark = report(name), MARK[name[-2:]]
    figures = of_synthetic_rows(folder)
    shown = [e for e in page_of(folder).elements if e.tag == "td" and e.text.strip() in figures]
    assert len(shown) > 100
    assert [e.text for e in shown if not any("synthetic" in around for around in e.within)] == []
    marked = [e for e in page_of(folder).elements if "synthetic" in e.attributes.get("class", "").split()]
    tops = [e for e in marked if e.tag in ("section", "details")]
    assert len(tops) > 1
    assert [e.text[:200] for e in tops if not mark.search(e.text)] == []
    book = workbook_of(folder)
    for sheet in book.paths:
        values = {f"{c.value:,.0f}" for c in book.cells(sheet).values() if isinstance(c.value, float)}
        assert mark.search(sheet) or not values & figures, sheet
    for path in ("report.pdf", "brief.pdf"):
        for page in pdf_pages(folder / path):
            assert mark.search(page) or not numbers_in(page) & figures
    for slide in shown_on_slides(folder):
        assert mark.search(slide) or not numbers_in(slide) & figures


@pytest.mark.slow
def test_every_page_sheet_and_chart_of_a_synthetic_headline_is_marked(report: Report) -> None:
    folder = report("trams-en")
    first_sheet = next(iter(workbook_of(folder).paths))
    assert all(
        MARK["en"].search(page) for x in ("report", "brief") for page in pdf_pages(folder / f"{x}.pdf")
    )
    assert MARK["en"].search(page_text(folder)[:1500])
    assert all(MARK["en"].search(slide) for slide in shown_on_slides(folder)[:-1])
    firsts = {
        "page": page_text(folder)[:1500],
        "report.pdf": pdf_pages(folder / "report.pdf")[0],
        "brief.pdf": pdf_pages(folder / "brief.pdf")[0],
        "slides": shown_on_slides(folder)[0],
        "workbook": " ".join(str(c.value) for c in workbook_of(folder).cells(first_sheet).values()),
    }
    notice = re.compile(r"no\s+finding\s+about")  # what the rows are, in a sentence, not in a word alone
    assert [of for of, text in firsts.items() if not notice.search(text)] == []
    plain = {"costs", "facts", "funnel", "headlines", "services", "tie_outs", "totals"}
    """Tables of published counts, of which there are none here."""
    tables = {path.stem for path in (folder / "tables").iterdir()}
    assert {x for x in tables if not x.endswith("-synthetic") and not x.startswith("hindsight_")} == plain
    assert all(path.stem.endswith("-synthetic") for path in (folder / "charts").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trams-en", "trams-ko"])
def test_each_slide_of_a_synthetic_headline_and_its_notes_are_marked(report: Report, name: str) -> None:
    texts = (*shown_on_slides(report(name))[:-1], *notes_of_slides(report(name))[:-1])
    assert [text for text in texts if not MARK[name[-2:]].search(text)] == []


@pytest.mark.slow
def test_each_section_of_markdown_with_synthetic_figures_is_marked(report: Report) -> None:
    text = (report("trams-en") / "report.md").read_text("utf-8")
    heads = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert {"Synthetic" in head for head in heads[:-1]} == {True}  # the last one is on the method
    assert MARK["en"].search(text.split("## ")[0])


@pytest.mark.parametrize("name", ["kakao-en", "kakao-ko"])
def test_tables_and_charts_of_synthetic_rows_have_it_in_their_name_and_text(
    report: Report, name: str
) -> None:
    tables = {path.stem for path in (report(name) / "tables").iterdir()}
    assert {x for x in tables if x.startswith("claims_")} == {x for x in tables if x.endswith("-synthetic")}
    charts = {path.stem: path.read_text("utf-8") for path in (report(name) / "charts").glob("*.svg")}
    assert {"intake-synthetic", "services_by_band-synthetic"} <= charts.keys()
    marked = {stem for stem, svg in charts.items() if MARK[name[-2:]].search(re.sub(r"<[^>]*>", " ", svg))}
    assert marked == {stem for stem in charts if stem.endswith("-synthetic")}
    pictures = {path.stem for path in (report(name) / "charts").glob("*.png")}
    assert pictures == set(charts)


def test_the_report_of_a_file_of_ones_own_has_no_such_mark(report: Report) -> None:
    folder = report("own-en")
    assert not [path for path in folder.rglob("*") if "synthetic" in path.name]
    for of, texts in texts_of(folder).items():
        assert not [text for text in texts if MARK["en"].search(text)], of
    assert "synthetic" not in " ".join(
        around for e in page_of(folder).elements for around in e.within
    )  # no section in the colours of synthetic rows


SLOW = [pytest.param(command, marks=pytest.mark.slow) for command in ("cost", "sensitivity", "scenarios")]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("command", ["distribution", *SLOW])
def test_the_terminal_marks_figures_of_synthetic_rows(command: str, lang: str) -> None:
    done = outage_analysis(command, "--incident", "trams", "--lang", lang)
    assert MARK[lang].search(done.out)
    if command != "distribution" and lang == "en":
        told = json.loads(outage_analysis(command, "--incident", "trams", "--lang", lang, "--json").out)
        assert told["synthetic_claims"] is True


def test_the_terminal_marks_a_reserve_of_synthetic_rows() -> None:
    assert MARK["en"].search(outage_analysis("reserve", "--incident", "trams").out)


@pytest.mark.slow
def test_a_notebook_marks_synthetic_claims_and_what_is_computed_from_them(report: Report) -> None:
    claims = oa.load_sample("trams")
    assert MARK["en"].search(claims._repr_html_())
    assert MARK["en"].search(oa.run(oa.Plan(incident="trams", draws=1024))._repr_html_())
    own = oa.read_claims(report("own-en").parent / "complaints.csv")
    assert not MARK["en"].search(own._repr_html_())
    done = oa.run(own, tiers={300_000: 30_000, 500_000: 50_000}, unknown=0, draws=1024)
    assert not MARK["en"].search(done._repr_html_())


# --- hindsight --------------------------------------------------


def outcome_ids(folder: Path) -> set[str]:
    """The ids of facts that became public only after the day of a report."""
    return {str(x) for x in read_table(folder / "tables" / "hindsight_outcomes.csv")["id"]}


def test_what_came_out_afterwards_stands_apart(report: Report) -> None:
    folder = report("kakao-en")
    outcomes = outcome_ids(folder)
    assert {"R2-05", "R2-06"} <= outcomes
    for name, table in read_tables(folder).items():
        cited = {
            x for values in table.values() for cell in values if isinstance(cell, str) for x in cell.split()
        }
        assert name.startswith("hindsight_") or not cited & outcomes, name
        days = [date.fromisoformat(str(x)) for x in table.get("public_on", []) if x]
        assert name.startswith("hindsight_") or all(day <= date(2022, 12, 30) for day in days), name
    cells = [e for e in page_of(folder).elements if e.tag == "td"]
    citing = [e for e in cells if outcomes & set(re.split(r"[,\s]+", e.text))]
    assert citing
    assert [e.text for e in citing if not any("hindsight" in around for around in e.within)] == []
    book = workbook_of(folder)
    sheets = {
        x for x in book.paths for c in book.cells(x).values() if outcomes & set(str(c.value).split(", "))
    }
    assert sheets == {"Hindsight"}
    pages = [page for x in ("report", "brief") for page in pdf_pages(folder / f"{x}.pdf")]
    printed = [page for page in pages if outcomes & set(re.split(r"[,\s:;()]+", page))]
    assert printed
    assert all(re.search("hindsight", page, re.IGNORECASE) for page in printed)
    assert not outcomes & {x for slide in slides_of(folder) for x in re.split(r"[,\s:]+", " ".join(slide))}


@pytest.mark.slow
def test_before_the_outcome_was_public_nothing_says_it(report: Report, tmp_path: Path) -> None:
    options = (
        "--formats",
        "csv,html,xlsx",
        "--as-of",
        "2022-12-30",
        "--no-hindsight",
        "--out",
        tmp_path / "r",
    )
    answered("report", *options)
    assert not list((tmp_path / "r").rglob("*hindsight*"))
    words = set(re.split(r"[,\s]+", " ".join(cells_of(tmp_path / "r"))))
    assert not words & outcome_ids(report("kakao-en"))
    facts = json.loads(outage_analysis("facts", "--as-of", "2022-12-30", "--json").out)
    rows = facts if isinstance(facts, list) else next(x for x in facts.values() if isinstance(x, list))
    assert len(rows) > 50
    assert max(row["public_on"] for row in rows) <= "2022-12-30"
    later = json.loads(outage_analysis("cost", "--as-of", "2022-11-30", "--json").out)
    assert {row["line"]: row["expected"] for row in later["costs"]}.get("small-business-cash") is None


# --- one currency --------------------------------------------------

CURRENCIES = {"won": re.compile(r"\bwon\b|KRW|[₩원]"), "euros": re.compile("euro|EUR|€|유로")}


@pytest.mark.parametrize(
    ("name", "of"),
    [("kakao-en", "won"), ("own-en", "won"), pytest.param("trams-en", "euros", marks=pytest.mark.slow)],
)
def test_every_format_names_the_currency_of_the_report_and_no_other(
    report: Report, name: str, of: str
) -> None:
    texts = {format_: " ".join(parts) for format_, parts in texts_of(report(name)).items()}
    texts["brief"] = " ".join(pdf_pages(report(name) / "brief.pdf"))
    for other in read_table(report(name) / "tables" / "facts.csv")["counts"]:  # what others paid
        texts = {format_: text.replace(str(other), "") for format_, text in texts.items()}
    for currency, mark in CURRENCIES.items():
        found = {format_: bool(mark.search(text)) for format_, text in texts.items()}
        assert set(found.values()) == {currency == of}, (currency, found)


# --- the page loads nothing, and everybody can read it --------------------------------------------------


@pytest.mark.parametrize("name", ["kakao-en", "kakao-ko", "own-en"])
def test_the_page_allows_nothing_from_outside_and_asks_for_nothing(report: Report, name: str) -> None:
    page = page_of(report(name))
    metas = [e.attributes for e in page.all("meta")]
    (policy,) = [x["content"] for x in metas if x.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch(r"('sha256-[\w+/=]+' ?)+", rules[kind])
    assert not re.search(r"https?:|unsafe|\*", policy)
    loaded = [e.attributes[x] for e in page.elements for x in ("src", "srcset", "data") if x in e.attributes]
    loaded += [e.attributes.get("href", "") for e in page.elements if e.tag in ("link", "image", "use")]
    assert [url for url in loaded if not url.startswith(("data:", "#"))] == []
    styles = " ".join(e.text for e in page.all("style"))
    assert not re.search(r"@import|url\((?!['\"]?(data:|#))", styles)
