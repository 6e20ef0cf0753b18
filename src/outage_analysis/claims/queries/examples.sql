-- One row per file and rule: how many rejects broke the rule, and the first of them as an example.
with broken_rules as (select rejects as reject, unnest(broken) as rule from rejects)
select rule, count(*) as rejects, arg_min(reject, reject.source_row) as first
from broken_rules
group by reject.source_file, rule
order by reject.source_file, rule
