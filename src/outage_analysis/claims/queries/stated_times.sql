-- One row per file with rows stored as text: how many rows it has there, how many of them state a time of day
-- other than midnight, and how many have a text in the column `filed_at`.
-- Placeholder: `time` is whether a row states such a time.
select file_number, count(*) as rows, count(case when {time} then 1 end) as timed, count(filed_at) as own
from text_rows
group by file_number
