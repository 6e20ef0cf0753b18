-- One row per file: how many amounts it states, their sum, and the smallest, the middle and the largest.
-- Placeholders: `file` is the number of the file, `amount` the amount and `source` the table.
select
    {file} as file_number,
    count({amount}) as stated,
    cast(sum(cast({amount} as hugeint)) as bigint) as total,
    min({amount}) as smallest,
    quantile_disc({amount}, 0.5) as median,
    max({amount}) as largest
from {source}
group by all
order by 1
