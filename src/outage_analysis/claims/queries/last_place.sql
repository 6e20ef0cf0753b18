-- One row per table: the place of its last row, null where it is empty.
-- Placeholder: `table` is the table.
select max(rowid) as place
from {table}
