"""A report at another level than 80: every format and language has the same range, and only this range."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from outage_analysis import Analysis, Plan, run, write_report
from tests.commands import command
from tests.contract.test_languages_and_marks import texts_of
from tests.tampered_bundles import manifest_of
from tests.tram_case import tram_plan, write_documents

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


@cache
def analysis_of(case: str, level: int = LEVEL) -> Analysis:
    """The Kakao case, or the tram from published counts with another policy."""
    if case == "kakao":
        return run(Plan(draws=FEW, level=level))
    folder = Path(tempfile.mkdtemp())
    write_documents(folder)
    return run(tram_plan(folder, draws=FEW, level=level))


def test_the_range_is_that_of_the_draws_and_no_other_figure_moves_with_the_level() -> None:
    usual, moved = analysis_of("tram", 80), analysis_of("tram")
    rows, as_usual = (
        {
            row["measure"]: row
            for row in a.exact_tables["quantiles"].filter(valuation="cash").iter_rows(named=True)
        }
        for a in (moved, usual)
    )
    drawn = moved.runs["published"].totals["cash"].values
    for measure, p in {"p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99}.items():
        quantile = np.quantile(drawn, p, method="inverted_cdf")
        assert rows[measure]["value"] == pytest.approx(quantile, abs=rows[measure]["error"])
    assert rows.keys() - as_usual.keys() == {"p5"}
    assert as_usual.keys() - rows.keys() == {"p10", "p90"}
    assert all(rows[measure] == as_usual[measure] for measure in rows.keys() & as_usual.keys())
    for name in ("costs", "totals", "funnel", "split", "contributions", "steps", "levers", "budget"):
        assert usual.exact_tables[name].equals(moved.exact_tables[name])
    (low, high), (inner_low, inner_high) = moved.likely_cash or (0, 0), usual.likely_cash or (0, 0)
    assert (low, high) == (rows["p5"]["value"], rows["p95"]["value"])
    assert low < inner_low < inner_high < high
    compared = moved.exact_tables["comparison"].filter(policy=moved.policy.id)
    assert compared.select("range_low", "range_high").row(0) == (low, high)
    (filing,) = moved.exact_tables["tornado"].filter(assumption="as-filing").iter_rows(named=True)
    assert (filing["input_low"], filing["input_high"]) == pytest.approx((0.22, 0.58))  # uniform, 20 to 60 %
    assert filing["cost_high"] / filing["cost_low"] == pytest.approx(58 / 22)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "lang"), [("kakao", "ko"), ("tram", "en")])
def test_every_format_names_only_this_range(tmp_path: Path, case: str, lang: str) -> None:
    folder = write_report(analysis_of(case), tmp_path / "out", lang=lang).parent
    texts = {of: " ".join(told) for of, told in texts_of(folder).items()}
    written = (p for p in folder.rglob("*") if p.suffix in (".csv", ".json", ".md", ".svg"))
    texts |= {p.name: p.read_text("utf-8") for p in written}
    others = {name: OF_ANOTHER_LEVEL.findall(RESERVE.sub("", text)) for name, text in texts.items()}
    assert others == {name: [] for name in texts}
    sentence = {"en": "90% likely", "ko": "90% 확률 범위"}[lang]
    for name in ("page", "pdf", "slides", "workbook"):
        plain = re.sub(r"\s+", " ", texts[name])
        assert all(re.search(rf"\b{said}\b", plain) for said in (sentence, "P5", "P95")), name
    assert set(manifest_of(folder)["figures"]) == {"expected", "p5", "p50", "p95"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cost", "backtest"])
def test_tables_of_other_commands_have_the_names_of_the_ends(name: str) -> None:
    code, out, _ = command(name, "--level", 90, "--draws", FEW)
    assert code == 0
    assert not re.search(rf"{OF_ANOTHER_LEVEL.pattern}|range_low", out)
    assert re.search(r"(?i) p5 +p50 +p95\b", out)
    assert re.search(r"P5 (and its|to) P95", out)


# --- the command line -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "level", ["9", "49", "99", "100", "0.9", "80.5", "-90", "ninety", "", "\uff19\uff10"]
)
def test_a_bad_level_is_one_line(level: str) -> None:
    code, out, err = command("cost", f"--level={level}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--level is outside its range" in err
    assert "Take a whole number from 50 to 98." in err
