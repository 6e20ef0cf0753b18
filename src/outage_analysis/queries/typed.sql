-- One row a complaint: its text beside the value that each column stands for, null where it stands for none.
with trimmed as (
    select
        file_number, source_row, synthetic,
        nullif(trim(claim_id), '') as claim_id,
        nullif(trim(claimant_id), '') as claimant_id,
        nullif(trim(service), '') as raw_service,
        nullif(trim(claimant_type), '') as raw_claimant_type,
        nullif(trim(filed_on), '') as raw_filed_on,
        nullif(trim(loss), '') as raw_loss
        {raw_dimensions}
    from staged
)
select
    trimmed.*,
    services.id as service,
    claimant_types.id as claimant_type,
    case
        when regexp_full_match(raw_filed_on, '\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?')
        then try_cast(substr(raw_filed_on, 1, 10) as date)
    end as filed_on,
    case
        when regexp_full_match(raw_loss, $amount)
        then try_cast(try_cast(raw_loss as decimal(28, 6)) * $scale as bigint)
    end as loss
    {typed_dimensions}
from trimmed
left join spellings as services on services.list = 'service' and services.raw = trimmed.raw_service
left join spellings as claimant_types
    on claimant_types.list = 'claimant_type' and claimant_types.raw = trimmed.raw_claimant_type
