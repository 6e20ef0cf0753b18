-- One row per row that is stored as text: the stated text of each column, and the value of this text.
-- The value is null if the text cannot be read.
-- Input: `spellings` are the known spellings of services and claimant types, with their ids.
-- Placeholders: `files` are the numbers of the files, which share one layout; `texts` are the stated texts
-- and `values` the values read from them, as "expression as name", each after a comma; `filed_at` is the
-- date and time of filing.
with stated as (
    select file_number, source_row, byte_offset, byte_length, synthetic {texts}
    from text_rows
    where file_number in ({files})
),
valued as (
    select
        stated.*,
        services.id as service,
        claimant_types.id as claimant_type
        {values}
    from stated
    left join spellings as services on services.list = 'service' and services.raw = stated.raw_service
    left join spellings as claimant_types
        on claimant_types.list = 'claimant_type' and claimant_types.raw = stated.raw_claimant_type
)
select *, {filed_at} as filed_at
from valued
