-- One row per round step that divides at least one loss.
-- `claims` are the claims whose loss above 0 is a multiple of the step, and `share` is their share. Without
-- a preference for round amounts, the share `even` is expected. Steps are in the smallest unit.
with losses as (
    select loss, count(*) as claims
    from exact_claims
    where loss > 0
    group by loss
),
steps as (select cast(power(10, digits) as integer) as step from range(1, 9) as listed(digits)),
counted as (
    select
        step,
        cast(coalesce(sum(claims) filter (loss % step = 0), 0) as bigint) as claims,
        sum(claims) as losses
    from steps cross join losses
    group by step
)
select step, claims, claims / losses as share, 1 / step as even
from counted
where claims > 0
order by step
