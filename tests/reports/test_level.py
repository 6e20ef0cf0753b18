"""A report at another level than 80: every format and language has the same range, and only this range."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from html import unescape
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pypdf import PdfReader

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.reports import write_report
from outage_analysis.text import LikelyRange, Locale
from tests.commands import command
from tests.tampered_bundles import manifest_of
from tests.tram_case import write_documents

FEW = 2**13
LEVEL = 90
OF_ANOTHER_LEVEL = re.compile(
    r"\bP10\b|\bP90\b|\bp10\b|\bp90\b|80 ?% (likely|interval|range|구간|확률 범위|of cases)|80 percent"
    r"|eight (of|in) ten|열에 여덟"
)
RESERVE = re.compile(
    r"\bP75\b[^%]{0,60}?\bP90\b"  # the amounts side by side or row by row
    r"|\bp75,[\d.,]*\s+p90\b"  # the table as CSV
    r"|(?:mean|평균)\s+P90\b"  # the strings of the workbook, of which each is stored once
    r"|\bP(?:75|90) ?\((?:25% above|10% above|초과 확률 25%|초과 확률 10%)\)"  # the same with their meaning
    r"|\b\d\d%(?: |\s?확률)\(P\d\d\)"  # the probabilities of keeping a budget that a reader can choose
)
"""The reserve, whose measures do not depend on the level, and the form that searches payments."""
CASES = ("tram", pytest.param("kakao", marks=pytest.mark.slow))


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    """The plans at level 90: the tram outage beside another policy, and Kakao with its back-test."""
    folder = tmp_path_factory.mktemp("tram")
    write_documents(folder)
    tram = Plan(
        incident=folder / "incident.toml",
        policy=folder / "counted.toml",
        ledger=folder / "mixed.toml",
        compare=(folder / "flat.toml",),
        budget=100_000,
        draws=FEW,
        level=LEVEL,
    )
    return {"tram": tram, "kakao": Plan(draws=FEW, level=LEVEL)}


class Analyses(dict[str, Analysis]):
    """The analysis of each plan, run when first used, because that of Kakao takes seconds."""

    def __init__(self, plans: dict[str, Plan]) -> None:
        super().__init__()
        self.plans = plans

    def __missing__(self, name: str) -> Analysis:
        self[name] = run(self.plans[name])
        return self[name]


@pytest.fixture(scope="module")
def analyses(plans: dict[str, Plan]) -> Analyses:
    return Analyses(plans)


def texts_of(path: Path) -> str:
    """All that a reader can see of a file of a report, as one text."""
    data = path.read_bytes()
    if path.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages)
    if path.suffix in (".xlsx", ".pptx"):
        archive = zipfile.ZipFile(BytesIO(data))
        return "\n".join(_plain(archive.read(n).decode()) for n in archive.namelist() if n.endswith(".xml"))
    if path.suffix == ".html":
        page = re.sub(r"<style.*?</style>", "", data.decode(), flags=re.DOTALL)
        return _plain(re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))
    if path.suffix == ".parquet":
        return pl.read_parquet(path).write_csv()
    return "" if path.suffix in (".png", ".toml") else data.decode()


def _plain(markup: str) -> str:
    """Markup without its tags, but with the texts in attributes such as alternative texts."""
    texts = re.findall(r'(?:descr|title|name|alt|aria-label)="([^"]*)"', markup)
    return unescape("\n".join([re.sub(r"<[^>]+>", " ", markup), *texts]))


def checked_texts(folder: Path) -> dict[str, str]:
    """The text of each file, which must not name a range of another level, but for the reserve."""
    texts = {p.relative_to(folder).as_posix(): texts_of(p) for p in folder.rglob("*") if p.is_file()}
    assert {name: OF_ANOTHER_LEVEL.findall(RESERVE.sub("", text)) for name, text in texts.items()} == {
        name: [] for name in texts
    }
    return texts


# --- the figures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_range_and_its_cost_equal_the_quantiles_of_the_draws(
    analyses: dict[str, Analysis], case: str
) -> None:
    analysis = analyses[case]
    rows = {
        r["measure"]: r
        for r in analysis.exact_tables["quantiles"].filter(valuation="cash").iter_rows(named=True)
    }
    values = {measure: row["value"] for measure, row in rows.items()}
    drawn = analysis.runs["published"].totals["cash"].values
    for measure, p in {"p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        quantile = np.quantile(drawn, p, method="inverted_cdf")
        assert values[measure] == pytest.approx(quantile, abs=rows[measure]["error"])  # rounded to its error
    assert set(values) == {"expected", "mean", "p5", "p50", "p95", "p99", "tvar95"}
    assert analysis.likely_cash() == (values["p5"], values["p95"])
    marks = analysis.exact_tables["total_distribution"].filter(pl.col("mark").is_not_null(), valuation="cash")
    shown = dict(marks.select("mark", "amount").iter_rows())
    assert shown.keys() - {"budget", "press", "zero"} == {"expected", "p5", "p50", "p95"}
    assert (shown["p5"], shown["p95"]) == (values["p5"], values["p95"])


@pytest.mark.parametrize("case", CASES)
def test_no_other_figure_moves_with_the_level(
    plans: dict[str, Plan], analyses: dict[str, Analysis], case: str
) -> None:
    usual, moved = run(replace(plans[case], level=80)), analyses[case]
    same = ["expected", "mean", "p50", "p95", "p99", "tvar95"]
    fixed = [a.exact_tables["quantiles"].filter(pl.col("measure").is_in(same)) for a in (usual, moved)]
    assert fixed[0].equals(fixed[1])
    for name in ("costs", "totals", "funnel", "split", "contributions", "steps", "levers", "budget"):
        if name in usual.exact_tables:
            assert usual.exact_tables[name].equals(moved.exact_tables[name])
    assert usual.likely_range == LikelyRange()
    low, high = moved.likely_cash() or (0.0, 0.0)
    inner_low, inner_high = usual.likely_cash() or (0.0, 0.0)
    assert low < inner_low < inner_high < high


def test_inputs_of_the_tornado_are_at_the_ends_of_the_range(analyses: dict[str, Analysis]) -> None:
    rows = {row["assumption"]: row for row in analyses["tram"].exact_tables["tornado"].iter_rows(named=True)}
    filing = rows["as-filing"]  # uniform from 20 to 60 %
    assert (filing["input_low"], filing["input_high"]) == pytest.approx((0.22, 0.58))
    assert filing["cost_high"] / filing["cost_low"] == pytest.approx(58 / 22)
    assert filing["cost_low"] / filing["cost_expected"] == pytest.approx(22 / 40)


def test_compared_policies_have_the_range(analyses: dict[str, Analysis]) -> None:
    analysis = analyses["tram"]
    compared = analysis.exact_tables["comparison"].filter(policy=analysis.policy.id)
    assert compared.select("range_low", "range_high").row(0) == analysis.likely_cash()


# --- what readers see -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("case", "lang"), [("kakao", "ko"), ("tram", "en")])
def test_every_format_names_only_this_range(
    analyses: dict[str, Analysis], tmp_path: Path, case: str, lang: str
) -> None:
    folder = write_report(analyses[case], tmp_path / "out", lang=lang).parent
    texts = checked_texts(folder)
    sentence = {"en": "90% likely", "ko": "90% 확률 범위"}[lang]
    for name in ("report.html", "report.pdf", "brief.pdf", "report.pptx", "report.xlsx"):
        plain = re.sub(r"\s+", " ", texts[name])
        assert sentence in plain, name
        assert re.search(r"\bP5\b", plain), name
        assert re.search(r"\bP95\b", plain), name
    assert "90%" in Locale(lang, level=LEVEL)("report.tile_likely", low="", high="")
    assert set(manifest_of(folder)["figures"]) == {"expected", "p5", "p50", "p95"}


# --- the command line -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("cost",), ("backtest",)], ids=lambda given: given[0])
def test_tables_of_other_commands_have_the_names_of_the_ends(arguments: tuple[str, ...]) -> None:
    code, out, _ = command(*arguments, "--level", 90, "--draws", FEW)
    assert code == 0
    assert not OF_ANOTHER_LEVEL.search(out)
    assert "range_low" not in out
    assert re.search(r"(?i) p5 +p50 +p95\b", out)
    assert re.search(r"P5 (and its|to) P95", out)


@pytest.mark.parametrize(
    "level", ["9", "49", "99", "100", "0.9", "80.5", "-90", "ninety", "", "\uff19\uff10"]
)
@pytest.mark.parametrize("name", ["cost", "backtest"])
def test_a_bad_level_is_one_line(name: str, level: str) -> None:
    code, out, err = command(name, f"--level={level}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--level is no whole number from 50 to 98" in err
