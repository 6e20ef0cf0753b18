-- One row per claim, as a warehouse file keeps it.
-- The moment of filing comes last, as in an extended file whose version had no such column.
select * exclude (filed_at), filed_at
from main.accepted
