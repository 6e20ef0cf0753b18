-- One row per file and rule that the incident only counts: how many claims of the file break the rule.
select file as source_file, rule, count(*) as claims
from noted
join files using (file_number)
group by all
order by source_file, rule
