-- One row per row that the fast path reads: no row yet, but the type of each column.
-- Columns with few values have enumerated types, which take one byte per value.
-- Placeholders: `columns` are the columns of a claim, each a null of its type; `narrowed` are the names of
-- the columns with enumerated types, and `enumerated` are the same columns cast to these types, each after
-- a comma.
with empty_claim as (select {columns})
select cast(null as usmallint) as file_number, * exclude ({narrowed}) {enumerated}, false as ok
from empty_claim
where false
