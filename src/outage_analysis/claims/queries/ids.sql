-- One row per row with a claim id, among a part of the ids: the hash of the id, without blanks around it.
-- Placeholders: `key` is the column of the id; `part` says which part, as "number of parts = number of the part".
with hashes as (
    select hash(case when ok then {key} else trim({key}, $blanks) end) as id
    from typed_rows
    where {key} is not null
    union all
    select hash(trim({key}, $blanks)) as id
    from text_rows
    where {key} is not null
)
select id
from hashes
where id % {part}
