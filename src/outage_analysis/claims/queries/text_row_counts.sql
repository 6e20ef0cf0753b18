-- One row per file: how many of its records are stored as text or cannot be read.
with records as (select file_number from text_rows union all select file_number from unreadable)
select file_number, count(*) as rows
from records
group by file_number
