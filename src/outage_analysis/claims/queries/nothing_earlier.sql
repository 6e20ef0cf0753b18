-- One row a claim of a warehouse file that comes before: here none, where there is no such file.
select cast(null as bigint) as file_number, cast(null as bigint) as source_row, *
from (select {columns}) as typed
where false
