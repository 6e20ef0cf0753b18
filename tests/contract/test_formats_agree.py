"""One quantity is one figure in every format: page, PDF, workbook, slides, tables, manifest, terminal."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from math import floor, log10
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, REPORTS, outage_analysis, thin_ledger
from tests.contract.report_tables import Table, read_table, read_tables
from tests.contract.report_texts import (
    Known,
    amounts_in,
    cells_of,
    in_two_digits,
    notes_of_slides,
    numbers_in,
    page_of,
    page_text,
    pdf_pages,
    pictures_of_slides,
    shown_on_slides,
    slides_of,
    workbook_of,
)
from tests.paths import ROOT

Report = Callable[[str], Path]
READ = ("kakao-en", "kakao-ko", "own-en")
MEASURES = ("expected", "p10", "p50", "p90")
known = cache(Known)
ONLY_IN_THE_WORKBOOK = re.compile("cube|큐브")
"""The sheet with figures of its own: sums by any two columns."""
SCALES = (1, 1e3, 1e4, 1e6, 1e8, 1e9)


@pytest.fixture(params=READ)
def named(request: pytest.FixtureRequest, report: Report) -> tuple[str, Path]:
    """A report with its name."""
    return request.param, report(request.param)


def figures_of(folder: Path) -> dict[str, float]:
    """Expected cash and its percentiles, as the table of a report has them."""
    table = read_table(folder / "tables" / "quantiles.csv")
    rows = zip(table["valuation"], table["measure"], table["value"], strict=True)
    return {str(measure): float(str(value)) for valuation, measure, value in rows if valuation == "cash"}


def workbook_numbers(folder: Path) -> dict[str, list[float]]:
    book = workbook_of(folder)
    cells = {sheet: book.cells(sheet).values() for sheet in book.paths}
    return {sheet: [c.value for c in found if isinstance(c.value, float)] for sheet, found in cells.items()}


def whole_text(folder: Path, of: str) -> list[str]:
    """What one format says, by page, slide or cell."""
    if of == "page":
        return cells_of(folder)
    if of == "slides":
        return [text for slide in slides_of(folder) for text in slide]
    return list(pdf_pages(folder / of))


def test_the_workbook_has_the_mean_losses_in_full(report: Report) -> None:
    means = read_tables(report("trams-en"))["claims_summary-synthetic"]["mean"]
    numbers = {round(x, 6) for found in workbook_numbers(report("trams-en")).values() for x in found}
    assert {round(float(mean or 0), 6) for mean in means} <= numbers


@pytest.mark.parametrize("of", ["page", "report.pdf", "brief.pdf", "slides"])
def test_each_detailed_number_is_one_of_the_tables(named: tuple[str, Path], of: str) -> None:
    texts = whole_text(named[1], of)
    assert len(texts) > 1
    assert known(named[1]).unknown(texts) == set()


def test_each_detailed_number_of_a_cell_is_one_of_the_tables(named: tuple[str, Path]) -> None:
    sheets = workbook_numbers(named[1])
    assert sum(map(len, sheets.values())) > 100
    unknown = {
        (sheet, value)
        for sheet, values in sheets.items()
        for value in values
        if not ONLY_IN_THE_WORKBOOK.search(sheet)
        and float(f"{value:.5g}") != value  # six digits or more
        and not any(known(named[1]).has(value * scale, 1e-5 * abs(value) * scale) for scale in SCALES)
    }
    assert {sheet for sheet, _ in unknown} - {"Inputs", "입력"} == set()  # shares that are derived
    assert len(unknown) <= 3


@pytest.mark.parametrize(("name", "unit"), [("kakao-en", "won"), ("kakao-ko", "원"), ("trams-en", "euros")])
def test_a_column_of_the_workbook_is_in_the_unit_that_it_names(report: Report, name: str, unit: str) -> None:
    book = workbook_of(report(name))
    cells = book.cells(next(iter(book.paths)))
    head = next(n for n in range(1, 30) if f"({unit})" in str(getattr(cells.get(f"C{n}"), "value", "")))
    shown = [float(str(cells[f"C{row}"].value)) for row in range(head + 1, head + 7)]
    tables = read_tables(report(name))
    (stem,) = {"quantiles", "quantiles-synthetic"} & set(tables)
    rows = zip(*(tables[stem][x] for x in ("valuation", "measure", "value")), strict=True)
    figures = {measure: float(str(value)) for valuation, measure, value in rows if valuation == "cash"}
    measures = ("expected", "p10", "p50", "p90", "p95", "p99")
    assert shown == pytest.approx([figures[measure] for measure in measures])


def test_the_workbook_opens_with_the_chance_over_the_budget_and_not_with_the_stressed_one(
    report: Report,
) -> None:
    folder = report("own-en")
    budget = pl.read_csv(folder / "tables" / "budget.csv").row(0, named=True)
    book = workbook_of(folder)
    cells = book.cells(next(iter(book.paths)))
    (place,) = (
        place for place, cell in cells.items() if str(cell.value).startswith("Chance of a cost above")
    )
    assert cells[place.replace("A", "C")].value == budget["exceeded"]
    assert budget["stressed"] != budget["exceeded"]


@pytest.mark.parametrize("name", ["kakao-en", "kakao-ko"])
def test_a_slide_shows_the_cost_of_each_option_as_the_table_of_scenarios(report: Report, name: str) -> None:
    table = read_table(report(name) / "tables" / "scenarios.csv")
    shown = amounts_in(shown_on_slides(report(name))[2], name[-2:])
    largest = max(range(len(table["change"])), key=lambda n: float(table["change"][n] or 0))
    for column in ("expected", "range_high"):
        assert in_two_digits(float(table[column][largest] or 0)) in shown, column


@pytest.mark.parametrize("name", ["kakao-en", "kakao-ko"])
def test_the_pictures_of_the_slides_are_charts_of_the_page(report: Report, name: str) -> None:
    drawn = {x.stem: html.unescape(x.read_text("utf-8")) for x in (report(name) / "charts").glob("*.svg")}
    shown = [
        [chart for text in texts for chart, svg in drawn.items() if f">{text}<" in svg]
        for texts in pictures_of_slides(report(name))
    ]
    assert shown == [["total_distribution"], ["waterfall", "tornado"], [], ["headlines"], []]


@pytest.mark.parametrize("name", ["kakao-en", "kakao-ko"])
def test_the_page_and_the_slides_name_what_was_not_public_yet(report: Report, name: str) -> None:
    policy, lang = oa.load_policy("kakao-2022"), name[-2:]
    later = [line.name[lang] for line in policy.lines if str(line.public_on) > "2022-12-30"]
    assert len(later) > 1
    notes = " ".join(notes_of_slides(report(name)))
    assert all(text in page_text(report(name)) and text in notes for text in later)


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "header"), [("EUR", "loss (EUR)"), ("minutes", "delay (minutes)")])
def test_the_sheet_of_the_cube_adds_up_to_the_losses_in_their_unit(
    tmp_path: Path, unit: str, header: str
) -> None:
    texts = ("12.50", "75", "250.25") if unit == "EUR" else ("5", "75", "120")
    losses = [Decimal(text) for text in texts]
    rows = [f"{n},App,2026-03-0{n},{loss}" for n, loss in enumerate(losses, start=1)]
    (tmp_path / "a.csv").write_text("\n".join([f"claim_id,service,filed_on,{header}", *rows]), "utf-8")
    stated: dict[str, Any] = {} if unit == "EUR" else {"loss_unit": unit, "columns": {"loss": header}}
    claims = oa.read_claims(tmp_path / "a.csv", currency="EUR", **stated)
    oa.run(claims, tiers={200: 20}, draws=1024).report(tmp_path / "r", formats=["xlsx"])
    book = workbook_of(tmp_path / "r")
    (sheet,) = (name for name in book.paths if "cube" in name.casefold())
    values = {float(x.value) for x in book.cells(sheet).values() if isinstance(x.value, int | float)}
    assert {float(losses[-1]), float(losses[0] + losses[1])} <= values  # alone and together in a band


# --- rows --------------------------------------------------

Line = tuple[set[int], set[str]]
"""The numbers of a row as a reader sees it, and its texts and their words."""
BOTH = ("page", "workbook")
WHOLE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("claims_bunching", "claims_claimants", "claims_heaping", "claims_intake"), BOTH),
    **dict.fromkeys(("claims_summary", "claims_totals", "claims_costs", "claims_fitted"), BOTH),
    **dict.fromkeys(("costs", "facts", "funnel", "headlines", "steps", "tie_outs", "tornado"), BOTH),
    **dict.fromkeys(("reserve", "scenarios", "hindsight_tie_outs", "hindsight_total_distribution"), BOTH),
    **dict.fromkeys(("quantiles", "claims_service_bands", "cost_ranges", "totals"), ("page",)),
}
"""The tables that formats show in full; the others are shown in part, or as charts and sentences."""
ELSEWHERE = {"over", "valuation", "verdict"}
"""Columns whose values stand in words, such as 300,001 for over 300,000."""
IN_MILLIONS = {"cost_ranges", "totals"}
"""Tables some of whose rows the page shows in millions."""


def seen_numbers(texts: list[str]) -> set[int]:
    return {round(float(x.replace(",", ""))) for text in texts for x in numbers_in(text)}


def seen_line(cells: list[object]) -> Line:
    texts = [x.strip() for x in cells if isinstance(x, str)]
    numbers = {round(abs(x)) for x in cells if isinstance(x, float)} | seen_numbers(texts)
    return numbers, {*texts, *(word for text in texts for word in re.split(r"[\s,;]+", text))}


@cache
def seen_lines(folder: Path, of: str) -> list[Line]:
    """The rows of all tables of the page, or of all sheets of the workbook."""
    rows: list[list[object]] = [[]]
    if of == "page":
        for element in page_of(folder).elements:
            if element.tag == "tr":
                rows.append([])
            elif element.tag in ("td", "th"):
                rows[-1].append(element.text)
        return [seen_line(row) for row in rows]
    book = workbook_of(folder)
    for sheet in book.paths:
        by_row: dict[str, list[object]] = {}
        for place, cell in book.cells(sheet).items():
            by_row.setdefault(re.sub("[A-Z]", "", place), []).append(cell.value)
        rows += by_row.values()
    return [seen_line(row) for row in rows]


def is_seen(value: object, line: Line) -> bool | None:
    """Whether a line has a value; None if nothing can be said, as of a share, which is shown in percent."""
    if isinstance(value, str):
        ids = value.split() if re.fullmatch(r"([A-Z][\w.-]*\d[\w.-]* ?)+", value) else [value]
        return all(id_ in line[1] for id_ in ids) if value else None
    if not isinstance(value, int | float) or (isinstance(value, float) and abs(value) < 1_000):
        return None
    # Half a claim is rounded up, so that the bands of 8,461 reports add up; half a won to the even one.
    return bool({round(abs(value)), floor(abs(value) + 0.5)} & line[0])


def not_seen(table: Table, lines: list[Line], *, whole: bool) -> tuple[int, list[object]]:
    """How many rows have two large numbers; those that no line has, and the cells that their line lacks."""
    found: list[tuple[dict[str, object], Line]] = []
    missing: list[object] = []
    for values in zip(*table.values(), strict=True):
        large = {round(abs(x)) for x in values if isinstance(x, int | float) and abs(x) >= 1_000}
        if len(large) < 2:
            continue
        line = max(lines, key=lambda line: len(line[0] & large))
        if len(line[0] & large) < 2:
            missing.append(values)
        found.append((dict(zip(table, values, strict=True)), line))
    for column in table.keys() - ELSEWHERE if whole else ():
        seen = [(row, is_seen(row[column], line)) for row, line in found]
        told = [x for _, x in seen if x is not None]
        if 2 * sum(told) > len(told):  # a column that is shown
            missing += [(column, row) for row, x in seen if x is False]
    return len(found), missing


@pytest.mark.parametrize("of", BOTH)
@pytest.mark.parametrize("name", ["kakao-en", "own-en"])
def test_every_row_of_a_table_is_a_row_of_each_format_with_the_same_figures(
    report: Report, name: str, of: str
) -> None:
    compared = 0
    for stem, table in read_tables(report(name)).items():
        plain_stem = stem.removesuffix("-synthetic")
        if of in WHOLE.get(plain_stem, ()) and (name, plain_stem) not in FOLDED:
            whole = plain_stem not in IN_MILLIONS and (name, plain_stem) not in FEW_ROWS
            count, missing = not_seen(table, seen_lines(report(name), of), whole=whole)
            assert missing == [], stem
            compared += count
    assert compared > (60 if name == "kakao-en" else 15)


FOLDED = {("kakao-en", "claims_costs"), ("kakao-en", "claims_service_bands")}
"""Tables that are shown without the rows of the smallest services."""
FEW_ROWS = {("own-en", "claims_service_bands"), ("own-en", "claims_summary")}
"""Small tables in which most cells of a column may be seen by chance in a row of another table."""
PRESS = {
    "CO-07": ("Dailian (newspaper)", 253.83, 423.05, "250m–420m"),
    "CO-08": ("Maeil Business (newspaper)", 450.0, 750.0, "450m–750m"),
    "CO-09": ("The CFO (newspaper)", None, 1_000.0, "at most 1bn"),
}
"""Press forecasts of the cash: publisher, low and high in millions of won, and how a chart says them."""


@pytest.mark.parametrize(
    ("name", "stem", "of", "least"),
    [
        ("kakao-en", "reserve", "page", 3),
        ("kakao-en", "reserve", "workbook", 3),
        ("kakao-en", "quantiles", "page", 20),
        ("own-en", "quantiles", "page", 2),
    ],
)
def test_each_percentile_stands_beside_its_name(
    report: Report, name: str, stem: str, of: str, least: int
) -> None:
    """A row with the figures of P90 says P90; no other row of the format has these figures."""
    table = read_tables(report(name))[stem]
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    named = 0
    for row in rows:
        large = {round(x) for x in row.values() if isinstance(x, int | float) and x >= 1_000}
        measure = str(row["measure"])
        if len(large) > 1 and re.fullmatch(r"p\d+", measure):
            found = [texts for numbers, texts in seen_lines(report(name), of) if len(numbers & large) > 1]
            words = {measure.upper()} | ({"median", "Median"} if measure == "p50" else set())
            others = {f"P{level}" for level in (1, 5, 10, 25, 50, 75, 90, 95, 99)} - words
            assert all(not texts & others for texts in found if texts & {*others, *words}), row
            named += any(texts & words for texts in found)
    assert named >= least


def shelf(name: str) -> dict[str, dict[str, str]]:
    """The published facts of a file by id, read without the package."""
    text = (ROOT / "data" / name).read_text("utf-8-sig")
    return {row["id"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.parametrize("fact", PRESS)
def test_a_press_forecast_stands_beside_the_name_of_its_publisher(report: Report, fact: str) -> None:
    folder = report("kakao-en")
    publisher, low, high, short = PRESS[fact]
    row = shelf("published/kakao-2022.csv")[fact]
    assert [float(row[x] or 0) / 1e6 for x in ("low", "high")] == [low or 0, high]
    svg = (folder / "charts" / "total_distribution.svg").read_text("utf-8")
    assert f"{publisher} {short}<" in svg
    ends = [f"{x:,.10g}" for x in (low, high) if x is not None]
    whole = [f"{x * 1e6:,.0f}" for x in (low, high) if x is not None]
    rows = [texts for _, texts in seen_lines(folder, "page") if fact in texts]
    named = [texts for texts in rows if any(text.startswith(publisher) for text in texts)]
    assert named
    for texts in named:
        shown = " ".join(texts)
        assert all(x in shown for x in ends) or all(x in shown for x in whole) or "1 billion" in shown
    said = [text for slide in slides_of(folder) for text in slide if publisher in text]
    assert any(
        re.search(rf"{re.escape(publisher)}[^\n]*({ends[-1]}|1 billion|{short})", text) for text in said
    )


def test_each_published_fact_of_the_page_has_the_value_the_day_and_the_source_of_its_id(
    report: Report,
) -> None:
    """The shelves of facts are read by the csv module; the page shows each fact in one row."""
    folder = report("kakao-en")
    facts = {
        **shelf("published/kakao-2022.csv"), **shelf("published/rates.csv"),
        **shelf("published/comparable-schemes.csv"), **shelf("outcomes/kakao-2022.csv"),
    }  # fmt: skip
    ids = read_tables(folder)["facts"]["id"]
    lines = seen_lines(folder, "page")
    for id_ in map(str, ids):
        fact = facts[id_]
        day = date.fromisoformat(fact["public_on"])
        wanted = [f"{day.day} {day:%B %Y}", urlsplit(fact["source"].split()[0]).netloc.removeprefix("www.")]
        values = {round(float(fact[x])) for x in ("value", "low", "high") if fact.get(x)}
        rows = [line for line in lines if id_ in line[1] and all(x in line[1] for x in wanted)]
        assert any(values <= numbers for numbers, _ in rows), id_


# --- expected, P10, P50, P90 --------------------------------------------------


def of_manifest(folder: Path) -> set[float]:
    return set(json.loads((folder / "manifest.json").read_text("utf-8"))["figures"].values())


def of_text(texts: list[str]) -> set[float]:
    found = [number for text in texts for number in re.findall(r"(?<![\d.,])\d[\d,]*(?:\.\d+)?", text)]
    return {float(number.replace(",", "")) for number in found if number.strip(",.")}


EXACT: dict[str, Callable[[Path], set[float]]] = {
    "page": lambda folder: of_text(cells_of(folder)),
    "report.pdf": lambda folder: of_text(list(pdf_pages(folder / "report.pdf"))),
    "workbook": lambda folder: set(next(iter(workbook_numbers(folder).values()))),
    "manifest": of_manifest,
}


@pytest.mark.parametrize("of", EXACT)
def test_every_format_has_the_expected_cash_and_its_percentiles(named: tuple[str, Path], of: str) -> None:
    told = {round(value) for value in EXACT[of](named[1])}
    assert {round(figures_of(named[1])[measure]) for measure in MEASURES} <= told


@pytest.mark.parametrize("of", ["page", "brief.pdf", "report.pdf", "slides"])
def test_the_first_words_of_every_format_say_them_in_two_digits(named: tuple[str, Path], of: str) -> None:
    name, folder = named
    first = {
        "page": lambda: page_text(folder)[:2000],
        "brief.pdf": lambda: pdf_pages(folder / "brief.pdf")[0][:1000],
        "report.pdf": lambda: pdf_pages(folder / "report.pdf")[0],
        "slides": lambda: shown_on_slides(folder)[0],
    }[of]()
    amounts = amounts_in(re.sub(r"\s+", " ", first), name[-2:])
    figures = figures_of(folder)
    assert {in_two_digits(figures[measure]) for measure in MEASURES} <= amounts | {0.0}


def test_csv_and_parquet_hold_the_same(named: tuple[str, Path]) -> None:
    tables = sorted((named[1] / "tables").glob("*.csv"))
    assert [path.stem for path in tables] == [x.stem for x in sorted((named[1] / "tables").glob("*.parquet"))]
    for path in tables:
        held = pl.read_parquet(path.with_suffix(".parquet"))
        written = read_table(path)
        assert list(written) == held.columns, path.name
        for column in held.get_columns():
            told = [None if value == "" else value for value in written[column.name]]
            stored = [plain(value) for value in column.to_list()]
            assert len(told) == len(stored), (path.name, column.name)
            for one, other in zip(told, stored, strict=True):
                assert one == other or one == pytest.approx(other, rel=1e-9), (path.name, column.name)


def plain(value: object) -> object:
    """A value of a Parquet file as a CSV file holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return (f"'{value}" if value[0] in "=+-@\t\r" else value) if value else None
    return value if value is None or isinstance(value, int | float) else str(value)


