-- One row per column of an inspected file: its rows, its rows with a value, and its distinct values.
-- Placeholder: `name` is the column.
select
    count(*) as rows,
    count(nullif(trim({name}), '')) as given,
    count(distinct nullif(trim({name}), '')) as different
from text_rows
