-- One row per service and claimant type.
-- `unknown` are the claims that state no loss, and `share` is their share of the claims.
select
    service,
    claimant_type,
    count(*) as claims,
    count(*) filter (loss is null) as unknown,
    count(*) filter (loss = 0) as zero,
    unknown / claims as share
from exact_claims
group by service, claimant_type
order by service, claimant_type
