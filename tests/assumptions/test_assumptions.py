"""The ledger: rates follow from reference classes by one written rule; all have an owner."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from outage_analysis.assumptions import (
    Award,
    BandMix,
    Handling,
    Ledger,
    RateAssumption,
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
from outage_analysis.costs import build_portfolio, cost_table
from outage_analysis.costs.sensitivity import BridgeRun, bridge
from outage_analysis.costs.simulation import sobol_points
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import get_fact, published_facts as published
from outage_analysis.incidents.published_facts import FactCollection
from outage_analysis.policies import Effort, Policy, load_policy
from outage_analysis.text import schema_of
from tests.conftest import Edited, Reshelve
from tests.small_policies import REPORTS, Page, fee, fixed, ledger_of, mix, policy_of, tiers, uniform


def rates(ledger: Ledger) -> list[RateAssumption]:
    return [a for a in ledger.assumptions if isinstance(a, RateAssumption)]


def test_each_entry_feeds_a_line_says_what_its_authors_knew_and_cites_no_later_fact(
    ledger: Ledger, policy: Policy
) -> None:
    assert {line for a in ledger.assumptions for line in a.lines} <= {line.id for line in policy.lines}
    for entry in ledger.assumptions:
        assert entry.outcome_known, entry.id
        for fact in (*entry.computed_from, *entry.facts):
            day = get_fact(fact).public_on
            assert day is None or day <= entry.public_on, (entry.id, fact)


def test_an_entry_is_admissible_from_the_day_it_was_public(ledger: Ledger) -> None:
    for day, admitted in ((29, False), (30, True)):
        known = ledger.as_known_on(date(2023, 1, day))
        assert ("as-filing-share-documents" in {a.id for a in known.assumptions}) == admitted
    assert ledger.as_known_on(date(2022, 1, 1)).assumptions == ()


@pytest.mark.parametrize(
    ("kind", "line", "effort", "chosen"),
    [
        ("filing_share", "small-business-cash", "form", "as-filing-share"),
        ("filing_share", "small-business-cash", "documents", "as-filing-share-documents"),
        ("filing_share", "small-business-cash", "one_tap", None),
        ("filing_share", "emoticons", "form", None),
        ("acceptance", "small-business-cash", "documents", "as-acceptance"),
    ],
)
def test_the_effort_in_force_chooses_the_rate(
    ledger: Ledger, kind: str, line: str, effort: Effort, chosen: str | None
) -> None:
    found = ledger.find(kind, line, effort)
    assert (found and found.id) == chosen


@pytest.mark.parametrize(
    ("closed", "first", "second"), [("upper", 300_000, 500_000), ("lower", 299_999, 499_999)]
)
def test_the_mix_follows_the_written_edges_whichever_side_is_closed(
    ledger: Ledger, edited: Edited, closed: str, first: int, second: int
) -> None:
    policy = load_policy(edited("policies", 'closed = "upper"', f'closed = "{closed}"'))
    (mix,) = [a for a in ledger.assumptions if isinstance(a, BandMix)]
    shares = mix.shares_by_band(policy.schedules[0])
    assert list(shares) == [(0, first), (first, second), (second, None)]
    assert sum(shares.values()) == pytest.approx(1)


CLASSES = 'classes = ["TU-ORR.ok-2021", "TA-PPI20", "TA-FCAVM21.emergency"]'
UNIFORM = 'distribution = { kind = "uniform", low = 0.5, high = 1 }'
LOSS = 'loss = { kind = "pert", low = 500_000, mode = 1_500_000, high = 2_950_000 }'
RATIO = 'distribution = { kind = "lognormal", median = 1, sigma = 0.9 }'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("share = 0.50", "share = 0.60", "'as-band-mix': has shares that do not sum to 1"),
        ("share = 0.50", "share = -0.50", "band 1 > share: input should be greater than"),
        ("share = 0.50", "share = nan", "band 1 > share: input should be"),
        (
            "over = 300_000, up_to",
            "over = 310_000, up_to",
            "'as-band-mix': there is a gap: no band covers losses over 300,000 up to 310,000",
        ),
        (CLASSES, "", "'as-acceptance': needs either reference classes or a distribution"),
        (
            CLASSES,
            f"{CLASSES}\n{UNIFORM}",
            "'as-acceptance': needs either reference classes or a distribution",
        ),
        (
            CLASSES,
            UNIFORM.replace("1 }", "1.1 }"),
            "'as-acceptance': needs a distribution of shares between 0 and 1",
        ),
        (
            CLASSES,
            UNIFORM.replace("0.5", "-0.1"),
            "'as-acceptance': needs a distribution of shares between 0 and 1",
        ),
        (
            CLASSES,
            UNIFORM.replace("0.5", "nan"),
            "'as-acceptance' > distribution > low: input should be a finite",
        ),
        (
            CLASSES,
            f'{CLASSES}\nleft_out = ["kt-2019"]',
            "'as-acceptance': leaves out kt-2019, which is no event",
        ),
        (
            "weight = 0.3333333334",
            "weight = 0.4",
            "'as-review-award': has weights of rules that do not sum to 1",
        ),
        (LOSS, "", "'as-review-award': needs either a distribution, or rules and the loss they apply to"),
        (
            LOSS,
            f'{LOSS}\ndistribution = {{ kind = "fixed", value = 1 }}',
            "'as-review-award': needs either a distribution, or rules and the loss they apply to",
        ),
        (
            LOSS,
            'loss = { kind = "uniform", low = -1, high = 1 }',
            "'as-review-award' > loss: needs a distribution that is never below 0",
        ),
        (
            "low = 5, mode = 20",
            "low = -5, mode = 20",
            "'as-handling' > people: needs a distribution that is never below 0",
        ),
        ("size = 4", "size = 0", "'as-band-mix' > size: input should be greater than"),
        (
            RATIO,
            'distribution = { kind = "uniform", low = -1, high = 3 }',
            "needs a distribution that is never below 0",
        ),
        ('kind = "realised_ratio"', 'kind = "ultimate"', "needs a distribution that is never below 1"),
        (RATIO, RATIO.replace("lognormal", "normal"), "'as-paid-services-ratio' > distribution"),
        ('id = "as-acceptance"', 'id = "as-band-mix"', "two assumptions have the id as-band-mix"),
        ('owner = "outage-analysis"', 'owner = ""', "owner: string should have at least 1"),
        ("outcome_known = true", "", "outcome_known: a required key is missing"),
        ('lines = ["emoticons"', 'lins = ["emoticons"', "lins: unknown key"),
    ],
)
def test_a_ledger_that_breaks_a_rule_is_refused_by_name(
    edited: Edited, old: str, new: str, message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        load_ledger(edited("assumptions", old, new))
    assert message in str(refusal.value)


def entry_of(page: Path, entry: str) -> RateAssumption:
    return next(a for a in rates(load_ledger(page)) if a.id == entry)


def test_a_rate_on_a_fact_that_does_not_exist_names_the_nearest(edited: Edited) -> None:
    entry = entry_of(edited("assumptions", CLASSES, 'classes = ["TU-KT19"]'), "as-acceptance")
    with pytest.raises(UsageError, match=r"no such fact.*TU-KT18"):
        _ = entry.range


def test_data_of_the_event_move_its_rate_and_leave_the_prior(edited: Edited) -> None:
    seen = CLASSES + '\nobserved = { hits = "R2-06", of = "R2-05" }'
    entry = entry_of(edited("assumptions", CLASSES, seen), "as-acceptance")
    hits, of = (get_fact(f, hindsight=True).count for f in ("R2-06", "R2-05"))
    assert abs(entry.sampled_distribution.mean - hits / of) < 0.1 < abs(entry.prior.mean - hits / of)
    assert {"R2-06", "R2-05"} <= set(entry.computed_from)


# --- what an entry is in force for -------------------------------------------------------------------


def test_an_effort_class_of_its_own_goes_before_all_classes_wherever_it_stands(ledger: Ledger) -> None:
    general = ledger.find("acceptance", "small-business-cash")
    assert general is not None
    own = general.model_copy(update={"id": "own", "effort": "form"})
    for order in ((general, own), (own, general)):
        both = ledger.model_copy(update={"assumptions": order})
        assert both.find("acceptance", "small-business-cash", "form") is own
        assert both.find("acceptance", "small-business-cash", "documents") is general


def test_two_entries_of_one_kind_for_one_line_are_refused(edited: Edited) -> None:
    page = edited("assumptions", 'lines = ["channel-credit"]', 'lines = ["channel-credit", "emoticons"]')
    with pytest.raises(UsageError, match="two assumptions of kind take_up for the line emoticons"):
        load_ledger(page)


CORRELATION = """

