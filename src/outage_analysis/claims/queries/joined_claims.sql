-- One row per claim, with further columns from a table of the user that has one row per key.
-- Placeholders: `source` is the table of the claims; `columns` are the further columns, each after a comma;
-- `key` is the key of a claim as text.
select claims.* {columns}
from {source} as claims
left join joined on joined.joined_key = {key}
