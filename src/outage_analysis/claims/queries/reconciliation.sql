-- One row per file: how many rows were read, and how many of them are claims and how many are rejects.
with kept as (select file_number, count(*) as claims from accepted group by file_number),
refused as (select source_file, count(*) as rejects from rejects group by source_file)
select
    files.file,
    files.rows,
    coalesce(kept.claims, 0) as claims,
    coalesce(refused.rejects, 0) as rejects
from files
left join kept on kept.file_number = files.file_number
left join refused on refused.source_file = files.file
order by files.file_number
