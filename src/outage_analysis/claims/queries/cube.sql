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
),
placed as (
    select losses.loss, bands.over, bands.up_to
    from (select distinct loss from by_loss) as losses
    join bands on losses.loss > bands.above and losses.loss <= bands.below
)
select
    {names}
    placed.over,
    placed.up_to,
    cast(sum(claims) as bigint) as claims,
    cast(coalesce(sum(loss_sum), 0) as bigint) as loss,
    cast(coalesce(sum(loss_squared), 0) as decimal(38, 0)) as loss_squared
from by_loss
left join placed on placed.loss = by_loss.loss
group by {names} placed.over, placed.up_to
order by {names} placed.up_to is null and placed.over is null, placed.over nulls first
