-- One row per claim: a complaint that breaks no rule, or only rules that do not reject it.
-- The claims of the fast path come first, then those that were validated. `claimant_id` is null where the
-- file names no claimant.
-- Placeholders: `shift` is what to add to the place of a row in `typed_rows` to get its row number in the
-- file; `fast_filed_at` is the date and time of filing of a row in `typed_rows`; `fast_dimensions` and
-- `dimensions` are the incident's dimensions, each after a comma (`fast_dimensions` casts them to their
-- types); `marked` is whether the row is marked as synthetic; `typed_rows` and `checked_rows` are these
-- tables, in which a row comes as often as the claims it stands for, and `claim_id` is the id of each of them.
select
    cast(file_number as bigint) as file_number,
    rowid + {shift} as source_row,
    synthetic, {claim_id}, claimant_id,
    cast(service as varchar) as service,
    cast(claimant_type as varchar) as claimant_type,
    filed_on, {fast_filed_at} as filed_at, loss
    {fast_dimensions}
from {typed_rows}
where ok
union all
select
    file_number, source_row, {marked} as synthetic,
    {claim_id}, claimant_id, service, claimant_type, filed_on, filed_at, loss
    {dimensions}
from {checked_rows}
where len(broken) = 0
