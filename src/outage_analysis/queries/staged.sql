-- One row a line of one plain CSV file, as text, in file order; `position` is 1 for the first below the header.
select
    row_number() over () as position,
    *
from read_csv(
    $path,
    delim = $delimiter, quote = '', escape = '', header = true, skip = $skip,
    auto_detect = false, all_varchar = true, null_padding = false,
    columns = $columns,
    store_rejects = true, rejects_limit = 0
)
