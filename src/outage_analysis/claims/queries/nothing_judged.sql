-- One row a complaint that was looked at closely: here none, where every one is plain.
select
    * replace (cast(null as varchar) as synthetic),
    cast(null as bigint) as file_number, cast(null as bigint) as source_row,
    cast(null as bigint) as byte_offset, cast(null as bigint) as byte_length,
    cast(null as varchar) as raw_service, cast(null as varchar) as raw_claimant_type,
    cast(null as varchar) as raw_filed_on, cast(null as varchar) as raw_loss
    {raw_dimensions},
    cast(null as bigint) as kept_file, cast(null as bigint) as kept_row,
    cast(null as varchar[]) as broken, cast(null as varchar[]) as noted
from (select {columns}) as typed
where false
