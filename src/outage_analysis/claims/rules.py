"""The validation rules for rows of complaint files. Each rule has a sentence as its name, shown to users.

Most rules are checked row by row: `rule_conditions` returns an SQL condition for each of them, which is true
if a row of the table `parsed_rows` breaks the rule. The file readers check whether a row has the right number
of fields, and `queries/checked_rows.sql` finds exact copies and repeated ids. Of the rows that the fast path
has converted, this query compares only those that `recheck_rows` selects, such as rows with a repeated
id. Both take the column that they compare from `SAME_COMPLAINT`.
"""

from __future__ import annotations

from outage_analysis.claims.queries import quote_identifier, quote_literal
from outage_analysis.incidents import COUNT, LARGEST_LOSS, Incident

UNREADABLE = "the record has the fields of its header"
REPEATED_HEADER = "the record is not the header again"
REPEATED_ID = "claim_id is not repeated"
EXACT_COPY = "the complaint is not an exact copy of another"
SAME_DAY = "filed_on is the day of filed_at"
SAME_COMPLAINT = "claim_id"
"""The column of text that tells complaints apart: of rows with the same one, the first is kept."""
READABLE_LOSS = "loss is an amount that can be read, below 10^15"
COUNTED_CLAIMS = "count is a whole number of claims, at least 1"
A_DECISION, PAID = "is a decision", "is an amount for each paid claim and no other"
"""The ends of two rule names: that a status is known, and that only paid claims have an amount paid."""
ROUNDED_NUMBER = r"'\d([.,]\d+)?[eE]\+\d+'"
"""SQL pattern of a long number that a spreadsheet has rounded, such as 1.23457E+11."""
CONTROL_CHARACTERS = r"\x00-\x08\n-\x1F\x7F-\x9F\x{2028}\x{2029}"
"""SQL character class (regular expression) of line breaks and control characters except the tab.

An id with a line break probably contains a whole row that a stray quotation mark has merged into it.
"""

RULES = (
    UNREADABLE,
    REPEATED_HEADER,
    "claim_id is given",
    "claim_id is in full",
    "claimant_id is in full",
    "claim_id is one line of text",
    "claimant_id is one line of text",
    REPEATED_ID,
    EXACT_COPY,
    "service is given",
    "service is known",
    "claimant_type is given",
    "claimant_type is known",
    "filed_on is a date",
    "filed_on is within the claims window",
    SAME_DAY,
    READABLE_LOSS,
    "loss is not negative",
    "loss is plausible",
    COUNTED_CLAIMS,
)
"""The names of the validation rules; each dimension of an incident adds one more.

For each rule, the locale files contain a label `remedy.<rule>` that says how to correct the row.
"""


def rule_conditions(incident: Incident) -> dict[str, str]:
    """Return the SQL condition of each rule that is checked row by row: rule -> condition.

    The condition is true if the row breaks the rule.
    """
    first, last = (
        quote_literal(incident.claims_from.isoformat()),
        quote_literal(incident.claims_to.isoformat()),
    )
    condition_by_rule = {
        "claim_id is given": "claim_id is null",
        "claim_id is in full": f"regexp_full_match(claim_id, {ROUNDED_NUMBER})",
        "claimant_id is in full": f"regexp_full_match(claimant_id, {ROUNDED_NUMBER})",
        "claim_id is one line of text": f"regexp_matches(claim_id, '[{CONTROL_CHARACTERS}]')",
        "claimant_id is one line of text": f"regexp_matches(claimant_id, '[{CONTROL_CHARACTERS}]')",
        "service is given": "raw_service is null",
        "service is known": "raw_service is not null and service is null",
        "claimant_type is given": "raw_claimant_type is null",
        "claimant_type is known": "raw_claimant_type is not null and claimant_type is null",
        "filed_on is a date": "filed_on is null",
        "filed_on is within the claims window": f"filed_on < date {first} or filed_on > date {last}",
        SAME_DAY: "raw_filed_at is not null and filed_at_day is distinct from filed_on "
        "and filed_on is not null",
        READABLE_LOSS: f"raw_loss is not null and (loss is null or abs(loss) >= {LARGEST_LOSS})",
    }
    if incident.loss.negative == "reject":
        condition_by_rule["loss is not negative"] = "loss < 0"
    if incident.loss.plausible_to is not None:
        condition_by_rule["loss is plausible"] = f"loss > {incident.loss.plausible_to}"
    wanted = {"number": "is a whole number", "decision": A_DECISION, "paid": PAID}
    for dimension in (d for d in incident.dimensions if d.kind in wanted):
        raw, value = quote_identifier(f"raw_{dimension.id}"), quote_identifier(dimension.id)
        broken = f"{raw} is not null and {value} is null"
        if dimension.kind == "paid":
            decided = f"{quote_identifier(incident.decision)} is not distinct from 'paid'"
            broken = (
                f"{broken} or {value} < 0 or ({value} is null) = ({decided}) and {value} is distinct from 0"
            )
        condition_by_rule[f"{dimension.id} {wanted[dimension.kind]}"] = broken
    return condition_by_rule


def broken_rules_sql(incident: Incident, *, counted: bool) -> str:
    """Return SQL expressions, one per rule: the name of the rule if a row breaks it, else null.

    By default the list contains the rules that reject a row. With `counted`, it contains the rules that the
    incident only counts.
    """
    condition_by_rule = {
        rule: condition
        for rule, condition in (rule_conditions(incident) | {COUNTED_CLAIMS: f"{COUNT} is null"}).items()
        if (incident.rules.get(rule) == "count") == counted
    }
    return ", ".join(
        f"case when {condition} then {quote_literal(rule)} end"
        for rule, condition in condition_by_rule.items()
    )
