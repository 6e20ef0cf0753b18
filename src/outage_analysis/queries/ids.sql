-- One row a row that was read, or that came before: a hash of its id.
select hash(case when ok then claim_id else trim(claim_id, $blanks) end) as id from passed where claim_id is not null
union all
select hash(trim(claim_id, $blanks)) from staged where claim_id is not null
union all
select hash(claim_id) from earlier
