-- One row per record of one file, in file order: the values that the fast path reads from its texts.
-- `ok` is whether the record is certainly a claim. The other records are rechecked, text by text.
-- Placeholders: `texts` are the texts of the columns as "expression as name"; `source` is the query of the
-- records; `values` are the values as "expression as name", each after a comma; `file` is the number of
-- the file; `added` are the date and time of filing and the number of claims that the record stands for,
-- each after a comma, or an empty string; `dimensions` are the incident's dimensions, each after a comma;
-- `marked` is whether the record is marked as synthetic; `ok` is the condition under which it needs no recheck.
with as_text as (select {texts} from {source}),
valued as (select * {values} from as_text)
select
    cast({file} as usmallint) as file_number,
    claim_id, claimant_id, service, claimant_type, filed_on {added}, loss
    {dimensions},
    {marked} as synthetic,
    coalesce({ok}, false) as ok
from valued
