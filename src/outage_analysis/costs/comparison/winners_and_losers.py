"""Winners and losers between two policies: who gets more, less or the same, by service and loss band.

Every figure assumes that each claim is accepted. A policy pays 0 for a claim that is not entitled, so people
who are entitled under only one policy gain or lose. A reviewed claim is paid the mean award of the ledger,
which is an assumption: the column `assumed` counts these claims.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.comparison.line_payments import LinePayment, line_payments
from outage_analysis.costs.comparison.payment_differences import Tally, claims_tally, report_tally
from outage_analysis.costs.comparison.report_payments import ReportBand, report_bands
from outage_analysis.costs.comparison.row_payments import mean_awards, row_payments
from outage_analysis.errors import UsageError
from outage_analysis.incidents import UNKNOWN, Band
from outage_analysis.losses import Cube
from outage_analysis.policies import SHARE_SCALE, Policy
from outage_analysis.text import FLOAT, LINE, OVER, SERVICE, TABLE_DIGITS, UP_TO, Column, TableSchema

CASH = "cash"
WINNERS_AND_LOSERS: TableSchema = TableSchema(
    "One row per pair of policies and service and loss band, or cost line; then per service, and one in all.",
    (
        Column("policy", "name", "Id of the policy.", label="policy_name", shown=False),
        Column("other", "name", "Id of the policy that it is compared with."),
        Column("level", "word", "What the row counts: band, line, service or total."),
        Column("line", "name", LINE.description + " Empty if all lines that pay by loss are added up."),
        SERVICE,
        OVER,
        UP_TO,
        Column(
            "claims",
            "count",
            "Claims, reports in the band or people of the line; empty if unknown or if people may overlap.",
            FLOAT,
        ),
        Column("payment", "money", "Mean payment per accepted claim; empty if it has only bounds."),
        Column("payment_other", "money", "The same under the other policy.", label="payment_other"),
        Column(
            "difference",
            "money",
            "Mean payment less that of the other policy; empty if it has only bounds.",
            label="difference_each",
            shown=False,
        ),
        Column("gain", "count", "Claims that are certain to be paid more than under the other.", FLOAT),
        Column("lose", "count", "Claims that are certain to be paid less than under the other.", FLOAT),
        Column("equal", "count", "Claims that are certain to be paid the same.", FLOAT),
        Column("unclear", "count", "All other claims: the payment has only bounds, or there is none.", FLOAT),
        Column(
            "total_difference",
            "money",
            "Sum of the differences if each claim is accepted; empty if it has only bounds.",
        ),
        Column("total_low", "money", "Smallest possible sum; empty without a limit.", shown=False),
        Column("total_high", "money", "Largest possible sum; empty without a limit.", shown=False),
        Column(
            "assumed",
            "count",
            "Claims under review in one of the policies; their payment is the mean award of the ledger.",
            FLOAT,
            label="assumed_award",
            shown=False,
        ),
    ),
)


def winners_and_losers(
    policy: Policy,
    other: Policy,
    ledger: Ledger | None = None,
    *,
    as_of: date,
    cubes: Sequence[Cube] = (),
    cubes_of_other: Sequence[Cube] = (),
    valuation: str = CASH,
) -> pl.DataFrame:
    """Return who gets more under a policy than under another, and who gets less.

    Args:
        policy: the policy.
        other: the policy that it is compared with.
        ledger: the assumptions, for the mean award of a review and, with published counts, the band mix.
        as_of: only lines, facts and assumptions public by this day are used.
        cubes: cubes of claims on the band edges of both policies, as for `cost_table`; by default published
            counts are used. The comparison is exact if the cube of claims has the edges of
            `edges_for_comparison`.
        cubes_of_other: cubes of claimants of the lines of the other policy, if it pays per claimant.
        valuation: the kind of cost. Payments by loss band are cash.

    Returns:
        The columns of `WINNERS_AND_LOSERS`. Without claims, the number of reports in a band is known only if
        the ledger states the band mix.

    Raises:
        UsageError: the policies do not pay the same currency.
    """
    if (policy.currency, policy.digits) != (other.currency, other.digits):
        raise UsageError("the policies do not pay the same currency", remedy="Restate them in one.")
    pair, known = (policy, other), tuple(p.as_known_on(as_of) for p in (policy, other))
    cube = next((c for c in cubes if c.line is None), None)
    rows: list[dict[str, Any]] = []
    tallies: dict[tuple[str | None, Band], Tally] = {}
    if valuation == CASH and cube is not None:
        tallies = _claim_tallies(cube, known[0], known[1], ledger, as_of)
        rows += [_band_row(key, tally) for key, tally in tallies.items()]
    elif valuation == CASH:
        rows += [_report_row(band) for band in report_bands(known[0], known[1], ledger, as_of)]
    lines = [
        line_payments(p, ledger, as_of=as_of, cubes=own, valuation=valuation)
        for p, own in zip(known, (cubes, cubes_of_other or cubes), strict=True)
    ]
    rows += [
        _line_row(id_, *(side.get(id_) for side in lines))
        for id_ in dict.fromkeys(id_ for side in lines for id_ in side)
    ]
    rows += list(_sums(tallies, rows))
    table = pl.DataFrame(
        [{"policy": pair[0].id, "other": pair[1].id, **row} for row in rows],
        schema=WINNERS_AND_LOSERS.dtypes,
    )
    return table.with_columns(pl.col(pl.Float64).round_sig_figs(TABLE_DIGITS))


def _claim_tallies(
    cube: Cube, policy: Policy, other: Policy, ledger: Ledger | None, as_of: date
) -> dict[tuple[str | None, Band], Tally]:
    paid, paid_other = (row_payments(p, cube, mean_awards(p, ledger, as_of)) for p in (policy, other))
    cuts = sorted({*policy.cuts, *other.cuts})
    tallies: dict[tuple[str | None, Band], Tally] = {}
    for row, mine, others in zip(cube.frame.iter_rows(named=True), paid, paid_other, strict=True):
        if row["claims"]:
            band, loss = (row["over"], row["up_to"]), row["loss"]
            key = (row.get("service"), _wide_band(band, cuts))
            tally = claims_tally(row["claims"], None if band == UNKNOWN else loss, band, mine, others)
            tallies[key] = tallies.get(key, Tally()) + tally
    return dict(sorted(tallies.items(), key=_order))


def _order(item: tuple[tuple[str | None, Band], Tally]) -> tuple[object, ...]:
    (service, (over, up_to)), _ = item
    unknown = (over, up_to) == UNKNOWN
    low = float("-inf") if over is None else over
    return service is None, service or "", unknown, low, float("inf") if up_to is None else up_to


def _wide_band(band: Band, cuts: Sequence[int]) -> Band:
    over, up_to = band
    if over is None or over < 0:
        return band
    place = bisect_left(cuts, over + 1)
    high = cuts[place] if place < len(cuts) else None
    inside = high is None or (up_to is not None and up_to <= high)
    return (cuts[place - 1] if place else 0, high) if inside else band


def _band_row(key: tuple[str | None, Band], tally: Tally) -> dict[str, Any]:
    service, (over, up_to) = key
    return {"level": "band", "service": service, "over": over, "up_to": up_to, **_columns(tally)}


def _columns(tally: Tally) -> dict[str, float | None]:
    """Return the columns of a row, with amounts in the smallest unit of the currency."""

    def money(amount: float | None, claims: float = 1) -> float | None:
        return None if amount is None or not claims else amount / SHARE_SCALE / claims

    return {
        "claims": tally.claims,
        "payment": money(tally.paid, tally.claims),
        "payment_other": money(tally.paid_other, tally.claims),
        "difference": money(tally.total, tally.claims),
        "gain": tally.gain,
        "lose": tally.lose,
        "equal": tally.equal,
        "unclear": tally.unclear,
        "total_difference": money(tally.total),
        "total_low": money(tally.low),
        "total_high": money(tally.high),
        "assumed": tally.assumed,
    }


def _report_row(reports: ReportBand) -> dict[str, Any]:
    over, up_to = reports.band
    tally = report_tally(reports)
    columns: dict[str, float | None] = dict(_columns(tally))
    if reports.claims is None:  # the payments are per claim, and nobody is counted
        kept = ("payment", "payment_other", "difference")
        columns = {name: value if name in kept else None for name, value in columns.items()}
    return {"level": "band", "line": reports.line, "over": over, "up_to": up_to, **columns}


def _line_row(id_: str, mine: LinePayment | None, other: LinePayment | None) -> dict[str, Any]:
    sides = (mine, other)
    counts = {side.people for side in sides if side is not None}
    people = counts.pop() if len(counts) == 1 else None
    total, total_other = (0.0 if side is None else side.total for side in sides)
    payments = [0.0 if side is None else side.payment for side in sides]
    row: dict[str, Any] = {"level": "line", "line": id_, "claims": people}
    row |= dict(zip(("payment", "payment_other"), payments, strict=True))
    if total is not None and total_other is not None:
        row |= dict.fromkeys(("total_difference", "total_low", "total_high"), total - total_other)
    first, second = payments
    if people is not None:
        sign = "unclear"
        if first is not None and second is not None and all(side is None or side.is_equal for side in sides):
            sign = "gain" if first > second else "lose" if first < second else "equal"
        row |= dict.fromkeys(("gain", "lose", "equal", "unclear", "assumed"), 0.0) | {sign: people}
    if first is not None and second is not None:
        row["difference"] = first - second
    return row


COUNTS = ("claims", "gain", "lose", "equal", "unclear", "assumed")
SUMS = ("total_difference", "total_low", "total_high")


def _sums(
    tallies: dict[tuple[str | None, Band], Tally], rows: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    services: dict[str, Tally] = {}
    for (service, _), tally in tallies.items():
        if service is not None:
            services[service] = services.get(service, Tally()) + tally
    for service, tally in services.items():
        yield {"level": "service", "service": service, **_columns(tally)}
    if not rows:
        return
    everything: dict[str, Any] = {
        "level": "total",
        **{name: _sum(row.get(name) for row in rows) for name in SUMS},
    }
    if len({(row["level"], row.get("line")) for row in rows}) > 1:
        yield everything  # People may be counted by several lines, so their numbers are not added up.
        return
    if tallies:
        yield everything | _columns(sum(tallies.values(), Tally()))
        return
    everything |= {name: _sum(row.get(name) for row in rows) for name in COUNTS}
    if claims := everything["claims"]:
        for name in ("payment", "payment_other", "difference"):
            paid = _sum(None if row.get(name) is None else row[name] * row["claims"] for row in rows)
            everything[name] = None if paid is None else paid / claims
    yield everything


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else sum(x for x in known if x is not None)
