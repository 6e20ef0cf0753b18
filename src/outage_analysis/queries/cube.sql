-- One row a combination of the chosen dimensions and a loss band, with its claims and sums of loss.
with by_loss as (
    select
        {columns}
        loss,
        count(*) as claims,
        sum(loss) as loss_sum,
        sum(cast(loss as decimal(19, 0)) * cast(loss as decimal(19, 0))) as loss_squared
    from ({source}) as source
    group by {groups} loss
)
select
    {names}
    bands.over,
    bands.up_to,
    cast(sum(claims) as bigint) as claims,
    cast(coalesce(sum(loss_sum), 0) as bigint) as loss,
    cast(coalesce(sum(loss_squared), 0) as decimal(38, 0)) as loss_squared
from by_loss
left join bands on by_loss.loss > bands.above and by_loss.loss <= bands.below
group by {names} bands.over, bands.up_to
order by {names} bands.up_to is null and bands.over is null, bands.over nulls first
