-- One row a claim, by its id, as a Parquet file of claims keeps it: it can be read again as a complaint file.
select
    claim_id, claimant_id, service, claimant_type, filed_on,
    {loss} as loss
    {dimensions},
    synthetic, files.file as source_file, source_row
from accepted
join files on files.file_number = accepted.file_number
order by claim_id, source_file, source_row
