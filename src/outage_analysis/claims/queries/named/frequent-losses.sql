-- One row per loss, the most frequent first.
-- The query returns the ten most frequent losses above 0, if at least two claims state them. Of equally
-- frequent losses, the smaller one comes first.
with losses as (
    select loss, count(*) as claims
    from exact_claims
    where loss > 0
    group by loss
),
shares as (select loss, claims, claims / sum(claims) over () as share from losses)
select loss, claims, share
from shares
where claims > 1
order by claims desc, loss
limit 10
