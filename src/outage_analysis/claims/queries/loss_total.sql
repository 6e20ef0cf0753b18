-- One row per run: the sum of the absolute losses.
select coalesce(sum(abs(loss)), 0) as total
from exact_claims
