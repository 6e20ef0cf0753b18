-- One row of a whole run: whether any row that was read, rejects included, says of itself that it is synthetic.
select coalesce(bool_or(synthetic), false) as synthetic
from (
    select synthetic from passed
    union all
    select {marked} from staged
) as told
