"""The comparison of events: forecasts by hand from the published files, hits counted again, no way back."""

from __future__ import annotations

import csv
import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from outage_analysis.assumptions import (
    leave_one_out,
    minimum_spread,
    published_spread,
    reference_class_prior,
)
from outage_analysis.costs import EventComparison, compare_events
from outage_analysis.costs.backtesting.dirichlet_mean import DirichletMean, mean_payment_forecast
from outage_analysis.errors import ModelRefused, UsageError
from outage_analysis.files import data_root
from outage_analysis.incidents import load_event_comparison
from outage_analysis.incidents import published_facts as published
from outage_analysis.policies import load_policy
from outage_analysis.text import Locale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outage_analysis.incidents import EventComparisonSpec
    from tests.conftest import Reshelve

PAGE = (data_root() / "backtests" / "other-events.toml").read_text("utf-8")
SPEC = load_event_comparison("other-events")
RANGE = ["range_low", "p50", "range_high"]
EFFORTS = {
    "form": ["FTC-packet", "FTC-postcard", "FTC-email", "CFPB.median", "RAIL30.2020", "RAIL15.2020"],
    "documents": ["KIRI-in", "KIRI-out", "KIRI-drug", "KIRI-small"],
    "one_tap": ["APPCOUPON", "SMSCOUPON", "ONLINECOUPON"],
}
STUDIES = {"FTC": "a", "CFPB": "b", "RAIL": "c", "APP": "d", "SMS": "d", "ONLINE": "e", "KIRI": "f"}
DAYS = {
    "kakao-2022": date(2022, 12, 30),
    "optus-2023": date(2023, 11, 8),
    "kt-ahyeon-2018": date(2018, 11, 24),
}


@pytest.fixture(scope="module")
def result() -> EventComparison:
    return compare_events(SPEC)


@pytest.fixture
def spec_with(tmp_path: Path) -> Callable[..., EventComparisonSpec]:
    """A reader of the bundled document with some words replaced."""

    def read(*pairs: str) -> EventComparisonSpec:
        text = PAGE
        for old, new in zip(pairs[::2], pairs[1::2], strict=True):
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "events.toml"
        path.write_text(text, "utf-8")
        return load_event_comparison(path)

    return read


def rows_of(found: EventComparison, basis: str) -> dict[str, dict[str, Any]]:
    return {row["outcome"]: row for row in found.forecasts.filter(basis=basis).iter_rows(named=True)}


# --- rates by hand, from the file -------------------------------------------------------------------------


def take_up() -> dict[str, dict[str, str]]:
    with (data_root() / "published" / "take-up.csv").open(encoding="utf-8") as stream:
        return {row["id"].removeprefix("TU-"): row for row in csv.DictReader(stream)}


FILE = take_up()


def study(name: str) -> str:
    return next((letter for start, letter in STUDIES.items() if name.startswith(start)), name)


def rate(name: str) -> float:
    if name == "R2-06.acceptance":
        return 0.455
    row = FILE[name]
    return float(row["value"] or (float(row["low"]) + float(row["high"])) / 2) / 100


def logits(names: list[str]) -> list[float]:
    return [math.log(rate(name) / (1 - rate(name))) for name in names]


def least_spread(not_known: list[str]) -> float:
    groups = ([name for name in group if name not in not_known] for group in EFFORTS.values())
    return min(float(np.std(logits(group), ddof=1)) for group in groups if len(group) > 1)


def by_hand(classes: list[str], not_known: list[str]) -> tuple[float, float, float]:
    """P10, median and P90 of the written rule, all from the file."""
    gone = {FILE[name]["source"] for name in (*classes, *not_known) if name in FILE}
    squares, free, weight = 0.0, 0, 0
    for group in EFFORTS.values():
        left = [name for name in group if FILE[name]["source"] not in gone]
        if left:
            squares += float(np.var(logits(left))) * len(left)
            free += len(left) - 1
            weight += len({FILE[name]["source"] for name in left}) - 1
    pooled = squares / free if free else 0.0
    own = logits(classes)
    n, df = len(own), weight + len(own) - 1
    deviation = math.sqrt((weight * pooled + float(np.var(own)) * n) / df)
    scale = max(deviation, least_spread(not_known)) * math.sqrt(1 + 1 / n)
    if n <= 3:
        scale = max(scale, max(abs(x - np.mean(own)) for x in own) / stats.t.ppf(0.9, df))
    points = np.mean(own) + scale * stats.t.ppf([0.1, 0.5, 0.9], df)
    low, middle, high = (1 / (1 + math.exp(-x)) for x in points)
    return low, middle, high


