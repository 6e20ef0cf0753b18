-- One row per claim and rule that the claim breaks and that the incident only counts.
-- Placeholder: `checked_rows` are these rows, one per claim.
select file_number, source_row, unnest(noted) as rule
from {checked_rows}
where len(broken) = 0
