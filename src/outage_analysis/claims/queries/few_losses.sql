-- One row per distinct positive loss, the smallest first, up to a number of rows.
-- Placeholder: `most` is that number.
select distinct loss
from exact_claims
where loss > 0
order by loss
limit {most}
