-- One row per claimant with a claim that the cost line entitles: the sum of the stated losses.
-- A negative loss adds nothing. A claimant who states only negative losses gets -1, and one who states no
-- loss null.
-- Placeholder: `entitled` is the condition under which the line entitles a claim.
select
    claimant_id,
    cast(case when max(loss) < 0 then -1 else sum(case when loss < 0 then 0 else loss end) end as bigint)
        as loss
from exact_claims
where {entitled}
group by claimant_id
