-- One row per reject, in file and row order, up to a number of rows.
-- Placeholder: `most` is that number, or `null` for all rejects.
select *
from rejects
order by source_file, source_row
limit {most}
