-- One row per file with rows stored as text: how many rows, rows with a time of day, and texts of `filed_at`.
-- Midnight does not count as a time of day.
-- Placeholder: `time` is whether a row states such a time.
select file_number, count(*) as rows, count(case when {time} then 1 end) as timed, count(filed_at) as own
from text_rows
group by file_number
