-- One row per row of `fast_rows` that must be rechecked.
-- The fast path is not sure of it, its id occurs more than once, or its place was chosen as a probe.
-- `plain` is whether the fast path was sure.
-- Placeholder: `repeated` is whether the id of a row occurs more than once.
select file_number, rowid as place, ok as plain
from fast_rows
where not ok or {repeated} or rowid in (select place from chosen)
