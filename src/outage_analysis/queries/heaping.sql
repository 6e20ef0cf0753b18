-- One row a step: how many positive losses are whole multiples of it. People tell round sums.
with steps as (select unnest($steps) as step),
losses as (select loss, count(*) as claims from claims where loss > 0 group by loss)
select
    step,
    cast(coalesce(sum(claims) filter (loss % step = 0), 0) as bigint) as claims,
    cast(sum(claims) as bigint) as losses
from steps cross join losses
group by step
order by step
