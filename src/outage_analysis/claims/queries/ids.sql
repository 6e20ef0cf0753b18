-- One row per claim id among some rows of a table, if its hash is in one part of all hashes: the hash.
-- Placeholders: `claim_id` is the id without blanks around it; `table` and `rows` say which rows, as a
-- name and a condition; `parts` is the number of parts, and `part` is the wanted one, counted from 0.
with hashes as (
    select hash({claim_id}) as id
    from {table}
    where {claim_id} is not null and {rows}
)
select id
from hashes
where id % {parts} = {part}
