-- One row per distinct value of a column of the claims.
-- Placeholder: `name` is the column.
select distinct {name} as value
from claims
where {name} is not null
