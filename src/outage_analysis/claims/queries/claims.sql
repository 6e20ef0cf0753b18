-- One row a claim, as it is asked for: with the name of its file, and with its own id for a claimant who is not named.
select
    {files}[file_number + 1] as source_file, source_row, synthetic,
    claim_id, coalesce(claimant_id, claim_id) as claimant_id,
    service, claimant_type, filed_on, loss
    {dimensions}
from accepted