# --- the terminal --------------------------------------------------


@cache
def cost(name: str, folder: Path, *options: str) -> str:
    claims = folder.parent / "complaints.csv"
    words = [claims if word == claims.name else word for word in REPORTS[name]]
    done = outage_analysis("cost", *words, *options)
    assert done.code == 0, done.err
    return done.out


def test_the_terminal_says_the_figures_of_the_report(named: tuple[str, Path]) -> None:
    name, folder = named
    figures = figures_of(folder)
    answer = json.loads(cost(name, folder, "--json"))
    basis = "claims" if name == "own-en" else "published"
    told = {
        row["measure"]: row["value"]
        for row in answer["uncertainty"][basis]["quantiles"]
        if row["valuation"] == "cash"
    }
    assert told == pytest.approx(figures, rel=1e-9)
    printed = cost(name, folder)
    assert {round(figures[x]) for x in (*MEASURES, "p95", "p99", "tvar95")} <= of_text([printed])
    assert {in_two_digits(figures[x]) for x in MEASURES} <= amounts_in(printed, name[-2:]) | {0.0}
    rows = read_table(folder / "tables" / f"{'claims_' if name == 'own-en' else ''}costs.csv")
    lines = [row for row in answer["costs"] if row["basis"] == basis]
    assert [row["expected"] for row in lines] == rows["expected"]


