-- One row per row of `typed_rows` that must be rechecked: its file, its place (rowid), and `plain`.
-- `plain` is whether the fast path accepted the row.
-- Inputs: `probes` are places; `repeated_ids` are hashes of ids.
-- Placeholder: `doubtful` is the condition that a row must be rechecked.
select file_number, rowid as place, ok as plain
from typed_rows
where {doubtful}
order by place
