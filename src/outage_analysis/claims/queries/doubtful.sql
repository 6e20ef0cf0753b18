-- One row a row typed at first sight that is looked at closely, by its place in `passed`, and whether it seemed plain.
select file_number, rowid as place, ok as plain
from passed
where {chosen}
