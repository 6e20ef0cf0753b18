-- One row per number of claims that one claimant filed.
-- A claim without a claimant counts as the only claim of its claimant.
with claimants as (
    select claimant_id, count(*) as claims_each, sum(loss) as loss
    from exact_claims
    group by claimant_id
)
select
    claims_each,
    count(*) as claimants,
    sum(claims_each) as claims,
    sum(loss) as loss
from claimants
group by claims_each
order by claims_each
