-- One row per row of `typed_rows` that must be rechecked because the recheck corrected another id to its id.
-- Input: `repeated_ids` are hashes of ids.
-- Placeholder: `repeated` is whether the id of a row occurs more than once.
select file_number, rowid as place, ok as plain
from typed_rows
where ok and {repeated}
order by place