def known_by_hand(outcome: str, event: str, basis: str) -> tuple[list[str], list[str]]:
    """The classes of a forecast, and the classes that it must not know."""
    short = outcome.removeprefix("TU-")
    groups = {**EFFORTS, "acceptance": ["KT18", "R2-06.acceptance"]}
    given = {"kakao-filed": "form", "kakao-documents": "documents", "kakao-channel": "form"}
    given |= {"kakao-emoticons": "one_tap", "optus-claims": "form"}
    group = given.get(outcome) or next(name for name, classes in groups.items() if short in classes)
    everything = [name for classes in groups.values() for name in classes]
    if basis == "other_classes":
        hidden = [short]
    else:
        hidden = [name for name in everything if study(name) == study(short)]
    if basis == "earlier":
        day = DAYS.get(event) or date.fromisoformat(FILE[short]["public_on"]) - timedelta(days=1)
        dated = {name: date.fromisoformat(FILE[name]["public_on"]) for name in everything if name in FILE}
        dated["R2-06.acceptance"] = date(2023, 6, 30)
        hidden += [name for name, on in dated.items() if on > day]
    return [name for name in groups[group] if name not in hidden], hidden


@pytest.mark.parametrize("basis", ["earlier", "other_events", "other_classes"])
def test_every_forecast_of_a_rate_is_that_of_a_calculation_by_hand(
    result: EventComparison, basis: str
) -> None:
    found = result.forecasts.filter(basis=basis, quantity="rate")
    assert len(found) >= 10
    for row in found.iter_rows(named=True):
        classes, hidden = known_by_hand(row["outcome"], row["event"], basis)
        assert row["classes"] == len(classes), row
        assert [row[x] for x in RANGE] == pytest.approx(by_hand(classes, hidden), rel=1e-6), row
    refused = result.refused.filter(basis=basis, quantity="rate")
    for row in refused.iter_rows(named=True):
        assert known_by_hand(row["outcome"], row["event"], basis)[0] == []
        assert row["reason"] == "no_class"


def test_two_forecasts_by_student_t_on_logits(result: EventComparison) -> None:
    found = rows_of(result, "other_events")
    # Acceptance in the Kakao case: one class, 85.2 %; all groups give the spread, 4 degrees of freedom.
    scale = math.sqrt(published_spread().variance * 2)
    accepted = special.expit(special.logit(0.852) + scale * stats.t.ppf([0.1, 0.5, 0.9], 4))
    assert [found["R2-06.acceptance"][x] for x in RANGE] == pytest.approx(accepted.tolist())
    cdf = stats.t.cdf((special.logit(0.455) - special.logit(0.852)) / scale, 4)
    assert found["R2-06.acceptance"]["percentile"] == pytest.approx(cdf)
    # Filing: six classes by form; documents and coupons (2 + 3 squares, 4 sources, 2 groups) give the spread.
    form = special.logit([0.1, 0.06, 0.03, 0.08, 0.46, 0.22])
    taps, papers = special.logit([0.12, 0.4, 0.007]), special.logit([0.959, 0.854, 0.795, 0.13])
    pooled = (2 * stats.tvar(taps) + 3 * stats.tvar(papers)) / 5
    scale = math.sqrt((2 * pooled + 5 * stats.tvar(form)) / 7 * (1 + 1 / 6))
    filed = special.expit(form.mean() + scale * stats.t.ppf([0.1, 0.5, 0.9], 7))
    assert [found["kakao-filed"][x] for x in RANGE] == pytest.approx(filed.tolist())
    assert found["kakao-filed"]["observed"] == pytest.approx(451 / 8461)


def test_leaving_out_a_class_is_the_test_of_the_rule(result: EventComparison) -> None:
    found = rows_of(result, "other_classes")
    for group in SPEC.groups:
        if group.id == "acceptance":
            continue
        tried = leave_one_out({x: rate(x[3:]) for x in group.classes}, spread=published_spread(group.classes))
        for row in tried.iter_rows(named=True):
            ours = found[row["class"]]
            assert ours["range_low"] == pytest.approx(row["low"])
            assert ours["range_high"] == pytest.approx(row["high"])
            assert (ours["inside"], ours["percentile"]) == (row["inside"], pytest.approx(row["percentile"]))


