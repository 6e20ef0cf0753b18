-- One row per key that any object of a JSON lines file has.
-- Placeholder: `lines` is the query of the lines.
select distinct unnest(json_keys(line)) as key
from ({lines})
where json_valid(line)
order by key
