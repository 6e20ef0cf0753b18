-- One row per record of one delimited text file, every cell as text, in file order.
-- A record with fewer cells than columns is filled with nulls; cells beyond the last column are cut off.
from read_csv(
    $path,
    delim = $delimiter, quote = $quote, escape = $escape, header = $header, skip = $skip,
    auto_detect = false, all_varchar = true, null_padding = true, strict_mode = false, parallel = $parallel,
    columns = $columns
)
