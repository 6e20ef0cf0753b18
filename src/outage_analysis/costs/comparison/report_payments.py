"""What two policies pay for the reports behind one published count, by loss band."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import pairwise

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.comparison.row_payments import (
    NOTHING,
    UNPAID,
    Formula,
    RowPayment,
    tariff_payment,
)
from outage_analysis.costs.expected import ledger_for_policy
from outage_analysis.costs.funnel import Funnel, build_funnel
from outage_analysis.errors import ModelRefused
from outage_analysis.incidents import Band, get_fact
from outage_analysis.policies import SHARE_SCALE, Policy, Schedule


@dataclass(frozen=True)
class ReportBand:
    """The reports of one published count in one loss band, and what two policies pay for them.

    Args:
        line: the id of the first cost line that pays these reports.
        band: the loss band: a band of the ledger's mix, or a band of the policies.
        claims: the expected number of reports in the band; None if the ledger states no mix.
        parts: the intervals of losses with one payment formula, and the payments of both policies.
    """

    line: str
    band: Band
    claims: float | None
    parts: tuple[tuple[Band, RowPayment, RowPayment], ...]


@dataclass(frozen=True)
class FundedLine:
    """A cost line that pays by loss band, with its funnel under the ledger."""

    schedule: Schedule
    funnel: Funnel


def report_bands(policy: Policy, other: Policy, ledger: Ledger | None, as_of: date) -> Iterator[ReportBand]:
    """Yield the loss bands of the reports that two policies pay, with published counts.

    Lines that cite the same published count pay the same reports. Any other line pays reports of its own, for
    which a policy without this line pays nothing.

    Args:
        policy: the policy, with the lines that were public on the day.
        other: the policy that it is compared with.
        ledger: the assumptions; a band has a number of reports only if the ledger states the band mix.
        as_of: only facts public by this day are used.
    """
    sides = [_lines_by_count(p, ledger, as_of) for p in (policy, other)]
    for key in dict.fromkeys(key for side in sides for key in side):
        mine, others = (side.get(key, []) for side in sides)
        lines = [*mine, *others]
        count = _count(lines[0].schedule, as_of)
        shares = max((each.funnel.mix for each in lines), key=len)
        for band in shares or _bands(x for each in lines for x in each.schedule.cuts):
            share = shares.get(band) if shares else 1.0 if band == (0, None) else None
            claims = None if count is None or share is None else count * share
            inner = _bands((x for each in lines for x in each.schedule.breakpoints), band)
            parts = ((part, _payment(mine, part), _payment(others, part)) for part in inner)
            yield ReportBand(lines[0].schedule.id, band, claims, tuple(parts))


def _lines_by_count(policy: Policy, ledger: Ledger | None, as_of: date) -> dict[str, list[FundedLine]]:
    fitting = ledger and ledger_for_policy(ledger, policy)
    lines: dict[str, list[FundedLine]] = {}
    for line in policy.schedules:
        funded = FundedLine(line, build_funnel(line, fitting, as_of))
        lines.setdefault(line.published_count or f"line {line.id}", []).append(funded)
    return lines


def _count(line: Schedule, as_of: date) -> int | None:
    try:
        return get_fact(line.published_count, public_by=as_of).count if line.published_count else None
    except ModelRefused:  # not public yet
        return None


def _bands(cuts: Iterable[int], within: Band = (0, None)) -> list[Band]:
    """Return the bands between the cuts inside a band."""
    over, up_to = within[0] or 0, within[1]
    inner = sorted({x for x in cuts if x > over and (up_to is None or x < up_to)})
    return list(pairwise([over, *inner, up_to]))


def _payment(lines: Sequence[FundedLine], band: Band) -> RowPayment:
    """Return what lines pay an accepted claim with a loss in a band, all lines together."""
    return reduce(RowPayment.__add__, (_line_payment(line, band) for line in lines), UNPAID)


def _line_payment(line: FundedLine, band: Band) -> RowPayment:
    stated = line.funnel.mean_payment
    if stated is not None and stated.expected is not None:
        # The ledger states one mean payment for all bands, which is an assumption like the award of a review.
        return RowPayment.exact(Formula(round(stated.expected * SHARE_SCALE)), reviewed=True)
    award = line.funnel.award.expected
    payments = [tariff_payment(tariff, band, award) for _, tariff in line.schedule.tariffs]
    if len(payments) == 1:
        return payments[0]
    # Nobody knows to which segment a report belongs.
    ranges = [tariff.payment_range(band) for _, tariff in line.schedule.tariffs]
    tops = [high for _, high in ranges if high is not None]
    high = Formula(int(max(tops) * SHARE_SCALE)) if len(tops) == len(ranges) else None
    low = Formula(int(min(low for low, _ in ranges) * SHARE_SCALE))
    central = low if low == high and low is not NOTHING else None
    return RowPayment(central, low, high, rules=(line.schedule.tariffs,))
