"""The rules of a claim: each has a name, which is the sentence the user reads, and a remedy.

A rule that one row can break is an SQL condition over the table `typed`, true of a row that breaks it.
The others are told by the reader of a file or by comparing rows.
"""

from __future__ import annotations

from outage_analysis.incidents import Incident
from outage_analysis.queries import literal, quoted

UNREADABLE = "the record has the fields of its header"
HEADER_AGAIN = "the record is not the header again"
REPEATED = "claim_id is not repeated"
COPY = "the complaint is not an exact copy of another"
LARGEST = 10**15
ROUNDED = r"'\d([.,]\d+)?[eE]\+\d+'"
"""A long number as a spreadsheet shows it: 1.23457E+11."""

RULES: dict[str, str] = {
    UNREADABLE: "Give it the fields of its header; quote those that hold the delimiter.",
    HEADER_AGAIN: "Remove it: files were put one under the other.",
    "claim_id is given": "Give every complaint an id; a dash, 미상 or 합계 is none.",
    "claim_id is in full": "A spreadsheet rounded it: export it again as text.",
    "claimant_id is in full": "A spreadsheet rounded it: export it again as text.",
    REPEATED: "The first row with this id was kept.",
    COPY: "The first of the equal rows was kept.",
    "service is given": "Name the service.",
    "service is known": "Correct it, or add an alias to the incident.",
    "claimant_type is given": "Name the claimant type.",
    "claimant_type is known": "Correct it, or add an alias to the incident.",
    "filed_on is a date": "Write it as 2022-10-19, or name its notation under [formats].",
    "filed_on is within the claims window": "Correct it, or widen claims_from and claims_to.",
    "loss is a whole number of the smallest unit, below 10^15": "Write a plain number, leave it empty, "
    "or name its notation under [formats].",
    "loss is not negative": "Correct it, or say in the incident what a negative loss means.",
    "loss is plausible": "Correct it, or raise plausible_to in the incident.",
}
"""Rule -> what to do about a complaint that breaks it. Each dimension of kind number adds one."""


def conditions(incident: Incident) -> dict[str, str]:
    """Rule -> the condition under which one row alone breaks it."""
    first, last = literal(incident.claims_from.isoformat()), literal(incident.claims_to.isoformat())
    found = {
        "claim_id is given": "claim_id is null",
        "claim_id is in full": f"regexp_full_match(claim_id, {ROUNDED})",
        "claimant_id is in full": f"regexp_full_match(claimant_id, {ROUNDED})",
        "service is given": "raw_service is null",
        "service is known": "raw_service is not null and service is null",
        "claimant_type is given": "raw_claimant_type is null",
        "claimant_type is known": "raw_claimant_type is not null and claimant_type is null",
        "filed_on is a date": "filed_on is null",
        "filed_on is within the claims window": f"filed_on < date {first} or filed_on > date {last}",
        "loss is a whole number of the smallest unit, below 10^15": f"raw_loss is not null "
        f"and (loss is null or abs(loss) >= {LARGEST})",
    }
    if incident.loss.negative == "reject":
        found["loss is not negative"] = "loss < 0"
    if incident.loss.plausible_to is not None:
        found["loss is plausible"] = f"loss > {incident.loss.plausible_to}"
    for dimension in incident.dimensions:
        if dimension.kind == "number":
            raw, value = quoted(f"raw_{dimension.id}"), quoted(dimension.id)
            found[f"{dimension.id} is a whole number"] = f"{raw} is not null and {value} is null"
    return found


def broken_sql(incident: Incident, *, counted: bool) -> str:
    """The rules that one row breaks, as the items of an SQL list: those that reject, or that only count."""
    chosen = {
        rule: condition
        for rule, condition in conditions(incident).items()
        if (incident.rules.get(rule) == "count") == counted
    }
    return ", ".join(f"case when {condition} then {literal(rule)} end" for rule, condition in chosen.items())
