-- No row: selected claims have no rejects, but the table exists with its columns.
-- Placeholder: `source` is the table of the rejects of the original claims.
select *
from {source}
where false