CHANCE = re.compile(r"\b0\.69 ?%")


@pytest.mark.parametrize("of", ["page", "brief.pdf", "report.pdf", "slides", "workbook", "terminal", "json"])
def test_every_format_has_the_chance_over_the_budget_and_the_number_of_claims(
    report: Report, of: str
) -> None:
    folder = report("own-en")
    (chance,) = read_table(folder / "tables" / "budget.csv")["exceeded"]
    assert chance == pytest.approx(0.0070, abs=2e-4)
    if of == "workbook":
        numbers = workbook_numbers(folder).values()
        assert all(any(wanted in values for values in numbers) for wanted in (chance, 12.0))
        return
    if of == "json":
        claims = folder.parent / "complaints.csv"
        stressed = outage_analysis("scenarios", claims, *REPORTS["own-en"][1:], "--json").out
        assert json.loads(stressed)["scenarios"][0]["over_budget"] == chance
        assert 12 in [row["count"] for row in json.loads(cost("own-en", folder, "--json"))["costs"]]
        return
    text = " ".join([cost("own-en", folder)] if of == "terminal" else whole_text(folder, of))
    text += page_text(folder) if of == "page" else ""
    assert CHANCE.search(text)
    assert re.search(r"(?<![\d,.])12(?![\d,.])", text)


