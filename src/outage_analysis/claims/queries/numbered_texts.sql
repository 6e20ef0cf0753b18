-- One row per record of one inspected file, in file order: its row number, and the text of every column.
-- Placeholders: `file` is the number of the file; `before` is the number of rows above the first one;
-- `cells` are the columns as "expression as name", each after a comma; `source` is the query of the records.
select {file} as file_number, row_number() over () + {before} as source_row {cells}
from {source}
