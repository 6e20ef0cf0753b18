-- One row per rechecked row whose id differs from what the fast path read: the hash of its id.
-- A row that the fast path was sure of has no such difference, unless the engine read the rows in another
-- order.
-- Placeholder: `shift` is what to add to the place of a row in `passed` to get its row number in the file.
select doubtful.file_number, staged.source_row, doubtful.plain, hash(trim(staged.claim_id, $blanks)) as id
from doubtful
join passed on passed.rowid = doubtful.place
join staged on staged.file_number = doubtful.file_number and staged.source_row = doubtful.place + {shift}
where coalesce(trim(staged.claim_id, $blanks), '') <> coalesce(trim(passed.claim_id, $blanks), '')
order by doubtful.file_number, staged.source_row