# --- known contradictions --------------------------------------------------


@pytest.mark.slow
def test_the_chance_that_nothing_is_paid_is_one_figure(report: Report) -> None:
    book = workbook_of(report("thin-en"))
    texts = [page_text(report("thin-en")), *pdf_pages(report("thin-en") / "brief.pdf"), *book.texts()]
    assert not [name for name in book.members if "charts/chart" in name]  # such a chart would say its own
    told = {x for text in texts for x in re.findall(r"in\s+([\d.]+%),\s+nothing\s+is\s+paid", text)}
    assert len(told) == 1


def test_half_of_8461_claims_is_rounded_in_one_way(report: Report) -> None:
    texts = {"page": " ".join(cells_of(report("kakao-en"))), "terminal": cost("kakao-en", report("kakao-en"))}
    rounded = {of: set(re.findall(r"4,23[01]", text)) for of, text in texts.items()}
    assert all(rounded.values())
    assert rounded["page"] == rounded["terminal"]


def test_a_total_of_the_workbook_is_the_total_of_the_model(report: Report) -> None:
    book = workbook_of(report("kakao-en"))
    totals = read_table(report("kakao-en") / "tables" / "totals.csv")
    expected = dict(zip(totals["valuation"], totals["expected"], strict=True))
    (live,) = [book.named(name).value for name in book.names if name.endswith("face_value")]
    assert live == pytest.approx(expected["face_value"], rel=1e-12)


