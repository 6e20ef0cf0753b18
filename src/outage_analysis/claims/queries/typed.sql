-- One row per complaint that is rechecked: the text of each column, and its value.
-- The value is null where the text cannot be read.
-- Placeholders: `files` are the numbers of the files, which share one layout; `filed_on` and `loss` read
-- the day and the amount; `raw_dimensions` and `typed_dimensions` are the texts and the values of the
-- incident's dimensions, each after a comma.
with trimmed as (
    select
        file_number, source_row, byte_offset, byte_length, synthetic,
        case when not regexp_full_match(lower(trim(claim_id, $blanks)), $nobody) then trim(claim_id, $blanks) end
            as claim_id,
        case
            when not regexp_full_match(lower(trim(claimant_id, $blanks)), $nobody || '|0+')
            then trim(claimant_id, $blanks)
        end as claimant_id,
        nullif(trim(service, $blanks), '') as raw_service,
        nullif(trim(claimant_type, $blanks), '') as raw_claimant_type,
        nullif(trim(filed_on, $blanks), '') as raw_filed_on,
        nullif(trim(loss, $blanks), '') as raw_loss
        {raw_dimensions}
    from staged
    where file_number in ({files})
)
select
    trimmed.*,
    services.id as service,
    claimant_types.id as claimant_type,
    {filed_on} as filed_on,
    {loss} as loss
    {typed_dimensions}
from trimmed
left join spellings as services on services.list = 'service' and services.raw = trimmed.raw_service
left join spellings as claimant_types
    on claimant_types.list = 'claimant_type' and claimant_types.raw = trimmed.raw_claimant_type
