-- One row a record of one file, in its order: what its texts say at first sight, and whether it is a claim
-- for sure. The others are looked at again, text by text.
with told as (select {texts} from {source}),
valued as (select * {values} from told)
select
    cast({file} as usmallint) as file_number,
    claim_id, claimant_id, service, claimant_type, filed_on, loss
    {dimensions},
    {marked} as synthetic,
    coalesce({ok}, false) as ok
from valued