@pytest.mark.parametrize(
    ("own", "outcomes", "others"),
    [
        (["TU-FTC-packet", "TU-FTC-email"], ["TU-FTC-packet", "TU-FTC-email"], ["TU-CFPB.median", "TU-KT18"]),
        (["TU-RAIL30.2020", "TU-RAIL15.2020"], ["TU-RAIL30.2020", "TU-RAIL15.2020"], ["kakao-emoticons"]),
        (["TU-ONLINECOUPON"], ["TU-ONLINECOUPON"], ["TU-APPCOUPON", "kakao-filed"]),
        (["TU-KT18"], ["TU-KT18"], ["R2-06.acceptance"]),
        (["R2-05", "CO-06"], ["kakao-filed", "kakao-emoticons"], []),
    ],
)
def test_an_event_is_not_among_the_events_that_forecast_it(
    result: EventComparison, reshelve: Reshelve, own: list[str], outcomes: list[str], others: list[str]
) -> None:
    shelves = {name: published._fact_table(name) for name in ("published", "outcomes")}  # noqa: SLF001
    less = pl.when(pl.col("id").is_in(own)).then((pl.col("value") / 2).ceil()).otherwise(pl.col("value"))
    reshelve(lambda shelf: shelves[shelf].with_columns(less.alias("value")))
    changed = compare_events(SPEC)
    for basis in ("earlier", "other_events"):
        before, after = rows_of(result, basis), rows_of(changed, basis)
        for outcome in (x for x in outcomes if x in before):
            assert after[outcome]["observed"] != before[outcome]["observed"]
            assert [after[outcome][x] for x in RANGE] == [before[outcome][x] for x in RANGE]
            assert after[outcome]["percentile"] != before[outcome]["percentile"]
    for outcome in others:
        assert after[outcome]["range_low"] != before[outcome]["range_low"], "the event counts for others"


# --- ratios and the mean payment --------------------------------------------------------------------------


def test_ratios_are_realised_by_estimate_under_the_stated_distribution(result: EventComparison) -> None:
    found = rows_of(result, "other_events")
    stated = stats.lognorm(s=0.9)
    observed = {"rogers-credits": 150 / 70, "ofcom-half-year": 20.7 / 71}
    for outcome, ratio in observed.items():
        row = found[outcome]
        assert row["observed"] == pytest.approx(ratio)
        assert [row[x] for x in RANGE] == pytest.approx(stated.ppf([0.1, 0.5, 0.9]).tolist())
        assert row["percentile"] == pytest.approx(stated.cdf(ratio), abs=1e-9)
        assert row["classes"] is None
    assert not found["rogers-credits"]["scored"]
    assert found["ofcom-half-year"]["verdict"] == "miss_low"


def test_the_mean_payment_of_kt_is_that_of_simulated_mixes(result: EventComparison) -> None:
    row = rows_of(result, "other_events")["kt-mean-payment"]
    mixes = np.random.default_rng(3).dirichlet(4 * np.array([0.415, 0.415, 0.085, 0.085]), 400_000)
    means = (mixes * np.array([400_000, 800_000, 1_000_000, 1_200_000])).sum(axis=1)
    assert [row[x] for x in RANGE] == pytest.approx(np.quantile(means, [0.1, 0.5, 0.9]).tolist(), rel=0.003)
    assert row["percentile"] == pytest.approx((means < 543_500).mean(), abs=0.003)
    assert row["observed"] == 543_500
    # Paid in all, 6.25 billion won, is the same outcome: the mean times 11,500 payments.
    assert row["observed"] * 11_500 == pytest.approx(6_250_000_000, rel=1e-4)


@given(
    share=st.floats(0.05, 0.95), size=st.floats(0.5, 50), low=st.integers(0, 1000), gap=st.integers(1, 1000)
)
def test_the_mean_of_two_bands_is_a_beta_variable(share: float, size: float, low: int, gap: int) -> None:
    found = DirichletMean((float(low), float(low + gap)), (1 - share, share), size)
    beta = stats.beta(size * share, size * (1 - share))
    points = np.array([0.1, 0.35, 0.5, 0.8])
    assert found.cdf(low + gap * points) == pytest.approx(beta.cdf(points), abs=1e-7)
    assert found.cdf(np.array([low - 1.0, low + gap + 1.0])).tolist() == [0.0, 1.0]


def test_a_quantile_of_a_mean_is_the_inverse_of_its_cdf() -> None:
    found = DirichletMean((1.0, 2.0, 2.0, 10.0), (0.4, 0.2, 0.3, 0.1), 4.0)
    points = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    assert found.cdf(found.quantile(points)) == pytest.approx(points, abs=1e-9)


@pytest.mark.parametrize(("edge", "message"), [(3, "no edge at 3"), (9, "no edge at 9")])
def test_a_share_above_what_is_no_edge_is_refused(edge: int, message: str) -> None:
    line = load_policy("kt-ahyeon-2018").schedule("small-business-cash")
    assert line is not None
    with pytest.raises(ModelRefused, match=message) as refusal:
        mean_payment_forecast(line, edge, 0.2, 4)
    assert "2, 4, 6" in refusal.value.remedy


