-- One row per combination of the chosen dimensions and a loss band: its claims and sums of losses.
-- Claims with the same loss are counted first, so that the bands are looked up and the sums are computed once
-- per distinct loss.
-- Input: `bands` are the loss bands.
-- Placeholders: `source` is the query of the claims or claimants to count; `columns` are the chosen
-- dimensions as "expression as name" and `names` their names, each followed by a comma. `paid_by_loss` and
-- `paid` are the sums of amounts paid, each after a comma, or empty.
with source as ({source}),
by_loss as (
    select
        {columns}
        loss,
        count(*) as claims
        {paid_by_loss}
    from source
    group by all
),
banded as (
    select losses.loss, bands.over, bands.up_to
    from (select distinct loss from by_loss) as losses
    join bands on losses.loss > bands.above and losses.loss <= bands.below
)
select
    {names}
    banded.over,
    banded.up_to,
    cast(sum(claims) as bigint) as claims,
    cast(coalesce(sum(cast(claims as hugeint) * by_loss.loss), 0) as bigint) as loss,
    cast(
        coalesce(sum(cast(claims as hugeint) * by_loss.loss * by_loss.loss), 0) as decimal(38, 0)
    ) as loss_squared
    {paid}
from by_loss
left join banded on banded.loss = by_loss.loss
group by {names} banded.over, banded.up_to
order by {names} banded.up_to is null and banded.over is null, banded.over nulls first
