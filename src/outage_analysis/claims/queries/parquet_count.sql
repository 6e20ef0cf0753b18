-- One row per Parquet file: how many records it has.
select count(*) as records
from read_parquet($path, hive_partitioning = false)
