-- One row per query: the number of claims whose time of day is known.
select count(filed_at) as claims
from accepted
