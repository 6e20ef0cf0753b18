-- One row per row of a file that is stored as text.
-- Placeholders: `file` is the number of the file; `source` is the query of the rows; `constants` are the
-- columns that the layout defines as constants, as "expression as name", each after a comma.
select {file} as file_number, * {constants}
from ({source})