[[correlation]]
of = ["as-acceptance", "as-filing-share"]
rank = 0.3
rationale = "A strict review puts people off."
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            CORRELATION.replace("as-filing-share", "as-acceptance"),
            "has a correlation of an assumption with itself",
        ),
        (
            CORRELATION.replace("as-filing-share", "as-fling-share"),
            "has a correlation of as-fling-share, which is no assumption",
        ),
        (CORRELATION.replace("0.3", "1"), "rank: input should be less than 1"),
        (
            CORRELATION
            + CORRELATION.replace('"as-acceptance", "as-filing-share"', '"as-filing-share", "as-acceptance"'),
            "or one declared twice",
        ),
    ],
)
def test_a_correlation_that_cannot_be_is_refused(edited: Edited, text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        load_ledger(with_correlations(edited, text))
    assert message in str(refusal.value)


def test_a_correlation_holds_from_the_day_both_its_entries_do(edited: Edited) -> None:
    documents = CORRELATION.replace("as-filing-share", "as-filing-share-documents")
    declared = load_ledger(with_correlations(edited, documents))
    assert [len(declared.as_known_on(date(2023, 1, day)).correlations) for day in (29, 30)] == [0, 1]


def with_correlations(edited: Edited, text: str) -> Path:
    last = '더하지 않습니다."\nowner = "outage-analysis"\noutcome_known = true'
    return edited("assumptions", last, last + text)


# --- awards and handling -----------------------------------------------------------------------------


def test_the_bundled_award_is_the_mean_over_its_rules(ledger: Ledger) -> None:
    (award,) = [a for a in ledger.assumptions if isinstance(a, Award)]
    a, b = 1 + 4 * 1_000_000 / 2_450_000, 1 + 4 * 1_450_000 / 2_450_000  # the PERT law of the proved loss
    loss = stats.beta(a, b, loc=500_000, scale=2_450_000)
    below = integrate.quad(lambda x: 0.1 * x * loss.pdf(x), 500_000, 1_000_000, epsrel=1e-12)[0]
    tiers = below + 100_000 * loss.sf(1_000_000)
    expected = (tiers + 0.1 * loss.mean() + 0.55 * loss.mean()) / 3
    assert award.range.expected == pytest.approx(expected, rel=1e-9) == pytest.approx(374_017.128)
    assert (award.range.low, award.range.high) == (50_000, 2_950_000)


def test_handling_is_people_times_weeks_times_wage(ledger: Ledger) -> None:
    (entry,) = [a for a in ledger.assumptions if isinstance(a, Handling)]
    people, weeks = (5 + 4 * 20 + 60) / 6, (4 + 4 * 12 + 26) / 6
    assert entry.range.expected == pytest.approx(people * weeks * 1_000_000)
    assert (entry.range.low, entry.range.high) == (5 * 4 * 500_000, 60 * 26 * 1_500_000)
    drawn = entry.draw(np.concatenate(sobol_points(3, 2**14, seed=1)))
    assert drawn.mean() == pytest.approx(entry.range.expected, rel=1e-3)


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
            assert [row[end] for end in ("expected", "low", "high")] == [None] * 3
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


def test_mixes_rules_and_products_are_written_out() -> None:
    rules = (
        {"name": {"en": "a"}, "weight": 0.4, "share": fixed(0.1), "floor": 1_000, "cap": 2_000},
        {"name": {"en": "b"}, "weight": 0.6, "share": fixed(1)},
    )
    work = {"kind": "handling", "people": fixed(3), "weeks": fixed(2), "weekly_wage": fixed(1_000_000)}
    award = {"kind": "review_award", "loss": uniform(5_000, 90_000), "rule": rules}
    page = ledger_of(mix(0.1666667, 0.3333333, 0.5, size=4), work, award)
    loss = "uniform(low 5,000, high 90,000)"
    assert [distribution_text(entry) for entry in page.assumptions] == [
        "dirichlet(0.1667, 0.3333, 0.5; size 4)",
        "fixed(value 3) × fixed(value 2) × fixed(value 1,000,000)",
        f"0.4: fixed(value 0.1) × {loss}, at least 1,000, at most 2,000; 0.6: fixed(value 1) × {loss}",
    ]
    assert ledger_table(page).filter(assumption="handling")["expected"].item() == 6_000_000


# --- a count of the event itself, before it is final --------------------------------------------------------

FILED = 100
HALFWAY = date(2023, 3, 15)
CLOSES = date(2023, 4, 14)
"""Filing: announced on 30 January until 27 February 2023, on 6 March until 14 April."""


@pytest.fixture
def counted(reshelve: Reshelve) -> None:
    """Put a fact on the shelf: X-100, 100 filings, public halfway through the filing period."""
    put_fact(reshelve, HALFWAY)


def put_fact(reshelve: Reshelve, public_on: date) -> None:
    known = published._fact_table  # noqa: SLF001 - the one place where every figure comes from
    row = (
        known("outcomes")
        .filter(id="R2-05")
        .with_columns(id=pl.lit("X-100"), value=pl.lit(float(FILED)), public_on=pl.lit(public_on))
    )

    def shelf(name: FactCollection) -> pl.DataFrame:
        return pl.concat([known(name), row]) if name == "outcomes" else known(name)

    reshelve(shelf)


def rate(kind: str = "filing_share", **observed: object) -> Page:
    """A rate of which nothing is known but what was counted."""
    seen: dict[str, Any] = {"hits": "X-100", "of": "CL-13"} | observed
    return {"kind": kind, "distribution": {"kind": "beta", "a": 1, "b": 1}, "observed": seen}


def with_rate(*entries: Page) -> Ledger:
    """A ledger that leaves nothing but one rate open."""
    known = {e["kind"] for e in entries}
    others = [{"kind": k, "distribution": fixed(1)} for k in ("filing_share", "acceptance") if k not in known]
    award = {"kind": "review_award", "distribution": fixed(100_000)}
    return ledger_of(*entries, *others, mix(0.5, 0.3, 0.2), award)


def deadlines(*pairs: tuple[date, date]) -> tuple[Page, ...]:
    return tuple({"announced_on": announced, "closes": closes} for announced, closes in pairs)


@pytest.mark.usefixtures("counted")
def test_a_count_halfway_through_the_filing_period_is_no_filing_share() -> None:
    """100 of 8,461 on 15 March gave a filing share of 1.0 to 1.3 %, with filing open until 14 April."""
    policy, page = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), CLOSES)))), with_rate(rate())
    for price in (cost_table, build_portfolio):
        with pytest.raises(ModelRefused) as refusal:
            price(policy, page, as_of=HALFWAY)
        text = str(refusal.value)
        for part in ("filing-share", "X-100 of CL-13", str(HALFWAY), str(CLOSES)):
            assert part in text
        assert "Leave out `observed`" in text
        assert "late claims (`ultimate`)" in text
        assert refusal.value.exit_code == 5