def test_the_brief_gives_the_handling_cost_one_central_figure(report: Report) -> None:
    table = read_table(report("kakao-en") / "tables" / "reserve.csv")
    handling = dict(zip(table["measure"], table["handling"], strict=True))
    central = {in_two_digits(float(str(handling[x]))) for x in ("mean", "p50")}
    brief = amounts_in(re.sub(r"\s+", " ", " ".join(pdf_pages(report("kakao-en") / "brief.pdf"))), "en")
    assert len(central) == 2
    assert len(central & brief) == 1


def test_an_estimate_is_not_said_to_be_announced(report: Report) -> None:
    """40 billion won were announced; 59,972,100,000 are what the model expects."""
    page = page_text(report("kakao-en"))
    assert "59,972,100,000" in page
    assert not re.search(r"as announced[^.]{0,80}?59,972,100,000", page)


def test_the_bounds_of_an_input_enclose_its_p10_and_p90(report: Report) -> None:
    stated = json.loads((report("kakao-en") / "manifest.json").read_text("utf-8"))["assumptions"]
    table = read_table(report("kakao-en") / "tables" / "tornado.csv")
    rows = zip(table["assumption"], table["input_low"], table["input_high"], strict=True)
    ends: dict[Any, Any] = {name: (low, high) for name, low, high in rows if name == "as-filing-share"}
    (entry,) = [row for row in stated if row["id"] in ends]
    low, high = ends[entry["id"]]
    assert entry["low"] <= low <= high <= entry["high"]


