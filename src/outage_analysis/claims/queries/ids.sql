-- One row an id among some rows of a table: its hash, if it belongs to one part of all hashes.
select id
from (select hash({claim_id}) as id from {rows} where claim_id is not null)
where id % {parts} = {part}
