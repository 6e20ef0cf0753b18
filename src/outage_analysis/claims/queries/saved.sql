-- One row per claim, ordered by its id, as a Parquet file of claims keeps it.
-- Such a file can be read again as a complaint file.
-- Placeholders: `filed_at` is the date and time of filing after a comma, or an empty string if no claim has
-- a time; `loss` is the loss in the unit of a claims file; `dimensions` are the incident's dimensions, each
-- after a comma.
select
    claim_id, claimant_id, service, claimant_type, filed_on {filed_at},
    {loss} as loss
    {dimensions},
    synthetic, files.file as source_file, source_row
from accepted
join files on files.file_number = accepted.file_number
order by claim_id, source_file, source_row
