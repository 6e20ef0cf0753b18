-- One row an edge (and group): the positive losses exactly at it, under it, within reach on either side, and
-- at the two sums that are as round.
-- The four lists are put side by side by the places of their values: engines differ in how they do it at once.
with given_edges as (select edge, place from unnest($edges) with ordinality as given(edge, place)),
given_reaches as (select reach, place from unnest($reaches) with ordinality as given(reach, place)),
given_lower as (select lower_sum, place from unnest($lower) with ordinality as given(lower_sum, place)),
given_higher as (select higher_sum, place from unnest($higher) with ordinality as given(higher_sum, place)),
edges as (
    select
        cast(edge as bigint) as edge,
        cast(reach as bigint) as reach,
        cast(lower_sum as bigint) as lower_sum,
        cast(higher_sum as bigint) as higher_sum
    from given_edges
    join given_reaches on given_reaches.place = given_edges.place
    join given_lower on given_lower.place = given_edges.place
    join given_higher on given_higher.place = given_edges.place
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
