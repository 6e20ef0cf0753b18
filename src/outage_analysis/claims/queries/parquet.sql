-- One row per record of one Parquet file, in file order.
from read_parquet($path, hive_partitioning = false)
