-- One row per row of an inspected file, from its first row, up to a number of rows.
-- Placeholders: `columns` are the columns of the file; `most` is that number.
select source_row, {columns}
from text_rows
order by source_row
limit {most}
