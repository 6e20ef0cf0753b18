-- One row a claim: a complaint that broke no rule, or none but those that the incident only counts. Where no
-- claimant is named, `claimant_id` is null.
select
    cast(file_number as bigint) as file_number,
    rowid + {shift} as source_row,
    synthetic, claim_id, claimant_id,
    cast(service as varchar) as service,
    cast(claimant_type as varchar) as claimant_type,
    filed_on, loss
    {passed}
from passed
where ok
union all
select
    file_number, source_row, {marked} as synthetic, claim_id, claimant_id, service, claimant_type, filed_on, loss
    {dimensions}
from judged
where len(broken) = 0
union all
select
    file_number, source_row, synthetic, claim_id, claimant_id, service, claimant_type, filed_on, loss
    {dimensions}
from earlier
