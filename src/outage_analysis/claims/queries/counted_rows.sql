-- One row per file: its rows, each counted as often as the claims it stands for.
with stated as (
    select file_number, count from typed_rows where ok
    union all
    select file_number, count from checked_rows
),
others as (select file_number, sum(count - 1) as claims from stated where count > 1 group by file_number)
select files.file_number, files.file, cast(files.rows + coalesce(others.claims, 0) as bigint) as rows
from files
left join others on others.file_number = files.file_number
order by files.file_number
