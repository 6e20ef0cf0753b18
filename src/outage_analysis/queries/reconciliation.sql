-- One row a file: every row read is exactly one claim or one reject.
select
    files.file,
    (select count(*) from staged where staged.file_number = files.file_number)
        + (select count(*) from unreadable where unreadable.file_number = files.file_number) as rows,
    (select count(*) from claims where claims.source_file = files.file) as claims,
    (select count(*) from rejects where rejects.source_file = files.file) as rejects
from files
order by files.file_number
