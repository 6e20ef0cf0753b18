-- One row per column of an inspected file and distinct value: its value in each notation of days or amounts.
-- Input: `texts` are the values; `place` is the number of the column.
-- Placeholder: `values` are these values as "expression as name", each after a comma.
select place, text, rows {values}
from texts
order by rows desc, text
