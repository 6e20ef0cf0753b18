-- One row per record of one Parquet file, in file order: the texts of the wanted columns.
-- Placeholders: `texts` are the wanted columns as "expression as name"; `row` is the number of the record.
select {texts}, {row} as source_row
from read_parquet($path, hive_partitioning = false)
