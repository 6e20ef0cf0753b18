-- One row per record of one Parquet file, up to a number of records: the texts of the wanted columns.
-- Placeholders: `texts` are the wanted columns as "expression as name"; `most` is that number;
-- `columns` are the names by which its columns are called, in their order.
select {texts}
from read_parquet($path, hive_partitioning = false) as file({columns})
limit {most}
