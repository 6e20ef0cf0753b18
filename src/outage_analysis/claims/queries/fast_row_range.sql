-- One row per file: the place of its first row in `fast_rows`, and how many rows it has there.
select coalesce(min(rowid), 0) as place, count(*) as rows
from fast_rows
where file_number = $number