@pytest.mark.slow
def test_a_range_does_not_read_as_an_arrow(report: Report) -> None:
    assert not re.search(r"[-–]>\d", page_text(report("thin-en")))


def test_every_site_that_published_a_figure_is_named_in_page_and_pdf(report: Report) -> None:
    folder = report("kakao-en")
    sources = [str(x).split()[0] for x in read_table(folder / "tables" / "facts.csv")["source"]]
    sites = {re.sub(r"^(www\d*|m)\.", "", urlsplit(x).netloc) for x in sources if x.startswith("http")}
    assert len(sites) > 20
    for text in (page_text(folder), "".join("".join(pdf_pages(folder / "report.pdf")).split())):
        assert [site for site in sites if site not in text] == []


def test_the_best_estimate_of_each_line_with_an_obligation_is_in_page_and_pdf(report: Report) -> None:
    folder = report("kakao-en")
    page, pdf = page_text(folder), " ".join(pdf_pages(folder / "report.pdf"))
    costs = read_table(folder / "tables" / "costs.csv")
    kinds = zip(costs["expected"], costs["level"], costs["valuation"], strict=True)
    best = [float(str(x)) for x, level, kind in kinds if x and (level, kind) == ("line", "cash")]
    assert best
    for text in (page, pdf):
        assert re.search(r"constructive\s+obligation", text)
        assert {f"{amount:,.0f}" for amount in best} <= numbers_in(text)


