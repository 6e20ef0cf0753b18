-- One row per run: whether any row that was read, claim or reject, calls itself synthetic.
-- Placeholder: `marked` is whether a row of text calls itself synthetic.
with marks as (
    select synthetic from fast_rows
    union all
    select {marked} from staged
)
select coalesce(bool_or(synthetic), false) as synthetic
from marks
