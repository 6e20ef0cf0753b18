-- One row per policy edge: how many positive losses lie at it and around it.
-- `losses` counts all of them, `under` those below the edge, `below` and `above` those within reach of it,
-- and `as_round` those at the two amounts that are equally round. The table `edges` has a row per edge.
with losses as (select loss, count(*) as claims from exact_claims where loss > 0 group by loss)
select
    edge,
    cast(sum(claims) as bigint) as losses,
    cast(sum(case when loss < edge then claims else 0 end) as bigint) as under,
    cast(sum(case when loss > edge - reach and loss < edge then claims else 0 end) as bigint) as below,
    cast(sum(case when loss = edge then claims else 0 end) as bigint) as at_edge,
    cast(sum(case when loss > edge and loss < edge + reach then claims else 0 end) as bigint) as above,
    cast(sum(case when loss in (lower_sum, higher_sum) then claims else 0 end) as bigint) as as_round
from edges cross join losses
group by edge
order by edge
