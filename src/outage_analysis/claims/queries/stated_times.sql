-- One row per file with rows stored as text.
-- It has the numbers of all rows, of rows with a time of day, and of rows with a value in `filed_at`.
-- Midnight does not count as a time of day.
-- Placeholder: `time` is the condition that a row contains a time of day.
select file_number, count(*) as rows, count(case when {time} then 1 end) as timed, count(filed_at) as own
from text_rows
group by file_number
