-- One row a key that any object of a text of JSON lines has.
select distinct unnest(json_keys(line)) as key
from ({lines})
where json_valid(line)
order by key
