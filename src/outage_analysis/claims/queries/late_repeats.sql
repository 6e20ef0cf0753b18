-- One row per row of `passed` that must be rechecked because the recheck corrected another id to its id.
-- Placeholder: `repeated` is whether the id of a row occurs more than once.
select file_number, rowid as place, ok as plain
from passed
where ok and {repeated}
