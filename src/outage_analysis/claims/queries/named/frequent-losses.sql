-- One row per loss, the most frequent first.
-- The query returns the ten most frequent losses above 0, if at least two claims state them. Of equally
-- frequent losses, the smaller one comes first.
select loss, count(*) as claims, count(*) / sum(count(*)) over () as share
from exact_claims
where loss > 0
group by loss
qualify claims > 1
order by claims desc, loss
limit 10
