-- One row per object of the opened warehouse file that is not a base table of its main schema: kind and name.
select 'view' as kind, view_name as name from duckdb_views() where database_name = 'opened' and not internal
union all select 'macro', function_name from duckdb_functions() where database_name = 'opened' and not internal
union all select 'trigger', trigger_name from duckdb_triggers() where database_name = 'opened'
union all select 'index', index_name from duckdb_indexes() where database_name = 'opened'
union all select 'sequence', sequence_name from duckdb_sequences() where database_name = 'opened'
union all select 'type', type_name from duckdb_types() where database_name = 'opened' and not internal
union all select 'schema', schema_name from duckdb_schemas() where database_name = 'opened' and not internal
order by all
