-- One row a claim: a complaint that broke no rule, or none but those that the incident only counts.
select
    files.file as source_file, source_row, judged.synthetic,
    claim_id, coalesce(claimant_id, claim_id) as claimant_id,
    service, claimant_type, filed_on, loss
    {dimensions}
from judged
join files using (file_number)
where len(broken) = 0
