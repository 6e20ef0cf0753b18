-- One row per distinct text that rechecked rows have as a service or a claimant type.
select distinct 'service' as list, trim(service, $blanks) as raw
from text_rows
where raw <> ''
union all
select distinct 'claimant_type' as list, trim(claimant_type, $blanks) as raw
from text_rows
where raw <> ''
order by all
