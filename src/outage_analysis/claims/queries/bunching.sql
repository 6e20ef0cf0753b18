-- One row per policy edge (and group): how many positive losses lie at it and around it.
-- `losses` counts all of them, `under` those below the edge, `below` and `above` those within reach of it,
-- and `as_round` those at the two amounts that are equally round. $edges, $reaches, $lower and $higher are
-- lists of the same length. Each list is numbered and joined by that number, because engines differ in how
-- they expand several lists at once.
-- Placeholder: `by` is the column to group by, followed by a comma, or nothing.
with edge_list as (select edge, place from unnest($edges) with ordinality as listed(edge, place)),
reach_list as (select reach, place from unnest($reaches) with ordinality as listed(reach, place)),
lower_list as (select lower_sum, place from unnest($lower) with ordinality as listed(lower_sum, place)),
higher_list as (select higher_sum, place from unnest($higher) with ordinality as listed(higher_sum, place)),
edges as (
    select
        cast(edge as bigint) as edge,
        cast(reach as bigint) as reach,
        cast(lower_sum as bigint) as lower_sum,
        cast(higher_sum as bigint) as higher_sum
    from edge_list
    join reach_list on reach_list.place = edge_list.place
    join lower_list on lower_list.place = edge_list.place
    join higher_list on higher_list.place = edge_list.place
),
losses as (select {by} loss, count(*) as claims from claims where loss > 0 group by {by} loss)
select
    {by}
    edge,
    cast(sum(claims) as bigint) as losses,
    cast(sum(case when loss < edge then claims else 0 end) as bigint) as under,
    cast(sum(case when loss > edge - reach and loss < edge then claims else 0 end) as bigint) as below,
    cast(sum(case when loss = edge then claims else 0 end) as bigint) as at_edge,
    cast(sum(case when loss > edge and loss < edge + reach then claims else 0 end) as bigint) as above,
    cast(sum(case when loss in (lower_sum, higher_sum) then claims else 0 end) as bigint) as as_round
from edges cross join losses
group by {by} edge
order by {by} edge
