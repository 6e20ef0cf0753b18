"""The recipe: what a plan refuses, and what no figure attributed to Kakao may depend on."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from outage_analysis.analysis import Analysis, Plan, run
from outage_analysis.costs import cost_table, totals
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.incidents import published_facts as published
from outage_analysis.reports import FORMATS, write_report
from tests.shared_folders import file_contents
from tests.studies.synthetic_claims import SEEDS, assumptions, synthetic_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from outage_analysis.assumptions import Ledger
    from outage_analysis.incidents.published_facts import FactCollection
    from outage_analysis.policies import Policy
    from tests.conftest import ClaimsCsv, Edited, Reshelve

DAYS = {"decision week": date(2022, 10, 24), "announcement": date(2022, 12, 30)}
NO_CLAIMS: tuple[str, ...] = ()
FEW = 1_024
"""Draws that suffice where no quantile is asked: the law of one claim takes long to invert."""


@pytest.fixture(scope="module")
def quick() -> Analysis:
    """The bundled case from fewer draws."""
    return run(Plan(draws=FEW))


def own_frames(analysis: Analysis) -> dict[str, pl.DataFrame]:
    """Every table that speaks of the incident: all but those made from the claims given."""
    return {name: t for name, t in analysis.tables.items() if not name.startswith("claims_")}


def test_the_costs_of_a_run_are_those_of_the_cost_table(
    analysis: Analysis, policy: Policy, ledger: Ledger
) -> None:
    assert analysis.as_of == ledger.as_of == date(2022, 12, 30)
    table = cost_table(policy, ledger, as_of=analysis.as_of)
    assert analysis.tables["costs"].equals(table)
    assert analysis.tables["totals"].equals(totals(table))


# --- refusals -----------------------------------------------------------------------------------------


def test_a_day_on_which_nothing_was_known_is_refused_with_what_is_needed() -> None:
    with pytest.raises(ModelRefused, match=r"as of 2022-10-18 .* Needed: CL-13\. Move as_of "):
        run(Plan(as_of=date(2022, 10, 18)))


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
    ("policy", 'currency = "KRW"', 'currency = "USD"', "pays USD, the incident kakao-2022 counts in KRW"),
    ("policy", 'loss_unit = "KRW"', 'loss_unit = "minutes"', "are in minutes, the incident's losses in KRW"),
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
        "counts in 2 decimal places, the incident kakao-2022 in 0",
    ),
    (
        "policy",
        'id = "games"',
        'id = "kakao_games"',
        "has the id of a service or a claimant type.*kakao_games",
    ),
    ("policy", '"kakaotalk"', '"kakao_talk"', "entitles a service.*'kakaotalk'"),
    ("ledger", 'incident = "kakao-2022"', 'incident = "elsewhere"', "for the incident elsewhere"),
]
"""A document, what is changed in it, and what the refusal says."""


@pytest.mark.parametrize(("kind", "old", "new", "said"), REFUSED)
def test_a_document_that_does_not_fit_the_incident_is_refused(
    edited: Edited, kind: str, old: str, new: str, said: str
) -> None:
    asked: dict[str, Any] = {kind: edited({"policy": "policies", "ledger": "assumptions"}[kind], old, new)}
    with pytest.raises(UsageError, match=said):
        run(Plan(claims=NO_CLAIMS, **asked))


def test_decimal_places_that_a_policy_leaves_to_its_currency_are_compared_too(edited: Edited) -> None:
    dollars = {
        kind: edited(kind, 'currency = "KRW"', 'currency = "USD"') for kind in ("incidents", "policies")
    }
    # 30_000 would be 300 dollars to the policy and 30,000 to the incident.
    with pytest.raises(UsageError, match="decimal places"):
        run(Plan(incident=dollars["incidents"], policy=dollars["policies"], claims=NO_CLAIMS))


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
        run(Plan(policy=policy, claims=NO_CLAIMS))


def test_claims_and_counts_together_are_refused(claims_csv: ClaimsCsv) -> None:
    path = claims_csv([{}])
    with pytest.raises(UsageError, match="not both"):
        run(Plan(claims=(path,), counts=path))


def test_an_incident_without_a_policy_asks_for_one(edited: Edited) -> None:
    own = edited("incidents", 'id = "kakao-2022"', 'id = "my-outage"')
    with pytest.raises(UsageError, match=r"no bundled policy for my-outage\. Give one: policy="):
        run(Plan(incident=own))


@pytest.mark.slow
def test_what_an_incident_only_counts_is_in_the_cubes_and_is_reported(
    edited: Edited, claims_csv: ClaimsCsv
) -> None:
    lenient = edited(
        "incidents",
        "\n[columns]",
        '\nrules = { "filed_on is within the claims window" = "count" }\n[columns]',
    )
    path = claims_csv([{}, {"filed_on": "2022-11-07"}, {"filed_on": "2022-11-06"}])
    analysis = run(Plan(incident=lenient, claims=(path,), draws=FEW))
    assert analysis.tables["claims_intake"]["filed_on"].max() == date(2022, 11, 7)
    assert analysis.cubes["cost"].frame["claims"].sum() == 3
    counted = analysis.tables["claims_rules"].select("rule", "outcome", "complaints").rows()
    assert counted == [("filed_on is within the claims window", "counted", 1)]


# --- synthetic rows feed no figure of the incident ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("other", ["another seed", "another band mix"])
def test_other_synthetic_rows_change_no_figure_of_the_incident(
    tmp_path: Path, quick: Analysis, other: str
) -> None:
    assumed, rows = assumptions("kakao-2022"), tmp_path / "other-synthetic.parquet"
    if other == "another band mix":
        bands = assumed["losses"][0]["band"]
        assert bands[0] == {"over": 0, "up_to": 300_000, "share": 0.5}
        bands[0]["share"] = 0.25
    synthetic_claims(assumed, 7 if other == "another seed" else SEEDS["kakao-2022"]).write_parquet(rows)

    changed = run(Plan(claims=(rows,), draws=FEW))
    assert changed.synthetic
    assert not changed.tables["claims_bands"].equals(quick.tables["claims_bands"])  # they are others
    assert own_frames(changed).keys() == own_frames(quick).keys()
    for name, table in own_frames(changed).items():
        assert table.equals(quick.tables[name]), name


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


@pytest.mark.slow
def test_with_hindsight_later_facts_change_only_what_says_so(
    tmp_path: Path, report: Callable[[str], Path], analysis: Analysis, forget: Callable[[date], None]
) -> None:
    known = file_contents(report("kakao-en"))  # written before the facts are gone
    forget(analysis.as_of)
    other = file_contents(write_report(run(Plan()), tmp_path / "forgotten").parent)
    differ = {name for name in known.keys() | other.keys() if known.get(name) != other.get(name)}
    said = {name for name in differ if name.startswith("tables/")}
    assert {"tables/hindsight_outcomes.csv", "tables/hindsight_tie_outs.csv"} <= said
    assert all(name.startswith("tables/hindsight_") for name in said)
    charts = {f"charts/{name}.{kind}" for name in ("backtest", "total_hindsight") for kind in ("svg", "png")}
    shown = {"report.html", "report.pdf", "report.xlsx", *charts}
    assert differ - said == {*shown, "manifest.json", "SHA256SUMS"}
    # The fonts, and with them the checksum of the style, hold the letters of these places too.
    places = (
        r'<details class="appendix hindsight".*?(?=<details class="appendix"|</section>)',
        r'<details class="happened">.*?</details>',
        r'\{"changes": (?:(?!"label").)*"label": "The actual rates"\}',
        r"<style>.*?</style>",
        r"style-src .*?(?=script-src)",
    )
    pages = [files["report.html"].decode() for files in (known, other)]
    for place in places:
        assert [len(re.findall(place, page, re.DOTALL)) for page in pages] == [1, 1], place
    without = [re.sub("|".join(places), "", page, flags=re.DOTALL) for page in pages]
    assert without[0] == without[1]
