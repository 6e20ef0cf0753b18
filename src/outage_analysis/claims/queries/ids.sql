-- One row per claim id among some rows of a table: the hash of the id.
-- Placeholders: `claim_id` is the id without blanks around it; `table` and `rows` say which rows, as a
-- name and a condition.
select hash({claim_id}) as id
from {table}
where {claim_id} is not null and {rows}
