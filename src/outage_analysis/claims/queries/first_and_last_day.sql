-- One row per inspected file: the first and the last day of a column, however its texts are read.
-- Placeholders: `name` is the column; `key` is equal for texts of the same day, as an expression of `text`;
-- `days` are the days of a text in several notations, as expressions.
with texts as (select {name} as text from text_rows),
alike as (select min(text) as text from texts group by {key}),
trimmed as (select trim(text) as text from alike),
readings as (select unnest([{days}]) as day from trimmed)
select min(day) as first, max(day) as last
from readings