def test_bands_that_pay_a_share_of_the_loss_or_are_reviewed_have_no_mean() -> None:
    line = load_policy("kakao-2022").schedule("small-business-cash")
    assert line is not None
    with pytest.raises(ModelRefused, match="do not all pay a fixed amount"):
        mean_payment_forecast(line, 300_000, 0.2, 4)


# --- hits -------------------------------------------------------------------------------------------------


def test_hits_are_counted_again_and_beside_them_stands_what_chance_gives(result: EventComparison) -> None:
    for row in result.summary.iter_rows(named=True):
        table = result.forecasts.filter(pl.col("scored"), basis=row["basis"])
        again = [x["range_low"] <= x["observed"] <= x["range_high"] for x in table.iter_rows(named=True)]
        n, hits = len(again), sum(again)
        assert (row["scored"], row["inside"]) == (n, hits)
        assert table["inside"].to_list() == again
        assert [v == "inside" for v in table["verdict"]] == again
        assert row["refused"] == len(result.refused.filter(pl.col("scored"), basis=row["basis"]))
        chance = stats.binom(n, 0.8)
        assert row["expected_inside"] == pytest.approx(0.8 * n)
        assert (row["inside_low"], row["inside_high"]) == (chance.ppf(0.025), chance.ppf(0.975))
        assert row["so_few"] == pytest.approx(chance.cdf(hits))
        exact = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
        assert (row["coverage_low"], row["coverage_high"]) == pytest.approx((exact.low, exact.high))


def test_the_bundled_comparison_has_the_figures_of_the_docs(result: EventComparison) -> None:
    summary = result.summary.select("basis", "scored", "inside", "refused", "events").rows()
    assert summary == [
        ("earlier", 10, 7, 10, 4),
        ("other_events", 16, 11, 4, 8),
        ("other_classes", 18, 14, 0, 8),
    ]
    missed = result.forecasts.filter(~pl.col("inside") & pl.col("scored"), basis="other_events")
    assert missed.select("outcome", "verdict").rows() == [
        ("TU-RAIL30.2020", "miss_high"),
        ("TU-SMSCOUPON", "miss_high"),
        ("TU-ONLINECOUPON", "miss_low"),
        ("kakao-channel", "miss_low"),
        ("ofcom-half-year", "miss_low"),
    ]


def test_an_outcome_is_forecast_or_refused_on_each_basis_and_once(result: EventComparison) -> None:
    found = [row for table in (result.forecasts, result.refused) for row in table["outcome", "basis"].rows()]
    assert len(found) == len(set(found))
    by_basis = {basis: {x for x, other in found if other == basis} for _, basis in found}
    assert by_basis["earlier"] == by_basis["other_events"] > by_basis["other_classes"]


def test_a_wider_range_is_hit_at_least_as_often(result: EventComparison) -> None:
    wide = compare_events(SPEC, level=95)
    inside, more = ({*x.forecasts.filter("inside")["outcome", "basis"].rows()} for x in (result, wide))
    assert inside < more
    assert wide.summary["expected_inside"].to_list() == pytest.approx([9.5, 15.2, 17.1])


def test_one_other_class_without_a_published_spread_gives_no_forecast(
    spec_with: Callable[..., EventComparisonSpec], reshelve: Reshelve
) -> None:
    shelves = {name: published._fact_table(name) for name in ("published", "outcomes")}  # noqa: SLF001
    late = pl.col("id").str.starts_with("TU-") & (pl.col("id") != "TU-KT18")
    moved = pl.when(late).then(date(2024, 1, 1)).otherwise(pl.col("public_on")).alias("public_on")
    reshelve(lambda shelf: shelves[shelf].with_columns(moved))
    refused = compare_events(spec_with()).refused
    row = refused.row(by_predicate=(pl.col("outcome") == "R2-06.acceptance"), named=True)
    assert (row["basis"], row["reason"]) == ("earlier", "no_published_spread")


def test_a_document_without_a_scored_outcome_on_a_basis_has_empty_chances(
    spec_with: Callable[..., EventComparisonSpec], reshelve: Reshelve
) -> None:
    shelves = {name: published._fact_table(name) for name in ("published", "outcomes")}  # noqa: SLF001
    moved = pl.lit(date(2024, 6, 1)).alias("public_on")
    reshelve(lambda shelf: shelves[shelf].with_columns(moved))
    found = compare_events(spec_with())
    row = found.summary.row(by_predicate=pl.col("basis") == "earlier", named=True)
    assert (row["scored"], row["inside"], row["coverage_low"], row["inside_high"]) == (0, 0, None, None)
    assert len(found.answer(Locale("en"))) == 5


