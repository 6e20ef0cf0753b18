-- One row per file: how many of its records are staged as texts or cannot be read.
with records as (
    select file_number from staged
    union all
    select file_number from unreadable
)
select file_number, count(*) as rows
from records
group by file_number
