-- One row per set of tables of claims: a sum over the hashes of all rows, and whether any claim is synthetic.
-- Placeholder: `schema` has the tables.
with hashes as (
    select hash(files) as of_row, false as synthetic from {schema}.files
    union all
    select hash(rejects), false from {schema}.rejects
    union all
    select hash(accepted), synthetic from {schema}.accepted
)
select cast(sum(of_row) as varchar) as contents, coalesce(bool_or(synthetic), false) as synthetic
from hashes
