-- One row per text of an inspected file: its value in each notation of days or amounts.
-- Input: `texts`. Placeholder: `values` are these values as "expression as name", each after a comma.
select text {values}
from texts
