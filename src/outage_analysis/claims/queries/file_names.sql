-- One row per file, in the order in which the files were read: its name.
select file
from files
order by file_number
