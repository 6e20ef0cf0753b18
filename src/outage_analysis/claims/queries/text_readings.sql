-- One row per distinct value of a column of an inspected file: its value in each notation of days or amounts.
-- Placeholder: `values` are these values as "expression as name".
select text, rows, {values}
from _texts
order by rows desc, text
