-- One row a row whose text is not that of its place among the rows typed at first sight, as if those had come in
-- another order than that of their file.
select files.file, staged.source_row
from doubtful
join passed on passed.rowid = doubtful.place
join staged on staged.file_number = doubtful.file_number and staged.source_row = doubtful.place + {shift}
join files on files.file_number = staged.file_number
where coalesce(trim(staged.claim_id, $blanks), '') <> coalesce(trim(passed.claim_id, $blanks), '')
order by staged.file_number, staged.source_row
limit 1
