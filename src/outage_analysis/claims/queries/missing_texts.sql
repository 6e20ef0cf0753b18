-- One row per text that no claim has in a column.
-- Placeholder: `name` is the column.
with wanted as (select unnest($values::varchar[]) as value)
select distinct value
from wanted
where value not in (select {name} from claims where {name} is not null)
order by value
