-- One row per service.
-- All amounts are of the stated losses, including losses of 0. 90 % of the losses are at most `p90`.
select
    service,
    count(*) as claims,
    count(loss) as stated,
    sum(loss) as loss,
    sum(loss) / count(loss) as mean,
    quantile_disc(loss, 0.5) as median,
    quantile_disc(loss, 0.9) as p90,
    max(loss) as largest
from exact_claims
group by service
order by service
