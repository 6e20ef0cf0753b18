-- One row a claim and a rule that it breaks and that the incident only counts.
select file_number, source_row, unnest(noted) as rule
from judged
where len(broken) = 0
