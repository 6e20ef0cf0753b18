-- One row per pair of services for which the same claimants filed.
-- `claimants` are the claimants with claims for both services, and `share` is their share of the claimants of
-- the first service.
with filed as (select distinct claimant_id, service from exact_claims),
totals as (select service, count(*) as claimants from filed group by service),
pairs as (
    select one.service, other.service as other_service, count(*) as claimants
    from filed as one
    join filed as other on other.claimant_id = one.claimant_id and other.service <> one.service
    group by one.service, other.service
)
select pairs.service, other_service, pairs.claimants, pairs.claimants / totals.claimants as share
from pairs
join totals on totals.service = pairs.service
order by pairs.claimants desc, pairs.service, other_service
