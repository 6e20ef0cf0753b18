-- One row per row of `fast_rows` that must be rechecked because the recheck corrected another id to its id.
-- Placeholder: `repeated` is whether the id of a row occurs more than once.
select file_number, rowid as place, ok as plain
from fast_rows
where ok and {repeated}
