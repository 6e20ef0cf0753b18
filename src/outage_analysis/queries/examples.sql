-- One row a file and a rule: how many rejects broke it, and the first of them as an example.
with broken_rules as (select *, unnest(broken) as rule from rejects)
select rule, count(*) as rejects, arg_min(broken_rules, source_row) as first
from broken_rules
group by source_file, rule
order by source_file, rule
