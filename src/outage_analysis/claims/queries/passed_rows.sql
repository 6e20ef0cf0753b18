-- One row per file: the place of its first row in `passed`, and how many rows it has there.
select coalesce(min(rowid), 0) as place, count(*) as rows
from passed
where file_number = $number
