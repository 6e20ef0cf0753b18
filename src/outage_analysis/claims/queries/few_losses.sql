-- One row per positive loss that claims state, the smallest first, up to a number of rows.
select distinct loss
from claims
where loss > 0
order by loss
limit {most}