@pytest.mark.parametrize(("closes", "final"), [(14, True), (15, False), (16, False)])
@pytest.mark.usefixtures("counted")
def test_a_count_is_final_from_the_day_after_the_last_day(closes: int, *, final: bool) -> None:
    policy = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), date(2023, 3, closes)))))
    page = with_rate(rate())
    if not final:
        with pytest.raises(ModelRefused, match=f"filing-share: .* is 2023-03-{closes}: more may come"):
            cost_table(policy, page, as_of=HALFWAY)
        return
    (expected,) = cost_table(policy, page, as_of=HALFWAY).filter(level="line")["expected"]
    mean = (1 + FILED) / (2 + REPORTS) * REPORTS * (0.5 * 30_000 + 0.3 * 50_000 + 0.2 * 100_000)
    assert expected == pytest.approx(mean, rel=1e-6)


@pytest.mark.usefixtures("counted")
def test_an_extension_makes_an_earlier_count_an_interim_one() -> None:
    days = deadlines((date(2023, 1, 30), date(2023, 2, 27)), (date(2023, 3, 20), CLOSES))
    policy, page = policy_of(tiers(deadlines=days)), with_rate(rate())
    before, after = date(2023, 3, 19), date(2023, 3, 20)
    assert cost_table(policy, page, as_of=before)["expected"].is_not_null().all()
    with pytest.raises(ModelRefused, match="2023-04-14"):
        cost_table(policy, page, as_of=after)
    later = with_rate({"kind": "filing_share", "distribution": fixed(0.1)})
    table = bridge(BridgeRun(policy, page, before), BridgeRun(policy, later, after))
    moved = {step: amount for step, amount in table.select("step", "amount").rows() if amount}
    assert set(moved) == {"assumption"}  # the count of the first run is explained, not refused


