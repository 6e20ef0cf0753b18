-- One row per claim, in file and row order.
select *
from claims
order by source_file, source_row