@pytest.mark.slow
def test_the_policies_of_a_comparison_stand_at_the_top_of_the_page(tmp_path: Path) -> None:
    policies = ("--policy", "kakao-candidate-cash", "--compare", "kakao-candidate-voucher")
    asked = (*policies, "--ledger", "kakao-2022-10-24", "--budget", "400000000", "--draws", "8192")
    done = outage_analysis("report", *asked, "--formats", "csv,html", "--out", tmp_path / "r")
    assert done.code == 0, done.err
    page = page_of(tmp_path / "r").elements
    before = next(n for n, e in enumerate(page) if e.attributes.get("type") == "range")  # the first slider
    top = {x for e in page[:before] if e.tag == "td" for x in amounts_in(e.text, "en")}
    expected = read_table(tmp_path / "r" / "tables" / "comparison.csv")["expected"]
    assert len(expected) == 2
    assert {in_two_digits(float(str(x))) for x in expected} <= top


def test_the_chances_of_being_cheapest_add_to_one(tmp_path: Path) -> None:
    (tmp_path / "thin.toml").write_text(thin_ledger("kakao-2022-10-24"), "utf-8")
    asked = ("kakao-candidate-cash", "kakao-candidate-voucher", "--ledger", tmp_path / "thin.toml", "--json")
    policies = json.loads(outage_analysis("compare", *asked).out)["policies"]
    assert sum(row["cheapest"] for row in policies) == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
def test_the_axis_of_the_chart_of_sums_begins_below_its_lowest_bar(report: Report) -> None:
    """The bar of the cash begins at 1.1 million won; the axis has to begin there or lower."""
    svg = (report("thin-en") / "charts" / "separate_sums.svg").read_text("utf-8")
    table = read_table(report("thin-en") / "tables" / "cost_ranges.csv")
    lowest = min(float(str(x)) for x in table["range_low"] if x)
    ticks = dict(
        re.findall(r'text-anchor="middle" transform="translate\(([\d.]+),[\d.]+\)"[^>]*>(\d+m|\d+bn)<', svg)
    )
    places = sorted((float(place), log10(float(re.sub(r"\D", "", x)) * (1e9 if "bn" in x else 1e6)))
                    for place, x in ticks.items())  # fmt: skip
    (left, one), (right, other) = places[0], places[-1]
    begins = one - left * (other - one) / (right - left)
    assert begins <= log10(lowest)


# --- the cost model --------------------------------------------------

CORRELATED = """
[[correlation]]
of = ["filing-share-form", "acceptance-form"]
rank = 0.8
rationale = "Tried."
"""


@pytest.fixture
def correlated(report: Report, tmp_path: Path) -> tuple[object, ...]:
    """The twelve complaints with a ledger in which who files more is also accepted more."""
    claims, ledger = tmp_path / "complaints.csv", tmp_path / "ledger.toml"
    claims.write_text(OWN_FILE, "utf-8")
    ledger.write_text(
        (report("own-en") / "documents" / "ledger.toml").read_text("utf-8") + CORRELATED, "utf-8"
    )
    documents = [
        part for x in ("incident", "policy") for part in (f"--{x}", report("own-en") / f"documents/{x}.toml")
    ]
    return claims, *documents, "--ledger", ledger


@pytest.mark.slow
def test_an_expected_cost_that_solve_finds_has_the_correlation_in_it(correlated: tuple[object, ...]) -> None:
    claims, *options = correlated
    told = json.loads(outage_analysis("cost", "--claims", claims, *options, "--json").out)
    quantiles = {x["measure"]: x["value"] for x in told["uncertainty"]["claims"]["quantiles"]}
    asked = ("--budget", 10**6, "--at", "expected", "--vary", "tiers.tier1", "--step", 10_000, "--json")
    solved = json.loads(outage_analysis("solve", "--claims", claims, *options, *asked).out)
    (announced,) = [x["expected"] for x in solved["solution"] if x["role"] == "announced"]
    assert announced == pytest.approx(quantiles["mean"], rel=0.01)


FLAT = """
id = "flat"
name.en = "Each claim is paid the same"
currency = "KRW"
loss_unit = "KRW"
[[line]]
id = "flat"
kind = "schedule"
name.en = "Flat"
public_on = 2026-03-02
effort = "automatic"
zero = { fixed = 7_900 }
unknown = { fixed = 7_900 }
band = [{ over = 0, fixed = 7_900 }]
"""
"""It costs 72,000 won for certain: more than the tiers without their correlation, less than with it."""


