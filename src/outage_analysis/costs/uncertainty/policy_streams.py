"""Builds the portfolio of a policy: one or more payment streams per cost line with an expected cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from outage_analysis.assumptions import Award, BandMix, Handling, Ledger, MeanPayment, PaidTotal
from outage_analysis.costs.budgets import budget_cost
from outage_analysis.costs.claim_payments import cube_fits_line, payments, rows_with_formula
from outage_analysis.costs.expected import line_valuation
from outage_analysis.costs.funnel import Funnel, assumption_ids_by_kind, build_funnel
from outage_analysis.costs.published_counts import public_fact
from outage_analysis.costs.uncertainty.portfolio import LABELS, Cell, Part, Portfolio, Stream
from outage_analysis.losses import Cube
from outage_analysis.policies import Budget, CostLine, FeeCredit, InKind, Policy, Schedule

FILED = ("claimant_share", "entitled_share", "filing_share", "acceptance")
"""The kinds of rate that reduce the reports of a schedule to its accepted claims."""
ACCEPTED = FILED[2:]
"""The kinds of rate for claims of a cube; the cube already states claimants and entitlement."""


def build_portfolio(
    policy: Policy, ledger: Ledger | None, *, as_of: date, cubes: Sequence[Cube] = ()
) -> Portfolio:
    """Build the portfolio of a policy, from published counts or from cubes of claims.

    Args:
        policy: the policy; lines not public by `as_of` are left out.
        ledger: the assumptions; only those public by `as_of` are used.
        as_of: only facts, lines and assumptions public by this day are used.
        cubes: cubes of claims or totals, as for `cost_table`; by default published counts are used.

    Returns:
        A portfolio with the lines that have an expected cost in `cost_table`; `left_out` names the others.
    """
    lines, _ = policy.public_by(as_of)
    streams: list[Stream] = []
    left_out: dict[str, list[str]] = {}
    used: dict[str, Any] = {}
    for line in lines:
        funnel = build_funnel(line, ledger, as_of)
        if cubes and not isinstance(line, Schedule):
            left_out.setdefault(line_valuation(line), []).append(line.id)
            continue
        mine = list(
            _cube_streams(line, funnel, cubes, policy)
            if cubes
            else _line_streams(line, funnel, as_of, policy)
        )
        if not mine:
            left_out.setdefault(line_valuation(line), []).append(line.id)
        streams += mine
        used |= {entry.id: entry for entry in funnel.entries.values()}
    inputs = sorted({name for stream in streams for name in stream.inputs})
    known = ledger.as_known_on(as_of).correlations if ledger else ()
    return Portfolio(
        tuple(streams),
        {name: used[name] for name in inputs},
        {c.of: c.rank for c in known if set(c.of) <= set(inputs)},
        {valuation: tuple(names) for valuation, names in left_out.items()},
    )


def _line_streams(line: CostLine, funnel: Funnel, as_of: date, policy: Policy) -> Iterator[Stream]:
    """Yield the payment streams of one cost line, as its kind requires."""
    known = funnel.entries.get("paid_total")
    if isinstance(known, PaidTotal):
        part = Part(paid=1.0, sum_of_squares=1.0)
        yield Stream(line.id, line_valuation(line), 1.0, (part,), scales=(known.id,), certain=True)
    elif isinstance(line, Schedule):
        yield from _schedule(line, funnel, as_of)
    elif isinstance(line, InKind):
        yield from _in_kind(line, funnel, as_of)
    elif isinstance(line, FeeCredit):
        yield from _fee_credit(line, funnel, as_of)
    else:
        yield from _budget(line, funnel, as_of, policy)
    handling = funnel.entries.get("handling")
    if isinstance(handling, Handling):
        part = Part(paid=1.0, sum_of_squares=1.0)
        yield Stream(line.id, "handling", 1.0, (part,), scales=(handling.id,), certain=True)


def _schedule(line: Schedule, funnel: Funnel, as_of: date) -> Iterator[Stream]:
    count = public_fact(line.published_count, as_of)
    if count is None or funnel.missing(review=any(r.review for _, r in line.positive_bands), mix=True):
        return
    single = funnel.entries.get("mean_payment")
    shape: dict[str, Any]
    if isinstance(single, MeanPayment):
        label = {**_types(line), "share": 1.0}
        parts = [Part(float(count.count), float(count.count), reviewed=True, labels=(label,))]
        shape = {"award": single.id, "spread": single.spread}
    else:
        parts = _bands(line, funnel, count.count)
        mix = funnel.entries.get("band_mix")
        shape = {"mix": mix.id if isinstance(mix, BandMix) else ""}
        if any(part.reviewed for part in parts):
            shape |= _award(funnel)
    if not parts:
        return
    whole = Stream(
        line.id,
        "cash",
        float(count.count),
        tuple(parts),
        scales=assumption_ids_by_kind(funnel.entries, "ultimate"),
        rates=assumption_ids_by_kind(funnel.entries, *FILED),
        **shape,
    )
    yield whole
    yield from _strangers(whole, funnel)


def _types(line: Schedule) -> dict[str, str | None]:
    return {"claimant_type": " ".join(line.eligibility.get("claimant_type", ())) or None}


def _bands(line: Schedule, funnel: Funnel, count: int) -> list[Part]:
    """Return one part per loss band, as if all reports were in the band; none if a payment is unknown."""
    parts: list[Part] = []
    written = [band for band, _ in line.tariff.bands_with_rules]
    for band, rule in line.positive_bands:
        one = funnel.payment(line, band, rule)
        if one.expected is None:
            return []
        pay = 1.0 if rule.review else one.expected
        label = {**_types(line), "over": band[0], "up_to": band[1], "rule": rule.outcome, "share": 1.0}
        place = written.index(band) if "band_mix" in funnel.entries else None
        parts.append(Part(count * pay, count * pay**2, place, reviewed=rule.review, labels=(label,)))
    return parts


def _award(funnel: Funnel) -> dict[str, Any]:
    award = funnel.entries.get("review_award")
    return {"award": award.id, "spread": award.spread} if isinstance(award, Award) else {}


def _strangers(stream: Stream, funnel: Funnel) -> Iterator[Stream]:
    """Yield a stream with the same payments for people who file a claim without having reported."""
    if "new_applicants" in funnel.entries:
        yield Stream(
            stream.line,
            stream.valuation,
            stream.trials,
            stream.parts,
            scales=assumption_ids_by_kind(funnel.entries, "ultimate", "new_applicants"),
            rates=tuple(
                x for x in stream.rates if x not in assumption_ids_by_kind(funnel.entries, "filing_share")
            ),
            mix=stream.mix,
            award=stream.award,
            spread=stream.spread,
            poisson_arrivals=True,
            cells=stream.cells,
        )


def _in_kind(line: InKind, funnel: Funnel, as_of: date) -> Iterator[Stream]:
    people, cap = public_fact(line.recipients, as_of), public_fact(line.cap, as_of)
    if people is None or (line.cap and cap is None) or funnel.take_up.expected is None:
        return
    for valuation, worth in line.valuations.items():
        if worth is None:
            continue
        total = float(people.count)
        yield Stream(
            line.id,
            valuation,
            total,
            (Part(total * worth, total * worth**2),),
            rates=assumption_ids_by_kind(funnel.entries, "take_up"),
            capacity=None if cap is None else float(min(people.count, cap.count)),
        )


def _fee_credit(line: FeeCredit, funnel: Funnel, as_of: date) -> Iterator[Stream]:
    people = public_fact(line.recipients, as_of)
    if people is None or line.payment is None or funnel.paid.expected is None:
        return
    total, one = float(people.count), float(line.payment)
    stream = Stream(
        line.id,
        "cash",
        total,
        (Part(total * one, total * one**2),),
        scales=assumption_ids_by_kind(funnel.entries, "ultimate"),
        rates=assumption_ids_by_kind(funnel.entries, *FILED),
    )
    yield stream
    yield from _strangers(stream, funnel)


def _budget(line: Budget, funnel: Funnel, as_of: date, policy: Policy) -> Iterator[Stream]:
    cost = budget_cost(line, funnel, as_of, policy)
    if cost is None or cost.expected is None:
        return
    rates = (
        () if cost.from_true_up else assumption_ids_by_kind(funnel.entries, "realised_ratio", "take_up")[:1]
    )
    part = Part(cost.promised, cost.promised**2)
    yield Stream(line.id, line.valuation, 1.0, (part,), scales=rates, certain=True)


def _cube_streams(line: CostLine, funnel: Funnel, cubes: Sequence[Cube], policy: Policy) -> Iterator[Stream]:
    """Yield the payment streams of a schedule, computed from its cube of claims."""
    if not isinstance(line, Schedule) or funnel.paid.expected is None:
        return
    cube = next((c for c in cubes if cube_fits_line(line, c)), None)
    if cube is None:
        return
    only = policy.model_copy(update={"lines": (line,)})
    rows = [
        row
        for row in payments(cube, only).iter_rows(named=True)
        if row["claims"] and row["rule"] != "not_entitled"
    ]
    reviewed = [row for row in rows if row["rule"] == "review"]
    settled = [row for row in rows if row["rule"] != "review"]
    if any(row["payment"] is None for row in settled) or (reviewed and funnel.award.expected is None):
        return
    parts = [part for part in (_fixed_payment_part(settled), _review_part(reviewed)) if part]
    stream = Stream(
        line.id,
        "cash",
        float(sum(row["claims"] for row in rows)),
        tuple(parts),
        scales=assumption_ids_by_kind(funnel.entries, "ultimate"),
        rates=assumption_ids_by_kind(funnel.entries, *ACCEPTED),
        cells=tuple(_cells(cube, line)),
        **(_award(funnel) if reviewed else {}),
    )
    yield stream
    yield from _strangers(stream, funnel)


def _cells(cube: Cube, line: Schedule) -> Iterator[Cell]:
    """Yield the cells of a cube, each with the payment formula that a schedule applies to its claims."""
    for row in rows_with_formula(cube, line).iter_rows(named=True):
        reviewed = row["entitled"] and row["rule"] == "review"
        pays = row["entitled"] and row["fixed"] is not None
        fixed, share = (float(row[name]) if pays else 0.0 for name in ("fixed", "slope"))
        claims, loss = float(row["claims"]), float(row["loss"] or 0)
        equal = loss**2 / claims if claims else 0.0
        yield Cell(
            tuple(row[name] for name in cube.dimensions),
            (row["over"], row["up_to"]),
            claims,
            loss,
            equal if row["loss_squared"] is None else float(row["loss_squared"]),
            1.0 if reviewed else fixed,
            share,
            reviewed,
            {name: row.get(FROM_RULE.get(name, name)) for name in LABELS},
        )


FROM_RULE = {"over": "rule_over", "up_to": "rule_up_to"}
"""Labels that come from the payment rule instead of the cell, with the names of their columns."""


def _fixed_payment_part(rows: list[dict[str, Any]]) -> Part | None:
    paid = [float(row["payment"]) for row in rows]
    total = sum(paid)
    if not total:
        return None
    # If the cube has no squared losses, equal payments give a lower bound of the squared payments.
    squared = [
        pay**2 / row["claims"] if row["payment_squared"] is None else row["payment_squared"]
        for pay, row in zip(paid, rows, strict=True)
    ]
    shares = [pay / total for pay in paid]
    return Part(total, sum(squared), labels=_labels(rows, shares))


def _review_part(rows: list[dict[str, Any]]) -> Part | None:
    claims = float(sum(row["claims"] for row in rows))
    if not claims:
        return None
    shares = [row["claims"] / claims for row in rows]
    return Part(claims, claims, reviewed=True, labels=_labels(rows, shares))


def _labels(rows: list[dict[str, Any]], shares: list[float]) -> tuple[dict[str, object], ...]:
    return tuple(
        {**{name: row.get(name) for name in LABELS}, "share": share}
        for row, share in zip(rows, shares, strict=True)
        if share
    )
