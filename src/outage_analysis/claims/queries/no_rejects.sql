-- One row per reject of selected claims, so none: the table only exists with its columns.
-- Placeholder: `source` is the table of the rejects of the original claims.
select *
from {source}
where false
