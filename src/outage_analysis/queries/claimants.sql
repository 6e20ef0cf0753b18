-- One row a claimant among the claims that a line entitles: the losses that they state, added up.
-- A negative value adds nothing; a claimant who states no loss at all is unknown.
select claimant_id, cast(sum(case when loss < 0 then 0 else loss end) as bigint) as loss
from claims
where {entitled}
group by claimant_id
