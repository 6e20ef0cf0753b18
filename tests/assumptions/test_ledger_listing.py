"""A ledger as it is shown: every assumption with its law, its ends, its reasons; and pages that are wrong."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from outage_analysis.assumptions import (
    BandMix,
    Ledger,
    bundled_ledger,
    distribution_text,
    ledger_table,
    load_ledger,
)
from outage_analysis.assumptions.distributions import (
    AnyDistribution,
    Beta,
    Discrete,
    Fixed,
    LogitT,
    Lognormal,
    Pert,
    Uniform,
)
from outage_analysis.assumptions.ledger import format_distribution
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.text import Locale, schema_of
from tests.commands import command
from tests.tram_case import ENTRY, ledger

ENDS = ("expected", "low", "high")


def read(text: str, folder: Path) -> Ledger:
    path = folder / "ledger.toml"
    path.write_text(text, "utf-8")
    return load_ledger(path)


# --- the latest by a day ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("incident", "day", "known"),
    [
        ("kakao-2022", None, "kakao-2022"),
        ("kakao-2022", date(2022, 10, 23), None),
        ("kakao-2022", date(2022, 10, 24), "kakao-2022-10-24"),
        ("kakao-2022", date(2023, 1, 1), "kakao-2022"),
        ("kakao-2022", date.max, "kakao-2023-06-30"),
        ("tram-2031", None, None),
        ("tram-2031", date.max, None),
        ("kakao-2022-10-24", None, "kakao-2022-10-24"),
    ],
)
def test_the_bundled_ledger_is_the_latest_by_the_day(
    incident: str, day: date | None, known: str | None
) -> None:
    found = bundled_ledger(incident, day)
    assert (found.id if found else None) == known


# --- the table --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id_", bundled_ids("assumptions"))
def test_every_assumption_has_a_row_that_says_what_its_document_says(id_: str) -> None:
    page = load_ledger(id_)
    table = ledger_table(page)
    assert dict(table.schema) == schema_of("documents.assumptions").dtypes
    assert table["assumption"].to_list() == [a.id for a in page.assumptions]
    for row, entry in zip(table.iter_rows(named=True), page.assumptions, strict=True):
        for key in ("kind", "grade", "public_on", "owner", "outcome_known"):
            assert row[key] == getattr(entry, key)
        assert (row["source"], row["rationale"]) == (entry.source.en, entry.rationale.en)
        assert (row["lines"], row["segment"]) == (" ".join(entry.lines), entry.effort or "")
        assert set(row["facts"].split()) == {*entry.facts, *entry.computed_from}
        if isinstance(entry, BandMix):
            assert [row[end] for end in ENDS] == [None] * 3
        else:
            assert row["low"] <= row["expected"] <= row["high"]
            sample = entry.draw(np.random.default_rng(1).random((20_000, entry.dimensions)))
            spread = float(sample.std()) / 20_000**0.5
            assert row["expected"] == pytest.approx(
                float(sample.mean()), abs=5 * spread + 1e-5 * row["expected"]
            )


@pytest.mark.parametrize(
    ("distribution", "told"),
    [
        (Fixed(value=0.1), "fixed(value 0.1)"),
        (Fixed(value=5_060), "fixed(value 5,060)"),
        (Uniform(low=0, high=1_234_567), "uniform(low 0, high 1,234,567)"),
        (Beta(a=8, b=2.5), "beta(a 8, b 2.5)"),
        (Pert(low=5, mode=20, high=2_950_000), "pert(low 5, high 2,950,000, mode 20, weight 4)"),
        (Lognormal(median=1e12, sigma=0.9), "lognormal(median 1,000,000,000,000, sigma 0.9)"),
        (LogitT(location=-1.7627312345, scale=1.2, df=2), "logit-t(location -1.76273, scale 1.2, df 2)"),
        (
            Discrete(values=(1, 2), probabilities=(0.25, 0.75)),
            "discrete(values 1 2, probabilities 0.25 0.75)",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_distribution_is_written_out_with_every_parameter(distribution: AnyDistribution, told: str) -> None:
    assert format_distribution(distribution) == told
    _ = distribution.mean, distribution.quantile(np.array([0.1, 0.9]))
    assert format_distribution(distribution) == told  # also once it has been drawn from


def test_mixes_rules_and_products_are_written_out(tmp_path: Path) -> None:
    rules = """loss = { kind = "uniform", low = 5_000, high = 90_000 }
rule = [
  { name = { en = "a" }, weight = 0.4, share = { kind = "fixed", value = 0.1 }, floor = 1_000, cap = 2_000 },
  { name = { en = "b" }, weight = 0.6, share = { kind = "fixed", value = 1 } },
]"""
    mix = "size = 4\nband = [{ over = 0, up_to = 100, share = 0.3333333 }, { over = 100, share = 0.6666667 }]"
    work = """people = { kind = "fixed", value = 3 }
weeks = { kind = "fixed", value = 2 }
weekly_wage = { kind = "fixed", value = 1_000_000 }"""
    text = ledger(
        ENTRY.format(name="mix", kind="band_mix", distribution=mix),
        ENTRY.format(name="work", kind="handling", distribution=work),
        award=rules,
    )
    page = read(text, tmp_path)
    told = {a.id: distribution_text(a) for a in page.assumptions}
    assert told["as-mix"] == "dirichlet(0.3333, 0.6667; size 4)"
    assert told["as-work"] == "fixed(value 3) × fixed(value 2) × fixed(value 1,000,000)"
    loss = "uniform(low 5,000, high 90,000)"
    assert told["as-award"] == (
        f"0.4: fixed(value 0.1) × {loss}, at least 1,000, at most 2,000; 0.6: fixed(value 1) × {loss}"
    )
    assert ledger_table(page).filter(assumption="as-work")["expected"].item() == 6_000_000


# --- on a terminal ----------------------------------------------------------------------------------------


def test_a_ledger_is_shown_with_the_distribution_of_each_assumption() -> None:
    code, out, err = command("assumptions", "kakao-2022")
    assert (code, err) == (0, "")
    for entry in load_ledger("kakao-2022").assumptions:
        assert re.search(rf"^ {entry.id} +{Locale('en')(f'word.{entry.kind}')} ", out, re.MULTILINE)
        assert f"\n{entry.id}: {distribution_text(entry)}\n" in out
    assert out.splitlines()[-1].startswith("its authors knew how the case ended")


@pytest.mark.parametrize(("as_of", "count"), [("2022-12-29", 0), ("2022-12-30", 8), ("2023-01-30", 9)])
def test_a_ledger_is_shown_as_it_was_known_on_a_day(as_of: str, count: int) -> None:
    found = json.loads(command("assumptions", "kakao-2022", "--as-of", as_of, "--json")[1])
    assert (found["as_of"], found["public_by"]) == ("2022-12-30", as_of)
    assert len(found["assumptions"]) == count
    known = command("assumptions", "kakao-2022", "--as-of", as_of)[1]
    assert ("its authors knew" in known) == bool(count)


# --- pages that are wrong ---------------------------------------------------------------------------------


def test_for_an_assumption_without_its_kind_the_error_lists_the_kinds_of_assumptions(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        read(ledger().replace('kind = "acceptance"\n', ""), tmp_path)
    assert "assumption 'as-acceptance': a required key, kind, is missing" in str(refusal.value)
    assert {"filing_share", "band_mix", "review_award", "handling"} <= set(
        re.findall(r"\w+", refusal.value.remedy)
    )
    assert "lognormal" not in refusal.value.remedy
