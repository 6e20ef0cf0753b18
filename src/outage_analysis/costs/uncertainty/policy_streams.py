"""Builds the portfolio of a policy: one or more payment streams per cost line with an expected cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from outage_analysis.assumptions import Ledger
from outage_analysis.costs.claim_payments import rows_with_formula
from outage_analysis.costs.compile_lines import compiled_lines
from outage_analysis.costs.funnel import FunnelFactor
from outage_analysis.costs.terms import ClaimCells, CompiledLine, LineTerm, PaymentGroup
from outage_analysis.costs.uncertainty.portfolio import LABELS, Cell, Part, Portfolio, Stream
from outage_analysis.losses import Cube
from outage_analysis.policies import Policy


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
    return portfolio_of_lines(compiled_lines(policy, ledger, as_of=as_of, cubes=cubes), ledger, as_of)


def portfolio_of_lines(lines: Sequence[CompiledLine], ledger: Ledger | None, as_of: date) -> Portfolio:
    """Return the portfolio of lines that were compiled with a ledger for a day."""
    streams: list[Stream] = []
    left_out: dict[str, list[str]] = {}
    used: dict[str, Any] = {}
    for compiled in lines:
        line = compiled.line
        streams += [stream for term in compiled.terms for stream in _streams(line.id, term)]
        known = {term.valuation: term.has_expected_cost for term in compiled.terms}
        for valuation, has_cost in (known or {line.main_valuation: False}).items():
            if not has_cost:
                left_out.setdefault(valuation, []).append(line.id)
        used |= {entry.id: entry for entry in compiled.funnel.entries.values()}
    inputs = sorted({name for stream in streams for name in stream.inputs})
    correlations = ledger.as_known_on(as_of).correlations if ledger else ()
    return Portfolio(
        tuple(streams),
        {name: used[name] for name in inputs},
        {c.of: c.rank for c in correlations if set(c.of) <= set(inputs)},
        {valuation: tuple(names) for valuation, names in left_out.items()},
        frozenset(compiled.line.id for compiled in lines if compiled.line.statutory),
    )


def _streams(line: str, term: LineTerm) -> Iterator[Stream]:
    if not term.has_expected_cost:
        return
    if term.claim_cells and term.claim_cells.cube.decision:
        yield from _streams_by_decision(line, term, term.claim_cells)
        return
    parts = _merged_parts(term.groups) if term.claim_cells else [_part(group) for group in term.groups]
    stream = Stream(
        line,
        term.valuation,
        term.trials,
        tuple(parts),
        scales=_ids(f for f in term.factors if f.scale),
        rates=_ids(f for f in term.factors if not f.scale),
        mix=term.mix,
        award=term.award,
        spread=term.spread,
        capacity=term.capacity,
        served=None if term.capacity is None else term.accepted_share.expected,
        certain=term.certain,
        cells=tuple(_cells(term.claim_cells)) if term.claim_cells else (),
    )
    yield stream
    joined = [factor for factor in term.factors if factor.added is not None]
    if joined:
        yield replace(
            stream,
            scales=(*stream.scales, *(f.added.assumption for f in joined if f.added)),
            rates=_ids(f for f in term.factors if not f.scale and f not in joined),
            poisson_arrivals=True,
        )


def _streams_by_decision(line: str, term: LineTerm, cells: ClaimCells) -> Iterator[Stream]:
    """Yield the streams of claims that have come to different stages, each with the factors that are left."""
    cube = cells.cube
    if not term.factors_of:  # all claims are refused: the cost is certain, and nothing
        yield Stream(line, term.valuation, 1.0, (), certain=True)
    for decision, factors in term.factors_of.items():
        groups = tuple(group for group in term.groups if group.decision == decision)
        if groups[0].certain:
            sums = [group.payments.expected or 0.0 for group in groups]
            total = sum(sums)
            labels = tuple(_labels(g, paid / total) for g, paid in zip(groups, sums, strict=True) if paid)
            parts = (Part(total, total**2, labels=labels),) if total else ()
            yield Stream(line, term.valuation, 1.0, parts, scales=_ids(factors), certain=True)
            continue
        stated = pl.col(cube.decision).fill_null(cube.first_decision) == decision
        own = replace(cells, cube=replace(cube, frame=cube.frame.filter(stated), decision=""))
        trials = sum(group.trials for group in groups)
        alone = replace(term, groups=groups, factors=factors, factors_of={}, trials=trials, claim_cells=own)
        yield from (replace(stream, decision=decision) for stream in _streams(line, alone))


def _ids(factors: Iterable[FunnelFactor]) -> tuple[str, ...]:
    """Return the ids of the assumptions that state the factors; constants have none."""
    return tuple(factor.mean.assumption for factor in factors if factor.mean.assumption)


def _part(group: PaymentGroup) -> Part:
    """Return the part of a payment stream for one payment group, with payments if all are accepted."""
    paid = group.trials if group.reviewed else group.payments.expected or 0.0
    return Part(paid, group.sum_of_squares, group.position, group.reviewed, (_labels(group, 1.0),))


def _merged_parts(groups: Sequence[PaymentGroup]) -> list[Part]:
    entitled = [group for group in groups if group.trials and group.labels.get("rule") != "not_entitled"]
    merged = []
    for reviewed in (False, True):
        alike = [(group, _part(group)) for group in entitled if group.reviewed == reviewed]
        paid = sum(part.paid for _, part in alike)
        if paid:
            squares = sum(part.sum_of_squares for _, part in alike)
            labels = tuple(_labels(group, part.paid / paid) for group, part in alike if part.paid)
            merged.append(Part(paid, squares, reviewed=reviewed, labels=labels))
    return merged


def _labels(group: PaymentGroup, share: float) -> dict[str, object]:
    labels = {name: group.labels[name] for name in LABELS if name in group.labels}
    return {**labels, "share": share, "tier": group.tier}


def _cells(cells: ClaimCells) -> Iterator[Cell]:
    for row in rows_with_formula(cells.cube, cells.line).iter_rows(named=True):
        reviewed = row["entitled"] and row["rule"] == "review"
        pays = row["entitled"] and row["fixed"] is not None
        fixed, share = (float(row[name]) if pays else 0.0 for name in ("fixed", "slope"))
        claims, loss = float(row["claims"]), float(row["loss"] or 0)
        equal = loss**2 / claims if claims else 0.0
        yield Cell(
            tuple(row[name] for name in cells.cube.dimensions),
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
