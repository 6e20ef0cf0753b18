-- One row per claim, with further columns from a table of the user that has one row per key.
-- Placeholders: `source` is the table of the claims; `columns` are the further columns, each after a comma;
-- `key` is the key of a claim as text; `how` is left or inner.
select claims.* {columns}
from {source} as claims
{how} join joined on joined.joined_key = {key}
