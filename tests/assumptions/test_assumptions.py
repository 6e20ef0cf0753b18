"""The ledger: rates follow from reference classes by one written rule; all have an owner."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
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
    published_spread,
    reference_class_prior,
)
from outage_analysis.assumptions.ledger import format_distribution
from outage_analysis.costs.simulation import sobol_points
from outage_analysis.errors import UsageError
from outage_analysis.files import bundled_ids
from outage_analysis.incidents import get_fact
from outage_analysis.policies import Policy, load_policy
from outage_analysis.text import schema_of
from tests.conftest import Edited
from tests.tram_case import ENTRY, ledger


def rates(ledger: Ledger) -> list[RateAssumption]:
    return [a for a in ledger.assumptions if isinstance(a, RateAssumption)]


def test_a_filing_share_follows_from_its_classes(ledger: Ledger) -> None:
    entry = next(a for a in rates(ledger) if a.id == "as-filing-share")
    shares = [get_fact(c).middle / 100 for c in entry.classes]
    spread = published_spread("take-up", entry.classes, public_by=entry.public_on)
    prior = reference_class_prior(shares, spread)
    assert (entry.range.expected, entry.range.low, entry.range.high) == (prior.mean, *prior.ends)


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
    ledger: Ledger, kind: str, line: str, effort: str, chosen: str | None
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
    (tmp_path / "ledger.toml").write_text(text, "utf-8")
    page = load_ledger(tmp_path / "ledger.toml")
    told = {a.id: distribution_text(a) for a in page.assumptions}
    assert told["as-mix"] == "dirichlet(0.3333, 0.6667; size 4)"
    assert told["as-work"] == "fixed(value 3) × fixed(value 2) × fixed(value 1,000,000)"
    loss = "uniform(low 5,000, high 90,000)"
    assert told["as-award"] == (
        f"0.4: fixed(value 0.1) × {loss}, at least 1,000, at most 2,000; 0.6: fixed(value 1) × {loss}"
    )
    assert ledger_table(page).filter(assumption="as-work")["expected"].item() == 6_000_000
