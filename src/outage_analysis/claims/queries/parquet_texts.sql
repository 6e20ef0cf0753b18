-- One row per chosen record of one Parquet file, in file order: its row number and the texts of its columns.
-- Placeholders: `texts` are the wanted columns as "expression as name"; `row` is the number of the record;
-- `chosen` is the condition under which a record is returned.
with numbered as (
    select {texts}, {row} as source_row
    from read_parquet($path, hive_partitioning = false)
)
select *
from numbered
where {chosen}
