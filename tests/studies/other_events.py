"""Published outcomes of events, each forecast without its own event: writes the table of docs/method.md.

A rate follows from the classes of the same effort by the rule of reference classes, as in a ledger. Out of
the classes, of the spread between events and of its lower limit goes every class of the event; out of the
spread go also the sources of the classes that are used. `python -m tests.studies.other_events` writes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from outage_analysis.assumptions import (
    EFFORT_GROUPS,
    Factor,
    load_ledger,
    minimum_spread,
    published_spread,
    reference_class_prior,
)
from outage_analysis.incidents import get_fact
from outage_analysis.policies import load_policy
from tests.paths import ROOT

METHOD = ROOT / "docs" / "method.md"
START, END = "<!-- other events: written by `make docs` -->\n", "<!-- end of other events -->\n"
HEAD = (
    "| outcome | unit | classes | P10 | P50 | P90 | came | in the range |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
)
GROUPS: dict[str, tuple[str, ...]] = {
    **dict(EFFORT_GROUPS.items()),
    "acceptance": ("TU-KT18", "R2-06.acceptance"),
}
RATES = {
    "TU-FTC-packet": "US settlements: claims, notice by mailed packet",
    "TU-FTC-postcard": "US settlements: claims, notice by postcard",
    "TU-FTC-email": "US settlements: claims, notice by e-mail",
    "TU-CFPB.median": "US settlements with lenders: claims",
    "TU-RAIL30.2020": "UK rail 2020: claims, delays from 30 minutes",
    "TU-RAIL15.2020": "UK rail 2020: claims, delays from 15 minutes",
    "TU-APPCOUPON": "Mobile coupons: redeemed, sent by app",
    "TU-SMSCOUPON": "Mobile coupons: redeemed, asked for",
    "TU-ONLINECOUPON": "US online coupons 2018: redeemed",
    "TU-KT18": "KT 2018: applications paid, at least",
    "R2-06.acceptance": "Kakao 2022: filings accepted",
}
"""The classes with a class of another event beside them. Those with documents are all of one survey."""
COUNTS = {
    "Kakao 2022: reports that filed, at most": ("form", "R2-05", "CL-13"),
    "Kakao 2022: businesses that took the channel credit": ("form", "CO-11.applicants", "US-13"),
    "Kakao 2022: users who took the emoticons": ("one_tap", "CO-06", "US-03"),
}
"""Rates from two counts: the group of the forecast, how many did, how many could."""
EVENTS = ("TU-FTC", "TU-CFPB", "TU-RAIL", ("TU-APP", "TU-SMS"), "TU-ONLINE", "TU-KT18", "R2-")
"""How the ids of the classes of one event begin."""
Row = tuple[str, str, int | None, tuple[float, ...], float]


def rate(fact: str) -> float:
    """The rate of a class; the middle of a range counts."""
    return get_fact(fact, hindsight=True).middle / 100


def forecast(group: str, event: str | tuple[str, ...]) -> tuple[int, tuple[float, ...]]:
    """The number of classes of other events in a group, and P10, P50 and P90 by the rule, in percent."""
    own = [name for names in EFFORT_GROUPS.values() for name in names if name.startswith(event)]
    classes = [name for name in GROUPS[group] if not name.startswith(event)]
    spread = published_spread(own if group == "acceptance" else [*own, *classes])
    prior = reference_class_prior([rate(name) for name in classes], spread, minimum_spread(own))
    return len(classes), tuple(100 * prior.quantile(np.array([0.1, 0.5, 0.9])))


def rows() -> Iterator[Row]:
    """Outcome, unit, number of classes, P10, P50 and P90 without the event, and what came."""
    for name, title in RATES.items():
        event = next(start for start in EVENTS if name.startswith(start))
        (group,) = (id_ for id_, names in GROUPS.items() if name in names)
        yield title, "%", *forecast(group, event), 100 * rate(name)
    for title, (group, did, could) in COUNTS.items():
        came = get_fact(did, hindsight=True).number / get_fact(could).number
        yield title, "%", *forecast(group, "R2-"), 100 * came
    (ratio,) = (x for x in load_ledger("kakao-2022").assumptions if x.id == "as-paid-services-ratio")
    assert isinstance(ratio, Factor)
    quantiles = tuple(ratio.sampled_distribution.quantile(np.array([0.1, 0.5, 0.9])))
    came = get_fact("PO-OFCOM.h2-2019-total").number / (get_fact("PO-OFCOM.ex-ante").number / 2)
    yield "UK automatic compensation 2019: half-year paid to estimate", "ratio", None, quantiles, came
    came = get_fact("PO-KT18-SME.mean").number / 1_000
    yield "KT 2018: mean payment", "1,000 won", None, mean_payment(), came


def mean_payment() -> tuple[float, ...]:
    """P10, P50 and P90 of KT's mean payment in thousand won, from its tiers and the share above four days.

    Each side of the published share is split evenly. The shares are worth four observations.
    """
    line = load_policy("kt-ahyeon-2018").schedule("small-business-cash")
    assert line is not None
    payments = [float(line.tariff.payment_range(band)[0]) / 1_000 for band in line.bands_as_written.values()]
    above = rate("PO-KT18-dist.share-5d")
    shares = 4 * np.array([1 - above, 1 - above, above, above]) / 2
    means = np.random.default_rng(1).dirichlet(shares, 400_000) @ payments
    return tuple(np.quantile(means, [0.1, 0.5, 0.9]))


def table() -> str:
    """The outcomes with their forecasts, as Markdown."""
    lines = []
    for title, unit, classes, (low, middle, high), came in rows():
        verdict = "less came" if came < low else "more came" if came > high else "yes"
        figures = (f"{x:.3g}" for x in (low, middle, high, came))
        lines.append(f"| {' | '.join((title, unit, str(classes or ''), *figures, verdict))} |\n")
    return HEAD + "".join(lines)


def method(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    METHOD.write_text(method(METHOD.read_text("utf-8")), "utf-8")
