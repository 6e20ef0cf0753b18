-- One row per group of values of a column of an inspected file: the first of them, and their number of rows.
-- Beside each: how many rows of the column have a value (`given`), and how many groups there are.
-- Placeholders: `name` is the column; `table` has the rows; `key` is equal for the values of a group, as an
-- expression of `text`; `most` is how many groups are looked at.
-- Texts are trimmed after they are grouped, because that is much faster for columns with few values.
with texts as (select {name} as text from {table}),
alike as (select min(text) as text, count(*) as rows from texts group by {key}),
filled as (
    select trim(text) as text, cast(sum(rows) as bigint) as rows
    from alike
    where trim(text) <> ''
    group by trim(text)
)
select text, rows, cast(sum(rows) over () as bigint) as given, count(*) over () as different
from filled
order by rows desc, text
limit {most}
