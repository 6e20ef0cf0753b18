-- One row per claim that meets a condition of the user.
-- Placeholders: `source` is the table of the claims to select from; `condition` is the SQL condition.
select *
from {source}
where {condition}
