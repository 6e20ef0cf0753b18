-- One row per run: how many claims name no claimant.
select count(*) as claims
from accepted
where claimant_id is null
