-- One row per file and rule: how many rejects broke the rule, and the first of them as an example.
with broken_rules as (select rejects.*, unnest(broken) as rule from rejects)
select
    rule,
    count(*) as rejects,
    arg_min(
        struct_pack(
            source_file := source_file, source_row := source_row, byte := byte, broken := broken, raw := raw,
            problem := problem, claim_id := claim_id, claimant_id := claimant_id, service := service,
            claimant_type := claimant_type, filed_on := filed_on, loss := loss, kept_file := kept_file,
            kept_row := kept_row
        ),
        source_row
    ) as first
from broken_rules
group by source_file, rule
order by source_file, rule
