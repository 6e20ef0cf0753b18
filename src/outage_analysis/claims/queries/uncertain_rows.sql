-- One row per row of `fast_rows` that must be rechecked.
-- These are the rows that the fast path did not accept, rows whose id occurs more than once, and probes.
-- `plain` is whether the fast path accepted the row.
-- Placeholder: `repeated` is whether the id of a row occurs more than once.
select file_number, rowid as place, ok as plain
from fast_rows
where not ok or {repeated} or rowid in (select place from chosen)
