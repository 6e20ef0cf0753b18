-- One row per distinct value of a column of an inspected file, with its number of rows.
-- Placeholders: `name` is the column; `most` is how many values are looked at.
select trim({name}) as text, count(*) as rows
from text_rows
where trim({name}) <> ''
group by all
order by rows desc, text
limit {most}
