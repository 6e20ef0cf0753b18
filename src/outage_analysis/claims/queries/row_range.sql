-- One row per file: the place (rowid) of its first row in a table, and how many rows it has there.
-- Placeholder: `table` is the table.
select coalesce(min(rowid), 0) as place, count(*) as rows
from {table}
where file_number = $number