# --- words ------------------------------------------------------------------------------------------------


def test_the_answer_first_says_that_nothing_is_blind(result: EventComparison) -> None:
    first, second, third, *_ = result.answer(Locale("en"))
    assert first.startswith("No forecast here is blind")
    assert second.startswith("11 of 16 published outcomes lie in the 80% range")
    assert "Businesses that applied for the channel credit" in second
    assert "9 to 16 of 16" in third
    assert "41% to 89%" in third


def test_a_document_of_blind_forecasts_does_not_say_that_they_are_known(
    result: EventComparison, spec_with: Callable[..., EventComparisonSpec]
) -> None:
    assert result.forecasts["outcome_known"].all()
    blind = compare_events(spec_with("outcome_known = true", "outcome_known = false"))
    assert not blind.forecasts["outcome_known"].any()
    assert blind.answer(Locale("en")) == result.answer(Locale("en"))[1:]


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_comparison_has_a_sentence_on_what_it_cannot_show(result: EventComparison, lang: str) -> None:
    sentences = result.limit_sentences(Locale(lang))
    assert len(sentences) == len(SPEC.limits)
    for outcome, limits in result.forecasts.select("outcome", "limits").iter_rows():
        assert limits
        assert any(outcome in sentence for sentence in sentences)
    shown = result.display_tables(lang)
    assert len(shown["forecasts"]) + len(shown["not_scored"]) == len(rows_of(result, "other_events"))


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('count = "R2-05"', 'count = "CL-13"', "kakao-filed is 8,461 of 8,461, which is no rate"),
        ('count = "R2-05"', 'count = "R9-99"', "no such fact"),
        (
            'realised = "PO-ROGERS.cost"',
            'realised = "PO-KDDI.cost"',
            "in JPY by PO-ROGERS.cost-analyst in CAD",
        ),
        (
            'assumption = "as-paid-services-ratio"\nscored = false',
            'assumption = "as-paid-services-ratio"',
            "was stated with PO-ROGERS.cost, so rogers-credits cannot be scored",
        ),
        ('"as-paid-services-ratio"', '"as-handling"', "states no realised ratio as-handling"),
        ('line = "small-business-cash"', 'line = "mobile-fee"', "has no line mobile-fee that pays by loss"),
        ('share_above = "PO-KT18-dist.share-5d"', 'share_above = "PO-KT18-dist.mean-days"', "no percentage"),
        ('mean = "PO-KT18-SME.mean"', 'mean = "PO-KT18-dist.mean-days"', "no sum in KRW"),
        ('classes = ["TU-KT18", ', 'classes = ["PO-KT18-SME.paid", ', "is no percentage"),
    ],
)
def test_facts_that_do_not_fit_are_refused(
    spec_with: Callable[..., EventComparisonSpec], old: str, new: str, message: str
) -> None:
    drop = ('at_least = ["TU-KT18"]\n', "") if "classes" in old else ()
    spec = spec_with(old, new, *drop)
    with pytest.raises(UsageError, match=message):
        compare_events(spec)


def test_mean_payments_in_two_currencies_are_refused(
    spec_with: Callable[..., EventComparisonSpec],
) -> None:
    start = PAGE.index("[[payment]]")
    block = PAGE[start : PAGE.index("# --- what is not compared")]
    second = block.replace("kt-mean-payment", "second").replace(
        'policy = "kt-ahyeon-2018"', 'policy = "trams"'
    )
    with pytest.raises(UsageError, match="several currencies"):
        compare_events(spec_with(block, block + second))


def test_the_lower_limit_of_the_spread_leaves_out_what_a_forecast_must_not_know() -> None:
    rail = ["RAIL30.2020", "RAIL15.2020"]
    assert minimum_spread() == pytest.approx(least_spread([]))
    assert minimum_spread([f"TU-{name}" for name in rail]) == pytest.approx(least_spread(rail))
    assert least_spread(rail) < least_spread([]) / 2
    assert minimum_spread([f"TU-{name}" for group in EFFORTS.values() for name in group[1:]]) == 0
    spread = published_spread()
    wide = reference_class_prior([0.2, 0.3], spread, 10.0)
    assert wide.scale == pytest.approx(10 * math.sqrt(1.5))
    assert reference_class_prior([0.2, 0.3], spread) == reference_class_prior(
        [0.2, 0.3], spread, minimum_spread()
    )
