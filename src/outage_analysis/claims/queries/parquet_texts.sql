-- One row per chosen record of one Parquet file, in file order: its row number and the texts of its columns.
-- Placeholders: `texts` are the wanted columns as "expression as name"; `columns` are the names by which
-- the columns are called, in their order; `chosen` is a `where` or a `limit` that chooses records, or empty.
with numbered as (
    select {texts}, file_row_number + 1 as source_row
    from read_parquet($path, hive_partitioning = false) as file({columns})
)
select *
from numbered
{chosen}
