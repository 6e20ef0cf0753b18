-- One row per column and distinct text of the column that cannot be read.
select distinct 'service' as meant, raw_service as raw
from parsed_rows
where service is null
union all
select distinct 'claimant_type' as meant, raw_claimant_type as raw
from parsed_rows
where claimant_type is null
union all
select distinct 'filed_on' as meant, raw_filed_on as raw
from parsed_rows
where filed_on is null
union all
select distinct 'loss' as meant, raw_loss as raw
from parsed_rows
where loss is null
