-- One row an edge (and group): the positive losses exactly at it, under it, within reach on either side, and
-- at the two sums that are as round.
with edges as (
    select
        cast(unnest($edges) as bigint) as edge,
        cast(unnest($reaches) as bigint) as reach,
        cast(unnest($lower) as bigint) as lower_sum,
        cast(unnest($higher) as bigint) as higher_sum
),
losses as (select {by} loss, count(*) as claims from claims where loss > 0 group by {by} loss)
select
    {by}
    edge,
    cast(sum(claims) as bigint) as losses,
    cast(coalesce(sum(claims) filter (loss < edge), 0) as bigint) as under,
    cast(coalesce(sum(claims) filter (loss > edge - reach and loss < edge), 0) as bigint) as below,
    cast(coalesce(sum(claims) filter (loss = edge), 0) as bigint) as at_edge,
    cast(coalesce(sum(claims) filter (loss > edge and loss < edge + reach), 0) as bigint) as above,
    cast(coalesce(sum(claims) filter (loss in (lower_sum, higher_sum)), 0) as bigint) as as_round
from edges cross join losses
group by {by} edge
order by {by} edge
