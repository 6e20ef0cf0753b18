-- One row per file, in the order in which the files were read: its name.
-- Placeholder: `files` is the table of the files.
select file
from {files}
order by file_number
