"""One quantity is one figure in every format: page, PDF, workbook, slides, tables, manifest, terminal."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import date
from functools import cache
from math import floor
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pytest

import outage_analysis as oa
from tests.contract.command_line import OWN_FILE, REPORTS, answered, outage_analysis
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
    slides_of,
    workbook_of,
)
from tests.paths import ROOT

Report = Callable[[str], Path]
KOREAN = pytest.param("kakao-ko", marks=pytest.mark.slow)
READ = ("kakao-en", KOREAN, "own-en")
MEASURES = ("expected", "p10", "p50", "p90")
known = cache(Known)
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
        if float(f"{value:.5g}") != value  # six digits or more
        and not any(known(named[1]).has(value * scale, 1e-5 * abs(value) * scale) for scale in SCALES)
    }
    assert {sheet for sheet, _ in unknown} - {"Inputs", "입력"} == set()  # shares that are derived
    assert len(unknown) <= 3


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("kakao-en", "won"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (("kakao-ko", "원"), ("trams-en", "euros"))
        ),
    ],
)
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


@pytest.mark.parametrize("name", ["kakao-en", KOREAN])
def test_the_pictures_of_the_slides_are_charts_of_the_page(report: Report, name: str) -> None:
    drawn = {x.stem: html.unescape(x.read_text("utf-8")) for x in (report(name) / "charts").glob("*.svg")}
    shown = [
        [chart for text in texts for chart, svg in drawn.items() if f">{text}<" in svg]
        for texts in pictures_of_slides(report(name))
    ]
    assert shown == [["total_distribution"], ["waterfall", "tornado"], [], ["headlines"], []]


@pytest.mark.parametrize("name", ["kakao-en", KOREAN])
def test_the_page_and_the_slides_name_what_was_not_public_yet(report: Report, name: str) -> None:
    policy, lang = oa.load_policy("kakao-2022"), name[-2:]
    later = [line.name[lang] for line in policy.lines if str(line.public_on) > "2022-12-30"]
    assert len(later) > 1
    notes = " ".join(notes_of_slides(report(name)))
    assert all(text in page_text(report(name)) and text in notes for text in later)


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
        shown = [x for column, x in zip(table, values, strict=True) if column not in ELSEWHERE]
        large = {round(abs(x)) for x in shown if isinstance(x, int | float) and abs(x) >= 1_000}
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
    done = answered("cost", *words, *options)
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


# --- the cost model --------------------------------------------------

CORRELATED = """
[[correlation]]
of = ["filing-share-form", "acceptance-form"]
rank = 0.8
rationale = "Tried."
"""


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


def test_compare_ranks_policies_with_the_correlation_in_their_means(report: Report, tmp_path: Path) -> None:
    incident, policy, ledger = (
        report("own-en") / f"documents/{x}.toml" for x in ("incident", "policy", "ledger")
    )
    for name, text in {
        "complaints.csv": OWN_FILE,
        "ledger.toml": ledger.read_text("utf-8") + CORRELATED,
        "flat.toml": FLAT,
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
    inputs = {"claims": tmp_path / "complaints.csv", "incident": incident, "ledger": tmp_path / "ledger.toml"}
    shared = (*(word for name, path in inputs.items() for word in (f"--{name}", path)), "--json")
    told = json.loads(outage_analysis("cost", "--policy", policy, *shared).out)
    means = {x["measure"]: x["value"] for x in told["uncertainty"]["claims"]["quantiles"]}
    assert means["mean"] > 94_800
    compared = json.loads(outage_analysis("compare", policy, tmp_path / "flat.toml", *shared).out)["policies"]
    expected = {row["policy"]: row["expected"] for row in compared}
    assert min(expected, key=lambda policy: expected[policy]) == "flat"


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
