"""The claims of the varied lines, grouped by the loss intervals that candidates pay by one formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from outage_analysis.assumptions import Award, FloatArray, MeanPayment
from outage_analysis.costs.claim_payments import rows_with_formula
from outage_analysis.costs.policy_search.loss_intervals import VariedLine
from outage_analysis.costs.policy_search.search_inputs import SearchInputs
from outage_analysis.costs.policy_search.shared_draws import NO_GROUP, ClaimGroups
from outage_analysis.costs.terms import CompiledLine, LineTerm
from outage_analysis.errors import ModelRefused


def checked_term(line: VariedLine, compiled: Mapping[str, CompiledLine], inputs: SearchInputs) -> LineTerm:
    """Return the term of a varied line after checking that its cost follows from what the policy pays."""
    id_ = line.schedule.id
    if id_ not in compiled:
        raise ModelRefused(
            f"the line was not public by {inputs.as_of}", value=id_, remedy="Move --as-of to a later day."
        )
    one = compiled[id_]
    if not inputs.cubes and isinstance(one.funnel.entries.get("mean_payment"), MeanPayment):
        raise ModelRefused(
            "the ledger states one mean payment for all loss bands, so payments cannot vary",
            value=id_,
            remedy="Replace the mean payment by a band mix, or give claims.",
        )
    cash = [term for term in one.terms if term.valuation == "cash"]
    if any(term.certain for term in cash):
        raise ModelRefused(
            "the ledger states the total of the line, so payments cannot vary",
            value=id_,
            remedy="Take the total out of the ledger.",
        )
    term = next((term for term in cash if term.has_expected_cost), None)
    if term is None:
        missing = next((t.missing for t in cash if t.missing), None)
        raise ModelRefused(
            "the line has no expected cost, so no policy can be chosen by it",
            value=id_,
            remedy=f"The ledger lacks: {missing}." if missing else "See the status of the line in `cost`.",
        )
    return term


def claim_groups(line: VariedLine, term: LineTerm, compiled: CompiledLine) -> ClaimGroups:
    """Return the claims of a varied line by group.

    Raises:
        ModelRefused: some candidate reviews claims, and the ledger states no mean award.
    """
    numbers = _group_numbers(line, term)
    counted = claims_by_group(line, term, numbers)
    reviews = any(
        claims and any(reviewed for _, _, reviewed in line.possible_formulas(band))
        for claims, band in zip(counted, line.group_bands, strict=True)
    )
    award = compiled.funnel.entries.get("review_award")
    if reviews and not isinstance(award, Award):
        raise ModelRefused(
            "claims are reviewed, and the ledger states no mean award of a review",
            value=line.schedule.id,
            remedy="Add an assumption of the kind `review_award`.",
        )
    mean = compiled.funnel.award.expected or 0.0
    return ClaimGroups(line, numbers, award if reviews and isinstance(award, Award) else None, mean)


def claims_by_group(line: VariedLine, term: LineTerm, numbers: Sequence[int]) -> FloatArray:
    """Return the expected number of claims in each group, accepted or not, (groups,)."""
    claims = np.zeros(len(line.group_bands))
    if term.claim_cells is None:
        counts = [group.claims or 0.0 for group in term.groups]
    else:
        counts = term.claim_cells.cube.frame["claims"].to_list()
    for count, group in zip(counts, numbers, strict=True):
        if group != NO_GROUP:
            claims[group] += count
    return claims


def _group_numbers(line: VariedLine, term: LineTerm) -> list[int]:
    if term.claim_cells is None:
        groups = [line.group_of((g.labels["over"], g.labels["up_to"])) for g in term.groups]  # type: ignore[arg-type]
        return [NO_GROUP if group is None else group for group in groups]
    rows = rows_with_formula(term.claim_cells.cube, line.schedule)
    last = len(line.schedule.tariffs) - 1
    found = []
    for row in rows.select("over", "up_to", "entitled", "tariff", "claims").iter_rows():
        over, up_to, entitled, tariff, claims = row
        if not (entitled and tariff == last) or over is None or (up_to is not None and up_to <= 0):
            found.append(NO_GROUP)
            continue
        group = line.group_of((over, up_to))
        if group is None and claims:
            inside = next(edge for edge in line.edges if edge > over)
            raise ModelRefused(
                f"a loss band of the claims spans the edge {inside:,} that is tried",
                value=f"({over}, {up_to}]",
                remedy="Thresholds need claims, or counts by band that end at each of them.",
            )
        found.append(NO_GROUP if group is None else group)
    return found
