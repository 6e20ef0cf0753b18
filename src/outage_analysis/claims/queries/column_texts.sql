-- One row per distinct value of a column of an inspected file, with its number of rows.
-- Beside each: how many rows of the column have a value (`given`), and how many values are distinct.
-- Placeholders: `name` is the column; `table` has the rows; `most` is how many values are looked at.
select
    trim({name}) as text,
    count(*) as rows,
    cast(sum(count(*)) over () as bigint) as given,
    count(*) over () as different
from {table}
where trim({name}) <> ''
group by text
order by rows desc, text
limit {most}
