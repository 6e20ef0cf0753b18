-- One row per run: the number of claims whose key the table of the user contains.
-- Placeholder: `key` is the key of a claim as text.
select count(*) as claims
from accepted
where {key} in (select joined_key from joined)
