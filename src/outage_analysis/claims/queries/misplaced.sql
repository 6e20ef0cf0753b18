-- One row a row that was looked at closely and has another id than at first sight: its id's hash. A plain row has none,
-- unless rows came in another order than that of their file.
select doubtful.file_number, staged.source_row, doubtful.plain, hash(trim(staged.claim_id, $blanks)) as id
from doubtful
join passed on passed.rowid = doubtful.place
join staged on staged.file_number = doubtful.file_number and staged.source_row = doubtful.place + {shift}
where coalesce(trim(staged.claim_id, $blanks), '') <> coalesce(trim(passed.claim_id, $blanks), '')
order by doubtful.file_number, staged.source_row
