-- One row per row of `typed_rows` that must be rechecked: its file, its place (rowid), and `plain`.
-- These are the rows that the fast path did not accept, rows whose id occurs more than once, and probes.
-- `plain` is whether the fast path accepted the row.
-- Inputs: `probes` are places; `repeated_ids` are hashes of ids.
-- Placeholder: `repeated` is whether the id of a row occurs more than once.
select file_number, rowid as place, ok as plain
from typed_rows
where not ok or {repeated} or rowid in (select place from probes)
order by place
