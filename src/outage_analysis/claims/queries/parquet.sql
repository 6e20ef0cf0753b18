-- One row per record of one Parquet file, in file order.
-- Placeholder: `columns` are the names by which its columns are called, in their order.
from read_parquet($path, hive_partitioning = false) as file({columns})
