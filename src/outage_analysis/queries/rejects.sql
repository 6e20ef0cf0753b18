-- One row a reject: a record that could not be read, or a complaint with the rules it broke.
select
    files.file as source_file, source_row, broken, null::varchar as raw,
    claim_id, raw_service as service, raw_claimant_type as claimant_type,
    raw_filed_on as filed_on, raw_loss as loss, kept.file as kept_file, kept_row
from judged
join files using (file_number)
left join files as kept on kept.file_number = judged.kept_file and len(broken) > 0
where len(broken) > 0
union all
select file, source_row, ['the record has the fields of its header'], raw,
    null, null, null, null, null, null, null
from unreadable
join files using (file_number)
order by source_file, source_row
