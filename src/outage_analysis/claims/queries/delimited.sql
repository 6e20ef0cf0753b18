-- One row a record of one delimited file, as text, in file order; a short one is filled with nulls, a long one cut.
from read_csv(
    $path,
    delim = $delimiter, quote = $quote, escape = $quote, header = $header, skip = $skip,
    auto_detect = false, all_varchar = true, null_padding = true, strict_mode = false, parallel = $parallel,
    columns = $columns
)
