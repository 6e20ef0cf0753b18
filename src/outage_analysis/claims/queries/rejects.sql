-- One row per reject: a complaint with the rules that it broke, or a record that could not be read.
-- `raw` is its text in the file, or its cells where the file is not a text file; `byte` is where that text
-- starts.
-- Input: `located` are the texts of rejects of text files, with their places.
-- Placeholders: `unreadable` is the rule that a record breaks if it could not be read; `checked_rows` are the
-- complaints, as often as the claims that they stand for.
select
    files.file as source_file, source_row, located.byte, broken,
    coalesce(
        located.raw,
        concat_ws(' | ', claim_id, raw_service, raw_claimant_type, raw_filed_on, raw_loss)
    ) as raw,
    null::varchar as problem,
    claim_id, claimant_id, raw_service as service, raw_claimant_type as claimant_type,
    raw_filed_on as filed_on, raw_loss as loss, kept.file as kept_file, kept_row
from {checked_rows}
join files using (file_number)
left join files as kept on kept.file_number = checked_rows.kept_file and len(broken) > 0
left join located using (file_number, source_row)
where len(broken) > 0
union all
select
    file, source_row, located.byte, [{unreadable}], located.raw, problem,
    null, null, null, null, null, null, null, null
from unreadable
join files using (file_number)
left join located using (file_number, source_row)
order by source_file, source_row
