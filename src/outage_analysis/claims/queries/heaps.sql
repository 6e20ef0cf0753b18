-- One row per distinct positive loss, the most frequent first: how many claims state it.
select loss, count(*) as claims
from claims
where loss > 0
group by loss
order by claims desc, loss
