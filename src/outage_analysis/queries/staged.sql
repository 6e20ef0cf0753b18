-- One row a record of one CSV file, as text, in file order; `position` is 1 for the first record read.
select
    row_number() over () as position,
    *
from read_csv(
    $path,
    delim = $delimiter, quote = '"', escape = '"', header = true,
    auto_detect = false, all_varchar = true, null_padding = false,
    columns = $columns,
    store_rejects = true, rejects_limit = 0
)
