-- One row per column: how many of its cells can be read.
-- Input: `cells` are the texts.
-- Placeholder: `value` is the value of a cell, null where it cannot be read.
select count({value}) as cells
from cells
