-- One row per rechecked row whose id differs from what the fast path read: the hash of its id.
-- A row that the fast path accepted has no such difference, unless the engine read the rows in another
-- order.
-- Input: `rechecked` are the rows of `doubtful_rows.sql`.
-- Placeholders: `key` is the column of the id; `shift` is what to add to the place of a row in `typed_rows` to
-- get its row number in the file.
select
    rechecked.file_number, text_rows.source_row, rechecked.plain,
    hash(trim(text_rows.{key}, $blanks)) as id
from rechecked
join typed_rows on typed_rows.rowid = rechecked.place
join text_rows
    on text_rows.file_number = rechecked.file_number
    and text_rows.source_row = rechecked.place + {shift}
where coalesce(trim(text_rows.{key}, $blanks), '') <> coalesce(trim(typed_rows.{key}, $blanks), '')
order by rechecked.file_number, text_rows.source_row
