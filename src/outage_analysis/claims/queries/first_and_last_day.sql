-- One row per inspected file: the first and the last day of a column.
-- Placeholders: `name` is the column; `key` is equal for texts of the same day, as an expression of `text`;
-- `day` is the day of a text, as an expression.
with texts as (select {name} as text from text_rows),
alike as (select min(text) as text from texts group by {key}),
trimmed as (select trim(text) as text from alike)
select min({day}) as first, max({day}) as last
from trimmed
