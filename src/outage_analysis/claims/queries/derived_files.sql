-- One row per input file of the original claims: how many of its rows are claims after a selection.
-- Placeholder: `source` is the table of the files of the original claims.
with kept as (select file_number, count(*) as claims from accepted group by file_number)
select files.file_number, files.file, coalesce(kept.claims, 0) as rows
from {source} as files
left join kept on kept.file_number = files.file_number
order by files.file_number
