-- One row per row with a claim id: the hash of the id, without blanks around it.
-- Placeholder: `key` is the column of the id.
select hash(case when ok then {key} else trim({key}, $blanks) end) as id
from typed_rows
where {key} is not null
union all
select hash(trim({key}, $blanks)) as id
from text_rows
where {key} is not null
