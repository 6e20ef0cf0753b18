-- One row per step, such as 1,000: how many positive losses are whole multiples of it.
-- People round their losses.
with steps as (select step from unnest($steps) as listed(step)),
losses as (select loss, count(*) as claims from claims where loss > 0 group by loss)
select
    step,
    cast(sum(case when loss % step = 0 then claims else 0 end) as bigint) as claims,
    cast(sum(claims) as bigint) as losses
from steps cross join losses
group by step
order by step
