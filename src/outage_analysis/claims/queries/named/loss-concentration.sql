-- One row per share of the claims: the largest 1%, 5%, 10%, 20% and 50%.
-- `top` is the share of the claims with a stated loss of at least 0, rounded up to whole claims. `smallest` is
-- the smallest loss among these claims, and `share` is their share of all losses.
with ranked as (
    select
        loss,
        row_number() over (order by loss desc) as place,
        count(*) over () as every_claim,
        sum(loss) over () as every_loss
    from exact_claims
    where loss >= 0
),
tops as (select unnest([0.01, 0.05, 0.1, 0.2, 0.5]) as top),
largest as (select * from tops join ranked on place <= ceil(top * every_claim))
select
    cast(top as double) as top,
    count(*) as claims,
    min(loss) as smallest,
    sum(loss) as loss,
    sum(loss) / nullif(any_value(every_loss), 0) as share
from largest
group by top
order by top
