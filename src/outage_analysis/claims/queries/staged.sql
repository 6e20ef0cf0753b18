-- One row per row of a file that is staged as texts, to be rechecked or inspected.
-- Placeholders: `file` is the number of the file; `columns` are its columns as "expression as name", each
-- after a comma; `source` is the query or table of the rows, and `chosen` is the condition under which a
-- row is staged.
select {file} as file_number {columns}
from {source}
where {chosen}
