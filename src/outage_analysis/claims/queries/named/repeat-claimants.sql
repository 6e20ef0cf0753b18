-- One row per way to identify claimants and level of detail.
-- `filed_again` are the claimants with more than one claim. A claim without a claimant counts as the only claim
-- of its claimant.
with identified as (
    select
        case when claimant_id is null then 'claim_id' else 'claimant_id' end as identified_by,
        coalesce(claimant_id, claim_id) as claimant_id, service, filed_on, loss
    from accepted
),
grains as (
    select identified_by, 'claimant' as grain, 1 as rank, count(*) as claims
    from identified group by identified_by, claimant_id
    union all
    select identified_by, 'claimant_and_service', 2, count(*)
    from identified group by identified_by, claimant_id, service
    union all
    select identified_by, 'claimant_service_and_day', 3, count(*)
    from identified group by identified_by, claimant_id, service, filed_on
    union all
    select identified_by, 'claimant_service_and_loss', 4, count(*)
    from identified where loss > 0 group by identified_by, claimant_id, service, loss
)
select
    identified_by, grain,
    cast(sum(claims) as bigint) as claims,
    count(*) as claimants,
    count(case when claims > 1 then 1 end) as filed_again
from grains
group by identified_by, grain, rank
order by identified_by desc, rank
