-- One row per file: how many losses it states, their sum, and the smallest, the middle and the largest.
select
    file_number,
    count(loss) as stated,
    cast(sum(cast(loss as hugeint)) as bigint) as total,
    min(loss) as smallest,
    quantile_disc(loss, 0.5) as median,
    max(loss) as largest
from accepted
group by all
order by 1
