-- One row per row of a Parquet file that should hold a cube, up to a number of rows.
-- Placeholder: `most` is that number.
from read_parquet($path, hive_partitioning = false)
limit {most}