def test_a_count_that_was_published_late_is_of_the_day_it_states(reshelve: Reshelve) -> None:
    put_fact(reshelve, date(2023, 5, 20))
    policy = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), CLOSES))))
    day = date(2023, 6, 1)
    assert cost_table(policy, with_rate(rate()), as_of=day)["expected"].is_not_null().all()
    with pytest.raises(ModelRefused, match="up to 2023-03-15"):
        cost_table(policy, with_rate(rate(counted_on=HALFWAY)), as_of=day)
    # Nothing is counted after it is published.
    (entry,) = (
        a for a in with_rate(rate(counted_on=date(2023, 7, 1))).assumptions if a.kind == "filing_share"
    )
    assert isinstance(entry, RateAssumption)
    assert entry.observed
    assert entry.observed.day == date(2023, 5, 20)


@pytest.mark.usefixtures("counted")
def test_without_a_deadline_the_entry_says_when_filing_closed() -> None:
    with pytest.raises(ModelRefused, match=r"last day .* is not known: more may come\. .* state `closed_on`"):
        cost_table(policy_of(tiers()), with_rate(rate()), as_of=HALFWAY)
    known = with_rate(rate(closed_on=date(2023, 3, 1)))
    assert cost_table(policy_of(tiers()), known, as_of=HALFWAY)["expected"].is_not_null().all()
    for policy, entry in (
        (policy_of(tiers()), rate(closed_on=HALFWAY)),
        (
            policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), CLOSES)))),
            rate(closed_on=date(2023, 3, 1)),
        ),
    ):
        with pytest.raises(ModelRefused, match="more may come"):
            cost_table(policy, with_rate(entry), as_of=HALFWAY)


@pytest.mark.parametrize("closes", [date(2023, 2, 27), CLOSES])
@pytest.mark.usefixtures("counted")
def test_an_acceptance_needs_decided_filings_whether_or_not_filing_is_open(closes: date) -> None:
    policy = policy_of(tiers(deadlines=deadlines((date(2023, 1, 30), closes))))
    with pytest.raises(ModelRefused, match=r"acceptance: .* undecided"):
        cost_table(policy, with_rate(rate("acceptance")), as_of=HALFWAY)
    decided = with_rate(rate("acceptance", decided=True))
    assert cost_table(policy, decided, as_of=HALFWAY)["expected"].is_not_null().all()


@pytest.mark.usefixtures("counted")
def test_what_does_not_wait_for_a_deadline_is_not_refused() -> None:
    policy = policy_of(fee(100, effort="form"))
    entitled = with_rate(rate("entitled_share"))
    assert cost_table(policy, entitled, as_of=HALFWAY)["expected"].is_not_null().all()
    with pytest.raises(ModelRefused, match="take-up: "):
        cost_table(policy, with_rate(rate("take_up")), as_of=HALFWAY)
