-- One row per file: the first and the last day on which its claims were filed.
select files.file, min(filed_on) as first_day, max(filed_on) as last_day
from files
left join accepted on accepted.file_number = files.file_number
group by files.file, files.file_number
order by files.file_number
