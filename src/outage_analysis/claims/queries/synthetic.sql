-- One row per run: whether any row that was read, claim or reject, is marked as synthetic.
-- Placeholder: `marked` is whether a row of text is marked as synthetic.
with marks as (select synthetic from typed_rows union all select {marked} from checked_rows)
select coalesce(bool_or(synthetic), false) as synthetic
from marks
