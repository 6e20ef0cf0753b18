-- One row a row that first sight could not tell, by its place in `passed`.
select file_number, rowid as place
from passed
where not ok or {again} or rowid in (select place from chosen)
