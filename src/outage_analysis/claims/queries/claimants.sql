-- One row a claimant among the claims that a line entitles: the losses that they state, added up.
-- A negative value adds nothing; who states only negative ones stays negative, who states none is unknown.
select
    claimant_id,
    cast(case when max(loss) < 0 then -1 else sum(case when loss < 0 then 0 else loss end) end as bigint)
        as loss
from claims
where {entitled}
group by claimant_id
