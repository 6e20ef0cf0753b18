-- One row per inspected file: the first and the last day of a column.
-- Placeholder: `day` is the day that the cell contains, as an expression.
select min({day}) as first, max({day}) as last
from text_rows
