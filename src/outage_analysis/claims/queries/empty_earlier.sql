-- One row per claim of the warehouse file that this run adds to: no row, because the run adds to none.
-- Placeholder: `columns` are the columns of a claim, each a null of its type.
with empty_claim as (select {columns})
select cast(null as bigint) as file_number, cast(null as bigint) as source_row, *
from empty_claim
where false
