-- One row per rechecked row whose id differs from what the fast path read: the hash of its id.
-- A row that the fast path accepted has no such difference, unless the engine read the rows in another
-- order.
-- Placeholder: `shift` is what to add to the place of a row in `fast_rows` to get its row number in the file.
select
    uncertain_rows.file_number, staged.source_row, uncertain_rows.plain,
    hash(trim(staged.claim_id, $blanks)) as id
from uncertain_rows
join fast_rows on fast_rows.rowid = uncertain_rows.place
join staged
    on staged.file_number = uncertain_rows.file_number
    and staged.source_row = uncertain_rows.place + {shift}
where coalesce(trim(staged.claim_id, $blanks), '') <> coalesce(trim(fast_rows.claim_id, $blanks), '')
order by uncertain_rows.file_number, staged.source_row
