-- One row per table of the opened warehouse file that is not that of this version, or is missing: its name.
-- A definition is a statement with its columns, types, defaults and constraints.
select table_name as name
from duckdb_tables()
where database_name in ('memory', 'opened') and schema_name = 'main'
group by table_name, sql
having count(*) = 1
order by name
