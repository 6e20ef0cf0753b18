"""What a plan refuses, what a cost from claims or an empty ledger says, and what no figure rests on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, compare_policies, run
from outage_analysis.assumptions import example_warning, load_ledger
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import data_root
from outage_analysis.incidents import published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.jupyter import new_project
from outage_analysis.reports import FORMATS, Report, Text, verify, write_report
from outage_analysis.text import LANGUAGES, Locale
from tests.conftest import ClaimsCsv, Edited, Reshelve
from tests.shared_folders import file_contents
from tests.studies.synthetic_claims import assumptions, synthetic_claims
from tests.tram_case import LEDGER, POLICY, tram_plan

DAYS = {"decision week": date(2022, 10, 24), "announcement": date(2022, 12, 30)}
FEW = 1_024
"""Draws that suffice where no quantile is asked: the law of one claim takes long to invert."""


# --- refusals -----------------------------------------------------------------------------------------


def test_for_claims_before_any_line_was_public_the_error_names_its_day_and_asks_for_no_claims(
    claims_csv: ClaimsCsv,
) -> None:
    with pytest.raises(ModelRefused) as refusal:
        run(Plan(as_of=date(2022, 10, 18), claims=(claims_csv([{}]),)))
    told = str(refusal.value)
    assert re.search(r"no line of kakao-2022 that pays by loss was public: first on 2022-1\d-\d\d\.", told)
    assert "as_of in the ledger" in told
    assert "give claims" not in told


REFUSED = [
    (
        "policy",
        'currency = "KRW"',
        'currency = "USD"',
        "states amounts in USD, the incident kakao-2022 amounts",
    ),
    (
        "policy",
        'loss_unit = "KRW"',
        'loss_unit = "minutes"',
        "states losses in minutes, the incident kakao-2022 losses in KRW",
    ),
    (
        "policy",
        'eligibility = { claimant_type = ["small_business"] }',
        'eligibility = { size = ["small"] }',
        "channel-credit depends on size",
    ),
    (
        "policy",
        'currency = "KRW"',
        'currency = "KRW"\nminor_units = 2',
        "states amounts with 2 decimal places, the incident kakao-2022 amounts with 0",
    ),
    (
        "policy",
        'id = "games"',
        'id = "kakao_games"',
        "has the id of a service or a claimant type.*kakao_games",
    ),
    ("policy", '"kakaotalk"', '"kakao_talk"', "entitles a service.*'kakaotalk'"),
    ("ledger", 'currency = "KRW"', 'currency = "USD"', r"in USD \(found 'KRW'\)\. Restate|Restate each sum"),
    ("ledger", 'incident = "kakao-2022"', 'incident = "elsewhere"', "for the incident elsewhere"),
]
"""A document, what is changed in it, and what the refusal says."""


@pytest.mark.parametrize(("kind", "old", "new", "said"), REFUSED)
def test_a_document_that_does_not_fit_the_incident_is_refused(
    edited: Edited, kind: str, old: str, new: str, said: str
) -> None:
    asked: dict[str, Any] = {kind: edited({"policy": "policies", "ledger": "assumptions"}[kind], old, new)}
    with pytest.raises(UsageError, match=said):
        run(Plan(claims=(), **asked))


def test_decimal_places_that_a_policy_leaves_to_its_currency_are_compared_too(edited: Edited) -> None:
    dollars = {
        kind: edited(kind, 'currency = "KRW"', 'currency = "USD"') for kind in ("incidents", "policies")
    }
    # 30_000 would be 300 dollars to the policy and 30,000 to the incident.
    with pytest.raises(UsageError, match="decimal places"):
        run(Plan(incident=dollars["incidents"], policy=dollars["policies"], claims=()))


LAST_FACTS = 'facts = ["PR-03", "PR-03.lower-edge"]\n'
SEGMENT = """
[[line.segment]]
id = "own"
when = {when}
band = [{{ over = 0, fixed = 70_000 }}]
"""


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('{ size = ["small"] }', "the line small-business-cash depends on size"),
        ('{ service = ["kakao_talk"] }', "small-business-cash entitles a service that the incident does not"),
    ],
)
def test_a_segment_that_no_claim_can_fit_is_refused(edited: Edited, when: str, said: str) -> None:
    segment = LAST_FACTS + SEGMENT.format(when=when)
    policy = edited("policies", 'published_count = "CL-13"\n', "", LAST_FACTS, segment)
    with pytest.raises(UsageError, match=said):
        run(Plan(policy=policy, claims=()))


# --- synthetic rows feed no figure of the incident ----------------------------------------------------------


@pytest.mark.slow
def test_other_synthetic_rows_change_no_figure_of_the_incident(tmp_path: Path) -> None:
    assumed, rows = assumptions("kakao-2022"), tmp_path / "other-synthetic.parquet"
    assumed["losses"][0]["band"][0]["share"] = 0.25  # in place of 0.5
    synthetic_claims(assumed, 7).write_parquet(rows)
    tables, changed = (run(plan).tables for plan in (Plan(draws=FEW), Plan(draws=FEW, claims=(rows,))))
    assert tables.keys() == changed.keys()
    differing = {name for name, table in tables.items() if not table.equals(changed[name])}
    assert "claims_bands" in differing
    assert all(name.startswith("claims_") for name in differing)


# --- no hindsight -------------------------------------------------------------------------------------------


NOISY = ("quantity", "counts", "quantity_ko", "counts_ko", "source", "note")


def noise(shelf: pl.DataFrame, day: date, *, keep: bool) -> pl.DataFrame:
    """A shelf whose later and undated facts (all, unless `keep`) say something else."""
    later = pl.col("public_on").is_null() | (pl.col("public_on") > day) | pl.lit(not keep)
    rows = pl.int_range(pl.len()) + 1

    def replaced(column: str, instead: pl.Expr) -> pl.Expr:
        return pl.when(later & pl.col(column).is_not_null()).then(instead).otherwise(column).alias(column)

    return shelf.with_columns(
        *(replaced(c, (rows * 7919 % 1000 + 1).cast(pl.Float64)) for c in ("value", "low", "high")),
        *(replaced(c, pl.lit("noise")) for c in NOISY),
        replaced("public_on", pl.col("public_on") + timedelta(days=900)),
    )


@pytest.fixture
def forget(reshelve: Reshelve) -> Callable[[date], None]:
    """Replace by noise every outcome and every fact that was not public by a day."""
    shelf = published._fact_table  # noqa: SLF001 - the one place where every figure comes from

    def forgotten(day: date) -> None:
        shelves: dict[FactCollection, pl.DataFrame] = {
            "published": noise(shelf("published"), day, keep=True),
            "outcomes": noise(shelf("outcomes"), day, keep=False),
        }
        reshelve(shelves.__getitem__)

    return forgotten


@pytest.mark.slow
@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_without_hindsight_later_facts_change_not_one_byte(
    tmp_path: Path, forget: Callable[[date], None], day: date
) -> None:
    plan = Plan(as_of=day, hindsight=False, draws=FEW)
    every = [*{*FORMATS} - {"png"}] if day == DAYS["announcement"] else ["html", "xlsx"]
    formats = {"en": every, "ko": ["csv"]}

    def written(name: str) -> dict[str, bytes]:
        analysis = run(plan)
        for lang, asked in formats.items():
            write_report(analysis, tmp_path / name / lang, lang=lang, formats=asked)
        return file_contents(tmp_path / name)

    known = written("known")
    forget(day)
    assert written("forgotten") == known
    assert sum(name.startswith("ko/") for name in known) > 30


@pytest.fixture
def plan(tram: Path, tmp_path: Path) -> Plan:
    """Three hundred claims, fifty of each loss, all paid automatically."""
    automatic = POLICY.replace('"form"', '"automatic"').replace("review = true", "fixed = 5_000")
    (tmp_path / "policy.toml").write_text(automatic, "utf-8")
    (tmp_path / "ledger.toml").write_text(LEDGER, "utf-8")
    return tram_plan(
        tram,
        policy=tmp_path / "policy.toml",
        ledger=tmp_path / "ledger.toml",
        claims=(tram / "claims.csv",),
        compare=(),
        budget=8_000,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "formats"), [("en", ["csv", "html", "md", "pdf", "pptx", "xlsx"]), ("ko", ["csv", "html"])]
)
def test_its_report_is_written_and_verified(
    plan: Plan, tram: Path, tmp_path: Path, lang: str, formats: list[str]
) -> None:
    run(plan).report(tmp_path / "report", lang=lang, formats=formats)
    assert verify(tmp_path / "report", claims=[tram / "claims.csv"]).rebuilt


def test_the_card_of_an_empty_ledger_has_no_table(plan: Plan) -> None:
    assert plan.ledger is not None
    card = load_ledger(plan.ledger).card()
    assert card.tables == ()
    assert "Assumptions: 0" in repr(card)


LINES = {"business-cash": "small_business", "user-credit": "general_user"}
FEE = """
[[line]]
id = "fee"
kind = "fee_credit"
name = { en = "Fee handed back", ko = "이용료 환급" }
public_on = 2026-01-20
effort = "automatic"
fee = 31_000
days = 1
period_days = 31
recipients_high = "US-07.of"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project: an outage without a published count."""
    return new_project(tmp_path_factory.mktemp("basis") / "shop")


@pytest.fixture(scope="module")
def claims(project: Path) -> dict[str, Path]:
    """The sample as it is, and under another name without the column that says it is made up."""
    sample, real = project / "claims" / "sample-synthetic.csv", project / "received.csv"
    pl.read_csv(sample).drop("synthetic").write_csv(real)
    return {"synthetic": sample, "claims": real}


@pytest.fixture(scope="module")
def analyses(project: Path, claims: dict[str, Path]) -> dict[str, Analysis]:
    """One of real claims, one of synthetic ones."""
    return {kind: run(_plan(project, path)) for kind, path in claims.items()}


def _plan(project: Path, path: Path, **changed: Any) -> Plan:  # noqa: ANN401 - whatever a plan has
    pages = {name: project / f"{name}.toml" for name in ("incident", "policy", "ledger")}
    return Plan(**{**pages, "claims": (path,), "draws": 1024, **changed})


@pytest.mark.parametrize("kind", ["claims", "synthetic"])
def test_the_headline_is_that_of_the_claims_and_adds_up(analyses: dict[str, Analysis], kind: str) -> None:
    analysis = analyses[kind]
    assert (analysis.headline_basis, analysis.headline_from_claims) == (kind, True)
    assert analysis.headline_is_synthetic == (kind == "synthetic")
    assert analysis.headline_table_name("costs") == "claims_costs"
    costs, total = analysis.headline_costs, analysis.totals_row(kind)
    assert total is not None
    assert set(costs["basis"]) == {kind}
    assert not costs.select("line", "level", "over", "up_to", "rule").is_duplicated().any()
    for figure in ("low", "expected"):
        assert costs.filter(level="line")[figure].sum() == pytest.approx(total[figure])


# --- what it shows ----------------------------------------------------------------------------------------


# --- what was published stays what it is ------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_line_that_published_figures_bound_stands_apart(
    project: Path, claims: dict[str, Path], tmp_path: Path, lang: str
) -> None:
    policy, ledger = tmp_path / "policy.toml", tmp_path / "ledger.toml"
    policy.write_text((project / "policy.toml").read_text("utf-8") + FEE, encoding="utf-8")
    stated = (project / "ledger.toml").read_text("utf-8").split("[[assumption]]")
    kept = [part for part in stated if 'kind = "review_award"' not in part]
    ledger.write_text("[[assumption]]".join(kept), encoding="utf-8")
    found = run(_plan(project, claims["claims"], policy=policy, ledger=ledger))
    assert found.headline_basis == "claims"
    assert (found.bounded_lines, found.published_lines_left_out) == (["business-cash"], ["fee"])
    report = Report(found, lang)
    w, names = report.locale, report.names
    for key, line in (("not_counted_claims", "business-cash"), ("lines_apart", "fee")):
        assert w(f"report.{key}", lines=names[line]) in report.answers.left_out
    bases = {row[0]: row[1] for row in report.grids["cost"].rows}  # the line's name, what it rests on
    assert bases == {**{names[line]: w("word.claims") for line in LINES}, names["fee"]: w("word.published")}


USED = {"as-ultimate-reports", "as-entitled-share", "as-filing-share", "as-acceptance"}
"""What the cash candidate of the decision week rests on."""
UNUSED = {"as-voucher-acceptance", "as-paying-drivers", "as-paid-services-ratio"}
"""Entries of the same ledger for lines of other policies."""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The cash candidate, with the voucher's acceptance as an example that nobody has replaced."""
    text = (data_root() / "assumptions" / "kakao-2022-10-24.toml").read_text("utf-8")
    head, tail = text.split('id = "as-voucher-acceptance"')
    ledger = tmp_path_factory.mktemp("week") / "ledger.toml"
    example = re.sub(r'grade = "\w+"', 'grade = "example"', tail, count=1)
    ledger.write_text(f'{head}id = "as-voucher-acceptance"{example}', encoding="utf-8")
    return Plan(policy="kakao-candidate-cash", ledger=ledger, claims=(), draws=2**10)


