-- One row per base table of a database: its name and its definition.
-- The definition is a statement with its columns, types, defaults and constraints.
select table_name, sql
from duckdb_tables()
where database_name = $database
order by all
