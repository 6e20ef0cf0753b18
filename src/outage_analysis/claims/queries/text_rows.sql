-- One row per row of a file that is stored as text.
-- Placeholders: `file` is the number of the file; `source` is the query of the rows; `added` are the
-- columns that the layout defines as constants or computes, as "expression as name", each after a comma;
-- `removed` excludes the columns that are joined to them.
select {file} as file_number, * {removed} {added}
from ({source})