@pytest.fixture(scope="module")
def alone(week: Plan) -> Analysis:
    return run(week)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_report_lists_what_its_figures_rest_on_and_names_the_rest(alone: Analysis, lang: str) -> None:
    assert alone.used_ledger is not None
    assert {entry.id for entry in alone.used_ledger.assumptions} == USED
    assert set(alone.unused_entries) == UNUSED
    report = Report(alone, lang)
    section = next(s for s in report.sections if s.id == "assumptions")
    names = ", ".join(report.names[x] for x in alone.unused_entries)
    said = [block.text for block in section.blocks if isinstance(block, Text)]
    assert report.locale("report.assumptions_unused", names=names) in said
    assert len(report.grids["assumptions"].rows) == len(USED)


def test_an_example_that_nothing_uses_forbids_no_figure(week: Plan, alone: Analysis) -> None:
    assert example_warning(alone.used_ledger, Locale("en")) == ""
    assert "examples" not in alone.to_dict()
    both = compare_policies(week, ["kakao-candidate-cash", "kakao-candidate-voucher"])
    assert both.to_dict()["examples"] == ("as-voucher-acceptance",)
    beside = run(replace(week, compare=("kakao-candidate-voucher",)))
    assert example_warning(beside.used_ledger, Locale("en")).startswith(
        "1 of 5 assumptions are examples, not evidence."
    )
    assert set(beside.unused_entries) == UNUSED - {"as-voucher-acceptance"}