def test_compare_ranks_policies_with_the_correlation_in_their_means(
    correlated: tuple[object, ...], tmp_path: Path
) -> None:
    claims, _, incident, _, tiers, _, ledger = correlated
    (tmp_path / "flat.toml").write_text(FLAT, "utf-8")
    shared = ("--claims", claims, "--incident", incident, "--ledger", ledger, "--json")
    told = json.loads(outage_analysis("cost", "--policy", tiers, *shared).out)
    means = {x["measure"]: x["value"] for x in told["uncertainty"]["claims"]["quantiles"]}
    assert means["mean"] > 94_800
    compared = json.loads(outage_analysis("compare", tiers, tmp_path / "flat.toml", *shared).out)["policies"]
    expected = {row["policy"]: row["expected"] for row in compared}
    assert min(expected, key=lambda policy: expected[policy]) == "flat"


@pytest.mark.slow
def test_what_would_narrow_the_range_is_the_mean_width_over_what_an_input_may_turn_out_to_be(
    report: Report,
) -> None:
    """P10, the median and P90 of the share that files stand for the answers of a survey: 30, 40 and 30 %."""
    pattern = r"Filing share.{0,40}? reduce its width on average from .{1,30}? won to (.{1,30}? won)"
    (width,) = set(re.findall(pattern, page_text(report("kakao-en"))))
    table = read_table(report("kakao-en") / "tables" / "tornado.csv")
    place = table["assumption"].index("as-filing-share")
    widths = []
    for share in (table["input_low"][place], 0.271, table["input_high"][place]):
        known = oa.load_ledger("kakao-2022").with_value("as-filing-share", float(str(share)))
        p10, p90 = oa.run(policy="kakao-2022", ledger=known, draws=8192).quantile([0.1, 0.9])
        widths.append(p90 - p10)
    (told,) = amounts_in(width, "en")
    assert told == pytest.approx(0.3 * widths[0] + 0.4 * widths[1] + 0.3 * widths[2], rel=0.1)


def test_handling_costs_more_at_its_p90_if_its_inputs_move_together(report: Report) -> None:
    table = read_table(report("kakao-en") / "tables" / "quantiles.csv")
    rows = zip(table["valuation"], table["measure"], table["value"], table["stressed"], strict=True)
    ((value, together),) = [(x, y) for of, measure, x, y in rows if (of, measure) == ("handling", "p90")]
    assert float(str(together)) > 1.2 * float(str(value))


@pytest.mark.slow
def test_claims_of_one_claimant_are_decided_together_or_the_output_says_that_they_are_not(
    tmp_path: Path,
) -> None:
    claims = tmp_path / "complaints.csv"
    rows = [f"{n},c01,Messenger,2026-03-02,120000\n" for n in range(1, 31)]
    claims.write_text("claim_id,claimant_id,service,filed_on,loss (KRW)\n" + "".join(rows), "utf-8")
    done = outage_analysis("cost", claims, "--tiers", "300000:30000", "--json")
    quantiles = json.loads(done.out)["uncertainty"]["claims"]["quantiles"]
    percentiles = {x["value"] for x in quantiles if re.fullmatch(r"p\d+", x["measure"])}
    said = outage_analysis("cost", claims, "--tiers", "300000:30000").out
    assert percentiles <= {0, 900_000} or re.search(
        r"claimant.{0,80}(independent|one by one|separately)", said
    )
    claims.write_text(claims.read_text("utf-8").replace("c01", ""), "utf-8")  # thirty strangers
    assert "claimant" not in outage_analysis("cost", claims, "--tiers", "300000:30000").out


@pytest.mark.slow
def test_p99_misses_what_many_draws_give_by_about_the_error_that_it_states(tmp_path: Path) -> None:
    thin = tmp_path / "thin.toml"
    thin.write_text(thin_ledger("kakao-2022"), "utf-8")

    def p99(*options: object) -> tuple[float, float]:
        told = json.loads(outage_analysis("cost", "--ledger", thin, *options, "--json").out)["uncertainty"][
            "published"
        ]
        rows = [x for x in told["quantiles"] if (x["valuation"], x["measure"]) == ("cash", "p99")]
        return rows[0]["value"], rows[0]["error"]

    many, _ = p99("--draws", 2**20)
    misses = [(value - many) / error for value, error in (p99("--seed", seed) for seed in range(1, 13))]
    assert 0.6 < (sum(x**2 for x in misses) / len(misses)) ** 0.5 < 1.5
