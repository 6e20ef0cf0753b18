-- One row per distinct text that rechecked rows have as a service or a claimant type.
with texts as (
    select trim(service, $blanks) as service, trim(claimant_type, $blanks) as claimant_type from text_rows
)
select distinct list, raw
from texts unpivot (raw for list in (service, claimant_type))
where raw <> ''
order by all
