-- One row per complaint that was rechecked: no row, because the fast path accepted all complaints.
-- Placeholders: `columns` are the columns of a claim, each a null of its type; `raw_dimensions` are the
-- texts of the incident's dimensions, each after a comma.
with empty_claim as (select {columns})
select
    * replace (cast(null as varchar) as synthetic),
    cast(null as bigint) as file_number, cast(null as bigint) as source_row,
    cast(null as bigint) as byte_offset, cast(null as bigint) as byte_length,
    cast(null as varchar) as raw_service, cast(null as varchar) as raw_claimant_type,
    cast(null as varchar) as raw_filed_on, cast(null as varchar) as raw_filed_at,
    cast(null as date) as filed_at_day, cast(null as varchar) as raw_loss,
    cast(null as varchar) as raw_count, cast(null as integer) as count
    {raw_dimensions},
    cast(null as bigint) as kept_file, cast(null as bigint) as kept_row,
    cast(null as varchar[]) as broken
from empty_claim
where false
