-- One row per file whose rows stored as text state times of filing other than midnight.
-- Placeholders: `time` is whether a row states such a time; `share` is the share of rows that must.
select file_number
from text_rows
group by file_number
having count(case when {time} then 1 end) > {share} * count(*)
