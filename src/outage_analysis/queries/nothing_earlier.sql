-- One row per claim of the warehouse file that this run adds to: no row, because the run adds to none.
-- Placeholder: `columns` are the columns of a claim, each a null of its type.
select cast(null as bigint) as file_number, cast(null as bigint) as source_row, *
from (select {columns}) as typed
where false
