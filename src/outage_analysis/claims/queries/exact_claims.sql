-- One row per claim, with amounts in the smallest unit.
-- It has the name of its file, and its own id in place of a claimant's where the file names none.
-- Placeholders: `files` is the list of file names, by file number; `dimensions` are the incident's
-- dimensions, each after a comma.
select
    {files}[file_number + 1] as source_file, source_row, synthetic,
    claim_id, coalesce(claimant_id, claim_id) as claimant_id,
    service, claimant_type, filed_on, filed_at, loss
    {dimensions}
from accepted
